//! The two sweeps over the voxels: the only place that knows instruction sets and memory layout.
//!
//! A sweep is cut into jobs, a job into tiles. A tile is loaded into planes that stay in cache,
//! one for each class; all that follows are plain loops over planes, which the compiler turns into
//! vector code, once for each instruction set. Element types, strides, kinds of target and masks
//! end where a tile is loaded.

mod channel;
mod isa;
mod jobs;
mod labels;
mod lanes;
mod load;
mod measure;
mod number;
mod prefetch;
mod pull_back;
mod scratch;
mod softmax;
mod store;
mod tile;
mod voxel_losses;

pub use isa::Isa;

use isa::{Instructions, Kernel, dispatch};
use jobs::{Job, Jobs};
use scratch::{Input, Scratched, TILE, Work};
use store::Store;
use tile::{Batch, Borrow, Tile};

use crate::{
    Activation, Logits, Moments, Output, Result, Target,
    evaluate::{Slopes, VoxelSlopes},
    plan::{Column, Plan},
    tensor::FloatSlice,
};

/// Sweep 1.
pub(crate) fn measure(isa: Isa, plan: &Plan, logits: &Logits, target: &Target) -> Result<Moments> {
    let batch = Batch { plan, logits, target, check: true };
    let jobs = Jobs::new(logits.layout.shape());
    let parts = jobs.map(|job| match logits.data {
        FloatSlice::F64(_) => sweep::<f64, _>(isa, &batch, job, Measure::new(plan)),
        _ => sweep::<f32, _>(isa, &batch, job, Measure::new(plan)),
    });
    let [samples, classes, _] = logits.layout.shape();
    let row = plan.columns.len() * classes;
    let mut data = vec![0.0; samples * row];
    for (job, part) in jobs.iter().zip(parts) {
        let sums = &mut data[job.sample * row..][..row];
        sums.iter_mut().zip(part?.data).for_each(|(sum, value)| *sum += value);
    }
    let valid = match target.masks.class_valid {
        Some(valid) => valid.to_vec(),
        None => vec![true; samples * classes],
    };
    forget_unannotated(plan, &valid, &mut data);
    Ok(Moments::new(&plan.identity, &plan.columns, [samples, classes], data, valid))
}

/// What was not annotated has no sums, but for softmax voxel terms, which merge it.
fn forget_unannotated(plan: &Plan, valid: &[bool], data: &mut [f64]) {
    let (classes, columns) = (plan.classes, plan.columns.len());
    for (index, _) in valid.iter().enumerate().filter(|(_, valid)| !**valid) {
        let (sample, class) = (index / classes, index % classes);
        for (column, kind) in plan.columns.iter().enumerate() {
            let merges = match kind {
                Column::LogLoss(_) | Column::LogLossOfAll(_) | Column::Merged(_) => true,
                Column::Focal(term) => plan.terms[*term].1.activation == Activation::Softmax,
                _ => false,
            };
            if !merges {
                data[(sample * columns + column) * classes + class] = 0.0;
            }
        }
    }
}

/// Sweep 2.
pub(crate) fn pull_back(
    isa: Isa,
    plan: &Plan,
    slopes: &Slopes,
    logits: &Logits,
    target: &Target,
    gradient: Output,
) -> Result<()> {
    let batch = Batch { plan, logits, target, check: false };
    let store = Store::new(gradient);
    let kernel = PullBack { slopes, store: &store };
    write(isa, &batch, kernel, &store)
}

/// The loss of every voxel.
pub(crate) fn voxel_losses(
    isa: Isa,
    plan: &Plan,
    logits: &Logits,
    target: &Target,
    map: Output,
) -> Result<()> {
    // A first sweep, so that nothing is written if a label is wrong.
    measure(isa, plan, logits, target)?;
    let batch = Batch { plan, logits, target, check: false };
    let slopes: Vec<_> =
        plan.groups.iter().map(|group| VoxelSlopes::unreduced(plan, group)).collect();
    let [_, channels, _] = map.layout.shape();
    let store = Store::new(map);
    let kernel = VoxelLosses { slopes: &slopes, channels, store: &store };
    write(isa, &batch, kernel, &store)
}

/// Runs all jobs of a sweep that writes.
fn write<V>(isa: Isa, batch: &Batch, kernel: V, store: &Store) -> Result<()>
where
    V: Visit<f32> + Visit<f64> + Copy + Send + Sync,
{
    let run = |job: Job| {
        let done = match batch.logits.data {
            FloatSlice::F64(_) => sweep::<f64, _>(isa, batch, job, kernel).map(drop),
            _ => sweep::<f32, _>(isa, batch, job, kernel).map(drop),
        };
        store.finish();
        done
    };
    Jobs::new(batch.logits.layout.shape()).map(run).into_iter().collect()
}

