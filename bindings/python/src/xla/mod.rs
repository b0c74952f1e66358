//! The sweeps as functions that XLA calls, for JAX on the CPU.
//!
//! XLA hands over row-major buffers and two texts: `spec`, the objective, and `settings`, what the
//! buffers are. Nothing here touches Python, so that XLA may call from any of its threads.

mod c_api;
mod call;

use std::ffi::c_void;
use std::ptr::NonNull;

use dice_loss::{DirectLoss, LossValues, Reduction, Upstream};
use pyo3::{prelude::*, types::PyCapsule};
use serde::Deserialize;

use crate::{
    direct,
    given::{Given, Options},
    objectives,
    refused::{Refused, Result},
    sweeps,
    view::View,
};
use c_api::{CallFrame, Handler};
use call::Call;

/// What the buffers of a call are, beside logits and target, which are always there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Axes of the logits without those that `vmap` adds.
    rank: usize,
    /// Whether channels are the last axis of logits, dense target, maps, gradient and voxel losses.
    channels_last: bool,
    kind: String,
    regions: Option<Vec<Vec<usize>>>,
    ignore_index: Option<i64>,
    mask: bool,
    voxel_weight: bool,
    class_valid: bool,
    /// The names of the maps, which come last.
    maps: Vec<String>,
    threads: usize,
    /// The name of the map to make.
    made: Option<String>,
}

/// One sweep, for one element of the axes that `vmap` adds.
trait Sweep {
    /// Arguments before the logits.
    const BEFORE: usize;

    fn run(spec: &str, threads: usize, job: Job) -> Result<()>;
}

/// What a sweep reads and writes.
struct Job {
    before: Vec<View>,
    batch: Given,
    results: Vec<View>,
    channels_last: bool,
    made: Option<String>,
}

impl Job {
    /// A result of the logits' layout.
    fn like_logits(&self, result: View) -> View {
        if self.channels_last { result.channels_last() } else { result }
    }
}

/// Sweep 1 and the loss: (loss or its values, derivatives by the moments).
struct Objective;

impl Sweep for Objective {
    const BEFORE: usize = 0;

    fn run(spec: &str, threads: usize, job: Job) -> Result<()> {
        let batch = &job.batch;
        let prepared = objectives::find(spec, batch.classes())?;
        let verdict = prepared.evaluate(&sweeps::measure(&prepared, batch, threads)?)?;
        let shape = objectives::shape_of_sums(&prepared, batch.samples());
        let [mut loss, mut slopes] = exactly(job.results)?;
        match verdict.values() {
            Some(values) => loss.write_numbers("loss", &verdict.shape(), values)?,
            None => loss.write_numbers("loss", &[], &[verdict.loss()])?,
        }
        let derivatives = objectives::by_sum(&prepared, &prepared.gradient(&verdict)?)?;
        write_held("slopes", &mut slopes, &shape, &derivatives)
    }
}

/// Sweep 1: the moments.
struct Measure;

impl Sweep for Measure {
    const BEFORE: usize = 0;

    fn run(spec: &str, threads: usize, job: Job) -> Result<()> {
        let batch = &job.batch;
        let prepared = objectives::find(spec, batch.classes())?;
        let shape = objectives::shape_of_sums(&prepared, batch.samples());
        let moments = sweeps::measure(&prepared, batch, threads)?;
        let [mut out] = exactly(job.results)?;
        let sums = objectives::by_sum(&prepared, moments.as_slice())?;
        write_held("sums", &mut out, &shape, &sums)
    }
}

/// A loss beside the objective, with its gradient: (loss or its values, gradient by the logits).
struct Direct;

impl Sweep for Direct {
    const BEFORE: usize = 0;

    fn run(spec: &str, threads: usize, mut job: Job) -> Result<()> {
        let [mut value, gradient] = exactly(std::mem::take(&mut job.results))?;
        let gradient = job.like_logits(gradient);
        let loss = DirectLoss::from_spec(spec)?;
        gradient.advise_huge_pages();
        let found = direct::compute(&loss, 1.0.into(), &job.batch, threads, Some(gradient))?;
        write_direct(&loss, &found, &mut value)
    }
}

/// The same without its gradient.
struct DirectValue;

impl Sweep for DirectValue {
    const BEFORE: usize = 0;

