//! What depends on a voxel's class: gathered and added up run by run.
//!
//! Segmentations are made of regions, so most blocks of voxels lie within one class. A run is the
//! part of a block within one class; it is handled as one vector, whatever the number of classes.
//! A block of many runs is taken voxel by voxel instead, so that the worst label map costs little
//! more than the best.

use super::{
    geometry::{Plane, SPAN, TILE},
    lanes::{Block, LANES},
    number::Number,
    sums::Sums,
};

/// The label of a voxel without a class.
pub(super) const NONE: i32 = -1;

/// That of a voxel that does not count: it joins whatever run it lies in, and adds nothing there.
pub(super) const UNCOUNTED: i32 = -2;

/// A block in which classes change more often than this is mixed.
const CHANGES: u32 = 2;

/// Voxels of a block that follow each other and have one class; or a mixed block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    label: u32,
    /// The number of its block in the tile.
    block: u8,
    from: u8,
    len: u8,
}

/// In place of the label of a run: a mixed block.
const MIXED: u32 = u32::MAX;

impl Run {
    /// The first voxel of its block in the tile.
    #[inline(always)]
    fn start(self) -> usize {
        usize::from(self.block) % BLOCKS * LANES
    }

    /// Its block of a plane.
    #[inline(always)]
    fn of<F>(self, plane: &Plane<F>) -> &Block<F> {
        &plane.as_chunks().0[usize::from(self.block) % BLOCKS]
    }

    #[inline(always)]
    fn of_mut<F>(self, plane: &mut Plane<F>) -> &mut Block<F> {
        &mut plane.as_chunks_mut().0[usize::from(self.block) % BLOCKS]
    }

    /// Whether a voxel of the block is in the run.
    #[inline(always)]
    fn has(self, voxel: usize) -> bool {
        (voxel as u32).wrapping_sub(u32::from(self.from)) < u32::from(self.len)
    }

    /// Copies the run's values.
    #[inline(always)]
    fn copy<F: Number>(self, values: &Block<F>, out: &mut Plane<F>) {
        let out = self.of_mut(out);
        for i in 0..LANES {
            out[i] = if self.has(i) { values[i] } else { out[i] };
        }
    }

    /// Adds the run's values.
    #[inline(always)]
    fn add<F: Number>(self, values: &Block<F>, sums: &mut Block<F>) {
        for i in 0..LANES {
            sums[i] += if self.has(i) { values[i] } else { F::ZERO };
        }
    }
}

/// Blocks of a tile.
const BLOCKS: usize = TILE / LANES;

/// Finds the runs of a span's labels, which are within the classes, [`NONE`] or [`UNCOUNTED`]; tile
/// after tile, whose last runs end at `ends`.
#[inline(always)]
pub(super) fn find_runs(labels: &[i32], runs: &mut Vec<Run>, ends: &mut [usize; SPAN / TILE]) {
    runs.clear();
    for (tile, end) in labels.chunks(TILE).zip(ends) {
        for (block, labels) in tile.as_chunks::<LANES>().0.iter().enumerate() {
            find_runs_of_block(block as u8, labels, runs);
        }
        *end = runs.len();
    }
}

/// Where a block's label is another than before, as bits.
#[inline(always)]
fn changes_of(labels: &[i32; LANES]) -> u32 {
    (1..LANES).fold(0, |changes, i| changes | u32::from(labels[i] != labels[i - 1]) << i)
}

/// The labels, of voxels that do not count that of the last one before that does, or else of the
/// first.
#[inline(always)]
fn without_holes(labels: &[i32; LANES]) -> [i32; LANES] {
    let counts = |label: &i32| *label != UNCOUNTED;
    let mut last = labels.iter().copied().find(counts).unwrap_or(UNCOUNTED);
    labels.map(|label| {
        last = if counts(&label) { label } else { last };
        last
    })
}

#[inline(always)]
fn find_runs_of_block(block: u8, labels: &[i32; LANES], runs: &mut Vec<Run>) {
    let (mut labels, mut changes) = (*labels, changes_of(labels));
    if changes != 0 && labels.contains(&UNCOUNTED) {
        labels = without_holes(&labels);
        changes = changes_of(&labels);
    }
    if changes.count_ones() > CHANGES {
        return runs.push(Run { label: MIXED, block, from: 0, len: LANES as u8 });
    }
    let mut from = 0;
    loop {
        let to = if changes == 0 { LANES } else { changes.trailing_zeros() as usize };
        if let Ok(label) = u32::try_from(labels[from % LANES]) {
            runs.push(Run { label, block, from: from as u8, len: (to - from) as u8 });
        }
        if changes == 0 {
            return;
        }
        changes &= changes - 1;
        from = to;
    }
}

