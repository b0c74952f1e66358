//! Where the tensors of a batch lie, and how they are read.

#![allow(missing_docs, reason = "what the derive macros make has no documentation")]

#[cfg(feature = "kernels")]
use cubecl::prelude::*;

/// The numbers that a launch passes by value.
///
/// Strides are in elements. Targets, masks and weights are read as 32-bit words, from which their
/// [`Kind`] says how to take an element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "kernels", derive(CubeType, CubeLaunch))]
#[repr(C)]
pub struct Batch {
    /// The first sample of the launch: where its rows of the tables begin.
    pub first: u32,
    /// Classes.
    pub classes: u32,
    /// Voxels of a sample.
    pub voxels: u32,
    /// Strides of the logits by sample, class and voxel.
    pub logits_sample: u32,
    pub logits_class: u32,
    pub logits_voxel: u32,
    /// Strides of the gradient.
    pub gradient_sample: u32,
    pub gradient_class: u32,
    pub gradient_voxel: u32,
    /// Of the target: element type, the first element, strides.
    pub target_kind: u32,
    pub target_start: u32,
    pub target_sample: u32,
    pub target_class: u32,
    pub target_voxel: u32,
    /// Of the mask, whose kind is 0 if there is none.
    pub mask_kind: u32,
    pub mask_start: u32,
    pub mask_sample: u32,
    pub mask_voxel: u32,
    /// Of the weights, whose kind is 0 if there are none.
    pub weight_kind: u32,
    pub weight_start: u32,
    pub weight_sample: u32,
    pub weight_voxel: u32,
    /// Whether a label is ignored, and which: an `i32`.
    pub ignores: u32,
    pub ignored: u32,
    /// Labels that have a meaning: those below.
    pub labels: u32,
    /// Whether the hard decision is by a threshold, and which: an `f32`.
    pub by_threshold: u32,
    pub threshold: u32,
    /// Units that share a class of a tile; a power of two.
    pub lanes: u32,
    /// Where the parts of the tables begin: exponents, distances, regions (label, class), annotated classes
    /// (sample, class).
    pub exponents: u32,
    pub distances: u32,
    /// Whether there are distances.
    pub transports: u32,
    pub regions: u32,
    pub annotated: u32,
    /// Where the tables say which column of the slopes belongs to a column of the recipe; less than 0
    /// where none does.
    pub columns: u32,
    /// From a sample's slopes to the next's: 0 if all samples share them.
    pub slopes_sample: u32,
    /// Whether the gradient is added to what is there.
    pub adds: u32,
}

#[cfg(feature = "kernels")]
impl Batch {
    /// As the argument of a launch.
    pub(crate) fn launched(self) -> BatchLaunch {
        BatchLaunch::new(
            self.first,
            self.classes,
            self.voxels,
            self.logits_sample,
            self.logits_class,
            self.logits_voxel,
            self.gradient_sample,
            self.gradient_class,
            self.gradient_voxel,
            self.target_kind,
            self.target_start,
            self.target_sample,
            self.target_class,
            self.target_voxel,
            self.mask_kind,
            self.mask_start,
            self.mask_sample,
            self.mask_voxel,
            self.weight_kind,
            self.weight_start,
            self.weight_sample,
            self.weight_voxel,
            self.ignores,
            self.ignored,
            self.labels,
            self.by_threshold,
            self.threshold,
            self.lanes,
            self.exponents,
            self.distances,
            self.transports,
            self.regions,
            self.annotated,
            self.columns,
            self.slopes_sample,
            self.adds,
        )
    }
}

/// How elements are taken from 32-bit words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// There is no such tensor.
    None = 0,
    U8 = 1,
    I8 = 2,
    U16 = 3,
    I16 = 4,
    U32 = 5,
    I32 = 6,
    /// 64-bit integers of either sign.
    I64 = 7,
    F16 = 8,
    BF16 = 9,
    F32 = 10,
}
