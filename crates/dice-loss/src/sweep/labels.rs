//! What depends on a voxel's class: gathered and added up block by block.
//!
//! Segmentations are made of regions, so most blocks of voxels lie within one class. Those are
//! handled as one vector, whatever the number of classes; only the others voxel by voxel.

use super::{
    lanes::{LANES, blocks, blocks_mut, sum},
    number::Number,
    scratch::TILE,
};

/// The label of a voxel without a class.
pub(super) const NONE: i32 = -1;

/// The label of a block whose voxels differ.
const MIXED: i32 = -2;

/// How many planes can be added up by label at once.
pub(super) const VALUES: usize = 3;

/// The labels of a tile, each within the classes or [`NONE`].
#[derive(Clone, Copy)]
pub(super) struct Labels<'a> {
    voxels: &'a [i32],
    blocks: &'a [i32],
}

impl<'a> Labels<'a> {
    /// Notes for each block whether it lies within one class. Labels outside `0..classes` become
    /// [`NONE`].
    #[inline(always)]
    pub fn new(voxels: &'a mut [i32], in_blocks: &'a mut [i32], classes: usize) -> Self {
        for (block, label) in blocks_mut(voxels).iter_mut().zip(in_blocks.iter_mut()) {
            let mut differ = 0;
            for label in block.iter_mut() {
                *label = if (*label as u32 as usize) < classes { *label } else { NONE };
            }
            for i in 0..LANES {
                differ |= block[i] ^ block[0];
            }
            *label = if differ == 0 { block[0] } else { MIXED };
        }
        Self { voxels, blocks: in_blocks }
    }

    /// The labels themselves.
    pub fn voxels(&self) -> &'a [i32] {
        self.voxels
    }

    #[inline(always)]
    fn iter(&self) -> impl Iterator<Item = (i32, &'a [i32; LANES])> {
        self.blocks.iter().copied().zip(blocks(self.voxels))
    }

    /// Of each voxel, its own class's value in the class planes; 0 without a class.
    #[inline(always)]
    pub fn gather<F: Number>(&self, planes: &[F], out: &mut [F]) {
        self.gather_from(|class| &planes[class * TILE..][..TILE], out);
    }

    /// The same from planes that lie wherever they lie.
    #[inline(always)]
    pub fn gather_from<'p, F: Number>(&self, plane: impl Fn(usize) -> &'p [F], out: &mut [F]) {
        for (index, ((label, voxels), out)) in self.iter().zip(blocks_mut(out)).enumerate() {
            let at = index * LANES;
            match label {
                NONE => *out = [F::ZERO; LANES],
                MIXED => {
                    for i in 0..LANES {
                        let class = voxels[i];
                        out[i] = if class < 0 { F::ZERO } else { plane(class as usize)[at + i] };
                    }
                }
                class => out.copy_from_slice(&plane(class as usize)[at..at + LANES]),
            }
        }
    }

    /// Of each voxel, its class's entry in a table; 0 without a class.
    #[inline(always)]
    pub fn look_up<F: Number>(&self, table: &[F], out: &mut [F]) {
        for ((label, voxels), out) in self.iter().zip(blocks_mut(out)) {
            let entry = |class: i32| if class < 0 { F::ZERO } else { table[class as usize] };
            match label {
                MIXED => {
                    for i in 0..LANES {
                        out[i] = entry(voxels[i]);
                    }
                }
                class => *out = [entry(class); LANES],
            }
        }
    }

    /// Adds each plane's values up by the voxels' classes, into one column of `sums` each.
    #[inline(always)]
    pub fn add_up<F: Number, const K: usize>(
        &self,
        values: [&[F]; K],
        lanes: &mut [F],
        classes: usize,
        mut add: impl FnMut(usize, [f64; K]),
    ) {
        const { assert!(K <= VALUES) };
        let lanes = &mut blocks_mut(lanes)[..classes * K];
        lanes.fill([F::ZERO; LANES]);
        let values = values.map(blocks);
        for (index, (label, voxels)) in self.iter().enumerate() {
            match label {
                NONE => {}
                MIXED => {
                    for i in 0..LANES {
                        if voxels[i] >= 0 {
                            for k in 0..K {
                                lanes[voxels[i] as usize * K + k][i] += values[k][index][i];
                            }
                        }
                    }
                }
                class => {
                    for k in 0..K {
                        let (lanes, values) =
                            (&mut lanes[class as usize * K + k], &values[k][index]);
                        for i in 0..LANES {
                            lanes[i] += values[i];
                        }
                    }
                }
            }
        }
        for (class, lanes) in lanes.chunks_exact(K).enumerate() {
            add(class, std::array::from_fn(|k| sum(lanes[k])));
        }
    }

    /// Adds each voxel's value to its own class's plane.
    #[inline(always)]
    pub fn scatter<F: Number>(&self, values: &[F], planes: &mut [F]) {
        for (index, ((label, voxels), values)) in self.iter().zip(blocks(values)).enumerate() {
            let at = index * LANES;
            match label {
                NONE => {}
                MIXED => {
                    for i in 0..LANES {
                        if voxels[i] >= 0 {
                            planes[voxels[i] as usize * TILE + at + i] += values[i];
                        }
                    }
                }
                class => {
                    let plane = &mut planes[class as usize * TILE + at..][..LANES];
                    plane.iter_mut().zip(values).for_each(|(out, &value)| *out += value);
                }
            }
        }
    }
}