/// The labels of a tile.
#[derive(Clone, Copy)]
pub(super) struct Labels<'a> {
    pub voxels: &'a [i32],
    pub runs: &'a [Run],
}

impl Labels<'_> {
    /// Of each voxel of a mixed block: where it is in the tile, its class, and whether it has one.
    /// One that has none is given to class 0, so that nothing branches.
    #[inline(always)]
    fn of_mixed(&self, run: Run) -> impl Iterator<Item = (usize, usize, bool)> {
        let voxels = self.voxels[run.start()..].iter().take(LANES).enumerate();
        voxels.map(move |(i, &label)| (run.start() + i, label.max(0) as usize, label >= 0))
    }

    /// Of each voxel, its own class's value; 0 without a class.
    #[inline(always)]
    pub fn gather<'p, F: Number>(&self, plane: impl Fn(usize) -> &'p Plane<F>, out: &mut Plane<F>) {
        *out = [F::ZERO; TILE];
        for &run in self.runs {
            if run.label == MIXED {
                for (i, class, has) in self.of_mixed(run) {
                    out[i] = if has { plane(class)[i] } else { F::ZERO };
                }
            } else {
                run.copy(run.of(plane(run.label as usize)), out);
            }
        }
    }

    /// Of each voxel, what its class has; 0 without a class.
    #[inline(always)]
    pub fn look_up<F: Number>(&self, value: impl Fn(usize) -> F, out: &mut Plane<F>) {
        *out = [F::ZERO; TILE];
        for &run in self.runs {
            if run.label == MIXED {
                for (i, class, has) in self.of_mixed(run) {
                    out[i] = if has { value(class) } else { F::ZERO };
                }
            } else {
                run.copy(&[value(run.label as usize); LANES], out);
            }
        }
    }

    /// Adds planes up by the voxels' classes, each into a column of the sums.
    #[inline(always)]
    pub fn add_up<F: Number, const K: usize>(
        &self,
        columns: [(usize, &Plane<F>); K],
        sums: &mut Sums<F>,
    ) {
        for &run in self.runs {
            for (column, values) in columns {
                if run.label == MIXED {
                    for (i, class, has) in self.of_mixed(run) {
                        let value = if has { values[i] } else { F::ZERO };
                        sums.lanes(column, class)[i % LANES] += value;
                    }
                } else {
                    run.add(run.of(values), sums.lanes(column, run.label as usize));
                }
            }
        }
    }

    /// Adds each voxel's value to its own class's plane.
    #[inline(always)]
    pub fn scatter<F: Number>(&self, values: &Plane<F>, planes: &mut [Plane<F>]) {
        for &run in self.runs {
            if run.label == MIXED {
                for (i, class, has) in self.of_mixed(run) {
                    planes[class][i] += if has { values[i] } else { F::ZERO };
                }
            } else {
                run.add(run.of(values), run.of_mut(&mut planes[run.label as usize]));
            }
        }
    }

    /// Writes the reference out: 1 in the plane of a voxel's class, else 0.
    #[inline(always)]
    pub fn write_out<F: Number>(&self, planes: &mut [Plane<F>]) {
        planes.fill([F::ZERO; TILE]);
        self.scatter(&[F::ONE; TILE], planes);
    }

    /// The same where a label belongs to any number of channels.
    #[inline(always)]
    pub fn write_out_regions<F: Number>(
        &self,
        table: &[impl AsRef<[usize]>],
        planes: &mut [Plane<F>],
    ) {
        planes.fill([F::ZERO; TILE]);
        for &run in self.runs {
            if run.label == MIXED {
                for (i, label, _) in self.of_mixed(run).filter(|&(.., has)| has) {
                    for &channel in table[label].as_ref() {
                        planes[channel][i] = F::ONE;
                    }
                }
                continue;
            }
            for &channel in table[run.label as usize].as_ref() {
                run.copy(&[F::ONE; LANES], &mut planes[channel]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_breaks_no_run() {
        const O: i32 = UNCOUNTED;
        let found = |labels: [i32; LANES]| {
            let mut runs = Vec::new();
            find_runs_of_block(0, &labels, &mut runs);
            runs.iter().map(|run| (run.label, run.from, run.len)).collect::<Vec<_>>()
        };
        let holes = [O, 3, O, 3, O, 3, 3, O, O, 5, O, 5, 5, O, 5, O];
        assert_eq!(found(holes), [(3, 0, 9), (5, 9, 7)]);
        assert_eq!(found([O; LANES]), []);
        assert_eq!(
            found([O, 0, O, NONE, O, O, O, O, O, O, O, O, O, O, 0, 0]),
            [(0, 0, 3), (0, 14, 2)]
        );
        let mixed = [1, 2, O, 1, O, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2];
        assert_eq!(found(mixed), [(MIXED, 0, LANES as u8)]);
    }
}
