//! Memory that Python lends: the only place that turns addresses into slices.

use dice_loss::{Layout, Logits, Output, Target};
use half::{bf16, f16};
use pyo3::prelude::*;

use crate::{
    huge_pages,
    refused::{Refused, Result, filled},
};

/// From here on fresh memory is worth huge pages: touching it costs more than computing it.
const LARGE: usize = 4 << 20;

/// (address, shape, strides in elements, element type).
///
/// The address is Python's word: it lends that memory, as far as shape and strides reach, for the
/// time of one call, and writes to none of it meanwhile. Everything else is checked.
#[derive(Debug, FromPyObject)]
pub(crate) struct View(usize, Vec<usize>, Vec<i64>, String);

/// Evaluates an expression with the elements of a view as a slice of one of the types named.
macro_rules! with_elements {
    ($view:expr, $what:expr, [$($name:literal => $T:ty),+ $(,)?], |$data:ident| $body:expr) => {
        match $view.3.as_str() {
            $($name => {
                let $data = $view.elements::<$T>($what)?;
                $body
            })+
            found => Err(Refused::new(
                &format!("element type of the {}", $what),
                found,
                [$($name),+].join(" or "),
            )),
        }
    };
}

macro_rules! with_floats {
    ($view:expr, $what:expr, |$data:ident| $body:expr) => {
        with_elements!(
            $view,
            $what,
            ["float32" => f32, "float64" => f64, "float16" => f16, "bfloat16" => bf16],
            |$data| $body
        )
    };
}

/// Booleans are read as the bytes they are: whatever else is in them is found, not undefined.
macro_rules! with_dense {
    ($view:expr, $what:expr, |$data:ident| $body:expr) => {
        with_elements!(
            $view,
            $what,
            [
                "bool" => u8, "uint8" => u8, "float32" => f32, "float64" => f64, "float16" => f16,
                "bfloat16" => bf16,
            ],
            |$data| $body
        )
    };
}

macro_rules! with_labels {
    ($view:expr, |$data:ident| $body:expr) => {
        with_elements!(
            $view,
            "labels",
            [
                "uint8" => u8, "uint32" => u32, "uint64" => u64, "int16" => i16, "int32" => i32,
                "int64" => i64, "bool" => u8, "float32" => f32, "float64" => f64,
            ],
            |$data| $body
        )
    };
}

impl View {
    /// Memory without gaps, the last axis varying fastest.
    pub fn row_major(address: usize, shape: &[usize], dtype: &str) -> Self {
        Self(address, shape.to_vec(), row_major(shape), dtype.into())
    }

    /// The last axis as the second, which is where channels are.
    pub fn channels_last(mut self) -> Self {
        if self.1.len() > 2 {
            self.1[1..].rotate_right(1);
            self.2[1..].rotate_right(1);
        }
        self
    }

    /// Asks for huge pages behind large memory that was not written to before.
    pub fn advise_huge_pages(&self) {
        if let Ok(span) = self.span()
            && span.len() >= LARGE
        {
            huge_pages::advise(span.start, span.len());
        }
    }

    pub fn address(&self) -> usize {
        self.0
    }

    pub fn shape(&self) -> &[usize] {
        &self.1
    }

    pub fn dtype(&self) -> &str {
        &self.3
    }

    /// A refusal of its shape.
    pub fn misshapen(&self, what: &str, wanted: impl std::fmt::Display) -> Refused {
        Refused::new(&format!("shape of the {what}"), tuple(self.shape()), wanted)
    }

