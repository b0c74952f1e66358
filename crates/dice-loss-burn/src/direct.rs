//! Losses beside the objective as modules.

use std::sync::Arc;

use burn::{
    backend::{Dispatch, TensorMetadata},
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    tensor::Tensor,
};
use dice_loss::{Error, Reduction, Result};

use crate::{
    Targets, on_device,
    sweeps::{self, DirectBackend, DirectOutcome},
};

/// Any [`dice_loss::DirectLoss`] as a loss module: one that is no function of sums, and comes with its
/// gradient.
///
/// On the Flex backend the engine reads the tensors where they lie. Where the logits are tracked it writes
/// the gradient with the loss, for an upstream gradient of 1, so that everything is done once; of half
/// types, which round once, and of unreduced values it is done again for the gradient. From any other
/// backend logits and targets are read back, and loss and gradient are brought there: the same numbers.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{DirectLoss, dice_loss::{Lovasz, Pool}};
///
/// let loss = DirectLoss::new(Lovasz::softmax().pool(Pool::Batch));
///
/// let device = Device::flex().autodiff();
/// let logits = Tensor::<4>::ones([2, 3, 8, 8], &device).require_grad();
/// let labels = Tensor::<3, Int>::ones([2, 8, 8], &device);
/// let gradients = loss.forward(logits.clone(), labels).backward();
/// assert!(logits.grad(&gradients).is_some());
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct DirectLoss {
    #[module(skip)]
    loss: Arc<dice_loss::DirectLoss>,
    #[module(skip)]
    ignore_index: Option<i64>,
    #[module(skip)]
    batch_mean: bool,
}

impl DirectLoss {
    /// Of a loss of the engine, whose own [`Reduction`] holds. Reduction none sums the values up; see
    /// [`forward_no_reduction`](Self::forward_no_reduction).
    pub fn new(loss: impl Into<dice_loss::DirectLoss>) -> Self {
        Self { loss: Arc::new(loss.into()), ignore_index: None, batch_mean: false }
    }

    /// Voxels with this label do not count, unless the [`Targets`] name another.
    pub fn with_ignore_index(mut self, ignore_index: Option<i64>) -> Self {
        self.ignore_index = ignore_index;
        self
    }

    /// The sum, divided by the number of samples.
    pub(crate) fn with_batch_mean(mut self, batch_mean: bool) -> Self {
        self.batch_mean = batch_mean;
        self
    }

    /// The engine's loss.
    pub fn loss(&self) -> &dice_loss::DirectLoss {
        &self.loss
    }

    /// The loss, in f32 or, for logits in f64, in f64.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch_size, classes, spatial…]`
    /// - targets: see [`Targets`]
    /// - output: `[1]`
    ///
    /// # Panics
    ///
    /// With the message of [`try_forward`](Self::try_forward)'s error.
    pub fn forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Tensor<1> {
        self.try_forward(logits, targets).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The loss, or what is wrong: shapes that do not fit, a label that names no class, an option
    /// outside its range; weights of voxels and maps, where the loss has none.
    pub fn try_forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Tensor<1>> {
        let samples = logits.dims().first().copied().unwrap_or_default();
        let loss = match self.loss.reduced_by() {
            Reduction::None => Arc::new((*self.loss).clone().reduction(Reduction::Sum)),
            _ => self.loss.clone(),
        };
        let loss = self.run(logits, targets.into(), loss)?;
        Ok(if self.batch_mean && samples > 0 { loss / samples as f64 } else { loss })
    }

    /// The values before any reduction: `[batch_size, classes]`, or `[classes]` of the batch.
    ///
    /// # Panics
    ///
    /// With the message of [`try_forward_no_reduction`](Self::try_forward_no_reduction)'s error.
    pub fn forward_no_reduction<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Tensor<R> {
        self.try_forward_no_reduction(logits, targets).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The values before any reduction. Also fails if they have not `R` axes, and on backends other than
    /// Flex, where a number alone has its gradient.
    pub fn try_forward_no_reduction<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Tensor<R>> {
        let loss = Arc::new((*self.loss).clone().reduction(Reduction::None));
        self.run(logits, targets.into(), loss)
    }

    fn run<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: Targets,
        loss: Arc<dice_loss::DirectLoss>,
    ) -> Result<Tensor<R>> {
        let targets = targets.or_ignore(self.ignore_index).stacked(&logits.dims())?;
        let logits = logits.into_dispatch();
        let outcome = match sweeps::reach(&logits) {
            true => Dispatch::direct_loss(logits, targets, loss),
            false => on_device::direct_loss(logits, targets, loss),
        };
        match outcome {
            DirectOutcome::Found(output) if output.rank() == R => Ok(Tensor::from_dispatch(output)),
            DirectOutcome::Found(output) => Err(Error::Shape {
                what: "values without reduction",
                found: output.shape().to_vec(),
                wanted: format!("{R} axes, as asked for"),
            }),
            DirectOutcome::Failed(error) => Err(error),
        }
    }
}

impl ModuleDisplay for DirectLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("loss", &self.loss)
            .add_debug_attribute("ignore_index", &self.ignore_index)
            .optional()
    }
}
