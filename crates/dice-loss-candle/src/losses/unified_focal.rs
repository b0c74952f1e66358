// Written by `cargo xtask generate` from what `dice_loss::UnifiedFocal` declares; do not edit.

//! Unified focal on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Absent, Activation, Decision, Pool, Reduction, Smoothing, UnifiedFocal};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`UnifiedFocalLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct UnifiedFocalLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// The asymmetric form. `false` by default.
    pub asymmetric: bool,
    /// λ, the share of F. 0 to 1; `0.5` by default.
    pub lambda: f64,
    /// δ, the weight of the foreground and of false negatives. 0 to 1; `0.6` by default.
    pub delta: f64,
    /// γ, the focus: 0 is none in F and full in T. 0 to 1, 1 not included; `0.5` by default.
    pub gamma: f64,
    /// s and s′, added to numerator and denominator: one number for both, or a pair. A finite
    /// number of at least 0; `Smoothing::both(1e-5)` by default.
    pub smoothing: Smoothing,
    /// What the overlap is computed over: `Sample`, each class of each sample; `Batch`, each class
    /// over the batch; `All`, everything at once; `Cell` and `Blob`, each instance of each class of
    /// each sample, with the voxels nearest to it or with the background. `Sample` by default.
    pub pool: Pool,
    /// What a class counts that the reference lacks: `Skip`, nothing; `Formula`, what the formula
    /// says; `Zero`, a loss of 0 that stays in the mean. `Skip` by default.
    pub absent: Absent,
    /// Whether class 0 takes part, in a compound in its overlap; with one channel it always does.
    /// `true` by default.
    pub background: bool,
    /// One for each class, at least 0; they normalise the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// Voxels with this label do not count, unless the targets name another.
    pub ignore_index: Option<i64>,
    /// How the values become the loss. `Mean` by default.
    pub reduction: Reduction,
    /// Also counts the true and false positives and negatives of this hard decision, for metrics.
    pub decision: Option<Decision>,
}

impl UnifiedFocalLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            asymmetric: false,
            lambda: 0.5,
            delta: 0.6,
            gamma: 0.5,
            smoothing: Smoothing::both(1e-5),
            pool: Pool::Sample,
            absent: Absent::Skip,
            background: true,
            class_weights: None,
            ignore_index: None,
            reduction: Reduction::Mean,
            decision: None,
        }
    }
}

/// Unified focal loss: focal and focal Tversky with one balance and one focus between them.
///
/// L = λ F + (1 − λ) T. F is the focal loss with α = δ for foreground classes, 1 − δ for the
/// background and the exponent γ; T is the focal Tversky loss with the exponent 1 − γ, where false
/// negatives weigh δ and false positives 1 − δ.
///
/// The asymmetric form focuses only where it helps: foreground voxels keep their full
/// cross-entropy, the background its full Tversky loss, and T is half the background's, half the
/// foreground's. Under sigmoid every channel is a foreground class.
///
/// - **Activation**: softmax or sigmoid.
/// - **Range**: [0, ∞).
/// - **Paper**: Yeung et al. 2022, <https://arxiv.org/abs/2102.04525>.
///
/// Its options are a [`UnifiedFocalLossConfig`]; [`dice_loss::UnifiedFocal`] is its formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{UnifiedFocalLoss, UnifiedFocalLossConfig, dice_loss::Activation};
///
/// let config = UnifiedFocalLossConfig {
///     background: false,
///     ..UnifiedFocalLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let loss = UnifiedFocalLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct UnifiedFocalLoss {
    config: UnifiedFocalLossConfig,
    loss: SegmentationLoss,
}

impl UnifiedFocalLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: UnifiedFocalLossConfig) -> Self {
        let objective = named::compound(
            UnifiedFocal {
                asymmetric: config.asymmetric,
                lambda: config.lambda,
                delta: config.delta,
                gamma: config.gamma,
                smoothing: config.smoothing,
            }
            .objective(config.activation)
            .pool(config.pool)
            .absent(config.absent)
            .background(config.background),
            &config.class_weights,
        );
        let loss =
            named::reduced(objective, config.ignore_index, config.reduction, config.decision);
        Self { config, loss }
    }

    /// The options.
    pub fn config(&self) -> &UnifiedFocalLossConfig {
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

impl From<UnifiedFocalLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: UnifiedFocalLoss) -> Self {
        loss.loss
    }
}