    /// `(N, C, spatial…)` as logits.
    pub fn logits(&self) -> Result<Logits<'_>> {
        let layout = self.channels()?;
        with_floats!(self, "logits", |data| Ok(Logits::new(data, layout)?))
    }

    /// `(N, spatial…)` as labels.
    pub fn labels(&self) -> Result<Target<'_>> {
        let layout = self.voxels()?;
        with_labels!(self, |data| Ok(Target::labels(data, layout)?))
    }

    /// `(N, spatial…)` as labels of regions.
    pub fn regions<'a>(&'a self, table: &'a [Vec<usize>]) -> Result<Target<'a>> {
        let layout = self.voxels()?;
        with_labels!(self, |data| Ok(Target::regions(data, layout, table)?))
    }

    /// `(N, C, spatial…)` as a dense target.
    pub fn dense_target(&self) -> Result<Target<'_>> {
        let layout = self.channels()?;
        with_dense!(self, "dense target", |data| Ok(Target::dense(data, layout)?))
    }

    /// The target with this mask.
    pub fn mask<'a>(&'a self, target: Target<'a>) -> Result<Target<'a>> {
        let layout = self.voxels()?;
        with_dense!(self, "mask", |data| Ok(target.mask(data, layout)?))
    }

    /// The target with these voxel weights.
    pub fn weigh<'a>(&'a self, target: Target<'a>) -> Result<Target<'a>> {
        let layout = self.voxels()?;
        with_floats!(self, "voxel weights", |data| Ok(target.voxel_weights(data, layout)?))
    }

    /// The target with this map, `(N, 1 or C, spatial…)`.
    pub fn map<'a>(&'a self, name: &str, target: Target<'a>) -> Result<Target<'a>> {
        let layout = self.channels()?;
        with_floats!(self, "map", |data| Ok(target.map(name, data, layout)?))
    }

    /// `(N, C, spatial…)` to write to.
    pub fn output(&mut self) -> Result<Output<'_>> {
        let layout = self.channels()?;
        match self.3.as_str() {
            "float32" => Ok(Output::new(self.elements_mut::<f32>("output")?, layout)?),
            "float64" => Ok(Output::new(self.elements_mut::<f64>("output")?, layout)?),
            "float16" => Ok(Output::new(self.elements_mut::<f16>("output")?, layout)?),
            "bfloat16" => Ok(Output::new(self.elements_mut::<bf16>("output")?, layout)?),
            found => Err(Refused::new(
                "element type of the output",
                found,
                "float32 or float64 or float16 or bfloat16",
            )),
        }
    }

    /// Contiguous elements of one type, in the shape given.
    pub fn dense<T: Element>(&self, what: &str, shape: &[usize]) -> Result<&[T]> {
        self.expect_dense::<T>(what, shape)?;
        self.elements(what)
    }

    /// Contiguous numbers, in the shape given.
    pub fn numbers(&self, what: &str, shape: &[usize]) -> Result<Vec<f64>> {
        match self.dtype() {
            "float32" => numbers(self.dense::<f32>(what, shape)?),
            _ => numbers(self.dense::<f64>(what, shape)?),
        }
    }

    /// Writes contiguous numbers, in the shape given.
    pub fn write_numbers(&mut self, what: &str, shape: &[usize], numbers: &[f64]) -> Result<()> {
        match self.dtype() {
            "float32" => {
                let out = self.dense_mut::<f32>(what, shape)?;
                out.iter_mut().zip(numbers).for_each(|(to, &from)| *to = from as f32);
            }
            _ => self.dense_mut::<f64>(what, shape)?.copy_from_slice(numbers),
        }
        Ok(())
    }

    /// Contiguous elements of one type to write to, in the shape given.
    pub fn dense_mut<T: Element>(&mut self, what: &str, shape: &[usize]) -> Result<&mut [T]> {
        self.expect_dense::<T>(what, shape)?;
        self.elements_mut(what)
    }

    /// Contiguous booleans, in the shape given, as the bytes they are: 0 is false.
    pub fn truths(&self, what: &str, shape: &[usize]) -> Result<&[u8]> {
        if !["bool", "uint8"].contains(&self.dtype()) {
            let what = format!("element type of {what}");
            return Err(Refused::new(&what, self.dtype(), "bool or uint8"));
        }
        self.expect_contiguous(what, shape)?;
        self.elements(what)
    }

    /// Fails if a write to `output` could be seen here.
    pub fn keep_apart(&self, what: &str, output: &Self) -> Result<()> {
        let (mine, its) = (self.span()?, output.span()?);
        if mine.start < its.end && its.start < mine.end {
            return Err(Refused::new(
                what,
                "memory that is also read from",
                "memory of its own: nothing is written in place",
            ));
        }
        Ok(())
    }

    /// Where the elements of `(N, C, spatial…)` lie.
    pub fn channels(&self) -> Result<Layout> {
        Ok(Layout::strided(&self.1, &self.strides()?)?)
    }

    /// Where the elements of `(N, spatial…)` lie.
    pub fn voxels(&self) -> Result<Layout> {
        Ok(Layout::voxels_strided(&self.1, &self.strides()?)?)
    }

    fn strides(&self) -> Result<Vec<usize>> {
        let strides: std::result::Result<_, _> =
            self.2.iter().map(|&stride| usize::try_from(stride)).collect();
        strides.map_err(|_| Refused::new("strides", format!("{:?}", self.2), "0 or more"))
    }

    fn expect_dense<T: Element>(&self, what: &str, shape: &[usize]) -> Result<()> {
        if self.dtype() != T::NAME {
            return Err(Refused::new(&format!("element type of {what}"), self.dtype(), T::NAME));
        }
        self.expect_contiguous(what, shape)
    }

    fn expect_contiguous(&self, what: &str, shape: &[usize]) -> Result<()> {
        if self.1 != shape {
            return Err(self.misshapen(what, tuple(shape)));
        }
        let mut step = 1usize;
        for (&size, stride) in self.1.iter().zip(self.strides()?).rev() {
            if size != 1 && stride != step && !self.1.contains(&0) {
                let what = format!("strides of {what}");
                return Err(Refused::new(&what, tuple(&self.strides()?), "contiguous memory"));
            }
            step = step.saturating_mul(size);
        }
        Ok(())
    }

    /// How many elements shape and strides reach.
    fn extent(&self) -> Result<usize> {
        if self.1.contains(&0) {
            return Ok(0);
        }
        let strides = self.strides()?;
        if strides.len() != self.1.len() {
            return Err(Refused::new("strides", tuple(&strides), "one for each axis"));
        }
        let mut extent = Some(1usize);
        for (&size, stride) in self.1.iter().zip(strides) {
            extent = (size - 1).checked_mul(stride).and_then(|last| extent?.checked_add(last));
        }
        extent.ok_or_else(|| self.misshapen("tensor", "at most the address space"))
    }

    /// The bytes that shape and strides reach.
    fn span(&self) -> Result<std::ops::Range<usize>> {
        let end = self
            .extent()?
            .checked_mul(size_of_element(self.dtype()))
            .and_then(|bytes| self.0.checked_add(bytes));
        match end {
            Some(end) if end - self.0 <= isize::MAX as usize => Ok(self.0..end),
            _ => Err(self.misshapen("tensor", "at most the address space")),
        }
    }

    /// The address, fit for so many elements of this type.
    fn pointer<T>(&self, what: &str, extent: usize) -> Result<*mut T> {
        if extent == 0 {
            return Ok(std::ptr::dangling_mut());
        }
        self.span()?;
        if self.0 == 0 {
            return Err(Refused::new(what, "no memory", "a tensor that holds data"));
        }
        if !self.0.is_multiple_of(align_of::<T>()) {
            let wanted = format!("a multiple of {}", align_of::<T>());
            return Err(Refused::new(&format!("address of the {what}"), self.0, wanted));
        }
        Ok(std::ptr::with_exposed_provenance_mut(self.0))
    }

    fn elements<T: Element>(&self, what: &str) -> Result<&[T]> {
        let extent = self.extent()?;
        let pointer = self.pointer::<T>(what, extent)?;
        // SAFETY: aligned, not null, within the address space; lent for as long as the view
        // lives, and written by nobody meanwhile (`keep_apart` for what is written here). Every
        // pattern of bits is a `T`.
        Ok(unsafe { std::slice::from_raw_parts(pointer, extent) })
    }

    fn elements_mut<T: Element>(&mut self, what: &str) -> Result<&mut [T]> {
        let extent = self.extent()?;
        let pointer = self.pointer::<T>(what, extent)?;
        // SAFETY: as above; an output is lent to this call alone.
        Ok(unsafe { std::slice::from_raw_parts_mut(pointer, extent) })
    }
}

