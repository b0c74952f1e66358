//! The two sweeps over the voxels: the only place that knows instruction sets and memory layout.
//!
//! A sweep is cut into jobs, a job into spans, a span into tiles: few voxels of all classes, which
//! stay in the first cache. All that follows are plain loops over planes of a fixed length, which
//! the compiler turns into vector code, once for each instruction set. Element types, strides, kinds
//! of target and masks end where spans and tiles are loaded.

// Planes are walked side by side, several in one loop: one index for all says so.
#![allow(clippy::needless_range_loop)]

mod agreement;
mod aligned;
mod chain;
mod exponentials;
mod geometry;
mod hardest;
mod ieee;
mod inside;
mod isa;
mod jobs;
mod kernels;
mod labels;
mod lanes;
mod likelihood;
mod load;
mod maps;
mod measure;
mod merged;
mod number;
mod odds;
mod pieces;
mod power;
mod prefetch;
mod pull_back;
mod ranked;
mod scratch;
mod shared;
mod skeleton;
mod squares;
mod store;
mod sums;
mod survey;
mod tile;
mod transpose;
mod voxel_losses;

pub(crate) use hardest::hardest;
pub(crate) use inside::{Side, inside};
pub use isa::Isa;
pub(crate) use ranked::{Asked, ranked};
pub(crate) use skeleton::{Centerlines, Grid, centerlines};

use geometry::{SPAN, TILE};
use isa::{Instructions, Kernel, dispatch};
use jobs::{Job, Jobs};
use kernels::{Recipe, Written};
use number::Number;
use scratch::{MANY, Scratch, Scratched, Work};
use store::Store;
pub(crate) use tile::Input;
use tile::{Borrow, Tile};

use crate::{
    Moments, Output, Result,
    evaluate::{Slopes, VoxelSlopes},
    instances::{Known, condensed},
    plan::Plan,
    room,
    tensor::FloatSlice,
};

/// Sweep 1.
pub(crate) fn measure(batch: &Input) -> Result<Moments> {
    let Input { plan, logits, instances, .. } = *batch;
    let [samples, classes, _] = logits.layout.shape();
    let mut rows = sums(batch)?;
    room::expect(samples * classes, size_of::<bool>(), "the sums of all samples")?;
    let valid: Vec<_> = batch.annotated().collect();
    let of_pairs = |rows, valid| Moments::new(&plan.integrands, [samples, classes], rows, valid);
    let Some(instances) = instances else {
        forget_unannotated(plan, &valid, &mut rows);
        return Ok(of_pairs(rows, valid));
    };
    let (mut sums, known) = condensed(plan, instances, &valid, rows)?;
    forget_unannotated(plan, &valid, &mut sums);
    Ok(of_pairs(sums, valid).with(known))
}

/// The sums of each (sample, class); where terms look at instances, of each row of them.
fn sums(batch: &Input) -> Result<Vec<f64>> {
    let Input { plan, logits, .. } = *batch;
    let batch = &Input { check: true, scale: None, ..*batch };
    let [samples, classes, _] = logits.layout.shape();
    let columns = plan.swept();
    let mut rows =
        aligned::zeros::<f64>(batch.rows().saturating_mul(columns), "the sums of all samples")?;
    let sweep = |job: Job| match (Recipe::of(batch, job.sample), logits.data) {
        (Some(recipe), _) => kernels::measure(batch, &recipe, job),
        (None, FloatSlice::F64(_)) => measure_job::<f64>(batch, job),
        (None, _) => measure_job::<f32>(batch, job),
    };
    let most = (0..samples).map(|sample| batch.rows_of(sample).len()).max().unwrap_or(0);
    let of_job = if batch.instances.is_some() { classes + most } else { classes };
    Jobs::new(logits.layout.shape()).each(of_job * columns, sweep, |job: Job, part| {
        let range = batch.rows_of(job.sample);
        let rows = &mut rows[range.start * columns..range.end * columns];
        match batch.instances {
            Some(instances) => add_rows(plan, instances.rows_of(job.sample), &part, rows),
            None => {
                for (column, sums) in part.chunks_exact(classes).enumerate() {
                    let of_column = rows.iter_mut().skip(column).step_by(columns);
                    of_column.zip(sums).for_each(|(sum, value)| *sum += value);
                }
            }
        }
    })?;
    Ok(rows)
}

