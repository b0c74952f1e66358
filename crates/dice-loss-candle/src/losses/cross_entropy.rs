// Written by `cargo xtask generate` from what `dice_loss::CrossEntropy` declares; do not edit.

//! Cross-entropy on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Activation, CrossEntropy, Decision, Reduction, Selection};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`CrossEntropyLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct CrossEntropyLossConfig {
    /// What turns logits into probabilities: softmax or probabilities.
    pub activation: Activation,
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

impl CrossEntropyLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            label_smoothing: 0.0,
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

/// Cross-entropy loss: the log loss over exclusive classes.
///
/// ℓ(voxel) = −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C), with class weights w and C classes.
/// The mean divides by Σ_k w_k g_k of the voxels that count, so it does not depend on how many are
/// ignored.
///
/// Where classes are not annotated, p and g of the background hold theirs too (Shi et al. 2021,
/// <https://arxiv.org/abs/2007.03868>).
///
/// - **Activation**: softmax or probabilities.
/// - **Range**: [0, ∞).
/// - **Paper**: Szegedy et al. 2016 (label smoothing), <https://arxiv.org/abs/1512.00567>.
///
/// Its options are a [`CrossEntropyLossConfig`]; [`dice_loss::CrossEntropy`] is its formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{CrossEntropyLoss, CrossEntropyLossConfig, dice_loss::Activation};
///
/// let config = CrossEntropyLossConfig {
///     background: false,
///     ..CrossEntropyLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let loss = CrossEntropyLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CrossEntropyLoss {
    config: CrossEntropyLossConfig,
    loss: SegmentationLoss,
}

impl CrossEntropyLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: CrossEntropyLossConfig) -> Self {
        let objective = named::single(
            CrossEntropy {
                label_smoothing: config.label_smoothing,
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
    pub fn config(&self) -> &CrossEntropyLossConfig {
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

impl From<CrossEntropyLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: CrossEntropyLoss) -> Self {
        loss.loss
    }
}
