//! From the caller's tensors to planes of a tile: the only code that sees element types.

use half::{bf16, f16};

use super::{
    geometry::SPAN,
    lanes::{Block, LANES},
    number::Number,
    prefetch::prefetch,
};
use crate::tensor::{DenseSlice, FloatSlice, LabelSlice, in_words};

/// An element that can be read as a number.
trait Widen: Copy {
    fn widen<F: Number>(self) -> F;
}

macro_rules! widen {
    ($($T:ty: |$x:ident| $wide:expr),+) => {
        $(impl Widen for $T {
            #[inline(always)]
            fn widen<F: Number>(self) -> F {
                let $x = self;
                F::of($wide)
            }
        })+
    };
}
widen! {
    f32: |x| f64::from(x),
    f64: |x| x,
    bool: |x| f64::from(u8::from(x)),
    u8: |x| f64::from(x)
}

impl Widen for f16 {
    #[inline(always)]
    fn widen<F: Number>(self) -> F {
        F::of(f64::from(widen_f16(self)))
    }
}

impl Widen for bf16 {
    #[inline(always)]
    fn widen<F: Number>(self) -> F {
        F::of(f64::from(f32::from_bits(u32::from(self.to_bits()) << 16)))
    }
}

/// Branch-free, so that it vectorises: rescaling the exponent also makes subnormals right.
#[inline(always)]
fn widen_f16(x: f16) -> f32 {
    let bits = u32::from(x.to_bits());
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    let special = bits & 0x7c00 == 0x7c00;
    let wide = if special { magnitude.to_bits() | 0x7f80_0000 } else { magnitude.to_bits() };
    f32::from_bits(wide | (bits & 0x8000) << 16)
}

/// Reads `plane.len()` elements from `start` on, `stride` apart.
#[inline(always)]
fn read<T: Copy, U>(data: &[T], start: usize, stride: usize, plane: &mut [U], f: impl Fn(T) -> U) {
    if stride == 1 {
        let data = &data[start..][..plane.len()];
        plane.iter_mut().zip(data).for_each(|(out, &x)| *out = f(x));
    } else {
        plane.iter_mut().enumerate().for_each(|(i, out)| *out = f(data[start + i * stride]));
    }
}

/// Floats, widened.
#[inline(always)]
pub(super) fn floats<F: Number>(data: FloatSlice, start: usize, stride: usize, plane: &mut [F]) {
    match data {
        FloatSlice::F32(data) => read(data, start, stride, plane, Widen::widen),
        FloatSlice::F64(data) => read(data, start, stride, plane, Widen::widen),
        FloatSlice::F16(data) => read(data, start, stride, plane, Widen::widen),
        FloatSlice::Bf16(data) => read(data, start, stride, plane, Widen::widen),
    }
}

/// The same where a weight is not 0. Elsewhere 0, whatever is there.
///
/// In one go, since a plane of which some is replaced where it lies is stored in part: that takes
/// AVX2 ten times as long on some processors.
#[inline(always)]
fn read_counted<T: Widen, F: Number>(
    data: &[T],
    start: usize,
    stride: usize,
    weight: &[F],
    plane: &mut [F],
) {
    let counted = |x: T, weight: F| if weight == F::ZERO { F::ZERO } else { x.widen() };
    if stride == 1 {
        let data = &data[start..][..plane.len()];
        let rows = plane.iter_mut().zip(data).zip(weight);
        rows.for_each(|((out, &x), &weight)| *out = counted(x, weight));
    } else {
        let rows = plane.iter_mut().zip(weight).enumerate();
        rows.for_each(|(i, (out, &weight))| *out = counted(data[start + i * stride], weight));
    }
}

/// Floats that count, widened.
#[inline(always)]
pub(super) fn counted_floats<F: Number>(
    data: FloatSlice,
    start: usize,
    stride: usize,
    weight: &[F],
    plane: &mut [F],
) {
    match data {
        FloatSlice::F32(data) => read_counted(data, start, stride, weight, plane),
        FloatSlice::F64(data) => read_counted(data, start, stride, weight, plane),
        FloatSlice::F16(data) => read_counted(data, start, stride, weight, plane),
        FloatSlice::Bf16(data) => read_counted(data, start, stride, weight, plane),
    }
}

