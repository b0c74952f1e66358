//! Between voxels whose classes lie side by side and a plane for each class.
//!
//! A class after the other would touch every cache line once for each class. So squares of four
//! voxels and four classes are turned, in registers.

use super::{
    number::Number,
    scratch::{Plane, TILE},
};

/// Voxels and classes of a square.
const SIDE: usize = 4;

/// Four numbers of each of four voxels, or of each of four classes.
pub(super) type Square<F> = [[F; SIDE]; SIDE];

/// Whether there are so many classes that a square fits in.
pub(super) fn fits(classes: usize) -> bool {
    classes >= SIDE
}

/// The first class of each square. The last two overlap where four do not divide the classes.
#[inline(always)]
fn firsts(classes: usize) -> impl Iterator<Item = usize> {
    (0..classes).step_by(SIDE).map(move |first| first.min(classes - SIDE))
}

/// Four numbers from there on; zeros if there are none.
#[inline(always)]
fn four<F: Number>(numbers: &[F], at: usize) -> [F; SIDE] {
    numbers.get(at..).and_then(|numbers| numbers.first_chunk().copied()).unwrap_or_default()
}

/// Leaves a tile's voxels in planes; 0 where they do not count.
#[inline(always)]
pub(super) fn to_planes<F: Number>(voxels: &[F], weight: &Plane<F>, planes: &mut [Plane<F>]) {
    let classes = planes.len();
    for at in (0..TILE).step_by(SIDE) {
        let (voxels, weight) = (voxels.get(at * classes..).unwrap_or(&[]), four(weight, at));
        for first in firsts(classes) {
            let square = std::array::from_fn(|voxel| four(voxels, voxel * classes + first));
            let turned = F::turned(square, weight);
            for (plane, turned) in planes[first..].iter_mut().zip(turned) {
                plane[at..][..SIDE].copy_from_slice(&turned);
            }
        }
    }
}

/// The way back, of voxels that all count.
#[inline(always)]
pub(super) fn to_voxels<F: Number>(planes: &[Plane<F>], voxels: &mut [F]) {
    let classes = planes.len();
    for (at, voxels) in (0..TILE).step_by(SIDE).zip(voxels.chunks_exact_mut(SIDE * classes)) {
        for first in firsts(classes) {
            let square = std::array::from_fn(|class| four(&planes[first + class], at));
            let turned = F::turned(square, [F::ONE; SIDE]);
            for (voxel, turned) in voxels.chunks_exact_mut(classes).zip(turned) {
                voxel[first..][..SIDE].copy_from_slice(&turned);
            }
        }
    }
}

/// A square turned, without the columns whose weight is 0, as plain code.
#[inline(always)]
pub(super) fn turned<F: Number>(square: Square<F>, weight: [F; SIDE]) -> Square<F> {
    let mut turned = [[F::ZERO; SIDE]; SIDE];
    for row in 0..SIDE {
        for column in 0..SIDE {
            let value = square[column][row];
            turned[row][column] = if weight[column] == F::ZERO { F::ZERO } else { value };
        }
    }
    turned
}

/// The same with the shuffles that every x86-64 has: the compiler finds none.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn turned_by_shuffles(square: Square<f32>, weight: [f32; SIDE]) -> Square<f32> {
    use std::arch::x86_64::{
        __m128, _mm_and_ps, _mm_cmpneq_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_setr_ps,
        _mm_setzero_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
    };
    // SAFETY: SSE is part of every x86-64, and a vector is four numbers.
    unsafe {
        let vector = |[a, b, c, d]: [f32; SIDE]| _mm_setr_ps(a, b, c, d);
        let counts = _mm_cmpneq_ps(vector(weight), _mm_setzero_ps());
        let [a, b, c, d] = square.map(vector);
        let (low, high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (low_2, high_2) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        let rows = [
            _mm_movelh_ps(low, low_2),
            _mm_movehl_ps(low_2, low),
            _mm_movelh_ps(high, high_2),
            _mm_movehl_ps(high_2, high),
        ];
        let numbers = |row| std::mem::transmute::<__m128, [f32; SIDE]>(row);
        rows.map(|row| numbers(_mm_and_ps(row, counts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_and_voxels_are_the_same_numbers_turned() {
        for classes in 4..=11 {
            let voxels: Vec<f32> = (0..TILE * classes).map(|i| i as f32 - 70.0).collect();
            let mut weight = [1.0; TILE];
            (weight[3], weight[40]) = (0.0, 0.0);
            let mut unknown = voxels.clone();
            unknown[3 * classes..4 * classes].fill(f32::NAN);
            let mut planes = vec![[7.0; TILE]; classes];
            to_planes(&unknown, &weight, &mut planes);
            for (class, plane) in planes.iter().enumerate() {
                for (voxel, &found) in plane.iter().enumerate() {
                    let counts = weight[voxel] != 0.0;
                    let wanted = if counts { voxels[voxel * classes + class] } else { 0.0 };
                    assert_eq!(found, wanted, "class {class} of {classes}, voxel {voxel}");
                }
            }
            to_planes(&voxels, &[1.0; TILE], &mut planes);
            let mut back = vec![0.0; voxels.len()];
            to_voxels(&planes, &mut back);
            assert_eq!(back, voxels, "{classes} classes");
        }
    }

    #[test]
    fn shuffles_turn_as_plain_code_does() {
        let square = std::array::from_fn(|i| std::array::from_fn(|k| (4 * i + k) as f32));
        for weight in [[1.0, 0.0, 2.0, -0.0], [f32::NAN, 0.5, 1.0, 1.0]] {
            assert_eq!(f32::turned(square, weight), turned(square, weight));
        }
    }
}
