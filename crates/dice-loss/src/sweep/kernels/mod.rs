//! Kernels by recipe: the sweeps of the objectives that most people use, with few classes.
//!
//! A recipe is how many classes there are, which sums an objective asks for and what kind of
//! reference there is; each has one kernel for sweep 1 and one for sweep 2. A kernel keeps all
//! classes of sixteen voxels in registers and compares labels instead of branching on them, so that
//! any label map costs the same. It works on strips, into which element types, layouts, masks and
//! weights were staged. What no recipe serves goes by tiles, which are the kernels' specification.

mod asked;
pub(super) mod buffers;
mod counts;
mod exclusive;
mod exclusive_rows;
mod independent;
mod merged;
mod recipe;
mod rows;
mod strip;
mod sums;

pub(super) use recipe::Recipe;

use super::{
    Isa,
    geometry::{Row, SPAN, STRIP, TILE},
    isa::{Instructions, Kernel, dispatch},
    jobs::Job,
    lanes::{Block, LANES},
    measure::{counts as by_tile, finish},
    scratch::{Scratch, Scratched},
    store::Store,
    sums::Sums,
    tile::Input,
};
use crate::{
    Result,
    direction::Direction,
    evaluate::{Slopes, VoxelSlopes},
    plan::{Group, Plan},
};
use asked::AskedOfMap;
use buffers::CLASSES;
use strip::{Place, Strip};

/// What kernels of sweep 1 add up, strip after strip of a span.
struct Totals {
    /// In the order of [`Totals::columns`].
    plain: [[Block<f32>; CLASSES]; 7],
    /// With a map m: Σm, and the one other sum that is asked for.
    of_map: [[Block<f32>; CLASSES]; 2],
}

impl Totals {
    const ZERO: Self =
        Self { plain: [[[0.0; LANES]; CLASSES]; 7], of_map: [[[0.0; LANES]; CLASSES]; 2] };

    /// Those of the first classes.
    #[inline(always)]
    fn of_first<const C: usize>(&self) -> [[Block<f32>; C]; 7] {
        let mut found = [[[0.0; LANES]; C]; 7];
        for (found, row) in found.iter_mut().zip(&self.plain) {
            found.copy_from_slice(&row[..C]);
        }
        found
    }

    #[inline(always)]
    fn set_first<const C: usize>(&mut self, found: &[[Block<f32>; C]; 7]) {
        for (row, found) in self.plain.iter_mut().zip(found) {
            row[..C].copy_from_slice(found);
        }
    }

    /// The same of those with a map.
    #[inline(always)]
    fn of_map_of_first<const C: usize>(&self) -> [[Block<f32>; C]; 2] {
        self.of_map.map(|row| *row.first_chunk().unwrap_or_else(|| unreachable!()))
    }

    #[inline(always)]
    fn set_of_map_of_first<const C: usize>(&mut self, found: &[[Block<f32>; C]; 2]) {
        for (row, found) in self.of_map.iter_mut().zip(found) {
            row[..C].copy_from_slice(found);
        }
    }

    /// Where they belong: Σpg, Σp, Σp², Σg, Σg², the losses of the voxels of each class, and under
    /// sigmoid those of the voxels outside it.
    fn columns(group: &Group) -> [Option<usize>; 7] {
        let of = |direction: Direction| group.sums[direction];
        let [positive, negative] = columns_of_loss(group);
        [
            of(Direction::Intersection),
            of(Direction::Prediction),
            of(Direction::PredictionSquared),
            Some(Plan::REFERENCE),
            Some(Plan::REFERENCE_SQUARED),
            positive,
            negative,
        ]
    }