/// Floats of so many classes that lie side by side, widened, in a row of blocks for each class.
#[inline(always)]
pub(super) fn side_by_side<const C: usize, const B: usize>(
    data: FloatSlice,
    start: usize,
    rows: &mut [[Block<f32>; B]; C],
) {
    match data {
        FloatSlice::F32(data) => separate(data, start, rows),
        FloatSlice::F64(data) => separate(data, start, rows),
        FloatSlice::F16(data) => separate(data, start, rows),
        FloatSlice::Bf16(data) => separate(data, start, rows),
    }
}

#[inline(always)]
fn separate<T: Widen, const C: usize, const B: usize>(
    data: &[T],
    start: usize,
    rows: &mut [[Block<f32>; B]; C],
) {
    let voxels = data[start..][..B * LANES * C].as_chunks::<C>().0;
    for (block, voxels) in voxels.as_chunks::<LANES>().0.iter().enumerate().take(B) {
        for i in 0..LANES {
            for class in 0..C {
                rows[class][block][i] = voxels[i][class].widen();
            }
        }
    }
}

/// Asks for floats that will be read soon, as far as there are any.
#[inline(always)]
pub(super) fn prefetch_floats(data: FloatSlice, start: usize, len: usize) {
    let range = start..start + len;
    match data {
        FloatSlice::F32(data) => prefetch(data.get(range).unwrap_or(&[])),
        FloatSlice::F64(data) => prefetch(data.get(range).unwrap_or(&[])),
        FloatSlice::F16(data) => prefetch(data.get(range).unwrap_or(&[])),
        FloatSlice::Bf16(data) => prefetch(data.get(range).unwrap_or(&[])),
    }
}

/// Values of a dense target that count, widened.
#[inline(always)]
pub(super) fn counted_dense<F: Number>(
    data: DenseSlice,
    start: usize,
    stride: usize,
    weight: &[F],
    plane: &mut [F],
) {
    match data {
        DenseSlice::Bool(data) => read_counted(data, start, stride, weight, plane),
        DenseSlice::U8(data) => read_counted(data, start, stride, weight, plane),
        DenseSlice::F32(data) => read_counted(data, start, stride, weight, plane),
        DenseSlice::F64(data) => read_counted(data, start, stride, weight, plane),
        DenseSlice::F16(data) => read_counted(data, start, stride, weight, plane),
        DenseSlice::Bf16(data) => read_counted(data, start, stride, weight, plane),
    }
}

/// Takes the weight of what holds this number, compared in the type that the data have.
#[inline(always)]
pub(super) fn drop_dense<F: Number>(
    data: DenseSlice,
    start: usize,
    stride: usize,
    number: i64,
    weight: &mut [F],
) {
    match data {
        DenseSlice::Bool(data) => drop_at(data, start, stride, bool_of(number), weight),
        DenseSlice::U8(data) => drop_at(data, start, stride, number.try_into().ok(), weight),
        DenseSlice::F32(data) => {
            drop_at(data, start, stride, exactly(number as f32, number), weight);
        }
        DenseSlice::F64(data) => {
            drop_at(data, start, stride, exactly(number as f64, number), weight);
        }
        DenseSlice::F16(data) => {
            drop_at(data, start, stride, exactly(f16::from_f64(number as f64), number), weight);
        }
        DenseSlice::Bf16(data) => {
            drop_at(data, start, stride, exactly(bf16::from_f64(number as f64), number), weight);
        }
    }
}

fn bool_of(number: i64) -> Option<bool> {
    [false, true].into_iter().find(|&truth| i64::from(truth) == number)
}

/// A number as it was converted, if that kept it.
fn exactly<T: Copy + Into<f64>>(converted: T, number: i64) -> Option<T> {
    is_integer(converted.into(), number).then_some(converted)
}

/// Whether a float is this integer. (`as` saturates, in a type that has room for more.)
fn is_integer(float: f64, number: i64) -> bool {
    float.fract() == 0.0 && float as i128 == i128::from(number)
}