    fn run(spec: &str, threads: usize, job: Job) -> Result<()> {
        let [mut value] = exactly(job.results)?;
        let loss = DirectLoss::from_spec(spec)?;
        let found = direct::compute(&loss, 1.0.into(), &job.batch, threads, None)?;
        write_direct(&loss, &found, &mut value)
    }
}

fn write_direct(loss: &DirectLoss, found: &LossValues, out: &mut View) -> Result<()> {
    match loss.reduced_by() {
        Reduction::None => out.write_numbers("loss", found.shape(), found.values()),
        _ => out.write_numbers("loss", &[], &[found.loss()]),
    }
}

/// Its gradient alone, times an upstream one by each value.
struct DirectGradient;

impl Sweep for DirectGradient {
    const BEFORE: usize = 1;

    fn run(spec: &str, threads: usize, mut job: Job) -> Result<()> {
        let [gradient] = exactly(std::mem::take(&mut job.results))?;
        let [upstream] = exactly(std::mem::take(&mut job.before))?;
        let gradient = job.like_logits(gradient);
        let batch = &job.batch;
        let loss = DirectLoss::from_spec(spec)?;
        let numbers = upstream.numbers("upstream gradient", upstream.shape())?;
        let upstream = match *numbers {
            [scalar] if upstream.shape().is_empty() => Upstream::Scalar(scalar),
            _ => Upstream::Values(&numbers),
        };
        gradient.advise_huge_pages();
        direct::compute(&loss, upstream, batch, threads, Some(gradient)).map(drop)
    }
}

/// Writes numbers that another sweep or a formula goes on with. Without 64 bits XLA has `f32` for
/// them, which does not hold those of extreme weights: neither all of them vanish nor any overflows.
fn write_held(what: &str, out: &mut View, shape: &[usize], numbers: &[f64]) -> Result<()> {
    let finite = numbers.iter().map(|number| number.abs()).filter(|number| number.is_finite());
    let largest = finite.fold(0.0, f64::max);
    let (least, most) = (f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX));
    if out.dtype() == "float32" && largest != 0.0 && !(least..=most).contains(&largest) {
        let wanted = format!(
            "{least:.1e} to {most:.1e}, which float32 holds: voxel_weight nearer to 1, or JAX with \
             jax_enable_x64"
        );
        return Err(Refused::new(what, format!("{largest:.1e}"), wanted));
    }
    out.write_numbers(what, shape, numbers)
}

/// Sweep 2, from derivatives by the moments.
struct PullBack;

impl Sweep for PullBack {
    const BEFORE: usize = 1;

    fn run(spec: &str, threads: usize, mut job: Job) -> Result<()> {
        let [gradient] = exactly(std::mem::take(&mut job.results))?;
        let [slopes] = exactly(std::mem::take(&mut job.before))?;
        let gradient = job.like_logits(gradient);
        let batch = &job.batch;
        let prepared = objectives::find(spec, batch.classes())?;
        let shape = objectives::shape_of_sums(&prepared, batch.samples());
        let slopes = objectives::by_class(&prepared, &slopes.numbers("slopes", &shape)?)?;
        gradient.advise_huge_pages();
        sweeps::pull_back(&prepared, &slopes, batch, threads, gradient)
    }
}

/// A map that has a recipe.
struct MakeMap;

impl Sweep for MakeMap {
    const BEFORE: usize = 0;

    fn run(spec: &str, threads: usize, mut job: Job) -> Result<()> {
        let [map] = exactly(std::mem::take(&mut job.results))?;
        let name = job.made.as_deref().unwrap_or_default();
        sweeps::make_map(
            &*objectives::find(spec, job.batch.classes())?,
            name,
            &job.batch,
            threads,
            map,
        )
    }
}

/// The loss of every voxel.
struct VoxelLosses;

impl Sweep for VoxelLosses {
    const BEFORE: usize = 0;

    fn run(spec: &str, threads: usize, mut job: Job) -> Result<()> {
        let [map] = exactly(std::mem::take(&mut job.results))?;
        let map = job.like_logits(map);
        let prepared = objectives::find(spec, job.batch.classes())?;
        map.advise_huge_pages();
        sweeps::voxel_losses(&prepared, &job.batch, threads, map)
    }
}

/// Sweep 2, from a gradient by the voxel losses.
struct PullBackMap;

impl Sweep for PullBackMap {
    const BEFORE: usize = 1;

