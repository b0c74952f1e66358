//! The Lovász losses on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Absent, Activation, Lovasz, Pool, Reduction};
use dice_loss_tensor::named::lovasz;

use crate::{DirectLoss, Targets};

/// The options of [`LovaszHingeLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct LovaszHingeLossConfig {
    /// What is ranked together: `Sample`, the voxels of each sample; `Batch`, those of the batch. `Sample`
    /// by default.
    pub pool: Pool,
    /// What a class counts that the reference lacks: `Formula`, the largest of its errors; `Skip`, nothing; `Zero`, a loss of 0 that
    /// stays in the mean. `Formula` by default.
    pub absent: Absent,
    /// Whether class 0 takes part; with one channel it always does. `true` by default.
    pub background: bool,
    /// Only these classes take part; all by default.
    pub classes: Option<Vec<usize>>,
    /// One for each class, at least 0; they normalise the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// Voxels with this label are not ranked, unless the targets name another.
    pub ignore_index: Option<i64>,
    /// How the values become the loss. `Mean` by default.
    pub reduction: Reduction,
}

impl LovaszHingeLossConfig {
    /// The defaults, for `..` to fill in what is not set.
    pub fn new() -> Self {
        Self {
            pool: Pool::Sample,
            absent: Absent::Formula,
            background: true,
            classes: None,
            class_weights: None,
            ignore_index: None,
            reduction: Reduction::Mean,
        }
    }
}

impl Default for LovaszHingeLossConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Lovász hinge: the Lovász extension of the Jaccard loss, of hinge errors of the logits.
///
/// L = Σ_i e_i (J_i − J_{i−1}) over the errors e of a class in descending order, with J_i the Jaccard loss
/// of a prediction that is wrong in the first i voxels alone, and e = max(0, 1 − x) of a voxel inside the
/// class, max(0, 1 + x) of one outside. Each channel by itself: binary, and multilabel.
///
/// - **Range**: 0 or more; 0 beyond the margins.
/// - **Paper**: Berman, Rannen Triki and Blaschko 2018, <https://arxiv.org/abs/1705.08790>.
///
/// Its options are a [`LovaszHingeLossConfig`]; [`dice_loss::Lovasz`] is the engine's. It ranks the voxels, which
/// have no weights in it.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{LovaszHingeLoss, LovaszHingeLossConfig, dice_loss::Pool};
///
/// let config = LovaszHingeLossConfig { pool: Pool::Batch, ..LovaszHingeLossConfig::new() };
/// // Errors: 1.5 outside, 0.75 inside, 0.5 outside, and none. With G = 2: J = 1/3, 2/3, 3/4.
/// let logits = Tensor::new(&[[[0.5f32, 0.25, -0.5, 3.0]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[0u8, 1, 0, 1]], &Device::Cpu)?;
/// let loss = LovaszHingeLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!((loss - (0.5 + 0.25 + 0.5 / 12.0)).abs() < 1e-6);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LovaszHingeLoss {
    config: LovaszHingeLossConfig,
    loss: DirectLoss,
}

impl LovaszHingeLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: LovaszHingeLossConfig) -> Self {
        let lovasz = lovasz(
            Lovasz::hinge(),
            config.pool,
            config.absent,
            config.background,
            &config.classes,
            &config.class_weights,
        );
        let loss = DirectLoss::new(lovasz.reduction(config.reduction))
            .with_ignore_index(config.ignore_index);
        Self { config, loss }
    }

    /// The options.
    pub fn config(&self) -> &LovaszHingeLossConfig {
        &self.config
    }

    /// The loss, in f32 or, for logits in f64, in f64.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch_size, classes, spatial…]`
    /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a dense target
    ///   of 0 and 1 like the logits; see [`Targets`]
    /// - output: a scalar; without reduction `[batch_size, classes]`, or `[classes]` of the batch
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, a label that names no class, a dense target between 0 and 1, weights of
    /// voxels or a map, an option outside its range.
    pub fn forward(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Tensor> {
        self.loss.forward(logits, targets)
    }
}

impl From<LovaszHingeLoss> for DirectLoss {
    /// The same loss, without its name.
    fn from(loss: LovaszHingeLoss) -> Self {
        loss.loss
    }
}

