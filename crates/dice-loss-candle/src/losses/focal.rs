// Written by `cargo xtask generate` from what `dice_loss::Focal` declares; do not edit.

//! Focal on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Activation, ClassValues, Decision, Focal, Reduction, Selection};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`FocalLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct FocalLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// γ, the focusing exponent. A finite number of at least 0; `ClassValues::Same(2.0)` by
    /// default.
    pub gamma: ClassValues,
    /// α, the balance; none by default. 0 to 1.
    pub alpha: Option<ClassValues>,
    /// The share of the voxels that count, those with the largest losses, which the loss is the
    /// mean over; 1 for all. 0 to 1; `1.0` by default.
    pub top_k: f64,
    /// The probability of the truth below which a voxel is one that the loss is the mean over
    /// (OHEM); 1 for all. 0 to 1; `1.0` by default.
    pub threshold: f64,
    /// How many voxels of the batch `top_k` and `threshold` leave at least. `0` by default.
    pub min_kept: usize,
    /// Whether class 0 takes part, in a compound in its overlap; with one channel it always does.
    /// `true` by default.
    pub background: bool,
    /// Only these classes take part; all by default.
    pub classes: Option<Vec<usize>>,
    /// One for each class, at least 0; they normalise the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// The name of the map that weighs the voxels in every sum of the loss; a loss that wants a map
    /// has a name for it, any other has none.
    pub map: Option<String>,
    /// Voxels with this label do not count, unless the targets name another.
    pub ignore_index: Option<i64>,
    /// How the values become the loss. `Mean` by default.
    pub reduction: Reduction,
    /// Also counts the true and false positives and negatives of this hard decision, for metrics.
    pub decision: Option<Decision>,
}

impl FocalLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            gamma: ClassValues::Same(2.0),
            alpha: None,
            top_k: 1.0,
            threshold: 1.0,
            min_kept: 0,
            background: true,
            classes: None,
            class_weights: None,
            map: None,
            ignore_index: None,
            reduction: Reduction::Mean,
            decision: None,
        }
    }
}

/// Focal loss: cross-entropy that looks away from the voxels it already gets right.
///
/// Softmax: ℓ(voxel) = −Σ_k α_k g_k (1 − p_k)^γ ln p_k. Sigmoid, each class by itself: ℓ(voxel,
/// class) = −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p). Without α both sides count fully.
/// The mean is over the voxels that count.
///
/// α balances but does not normalise; class weights do both.
///
/// - **Activation**: softmax or sigmoid.
/// - **Range**: [0, ∞).
/// - **Paper**: Lin et al. 2017, <https://arxiv.org/abs/1708.02002>.
///
/// Its options are a [`FocalLossConfig`]; [`dice_loss::Focal`] is its formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{FocalLoss, FocalLossConfig, dice_loss::Activation};
///
/// let config = FocalLossConfig {
///     background: false,
///     ..FocalLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let loss = FocalLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FocalLoss {
    config: FocalLossConfig,
    loss: SegmentationLoss,
}

impl FocalLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: FocalLossConfig) -> Self {
        let objective = named::single(
            Focal {
                gamma: config.gamma.clone(),
                alpha: config.alpha.clone(),
                selection: Selection {
                    top_k: config.top_k,
                    threshold: config.threshold,
                    min_kept: config.min_kept,
                },
            }
            .with(config.activation)
            .background(config.background),
            &config.classes,
            &config.class_weights,
            &config.map,
        );
        let loss =
            named::reduced(objective, config.ignore_index, config.reduction, config.decision);
        Self { config, loss }
    }

    /// The options.
    pub fn config(&self) -> &FocalLossConfig {
        &self.config
    }

    /// The loss, in f32 or, for logits in f64, in f64.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch_size, classes, spatial…]`
    /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a dense target
    ///   like the logits; see [`Targets`]
    /// - output: a scalar; without reduction what
    ///   [`SegmentationLoss::forward`](SegmentationLoss::forward) lists
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, a label that names no class, an option outside its range.
    pub fn forward(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Tensor> {
        self.loss.forward(logits, targets)
    }

    /// The loss with all that its sweep over the voxels found out: each class's loss and, with a
    /// decision, the counts that metrics need. Fails as [`forward`](Self::forward) does.
    pub fn evaluate(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Evaluation> {
        self.loss.evaluate(logits, targets)
    }
}

impl From<FocalLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: FocalLoss) -> Self {
        loss.loss
    }
}
