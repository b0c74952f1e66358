//! Lovász losses.

use dice_loss::{Lovasz, Ranking, Upstream};
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
pub(crate) fn lovasz(
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
        let lovasz = Lovasz::from_spec(spec)?;
        let batch = Given::new(logits, target, options)?;
        let upstream = match &upstream {
            None => Upstream::Scalar(1.0),
            Some(view) => match view.dense::<f64>("upstream gradient", view.shape())? {
                &[scalar] if view.shape().is_empty() => Upstream::Scalar(scalar),
                values => Upstream::Values(values),
            },
        };
        let ranking = rank(&lovasz, upstream, &batch, threads, gradient)?;
        Ok((ranking.loss(), ranking.values().to_vec(), ranking.shape().to_vec()))
    })
}

/// Whether a Lovász loss can be had of so many classes.
#[pyfunction]
pub(crate) fn check_lovasz(spec: &str, classes: usize) -> Result<()> {
    Ok(Lovasz::from_spec(spec)?.check(classes)?)
}

/// Within the pool; the gradient is written if there is room for it.
fn rank(
    lovasz: &Lovasz,
    upstream: Upstream,
    batch: &Given,
    threads: usize,
    gradient: Option<View>,
) -> Result<Ranking> {
    let Some(mut gradient) = gradient.filter(|_| batch.elements() > 0) else {
        return pool::run(threads, batch.elements(), || {
            Ok(lovasz.loss(&batch.logits()?, &batch.target()?)?)
        });
    };
    batch.expect_fit("gradient", &gradient, batch.classes())?;
    batch.keep_apart("gradient", &gradient)?;
    let output = gradient.output()?;
    pool::run(threads, batch.elements(), || {
        let (logits, target) = (batch.logits()?, batch.target()?);
        Ok(lovasz.loss_and_gradient(upstream, &logits, &target, output)?)
    })
}
