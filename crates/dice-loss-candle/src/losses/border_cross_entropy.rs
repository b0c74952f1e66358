// Written by `cargo xtask generate` from what `dice_loss::BorderCrossEntropy` declares; do not edit.

//! Border-weighted cross-entropy on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Activation, BorderCrossEntropy, Decision, Reduction};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`BorderCrossEntropyLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct BorderCrossEntropyLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// w₀, what is added to the weight where two components touch. A finite number of at least 0;
    /// `10.0` by default.
    pub w0: f64,
    /// σ, how far a border reaches, in the units of the spacing. A finite number above 0; `5.0` by
    /// default.
    pub sigma: f64,
    /// The distance from voxel to voxel along each spatial axis; 1 by default. A finite number
    /// above 0.
    pub spacing: Option<Vec<f64>>,
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

impl BorderCrossEntropyLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            w0: 10.0,
            sigma: 5.0,
            spacing: None,
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

/// Border-weighted cross-entropy loss: cross-entropy in which the borders between components that
/// nearly touch count more.
///
/// ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and m = 1 + w₀ exp(−(d₁ + d₂)² / 2σ²), d₁
/// and d₂ the distances to the nearest component of a class and the nearest other one, which the
/// target carries as the map `border`. The mean divides by Σ m w_y of the voxels that count.
///
/// Under softmax the map is the same for all classes, the largest weight of any class but the
/// background. Under sigmoid it is binary cross-entropy, each channel with the components of its
/// own. What touches in the label map is one component: of instances that do, hand in the map.
///
/// - **Activation**: softmax or sigmoid.
/// - **Range**: [0, ∞).
/// - **Paper**: Ronneberger et al. 2015 (U-Net), <https://arxiv.org/abs/1505.04597>.
///
/// Its options are a [`BorderCrossEntropyLossConfig`]; [`dice_loss::BorderCrossEntropy`] is its
/// formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{BorderCrossEntropyLoss, BorderCrossEntropyLossConfig, Targets, dice_loss::Activation};
///
/// let config = BorderCrossEntropyLossConfig {
///     background: false,
///     ..BorderCrossEntropyLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let map = Tensor::new(&[[[[1f32, 0.0]], [[0.0, 1.0]]]], &Device::Cpu)?;
/// let targets = Targets::labels(&labels).map("border", &map);
/// let loss = BorderCrossEntropyLoss::new(config).forward(&logits, targets)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BorderCrossEntropyLoss {
    config: BorderCrossEntropyLossConfig,
    loss: SegmentationLoss,
}

impl BorderCrossEntropyLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: BorderCrossEntropyLossConfig) -> Self {
        let objective = named::single(
            BorderCrossEntropy {
                w0: config.w0,
                sigma: config.sigma,
                spacing: config.spacing.clone(),
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
    pub fn config(&self) -> &BorderCrossEntropyLossConfig {
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

impl From<BorderCrossEntropyLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: BorderCrossEntropyLoss) -> Self {
        loss.loss
    }
}