#[inline(always)]
fn drop_at<T: Copy + PartialEq, F: Number>(
    data: &[T],
    start: usize,
    stride: usize,
    value: Option<T>,
    weight: &mut [F],
) {
    let Some(value) = value else { return };
    if stride == 1 {
        return drop_where(weight, &data[start..], value);
    }
    for (i, weight) in weight.iter_mut().enumerate() {
        *weight = if data[start + i * stride] == value { F::ZERO } else { *weight };
    }
}

/// Takes the weight of voxels of a span whose value says so.
#[inline(always)]
pub(super) fn drop_where<F: Number, T: PartialEq + Copy>(weight: &mut [F], values: &[T], value: T) {
    // Not where it lies, which would be stored in part (see `read_counted`).
    let mut kept = [F::ZERO; SPAN];
    let kept = &mut kept[..weight.len()];
    for ((kept, &weight), &other) in kept.iter_mut().zip(&*weight).zip(values) {
        *kept = if other == value { F::ZERO } else { weight };
    }
    weight.copy_from_slice(kept);
}

/// No label: what a fraction, a NaN or a number beyond `i32` is read as.
pub(super) const NO_LABEL: i32 = i32::MIN;

/// Labels. What is no `i32` is [`NO_LABEL`].
#[inline(always)]
pub(super) fn labels(data: LabelSlice, start: usize, stride: usize, plane: &mut [i32]) {
    match data {
        LabelSlice::U8(data) => read(data, start, stride, plane, i32::from),
        LabelSlice::U32(data) => {
            read(
                data,
                start,
                stride,
                plane,
                |x| {
                    if x <= i32::MAX as u32 { x as i32 } else { NO_LABEL }
                },
            )
        }
        LabelSlice::U64(data) => {
            read(
                data,
                start,
                stride,
                plane,
                |x| {
                    if x <= i32::MAX as u64 { x as i32 } else { NO_LABEL }
                },
            )
        }
        LabelSlice::I16(data) => read(data, start, stride, plane, i32::from),
        LabelSlice::I32(data) => read(data, start, stride, plane, |x| x),
        LabelSlice::I64(data) => read(data, start, stride, plane, |x| {
            let low = x as i32;
            if i64::from(low) == x { low } else { NO_LABEL }
        }),
        LabelSlice::F32(data) => read(data, start, stride, plane, |x| {
            let low = x as i32;
            // The largest `i32` is no `f32`: what became it was larger.
            if (low as f32 == x) & (low != i32::MAX) { low } else { NO_LABEL }
        }),
        LabelSlice::F64(data) => read(data, start, stride, plane, |x| {
            let low = x as i32;
            if f64::from(low) == x { low } else { NO_LABEL }
        }),
    }
}

/// Whether the label there is this one, whatever integer that may be.
pub(super) fn is_label(data: LabelSlice, at: usize, label: i64) -> bool {
    match data {
        LabelSlice::U8(data) => i64::from(data[at]) == label,
        LabelSlice::U32(data) => i64::from(data[at]) == label,
        LabelSlice::U64(data) => i64::try_from(data[at]) == Ok(label),
        LabelSlice::I16(data) => i64::from(data[at]) == label,
        LabelSlice::I32(data) => i64::from(data[at]) == label,
        LabelSlice::I64(data) => data[at] == label,
        LabelSlice::F32(data) => is_integer(data[at].into(), label),
        LabelSlice::F64(data) => is_integer(data[at], label),
    }
}

