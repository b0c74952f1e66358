// Written by `cargo xtask generate` from what `dice_loss::LogDice` declares; do not edit.

//! Log-Dice as a module of Burn.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    nn::loss::Reduction,
    tensor::Tensor,
};
use dice_loss::{Absent, Activation, Decision, Dice, LogDice, Overlap, Pool, Result, Smoothing};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`LogDiceLoss`].
#[derive(Config, Debug)]
pub struct LogDiceLossConfig {
    /// What turns logits into probabilities: softmax, sigmoid or probabilities.
    pub activation: Activation,
    /// Sizes as sums of squares, Σp² + Σg², as in V-Net. `false` by default.
    #[config(default = false)]
    pub squared: bool,
    /// How the intersection I is counted: `Product`, Σpg; or `L1`, (Σ|p| + Σg − Σ|p − g|) / 2, the
    /// same for hard labels and largest at p = g for soft ones. `Product` by default.
    #[config(default = "Overlap::Product")]
    pub overlap: Overlap,
    /// s and s′, added to numerator and denominator: one number for both, or a pair. A finite
    /// number of at least 0; `Smoothing::both(1e-5)` by default.
    #[config(default = "Smoothing::both(1e-5)")]
    pub smoothing: Smoothing,
    /// γ, the exponent. A finite number above 0; `1.0` by default.
    #[config(default = 1.0)]
    pub gamma: f64,
    /// What the overlap is computed over: `Sample`, each class of each sample; `Batch`, each class
    /// over the batch; `All`, everything at once; `Cell` and `Blob`, each instance of each class of
    /// each sample, with the voxels nearest to it or with the background. `Sample` by default.
    #[config(default = "Pool::Sample")]
    pub pool: Pool,
    /// What a class counts that the reference lacks: `Skip`, nothing; `Formula`, what the formula
    /// says; `Zero`, a loss of 0 that stays in the mean. `Skip` by default.
    #[config(default = "Absent::Skip")]
    pub absent: Absent,
    /// Whether class 0 takes part, in a compound in its overlap; with one channel it always does.
    /// `true` by default.
    #[config(default = true)]
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
    /// How the values become the loss. `Auto` is the mean; `BatchMean` is the sum divided by the
    /// number of samples. `Mean` by default.
    #[config(default = "Reduction::Mean")]
    pub reduction: Reduction,
    /// Also counts the true and false positives and negatives of this hard decision, for metrics.
    pub decision: Option<Decision>,
}

impl LogDiceLossConfig {
    /// Makes the loss.
    ///
    /// Options that do not fit each other or the number of classes are reported when it is used.
    pub fn init(&self) -> LogDiceLoss {
        let objective = named::single(
            LogDice {
                dice: Dice {
                    squared: self.squared,
                    overlap: self.overlap,
                    smoothing: self.smoothing,
                },
                gamma: self.gamma,
            }
            .with(self.activation)
            .pool(self.pool)
            .absent(self.absent)
            .background(self.background),
            &self.classes,
            &self.class_weights,
            &self.map,
        );
        let loss = named::reduced(objective, self.ignore_index, &self.reduction, self.decision);
        LogDiceLoss { config: self.clone(), loss }
    }
}

/// Log-Dice loss: a power of minus the logarithm of the Dice coefficient.
///
/// L = (−ln D)^γ, with the smoothed Dice coefficient D.
///
/// The paper takes γ = 0.3. Smoothing of the numerator bounds it: without, it is infinite where
/// nothing overlaps.
///
/// - **Activation**: softmax, sigmoid or probabilities.
/// - **Range**: [0, ∞) for hard labels and s ≤ s′.
/// - **Paper**: Wong et al. 2018, <https://arxiv.org/abs/1809.00076>.
///
/// Created by [`LogDiceLossConfig`]; [`dice_loss::LogDice`] is its formula.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{LogDiceLossConfig, dice_loss::Activation};
///
/// let config = LogDiceLossConfig::new(Activation::Softmax);
/// let loss = config.with_background(false).init();
///
/// let device = Device::flex();
/// let logits = Tensor::<4>::from_data([[[[-20.0, 20.0]], [[20.0, -20.0]]]], &device);
/// let labels = Tensor::<3, Int>::from_data([[[1, 0]]], &device);
/// assert!(loss.forward(logits, labels).into_scalar::<f32>().abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct LogDiceLoss {
    #[module(skip)]
    config: LogDiceLossConfig,
    #[module(skip)]
    loss: SegmentationLoss,
}

impl LogDiceLoss {
    /// The loss, in f32 or, for logits in f64, in f64.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch_size, classes, spatial…]`
    /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a dense target
    ///   like the logits; see [`Targets`]
    /// - output: `[1]`
    ///
    /// # Panics
    ///
    /// With the message of [`try_forward`](Self::try_forward)'s error.
    pub fn forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Tensor<1> {
        self.loss.forward(logits, targets)
    }

    /// The loss, or what is wrong: shapes that do not fit, a label that names no class, an option
    /// outside its range.
    pub fn try_forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Tensor<1>> {
        self.loss.try_forward(logits, targets)
    }

    /// The loss with all that its sweep over the voxels found out: each class's loss and, with a
    /// decision, the counts that metrics need. Fails as [`try_forward`](Self::try_forward) does.
    pub fn evaluate<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Evaluation> {
        self.loss.evaluate(logits, targets)
    }

    /// The values before any reduction, in the shapes that
    /// [`SegmentationLoss`](SegmentationLoss::forward_no_reduction) lists.
    ///
    /// # Panics
    ///
    /// With the message of [`try_forward`](Self::try_forward)'s error; if the values do not have
    /// `R` axes; for a compound whose terms' values differ in shape.
    pub fn forward_no_reduction<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Tensor<R> {
        self.loss.forward_no_reduction(logits, targets)
    }
}

impl From<LogDiceLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: LogDiceLoss) -> Self {
        loss.loss
    }
}

impl ModuleDisplay for LogDiceLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("activation", &self.config.activation)
            .add_debug_attribute("squared", &self.config.squared)
            .add_debug_attribute("overlap", &self.config.overlap)
            .add_debug_attribute("smoothing", &self.config.smoothing)
            .add_debug_attribute("gamma", &self.config.gamma)
            .add_debug_attribute("pool", &self.config.pool)
            .add_debug_attribute("absent", &self.config.absent)
            .add_debug_attribute("background", &self.config.background)
            .add_debug_attribute("classes", &self.config.classes)
            .add_debug_attribute("class_weights", &self.config.class_weights)
            .add_debug_attribute("map", &self.config.map)
            .add_debug_attribute("ignore_index", &self.config.ignore_index)
            .add_debug_attribute("reduction", &self.config.reduction)
            .add_debug_attribute("decision", &self.config.decision)
            .optional()
    }
}
