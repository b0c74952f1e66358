//! The Lovász losses as modules of Burn.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    nn::loss::Reduction,
    tensor::Tensor,
};
use dice_loss::{Absent, Activation, Lovasz, Pool, Result};
use dice_loss_tensor::named::lovasz;

use crate::{DirectLoss, Targets, named};

/// The options of [`LovaszHingeLoss`].
#[derive(Config, Debug)]
pub struct LovaszHingeLossConfig {
    /// What is ranked together: `Sample`, the voxels of each sample; `Batch`, those of the batch. `Sample`
    /// by default.
    #[config(default = "Pool::Sample")]
    pub pool: Pool,
    /// What a class counts that the reference lacks: `Formula`, the largest of its errors; `Skip`, nothing; `Zero`, a loss of 0 that
    /// stays in the mean. `Formula` by default.
    #[config(default = "Absent::Formula")]
    pub absent: Absent,
    /// Whether class 0 takes part; with one channel it always does. `true` by default.
    #[config(default = true)]
    pub background: bool,
    /// Only these classes take part; all by default.
    pub classes: Option<Vec<usize>>,
    /// One for each class, at least 0; they normalise the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// Voxels with this label are not ranked, unless the targets name another.
    pub ignore_index: Option<i64>,
    /// How the values become the loss. `Auto` is the mean; `BatchMean` is the sum divided by the number of
    /// samples. `Mean` by default.
    #[config(default = "Reduction::Mean")]
    pub reduction: Reduction,
}

impl LovaszHingeLossConfig {
    /// Makes the loss.
    ///
    /// Options that do not fit each other or the number of classes are reported when it is used.
    pub fn init(&self) -> LovaszHingeLoss {
        let lovasz = lovasz(
            Lovasz::hinge(),
            self.pool,
            self.absent,
            self.background,
            &self.classes,
            &self.class_weights,
        );
        let loss = named::direct(lovasz.into(), self.ignore_index, &self.reduction);
        LovaszHingeLoss { config: self.clone(), loss }
    }
}

/// Lovász hinge: the Lovász extension of the Jaccard loss, of hinge errors of the logits.
///
/// L = Σ_i e_i (J_i − J_{i−1}) over the errors e of a class in descending order, with J_i the Jaccard loss
/// of a prediction that is wrong in the first i voxels alone, and e = max(0, 1 − x) of a voxel inside the
/// class, max(0, 1 + x) of one outside. Each channel by itself: binary, and multilabel.
///
/// - **Range**: 0 or more; 0 beyond the margins.
/// - **Paper**: Berman, Rannen Triki and Blaschko 2018, <https://arxiv.org/abs/1705.08790>.
///
/// Created by [`LovaszHingeLossConfig`]; [`dice_loss::Lovasz`] is the engine's. It ranks the voxels, which have no
/// weights in it.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{LovaszHingeLossConfig, dice_loss::Pool};
///
/// let loss = LovaszHingeLossConfig::new().with_pool(Pool::Batch).init();
///
/// // Errors: 1.5 outside, 0.75 inside, 0.5 outside, and none. With G = 2: J = 1/3, 2/3, 3/4.
/// let device = Device::flex();
/// let logits = Tensor::<3>::from_data([[[0.5, 0.25, -0.5, 3.0]]], &device);
/// let labels = Tensor::<2, Int>::from_data([[0, 1, 0, 1]], &device);
/// let found = loss.forward(logits, labels).into_scalar::<f32>();
/// assert!((found - (0.5 + 0.25 + 0.5 / 12.0)).abs() < 1e-6);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct LovaszHingeLoss {
    #[module(skip)]
    config: LovaszHingeLossConfig,
    #[module(skip)]
    loss: DirectLoss,
}

impl LovaszHingeLoss {
    /// The loss, in f32 or, for logits in f64, in f64.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch_size, classes, spatial…]`
    /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a dense target
    ///   of 0 and 1 like the logits; see [`Targets`]
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

    /// The loss, or what is wrong: shapes that do not fit, a label that names no class, a dense target
    /// between 0 and 1, weights of voxels or a map, an option outside its range.
    pub fn try_forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Tensor<1>> {
        self.loss.try_forward(logits, targets)
    }

    /// The values before any reduction: `[batch_size, classes]`, or `[classes]` of the batch.
    ///
    /// # Panics
    ///
    /// With the message of [`try_forward`](Self::try_forward)'s error; if the values do not have
    /// `R` axes; where the engine does not reach the logits.
    pub fn forward_no_reduction<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Tensor<R> {
        self.loss.forward_no_reduction(logits, targets)
    }
}

impl From<LovaszHingeLoss> for DirectLoss {
    /// The same loss, without its name.
    fn from(loss: LovaszHingeLoss) -> Self {
        loss.loss
    }
}

impl ModuleDisplay for LovaszHingeLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("pool", &self.config.pool)
            .add_debug_attribute("absent", &self.config.absent)
            .add_debug_attribute("background", &self.config.background)
            .add_debug_attribute("classes", &self.config.classes)
            .add_debug_attribute("class_weights", &self.config.class_weights)
            .add_debug_attribute("ignore_index", &self.config.ignore_index)
            .add_debug_attribute("reduction", &self.config.reduction)
            .optional()
    }
}

