//! Buffers of a thread, kept from call to call.

use std::cell::RefCell;

use super::{
    aligned::{Aligned, ClassPlanes},
    geometry::{Plane, SPAN, TILE},
    kernels::buffers::Buffers,
    labels::{NONE, Run},
    number::Number,
    pieces::PieceInput,
};
use crate::Result;

/// What a span is loaded into: what is said once for each voxel.
pub(super) struct SpanInput<F> {
    /// The weights of voxels that all count, and count the same.
    pub ones: Aligned<[F; SPAN]>,
    /// Each voxel's weight; 0 where it does not count.
    pub weight: Aligned<[F; SPAN]>,
    /// The caller's weights on their way into `weight`.
    pub given: Vec<f64>,
    /// Each voxel's class, as the caller has it, and for tiles: in range or none.
    pub label: Vec<i32>,
    pub known: Vec<i32>,
    /// Runs of one class, and how many there are up to the end of each tile.
    pub runs: Vec<Run>,
    pub ends: [usize; SPAN / TILE],
}

/// What a tile is loaded into.
#[derive(Default)]
pub(super) struct TileInput<F> {
    /// Logits that cannot be computed with where they are.
    pub logits: ClassPlanes<F>,
    /// The same before they are put in planes, if their classes lie side by side.
    pub beside: ClassPlanes<F>,
    /// The reference, if it is not labels.
    pub reference: ClassPlanes<F>,
    /// Every channel of every map.
    pub maps: ClassPlanes<F>,
    /// Runs of one instance.
    pub pieces: PieceInput,
}

/// What a tile is computed in. The single planes come first, so that each starts a cache line.
#[repr(C, align(64))]
pub(super) struct Work<F> {
    /// The weights times the upstream gradient, where that is a map.
    pub upstream: Plane<F>,
    /// Single planes; each stage names those that it borrows.
    pub planes: [Plane<F>; PLANES],
    /// Planes of one class's likelihood.
    pub likelihood: [Plane<F>; 5],
    /// What one of several groups adds, or the weights that a map makes.
    pub piece: Plane<F>,
    /// The weights of one instance.
    pub cut: Plane<F>,
    /// Exponentials or probabilities of each class.
    pub probability: ClassPlanes<F>,
    /// The reference of each class, where a stage wants labels written out.
    pub reference: ClassPlanes<F>,
    /// Each class's derivatives by the probabilities, then of the gradient.
    pub slopes: ClassPlanes<F>,
    /// The gradient of an earlier group.
    pub gradient: ClassPlanes<F>,
    /// Each class's derivatives by the log-probabilities.
    pub log_slopes: ClassPlanes<F>,
    /// A span's output, class by class: written at its end, in long runs. Of more than [`MANY`]
    /// classes it is not kept that long.
    pub output: ClassPlanes<F>,
}

/// Classes of which more are too many for a thread to keep what it needs for them, some kilobytes a
/// class.
pub(super) const MANY: usize = 4096;

/// Single planes in [`Work`].
pub(super) const PLANES: usize = 8;

/// All buffers of a thread for one type of numbers.
#[derive(Default)]
pub(super) struct Scratch<F: Number> {
    pub span: SpanInput<F>,
    pub strip: Buffers,
    pub tile: TileInput<F>,
    pub work: Work<F>,
}

/// Where a thread keeps its buffers.
pub(super) trait Scratched: Number {
    /// Runs with this thread's buffers, large enough for so many classes.
    fn with_scratch<R>(
        classes: usize,
        f: impl FnOnce(&mut Scratch<Self>) -> Result<R>,
    ) -> Result<R>;
}

impl<F: Number> Default for SpanInput<F> {
    fn default() -> Self {
        Self {
            ones: Aligned([F::ONE; SPAN]),
            weight: Aligned([F::ZERO; SPAN]),
            given: vec![0.0; SPAN],
            label: vec![NONE; SPAN],
            known: vec![NONE; SPAN],
            runs: Vec::new(),
            ends: [0; SPAN / TILE],
        }
    }
}

impl<F: Number> Default for Work<F> {
    fn default() -> Self {
        Self {
            probability: ClassPlanes::default(),
            reference: ClassPlanes::default(),
            slopes: ClassPlanes::default(),
            gradient: ClassPlanes::default(),
            log_slopes: ClassPlanes::default(),
            output: ClassPlanes::default(),
            upstream: [F::ZERO; TILE],
            planes: [[F::ZERO; TILE]; PLANES],
            likelihood: [[F::ZERO; TILE]; 5],
            piece: [F::ZERO; TILE],
            cut: [F::ZERO; TILE],
        }
    }
}

impl<F: Number> Scratch<F> {
    fn prepare(&mut self, classes: usize) -> Result<()> {
        for planes in [
            &mut self.tile.logits,
            &mut self.tile.beside,
            &mut self.tile.reference,
            &mut self.work.probability,
            &mut self.work.reference,
            &mut self.work.slopes,
            &mut self.work.gradient,
            &mut self.work.log_slopes,
        ] {
            planes.grow(classes)?;
        }
        if classes <= MANY {
            self.work.output.grow(classes * (SPAN / TILE))?;
        }
        Ok(())
    }
}

macro_rules! scratched {
    ($($F:ty),+) => { $(
        impl Scratched for $F {
            fn with_scratch<R>(
                classes: usize,
                f: impl FnOnce(&mut Scratch<Self>) -> Result<R>,
            ) -> Result<R> {
                thread_local! {
                    static KEPT: RefCell<Option<Box<Scratch<$F>>>> = const { RefCell::new(None) };
                }
                // Taken out for the time: work that rayon runs in between finds none.
                let mut scratch = KEPT.take().unwrap_or_default();
                scratch.prepare(classes)?;
                let result = f(&mut scratch);
                if classes <= MANY {
                    KEPT.set(Some(scratch));
                }
                result
            }
        }
    )+ };
}
scratched!(f32, f64);