    fn run(spec: &str, threads: usize, mut job: Job) -> Result<()> {
        let [gradient] = exactly(std::mem::take(&mut job.results))?;
        let [upstream] = exactly(std::mem::take(&mut job.before))?;
        let (gradient, upstream) = (job.like_logits(gradient), job.like_logits(upstream));
        let prepared = objectives::find(spec, job.batch.classes())?;
        gradient.advise_huge_pages();
        sweeps::pull_back_map(&prepared, &upstream, &job.batch, threads, gradient)
    }
}

/// What XLA calls.
///
/// # Safety
///
/// XLA calls it, with a frame of its own.
unsafe extern "C" fn handle<S: Sweep>(frame: *mut CallFrame) -> *mut c_void {
    // SAFETY: the frame is XLA's.
    unsafe { call::answer(frame, run::<S>) }
}

fn run<S: Sweep>(call: &Call) -> Result<()> {
    let spec = call.text("spec")?;
    let settings: Settings = serde_json::from_str(call.text("settings")?)
        .map_err(|error| Refused::new("settings", error, "what dice_loss.jax writes"))?;
    let found = call.rank(S::BEFORE)?;
    let Some(leading) = found.checked_sub(settings.rank) else {
        return Err(Refused::new("axes of the logits", found, settings.rank));
    };
    call.for_each(leading, |arguments, results| {
        let (before, batch) = batch(&settings, S::BEFORE, arguments)?;
        let (channels_last, made) = (settings.channels_last, settings.made.clone());
        S::run(spec, settings.threads, Job { before, batch, results, channels_last, made })
    })
}

/// The arguments before the logits, and the batch.
fn batch(settings: &Settings, before: usize, arguments: Vec<View>) -> Result<(Vec<View>, Given)> {
    let found = arguments.len();
    let optional = [settings.mask, settings.voxel_weight, settings.class_valid];
    let wanted = before + 2 + optional.iter().filter(|&&there| there).count() + settings.maps.len();
    let mut arguments = arguments.into_iter();
    let before: Vec<_> = arguments.by_ref().take(before).collect();
    let (Some(mut logits), Some(mut target), true) =
        (arguments.next(), arguments.next(), found == wanted)
    else {
        return Err(Refused::new("arguments", found, wanted));
    };
    if settings.channels_last {
        logits = logits.channels_last();
        if settings.kind == "dense" {
            target = target.channels_last();
        }
    }
    let [mask, weights, valid] = optional.map(|there| there.then(|| arguments.next()).flatten());
    let (kind, regions) = (settings.kind.clone(), settings.regions.clone());
    let placed = |map: View| if settings.channels_last { map.channels_last() } else { map };
    let maps = settings.maps.iter().cloned().zip(arguments.map(placed)).collect();
    let options = Options(kind, regions, settings.ignore_index, mask, weights, valid, maps);
    Ok((before, Given::new(logits, target, options)?))
}

fn exactly<const COUNT: usize>(views: Vec<View>) -> Result<[View; COUNT]> {
    let found = views.len();
    views.try_into().map_err(|_| Refused::new("operands", found, COUNT))
}

const TARGETS: [(&str, Handler); 9] = [
    ("dice_loss_objective", handle::<Objective>),
    ("dice_loss_measure", handle::<Measure>),
    ("dice_loss_pull_back", handle::<PullBack>),
    ("dice_loss_voxel_losses", handle::<VoxelLosses>),
    ("dice_loss_pull_back_map", handle::<PullBackMap>),
    ("dice_loss_make_map", handle::<MakeMap>),
    ("dice_loss_direct", handle::<Direct>),
    ("dice_loss_direct_value", handle::<DirectValue>),
    ("dice_loss_direct_gradient", handle::<DirectGradient>),
];

/// Everything that XLA can call, by name.
#[pyfunction]
pub(crate) fn xla_targets(py: Python<'_>) -> PyResult<Vec<(&'static str, Bound<'_, PyCapsule>)>> {
    let capsule = |handler: Handler| {
        let pointer = NonNull::new(handler as *mut c_void)
            .ok_or_else(|| Refused::new("function", "null", "an address"))?;
        // SAFETY: a function is there for as long as the module is, which is never unloaded.
        unsafe { PyCapsule::new_with_pointer(py, pointer, c"xla._CUSTOM_CALL_TARGET") }
    };
    TARGETS.into_iter().map(|(name, handler)| Ok((name, capsule(handler)?))).collect()
}