/// The options of [`LovaszSoftmaxLoss`].
#[derive(Config, Debug)]
pub struct LovaszSoftmaxLossConfig {
    /// What turns logits into probabilities: softmax or probabilities.
    pub activation: Activation,
    /// What is ranked together: `Sample`, the voxels of each sample; `Batch`, those of the batch. `Sample`
    /// by default.
    #[config(default = "Pool::Sample")]
    pub pool: Pool,
    /// What a class counts that the reference lacks: `Skip`, nothing (the paper's "classes present");
    /// `Formula`, the largest of its errors ("all"); `Zero`, a loss of 0 that stays in the mean. `Skip` by
    /// default.
    #[config(default = "Absent::Skip")]
    pub absent: Absent,
    /// Whether class 0 takes part; with one channel it always does. `true` by default.
    #[config(default = true)]
    pub background: bool,
    /// Only these classes take part; all by default.
    pub classes: Option<Vec<usize>>,
    /// One for each class, at least 0; they normalise the mean over classes.
    pub class_weights: Option<Vec<f64>>,
    /// Voxels with this label are not ranked, unless the targets name another.
    pub ignore_index: Option<i64>,
    /// How the values become the loss. `Auto` is the mean; `BatchMean` is the sum divided by the number of
    /// samples. `Mean` by default.
    #[config(default = "Reduction::Mean")]
    pub reduction: Reduction,
}

impl LovaszSoftmaxLossConfig {
    /// Makes the loss.
    ///
    /// Options that do not fit each other or the number of classes are reported when it is used.
    pub fn init(&self) -> LovaszSoftmaxLoss {
        let lovasz = lovasz(
            Lovasz::under(self.activation),
            self.pool,
            self.absent,
            self.background,
            &self.classes,
            &self.class_weights,
        );
        let loss = named::direct(lovasz.into(), self.ignore_index, &self.reduction);
        LovaszSoftmaxLoss { config: self.clone(), loss }
    }
}

/// Lovász-softmax: the Lovász extension of the Jaccard loss, of errors of probabilities.
///
/// L = Σ_i e_i (J_i − J_{i−1}) over the errors e = |g − p| of a class in descending order, with J_i the
/// Jaccard loss of a prediction that is wrong in the first i voxels alone; a mean over classes.
///
/// - **Activation**: softmax or probabilities.
/// - **Range**: [0, 1]; of hard predictions the Jaccard loss itself.
/// - **Paper**: Berman, Rannen Triki and Blaschko 2018, <https://arxiv.org/abs/1705.08790>.
///
/// Created by [`LovaszSoftmaxLossConfig`]; [`dice_loss::Lovasz`] is the engine's. It ranks the voxels, which have no
/// weights in it.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::{LovaszSoftmaxLossConfig, dice_loss::Activation};
///
/// let loss = LovaszSoftmaxLossConfig::new(Activation::Softmax).init();
///
/// // Class 1 alone is there, and each of its voxels has an error of 1/2.
/// let device = Device::flex();
/// let logits = Tensor::<4>::zeros([2, 2, 4, 4], &device);
/// let labels = Tensor::<3, Int>::ones([2, 4, 4], &device);
/// assert!((loss.forward(logits, labels).into_scalar::<f32>() - 0.5).abs() < 1e-6);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct LovaszSoftmaxLoss {
    #[module(skip)]
    config: LovaszSoftmaxLossConfig,
    #[module(skip)]
    loss: DirectLoss,
}

impl LovaszSoftmaxLoss {
    /// The loss, in f32 or, for logits in f64, in f64.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch_size, classes, spatial…]`
    /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a dense target
    ///   of 0 and 1 like the logits; see [`Targets`]
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

    /// The loss, or what is wrong: shapes that do not fit, a label that names no class, a dense target
    /// between 0 and 1, weights of voxels or a map, an option outside its range.
    pub fn try_forward<const D: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Result<Tensor<1>> {
        self.loss.try_forward(logits, targets)
    }

    /// The values before any reduction: `[batch_size, classes]`, or `[classes]` of the batch.
    ///
    /// # Panics
    ///
    /// With the message of [`try_forward`](Self::try_forward)'s error; if the values do not have
    /// `R` axes; where the engine does not reach the logits.
    pub fn forward_no_reduction<const D: usize, const R: usize>(
        &self,
        logits: Tensor<D>,
        targets: impl Into<Targets>,
    ) -> Tensor<R> {
        self.loss.forward_no_reduction(logits, targets)
    }
}

impl From<LovaszSoftmaxLoss> for DirectLoss {
    /// The same loss, without its name.
    fn from(loss: LovaszSoftmaxLoss) -> Self {
        loss.loss
    }
}

impl ModuleDisplay for LovaszSoftmaxLoss {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new().with_new_line_after_attribute(false).optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        content
            .add_debug_attribute("activation", &self.config.activation)
            .add_debug_attribute("pool", &self.config.pool)
            .add_debug_attribute("absent", &self.config.absent)
            .add_debug_attribute("background", &self.config.background)
            .add_debug_attribute("classes", &self.config.classes)
            .add_debug_attribute("class_weights", &self.config.class_weights)
            .add_debug_attribute("ignore_index", &self.config.ignore_index)
            .add_debug_attribute("reduction", &self.config.reduction)
            .optional()
    }
}
