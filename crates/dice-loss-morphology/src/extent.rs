//! Bounding boxes of classes.

use rayon::prelude::*;

use crate::{Label, Result, grid::Frame, interrupt::Patience, label::Runs};

/// A box of a frame: from the first voxel along each axis up to the one past the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub start: [usize; 3],
    pub end: [usize; 3],
}

impl Extent {
    pub fn whole(frame: &Frame) -> Self {
        Self { start: [0; 3], end: frame.sizes }
    }

    pub fn sizes(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.end[axis] - self.start[axis])
    }

    /// With so much more on either side, as far as the frame goes.
    pub fn grown(&self, by: [usize; 3], frame: &Frame) -> Self {
        Self {
            start: std::array::from_fn(|axis| self.start[axis].saturating_sub(by[axis])),
            end: std::array::from_fn(|axis| {
                self.end[axis].saturating_add(by[axis]).min(frame.sizes[axis])
            }),
        }
    }

    /// The smallest that has both.
    pub fn joined(&self, other: &Self) -> Self {
        Self {
            start: std::array::from_fn(|axis| self.start[axis].min(other.start[axis])),
            end: std::array::from_fn(|axis| self.end[axis].max(other.end[axis])),
        }
    }
}

/// Which class a label is of, by its place among those listed.
pub(crate) struct Classes<L> {
    /// In their order.
    sorted: Vec<(L, u32)>,
    /// The place of each label from the first of these on, if they lie close together.
    table: Vec<u32>,
}

/// In place of a class, of labels between two that are listed.
const NONE: u32 = u32::MAX;

/// Classes whose labels lie no further apart have a table.
const SPAN: u64 = 1 << 16;

impl<L: Label> Classes<L> {
    /// Of classes that are listed twice, the first counts.
    pub fn new(classes: &[L]) -> Self {
        let mut sorted: Vec<_> = classes.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        sorted.dedup_by_key(|(class, _)| *class);
        let mut table = Vec::new();
        if let (Some(&(least, _)), Some(&(most, _))) = (sorted.first(), sorted.last())
            && most.above(least) < SPAN
        {
            table.resize(most.above(least) as usize + 1, NONE);
            for &(class, place) in &sorted {
                table[class.above(least) as usize] = place;
            }
        }
        Self { sorted, table }
    }

    #[inline]
    pub fn place(&self, label: L) -> Option<u32> {
        let &(least, _) = self.sorted.first()?;
        if self.table.is_empty() {
            let found = self.sorted.binary_search_by_key(&label, |(class, _)| *class);
            return found.ok().map(|index| self.sorted[index].1);
        }
        let index = usize::try_from(label.above(least)).ok()?;
        self.table.get(index).copied().filter(|&place| place != NONE)
    }
}

/// The bounding box of each class; none of one without voxels.
pub(crate) fn extents<L: Label>(
    labels: &[L],
    classes: &[L],
    frame: &Frame,
) -> Result<Vec<Option<Extent>>> {
    let [_, rows, voxels] = frame.sizes;
    let known = Classes::new(classes);
    let patience = Patience::current();
    let join = |mut all: Vec<Option<Extent>>, more: Vec<Option<Extent>>| {
        for (one, other) in all.iter_mut().zip(more) {
            *one = match (*one, other) {
                (Some(one), Some(other)) => Some(one.joined(&other)),
                (one, other) => one.or(other),
            };
        }
        all
    };
    let found = labels
        .par_chunks_exact(rows * voxels)
        .with_min_len((1usize << 16).div_ceil(rows * voxels))
        .enumerate()
        .try_fold(
            || vec![None; classes.len()],
            |mut all, (z, slice)| {
                patience.check()?;
                for (y, row) in slice.chunks_exact(voxels).enumerate() {
                    for (start, end) in Runs::of(row) {
                        if let Some(class) = known.place(row[start]) {
                            let run = Extent { start: [z, y, start], end: [z + 1, y + 1, end] };
                            let one: &mut Option<Extent> = &mut all[class as usize];
                            *one = Some(one.map_or(run, |one| one.joined(&run)));
                        }
                    }
                }
                Ok(all)
            },
        )
        .try_reduce(|| vec![None; classes.len()], |all, more| Ok(join(all, more)))?;
    // A class that is listed twice has the box of its first mention.
    Ok(classes
        .iter()
        .map(|&class| known.place(class).and_then(|place| found[place as usize]))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_are_listed_have_their_place() {
        fn check<L: Label>(classes: &[L], labels: &[L]) {
            let known = Classes::new(classes);
            for &label in labels {
                let wanted = classes.iter().position(|&class| class == label);
                assert_eq!(known.place(label).map(|place| place as usize), wanted, "{label:?}");
            }
        }
        let every: Vec<_> = (i8::MIN..=i8::MAX).collect();
        for classes in [&[][..], &[0], &[7, -3, 7, 120], &[i8::MIN, i8::MAX], &[i8::MAX], &every] {
            check(classes, &every);
        }
        check(&[true], &[false, true]);
        let ends = [i64::MIN, i64::MIN + 1, -70_000, -1, 0, 1, 65_536, i64::MAX - 1, i64::MAX];
        for one in ends {
            check(&[one], &ends);
            for other in ends {
                check(&[one, other], &ends);
            }
        }
        let ends = [0, 1, 5, 1 << 63, u64::MAX];
        for one in ends {
            for other in ends {
                check(&[one, other], &ends);
            }
        }
    }
}
