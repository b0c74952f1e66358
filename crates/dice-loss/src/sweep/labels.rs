//! What depends on a voxel's class: gathered and added up run by run.
//!
//! Segmentations are made of regions, so most blocks of voxels lie within one class. A run is the
//! part of a block within one class; it is handled as one vector, whatever the number of classes.

use super::{
    lanes::{Block, LANES},
    measure::Sums,
    number::Number,
    scratch::{Plane, SPAN, TILE},
};

/// The label of a voxel without a class.
pub(super) const NONE: i32 = -1;

/// Voxels of a block that follow each other and have one class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    label: u32,
    /// The number of its block in the tile.
    block: u8,
    from: u8,
    len: u8,
}

impl Run {
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

/// Finds the runs of a span's labels, which are within the classes or [`NONE`]; tile after tile,
/// whose last runs end at `ends`.
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

#[inline(always)]
fn find_runs_of_block(block: u8, labels: &[i32; LANES], runs: &mut Vec<Run>) {
    let mut differ = 0;
    for i in 0..LANES {
        differ |= labels[i] ^ labels[0];
    }
    let mut push = |from: usize, to: usize| {
        if let Ok(label) = u32::try_from(labels[from]) {
            runs.push(Run { label, block, from: from as u8, len: (to - from) as u8 });
        }
    };
    if differ == 0 {
        return push(0, LANES);
    }
    let mut from = 0;
    for to in 1..LANES {
        if labels[to] != labels[from] {
            push(from, to);
            from = to;
        }
    }
    push(from, LANES);
}

/// The labels of a tile.
#[derive(Clone, Copy)]
pub(super) struct Labels<'a> {
    pub voxels: &'a [i32],
    pub runs: &'a [Run],
}

impl Labels<'_> {
    /// Of each voxel, its own class's value; 0 without a class.
    #[inline(always)]
    pub fn gather<'p, F: Number>(&self, plane: impl Fn(usize) -> &'p Plane<F>, out: &mut Plane<F>) {
        *out = [F::ZERO; TILE];
        for run in self.runs {
            run.copy(run.of(plane(run.label as usize)), out);
        }
    }

    /// Of each voxel, what its class has; 0 without a class.
    #[inline(always)]
    pub fn look_up<F: Number>(&self, value: impl Fn(usize) -> F, out: &mut Plane<F>) {
        *out = [F::ZERO; TILE];
        for run in self.runs {
            run.copy(&[value(run.label as usize); LANES], out);
        }
    }

    /// Adds planes up by the voxels' classes, each into a column of the sums.
    #[inline(always)]
    pub fn add_up<F: Number, const K: usize>(
        &self,
        columns: [(usize, &Plane<F>); K],
        sums: &mut Sums<F>,
    ) {
        for run in self.runs {
            for (column, values) in columns {
                run.add(run.of(values), sums.lanes(column, run.label as usize));
            }
        }
    }

    /// Adds each voxel's value to its own class's plane.
    #[inline(always)]
    pub fn scatter<F: Number>(&self, values: &Plane<F>, planes: &mut [Plane<F>]) {
        for run in self.runs {
            run.add(run.of(values), run.of_mut(&mut planes[run.label as usize]));
        }
    }

    /// Writes the reference out: 1 in the plane of a voxel's class, else 0.
    #[inline(always)]
    pub fn write_out<F: Number>(&self, planes: &mut [Plane<F>]) {
        planes.fill([F::ZERO; TILE]);
        for run in self.runs {
            run.copy(&[F::ONE; LANES], &mut planes[run.label as usize]);
        }
    }

    /// The same where a label belongs to any number of channels.
    #[inline(always)]
    pub fn write_out_regions<F: Number>(
        &self,
        table: &[impl AsRef<[usize]>],
        planes: &mut [Plane<F>],
    ) {
        planes.fill([F::ZERO; TILE]);
        for run in self.runs {
            for &channel in table[run.label as usize].as_ref() {
                run.copy(&[F::ONE; LANES], &mut planes[channel]);
            }
        }
    }
}
