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
pub struct Addressing {
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
    /// How far outside [0, 1] a dense value counts as 0 or 1: an `f32`.
    pub slack: u32,
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
    /// Whether a label is ignored, and which, as the target's [`Kind`] has it: an `f32`, a 64-bit integer
    /// in two words, or an integer of 32 bits.
    pub ignores: u32,
    pub ignored: u32,
    pub ignored_high: u32,
    /// Labels that have a meaning: those below.
    pub labels: u32,
    /// Whether the hard decision is by a threshold, and which: an `f32`.
    pub by_threshold: u32,
    pub threshold: u32,
    /// Units that share a class of a tile; a power of two.
    pub lanes: u32,
    /// Where the parts of the tables begin, whose first number is what weights are multiplied with: exponents, distances, regions (label, class), annotated classes
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
    /// Of the map, which only kernels read that have one.
    pub map_kind: u32,
    pub map_start: u32,
    pub map_sample: u32,
    pub map_class: u32,
    pub map_voxel: u32,
    /// What a value of the map is at least: an `f32`.
    pub map_least: u32,
}

#[cfg(feature = "kernels")]
impl Addressing {
    /// As the argument of a launch.
    pub(crate) fn launched(self) -> AddressingLaunch {
        AddressingLaunch::new(
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
            self.slack,
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
            self.ignored_high,
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
            self.map_kind,
            self.map_start,
            self.map_sample,
            self.map_class,
            self.map_voxel,
            self.map_least,
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
    U64 = 7,
    I64 = 8,
    F16 = 9,
    BF16 = 10,
    F32 = 11,
}

impl Kind {
    /// How far outside [0, 1] a dense value counts as 0 or 1: 4 roundings of its type, as in the engine.
    pub(crate) fn slack(self) -> f32 {
        4.0 * match self {
            Self::F16 => half::f16::EPSILON.to_f32(),
            Self::BF16 => half::bf16::EPSILON.to_f32(),
            Self::F32 => f32::EPSILON,
            _ => 0.0,
        }
    }

    /// A number as the words that an element is compared with; `None` if the type does not have it.
    pub(crate) fn words(self, number: i64) -> Option<[u32; 2]> {
        let [low, high] = [number as u32, (number >> 32) as u32];
        let has = match self {
            Self::None => false,
            Self::U8 => u8::try_from(number).is_ok(),
            Self::I8 => i8::try_from(number).is_ok(),
            Self::U16 => u16::try_from(number).is_ok(),
            Self::I16 => i16::try_from(number).is_ok(),
            Self::U32 => u32::try_from(number).is_ok(),
            Self::I32 => i32::try_from(number).is_ok(),
            Self::U64 => number >= 0,
            Self::I64 => true,
            Self::F16 | Self::BF16 | Self::F32 => {
                let real = number as f32;
                let kept = real as i128 == i128::from(number);
                return kept.then_some([real.to_bits(), 0]);
            }
        };
        has.then_some([low, high])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_only_its_own_numbers() {
        assert_eq!(Kind::U8.words(255), Some([255, 0]));
        assert_eq!(Kind::U8.words(256), None);
        assert_eq!(Kind::U8.words(-1), None);
        assert_eq!(Kind::I8.words(-100), Some([-100i32 as u32, u32::MAX]));
        assert_eq!(Kind::I32.words(1 << 31), None);
        assert_eq!(Kind::U32.words(1 << 31), Some([1 << 31, 0]));
        assert_eq!(Kind::I64.words((7 << 32) + 1), Some([1, 7]));
        assert_eq!(Kind::U64.words(-1), None);
        assert_eq!(Kind::F32.words(16_777_217), None);
        assert_eq!(Kind::F16.words(-100), Some([(-100f32).to_bits(), 0]));
        assert_eq!(Kind::F32.words(i64::MAX), None);
    }
}
