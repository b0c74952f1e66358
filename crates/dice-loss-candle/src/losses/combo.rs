// Written by `cargo xtask generate` from what `dice_loss::Combo` declares; do not edit.

//! Combo on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Absent, Activation, Combo, Decision, Dice, Overlap, Pool, Reduction, Smoothing};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`ComboLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct ComboLossConfig {
    /// What turns logits into probabilities: sigmoid or probabilities.
    pub activation: Activation,
    /// α, the share of cross-entropy. 0 to 1; `0.5` by default.
    pub alpha: f64,
    /// β, the share of the voxels of a class in its cross-entropy. A number between 0 and 1,
    /// neither included; `0.5` by default.
    pub beta: f64,
    /// Sizes as sums of squares, Σp² + Σg², as in V-Net. `false` by default.
    pub squared: bool,
    /// How the intersection I is counted: `Product`, Σpg; or `L1`, (Σ|p| + Σg − Σ|p − g|) / 2, the
    /// same for hard labels and largest at p = g for soft ones. `Product` by default.
    pub overlap: Overlap,
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

impl ComboLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            alpha: 0.5,
            beta: 0.5,
            squared: false,
            overlap: Overlap::Product,
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

/// Combo loss: binary cross-entropy with a price each for false negatives and false positives,
/// mixed with Dice.
///
/// L = α B + (1 − α) Dice, with B the mean over voxels and classes of −β g ln p − (1 − β)(1 − g)
/// ln(1 − p).
///
/// β > ½ punishes false negatives more, β < ½ false positives. (The paper subtracts the Dice
/// coefficient; the gradient is the same.)
///
/// - **Activation**: sigmoid or probabilities.
/// - **Range**: [0, ∞).
/// - **Paper**: Taghanaki et al. 2019, <https://arxiv.org/abs/1805.02798>.
///
/// Its options are a [`ComboLossConfig`]; [`dice_loss::Combo`] is its formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{ComboLoss, ComboLossConfig, dice_loss::Activation};
///
/// let config = ComboLossConfig {
///     background: false,
///     ..ComboLossConfig::new(Activation::Sigmoid)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let loss = ComboLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ComboLoss {
    config: ComboLossConfig,
    loss: SegmentationLoss,
}

impl ComboLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: ComboLossConfig) -> Self {
        let objective = named::compound(
            Combo {
                alpha: config.alpha,
                beta: config.beta,
                dice: Dice {
                    squared: config.squared,
                    overlap: config.overlap,
                    smoothing: config.smoothing,
                },
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
    pub fn config(&self) -> &ComboLossConfig {
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

impl From<ComboLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: ComboLoss) -> Self {
        loss.loss
    }
}
