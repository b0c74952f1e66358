//! The native module `dice_loss._core`: the engine on memory that Python lends.
//!
//! Everything here takes borrowed memory and plain data; arrays, tensors, defaults and
//! documentation are the Python package's. Its contract is `python/dice_loss/_core.pyi`.

#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

mod cuda;
mod detection;
mod direct;
mod given;
mod huge_pages;
mod morphology;
mod objectives;
mod pool;
mod refused;
mod sweeps;
mod tally;
mod verdict;
mod view;
mod xla;

use dice_loss::{Activation, Layout, Moments, Objective, Prepared, Sum};
use pyo3::prelude::*;

use given::{Given, Options};
use refused::{Refused, Result, filled};
use verdict::Verdict;
use view::View;

/// Every loss of the engine: name, title, formula, paper, activations.
#[pyfunction]
fn catalogue() -> Vec<(&'static str, &'static str, &'static str, &'static str, Vec<&'static str>)> {
    dice_loss::catalogue()
        .into_iter()
        .map(|e| (e.name, e.title, e.formula, e.reference(), words(e.activations)))
        .collect()
}

/// An objective as the engine writes it: compounds taken apart, everything filled in and checked, as
/// far as that is possible for any number of classes.
#[pyfunction]
fn spec(text: &str) -> Result<String> {
    Ok(Objective::from_spec(text)?.spec()?)
}

/// Every sum that can be asked for, with the activations that the engine sums it up under.
#[pyfunction]
fn sums() -> Vec<(&'static str, Vec<&'static str>)> {
    let asked = Sum::ALL.into_iter().filter(|sum| !sum.is_of_terms());
    asked.map(|sum| (sum.word(), words(sum.activations()))).collect()
}

fn words(activations: &[Activation]) -> Vec<&'static str> {
    activations.iter().map(|activation| activation.word()).collect()
}

/// Whether all options fit each other and the number of classes.
#[pyfunction]
fn check(py: Python<'_>, spec: &str, classes: usize) -> Result<()> {
    pool::detached(py, || objectives::find(spec, classes).map(drop))
}

/// What each column of the moments sums up, as JSON.
#[pyfunction]
fn integrands(py: Python<'_>, spec: &str, classes: usize) -> Result<Vec<String>> {
    pool::detached(py, || {
        let prepared = objectives::find(spec, classes)?;
        let json = |integrand| {
            serde_json::to_string(integrand)
                .map_err(|error| Refused::new("sum", error, "finite parameters"))
        };
        prepared.integrands().iter().map(json).collect()
    })
}

/// The formula of each term, as JSON.
#[pyfunction]
fn tapes(spec: &str) -> Result<String> {
    serde_json::to_string(&Objective::from_spec(spec)?.tapes())
        .map_err(|error| Refused::new("formula", error, "finite options"))
}

/// The maps that an objective reads, with what makes each, and whether it may be negative.
#[pyfunction]
fn maps(spec: &str) -> Result<Vec<(String, Option<&'static str>, bool)>> {
    let maps = Objective::from_spec(spec)?.maps()?;
    let of = |map: dice_loss::maps::Named| {
        (map.name, map.recipe.as_ref().map(dice_loss::maps::Recipe::word), map.is_signed)
    };
    Ok(maps.into_iter().map(of).collect())
}

/// Makes a map that has a recipe.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
fn make_map(
    py: Python<'_>,
    spec: &str,
    name: &str,
    logits: View,
    target: View,
    options: Options,
    threads: usize,
    out: View,
) -> Result<()> {
    pool::detached(py, || {
        let batch = Given::new(logits, target, options)?;
        let prepared = objectives::find(spec, batch.classes())?;
        sweeps::make_map(&prepared, name, &batch, threads, out)
    })
}

/// Channels of a map that has a recipe.
#[pyfunction]
fn made_channels(py: Python<'_>, spec: &str, name: &str, classes: usize) -> Result<usize> {
    pool::detached(py, || Ok(objectives::find(spec, classes)?.made_channels(name)?))
}

/// Channels of the map of voxel losses.
#[pyfunction]
fn map_channels(py: Python<'_>, spec: &str, classes: usize) -> Result<usize> {
    pool::detached(py, || objectives::map_channels(&*objectives::find(spec, classes)?))
}

/// Whether the engine can follow these strides.
#[pyfunction]
fn collapses(shape: Vec<usize>, strides: Vec<i64>, channels: bool) -> bool {
    let strides: std::result::Result<Vec<_>, _> =
        strides.into_iter().map(usize::try_from).collect();
    strides.is_ok_and(|strides| match channels {
        true => Layout::strided(&shape, &strides).is_ok(),
        false => Layout::voxels_strided(&shape, &strides).is_ok(),
    })
}

