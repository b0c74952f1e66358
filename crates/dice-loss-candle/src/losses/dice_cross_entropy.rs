// Written by `cargo xtask generate` from what `dice_loss::DiceCrossEntropy` declares; do not edit.

//! Dice + CE on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{
    Absent, Activation, CrossEntropy, Decision, Dice, DiceCrossEntropy, Overlap, Pool, Reduction,
    Selection, Smoothing,
};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`DiceCrossEntropyLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct DiceCrossEntropyLossConfig {
    /// What turns logits into probabilities: softmax or probabilities.
    pub activation: Activation,
    /// Sizes as sums of squares, Σp² + Σg², as in V-Net. `false` by default.
    pub squared: bool,
    /// How the intersection I is counted: `Product`, Σpg; or `L1`, (Σ|p| + Σg − Σ|p − g|) / 2, the
    /// same for hard labels and largest at p = g for soft ones. `Product` by default.
    pub overlap: Overlap,
    /// s and s′, added to numerator and denominator: one number for both, or a pair. A finite
    /// number of at least 0; `Smoothing::both(1e-5)` by default.
    pub smoothing: Smoothing,
    /// ε, the share of the target that is spread evenly over the classes. 0 to 1; `0.0` by default.
    pub label_smoothing: f64,
    /// The share of the voxels that count, those with the largest losses, which the loss is the
    /// mean over; 1 for all. 0 to 1; `1.0` by default.
    pub top_k: f64,
    /// The probability of the truth below which a voxel is one that the loss is the mean over
    /// (OHEM); 1 for all. 0 to 1; `1.0` by default.
    pub threshold: f64,
    /// How many voxels of the batch `top_k` and `threshold` leave at least. `0` by default.
    pub min_kept: usize,
    /// λ_D, the weight of Dice. `1.0` by default.
    pub dice_weight: f64,
    /// λ_CE, the weight of cross-entropy. `1.0` by default.
    pub cross_entropy_weight: f64,
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

impl DiceCrossEntropyLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            squared: false,
            overlap: Overlap::Product,
            smoothing: Smoothing::both(1e-5),
            label_smoothing: 0.0,
            top_k: 1.0,
            threshold: 1.0,
            min_kept: 0,
            dice_weight: 1.0,
            cross_entropy_weight: 1.0,
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

/// Dice + CE loss: Dice plus cross-entropy over exclusive classes, the usual choice for multi-class
/// segmentation.
///
/// L = λ_D Dice + λ_CE CE. Cross-entropy keeps the background that Dice may leave out.
///
/// - **Activation**: softmax or probabilities.
/// - **Range**: [0, ∞).
/// - **Paper**: Isensee et al. 2021 (nnU-Net), <https://arxiv.org/abs/1809.10486>.
///
/// Its options are a [`DiceCrossEntropyLossConfig`]; [`dice_loss::DiceCrossEntropy`] is its
/// formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{DiceCrossEntropyLoss, DiceCrossEntropyLossConfig, dice_loss::Activation};
///
/// let config = DiceCrossEntropyLossConfig {
///     background: false,
///     ..DiceCrossEntropyLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let loss = DiceCrossEntropyLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DiceCrossEntropyLoss {
    config: DiceCrossEntropyLossConfig,
    loss: SegmentationLoss,
}

impl DiceCrossEntropyLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: DiceCrossEntropyLossConfig) -> Self {
        let objective = named::compound(
            DiceCrossEntropy {
                dice: Dice {
                    squared: config.squared,
                    overlap: config.overlap,
                    smoothing: config.smoothing,
                },
                cross_entropy: CrossEntropy {
                    label_smoothing: config.label_smoothing,
                    selection: Selection {
                        top_k: config.top_k,
                        threshold: config.threshold,
                        min_kept: config.min_kept,
                    },
                },
                dice_weight: config.dice_weight,
                cross_entropy_weight: config.cross_entropy_weight,
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
    pub fn config(&self) -> &DiceCrossEntropyLossConfig {
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

impl From<DiceCrossEntropyLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: DiceCrossEntropyLoss) -> Self {
        loss.loss
    }
}
