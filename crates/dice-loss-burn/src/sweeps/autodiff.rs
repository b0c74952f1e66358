//! The second sweep as a backward step.

use std::sync::Arc;

use burn::backend::{
    Flex,
    autodiff::{
        Autodiff,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};
use dice_loss::Objective;
use dice_loss_tensor::Form;

use super::{
    Outcome, SegmentationBackend,
    flex::{self, Evaluated, SecondSweep},
};
use crate::targets::TargetTensors;

impl<C: CheckpointStrategy> SegmentationBackend for Autodiff<Flex, C> {
    fn segmentation_loss(
        logits: FloatTensor<Self>,
        targets: TargetTensors<Self>,
        objective: Arc<Objective>,
        form: Form,
    ) -> Outcome<Self> {
        let (logits, node) = logits.into_parts();
        let Evaluated { output, moments, step } =
            match flex::evaluate(logits, targets.constants(), objective, form) {
                Ok(evaluated) => evaluated,
                Err(error) => return Outcome::Failed(error),
            };
        let verdict = step.verdict.clone();
        let output = match PullBack.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(step, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        };
        Outcome::Evaluated(output, verdict, moments)
    }
}

#[derive(Debug)]
struct PullBack;

impl Backward<Flex, 1> for PullBack {
    type State = SecondSweep;

    fn backward(self, ops: Ops<SecondSweep, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let upstream = gradients.consume::<Flex>(&ops.node);
        let [Some(logits)] = ops.parents else { return };
        match ops.state.pull_back(upstream) {
            Ok(gradient) => gradients.register::<Flex>(logits.id, gradient),
            // Not a user's doing: the first sweep has accepted the same tensors.
            Err(error) => panic!("gradient of the segmentation loss: {error}"),
        }
    }
}
