//! Powers of a plane.

use super::{
    geometry::{Plane, TILE},
    isa::Instructions,
    labels::Labels,
    number::Number,
};

/// The power of every number of a plane; all are at least 0.
#[inline(always)]
pub(super) fn raise<I: Instructions, F: Number>(
    base: &Plane<F>,
    exponent: f64,
    out: &mut Plane<F>,
) {
    if exponent == 0.0 {
        *out = [F::ONE; TILE];
    } else if exponent == 1.0 {
        *out = *base;
    } else if exponent == 2.0 {
        for i in 0..TILE {
            out[i] = base[i] * base[i];
        }
    } else {
        let exponent = F::of(exponent);
        for i in 0..TILE {
            out[i] = base[i].pow::<I>(exponent);
        }
    }
}

/// The same with the exponent of each voxel's class.
#[inline(always)]
pub(super) fn raise_by_label<I: Instructions, F: Number>(
    labels: &Labels,
    base: &Plane<F>,
    exponents: &[f64],
    out: &mut Plane<F>,
) {
    let first = exponents.first().copied().unwrap_or(0.0);
    if exponents.iter().all(|&exponent| exponent == first) {
        return raise::<I, F>(base, first, out);
    }
    labels.look_up(|class| F::of(exponents[class]), out);
    for i in 0..TILE {
        out[i] = base[i].pow::<I>(out[i]);
    }
}
