// Written by `cargo xtask generate` from what `dice_loss::InstanceCrossEntropy` declares; do not edit.

//! Cross-entropy by instances as a module of Burn.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    nn::loss::Reduction,
    tensor::Tensor,
};
use dice_loss::{Activation, Decision, Division, InstanceCrossEntropy, Result};

use crate::{Evaluation, SegmentationLoss, Targets, named};

/// The options of [`InstanceCrossEntropyLoss`].
#[derive(Config, Debug)]
pub struct InstanceCrossEntropyLossConfig {
    /// What turns logits into probabilities: softmax or sigmoid.
    pub activation: Activation,
    /// Which voxels are those of an instance: `Cells`, those nearest to it; `Blobs`, its own and
    /// the background. `Cells` by default.
    #[config(default = "Division::Cells")]
    pub division: Division,
    /// The distance from voxel to voxel along each spatial axis; 1 by default. A finite number
    /// above 0.
    pub spacing: Option<Vec<f64>>,
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

impl InstanceCrossEntropyLossConfig {
    /// Makes the loss.
    ///
    /// Options that do not fit each other or the number of classes are reported when it is used.
    pub fn init(&self) -> InstanceCrossEntropyLoss {
        let objective = named::single(
            InstanceCrossEntropy { division: self.division, spacing: self.spacing.clone() }
                .with(self.activation)
                .background(self.background),
            &self.classes,
            &self.class_weights,
            &self.map,
        );
        let loss = named::reduced(objective, self.ignore_index, &self.reduction, self.decision);
        InstanceCrossEntropyLoss { config: self.clone(), loss }
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
/// Created by [`InstanceCrossEntropyLossConfig`]; [`dice_loss::InstanceCrossEntropy`] is its
/// formula.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{InstanceCrossEntropyLossConfig, Targets, dice_loss::Activation};
///
/// let config = InstanceCrossEntropyLossConfig::new(Activation::Softmax);
/// let loss = config.with_background(false).init();
///
/// let device = Device::flex();
/// let logits = Tensor::<4>::from_data([[[[-20.0, 20.0]], [[20.0, -20.0]]]], &device);
/// let labels = Tensor::<3, Int>::from_data([[[1, 0]]], &device);
/// let map = Tensor::<4>::from_data([[[[1.0, 0.0]], [[0.0, 1.0]]]], &device);
/// let targets = Targets::labels(labels).map("instance_weights", map);
/// assert!(loss.forward(logits, targets).into_scalar::<f32>().abs() < 1e-4);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct InstanceCrossEntropyLoss {
    #[module(skip)]
    config: InstanceCrossEntropyLossConfig,
    #[module(skip)]
    loss: SegmentationLoss,
}

impl InstanceCrossEntropyLoss {
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

impl From<InstanceCrossEntropyLoss> for SegmentationLoss {
    /// The same loss, without its name.
    fn from(loss: InstanceCrossEntropyLoss) -> Self {
        loss.loss
    }
}

impl ModuleDisplay for InstanceCrossEntropyLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("activation", &self.config.activation)
            .add_debug_attribute("division", &self.config.division)
            .add_debug_attribute("spacing", &self.config.spacing)
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
