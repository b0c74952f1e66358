//! Weights so large or small that their sums leave f32: measured again, brought near 1.
//!
//! That they are is seen from the sums, which are read anyway, so that usual weights cost nothing.

use dice_loss::{Prepared, Sum};

use crate::{Computed, Numbers, Operations};

/// Sums of weights within which those of anything else keep their digits.
const ORDINARY: std::ops::Range<f64> = 1e-25..1e30;

/// The same where values of maps, of up to 1e12, multiply them.
const BESIDE_MAPS: std::ops::Range<f64> = 1e-13..1e18;

/// Whether the sum of all weights, of sums `[N, C, K]`, is far from 1.
pub(crate) fn are_far(prepared: &Prepared, sums: &[f64]) -> bool {
    let integrands = prepared.integrands();
    let Some(at) = integrands.iter().position(|integrand| integrand.sum == Sum::Voxels) else {
        return false;
    };
    let largest = sums.iter().skip(at).step_by(integrands.len()).copied().fold(0.0, f64::max);
    let has_maps = integrands.iter().any(|integrand| integrand.map.is_some());
    !(if has_maps { BESIDE_MAPS } else { ORDINARY }).contains(&largest)
}

/// With weights of which the largest is near 1, and the power of two that they were multiplied with;
/// `None` if none is above 0. Waits for the device.
pub(crate) fn brought_near<O: Operations>(
    weights: O::Numbers,
) -> Computed<Option<(O::Numbers, f64)>, O> {
    let values = weights.clone().to_host()?;
    let good = |weight: f64| weight > 0.0 && weight <= f64::from(f32::MAX);
    let largest = values.iter().copied().filter(|&weight| good(weight)).fold(0.0, f64::max);
    if largest == 0.0 {
        return Ok(None);
    }
    let scale = 2f64.powi(-(largest.max(f64::MIN_POSITIVE).log2().floor() as i32));
    let scaled = |weight: f64| match good(weight) {
        // What counts keeps a weight, be it ever so small beside the others'.
        true => (weight * scale).max(f64::from(f32::MIN_POSITIVE)),
        false => weight,
    };
    let values = values.into_iter().map(scaled).collect();
    Ok(Some((weights.constant(values, weights.shape())?, scale)))
}

/// The sums of the weights as they were.
pub(crate) fn restore(prepared: &Prepared, sums: &mut [f64], scale: f64) {
    let integrands = prepared.integrands();
    for (sum, integrand) in sums.iter_mut().zip(integrands.iter().cycle()) {
        if !integrand.sum.is_count() {
            *sum /= scale;
        }
    }
}
