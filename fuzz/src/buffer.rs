//! Buffers of every element type.

use arbitrary::{Arbitrary, Result, Unstructured};
use dice_loss::{Dense, Float, FloatMut, Label, Layout, Target};
use half::{bf16, f16};

/// Draws values of an element type: mostly tame ones, also every pattern of bits.
pub trait Element: Copy + PartialEq + std::fmt::Debug {
    fn tame(byte: u8) -> Self;
    fn wild(u: &mut Unstructured) -> Result<Self>;
    /// The pattern of bits, by which NaN equals itself.
    fn bits(self) -> u64;
}

macro_rules! elements {
    ($($T:ty: $byte:ident => $tame:expr, $bits:ident => $wild:expr, $value:ident => $pattern:expr;)+) => { $(
        impl Element for $T {
            fn tame($byte: u8) -> Self {
                $tame
            }

            fn wild(u: &mut Unstructured) -> Result<Self> {
                let $bits = Arbitrary::arbitrary(u)?;
                Ok($wild)
            }

            fn bits(self) -> u64 {
                let $value = self;
                $pattern
            }
        }
    )+ };
}

elements! {
    bool: b => b > 127, bits => bits, v => v.into();
    u8: b => b % 6, bits => bits, v => v.into();
    i16: b => (b % 6).into(), bits => bits, v => v as u64;
    i32: b => (b % 6).into(), bits => bits, v => v as u64;
    i64: b => (b % 6).into(), bits => bits, v => v as u64;
    f32: b => f32::from(b) / 16.0 - 8.0, bits => f32::from_bits(bits), v => v.to_bits().into();
    f64: b => f64::from(b) / 16.0 - 8.0, bits => f64::from_bits(bits), v => v.to_bits();
    f16: b => f16::from_f32(f32::tame(b)), bits => f16::from_bits(bits), v => v.to_bits().into();
    bf16: b => bf16::from_f32(f32::tame(b)), bits => bf16::from_bits(bits), v => v.to_bits().into();
}

/// How tame values are bent to what a tensor holds.
#[derive(Debug, Clone, Copy)]
pub enum Fill {
    /// As they come.
    Any,
    /// 0 and 1 alone.
    ZeroOne,
    /// Small whole numbers.
    Whole,
}

/// As many values as the tensor needs, with some to spare; now and then one too few.
pub fn fill<T: Element>(u: &mut Unstructured, extent: usize, fill: Fill) -> Result<Vec<T>> {
    let spare = u.int_in_range(0..=3)?;
    let length = if u.ratio(1, 64)? { extent.saturating_sub(1) } else { extent + spare };
    let wild = u.ratio(1, 8)?;
    let classes = u.int_in_range(1..=5)?;
    let one = |u: &mut Unstructured| -> Result<T> {
        if wild && u.ratio(1, 4)? {
            return T::wild(u);
        }
        let byte: u8 = u.arbitrary()?;
        Ok(T::tame(match fill {
            Fill::Any => byte,
            Fill::ZeroOne => T::one_of(byte),
            Fill::Whole => T::whole(byte % classes),
        }))
    };
    (0..length).map(|_| one(u)).collect()
}

/// The bytes whose tame values are 0, 1, 2, …
trait Whole: Element {
    fn whole(number: u8) -> u8;

    fn one_of(byte: u8) -> u8 {
        Self::whole(byte & 1)
    }
}

impl<T: Element> Whole for T {
    fn whole(number: u8) -> u8 {
        // Integers are themselves; floats start at −8 in steps of 1/16; true is above 127.
        let zero = (0..=255).find(|&byte| T::tame(byte).bits() == 0).unwrap_or(0);
        match T::tame(1).bits() {
            _ if T::tame(255).bits() == 1 && size_of::<T>() == 1 => number * 255,
            1 => number,
            _ => zero.saturating_add(number.saturating_mul(16)),
        }
    }
}

/// A label map of any of its types.
#[derive(Debug)]
pub enum Labels {
    U8(Vec<u8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
}

impl Labels {
    pub fn new(u: &mut Unstructured, extent: usize) -> Result<Self> {
        Ok(match u.int_in_range(0..=4)? {
            0 => Self::U8(fill(u, extent, Fill::Whole)?),
            1 => Self::I16(fill(u, extent, Fill::Whole)?),
            2 => Self::I32(fill(u, extent, Fill::Whole)?),
            3 => Self::I64(fill(u, extent, Fill::Whole)?),
            _ => Self::F32(fill(u, extent, Fill::Whole)?),
        })
    }

