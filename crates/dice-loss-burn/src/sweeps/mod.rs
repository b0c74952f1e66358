//! The engine's sweeps as an operation of Burn: on Flex tensors directly, and within autodiff.

mod autodiff;
mod direct;
mod flex;
mod view;

#[cfg(test)]
pub(crate) use view::View;

pub(crate) use direct::{DirectBackend, DirectOutcome};

use std::sync::Arc;

use burn::{
    backend::{
        Backend, DispatchTensor, DispatchTensorKind, ExtensionType, backend_extension,
        tensor::FloatTensor,
    },
    tensor::Shape,
};
use dice_loss::{Error, Moments, Objective, Verdict};
use dice_loss_tensor::Form;

use crate::targets::TargetTensors;

/// Backends on which the engine runs by itself.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait SegmentationBackend: Backend {
    /// Measures and evaluates; with autodiff, the upstream gradient is later folded into the
    /// second sweep.
    fn segmentation_loss(
        logits: FloatTensor<Self>,
        #[extension_type] targets: TargetTensors<Self>,
        objective: Arc<Objective>,
        form: Form,
    ) -> Outcome<Self>;
}

/// The operation's result: what a tensor cannot carry travels beside it.
#[derive(Debug, ExtensionType)]
pub(crate) enum Outcome<B: Backend> {
    Evaluated(FloatTensor<B>, Arc<Verdict>, Moments),
    Failed(Error),
}

/// Whether the tensor lies where the engine runs by itself.
pub(crate) fn reach(tensor: &DispatchTensor) -> bool {
    match &tensor.kind {
        DispatchTensorKind::Flex(_) => true,
        DispatchTensorKind::Autodiff(inner) => matches!(**inner, DispatchTensorKind::Flex(_)),
        #[allow(unreachable_patterns)] // further backends are a matter of Burn's features
        _ => false,
    }
}

/// A value without axes still has one in Burn.
pub(crate) fn with_an_axis(shape: Vec<usize>) -> Shape {
    if shape.is_empty() { [1].into() } else { shape.into() }
}
