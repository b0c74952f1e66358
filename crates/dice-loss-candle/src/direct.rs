//! Losses beside the objective, as losses of Candle.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use crate::{Targets, sweeps};

/// Any [`dice_loss::DirectLoss`] as a loss: one that is no function of sums, and comes with its gradient.
///
/// On the CPU the engine reads the tensors where they lie. Where the logits are tracked it writes the
/// gradient with the loss, for an upstream gradient of 1, so that everything is done once; of half types,
/// which round once, and of unreduced values it is done again for the gradient. From any other device
/// logits and targets are read back, and loss and gradient are brought there: the same numbers.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use dice_loss_candle::{DirectLoss, dice_loss::{Lovasz, Pool}};
///
/// let loss = DirectLoss::new(Lovasz::softmax().pool(Pool::Batch));
/// let logits = Var::ones((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
/// let labels = Tensor::ones((2, 8, 8), DType::U32, &Device::Cpu)?;
/// let gradients = loss.forward(&logits, &labels)?.backward()?;
/// assert!(gradients.get(&logits).is_some());
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DirectLoss {
    loss: Arc<dice_loss::DirectLoss>,
    ignore_index: Option<i64>,
}

impl DirectLoss {
    /// Of a loss of the engine, whose own [`Reduction`](dice_loss::Reduction) holds.
    pub fn new(loss: impl Into<dice_loss::DirectLoss>) -> Self {
        Self { loss: Arc::new(loss.into()), ignore_index: None }
    }

    /// Voxels with this label do not count, unless the [`Targets`] name another.
    pub fn with_ignore_index(mut self, ignore_index: Option<i64>) -> Self {
        self.ignore_index = ignore_index;
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
    /// - output: a scalar; without reduction `[batch_size, classes]`, or `[classes]` of the batch
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, a label that names no class, an option outside its range; weights of
    /// voxels and maps, where the loss has none: the engine's [error](dice_loss::Error), word for word.
    pub fn forward(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Tensor> {
        let targets = targets.into().or_ignore(self.ignore_index).checked(logits)?;
        match logits.device() {
            Device::Cpu => sweeps::direct(logits, targets, self.loss.clone()),
            device => on_host(logits, targets, self.loss.clone())?.to_device(device),
        }
    }
}

/// With everything brought to the CPU, which Candle differentiates.
pub(crate) fn on_host(
    logits: &Tensor,
    targets: Targets,
    loss: Arc<dice_loss::DirectLoss>,
) -> Result<Tensor> {
    let targets = targets.each(|tensor| tensor.to_device(&Device::Cpu))?;
    sweeps::direct(&logits.to_device(&Device::Cpu)?, targets, loss)
}
