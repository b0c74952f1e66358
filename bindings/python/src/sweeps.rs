//! The sweeps, each within its pool and with what it writes checked against what it reads.

use dice_loss::{Moments, Output, Prepared, Upstream, Verdict};

use crate::{
    given::Given,
    objectives, pool,
    refused::{Result, filled},
    view::View,
};

/// Sweep 1.
pub(crate) fn measure(prepared: &Prepared, batch: &Given, threads: usize) -> Result<Moments> {
    pool::run(threads, batch.elements(), || {
        Ok(prepared.measure(&batch.logits()?, &batch.target()?)?)
    })
}

/// Sweep 2, from derivatives by the moments in the engine's order: of each sample, or one row for all
/// of them.
pub(crate) fn pull_back(
    prepared: &Prepared,
    slopes: &[f64],
    batch: &Given,
    threads: usize,
    gradient: View,
) -> Result<()> {
    with_output(batch, "gradient", batch.classes(), gradient, |output| {
        pool::run(threads, batch.elements(), || {
            let (logits, target) = (batch.logits()?, batch.target()?);
            Ok(prepared.pull_back_sums(slopes, &logits, &target, output)?)
        })
    })
}

/// Sweep 2, from what was made of the moments.
pub(crate) fn pull_back_of(
    prepared: &Prepared,
    verdict: &Verdict,
    batch: &Given,
    threads: usize,
    gradient: View,
) -> Result<()> {
    with_output(batch, "gradient", batch.classes(), gradient, |output| {
        pool::run(threads, batch.elements(), || {
            let (logits, target) = (batch.logits()?, batch.target()?);
            Ok(prepared.pull_back(verdict, 1.0, &logits, &target, output)?)
        })
    })
}

/// The loss of every voxel.
pub(crate) fn voxel_losses(
    prepared: &Prepared,
    batch: &Given,
    threads: usize,
    out: View,
) -> Result<()> {
    let channels = objectives::map_channels(prepared)?;
    with_output(batch, "voxel losses", channels, out, |output| {
        pool::run(threads, batch.elements(), || {
            let (logits, target) = (batch.logits()?, batch.target()?);
            Ok(prepared.voxel_losses(&logits, &target, output)?)
        })
    })
}

/// A map that has a recipe, (N, 1 or C, spatial…), contiguous.
pub(crate) fn make_map(
    prepared: &Prepared,
    name: &str,
    batch: &Given,
    threads: usize,
    mut out: View,
) -> Result<()> {
    batch.expect_fit("map", &out, prepared.made_channels(name)?)?;
    batch.keep_apart("map", &out)?;
    let shape = out.shape().to_vec();
    let values = out.dense_mut::<f32>("map", &shape)?;
    let made = pool::run(threads, batch.elements(), || {
        Ok(prepared.make_map(name, &batch.logits()?, &batch.target()?, &shape[2..])?)
    })?;
    values.copy_from_slice(&made);
    Ok(())
}

/// Sweep 2, from a gradient by the voxel losses.
pub(crate) fn pull_back_map(
    prepared: &Prepared,
    upstream: &View,
    batch: &Given,
    threads: usize,
    gradient: View,
) -> Result<()> {
    let classes = batch.classes();
    batch.expect_fit("upstream gradient", upstream, objectives::map_channels(prepared)?)?;
    upstream.keep_apart("gradient", &gradient)?;
    let upstream = Upstream::Map(upstream.logits()?);
    with_output(batch, "gradient", classes, gradient, |output| {
        // What is pulled back is each voxel's own loss: no sum enters it.
        let count = batch.samples() * classes;
        let sums = filled(0.0, count * prepared.integrands().len(), "the sums of all samples")?;
        let valid = filled(true, count, "which classes are annotated")?;
        let moments = prepared.moments(sums, valid)?;
        let verdict = prepared.evaluate(&moments)?;
        pool::run(threads, batch.elements(), || {
            let (logits, target) = (batch.logits()?, batch.target()?);
            Ok(prepared.pull_back(&verdict, upstream, &logits, &target, output)?)
        })
    })
}

/// Lends an output of the batch's shape, with so many channels, that overlaps nothing it reads.
fn with_output(
    batch: &Given,
    what: &'static str,
    channels: usize,
    mut view: View,
    write: impl FnOnce(Output<'_>) -> Result<()>,
) -> Result<()> {
    batch.expect_fit(what, &view, channels)?;
    batch.keep_apart(what, &view)?;
    if batch.elements() == 0 {
        return Ok(());
    }
    write(view.output()?)
}
