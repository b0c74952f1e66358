//! From planes back to the caller's tensors, from several threads at once.

use std::marker::PhantomData;

use half::{bf16, f16};

use super::number::Number;
use crate::{
    Output,
    tensor::{FloatMut, FloatSliceMut, Layout},
};

/// An output that threads write disjoint runs of voxels of.
#[derive(Clone, Copy)]
pub(super) struct Store<'a> {
    data: Pointer,
    layout: Layout,
    borrowed: PhantomData<&'a mut [u8]>,
}

#[derive(Clone, Copy)]
enum Pointer {
    F32(*mut f32),
    F64(*mut f64),
    F16(*mut f16),
    Bf16(*mut bf16),
}

// SAFETY: the pointer stands for an exclusive borrow, and every write of `run` is to places that
// its caller alone writes.
unsafe impl Send for Store<'_> {}
// SAFETY: as above.
unsafe impl Sync for Store<'_> {}

/// A number as an element of an output.
trait Narrow: FloatMut {
    fn narrow<F: Number>(value: F) -> Self;
}

impl Narrow for f32 {
    #[inline(always)]
    fn narrow<F: Number>(value: F) -> Self {
        value.to_f64() as f32
    }
}

impl Narrow for f64 {
    #[inline(always)]
    fn narrow<F: Number>(value: F) -> Self {
        value.to_f64()
    }
}

impl Narrow for f16 {
    #[inline(always)]
    fn narrow<F: Number>(value: F) -> Self {
        f16::from_f32(value.to_f64() as f32)
    }
}

impl Narrow for bf16 {
    /// To nearest even, branch-free, so that it vectorises.
    #[inline(always)]
    fn narrow<F: Number>(value: F) -> Self {
        let value = value.to_f64() as f32;
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
        let bits = if value.is_nan() { bits | 0x0040_0000 } else { rounded };
        bf16::from_bits((bits >> 16) as u16)
    }
}

impl<'a> Store<'a> {
    pub fn new(output: Output<'a>) -> Self {
        let data = match output.data {
            FloatSliceMut::F32(data) => Pointer::F32(data.as_mut_ptr()),
            FloatSliceMut::F64(data) => Pointer::F64(data.as_mut_ptr()),
            FloatSliceMut::F16(data) => Pointer::F16(data.as_mut_ptr()),
            FloatSliceMut::Bf16(data) => Pointer::Bf16(data.as_mut_ptr()),
        };
        Self { data, layout: output.layout, borrowed: PhantomData }
    }

    /// Writes a run of voxels of a class.
    ///
    /// # Safety
    ///
    /// The run must lie within the layout, and no other thread may write any of its voxels.
    #[inline(always)]
    pub unsafe fn run<F: Number>(&self, sample: usize, class: usize, start: usize, plane: &[F]) {
        let [samples, classes, voxels] = self.layout.shape();
        debug_assert!(sample < samples && class < classes && start + plane.len() <= voxels);
        let [sn, sc, ss] = self.layout.strides;
        let at = sample * sn + class * sc + start * ss;
        // SAFETY: `Output::new` has checked that the layout stays within the buffer, and that no
        // two of its elements share a place; the caller sees to the rest.
        unsafe {
            match self.data {
                Pointer::F32(data) => write(data.add(at), ss, plane),
                Pointer::F64(data) => write(data.add(at), ss, plane),
                Pointer::F16(data) => write(data.add(at), ss, plane),
                Pointer::Bf16(data) => write(data.add(at), ss, plane),
            }
        }
    }
}

/// # Safety
///
/// `plane.len()` elements, `stride` apart, must be writable from `out` on.
#[inline(always)]
unsafe fn write<T: Narrow, F: Number>(out: *mut T, stride: usize, plane: &[F]) {
    if stride == 1 {
        // SAFETY: the caller's.
        let out = unsafe { std::slice::from_raw_parts_mut(out, plane.len()) };
        out.iter_mut().zip(plane).for_each(|(out, &value)| *out = T::narrow(value));
    } else {
        for (i, &value) in plane.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { out.add(i * stride).write(T::narrow(value)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_rounds_to_nearest_even() {
        for bits in (0..=u32::MAX).step_by(65_521) {
            let value = f32::from_bits(bits);
            let (found, wanted) = (<bf16 as Narrow>::narrow(value), bf16::from_f32(value));
            assert!(found == wanted || found.is_nan() && wanted.is_nan(), "{bits:#x}");
        }
    }
}