/// Adds what a job left to the rows of its sample: first the sums of whole classes, then, row by row,
/// those of instances.
fn add_rows(
    plan: &Plan,
    starts: impl Iterator<Item = usize> + Clone,
    part: &[f64],
    rows: &mut [f64],
) {
    let (columns, classes) = (plan.swept(), plan.classes);
    let (of_classes, of_instances) = part.split_at(columns * classes);
    for (class, (start, end)) in starts.clone().zip(starts.skip(1)).enumerate() {
        for (column, integrand) in plan.integrands.iter().take(columns).enumerate() {
            if end - start == 1 || !integrand.sum.is_of_instances() {
                rows[start * columns + column] += of_classes[column * classes + class];
                continue;
            }
            for row in start..end {
                rows[row * columns + column] += of_instances[row * columns + column];
            }
        }
    }
}

fn measure_job<F: Borrow + Scratched>(batch: &Input, job: Job) -> Result<Vec<f64>> {
    let rows = if batch.instances.is_some() { batch.rows_of(job.sample).len() } else { 0 };
    let sums = sweep::<F, _>(batch, job, sums::Sums::new(batch.plan, rows)?)?;
    Ok(measure::finish(sums, batch, job.sample))
}

/// What was not annotated has no sums, but for softmax voxel terms, which merge it.
fn forget_unannotated(plan: &Plan, valid: &[bool], rows: &mut [f64]) {
    let rows = rows.chunks_exact_mut(plan.columns());
    for (row, _) in rows.zip(valid).filter(|(_, valid)| !**valid) {
        for (sum, integrand) in row.iter_mut().zip(&*plan.integrands) {
            if !integrand.activation.is_some_and(|by| integrand.sum.merges(by)) {
                *sum = 0.0;
            }
        }
    }
}

/// Sweep 2. What sweep 1 knows of the instances, if terms look at them, is measured again where it is not
/// there.
pub(crate) fn pull_back(
    batch: &Input,
    mut slopes: Slopes,
    known: Option<&Known>,
    gradient: Output,
) -> Result<()> {
    if let Some(instances) = batch.instances {
        let valid: Vec<_> = batch.annotated().collect();
        slopes = match known {
            Some(known) => slopes.in_rows(batch.plan, known),
            None => {
                let (_, known) = condensed(batch.plan, instances, &valid, sums(batch)?)?;
                slopes.in_rows(batch.plan, &known)
            }
        };
    }
    let slopes = match batch.target.masks.class_valid {
        Some(valid) => slopes.of_annotated(valid),
        None => slopes,
    };
    let (slopes, scale) = balanced(batch, slopes);
    let batch = &Input { scale: Some(scale), ..*batch };
    let store = Store::new(gradient);
    let by_tiles = PullBack { slopes: &slopes, store: &store };
    each(batch, &store, |job| match Recipe::of(batch, job.sample) {
        // SAFETY: jobs are disjoint, and lie within the logits' shape, which is the gradient's.
        Some(recipe) => unsafe {
            kernels::write(batch, &recipe, Written::Gradient(&slopes), job, &store)
        },
        None => by_tile(batch, job, by_tiles).map(drop),
    })
}

/// Slopes as ordinary numbers, and what the weights are to be multiplied with instead: sums of
/// extreme weights have slopes that only f64 can hold.
fn balanced<'u>(batch: &Input, slopes: Slopes<'u>) -> (Slopes<'u>, f64) {
    if batch.target.masks.weights.is_none() {
        return (slopes, 1.0);
    }
    let size = slopes.largest();
    let scale = match batch.logits.data {
        FloatSlice::F64(_) => tile::scale_of::<f64>(size),
        _ => tile::scale_of::<f32>(size),
    };
    if scale == 1.0 { (slopes, 1.0) } else { (slopes.scaled(scale), 1.0 / scale) }
}

