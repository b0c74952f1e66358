// Written by `cargo xtask generate` from what `dice_loss::GeneralizedDiceFocal` declares; do not edit.

//! Generalized Dice + focal as a module of Burn.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    nn::loss::Reduction,
    tensor::Tensor,
};
use dice_loss::{
    Absent, Activation, ClassValues, Decision, Focal, GeneralizedDice, GeneralizedDiceFocal,
    Overlap, Pool, Result, Selection, Smoothing, VolumeWeight,
};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`GeneralizedDiceFocalLoss`].
#[derive(Config, Debug)]
pub struct GeneralizedDiceFocalLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// v by the size G of a class: `InverseSquare`, 1/G²; `Inverse`, 1/G; `Uniform`, 1.
    /// `InverseSquare` by default.
    #[config(default = "VolumeWeight::InverseSquare")]
    pub weight: VolumeWeight,
    /// How the intersection I is counted: `Product`, Σpg; or `L1`, (Σ|p| + Σg − Σ|p − g|) / 2, the
    /// same for hard labels and largest at p = g for soft ones. `Product` by default.
    #[config(default = "Overlap::Product")]
    pub overlap: Overlap,
    /// s and s′, added to numerator and denominator: one number for both, or a pair. A finite
    /// number of at least 0; `Smoothing::both(1e-5)` by default.
    #[config(default = "Smoothing::both(1e-5)")]
    pub smoothing: Smoothing,
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
    /// That of the focal loss, softmax or sigmoid, whatever that of the other. `Sigmoid` by
    /// default.
    #[config(default = "Activation::Sigmoid")]
    pub focal_activation: Activation,
    /// λ_GD, the weight of generalized Dice. `1.0` by default.
    #[config(default = 1.0)]
    pub generalized_dice_weight: f64,
    /// λ_F, the weight of focal. `1.0` by default.
    #[config(default = 1.0)]
    pub focal_weight: f64,
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

impl GeneralizedDiceFocalLossConfig {
    /// Makes the loss.
    ///
    /// Options that do not fit each other or the number of classes are reported when it is used.
    pub fn init(&self) -> GeneralizedDiceFocalLoss {
        let objective = named::compound(
            GeneralizedDiceFocal {
                generalized_dice: GeneralizedDice {
                    weight: self.weight,
                    overlap: self.overlap,
                    smoothing: self.smoothing,
                },
                focal: Focal {
                    gamma: self.gamma.clone(),
                    alpha: self.alpha.clone(),
                    selection: Selection {
                        top_k: self.top_k,
                        threshold: self.threshold,
                        min_kept: self.min_kept,
                    },
                },
                focal_activation: self.focal_activation,
                generalized_dice_weight: self.generalized_dice_weight,
                focal_weight: self.focal_weight,
            }
            .objective(self.activation)
            .pool(self.pool)
            .absent(self.absent)
            .background(self.background),
            &self.class_weights,
        );
        let loss = named::reduced(objective, self.ignore_index, &self.reduction, self.decision);
        GeneralizedDiceFocalLoss { config: self.clone(), loss }
    }
}

/// Generalized Dice + focal loss: generalized Dice plus focal loss, each under its own activation.
///
/// L = λ_GD GeneralizedDice + λ_F Focal. The focal loss is that of each channel's sigmoid by
/// default, also beside a softmax Dice.
///
/// - **Activation**: softmax or sigmoid.
/// - **Range**: [0, ∞).
/// - **Papers**: Sudre et al. 2017, <https://arxiv.org/abs/1707.03237>; Lin et al. 2017,
///   <https://arxiv.org/abs/1708.02002>.
///
/// Created by [`GeneralizedDiceFocalLossConfig`]; [`dice_loss::GeneralizedDiceFocal`] is its
/// formula.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{GeneralizedDiceFocalLossConfig, dice_loss::Activation};
///
/// let config = GeneralizedDiceFocalLossConfig::new(Activation::Softmax);
/// let loss = config.with_background(false).init();
///
/// let device = Device::flex();
/// let logits = Tensor::<4>::from_data([[[[-20.0, 20.0]], [[20.0, -20.0]]]], &device);
/// let labels = Tensor::<3, Int>::from_data([[[1, 0]]], &device);
/// assert!(loss.forward(logits, labels).into_scalar::<f32>().abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct GeneralizedDiceFocalLoss {
    #[module(skip)]
    config: GeneralizedDiceFocalLossConfig,
    #[module(skip)]
    loss: SegmentationLoss,
}

impl GeneralizedDiceFocalLoss {
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

impl From<GeneralizedDiceFocalLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: GeneralizedDiceFocalLoss) -> Self {
        loss.loss
    }
}

impl ModuleDisplay for GeneralizedDiceFocalLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("activation", &self.config.activation)
            .add_debug_attribute("weight", &self.config.weight)
            .add_debug_attribute("overlap", &self.config.overlap)
            .add_debug_attribute("smoothing", &self.config.smoothing)
            .add_debug_attribute("gamma", &self.config.gamma)
            .add_debug_attribute("alpha", &self.config.alpha)
            .add_debug_attribute("top_k", &self.config.top_k)
            .add_debug_attribute("threshold", &self.config.threshold)
            .add_debug_attribute("min_kept", &self.config.min_kept)
            .add_debug_attribute("focal_activation", &self.config.focal_activation)
            .add_debug_attribute("generalized_dice_weight", &self.config.generalized_dice_weight)
            .add_debug_attribute("focal_weight", &self.config.focal_weight)
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
