//! From planes back to the caller's tensors, from several threads at once.

use std::marker::PhantomData;

use half::{bf16, f16};

use super::{
    geometry::{LANES, Row, STRIP},
    number::Number,
    transpose,
};
use crate::{
    Output,
    tensor::{FloatMut, FloatSliceMut, Layout},
};

/// An output that threads write disjoint runs of voxels of.
#[derive(Clone, Copy)]
pub(super) struct Store<'a> {
    data: Pointer,
    layout: Layout,
    /// Whether writes go past the caches.
    streams: bool,
    borrowed: PhantomData<&'a mut [u8]>,
}

/// Outputs of more elements than this are written past the caches: they would not stay there until
/// they are read, and what is streamed need not be fetched first.
const STREAM: usize = 1 << 21;

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

    /// The plane itself, if nothing need be narrowed.
    #[inline(always)]
    fn unchanged<F: Number>(plane: &[F]) -> Option<&[Self]> {
        let _ = plane;
        None
    }
}

impl Narrow for f32 {
    #[inline(always)]
    fn narrow<F: Number>(value: F) -> Self {
        value.to_f64() as f32
    }

    #[inline(always)]
    fn unchanged<F: Number>(plane: &[F]) -> Option<&[Self]> {
        F::as_f32(plane)
    }
}

impl Narrow for f64 {
    #[inline(always)]
    fn narrow<F: Number>(value: F) -> Self {
        value.to_f64()
    }

    #[inline(always)]
    fn unchanged<F: Number>(plane: &[F]) -> Option<&[Self]> {
        F::as_f64(plane)
    }
}

