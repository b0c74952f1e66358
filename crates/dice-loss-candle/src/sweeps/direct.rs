//! A loss beside the objective as an operation of Candle, on the CPU.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};
use dice_loss::{DirectLoss, Reduction, Upstream};

use super::{
    TargetViews, numbers,
    view::{View, constant, filled},
};
use crate::{Targets, refused};

/// The loss, and an operation whose backward step is its gradient.
pub(crate) fn direct(logits: &Tensor, targets: Targets, loss: Arc<DirectLoss>) -> Result<Tensor> {
    let (logits, targets) = (View::of_channels(logits)?, TargetViews::new(targets)?);
    let tensor = logits.tensor().clone();
    let is_number = loss.reduced_by() != Reduction::None;
    let is_wide = matches!(tensor.dtype(), DType::F32 | DType::F64);
    let (found, gradient) = {
        let (lent, targets) = (logits.lend(), targets.lend());
        let (x, target) = (lent.logits()?, targets.target()?);
        match tensor.track_op() && is_number && is_wide {
            true => {
                let (gradient, found) = filled(tensor.dtype(), tensor.shape(), |gradient| {
                    loss.loss_and_gradient(1.0, &x, &target, gradient)
                })?;
                (found, Some(constant(gradient, tensor.shape())))
            }
            false => (loss.loss(&x, &target).map_err(refused)?, None),
        }
    };
    let (values, shape) = match is_number {
        true => (vec![found.loss()], ().into()),
        false => (found.values().to_vec(), found.shape().into()),
    };
    tensor.apply_op1(Step { loss, targets, values, shape, gradient })
}

/// What was found, and all that its gradient needs beside the logits.
#[derive(Debug)]
struct Step {
    loss: Arc<DirectLoss>,
    targets: TargetViews,
    values: Vec<f64>,
    shape: Shape,
    /// For an upstream gradient of 1, where it came with the loss.
    gradient: Option<Tensor>,
}

impl CustomOp1 for Step {
    fn name(&self) -> &'static str {
        "direct-loss"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((numbers(logits, &self.values), self.shape.clone()))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, upstream: &Tensor) -> Result<Option<Tensor>> {
        let values = upstream.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let upstream = match values[..] {
            [scalar] if self.loss.reduced_by() != Reduction::None => Upstream::Scalar(scalar),
            _ => Upstream::Values(&values),
        };
        match (&self.gradient, upstream) {
            (Some(gradient), Upstream::Scalar(1.0)) => return Ok(Some(gradient.clone())),
            (Some(gradient), Upstream::Scalar(scalar)) => return Ok(Some((gradient * scalar)?)),
            _ => {}
        }
        let view = View::of_channels(logits)?;
        let (lent, targets) = (view.lend(), self.targets.lend());
        let (x, target) = (lent.logits()?, targets.target()?);
        let (gradient, _) = filled(logits.dtype(), logits.shape(), |gradient| {
            self.loss.loss_and_gradient(upstream, &x, &target, gradient)
        })?;
        Ok(Some(constant(gradient, logits.shape())))
    }
}
