//! Hard decisions, and where they agree with the reference: of tiles and of strips.

use super::{labels::NONE, number::Number, sums::Sums};
use crate::plan::Plan;

/// The class of each voxel, or [`NONE`]. Flat, since short loops do not become vector code.
pub(super) type Classes<const N: usize> = [i32; N];

/// The class of each voxel's largest value, of equal ones the first, and that value.
#[inline(always)]
pub(super) fn argmax<'p, F: Number, const N: usize>(
    plane: impl Fn(usize) -> &'p [F; N],
    classes: usize,
) -> (Classes<N>, [F; N]) {
    let (mut index, mut largest) = ([0; N], *plane(0));
    for class in 1..classes {
        let x = plane(class);
        for i in 0..N {
            // Classes rise, so the larger of two is the later one. A choice between them would be
            // stored in part (see `load::read_counted`).
            let later = if x[i] > largest[i] { class as i32 } else { 0 };
            index[i] = index[i].max(later);
            largest[i] = largest[i].larger(x[i]);
        }
    }
    (index, largest)
}

/// Of each voxel that counts and of which so much is known, its class.
#[inline(always)]
pub(super) fn counted<F: Number, const N: usize>(
    index: &Classes<N>,
    weight: &[F; N],
    is_any: impl Fn(usize) -> bool,
) -> Classes<N> {
    let mut found = [NONE; N];
    for i in 0..N {
        found[i] = if (weight[i] != F::ZERO) & is_any(i) { index[i] } else { NONE };
    }
    found
}

/// Of each voxel that counts, 0 where a channel's value reaches the threshold.
#[inline(always)]
pub(super) fn reached<F: Number, const N: usize>(
    values: &[F; N],
    weight: &[F; N],
    threshold: F,
) -> Classes<N> {
    let mut found = [NONE; N];
    for i in 0..N {
        let is_there = (weight[i] != F::ZERO) & (values[i] >= threshold);
        found[i] = if is_there { 0 } else { NONE };
    }
    found
}

/// Counts where the decision is of this class and where the reference is, for a class of the sums.
#[inline(always)]
pub(super) fn count<F: Number, const N: usize>(
    class: i32,
    [predicted, wanted]: [&Classes<N>; 2],
    to: usize,
    sums: &mut Sums<F>,
) {
    let (mut both, mut found, mut there) = (0, 0, 0);
    for i in 0..N {
        let (p, g) = (i32::from(predicted[i] == class), i32::from(wanted[i] == class));
        both += p & g;
        found += p;
        there += g;
    }
    sums.count(Plan::TRUE_POSITIVES, to, both);
    sums.count(Plan::FALSE_POSITIVES, to, found - both);
    sums.count(Plan::FALSE_NEGATIVES, to, there - both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_values_the_first_class_is_taken() {
        let planes = [[1.0f32, -2.0, f32::NAN, 0.0], [1.0, -1.0, 3.0, 0.0], [2.0, -1.0, 3.0, -0.0]];
        let (index, largest) = argmax(|class| &planes[class], 3);
        assert_eq!(index, [2, 1, 0, 0]);
        assert_eq!((largest[0], largest[1], largest[3]), (2.0, -1.0, 0.0));
    }

    #[test]
    fn what_does_not_count_or_is_not_there_has_no_class() {
        let weight = [1.0f32, 0.0, 1e-30, 1.0];
        let found = counted(&[3, 3, 0, 1], &weight, |i| i != 3);
        assert_eq!(found, [3, NONE, 0, NONE]);
        let found = reached(&[0.5f32, 0.9, f32::NAN, 0.49], &[1.0, 0.0, 1.0, 1.0], 0.5);
        assert_eq!(found, [0, NONE, NONE, NONE]);
    }
}
