//! What kernels are compiled for: the sums they make, and the kind of reference they read.

use std::marker::PhantomData;

use super::{
    super::{number::Number, odds},
    strip::Strip,
};

/// The sums of a kernel, beside those of the reference alone.
pub(super) trait Sums {
    /// Σpg and Σp.
    const OVERLAP: bool = false;
    /// Σp².
    const SQUARES: bool = false;
    /// The log losses: cross-entropy, binary of channels.
    const LOG_LOSS: bool = false;
    /// The focal losses.
    const FOCAL: bool = false;
    /// With a map m, Σm and Σmp.
    const MAP: bool = false;
    /// With a map m, Σm and Σm(p − g)².
    const MAP_OF_ERRORS: bool = false;
}

/// The same sums beside Σm and Σmp of a map m.
pub(super) struct WithMap<S>(PhantomData<S>);
impl<S: Sums> Sums for WithMap<S> {
    const OVERLAP: bool = S::OVERLAP;
    const LOG_LOSS: bool = S::LOG_LOSS;
    const MAP: bool = true;
}

/// The same sums beside Σm and Σm(p − g)² of a map m.
pub(super) struct WithErrors<S>(PhantomData<S>);
impl<S: Sums> Sums for WithErrors<S> {
    const OVERLAP: bool = S::OVERLAP;
    const LOG_LOSS: bool = S::LOG_LOSS;
    const MAP_OF_ERRORS: bool = true;
}

pub(super) struct Linear;
impl Sums for Linear {
    const OVERLAP: bool = true;
}

pub(super) struct Squared;
impl Sums for Squared {
    const OVERLAP: bool = true;
    const SQUARES: bool = true;
}

pub(super) struct LinearAndLogLoss;
impl Sums for LinearAndLogLoss {
    const OVERLAP: bool = true;
    const LOG_LOSS: bool = true;
}

pub(super) struct LinearAndFocal;
impl Sums for LinearAndFocal {
    const OVERLAP: bool = true;
    const FOCAL: bool = true;
}

pub(super) struct LogLoss;
impl Sums for LogLoss {
    const LOG_LOSS: bool = true;
}

pub(super) struct Focal;
impl Sums for Focal {
    const FOCAL: bool = true;
}

/// How much of each class a voxel is.
pub(super) trait Membership<const C: usize>: Copy {
    /// Whether a voxel is wholly of its class, so that g² is g.
    const IS_WHOLE: bool;

    fn read(strip: &Strip, block: usize, lane: usize) -> Self;

    /// A class's share of a number; none of it if the share is 0, whatever the number.
    fn share(self, class: usize, of: f32) -> f32;

    /// What is between `inside` and `outside`, as far as the voxel is of a class.
    fn blend(self, class: usize, inside: f32, outside: f32) -> f32;
}

/// One class: the label says which.
#[derive(Clone, Copy)]
pub(super) struct ByLabel(i32);

impl ByLabel {
    #[inline(always)]
    pub(super) fn of(strip: &Strip, block: usize, lane: usize) -> Self {
        Self(strip.label[block][lane])
    }

    /// Something of the voxel's own class, and nothing of others.
    #[inline(always)]
    pub(super) fn own(self, class: usize, of: f32) -> f32 {
        if self.0 == class as i32 { of } else { 0.0 }
    }
}

impl<const C: usize> Membership<C> for ByLabel {
    const IS_WHOLE: bool = true;

    #[inline(always)]
    fn read(strip: &Strip, block: usize, lane: usize) -> Self {
        Self::of(strip, block, lane)
    }

    #[inline(always)]
    fn share(self, class: usize, of: f32) -> f32 {
        self.own(class, of)
    }

    #[inline(always)]
    fn blend(self, class: usize, inside: f32, outside: f32) -> f32 {
        if self.0 == class as i32 { inside } else { outside }
    }
}

/// Any share of each class.
#[derive(Clone, Copy)]
pub(super) struct ByValue<const C: usize>([f32; C]);

impl<const C: usize> Membership<C> for ByValue<C> {
    const IS_WHOLE: bool = false;

    #[inline(always)]
    fn read(strip: &Strip, block: usize, lane: usize) -> Self {
        let mut values = [0.0; C];
        for class in 0..C {
            values[class] = strip.reference[class][block][lane];
        }
        Self(values)
    }

    #[inline(always)]
    fn share(self, class: usize, of: f32) -> f32 {
        odds::share(self.0[class], of)
    }

    #[inline(always)]
    fn blend(self, class: usize, inside: f32, outside: f32) -> f32 {
        let g = self.0[class];
        g * inside + (f32::ONE - g) * outside
    }
}