impl Narrow for f16 {
    /// To nearest even, branch-free, so that it vectorises.
    #[inline(always)]
    fn narrow<F: Number>(value: F) -> Self {
        let bits = (value.to_f64() as f32).to_bits();
        let size = bits & 0x7fff_ffff;
        // Half an ulp, and the exponent's bias.
        let normal = (size.wrapping_add(0xfff + (size >> 13 & 1))).wrapping_sub(0x3800_0000) >> 13;
        // One ulp of ½ is the least step of an f16.
        let small = (f32::from_bits(size) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
        let finite = if size < 0x3880_0000 { small } else { normal };
        // What rounds to 65536 or more is infinite.
        let bounded = if size >= 0x477f_f000 { 0x7c00 } else { finite };
        let half = if size > 0x7f80_0000 { 0x7e00 } else { bounded };
        f16::from_bits((half | bits >> 16 & 0x8000) as u16)
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
        let streams = output.layout.shape().into_iter().product::<usize>() > STREAM;
        Self { data, layout: output.layout, streams, borrowed: PhantomData }
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
                Pointer::F32(data) => self.write(data.add(at), ss, plane),
                Pointer::F64(data) => self.write(data.add(at), ss, plane),
                Pointer::F16(data) => self.write(data.add(at), ss, plane),
                Pointer::Bf16(data) => self.write(data.add(at), ss, plane),
            }
        }
    }

    /// Reads a run of voxels of a class.
    ///
    /// # Safety
    ///
    /// The run must lie within the layout, and no other thread may write any of its voxels.
    #[inline(always)]
    pub unsafe fn read<F: Number>(
        &self,
        sample: usize,
        class: usize,
        start: usize,
        plane: &mut [F],
    ) {
        let [sn, sc, ss] = self.layout.strides;
        let at = sample * sn + class * sc + start * ss;
        // SAFETY: as in `run`; what is borrowed is initialised.
        unsafe {
            match self.data {
                Pointer::F32(data) => widen(data.add(at), ss, plane),
                Pointer::F64(data) => widen(data.add(at), ss, plane),
                Pointer::F16(data) => widen(data.add(at), ss, plane),
                Pointer::Bf16(data) => widen(data.add(at), ss, plane),
            }
        }
    }

    /// Whether the classes of a voxel lie side by side, and the voxels one after the other.
    #[inline(always)]
    pub fn lies_by_voxel(&self) -> bool {
        let [_, classes, _] = self.layout.shape();
        self.layout.strides()[1..] == [1, classes] && transpose::fits(classes)
    }

    /// Writes voxels with all their classes, which lie so.
    ///
    /// # Safety
    ///
    /// They must lie within the layout, and no other thread may write any of them.
    #[inline(always)]
    pub unsafe fn by_voxel<F: Number>(&self, sample: usize, start: usize, voxels: &[F]) {
        let [of_sample, _, of_voxel] = self.layout.strides();
        let at = sample * of_sample + start * of_voxel;
        // SAFETY: the caller's; the elements follow each other.
        unsafe {
            match self.data {
                Pointer::F32(data) => self.write(data.add(at), 1, voxels),
                Pointer::F64(data) => self.write(data.add(at), 1, voxels),
                Pointer::F16(data) => self.write(data.add(at), 1, voxels),
                Pointer::Bf16(data) => self.write(data.add(at), 1, voxels),
            }
        }
    }

    /// Writes a run of voxels of the classes from `first` on, a row for each.
    ///
    /// # Safety
    ///
    /// The run must lie within the layout, and no other thread may write any of its voxels.
    #[inline(always)]
    pub unsafe fn rows(
        &self,
        sample: usize,
        first: usize,
        start: usize,
        used: usize,
        rows: &[Row<f32>],
    ) {
        let [_, of_class, of_voxel] = self.layout.strides();
        if of_class != 1 || of_voxel != rows.len() || rows.len() == 1 || used < STRIP {
            for (class, row) in (first..).zip(rows) {
                // SAFETY: the caller's.
                unsafe { self.run(sample, class, start, &row.as_flattened()[..used]) };
            }
            return;
        }
        let [sn, ..] = self.layout.strides;
        let at = sample * sn + first + start * of_voxel;
        // SAFETY: the caller's; the voxels' classes lie side by side.
        unsafe {
            match self.data {
                Pointer::F32(data) => side_by_side(data.add(at), rows),
                Pointer::F64(data) => side_by_side(data.add(at), rows),
                Pointer::F16(data) => side_by_side(data.add(at), rows),
                Pointer::Bf16(data) => side_by_side(data.add(at), rows),
            }
        }
    }

    /// # Safety
    ///
    /// `plane.len()` elements, `stride` apart, must be writable from `out` on.
    #[inline(always)]
    unsafe fn write<T: Narrow, F: Number>(&self, out: *mut T, stride: usize, plane: &[F]) {
        if stride == 1 {
            // SAFETY: the caller's.
            let out = unsafe { std::slice::from_raw_parts_mut(out, plane.len()) };
            if self.streams {
                stream(out, plane);
            } else {
                narrow(out, plane);
            }
        } else {
            for (i, &value) in plane.iter().enumerate() {
                // SAFETY: the caller's.
                unsafe { out.add(i * stride).write(T::narrow(value)) };
            }
        }
    }

    /// Makes streamed writes visible to other threads, once this thread has written its last.
    pub fn finish(&self) {
        #[cfg(target_arch = "x86_64")]
        if self.streams {
            // SAFETY: a fence is part of SSE, which every x86-64 has.
            unsafe { std::arch::x86_64::_mm_sfence() };
        }
    }
}

/// # Safety
///
/// `plane.len()` elements, `stride` apart, must be readable from `data` on.
#[inline(always)]
unsafe fn widen<T: Copy + Into<f64>, F: Number>(data: *const T, stride: usize, plane: &mut [F]) {
    for (i, value) in plane.iter_mut().enumerate() {
        // SAFETY: the caller's.
        *value = F::of(unsafe { data.add(i * stride).read() }.into());
    }
}

/// # Safety
///
/// A strip of all classes must be writable from `out` on.
#[inline(always)]
unsafe fn side_by_side<T: Narrow>(out: *mut T, rows: &[Row<f32>]) {
    // SAFETY: the caller's.
    unsafe {
        match rows.len() {
            2 => interleave::<T, 2>(out, rows),
            3 => interleave::<T, 3>(out, rows),
            4 => interleave::<T, 4>(out, rows),
            5 => interleave::<T, 5>(out, rows),
            6 => interleave::<T, 6>(out, rows),
            7 => interleave::<T, 7>(out, rows),
            _ => interleave::<T, 8>(out, rows),
        }
    }
}

