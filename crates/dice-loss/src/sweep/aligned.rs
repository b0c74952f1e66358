//! Memory that starts where cache lines do: a vector that lies in two lines costs two accesses.

use std::{
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use super::{
    geometry::{Plane, TILE},
    number::Number,
};
use crate::{Error, Result};

/// Something at the start of a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Aligned<T>(pub T);

impl<T> Deref for Aligned<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Zeros in memory that the system gives zeroed: of what is never used, no page is touched.
pub(super) fn zeros<F: Number>(len: usize, what: &'static str) -> Result<Vec<F>> {
    let lacking = |bytes| Error::Memory { what, bytes };
    let layout = std::alloc::Layout::array::<F>(len).map_err(|_| lacking(usize::MAX))?;
    if len == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: of a size that is not 0.
    let memory = unsafe { std::alloc::alloc_zeroed(layout) };
    if memory.is_null() {
        return Err(lacking(layout.size()));
    }
    // SAFETY: so many numbers, from the allocator and in the layout of a vector; f32 and f64, which
    // numbers are, are 0 where all bits are.
    Ok(unsafe { Vec::from_raw_parts(memory.cast(), len, len) })
}

/// A plane for each class.
pub(super) struct ClassPlanes<F> {
    /// Owns the planes.
    _data: Vec<F>,
    /// The first of them, at the start of a cache line.
    first: NonNull<Plane<F>>,
    planes: usize,
}

impl<F> Default for ClassPlanes<F> {
    fn default() -> Self {
        Self { _data: Vec::new(), first: NonNull::dangling(), planes: 0 }
    }
}

impl<F: Number> ClassPlanes<F> {
    /// Sees to it that there are so many planes; what is in them is lost where there were fewer.
    pub fn grow(&mut self, planes: usize) -> Result<()> {
        if self.planes < planes {
            *self = Self::default();
            let line = align_of::<Aligned<F>>();
            let slack = line / size_of::<F>();
            let len = planes.saturating_mul(TILE).saturating_add(slack);
            let mut data = zeros::<F>(len, "planes of all classes")?;
            let start = data.as_ptr().align_offset(line).min(slack);
            self.first = NonNull::from(&mut data[start..]).cast();
            (self.planes, self._data) = (planes, data);
        }
        Ok(())
    }
}

impl<F> Deref for ClassPlanes<F> {
    type Target = [Plane<F>];

    #[inline(always)]
    fn deref(&self) -> &[Plane<F>] {
        // SAFETY: so many planes start there, in the vector beside it, which nobody else looks at.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.planes) }
    }
}

impl<F> DerefMut for ClassPlanes<F> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Plane<F>] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.planes) }
    }
}
