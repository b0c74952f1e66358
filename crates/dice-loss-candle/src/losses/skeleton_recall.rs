// Written by `cargo xtask generate` from what `dice_loss::SkeletonRecall` declares; do not edit.

//! Skeleton recall on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Absent, Activation, Decision, Pool, Reduction, SkeletonRecall, Smoothing};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`SkeletonRecallLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct SkeletonRecallLossConfig {
    /// What turns logits into probabilities: softmax, sigmoid or probabilities.
    pub activation: Activation,
    /// How far the skeleton is dilated, in the units of the spacing. A finite number of at least 0;
    /// `2.0` by default.
    pub radius: f64,
    /// The distance from voxel to voxel along each spatial axis; 1 by default. A finite number
    /// above 0.
    pub spacing: Option<Vec<f64>>,
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

impl SkeletonRecallLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            radius: 2.0,
            spacing: None,
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

/// Skeleton recall loss: one minus the share of the reference's skeleton that is predicted.
///
/// L = 1 − (Σmp + s) / (Σm + s′), with m the dilated skeleton of each class, within the class,
/// which the target carries as the map `skeleton`.
///
/// False positives cost nothing: add it to an overlap loss.
///
/// - **Activation**: softmax, sigmoid or probabilities.
/// - **Range**: [0, 1].
/// - **Paper**: Kirchhoff et al. 2024, <https://arxiv.org/abs/2404.03010>.
///
/// Its options are a [`SkeletonRecallLossConfig`]; [`dice_loss::SkeletonRecall`] is its formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{SkeletonRecallLoss, SkeletonRecallLossConfig, Targets, dice_loss::Activation};
///
/// let config = SkeletonRecallLossConfig {
///     background: false,
///     ..SkeletonRecallLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let map = Tensor::new(&[[[[0.0, 1f32]], [[1.0, 0.0]]]], &Device::Cpu)?;
/// let targets = Targets::labels(&labels).map("skeleton", &map);
/// let loss = SkeletonRecallLoss::new(config).forward(&logits, targets)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SkeletonRecallLoss {
    config: SkeletonRecallLossConfig,
    loss: SegmentationLoss,
}

impl SkeletonRecallLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: SkeletonRecallLossConfig) -> Self {
        let objective = named::single(
            SkeletonRecall {
                radius: config.radius,
                spacing: config.spacing.clone(),
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
    pub fn config(&self) -> &SkeletonRecallLossConfig {
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

impl From<SkeletonRecallLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: SkeletonRecallLoss) -> Self {
        loss.loss
    }
}
