//! Bounding boxes of classes.

use rayon::prelude::*;

use crate::{Label, Result, grid::Frame, interrupt::Patience, label::end_of_run};

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
}

impl<L: Label> Classes<L> {
    /// Of classes that are listed twice, the first counts.
    pub fn new(classes: &[L]) -> Self {
        let mut sorted: Vec<_> = classes.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        sorted.dedup_by_key(|(class, _)| *class);
        Self { sorted }
    }

    #[inline]
    pub fn place(&self, label: L) -> Option<u32> {
        let found = self.sorted.binary_search_by_key(&label, |(class, _)| *class);
        found.ok().map(|index| self.sorted[index].1)
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
                    let mut start = 0;
                    while start < voxels {
                        let end = end_of_run(row, start);
                        if let Some(class) = known.place(row[start]) {
                            let run = Extent { start: [z, y, start], end: [z + 1, y + 1, end] };
                            let one: &mut Option<Extent> = &mut all[class as usize];
                            *one = Some(one.map_or(run, |one| one.joined(&run)));
                        }
                        start = end;
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
