// Written by `cargo xtask generate` from what `dice_loss::InstanceCrossEntropy` declares; do not edit.

//! Cross-entropy by instances on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Activation, Decision, Division, InstanceCrossEntropy, Reduction};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`InstanceCrossEntropyLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceCrossEntropyLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// Which voxels are those of an instance: `Cells`, those nearest to it; `Blobs`, its own and
    /// the background. `Cells` by default.
    pub division: Division,
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

impl InstanceCrossEntropyLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            division: Division::Cells,
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

/// Cross-entropy by instances loss: cross-entropy in which every instance counts the same, be it
/// large or small.
///
/// ℓ(voxel) = −m Σ_k w_k g_k ln p_k, with class weights w and the map `instance_weights` that the
/// target carries. With K instances of a class, m is 1 / (K |R|) in the voxels R of each: its cell,
/// or itself and the background, whose voxels have a share in all K. So the loss of a class is the
/// mean over its instances of the mean over the voxels of each. A class without instances is one,
/// of all voxels. The mean divides by Σ m w_y of the voxels that count.
///
/// Under softmax the map is the same for all classes, the mean over the classes but the background
/// that have instances. Under sigmoid it is binary cross-entropy, each channel with the instances
/// of its own.
///
/// - **Activation**: softmax or sigmoid.
/// - **Range**: [0, ∞).
/// - **Papers**: Bouteille et al. 2025, <https://arxiv.org/abs/2511.17146>; Kofler et al. 2022,
///   <https://arxiv.org/abs/2205.08209>.
///
/// Its options are a [`InstanceCrossEntropyLossConfig`]; [`dice_loss::InstanceCrossEntropy`] is its
/// formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{InstanceCrossEntropyLoss, InstanceCrossEntropyLossConfig, Targets, dice_loss::Activation};
///
/// let config = InstanceCrossEntropyLossConfig {
///     background: false,
///     ..InstanceCrossEntropyLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let map = Tensor::new(&[[[[1f32, 0.0]], [[0.0, 1.0]]]], &Device::Cpu)?;
/// let targets = Targets::labels(&labels).map("instance_weights", &map);
/// let loss = InstanceCrossEntropyLoss::new(config).forward(&logits, targets)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct InstanceCrossEntropyLoss {
    config: InstanceCrossEntropyLossConfig,
    loss: SegmentationLoss,
}

impl InstanceCrossEntropyLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: InstanceCrossEntropyLossConfig) -> Self {
        let objective = named::single(
            InstanceCrossEntropy { division: config.division, spacing: config.spacing.clone() }
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
    pub fn config(&self) -> &InstanceCrossEntropyLossConfig {
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

impl From<InstanceCrossEntropyLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: InstanceCrossEntropyLoss) -> Self {
        loss.loss
    }
}
