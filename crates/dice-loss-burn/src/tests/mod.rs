//! Every loss against the engine called directly and against its reference.

mod by_value;
mod case;
#[cfg(feature = "wgpu")]
mod kernels;
mod layouts;
mod named;
mod native;
mod precision;
mod refused;
mod repeated;
mod tensor_ops;
mod trials;
mod unreduced;
mod weights;

use std::sync::Arc;

use burn::{backend::Dispatch, tensor::Tensor};
use dice_loss::Objective;

use crate::{
    Targets,
    sweeps::{Outcome, SegmentationBackend},
    tensor_ops::segmentation_loss,
};
use case::Case;
use dice_loss_tensor::Form;

/// The loss, or the error, by the engine and by tensor operations.
fn both_ways(
    objective: &Objective,
    logits: &Tensor<4>,
    targets: Targets,
) -> [Result<f32, String>; 2] {
    let (logits, targets) = (logits.clone().into_dispatch(), targets.0);
    let objective = Arc::new(objective.clone());
    let native = Dispatch::segmentation_loss(
        logits.clone(),
        targets.clone(),
        objective.clone(),
        Form::Number,
    );
    let plain = segmentation_loss(logits, targets, objective, Form::Number);
    [native, plain].map(|outcome| match outcome {
        Outcome::Evaluated(_, verdict, _) => Ok(verdict.loss() as f32),
        Outcome::Failed(error) => Err(error.to_string()),
    })
}