/// Sweep 1.
#[pyfunction]
fn measure(
    py: Python<'_>,
    spec: &str,
    logits: View,
    target: View,
    options: Options,
    threads: usize,
    mut out: View,
) -> Result<()> {
    pool::detached(py, || {
        let batch = Given::new(logits, target, options)?;
        let prepared = objectives::find(spec, batch.classes())?;
        let shape = objectives::shape_of_sums(&prepared, batch.samples());
        batch.keep_apart("moments", &out)?;
        let sums = out.dense_mut::<f64>("moments", &shape)?;
        let moments = sweeps::measure(&prepared, &batch, threads)?;
        sums.copy_from_slice(&objectives::by_sum(&prepared, moments.as_slice())?);
        Ok(())
    })
}

/// From moments to the loss and its derivatives by them.
#[pyfunction]
fn evaluate(
    py: Python<'_>,
    spec: &str,
    moments: View,
    valid: Option<View>,
    pooled: bool,
    gradient: Option<View>,
) -> Result<Verdict> {
    pool::detached(py, || {
        let &[_, _, classes] = moments.shape() else {
            return Err(moments.misshapen("moments", "(rows, K, C)"));
        };
        let prepared = objectives::find(spec, classes)?;
        let moments = read_moments(&prepared, &moments, valid.as_ref(), pooled)?;
        let verdict = prepared.evaluate(&moments)?;
        if let Some(mut gradient) = gradient {
            let shape = objectives::shape_of_sums(&prepared, moments.samples());
            let derivatives = objectives::by_sum(&prepared, &prepared.gradient(&verdict)?)?;
            gradient.dense_mut::<f64>("derivatives", &shape)?.copy_from_slice(&derivatives);
        }
        Ok(Verdict::new(verdict, prepared))
    })
}

/// Sweep 1 and the loss; and what is asked for of the moments, the derivatives by them, those by the
/// logits, from sweep 2, and the details.
#[pyfunction]
#[pyo3(signature = (spec, logits, target, options, threads, moments, slopes, gradient=None, details=None))]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
fn objective(
    py: Python<'_>,
    spec: &str,
    logits: View,
    target: View,
    options: Options,
    threads: usize,
    moments: Option<View>,
    slopes: Option<View>,
    gradient: Option<View>,
    details: Option<View>,
) -> Result<Verdict> {
    pool::detached(py, || {
        let batch = Given::new(logits, target, options)?;
        let prepared = objectives::find(spec, batch.classes())?;
        let shape = objectives::shape_of_sums(&prepared, batch.samples());
        let batch = batch.with_instances(&prepared, threads)?;
        let measured = sweeps::measure(&prepared, &batch, threads)?;
        let verdict = prepared.evaluate(&measured)?;
        let write = |what, out: Option<View>, values: &[f64]| {
            let Some(mut out) = out else { return Ok(()) };
            batch.keep_apart(what, &out)?;
            let out = out.dense_mut::<f64>(what, &shape)?;
            out.copy_from_slice(&objectives::by_sum(&prepared, values)?);
            Ok::<_, Refused>(())
        };
        write("moments", moments, measured.as_slice())?;
        if slopes.is_some() || gradient.is_some() {
            let derivatives = prepared.gradient(&verdict)?;
            write("derivatives", slopes, &derivatives)?;
            if let Some(gradient) = gradient {
                match prepared.looks_at_instances() {
                    // What was measured of each is in the verdict.
                    true => sweeps::pull_back_of(&prepared, &verdict, &batch, threads, gradient)?,
                    false => sweeps::pull_back(&prepared, &derivatives, &batch, threads, gradient)?,
                }
            }
        }
        let Some(mut out) = details else { return Ok(Verdict::new(verdict, prepared)) };
        batch.keep_apart("details", &out)?;
        let found = verdict::details(&verdict, &measured)?;
        out.dense_mut::<f64>("details", &[found.len()])?.copy_from_slice(&found);
        let instances = prepared.instance_details(&measured)?;
        Ok(Verdict::new(verdict, prepared).with(instances))
    })
}

