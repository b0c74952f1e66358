//! Planes as blocks of lanes, so that sums run side by side and in a fixed order.

use super::number::Number;

/// Numbers that a loop takes together: one AVX-512 register of f32.
pub(super) const LANES: usize = 16;

/// As many numbers as there are lanes.
pub(super) type Block<F> = [F; LANES];

/// A plane whose length is a multiple of [`LANES`], as blocks.
#[inline(always)]
pub(super) fn blocks<F>(plane: &[F]) -> &[Block<F>] {
    plane.as_chunks().0
}

#[inline(always)]
pub(super) fn blocks_mut<F>(plane: &mut [F]) -> &mut [Block<F>] {
    plane.as_chunks_mut().0
}

/// The sum over the lanes, halves first.
#[inline(always)]
pub(super) fn sum<F: Number>(mut block: Block<F>) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            block[i] += block[i + width];
        }
        width /= 2;
    }
    block[0].to_f64()
}

/// Σ f(a, b) over two planes.
#[inline(always)]
pub(super) fn fold<F: Number>(a: &[F], b: &[F], f: impl Fn(F, F, F) -> F) -> f64 {
    let mut total = [F::ZERO; LANES];
    for (a, b) in blocks(a).iter().zip(blocks(b)) {
        for i in 0..LANES {
            total[i] = f(total[i], a[i], b[i]);
        }
    }
    sum(total)
}

/// Several sums over three planes at once.
#[inline(always)]
pub(super) fn folds<F: Number, const K: usize>(
    a: &[F],
    b: &[F],
    c: &[F],
    f: impl Fn([F; K], F, F, F) -> [F; K],
) -> [f64; K] {
    let mut totals = [[F::ZERO; LANES]; K];
    for ((a, b), c) in blocks(a).iter().zip(blocks(b)).zip(blocks(c)) {
        for i in 0..LANES {
            let before = std::array::from_fn(|k| totals[k][i]);
            let after = f(before, a[i], b[i], c[i]);
            for k in 0..K {
                totals[k][i] = after[k];
            }
        }
    }
    totals.map(sum)
}