/// The loss of every voxel.
pub(crate) fn voxel_losses(batch: &Input, map: Output) -> Result<()> {
    // A first sweep, so that nothing is written if a label is wrong.
    measure(batch)?;
    let groups = 0..batch.plan.groups.len();
    let slopes: Vec<_> = groups.map(|group| VoxelSlopes::unreduced(batch.plan, group)).collect();
    let [_, channels, _] = map.layout.shape();
    let store = Store::new(map);
    let by_tiles = VoxelLosses { slopes: &slopes, channels, store: &store };
    each(batch, &store, |job| match Recipe::of(batch, job.sample) {
        // SAFETY: jobs are disjoint, and lie within the map's shape.
        Some(recipe) if recipe.has_losses() => unsafe {
            kernels::write(batch, &recipe, Written::Losses(&slopes[0], channels), job, &store)
        },
        _ => by_tile(batch, job, by_tiles).map(drop),
    })
}

/// Runs all jobs of a sweep that writes.
fn each(batch: &Input, store: &Store, write: impl Fn(Job) -> Result<()> + Sync) -> Result<()> {
    let run = |job: Job| {
        let done = write(job);
        store.finish();
        done
    };
    Jobs::new(batch.logits.layout.shape()).each(0, run, |_, ()| {})
}

/// Visits a job, tile by tile; returns the visitor.
fn by_tile<V: Visit<f32> + Visit<f64>>(batch: &Input, job: Job, visitor: V) -> Result<V> {
    match batch.logits.data {
        FloatSlice::F64(_) => sweep::<f64, _>(batch, job, visitor),
        _ => sweep::<f32, _>(batch, job, visitor),
    }
}

/// What is done with each tile of a job.
trait Visit<F> {
    fn visit<I: Instructions>(&mut self, batch: &Input, tile: &Tile<F>, work: &mut Work<F>);

    /// After the last tile of a span, which is given as a job of its own, with what its weights
    /// were scaled by.
    fn end_span(&mut self, batch: &Input, span: Job, scale: f64, work: &Work<F>);
}

/// Runs a job in this thread's buffers, compiled for the instruction set; returns the visitor.
fn sweep<F: Borrow + Scratched, V: Visit<F>>(batch: &Input, job: Job, visitor: V) -> Result<V> {
    F::with_scratch(batch.plan.classes, |scratch| {
        dispatch(batch.plan.isa, Sweep { batch, job, scratch, visitor })
    })
}

struct Sweep<'a, F: Borrow, V> {
    batch: &'a Input<'a>,
    job: Job,
    scratch: &'a mut Scratch<F>,
    visitor: V,
}

impl<F: Borrow, V: Visit<F>> Kernel for Sweep<'_, F, V> {
    type Output = Result<V>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Result<V> {
        let Self { batch, job, scratch, mut visitor } = self;
        let Scratch { span: input, tile, work, .. } = scratch;
        for part in job.spans() {
            let span = batch.span(part, input, true)?;
            for at in (0..part.end - part.start).step_by(TILE) {
                let tile = batch.tile::<F>(&span, at, tile)?;
                visitor.visit::<I>(batch, &tile, work);
            }
            visitor.end_span(batch, part, span.scale, work);
        }
        Ok(visitor)
    }
}

impl<F: Borrow> Visit<F> for sums::Sums<F> {
    #[inline(always)]
    fn visit<I: Instructions>(&mut self, batch: &Input, tile: &Tile<F>, work: &mut Work<F>) {
        measure::tile::<I, F>(batch, tile, work, self);
    }