/// # Safety
///
/// As above.
#[inline(always)]
unsafe fn interleave<T: Narrow, const C: usize>(out: *mut T, rows: &[Row<f32>]) {
    // SAFETY: the caller's.
    let out = unsafe { std::slice::from_raw_parts_mut(out, STRIP * C) };
    let Some(rows) = rows.first_chunk::<C>() else { return };
    let blocks = out.as_chunks_mut::<C>().0.as_chunks_mut::<LANES>().0;
    for (block, voxels) in blocks.iter_mut().enumerate().take(STRIP / LANES) {
        for i in 0..LANES {
            for class in 0..C {
                voxels[i][class] = T::narrow(rows[class][block][i]);
            }
        }
    }
}

#[inline(always)]
fn narrow<T: Narrow, F: Number>(out: &mut [T], plane: &[F]) {
    out.iter_mut().zip(plane).for_each(|(out, &value)| *out = T::narrow(value));
}

/// Writes whole cache lines past the caches, and the ends as usual.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn stream<T: Narrow, F: Number>(out: &mut [T], plane: &[F]) {
    let elements = size_of::<Line>() / size_of::<T>();
    let head = out.as_ptr().align_offset(align_of::<Line>()).min(out.len());
    let (first, out) = out.split_at_mut(head);
    narrow(first, plane);
    let mut lines = out.chunks_exact_mut(elements);
    let mut values = plane[head..].chunks_exact(elements);
    for (out, values) in (&mut lines).zip(&mut values) {
        if let Some(values) = T::unchanged(values) {
            // SAFETY: both are as long as a line, and `out` is aligned for one.
            unsafe { stream_line(values.as_ptr().cast(), out.as_mut_ptr().cast()) };
            continue;
        }
        let mut line = Line([0; 64]);
        let start = line.0.as_mut_ptr();
        // SAFETY: a line is as large as its elements, aligned for them, and of any bytes.
        narrow(unsafe { std::slice::from_raw_parts_mut(start.cast::<T>(), elements) }, values);
        // SAFETY: as above.
        unsafe { stream_line(start, out.as_mut_ptr().cast()) };
    }
    narrow(lines.into_remainder(), values.remainder());
}

/// As many bytes as a cache line, aligned like one.
#[cfg(target_arch = "x86_64")]
#[repr(align(64))]
struct Line([u8; 64]);

/// # Safety
///
/// A line must be readable from `from` on and writable from `to` on; `to` must be aligned for it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn stream_line(from: *const u8, to: *mut u8) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
    let (from, to) = (from.cast::<__m128i>(), to.cast::<__m128i>());
    for quarter in 0..4 {
        // SAFETY: the caller's; SSE2 is part of every x86-64.
        unsafe { _mm_stream_si128(to.add(quarter), _mm_loadu_si128(from.add(quarter))) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn stream<T: Narrow, F: Number>(out: &mut [T], plane: &[F]) {
    narrow(out, plane);
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

    #[test]
    fn f16_rounds_to_nearest_even() {
        let edges = [65_519.9f32, 65_520.0, 65_504.0, 2f32.powi(-25), 3.0 * 2f32.powi(-26)];
        let edges = edges.into_iter().flat_map(|value| [value, -value]);
        for value in (0..=u32::MAX).step_by(65_521).map(f32::from_bits).chain(edges) {
            let (found, wanted) = (<f16 as Narrow>::narrow(value), f16::from_f32(value));
            assert!(found == wanted || found.is_nan() && wanted.is_nan(), "{value:e}");
        }
    }

    fn streams_what_it_narrows<T: Narrow + PartialEq + std::fmt::Debug>() {
        let plane: Vec<f32> = (0..300).map(|i| i as f32 * 0.37 - 40.0).collect();
        for (start, length) in [(0, 300), (1, 299), (3, 64), (5, 40), (7, 1), (9, 0), (16, 128)] {
            let plane = &plane[..length];
            let mut wanted = vec![T::narrow(0.5f32); start + length + 5];
            let mut found = wanted.clone();
            narrow(&mut wanted[start..start + length], plane);
            stream(&mut found[start..start + length], plane);
            assert_eq!(found, wanted, "{length} from {start} on");
        }
    }

    #[test]
    fn streaming_writes_the_same_and_nothing_beside() {
        streams_what_it_narrows::<f32>();
        streams_what_it_narrows::<f64>();
        streams_what_it_narrows::<f16>();
        streams_what_it_narrows::<bf16>();
    }
}