    /// Adds them to the sums of a job, as those of the classes from `first` on.
    #[inline(always)]
    fn add_to(&self, sums: &mut Sums<f32>, plan: &Plan, recipe: &Recipe, first: usize, back: f64) {
        let count = recipe.classes;
        if let Some(map) = recipe.map {
            let found = map.direction().and_then(|direction| plan.groups[1].sums[direction]);
            let columns = [plan.maps[0].mapped, found];
            for (column, lanes) in columns.into_iter().zip(&self.of_map) {
                let Some(column) = column else { continue };
                for (class, lanes) in (first..).zip(lanes).take(count) {
                    sums.add_span(column, class, lanes, back);
                }
            }
        }
        let group = &plan.groups[0];
        for (column, lanes) in Self::columns(group).into_iter().zip(&self.plain) {
            let Some(column) = column else { continue };
            for (class, lanes) in (first..).zip(lanes).take(count) {
                sums.add_span(column, class, lanes, back);
                if let (Plan::REFERENCE, Some(merged)) = (column, group.merged) {
                    sums.add_span(merged, class, lanes, back);
                }
            }
        }
    }
}

/// The columns of the voxel loss of a recipe, which has one at most.
fn columns_of_loss(group: &Group) -> [Option<usize>; 2] {
    if let Some(columns) = group.log_loss {
        [Some(columns.of_reference), None]
    } else if let Some([positive, negative]) = group.binary {
        [Some(positive), Some(negative)]
    } else {
        let focal = group.focal.first();
        [focal.map(|focal| focal.positive), focal.and_then(|focal| focal.negative)]
    }
}

/// What a kernel of sweep 2 multiplies with.
#[derive(Clone, Copy, Default)]
struct Factors {
    /// By Σpg and Σp together; they may all but cancel, so the sum is taken before it is rounded.
    of_both: [f32; CLASSES],
    /// By Σp.
    of_prediction: [f32; CLASSES],
    /// Twice that by Σp².
    of_squares: [f32; CLASSES],
    /// Of two classes: what the derivative by p₁ is more than that by p₀ where the voxel is of
    /// class 0, and where it is of class 1.
    difference: [f32; 2],
    /// By the voxel losses of each class.
    positive: [f32; CLASSES],
    /// Under sigmoid, by those of the voxels outside it.
    negative: [f32; CLASSES],
    /// Twice that by Σm(p − g)² of a map m.
    of_map: [f32; CLASSES],
}

impl Factors {
    /// Of the classes of a recipe from `first` on, in a sample.
    fn new(plan: &Plan, recipe: &Recipe, slopes: &Slopes, sample: usize, first: usize) -> Self {
        let count = recipe.classes;
        let mut factors = Self::default();
        if let (Some(AskedOfMap::Errors), [_, weighed]) = (recipe.map, &slopes.groups[..]) {
            let row = weighed.partials.get(sample * plan.classes + first..).unwrap_or(&[]);
            for (factor, by) in factors.of_map.iter_mut().zip(row).take(count) {
                *factor = (2.0 * by[Direction::SquaredError]) as f32;
            }
        }
        let (group, slopes) = (&plan.groups[0], &slopes.groups[0]);
        let row = slopes.partials.get(sample * plan.classes + first..).unwrap_or(&[]);
        let linear = |class: usize, both: bool| {
            row.get(class).map_or(0.0, |by| {
                by[Direction::Prediction] + if both { by[Direction::Intersection] } else { 0.0 }
            })
        };
        for (class, by) in row.iter().enumerate().take(count) {
            factors.of_both[class] = linear(class, true) as f32;
            factors.of_prediction[class] = linear(class, false) as f32;
            factors.of_squares[class] = (2.0 * by[Direction::PredictionSquared]) as f32;
        }
        factors.difference = [0, 1].map(|own| (linear(1, own == 1) - linear(0, own == 0)) as f32);
        factors.set_losses(group, slopes.voxel(sample), first, count);
        factors
    }

    fn set_losses(&mut self, group: &Group, slopes: &VoxelSlopes, first: usize, count: usize) {
        let focal = slopes.focal(group).map(|(_, factors)| factors).next();
        let of_loss = slopes.cross_entropy.as_ref().or(slopes.binary.as_ref()).or(focal);
        let Some(loss) = of_loss else { return };
        for class in 0..count {
            self.positive[class] = loss.positive[first + class] as f32;
            let negative = loss.negative.get(first + class);
            self.negative[class] = negative.map_or(0.0, |&factor| factor as f32);
        }
    }
}