/// A label as its tensor has it, for an error message.
pub(super) fn label_text(data: LabelSlice, at: usize) -> String {
    match data {
        LabelSlice::U8(data) => data[at].to_string(),
        LabelSlice::U32(data) => data[at].to_string(),
        LabelSlice::U64(data) => data[at].to_string(),
        LabelSlice::I16(data) => data[at].to_string(),
        LabelSlice::I32(data) => data[at].to_string(),
        LabelSlice::I64(data) => data[at].to_string(),
        LabelSlice::F32(data) => in_words(data[at]),
        LabelSlice::F64(data) => in_words(data[at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_float_widens_exactly() {
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            let (found, wanted) = (widen_f16(half), half.to_f32());
            assert!(
                found == wanted && found.is_sign_negative() == wanted.is_sign_negative()
                    || found.is_nan() && wanted.is_nan(),
                "{bits:#x}"
            );
            let half = bf16::from_bits(bits);
            let (found, wanted) = (half.widen::<f32>(), half.to_f32());
            assert!(found == wanted || found.is_nan() && wanted.is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn what_is_no_integer_is_no_label() {
        let mut plane = [0; 4];
        labels(LabelSlice::F32(&[1.0, 1.5, f32::NAN, 1e20]), 0, 1, &mut plane);
        assert_eq!(plane, [1, NO_LABEL, NO_LABEL, NO_LABEL]);
        labels(LabelSlice::I64(&[255, -100, 1 << 40, i64::MIN]), 0, 1, &mut plane);
        assert_eq!(plane, [255, -100, NO_LABEL, NO_LABEL]);
        labels(LabelSlice::U32(&[255, 1 << 31, u32::MAX, 0]), 0, 1, &mut plane);
        assert_eq!(plane, [255, NO_LABEL, NO_LABEL, 0]);
        labels(LabelSlice::U64(&[255, 1 << 31, u64::MAX, 0]), 0, 1, &mut plane);
        assert_eq!(plane, [255, NO_LABEL, NO_LABEL, 0]);
        labels(LabelSlice::F64(&[1.0, 1.000_000_000_001, 3e9, 16_777_217.0]), 0, 1, &mut plane);
        assert_eq!(plane, [1, NO_LABEL, NO_LABEL, 16_777_217]);
        labels(LabelSlice::F32(&[2_147_483_648.0, -0.0, -1.0, 0.5]), 0, 1, &mut plane);
        assert_eq!(plane, [NO_LABEL, 0, -1, NO_LABEL]);
    }

    #[test]
    fn labels_are_compared_by_value() {
        assert!(is_label(LabelSlice::F64(&[16_777_217.0]), 0, 16_777_217));
        assert!(!is_label(LabelSlice::F32(&[16_777_216.0]), 0, 16_777_217));
        assert!(!is_label(LabelSlice::F32(&[9_223_372_036_854_775_808.0]), 0, i64::MAX));
        assert!(!is_label(LabelSlice::F64(&[f64::NAN]), 0, 0));
        assert!(!is_label(LabelSlice::U64(&[u64::MAX]), 0, -1));
        assert!(is_label(LabelSlice::U64(&[1 << 40]), 0, 1 << 40));
    }

    #[test]
    fn dense_values_are_compared_by_value() {
        let left = |data: DenseSlice, number| {
            let mut weight = [1.0f32; 2];
            drop_dense(data, 0, 1, number, &mut weight);
            weight
        };
        assert_eq!(left(DenseSlice::U8(&[255, 0]), 255), [0.0, 1.0]);
        assert_eq!(left(DenseSlice::U8(&[255, 0]), 256), [1.0, 1.0]);
        assert_eq!(left(DenseSlice::U8(&[255, 0]), -1), [1.0, 1.0]);
        assert_eq!(left(DenseSlice::Bool(&[true, false]), 1), [0.0, 1.0]);
        assert_eq!(left(DenseSlice::Bool(&[true, false]), 255), [1.0, 1.0]);
        // A mask or value so close to an integer that f32 would make it one.
        assert_eq!(left(DenseSlice::F64(&[1e-50, 0.0]), 0), [1.0, 0.0]);
        assert_eq!(left(DenseSlice::F64(&[1.000_000_000_001, 1.0]), 1), [1.0, 0.0]);
        assert_eq!(left(DenseSlice::F32(&[16_777_216.0, 0.0]), 16_777_217), [1.0, 1.0]);
        assert_eq!(left(DenseSlice::Bf16(&[bf16::from_f32(256.0); 2]), 257), [1.0, 1.0]);
        assert_eq!(left(DenseSlice::F16(&[f16::from_f32(255.0); 2]), 255), [0.0, 0.0]);
    }
}
