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

/// Running sums that a fold keeps side by side: more than the compiler unrolls, so that it sees a
/// loop to vectorise.
const TOTALS: usize = 4 * LANES;

/// The sum over some numbers, a power of two of them, halves first.
#[inline(always)]
pub(super) fn sum<F: Number, const N: usize>(mut numbers: [F; N]) -> f64 {
    let mut width = N / 2;
    while width > 0 {
        for i in 0..width {
            numbers[i] += numbers[i + width];
        }
        width /= 2;
    }
    numbers[0].to_f64()
}

/// Σ f(a, b) over two planes.
///
/// The function should be a few operations: a large closure may not be inlined, and would then be
/// compiled for the baseline.
#[inline(always)]
pub(super) fn fold<F: Number>(a: &[F], b: &[F], f: impl Fn(F, F, F) -> F) -> f64 {
    let [total] = folds(a, b, b, |[total], a, b, _| [f(total, a, b)]);
    total
}

/// Several sums over three planes at once.
#[inline(always)]
pub(super) fn folds<F: Number, const K: usize>(
    a: &[F],
    b: &[F],
    c: &[F],
    f: impl Fn([F; K], F, F, F) -> [F; K],
) -> [f64; K] {
    let mut totals = [[F::ZERO; TOTALS]; K];
    let ((a, a_rest), (b, b_rest), (c, c_rest)) =
        (a.as_chunks::<TOTALS>(), b.as_chunks::<TOTALS>(), c.as_chunks::<TOTALS>());
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        add::<F, K>(&mut totals, a, b, c, &f);
    }
    add::<F, K>(&mut totals, a_rest, b_rest, c_rest, &f);
    totals.map(sum)
}

#[inline(always)]
fn add<F: Number, const K: usize>(
    totals: &mut [[F; TOTALS]; K],
    a: &[F],
    b: &[F],
    c: &[F],
    f: &impl Fn([F; K], F, F, F) -> [F; K],
) {
    for i in 0..a.len().min(b.len()).min(c.len()).min(TOTALS) {
        let before = std::array::from_fn(|k| totals[k][i]);
        let after = f(before, a[i], b[i], c[i]);
        for k in 0..K {
            totals[k][i] = after[k];
        }
    }
}
