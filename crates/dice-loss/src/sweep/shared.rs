//! A row of numbers that threads write different parts of.

use std::marker::PhantomData;

/// An exclusive borrow that is shared among threads which keep apart.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a, T> {
    data: *mut T,
    len: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for an exclusive borrow, and who writes does so where nobody else does.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T: Copy> Shared<'a, T> {
    pub fn new(data: &'a mut [T]) -> Self {
        Self { data: data.as_mut_ptr(), len: data.len(), borrowed: PhantomData }
    }

    /// Writes a run.
    ///
    /// # Safety
    ///
    /// No other thread may write any of it.
    #[inline(always)]
    pub unsafe fn write(&self, start: usize, values: &[T]) {
        assert!(start <= self.len && values.len() <= self.len - start);
        // SAFETY: within the borrow, which `values` is not part of; the caller sees to the rest.
        unsafe { self.data.add(start).copy_from_nonoverlapping(values.as_ptr(), values.len()) };
    }

    /// Writes one.
    ///
    /// # Safety
    ///
    /// No other thread may write it.
    #[inline(always)]
    pub unsafe fn set(&self, at: usize, value: T) {
        assert!(at < self.len);
        // SAFETY: within the borrow; the caller sees to the rest.
        unsafe { self.data.add(at).write(value) };
    }
}
