//! Voxel losses: means over the voxels that count.

use dice_loss::{BinaryCrossEntropy, ClassValues, CrossEntropy, Focal};

use super::{named_loss, single};

named_loss! {
    /// Cross-entropy over exclusive classes, −Σ_k t_k ln p_k: the mean over the voxels that count,
    /// by the weights of their classes.
    ///
    /// Softmax, or probabilities. In [0, ∞). See [`dice_loss::CrossEntropy`].
    CrossEntropyLoss, CrossEntropyLossConfig {
        /// ε, the share of the target that is spread evenly over the classes.
        label_smoothing: f64 = 0.0,
    }
    |config| single(
        CrossEntropy { label_smoothing: config.label_smoothing }.with(config.activation),
        &config.class_weights,
    )
}

named_loss! {
    /// Binary cross-entropy of each channel by itself, −π g ln p − (1 − g) ln(1 − p): the mean
    /// over voxels and classes.
    ///
    /// Sigmoid, or probabilities. In [0, ∞). See [`dice_loss::BinaryCrossEntropy`].
    BinaryCrossEntropyLoss, BinaryCrossEntropyLossConfig {
        /// π, how much a positive voxel counts against a negative one.
        pos_weight: ClassValues = ClassValues::Same(1.0),
    }
    |config| single(
        BinaryCrossEntropy { pos_weight: config.pos_weight.clone() }.with(config.activation),
        &config.class_weights,
    )
}

named_loss! {
    /// Focal loss, −α (1 − p)^γ ln p: cross-entropy that looks away from the voxels it already
    /// gets right. Over exclusive classes under softmax, of each channel by itself under sigmoid.
    ///
    /// In [0, ∞). See [`dice_loss::Focal`].
    FocalLoss, FocalLossConfig {
        /// γ, the focusing exponent.
        gamma: ClassValues = ClassValues::Same(2.0),
        /// α, the balance of the classes, or of positive against negative voxels.
        alpha: Option<ClassValues> = None,
    }
    |config| single(
        Focal { gamma: config.gamma.clone(), alpha: config.alpha.clone() }.with(config.activation),
        &config.class_weights,
    )
}