/// The kernels of a recipe, for one strip each.
#[derive(Clone, Copy)]
struct Kernels {
    measure: Measuring,
    pull_back: PullingBack,
    /// Of voxel losses alone: leaves each voxel's own in the first row.
    losses: Option<WriteStrip>,
}

/// Sweep 1.
#[derive(Clone, Copy)]
enum Measuring {
    /// Adds up what is asked for.
    Sums(fn(Isa, &Strip, &mut Totals)),
    /// Leaves each class's probabilities in a row, of which sums are made outside.
    Rows(RowKernel),
}

/// Sweep 2. Either leaves each class's gradient in a row.
#[derive(Clone, Copy)]
enum PullingBack {
    /// From slopes that all voxels have in common.
    Factors(WriteStrip),
    /// From slopes of each voxel, which are in the rows before.
    Rows(RowKernel),
}

/// With whether log losses are asked for.
type RowKernel = fn(Isa, &Strip, bool, &mut [Row<f32>; CLASSES]);

type WriteStrip = fn(Isa, &Strip, &Factors, &mut [Row<f32>; CLASSES]);

/// Sweep 1 of a job.
pub(super) fn measure(batch: &Input, recipe: &Recipe, job: Job) -> Result<Vec<f64>> {
    let rows = if batch.instances.is_some() { batch.rows_of(job.sample).len() } else { 0 };
    let sums = Sums::new(batch.plan, rows)?;
    f32::with_scratch(batch.plan.classes, |scratch| {
        dispatch(batch.plan.isa, Measure { batch, recipe, job, scratch, sums })
    })
}

struct Measure<'a> {
    batch: &'a Input<'a>,
    recipe: &'a Recipe,
    job: Job,
    scratch: &'a mut Scratch<f32>,
    sums: Sums<f32>,
}

impl Kernel for Measure<'_> {
    type Output = Result<Vec<f64>>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Self::Output {
        let Self { batch, recipe, job, scratch, mut sums } = self;
        let Scratch { span: input, strip: buffers, tile, work } = scratch;
        let plan = batch.plan;
        let (in_strips, in_tiles) = match plan.decision {
            Some(of) if recipe.counts(of.0) && batch.instances.is_none() => (Some(of), None),
            other => (None, other),
        };
        for part in job.spans() {
            let used = part.end - part.start;
            let span = &batch.span(part, input, in_tiles.is_some())?;
            let back = 1.0 / span.scale;
            sums.add_span(Plan::VOXELS, 0, &strip::voxels(span), back);
            for class in (0..plan.classes).step_by(recipe.classes) {
                let mut totals = Totals::ZERO;
                for at in (0..used).step_by(STRIP) {
                    let place = Place { span, at, class, upstream: None };
                    let (strip, rows, staged) = Strip::new(batch, recipe, place, buffers)?;
                    match recipe.kernels.measure {
                        Measuring::Sums(kernel) => kernel(plan.isa, &strip, &mut totals),
                        Measuring::Rows(kernel) => {
                            kernel(plan.isa, &strip, recipe.has_log_losses, rows);
                            rows::add(batch, (recipe, place), (&strip, rows), staged, &mut sums);
                        }
                    }
                    if let Some(of) = in_strips {
                        counts::add::<I>(of, recipe, class, &strip, &mut sums);
                    }
                }
                if let Measuring::Sums(_) = recipe.kernels.measure {
                    totals.add_to(&mut sums, plan, recipe, class, back);
                }
            }
            if let Some((decision, activation)) = in_tiles {
                for at in (0..used).step_by(TILE) {
                    let tile = batch.tile::<f32>(span, at, tile)?;
                    by_tile::add::<I, f32>(decision, activation, &tile, work, &mut sums);
                }
            }
        }
        Ok(finish(sums, batch, job.sample))
    }
}

