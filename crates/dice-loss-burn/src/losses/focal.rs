// Written by `cargo xtask generate` from what `dice_loss::Focal` declares; do not edit.

//! Focal as a module of Burn.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    nn::loss::Reduction,
    tensor::Tensor,
};
use dice_loss::{Activation, ClassValues, Decision, Focal, Result, Selection};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`FocalLoss`].
#[derive(Config, Debug)]
pub struct FocalLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// γ, the focusing exponent. A finite number of at least 0; `ClassValues::Same(2.0)` by
    /// default.
    #[config(default = "ClassValues::Same(2.0)")]
    pub gamma: ClassValues,
    /// α, the balance; none by default. 0 to 1.
    pub alpha: Option<ClassValues>,
    /// The share of the voxels that count, those with the largest losses, which the loss is the
    /// mean over; 1 for all. 0 to 1; `1.0` by default.
    #[config(default = 1.0)]
    pub top_k: f64,
    /// The probability of the truth below which a voxel is one that the loss is the mean over
    /// (OHEM); 1 for all. 0 to 1; `1.0` by default.
    #[config(default = 1.0)]
    pub threshold: f64,
    /// How many voxels of the batch `top_k` and `threshold` leave at least. `0` by default.
    #[config(default = "0")]
    pub min_kept: usize,
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

impl FocalLossConfig {
    /// Makes the loss.
    ///
    /// Options that do not fit each other or the number of classes are reported when it is used.
    pub fn init(&self) -> FocalLoss {
        let objective = named::single(
            Focal {
                gamma: self.gamma.clone(),
                alpha: self.alpha.clone(),
                selection: Selection {
                    top_k: self.top_k,
                    threshold: self.threshold,
                    min_kept: self.min_kept,
                },
            }
            .with(self.activation)
            .background(self.background),
            &self.classes,
            &self.class_weights,
            &self.map,
        );
        let loss = named::reduced(objective, self.ignore_index, &self.reduction, self.decision);
        FocalLoss { config: self.clone(), loss }
    }
}

/// Focal loss: cross-entropy that looks away from the voxels it already gets right.
///
/// Softmax: ℓ(voxel) = −Σ_k α_k g_k (1 − p_k)^γ ln p_k. Sigmoid, each class by itself: ℓ(voxel,
/// class) = −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p). Without α both sides count fully.
/// The mean is over the voxels that count.
///
/// α balances but does not normalise; class weights do both.
///
/// - **Activation**: softmax or sigmoid.
/// - **Range**: [0, ∞).
/// - **Paper**: Lin et al. 2017, <https://arxiv.org/abs/1708.02002>.
///
/// Created by [`FocalLossConfig`]; [`dice_loss::Focal`] is its formula.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{FocalLossConfig, dice_loss::Activation};
///
/// let config = FocalLossConfig::new(Activation::Softmax);
/// let loss = config.with_background(false).init();
///
/// let device = Device::flex();
/// let logits = Tensor::<4>::from_data([[[[-20.0, 20.0]], [[20.0, -20.0]]]], &device);
/// let labels = Tensor::<3, Int>::from_data([[[1, 0]]], &device);
/// assert!(loss.forward(logits, labels).into_scalar::<f32>().abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct FocalLoss {
    #[module(skip)]
    config: FocalLossConfig,
    #[module(skip)]
    loss: SegmentationLoss,
}

impl FocalLoss {
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

impl From<FocalLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: FocalLoss) -> Self {
        loss.loss
    }
}

impl ModuleDisplay for FocalLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("activation", &self.config.activation)
            .add_debug_attribute("gamma", &self.config.gamma)
            .add_debug_attribute("alpha", &self.config.alpha)
            .add_debug_attribute("top_k", &self.config.top_k)
            .add_debug_attribute("threshold", &self.config.threshold)
            .add_debug_attribute("min_kept", &self.config.min_kept)
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
