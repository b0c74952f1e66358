//! Any objective of the engine as a module.

use std::sync::Arc;

use burn::{
    backend::{Dispatch, TensorMetadata},
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    tensor::Tensor,
};
use dice_loss::{Error, Moments, Objective, Reduction, Result, Verdict};
use dice_loss_tensor::Form;

use crate::{
    Targets, on_device,
    sweeps::{self, Outcome, SegmentationBackend},
};

/// Any [`Objective`] as a loss module: a weighted sum of terms, each with its own activation and
/// settings, in two sweeps over the voxels however many terms there are.
///
/// On the Flex backend the engine reads the tensors where they lie and the backward pass writes
/// the gradient once; nothing of the logits' size is stored between them. Any other backend
/// computes the same loss from tensor operations, which its own autodiff differentiates.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{SegmentationLoss, dice_loss::{CrossEntropy, Dice, Objective, Pool}};
///
/// let objective = Objective::new()
///     .term(1.0, Dice::default().softmax().background(false).pool(Pool::Batch))
///     .term(1.0, CrossEntropy::default().softmax());
/// let loss = SegmentationLoss::new(objective);
///
/// let device = Device::flex().autodiff();
/// let logits = Tensor::<4>::ones([2, 3, 8, 8], &device).require_grad();
/// let labels = Tensor::<3, Int>::ones([2, 8, 8], &device);
/// let gradients = loss.forward(logits.clone(), labels).backward();
/// assert!(logits.grad(&gradients).is_some());
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct SegmentationLoss {
    #[module(skip)]
    objective: Arc<Objective>,
    #[module(skip)]
    ignore_index: Option<i64>,
    #[module(skip)]
    batch_mean: bool,
}

/// A loss with all that its sweep over the voxels found out.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The loss. Shape: `[1]`.
    pub loss: Tensor<1>,
    /// The loss of every term and class, and the soft Dice of each class.
    pub verdict: Arc<Verdict>,
    /// The sums behind it, which add up over batches; with a decision also the hard counts.
    pub moments: Moments,
}

impl SegmentationLoss {
    /// Of an objective, whose own [`Reduction`] holds. Reduction none sums the values up; see
    /// [`forward_no_reduction`](Self::forward_no_reduction).
    pub fn new(objective: Objective) -> Self {
        Self { objective: Arc::new(objective), ignore_index: None, batch_mean: false }
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

    /// The objective.
    pub fn objective(&self) -> &Objective {
        &self.objective
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
    /// outside its range.
    pub fn try_forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Tensor<1>> {
        self.evaluate(logits, targets).map(|evaluation| evaluation.loss)
    }

    /// The loss with all that its sweep over the voxels found out. Fails as
    /// [`try_forward`](Self::try_forward) does.
    pub fn evaluate<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Evaluation> {
        let samples = logits.dims().first().copied().unwrap_or_default();
        let (loss, verdict, moments) =
            self.run(logits, targets.into(), self.objective.clone(), Form::Number)?;
        let loss = match self.batch_mean && samples > 0 {
            true => loss / samples as f64,
            false => loss,
        };
        Ok(Evaluation { loss, verdict, moments })
    }

    /// The values before any reduction: `[batch_size, classes]` for overlap losses, or `[classes]`,
    /// `[batch_size]` or `[1]` if that is what pooling leaves; a map for voxel losses,
    /// `[batch_size, 1, spatial…]` where the classes of a voxel share a loss and
    /// `[batch_size, classes, spatial…]` where they do not.
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

    /// The values before any reduction. Also fails if the terms' values differ in shape, or have
    /// not `R` axes.
    pub fn try_forward_no_reduction<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Tensor<R>> {
        let objective = Arc::new((*self.objective).clone().reduction(Reduction::None));
        let (values, _, _) = self.run(logits, targets.into(), objective, Form::Unreduced)?;
        Ok(values)
    }

    fn run<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: Targets,
        objective: Arc<Objective>,
        form: Form,
    ) -> Result<(Tensor<R>, Arc<Verdict>, Moments)> {
        let targets = targets.or_ignore(self.ignore_index).stacked(&logits.dims())?;
        let logits = logits.into_dispatch();
        // Elsewhere by the kernels of `crate::kernels` where they take the batch, or by operations.
        let outcome = if sweeps::reach(&logits) {
            Dispatch::segmentation_loss(logits, targets, objective, form)
        } else {
            on_device::segmentation_loss(logits, targets, objective, form)
        };
        match outcome {
            Outcome::Evaluated(output, verdict, moments) if output.rank() == R => {
                Ok((Tensor::from_dispatch(output), verdict, moments))
            }
            Outcome::Evaluated(output, _, _) => Err(Error::Shape {
                what: "values without reduction",
                found: output.shape().to_vec(),
                wanted: format!("{R} axes, as asked for"),
            }),
            Outcome::Failed(error) => Err(error),
        }
    }
}

impl ModuleDisplay for SegmentationLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("objective", &self.objective)
            .add_debug_attribute("ignore_index", &self.ignore_index)
            .optional()
    }
}
