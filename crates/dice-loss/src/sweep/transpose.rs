//! Between voxels whose classes lie side by side and a plane for each class.
//!
//! A class after the other would touch every cache line once for each class. So squares of four
//! voxels and four classes are turned, in registers.

use super::{
    geometry::{Plane, TILE},
    number::Number,
    squares::SIDE,
};

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
}
