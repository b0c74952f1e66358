//! Any objective of the engine as a loss of Candle.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use dice_loss::{Moments, Objective, Verdict};

use crate::{Targets, on_device, sweeps};

/// Any [`Objective`] as a loss: a weighted sum of terms, each with its own activation and settings,
/// in two sweeps over the voxels however many terms there are.
///
/// On the CPU the engine reads the tensors where they lie and the backward pass writes the gradient
/// once; nothing of the logits' size is stored between them. On any other device the same loss
/// is computed from tensor operations, which Candle differentiates.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use dice_loss_candle::{SegmentationLoss, dice_loss::{CrossEntropy, Dice, Objective, Pool}};
///
/// let objective = Objective::new()
///     .term(1.0, Dice::default().softmax().background(false).pool(Pool::Batch))
///     .term(1.0, CrossEntropy::default().softmax());
/// let loss = SegmentationLoss::new(objective);
///
/// let logits = Var::ones((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
/// let labels = Tensor::ones((2, 8, 8), DType::U32, &Device::Cpu)?;
/// let gradients = loss.forward(&logits, &labels)?.backward()?;
/// assert!(gradients.get(&logits).is_some());
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SegmentationLoss {
    objective: Arc<Objective>,
    ignore_index: Option<i64>,
}

/// A loss with all that its sweep over the voxels found out.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The loss, as [`forward`](SegmentationLoss::forward) returns it.
    pub loss: Tensor,
    /// The loss of every term and class, and the soft Dice of each class.
    pub verdict: Arc<Verdict>,
    /// The sums behind it, which add up over batches; with a decision also the hard counts.
    pub moments: Moments,
}

impl SegmentationLoss {
    /// Of an objective, whose own [`Reduction`](dice_loss::Reduction) holds.
    pub fn new(objective: Objective) -> Self {
        Self { objective: Arc::new(objective), ignore_index: None }
    }

    /// Voxels with this label do not count, unless the [`Targets`] name another.
    pub fn with_ignore_index(mut self, ignore_index: Option<i64>) -> Self {
        self.ignore_index = ignore_index;
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
    /// - output: a scalar. With [`Reduction::None`](dice_loss::Reduction::None),
    ///   `[batch_size, classes]` for overlap losses, or `[classes]`, `[batch_size]` or a scalar if
    ///   that is what pooling leaves; a map for voxel losses, `[batch_size, 1, spatial…]` where the
    ///   classes of a voxel share a loss and `[batch_size, classes, spatial…]` where they do not.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, a label that names no class, an option outside its range: the
    /// engine's [error](dice_loss::Error), word for word.
    pub fn forward(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Tensor> {
        self.evaluate(logits, targets).map(|evaluation| evaluation.loss)
    }

    /// The loss with all that its sweep over the voxels found out. Fails as
    /// [`forward`](Self::forward) does.
    pub fn evaluate(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Evaluation> {
        let targets = targets.into().or_ignore(self.ignore_index).checked(logits)?;
        match logits.device() {
            Device::Cpu => sweeps::evaluate(logits, targets, self.objective.clone()),
            _ => on_device::evaluate(logits, targets, &self.objective),
        }
    }
}
