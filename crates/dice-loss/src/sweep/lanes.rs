//! Sums that run side by side, in a fixed order.

pub(super) use super::geometry::{Block, LANES};

use super::{
    geometry::{Plane, TILE},
    number::Number,
};

/// The sum over the lanes, halves first.
#[inline(always)]
pub(super) fn sum<F: Number>(mut lanes: Block<F>) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0].to_f64()
}

/// Σ f(a, b) over two planes, in lanes.
///
/// The function should be a few operations: a large closure may not be inlined, and would then be
/// compiled for the baseline.
#[inline(always)]
pub(super) fn fold<F: Number>(a: &Plane<F>, b: &Plane<F>, f: impl Fn(F, F, F) -> F) -> Block<F> {
    let [total] = folds(a, b, b, |[total], a, b, _| [f(total, a, b)]);
    total
}

/// Several sums over three planes at once.
#[inline(always)]
pub(super) fn folds<F: Number, const K: usize>(
    a: &Plane<F>,
    b: &Plane<F>,
    c: &Plane<F>,
    f: impl Fn([F; K], F, F, F) -> [F; K],
) -> [Block<F>; K] {
    const { assert!(TILE == 4 * LANES) };
    let mut totals = [[F::ZERO; LANES]; K];
    for i in 0..LANES {
        // Written out: a loop in a loop would be vectorised across its strides.
        let mut total = f([F::ZERO; K], a[i], b[i], c[i]);
        total = f(total, a[i + LANES], b[i + LANES], c[i + LANES]);
        total = f(total, a[i + 2 * LANES], b[i + 2 * LANES], c[i + 2 * LANES]);
        total = f(total, a[i + 3 * LANES], b[i + 3 * LANES], c[i + 3 * LANES]);
        for k in 0..K {
            totals[k][i] = total[k];
        }
    }
    totals
}
