//! Buffers of a thread, kept from call to call.

use std::cell::RefCell;

use super::{
    labels::{NONE, VALUES},
    lanes::LANES,
    number::Number,
};

/// Voxels of a tile.
pub(super) const TILE: usize = 1024;

/// What a tile is loaded into. A set of class planes holds one [`TILE`] for each class.
#[derive(Default)]
pub(super) struct Input<F> {
    /// Class planes of logits that cannot be read where they are.
    pub logits: Vec<F>,
    /// Class planes of the reference.
    pub reference: Vec<F>,
    /// Each voxel's weight; 0 where it does not count.
    pub weight: Vec<F>,
    /// Values on their way into `weight` or `label`.
    pub staging: Vec<F>,
    /// Each voxel's class, and each block's.
    pub label: Vec<i32>,
    pub block_label: Vec<i32>,
}

/// What a tile is computed in.
#[derive(Default)]
pub(super) struct Work<F> {
    /// Class planes of exponentials or probabilities.
    pub probability: Vec<F>,
    /// Class planes of the reference, where a stage wants labels written out.
    pub reference: Vec<F>,
    /// Class planes of derivatives by the probabilities, then of the gradient.
    pub slopes: Vec<F>,
    /// Class planes of the gradient of an earlier group.
    pub gradient: Vec<F>,
    /// The weights times the upstream gradient, where that is a map.
    pub upstream: Vec<F>,
    /// Class planes of derivatives by the log-probabilities.
    pub log_slopes: Vec<F>,
    /// Single planes; each stage names those that it borrows.
    pub planes: [Vec<F>; PLANES],
    /// Planes of one class's outcome.
    pub outcome: [Vec<F>; 5],
    /// Lanes of sums by label.
    pub by_label: Vec<F>,
    /// The class that a hard decision takes, and the reference's.
    pub decided: [Vec<i32>; 2],
}

/// Single planes in [`Work`].
pub(super) const PLANES: usize = 8;

/// Where a thread keeps its buffers.
pub(super) trait Scratched: Number {
    /// Runs with this thread's buffers, large enough for so many classes.
    fn with_scratch<R>(classes: usize, f: impl FnOnce(&mut Input<Self>, &mut Work<Self>) -> R)
    -> R;
}

impl<F: Number> Input<F> {
    fn prepare(&mut self, classes: usize) {
        grow(&mut self.logits, classes * TILE, F::ZERO);
        grow(&mut self.reference, classes * TILE, F::ZERO);
        grow(&mut self.weight, TILE, F::ZERO);
        grow(&mut self.staging, TILE, F::ZERO);
        grow(&mut self.label, TILE, NONE);
        grow(&mut self.block_label, TILE / LANES, NONE);
    }
}

impl<F: Number> Work<F> {
    fn prepare(&mut self, classes: usize) {
        for planes in [
            &mut self.probability,
            &mut self.reference,
            &mut self.slopes,
            &mut self.gradient,
            &mut self.log_slopes,
        ] {
            grow(planes, classes * TILE, F::ZERO);
        }
        grow(&mut self.upstream, TILE, F::ZERO);
        for plane in self.planes.iter_mut().chain(&mut self.outcome) {
            grow(plane, TILE, F::ZERO);
        }
        grow(&mut self.by_label, classes * VALUES * LANES, F::ZERO);
        self.decided.iter_mut().for_each(|plane| grow(plane, TILE, NONE));
    }
}

fn grow<T: Clone>(plane: &mut Vec<T>, length: usize, value: T) {
    if plane.len() < length {
        plane.resize(length, value);
    }
}

macro_rules! scratched {
    ($($F:ty),+) => { $(
        impl Scratched for $F {
            fn with_scratch<R>(
                classes: usize,
                f: impl FnOnce(&mut Input<Self>, &mut Work<Self>) -> R,
            ) -> R {
                thread_local! {
                    static KEPT: RefCell<(Input<$F>, Work<$F>)> = RefCell::default();
                }
                // Taken out for the time: work that rayon runs in between finds an empty one.
                let (mut input, mut work) = KEPT.take();
                input.prepare(classes);
                work.prepare(classes);
                let result = f(&mut input, &mut work);
                KEPT.set((input, work));
                result
            }
        }
    )+ };
}
scratched!(f32, f64);
