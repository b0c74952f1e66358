//! Losses beside the objective, which come with their gradient.

use dice_loss::{DirectLoss, LossValues, Upstream};
use pyo3::prelude::*;

use crate::{
    given::{Given, Options},
    pool,
    refused::Result,
    view::View,
};

/// The loss, its values and their shape; and the gradient, if there is room for it, times `upstream`,
/// which is one number or one for each value.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
pub(crate) fn direct(
    py: Python<'_>,
    spec: &str,
    logits: View,
    target: View,
    options: Options,
    threads: usize,
    upstream: Option<View>,
    gradient: Option<View>,
) -> Result<(f64, Vec<f64>, Vec<usize>)> {
    pool::detached(py, || {
        let loss = DirectLoss::from_spec(spec)?;
        let batch = Given::new(logits, target, options)?;
        let upstream = match &upstream {
            None => Upstream::Scalar(1.0),
            Some(view) => match view.dense::<f64>("upstream gradient", view.shape())? {
                &[scalar] if view.shape().is_empty() => Upstream::Scalar(scalar),
                values => Upstream::Values(values),
            },
        };
        let found = compute(&loss, upstream, &batch, threads, gradient)?;
        Ok((found.loss(), found.values().to_vec(), found.shape().to_vec()))
    })
}

/// Whether such a loss can be had of so many classes.
#[pyfunction]
pub(crate) fn check_direct(spec: &str, classes: usize) -> Result<()> {
    Ok(DirectLoss::from_spec(spec)?.check(classes)?)
}

/// Within the pool; the gradient is written if there is room for it.
pub(crate) fn compute(
    loss: &DirectLoss,
    upstream: Upstream,
    batch: &Given,
    threads: usize,
    gradient: Option<View>,
) -> Result<LossValues> {
    let Some(mut gradient) = gradient.filter(|_| batch.elements() > 0) else {
        return pool::run(threads, batch.elements(), || {
            Ok(loss.loss(&batch.logits()?, &batch.target()?)?)
        });
    };
    batch.expect_fit("gradient", &gradient, batch.classes())?;
    batch.keep_apart("gradient", &gradient)?;
    let output = gradient.output()?;
    pool::run(threads, batch.elements(), || {
        let (logits, target) = (batch.logits()?, batch.target()?);
        Ok(loss.loss_and_gradient(upstream, &logits, &target, output)?)
    })
}