/// What a job writes, and by which factors.
#[derive(Clone, Copy)]
pub(super) enum Written<'a> {
    Gradient(&'a Slopes<'a>),
    /// A map of voxel losses, which has so many channels.
    Losses(&'a VoxelSlopes, usize),
}

impl Recipe {
    /// Whether a map of voxel losses is written by a kernel.
    pub fn has_losses(&self) -> bool {
        self.kernels.losses.is_some()
    }
}

/// Writes a job.
///
/// # Safety
///
/// The job must lie within the store's shape, and no other thread may write any of its voxels.
pub(super) unsafe fn write(
    batch: &Input,
    recipe: &Recipe,
    written: Written,
    job: Job,
    store: &Store,
) -> Result<()> {
    f32::with_scratch(batch.plan.classes, |scratch| {
        dispatch(batch.plan.isa, Write { batch, recipe, written, job, scratch, store })
    })
}

struct Write<'a> {
    batch: &'a Input<'a>,
    recipe: &'a Recipe,
    written: Written<'a>,
    /// This thread's alone, in the store.
    job: Job,
    scratch: &'a mut Scratch<f32>,
    store: &'a Store<'a>,
}

impl Write<'_> {
    /// Those of each strip's classes, from the first on.
    fn factors(&self) -> Vec<(usize, Factors)> {
        let Self { batch, recipe, written, job, .. } = self;
        let first = (0..batch.plan.classes).step_by(recipe.classes);
        let of = |class| match written {
            Written::Gradient(slopes) => match recipe.kernels.pull_back {
                PullingBack::Factors(_) => {
                    Factors::new(batch.plan, recipe, slopes, job.sample, class)
                }
                PullingBack::Rows(_) => Factors::default(),
            },
            Written::Losses(slopes, _) => {
                let mut factors = Factors::default();
                factors.set_losses(&batch.plan.groups[0], slopes, class, recipe.classes);
                factors
            }
        };
        first.map(|class| (class, of(class))).collect()
    }
}

impl Kernel for Write<'_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Result<()> {
        let factors = self.factors();
        let Self { batch, recipe, written, job, scratch, store } = self;
        let Scratch { span: input, strip: buffers, .. } = scratch;
        let sample = job.sample;
        let (kernel, slopes, channels) = match written {
            Written::Gradient(slopes) => (recipe.kernels.pull_back, Some(slopes), recipe.classes),
            Written::Losses(_, channels) => {
                let Some(losses) = recipe.kernels.losses else { return Ok(()) };
                (PullingBack::Factors(losses), None, channels.min(recipe.classes))
            }
        };
        let upstream = slopes.and_then(|slopes| slopes.map);
        for part in job.spans() {
            let length = part.end - part.start;
            let span = &batch.span(part, input, false)?;
            for (class, factors) in &factors {
                let is_silent = recipe.classes == 1 && !batch.is_valid(sample, *class);
                for at in (0..length).step_by(STRIP) {
                    let place = Place { span, at, class: *class, upstream };
                    let (strip, out, staged) = Strip::new(batch, recipe, place, buffers)?;
                    match (kernel, slopes) {
                        (PullingBack::Rows(kernel), Some(slopes)) => {
                            rows::gather(batch, (recipe, place), slopes, &strip, staged, out);
                            kernel(batch.plan.isa, &strip, recipe.has_log_losses, out);
                        }
                        (PullingBack::Factors(kernel), _) => {
                            kernel(batch.plan.isa, &strip, factors, out);
                        }
                        (PullingBack::Rows(_), None) => {}
                    }
                    if is_silent {
                        out[0].as_flattened_mut().fill(0.0);
                    }
                    let (start, used) = (part.start + at, STRIP.min(length - at));
                    // SAFETY: the caller of `write` has seen to it.
                    unsafe { store.rows(sample, *class, start, used, &out[..channels]) };
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

const _: () = assert!(SPAN.is_multiple_of(STRIP) && STRIP.is_multiple_of(TILE));