/// What is done with each tile of a job.
trait Visit<F> {
    fn visit<I: Instructions>(&mut self, batch: &Batch, tile: &Tile<F>, work: &mut Work<F>);
}

/// Runs a job in this thread's buffers, compiled for the instruction set; returns the visitor.
fn sweep<F: Borrow + Scratched, V: Visit<F>>(
    isa: Isa,
    batch: &Batch,
    job: Job,
    visitor: V,
) -> Result<V> {
    F::with_scratch(batch.plan.classes, |input, work| {
        dispatch(isa, Sweep { batch, job, input, work, visitor })
    })
}

struct Sweep<'a, F, V> {
    batch: &'a Batch<'a>,
    job: Job,
    input: &'a mut Input<F>,
    work: &'a mut Work<F>,
    visitor: V,
}

impl<F: Borrow, V: Visit<F>> Kernel for Sweep<'_, F, V> {
    type Output = Result<V>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Result<V> {
        let Self { batch, job, input, work, mut visitor } = self;
        for (start, used) in job.tiles() {
            let tile = batch.load::<I, F>(job.sample, start, used, input)?;
            visitor.visit::<I>(batch, &tile, work);
        }
        Ok(visitor)
    }
}

/// Adds up a job's sums.
struct Measure {
    data: Vec<f64>,
}

impl Measure {
    fn new(plan: &Plan) -> Self {
        Self { data: vec![0.0; plan.columns.len() * plan.classes] }
    }
}

impl<F: Borrow> Visit<F> for Measure {
    #[inline(always)]
    fn visit<I: Instructions>(&mut self, batch: &Batch, tile: &Tile<F>, work: &mut Work<F>) {
        let mut sums = measure::Sums { data: &mut self.data, classes: tile.classes };
        measure::tile::<I, F>(batch, tile, work, &mut sums);
    }
}

/// Writes the gradient.
#[derive(Clone, Copy)]
struct PullBack<'a> {
    slopes: &'a Slopes<'a>,
    store: &'a Store<'a>,
}

impl<F: Borrow> Visit<F> for PullBack<'_> {
    #[inline(always)]
    fn visit<I: Instructions>(&mut self, batch: &Batch, tile: &Tile<F>, work: &mut Work<F>) {
        let mut upstream = std::mem::take(&mut work.upstream);
        let map = self.slopes.map.as_ref();
        let per_class = map.filter(|map| map.layout.classes == tile.classes);
        match map.filter(|map| map.layout.classes != tile.classes) {
            Some(map) => {
                pull_back::read_upstream(map, 0, tile, &mut upstream[..tile.len]);
                upstream.iter_mut().zip(tile.weight).for_each(|(up, &weight)| *up = *up * weight);
                let weight = &upstream[..tile.len];
                pull_back::tile::<I, F>(batch, self.slopes, &Tile { weight, ..*tile }, work);
            }
            None => pull_back::tile::<I, F>(batch, self.slopes, tile, work),
        }
        for class in 0..tile.classes {
            let gradient = &mut work.slopes[class * TILE..][..tile.len];
            if let Some(map) = per_class {
                let upstream = &mut upstream[..tile.len];
                pull_back::read_upstream(map, class, tile, upstream);
                gradient.iter_mut().zip(&*upstream).for_each(|(out, &up)| *out = *out * up);
            }
            // SAFETY: jobs and their tiles are disjoint, and lie within the logits' shape, which
            // is the gradient's.
            unsafe { self.store.run(tile.sample, class, tile.start, &gradient[..tile.used]) };
        }
        work.upstream = upstream;
    }
}

/// Writes the map of losses.
#[derive(Clone, Copy)]
struct VoxelLosses<'a> {
    slopes: &'a [VoxelSlopes],
    channels: usize,
    store: &'a Store<'a>,
}

impl<F: Borrow> Visit<F> for VoxelLosses<'_> {
    #[inline(always)]
    fn visit<I: Instructions>(&mut self, batch: &Batch, tile: &Tile<F>, work: &mut Work<F>) {
        voxel_losses::tile::<I, F>(batch, self.slopes, tile, work);
        for class in 0..self.channels {
            let map = &work.slopes[class * TILE..][..tile.used];
            // SAFETY: as in the gradient; the map has this many channels.
            unsafe { self.store.run(tile.sample, class, tile.start, map) };
        }
    }
}
