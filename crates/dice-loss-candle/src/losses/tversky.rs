// Written by `cargo xtask generate` from what `dice_loss::Tversky` declares; do not edit.

//! Tversky on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Absent, Activation, Decision, Overlap, Pool, Reduction, Smoothing, Tversky};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`TverskyLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct TverskyLossConfig {
    /// What turns logits into probabilities: softmax, sigmoid or probabilities.
    pub activation: Activation,
    /// Sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap. `false` by default.
    pub squared: bool,
    /// α, the weight of false positives. A finite number of at least 0; `0.3` by default.
    pub alpha: f64,
    /// β, the weight of false negatives. A finite number of at least 0; `0.7` by default.
    pub beta: f64,
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

impl TverskyLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            squared: false,
            alpha: 0.3,
            beta: 0.7,
            overlap: Overlap::Product,
            smoothing: Smoothing::both(1e-5),
            pool: Pool::Sample,
            absent: Absent::Skip,
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

/// Tversky loss: Dice with a price each for false positives and false negatives.
///
/// L = 1 − (I + s) / (I + α FP + β FN + s′), with the soft intersection I = Σpg, FP = Σp − I and
/// FN = Σg − I; with `squared`, Σp² and Σg² stand for Σp and Σg, I is Σpg whatever the overlap, and
/// α is at most β: where a voxel is half found, Σp² − I is negative, and a larger α would reward
/// that.
///
/// The defaults favour recall. α = β = ½ is Dice (with 2s for s), α = β = 1 is IoU.
///
/// - **Activation**: softmax, sigmoid or probabilities.
/// - **Range**: [0, 1] for hard labels and s ≤ s′.
/// - **Papers**: Salehi, Erdogmus and Gholipour 2017, <https://arxiv.org/abs/1706.05721>; Wang and
///   Blaschko 2023 (`L1`), <https://arxiv.org/abs/2302.05666>; Duque-Arias et al. 2021 (squared),
///   <https://hal.science/hal-03139997>.
///
/// Its options are a [`TverskyLossConfig`]; [`dice_loss::Tversky`] is its formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{TverskyLoss, TverskyLossConfig, dice_loss::Activation};
///
/// let config = TverskyLossConfig {
///     background: false,
///     ..TverskyLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let loss = TverskyLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TverskyLoss {
    config: TverskyLossConfig,
    loss: SegmentationLoss,
}

impl TverskyLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: TverskyLossConfig) -> Self {
        let objective = named::single(
            Tversky {
                squared: config.squared,
                alpha: config.alpha,
                beta: config.beta,
                overlap: config.overlap,
                smoothing: config.smoothing,
            }
            .with(config.activation)
            .pool(config.pool)
            .absent(config.absent)
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
    pub fn config(&self) -> &TverskyLossConfig {
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

impl From<TverskyLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: TverskyLoss) -> Self {
        loss.loss
    }
}
