//! Every loss against the engine called directly and against its reference.

mod by_value;
mod case;
mod graph;
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

use candle_core::{Result, Tensor};
use dice_loss::Objective;

use crate::{Evaluation, Targets, sweeps};
use case::{Case, values};

/// The two ways to a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Native,
    TensorOps,
}

impl Way {
    const BOTH: [Self; 2] = [Self::Native, Self::TensorOps];

    /// As on the device that the way is for, with the tensors on the CPU.
    fn evaluate(
        self,
        objective: &Objective,
        logits: &Tensor,
        targets: Targets,
    ) -> Result<Evaluation> {
        let (targets, objective) = (targets.checked(logits)?, Arc::new(objective.clone()));
        match self {
            Self::Native => sweeps::evaluate(logits, targets, objective),
            Self::TensorOps => crate::tensor_ops::evaluate(logits, targets, &objective),
        }
    }
}
