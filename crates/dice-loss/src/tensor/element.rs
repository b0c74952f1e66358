//! The element types that tensors may have.

use half::{bf16, f16};

/// Declares a sealed element trait together with the two enums that erase it.
macro_rules! elements {
    ($(#[$doc:meta])* $Trait:ident, $Slice:ident, $($Variant:ident: $T:ty),+) => {
        $(#[$doc])*
        pub trait $Trait: sealed::Sealed + Copy + Send + Sync + 'static {
            #[doc(hidden)]
            fn erase(data: &[Self]) -> $Slice<'_>;
        }

        #[doc(hidden)]
        #[derive(Debug, Clone, Copy)]
        pub enum $Slice<'a> {
            $(#[doc(hidden)] $Variant(&'a [$T])),+
        }

        $(impl $Trait for $T {
            fn erase(data: &[Self]) -> $Slice<'_> {
                $Slice::$Variant(data)
            }
        })+
    };
}

elements! {
    /// Element of logits, gradients and voxel weights: `f32`, `f64`, `f16` or `bf16`.
    ///
    /// `f64` is computed in `f64`; the others in `f32`.
    Float, FloatSlice, F32: f32, F64: f64, F16: f16, Bf16: bf16
}
elements! {
    /// Element of a label map: `u8`, `u32`, `u64`, `i16`, `i32`, `i64`, or an `f32` or `f64` that
    /// holds an integer.
    Label, LabelSlice, U8: u8, U32: u32, U64: u64, I16: i16, I32: i32, I64: i64, F32: f32, F64: f64
}
elements! {
    /// Element of a one-hot, multilabel or soft target, or of a mask: `bool`, `u8` or a float.
    Dense, DenseSlice, Bool: bool, U8: u8, F32: f32, F64: f64, F16: f16, Bf16: bf16
}

/// A float as an error says it: without a row of zeros.
pub(crate) fn in_words<T: Copy + Into<f64> + std::fmt::Debug>(x: T) -> String {
    let wide: f64 = x.into();
    match wide.fract() == 0.0 && wide.abs() < 1e16 {
        true => wide.to_string(),
        false => format!("{x:?}"),
    }
}

impl DenseSlice<'_> {
    /// How far a value may lie outside [0, 1] and still stand for its end: 4 roundings of a type
    /// that rounds, since interpolation and averages of raters leave that much.
    pub(crate) fn slack(self) -> f64 {
        4.0 * match self {
            Self::Bool(_) | Self::U8(_) => 0.0,
            Self::F32(_) => f64::from(f32::EPSILON),
            Self::F64(_) => f64::EPSILON,
            Self::F16(_) => f16::EPSILON.to_f64(),
            Self::Bf16(_) => bf16::EPSILON.to_f64(),
        }
    }
}

#[doc(hidden)]
#[derive(Debug)]
pub enum FloatSliceMut<'a> {
    #[doc(hidden)]
    F32(&'a mut [f32]),
    #[doc(hidden)]
    F64(&'a mut [f64]),
    #[doc(hidden)]
    F16(&'a mut [f16]),
    #[doc(hidden)]
    Bf16(&'a mut [bf16]),
}

/// A [`Float`] that can be written.
pub trait FloatMut: Float {
    #[doc(hidden)]
    fn erase_mut(data: &mut [Self]) -> FloatSliceMut<'_>;
}

macro_rules! writable {
    ($($Variant:ident: $T:ty),+) => {
        $(impl FloatMut for $T {
            fn erase_mut(data: &mut [Self]) -> FloatSliceMut<'_> {
                FloatSliceMut::$Variant(data)
            }
        })+

        impl FloatSliceMut<'_> {
            pub(crate) fn len(&self) -> usize {
                match self { $(Self::$Variant(data) => data.len()),+ }
            }

            pub(crate) fn type_name(&self) -> &'static str {
                match self { $(Self::$Variant(_) => stringify!($T)),+ }
            }
        }

        impl FloatSlice<'_> {
            pub(crate) fn type_name(&self) -> &'static str {
                match self { $(Self::$Variant(_) => stringify!($T)),+ }
            }
        }
    };
}

writable! { F32: f32, F64: f64, F16: f16, Bf16: bf16 }

mod sealed {
    pub trait Sealed {}
    macro_rules! seal {
        ($($T:ty),+) => { $(impl Sealed for $T {})+ };
    }
    seal!(bool, u8, u32, u64, i16, i32, i64, f32, f64, half::f16, half::bf16);
}