/// Sweep 2, from derivatives by the moments.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
fn pull_back(
    py: Python<'_>,
    spec: &str,
    slopes: View,
    logits: View,
    target: View,
    options: Options,
    threads: usize,
    gradient: View,
) -> Result<()> {
    pool::detached(py, || {
        let batch = Given::new(logits, target, options)?;
        let prepared = objectives::find(spec, batch.classes())?;
        let rows = if slopes.shape().first() == Some(&1) { 1 } else { batch.samples() };
        slopes.keep_apart("gradient", &gradient)?;
        let slopes = slopes.dense::<f64>("slopes", &objectives::shape_of_sums(&prepared, rows))?;
        let slopes = objectives::by_class(&prepared, slopes)?;
        sweeps::pull_back(&prepared, &slopes, &batch, threads, gradient)
    })
}

/// The loss of every voxel.
#[pyfunction]
fn voxel_losses(
    py: Python<'_>,
    spec: &str,
    logits: View,
    target: View,
    options: Options,
    threads: usize,
    out: View,
) -> Result<()> {
    pool::detached(py, || {
        let batch = Given::new(logits, target, options)?;
        let prepared = objectives::find(spec, batch.classes())?;
        sweeps::voxel_losses(&prepared, &batch, threads, out)
    })
}

/// Sweep 2, from a gradient by the voxel losses.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
fn pull_back_map(
    py: Python<'_>,
    spec: &str,
    upstream: View,
    logits: View,
    target: View,
    options: Options,
    threads: usize,
    gradient: View,
) -> Result<()> {
    pool::detached(py, || {
        let batch = Given::new(logits, target, options)?;
        let prepared = objectives::find(spec, batch.classes())?;
        sweeps::pull_back_map(&prepared, &upstream, &batch, threads, gradient)
    })
}

/// Advises huge pages for fresh memory.
#[pyfunction]
fn advise_huge_pages(address: usize, bytes: usize) {
    huge_pages::advise(address, bytes);
}

/// Hard counts of label maps or masks.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
fn counts(
    py: Python<'_>,
    prediction: View,
    reference: View,
    classes: Option<usize>,
    ignore_index: Option<i64>,
    mask: Option<View>,
    threads: usize,
    out: View,
) -> Result<()> {
    pool::detached(py, || {
        let masks = tally::Masks { prediction, reference, mask };
        match classes {
            Some(classes) => {
                let labels = tally::Labels { masks: &masks, classes, ignore_index };
                tally::of_labels(&labels, threads, out)
            }
            None => tally::of_masks(&masks, threads, out),
        }
    })
}

/// Lesions of label maps or masks, one by one.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
fn lesions(
    py: Python<'_>,
    prediction: View,
    reference: View,
    classes: Option<usize>,
    ignore_index: Option<i64>,
    mask: Option<View>,
    spacing: Vec<f64>,
    connectivity: Option<usize>,
    overlap: f64,
    threads: usize,
    counts: View,
    sums: View,
) -> Result<()> {
    pool::detached(py, || {
        let masks = tally::Masks { prediction, reference, mask };
        let asked = detection::Asked { spacing, connectivity, overlap, threads };
        let out = detection::Out { counts, sums };
        match classes {
            Some(classes) => {
                let labels = tally::Labels { masks: &masks, classes, ignore_index };
                detection::of_labels(&labels, &asked, out)
            }
            None => detection::of_masks(&masks, &asked, out),
        }
    })
}

fn read_moments(
    prepared: &Prepared,
    moments: &View,
    valid: Option<&View>,
    pooled: bool,
) -> Result<Moments> {
    let &[rows, _, classes] = moments.shape() else {
        return Err(moments.misshapen("moments", "(rows, K, C)"));
    };
    let sums = moments.dense::<f64>("moments", &objectives::shape_of_sums(prepared, rows))?;
    let sums = objectives::by_class(prepared, sums)?;
    let valid = match valid {
        Some(valid) => given::truths(valid, rows, classes)?,
        None => filled(true, rows * classes, "which classes are annotated")?,
    };
    let moments = prepared.moments(sums, valid)?;
    Ok(if pooled { moments.pooled() } else { moments })
}

/// The engine.
#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::pool::count_forks();
        Ok(())
    }

    #[pymodule_export]
    use super::cuda::{CudaPass, CudaProgram, cuda_passes, cuda_program, cuda_refusal};
    #[pymodule_export]
    use super::direct::{check_direct, direct};
    #[pymodule_export]
    use super::morphology::{
        border_weights, connected_components, distance_transform, labels_present,
        nearest_component, signed_distance, skeletonize, two_nearest, with_ball,
    };
    #[pymodule_export]
    use super::xla::xla_targets;
    #[pymodule_export]
    use super::{
        Verdict, advise_huge_pages, catalogue, check, collapses, counts, evaluate, integrands,
        lesions, made_channels, make_map, map_channels, maps, measure, objective, pull_back,
        pull_back_map, spec, sums, tapes, voxel_losses,
    };
}
