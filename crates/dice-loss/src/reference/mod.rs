//! The specification: every sum, loss, gradient and map in `f64`, one voxel at a time.
//!
//! Use it to check, not to train: it is written to be read, and slow. [`measure`], [`pull_back`]
//! and [`voxel_losses`] take what the verbs of [`Objective`] take and mean the same; the scalar
//! arithmetic between the sweeps is the objective's own [`evaluate`](Objective::evaluate).
//!
//! Everything that is added up comes with its magnitude: the sum of the absolute values of what
//! was added. The rounding errors of any order of summation, in any precision, are proportional
//! to it, so a tolerance can be derived instead of guessed.
//!
//! ```
//! use dice_loss::{Dice, Layout, Logits, Objective, Target, reference};
//!
//! let objective = Objective::new().term(1.0, Dice::default().softmax());
//! let layout = Layout::channels_first(&[1, 2, 3])?;
//! let logits = Logits::new(&[0.5f32, -1.0, 2.0, 0.0, 1.0, 0.25], layout)?;
//! let target = Target::labels(&[0u8, 1, 1], Layout::voxels(&[1, 3])?)?;
//!
//! let fast = objective.measure(&logits, &target)?;
//! let slow = reference::measure(&objective, &logits, &target)?;
//! for ((fast, slow), magnitude) in
//!     fast.as_slice().iter().zip(slow.moments.as_slice()).zip(&slow.magnitudes)
//! {
//!     assert!((fast - slow).abs() <= 1e-6 * magnitude);
//! }
//! # Ok::<(), dice_loss::Error>(())
//! ```

mod cldice;
mod gradient;
mod hardest;
mod log_loss;
mod lovasz;
mod probability;
mod sums;
mod voxels;

use crate::{Logits, Moments, Objective, Prepared, Result, Target, Upstream, Verdict};
pub use cldice::{Centerline, cldice};
pub use hardest::{Hardest, hardest};
pub use lovasz::{Ranked, lovasz};
use voxels::Voxels;

/// The moments of a batch.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What [`Objective::measure`] is to return.
    pub moments: Moments,
    /// The magnitude of each sum, in the order of [`Moments::as_slice`]; 0 for counts.
    pub magnitudes: Vec<f64>,
}

/// The gradient by the logits, in the order (N, C, S).
#[derive(Debug, Clone)]
pub struct Gradient {
    /// What [`Objective::pull_back`] is to write.
    pub values: Vec<f64>,
    /// The magnitude of each value.
    pub magnitudes: Vec<f64>,
}

/// A map of voxel losses, in the order (N, 1, S) or (N, C, S).
#[derive(Debug, Clone)]
pub struct VoxelLosses {
    /// What [`Objective::voxel_losses`] is to write.
    pub values: Vec<f64>,
    /// The magnitude of each value.
    pub magnitudes: Vec<f64>,
}

/// Sweep 1, as [`Objective::measure`], with the same errors.
pub fn measure(objective: &Objective, logits: &Logits, target: &Target) -> Result<Measured> {
    let (prepared, batch) = read(objective, logits, target)?;
    Ok(sums::measure(prepared.plan(), &batch)?.0)
}

/// The loss of a batch.
pub fn loss(objective: &Objective, logits: &Logits, target: &Target) -> Result<f64> {
    Ok(objective.evaluate(&measure(objective, logits, target)?.moments)?.loss())
}

/// Sweep 2, as [`Objective::pull_back`], with the errors of `measure`.
pub fn pull_back<'u>(
    objective: &Objective,
    verdict: &Verdict,
    upstream: impl Into<Upstream<'u>>,
    logits: &Logits,
    target: &Target,
) -> Result<Gradient> {
    let (prepared, batch) = read(objective, logits, target)?;
    let plan = prepared.plan();
    verdict.expect_sums(plan)?;
    let mut slopes = verdict.slopes(&upstream.into(), plan, logits.layout)?;
    if let (_, Some(known)) = sums::measure(plan, &batch)? {
        slopes = slopes.in_rows(plan, &known);
    }
    Ok(gradient::pull_back(plan, &slopes, &batch))
}

/// The loss of every voxel, as [`Objective::voxel_losses`], with the errors of `measure`.
pub fn voxel_losses(
    objective: &Objective,
    logits: &Logits,
    target: &Target,
) -> Result<VoxelLosses> {
    let (prepared, batch) = read(objective, logits, target)?;
    let [_, channels, _] = prepared.map_shape(logits.layout)?;
    Ok(log_loss::voxel_losses(prepared.plan(), &batch, channels))
}

fn read<'a>(
    objective: &Objective,
    logits: &Logits,
    target: &Target<'a>,
) -> Result<(Prepared, Voxels<'a>)> {
    let prepared = objective.prepare(logits.layout.classes)?;
    let instances = prepared.instances(logits, target)?;
    let batch = Voxels::read(prepared.plan(), logits, target, instances)?;
    Ok((prepared, batch))
}
