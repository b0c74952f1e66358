// Written by `cargo xtask generate` from what `dice_loss::UnifiedFocal` declares; do not edit.

//! Unified focal as a module of Burn.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    nn::loss::Reduction,
    tensor::Tensor,
};
use dice_loss::{Absent, Activation, Decision, Pool, Result, Smoothing, UnifiedFocal};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`UnifiedFocalLoss`].
#[derive(Config, Debug)]
pub struct UnifiedFocalLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// The asymmetric form. `false` by default.
    #[config(default = false)]
    pub asymmetric: bool,
    /// λ, the share of F. 0 to 1; `0.5` by default.
    #[config(default = 0.5)]
    pub lambda: f64,
    /// δ, the weight of the foreground and of false negatives. 0 to 1; `0.6` by default.
    #[config(default = 0.6)]
    pub delta: f64,
    /// γ, the focus: 0 is none in F and full in T. 0 to 1, 1 not included; `0.5` by default.
    #[config(default = 0.5)]
    pub gamma: f64,
    /// s and s′, added to numerator and denominator: one number for both, or a pair. A finite
    /// number of at least 0; `Smoothing::both(1e-5)` by default.
    #[config(default = "Smoothing::both(1e-5)")]
    pub smoothing: Smoothing,
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
    /// One for each class, at least 0; they normalise the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// Voxels with this label do not count, unless the targets name another.
    pub ignore_index: Option<i64>,
    /// How the values become the loss. `Auto` is the mean; `BatchMean` is the sum divided by the
    /// number of samples. `Mean` by default.
    #[config(default = "Reduction::Mean")]
    pub reduction: Reduction,
    /// Also counts the true and false positives and negatives of this hard decision, for metrics.
    pub decision: Option<Decision>,
}

impl UnifiedFocalLossConfig {
    /// Makes the loss.
    ///
    /// Options that do not fit each other or the number of classes are reported when it is used.
    pub fn init(&self) -> UnifiedFocalLoss {
        let objective = named::compound(
            UnifiedFocal {
                asymmetric: self.asymmetric,
                lambda: self.lambda,
                delta: self.delta,
                gamma: self.gamma,
                smoothing: self.smoothing,
            }
            .objective(self.activation)
            .pool(self.pool)
            .absent(self.absent)
            .background(self.background),
            &self.class_weights,
        );
        let loss = named::reduced(objective, self.ignore_index, &self.reduction, self.decision);
        UnifiedFocalLoss { config: self.clone(), loss }
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
/// Created by [`UnifiedFocalLossConfig`]; [`dice_loss::UnifiedFocal`] is its formula.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{UnifiedFocalLossConfig, dice_loss::Activation};
///
/// let config = UnifiedFocalLossConfig::new(Activation::Softmax);
/// let loss = config.with_background(false).init();
///
/// let device = Device::flex();
/// let logits = Tensor::<4>::from_data([[[[-20.0, 20.0]], [[20.0, -20.0]]]], &device);
/// let labels = Tensor::<3, Int>::from_data([[[1, 0]]], &device);
/// assert!(loss.forward(logits, labels).into_scalar::<f32>().abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct UnifiedFocalLoss {
    #[module(skip)]
    config: UnifiedFocalLossConfig,
    #[module(skip)]
    loss: SegmentationLoss,
}

impl UnifiedFocalLoss {
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

impl From<UnifiedFocalLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: UnifiedFocalLoss) -> Self {
        loss.loss
    }
}

impl ModuleDisplay for UnifiedFocalLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("activation", &self.config.activation)
            .add_debug_attribute("asymmetric", &self.config.asymmetric)
            .add_debug_attribute("lambda", &self.config.lambda)
            .add_debug_attribute("delta", &self.config.delta)
            .add_debug_attribute("gamma", &self.config.gamma)
            .add_debug_attribute("smoothing", &self.config.smoothing)
            .add_debug_attribute("pool", &self.config.pool)
            .add_debug_attribute("absent", &self.config.absent)
            .add_debug_attribute("background", &self.config.background)
            .add_debug_attribute("class_weights", &self.config.class_weights)
            .add_debug_attribute("ignore_index", &self.config.ignore_index)
            .add_debug_attribute("reduction", &self.config.reduction)
            .add_debug_attribute("decision", &self.config.decision)
            .optional()
    }
}
