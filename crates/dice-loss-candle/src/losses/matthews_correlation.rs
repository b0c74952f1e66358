// Written by `cargo xtask generate` from what `dice_loss::MatthewsCorrelation` declares; do not edit.

//! Matthews correlation on Candle's tensors.

use candle_core::{Result, Tensor};
use dice_loss::{Absent, Activation, Decision, MatthewsCorrelation, Pool, Reduction};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`MatthewsCorrelationLoss`].
#[derive(Debug, Clone, PartialEq)]
pub struct MatthewsCorrelationLossConfig {
    /// What turns logits into probabilities: softmax, sigmoid or probabilities.
    pub activation: Activation,
    /// s, voxels added to the true positives and to the true negatives. A finite number of at least
    /// 0; `1e-5` by default.
    pub smoothing: f64,
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

impl MatthewsCorrelationLossConfig {
    /// The defaults under an activation, for `..` to fill in what is not set.
    pub fn new(activation: Activation) -> Self {
        Self {
            activation,
            smoothing: 1e-5,
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

/// Matthews correlation loss: one minus the correlation of prediction and reference, each class
/// against the rest.
///
/// L = 1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg)), with n voxels, to which s true positives
/// and s true negatives are added.
///
/// It rewards true negatives too: swapping a class and its background changes nothing.
///
/// - **Activation**: softmax, sigmoid or probabilities.
/// - **Range**: [0, 2] for probabilities; 1 without any correlation.
/// - **Paper**: Abhishek and Hamarneh 2020, <https://arxiv.org/abs/2010.13454>.
///
/// Its options are a [`MatthewsCorrelationLossConfig`]; [`dice_loss::MatthewsCorrelation`] is its
/// formula.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::{MatthewsCorrelationLoss, MatthewsCorrelationLossConfig, dice_loss::Activation};
///
/// let config = MatthewsCorrelationLossConfig {
///     background: false,
///     ..MatthewsCorrelationLossConfig::new(Activation::Softmax)
/// };
/// let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;
/// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
/// let loss = MatthewsCorrelationLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
/// assert!(loss.abs() < 1e-4);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MatthewsCorrelationLoss {
    config: MatthewsCorrelationLossConfig,
    loss: SegmentationLoss,
}

impl MatthewsCorrelationLoss {
    /// Of these options.
    ///
    /// Options that do not fit each other or the number of classes are reported when the loss is
    /// used.
    pub fn new(config: MatthewsCorrelationLossConfig) -> Self {
        let objective = named::single(
            MatthewsCorrelation { smoothing: config.smoothing }
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
    pub fn config(&self) -> &MatthewsCorrelationLossConfig {
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

impl From<MatthewsCorrelationLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: MatthewsCorrelationLoss) -> Self {
        loss.loss
    }
}