fn numbers<T: Copy + Into<f64>>(from: &[T]) -> Result<Vec<f64>> {
    let mut numbers = filled(0.0, from.len(), "numbers")?;
    numbers.iter_mut().zip(from).for_each(|(to, &from)| *to = from.into());
    Ok(numbers)
}

/// Bytes of an element of a type.
pub(crate) fn size_of_element(dtype: &str) -> usize {
    match dtype {
        "bool" | "uint8" | "int8" => 1,
        "float16" | "bfloat16" | "int16" | "uint16" => 2,
        "float32" | "int32" | "uint32" => 4,
        _ => 8,
    }
}

/// The strides of memory without gaps.
pub(crate) fn row_major(shape: &[usize]) -> Vec<i64> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1i64;
    for (stride, &size) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.saturating_mul(i64::try_from(size).unwrap_or(i64::MAX));
    }
    strides
}

/// A shape as Python writes it.
pub(crate) fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// An element type under its name in Python.
///
/// # Safety
///
/// Every pattern of bits is a value of it.
pub(crate) unsafe trait Element {
    const NAME: &'static str;
}

macro_rules! elements {
    ($($T:ty: $name:literal),+) => {
        // SAFETY: integers and floats.
        $(unsafe impl Element for $T {
            const NAME: &'static str = $name;
        })+
    };
}

elements! {
    u8: "uint8", u16: "uint16", u32: "uint32", u64: "uint64", i8: "int8", i16: "int16",
    i32: "int32", i64: "int64",
    f32: "float32", f64: "float64", f16: "float16", bf16: "bfloat16"
}
