//! Sweep 2 as the backward step of sweep 1.

use std::sync::Arc;

use burn::backend::{
    autodiff::{
        Autodiff,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};
use dice_loss::Prepared;

use super::KernelBackend;
use crate::targets::TargetTensors;

impl<B: KernelBackend, C: CheckpointStrategy> KernelBackend for Autodiff<B, C> {
    fn segmentation_sums(
        logits: FloatTensor<Self>,
        targets: TargetTensors<Self>,
        prepared: Arc<Prepared>,
    ) -> FloatTensor<Self> {
        let (logits, node) = logits.into_parts();
        let targets = targets.constants();
        let sums = B::segmentation_sums(logits.clone(), targets.clone(), prepared.clone());
        match PullBack.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish((logits, targets, prepared), sums),
            OpsKind::UnTracked(step) => step.finish(sums),
        }
    }

    fn segmentation_gradient(
        slopes: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        targets: TargetTensors<Self>,
        prepared: Arc<Prepared>,
    ) -> FloatTensor<Self> {
        // Only the backward step above calls it, on the backend within.
        let (slopes, logits) = (slopes.into_primitive(), logits.into_primitive());
        let gradient = B::segmentation_gradient(slopes, logits, targets.constants(), prepared);
        FloatTensor::<Self>::new(gradient)
    }
}

#[derive(Debug)]
struct PullBack;

impl<B: KernelBackend> Backward<B, 1> for PullBack {
    type State = (FloatTensor<B>, TargetTensors<B>, Arc<Prepared>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let slopes = gradients.consume::<B>(&ops.node);
        let [Some(parent)] = ops.parents else { return };
        let (logits, targets, prepared) = ops.state;
        let gradient = B::segmentation_gradient(slopes, logits, targets, prepared);
        gradients.register::<B>(parent.id, gradient);
    }
}
