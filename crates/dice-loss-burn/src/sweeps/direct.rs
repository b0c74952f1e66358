//! A loss beside the objective as an operation of Burn: on Flex tensors directly, and within autodiff.

use std::sync::Arc;

use burn::{
    backend::{
        Backend, ExtensionType, Flex,
        autodiff::{
            Autodiff,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        flex::FlexTensor,
        ops::FloatTensorOps,
        tensor::FloatTensor,
    },
    tensor::DType,
};
use dice_loss::{DirectLoss, Error, LossValues, Reduction, Result, Upstream};

use super::{
    flex::{TargetViews, numbers, with_upstream},
    view::View,
};
use crate::targets::TargetTensors;

/// Backends on which the engine runs by itself.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait DirectBackend: Backend {
    /// The loss; with autodiff its gradient comes with it.
    fn direct_loss(
        logits: FloatTensor<Self>,
        #[extension_type] targets: TargetTensors<Self>,
        loss: Arc<DirectLoss>,
    ) -> DirectOutcome<Self>;
}

/// The operation's result.
#[derive(Debug, ExtensionType)]
pub(crate) enum DirectOutcome<B: Backend> {
    Found(FloatTensor<B>),
    Failed(Error),
}

impl DirectBackend for Flex {
    fn direct_loss(
        logits: FlexTensor,
        targets: TargetTensors<Self>,
        loss: Arc<DirectLoss>,
    ) -> DirectOutcome<Self> {
        match Batch::new(logits, targets, loss).and_then(|batch| batch.value()) {
            Ok(output) => DirectOutcome::Found(output),
            Err(error) => DirectOutcome::Failed(error),
        }
    }
}

impl<C: CheckpointStrategy> DirectBackend for Autodiff<Flex, C> {
    fn direct_loss(
        logits: FloatTensor<Self>,
        targets: TargetTensors<Self>,
        loss: Arc<DirectLoss>,
    ) -> DirectOutcome<Self> {
        let (logits, node) = logits.into_parts();
        let batch = match Batch::new(logits, targets.constants(), loss) {
            Ok(batch) => batch,
            Err(error) => return DirectOutcome::Failed(error),
        };
        let output = match PullBack.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                batch.tracked().map(|(output, step)| prepared.finish(step, output))
            }
            OpsKind::UnTracked(prepared) => batch.value().map(|output| prepared.finish(output)),
        };
        match output {
            Ok(output) => DirectOutcome::Found(output),
            Err(error) => DirectOutcome::Failed(error),
        }
    }
}

/// What a loss is computed of.
#[derive(Debug, Clone)]
struct Batch {
    logits: View,
    targets: TargetViews,
    loss: Arc<DirectLoss>,
}

/// What the backward step needs.
#[derive(Debug, Clone)]
enum Step {
    /// The gradient, for an upstream gradient of 1.
    Found(FlexTensor),
    /// It is computed then: of half types, which round once, and of unreduced values.
    Again(Box<Batch>),
}

impl Batch {
    fn new(
        logits: FlexTensor,
        targets: TargetTensors<Flex>,
        loss: Arc<DirectLoss>,
    ) -> Result<Self> {
        let targets = targets.fitted(logits.layout().shape())?;
        Ok(Self { logits: View::of_channels(logits)?, targets: TargetViews::new(targets)?, loss })
    }

    fn is_number(&self) -> bool {
        self.loss.reduced_by() != Reduction::None
    }

    fn value(&self) -> Result<FlexTensor> {
        Ok(self.output(&self.loss.loss(&self.logits.logits()?, &self.targets.target()?)?))
    }

    fn tracked(self) -> Result<(FlexTensor, Step)> {
        if !self.is_number() || !matches!(self.logits.dtype(), DType::F32 | DType::F64) {
            return Ok((self.value()?, Step::Again(Box::new(self))));
        }
        let (gradient, found) = self.gradient(Upstream::Scalar(1.0))?;
        Ok((self.output(&found), Step::Found(gradient)))
    }

    fn gradient(&self, upstream: Upstream) -> Result<(FlexTensor, LossValues)> {
        let (logits, target) = (self.logits.logits()?, self.targets.target()?);
        self.logits.filled_alike(|gradient| {
            self.loss.loss_and_gradient(upstream, &logits, &target, gradient)
        })
    }

    fn output(&self, found: &LossValues) -> FlexTensor {
        match self.is_number() {
            true => numbers(self.logits.dtype(), &[found.loss()], [1].into()),
            false => numbers(self.logits.dtype(), found.values(), found.shape().to_vec().into()),
        }
    }
}

impl Step {
    fn pull_back(self, upstream: FlexTensor) -> Result<FlexTensor> {
        with_upstream(upstream, |values| match (self, values) {
            (Self::Found(gradient), [1.0]) => Ok(gradient),
            (Self::Found(gradient), [value]) => {
                Ok(Flex::float_mul_scalar(gradient, (*value).into()))
            }
            (Self::Again(batch), [value]) if batch.is_number() => {
                Ok(batch.gradient(Upstream::Scalar(*value))?.0)
            }
            (Self::Again(batch), values) => Ok(batch.gradient(Upstream::Values(values))?.0),
            (Self::Found(_), values) => Err(Error::Shape {
                what: "upstream gradient",
                found: vec![values.len()],
                wanted: "a number".into(),
            }),
        })
    }
}

#[derive(Debug)]
struct PullBack;

impl Backward<Flex, 1> for PullBack {
    type State = Step;

    fn backward(self, ops: Ops<Step, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let upstream = gradients.consume::<Flex>(&ops.node);
        let [Some(logits)] = ops.parents else { return };
        match ops.state.pull_back(upstream) {
            Ok(gradient) => gradients.register::<Flex>(logits.id, gradient),
            // Not a user's doing: the loss has been computed of the same tensors.
            Err(error) => panic!("gradient of the loss: {error}"),
        }
    }
}