    #[inline(always)]
    fn end_span(&mut self, _: &Input, _: Job, scale: f64, _: &Work<F>) {
        self.add_lanes_up(scale);
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
    fn visit<I: Instructions>(&mut self, batch: &Input, tile: &Tile<F>, work: &mut Work<F>) {
        match &self.slopes.map {
            None => pull_back::tile::<I, F>(batch, self.slopes, tile, work),
            Some(map) if map.layout.classes == tile.classes => {
                pull_back::tile::<I, F>(batch, self.slopes, tile, work);
                for (class, gradient) in work.slopes[..tile.classes].iter_mut().enumerate() {
                    pull_back::read_upstream(map, class, tile, &mut work.upstream);
                    for i in 0..TILE {
                        gradient[i] = gradient[i] * work.upstream[i];
                    }
                }
            }
            Some(map) => {
                let mut weight = [F::ZERO; TILE];
                pull_back::read_upstream(map, 0, tile, &mut weight);
                for i in 0..TILE {
                    weight[i] = weight[i] * tile.weight[i];
                }
                let weighed = Tile { weight: &weight, ..*tile };
                pull_back::tile::<I, F>(batch, self.slopes, &weighed, work);
            }
        }
        // SAFETY: jobs and their tiles are disjoint, and lie within the logits' shape, which is the
        // gradient's.
        unsafe { keep(self.store, tile, tile.classes, work) };
    }

    #[inline(always)]
    fn end_span(&mut self, batch: &Input, span: Job, _: f64, work: &Work<F>) {
        // SAFETY: jobs and their spans are disjoint, and lie within the logits' shape, which is the
        // gradient's.
        unsafe { write_span(self.store, [batch.plan.classes; 2], span, work) };
    }
}

/// Keeps a tile's output until the end of its span; of very many classes, or of classes that lie
/// side by side, writes it at once.
///
/// # Safety
///
/// The tile must lie within the output's shape, and no other thread may write any of its voxels.
#[inline(always)]
unsafe fn keep<F: Number>(store: &Store, tile: &Tile<F>, channels: usize, work: &mut Work<F>) {
    let Work { output, slopes, .. } = work;
    if store.lies_by_voxel() && tile.used == TILE && tile.classes <= MANY {
        let voxels = &mut output.as_flattened_mut()[..TILE * channels];
        transpose::to_voxels(&slopes[..channels], voxels);
        // SAFETY: the caller's.
        return unsafe { store.by_voxel(tile.sample, tile.start, voxels) };
    }
    if store.lies_by_voxel() || tile.classes > MANY {
        for (channel, plane) in slopes.iter().take(channels).enumerate() {
            // SAFETY: the caller's.
            unsafe { store.run(tile.sample, channel, tile.start, &plane[..tile.used]) };
        }
        return;
    }
    let at = tile.start % SPAN;
    for (output, plane) in
        output.as_flattened_mut().chunks_exact_mut(SPAN).zip(slopes.iter()).take(channels)
    {
        output[at..][..TILE].copy_from_slice(plane);
    }
}

/// Writes the output of a span that was kept: in runs long enough for the memory behind the caches.
///
/// # Safety
///
/// The span must lie within the output's shape, and no other thread may write any of its voxels.
#[inline(always)]
unsafe fn write_span<F: Number>(
    store: &Store,
    [classes, channels]: [usize; 2],
    span: Job,
    work: &Work<F>,
) {
    if store.lies_by_voxel() || classes > MANY {
        return;
    }
    for (channel, output) in
        work.output.as_flattened().chunks_exact(SPAN).take(channels).enumerate()
    {
        let output = &output[..span.end - span.start];
        // SAFETY: the caller's.
        unsafe { store.run(span.sample, channel, span.start, output) };
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
    fn visit<I: Instructions>(&mut self, batch: &Input, tile: &Tile<F>, work: &mut Work<F>) {
        voxel_losses::tile::<I, F>(batch, self.slopes, tile, work);
        // SAFETY: as in the gradient; the map has this many channels.
        unsafe { keep(self.store, tile, self.channels, work) };
    }

    #[inline(always)]
    fn end_span(&mut self, batch: &Input, span: Job, _: f64, work: &Work<F>) {
        // SAFETY: as in the gradient; the map has this many channels.
        unsafe { write_span(self.store, [batch.plan.classes, self.channels], span, work) };
    }
}