/// The options of [`LovaszSoftmaxLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct LovaszSoftmaxLossConfig {
    /// What turns logits into probabilities: softmax or probabilities.
    pub activation: Activation,
    /// What is ranked together: `Sample`, the voxels of each sample; `Batch`, those of the batch. `Sample`
    /// by default.
    pub pool: Pool,
    /// What a class counts that the reference lacks: `Skip`, nothing (the paper's "classes present");
    /// `Formula`, the largest of its errors ("all"); `Zero`, a loss of 0 that stays in the mean. `Skip` by
    /// default.
    pub absent: Absent,
    /// Whether class 0 takes part; with one channel it always does. `true` by default.
    pub background: bool,
    /// Only these classes take part; all by default.
    pub classes: Option<Vec<usize>>,
    /// One for each class, at least 0; they normalise the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// Voxels with this label are not ranked, unless the targets name another.
    pub ignore_index: Option<i64>,
    /// How the values become the loss. `Mean` by default.
    pub reduction: Reduction,
}

impl LovaszSoftmaxLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            pool: Pool::Sample,
            absent: Absent::Skip,
            background: true,
            classes: None,
            class_weights: None,
            ignore_index: None,
            reduction: Reduction::Mean,
        }
    }
}

/// Lovász-softmax: the Lovász extension of the Jaccard loss, of errors of probabilities.
///
/// L = Σ_i e_i (J_i − J_{i−1}) over the errors e = |g − p| of a class in descending order, with J_i the
/// Jaccard loss of a prediction that is wrong in the first i voxels alone; a mean over classes.
///
/// - **Activation**: softmax or probabilities.
/// - **Range**: [0, 1]; of hard predictions the Jaccard loss itself.
/// - **Paper**: Berman, Rannen Triki and Blaschko 2018, <https://arxiv.org/abs/1705.08790>.
///
/// Its options are a [`LovaszSoftmaxLossConfig`]; [`dice_loss::Lovasz`] is the engine's. It ranks the voxels, which
/// have no weights in it.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use dice_loss_candle::{LovaszSoftmaxLoss, LovaszSoftmaxLossConfig, dice_loss::{Activation, Pool}};
///
/// let config = LovaszSoftmaxLossConfig { pool: Pool::Batch, ..LovaszSoftmaxLossConfig::new(Activation::Softmax) };
/// // Class 1 alone is there, and each of its voxels has an error of 1/2.
/// let logits = Tensor::zeros((2, 2, 4, 4), DType::F32, &Device::Cpu)?;
/// let labels = Tensor::ones((2, 4, 4), DType::U8, &Device::Cpu)?;
/// let loss = LovaszSoftmaxLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!((loss - 0.5).abs() < 1e-6);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LovaszSoftmaxLoss {
    config: LovaszSoftmaxLossConfig,
    loss: DirectLoss,
}

impl LovaszSoftmaxLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: LovaszSoftmaxLossConfig) -> Self {
        let lovasz = lovasz(
            Lovasz::under(config.activation),
            config.pool,
            config.absent,
            config.background,
            &config.classes,
            &config.class_weights,
        );
        let loss = DirectLoss::new(lovasz.reduction(config.reduction))
            .with_ignore_index(config.ignore_index);
        Self { config, loss }
    }

    /// The options.
    pub fn config(&self) -> &LovaszSoftmaxLossConfig {
        &self.config
    }

    /// The loss, in f32 or, for logits in f64, in f64.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch_size, classes, spatial…]`
    /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a dense target
    ///   of 0 and 1 like the logits; see [`Targets`]
    /// - output: a scalar; without reduction `[batch_size, classes]`, or `[classes]` of the batch
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, a label that names no class, a dense target between 0 and 1, weights of
    /// voxels or a map, an option outside its range.
    pub fn forward(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Tensor> {
        self.loss.forward(logits, targets)
    }
}

impl From<LovaszSoftmaxLoss> for DirectLoss {
    /// The same loss, without its name.
    fn from(loss: LovaszSoftmaxLoss) -> Self {
        loss.loss
    }
}
