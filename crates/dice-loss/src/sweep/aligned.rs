//! Memory that starts where cache lines do: a vector that lies in two lines costs two accesses.

use std::ops::{Deref, DerefMut};

use super::{
    number::Number,
    scratch::{Plane, TILE},
};

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

/// A plane for each class.
pub(super) struct ClassPlanes<F>(Vec<Aligned<Plane<F>>>);

impl<F> Default for ClassPlanes<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Number> ClassPlanes<F> {
    /// Sees to it that there are so many planes.
    pub fn grow(&mut self, classes: usize) {
        if self.0.len() < classes {
            self.0.resize(classes, Aligned([F::ZERO; TILE]));
        }
    }
}

impl<F> ClassPlanes<F> {
    /// Aligning a plane adds nothing to it.
    const SAME_SIZE: () = assert!(size_of::<Aligned<Plane<F>>>() == size_of::<Plane<F>>());
}

impl<F> Deref for ClassPlanes<F> {
    type Target = [Plane<F>];

    #[inline(always)]
    fn deref(&self) -> &[Plane<F>] {
        let () = Self::SAME_SIZE;
        // SAFETY: an aligned plane is a plane, of the same size.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len()) }
    }
}

impl<F> DerefMut for ClassPlanes<F> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Plane<F>] {
        let () = Self::SAME_SIZE;
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len()) }
    }
}