    pub fn target<'a>(
        &'a self,
        layout: Layout,
        table: Option<&'a [Vec<usize>]>,
    ) -> dice_loss::Result<Target<'a>> {
        fn of<'a, T: Label>(
            labels: &'a [T],
            layout: Layout,
            table: Option<&'a [Vec<usize>]>,
        ) -> dice_loss::Result<Target<'a>> {
            match table {
                Some(table) => Target::regions(labels, layout, table),
                None => Target::labels(labels, layout),
            }
        }
        match self {
            Self::U8(data) => of(data, layout, table),
            Self::I16(data) => of(data, layout, table),
            Self::I32(data) => of(data, layout, table),
            Self::I64(data) => of(data, layout, table),
            Self::F32(data) => of(data, layout, table),
        }
    }
}

/// A dense target, a mask, or voxel weights.
#[derive(Debug)]
pub enum Values {
    Bool(Vec<bool>),
    U8(Vec<u8>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
}

impl Values {
    pub fn new(u: &mut Unstructured, extent: usize) -> Result<Self> {
        Ok(match u.int_in_range(0..=5)? {
            0 => Self::Bool(fill(u, extent, Fill::ZeroOne)?),
            1 => Self::U8(fill(u, extent, Fill::ZeroOne)?),
            kind => Self::of_floats(u, extent, kind - 2)?,
        })
    }

    pub fn floats(u: &mut Unstructured, extent: usize) -> Result<Self> {
        let kind = u.int_in_range(0..=3)?;
        Self::of_floats(u, extent, kind)
    }

    /// Numbers of instances, mostly.
    pub fn instances(u: &mut Unstructured, extent: usize) -> Result<Self> {
        if u.ratio(1, 8)? {
            return Self::floats(u, extent);
        }
        let number = |_| Ok(f32::from(u.int_in_range(0..=3u8)?));
        Ok(Self::F32((0..extent).map(number).collect::<Result<_>>()?))
    }

    fn of_floats(u: &mut Unstructured, extent: usize, kind: u8) -> Result<Self> {
        Ok(match kind {
            0 => Self::F32(fill(u, extent, Fill::ZeroOne)?),
            1 => Self::F64(fill(u, extent, Fill::ZeroOne)?),
            2 => Self::F16(fill(u, extent, Fill::ZeroOne)?),
            _ => Self::Bf16(fill(u, extent, Fill::ZeroOne)?),
        })
    }

    pub fn target(&self, layout: Layout) -> dice_loss::Result<Target<'_>> {
        fn of<T: Dense>(data: &[T], layout: Layout) -> dice_loss::Result<Target<'_>> {
            Target::dense(data, layout)
        }
        match self {
            Self::Bool(data) => of(data, layout),
            Self::U8(data) => of(data, layout),
            Self::F32(data) => of(data, layout),
            Self::F64(data) => of(data, layout),
            Self::F16(data) => of(data, layout),
            Self::Bf16(data) => of(data, layout),
        }
    }

    pub fn mask<'a>(&'a self, target: Target<'a>, layout: Layout) -> dice_loss::Result<Target<'a>> {
        match self {
            Self::Bool(data) => target.mask(data, layout),
            Self::U8(data) => target.mask(data, layout),
            Self::F32(data) => target.mask(data, layout),
            Self::F64(data) => target.mask(data, layout),
            Self::F16(data) => target.mask(data, layout),
            Self::Bf16(data) => target.mask(data, layout),
        }
    }

    /// As a map, which floats alone can be.
    pub fn map<'a>(
        &'a self,
        target: Target<'a>,
        name: &str,
        layout: Layout,
    ) -> dice_loss::Result<Target<'a>> {
        match self {
            Self::Bool(_) | Self::U8(_) => Ok(target),
            Self::F32(data) => target.map(name, data, layout),
            Self::F64(data) => target.map(name, data, layout),
            Self::F16(data) => target.map(name, data, layout),
            Self::Bf16(data) => target.map(name, data, layout),
        }
    }

    /// As voxel weights, which floats alone can be.
    pub fn weigh<'a>(
        &'a self,
        target: Target<'a>,
        layout: Layout,
    ) -> dice_loss::Result<Target<'a>> {
        match self {
            Self::Bool(_) | Self::U8(_) => Ok(target),
            Self::F32(data) => target.voxel_weights(data, layout),
            Self::F64(data) => target.voxel_weights(data, layout),
            Self::F16(data) => target.voxel_weights(data, layout),
            Self::Bf16(data) => target.voxel_weights(data, layout),
        }
    }
}

/// An element type of logits.
pub trait Logit: Element + Float + FloatMut {}
impl<T: Element + Float + FloatMut> Logit for T {}
