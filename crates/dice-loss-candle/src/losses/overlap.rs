//! Overlap losses: formulas of a few sums per class.

use dice_loss::{
    Dice, FocalTversky, GeneralizedDice, IoU, Overlap, Smoothing, Tversky, VolumeWeight,
};

use super::{overlap_loss, single};

overlap_loss! {
    /// Soft Dice loss, 1 − (2 Σpg + s) / (Σp + Σg + s), or with squared sizes
    /// 1 − (2 Σpg + s) / (Σp² + Σg² + s).
    ///
    /// In [0, 1] for hard targets; 0 at a perfect match. See [`dice_loss::Dice`].
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use dice_loss_candle::{DiceLoss, DiceLossConfig, dice_loss::Activation};
    ///
    /// let config = DiceLossConfig { background: false, ..DiceLossConfig::new(Activation::Softmax) };
    /// let logits = Tensor::new(&[[[[9f32, -9.0]], [[-9.0, 9.0]]]], &Device::Cpu)?;
    /// let labels = Tensor::new(&[[[0u8, 1]]], &Device::Cpu)?;
    /// let loss = DiceLoss::new(config).forward(&logits, &labels)?.to_scalar::<f32>()?;
    /// assert!(loss.abs() < 1e-5);
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    DiceLoss, DiceLossConfig {
        /// Sizes as sums of squares, as in V-Net.
        squared: bool = false,
        /// How the intersection is counted; L1 for soft targets.
        overlap: Overlap = Overlap::Product,
        /// s, added to numerator and denominator.
        smoothing: Smoothing = Smoothing::both(1e-5),
    }
    |config| single(
        Dice {
            squared: config.squared,
            overlap: config.overlap,
            smoothing: config.smoothing,
        }
        .with(config.activation),
        &config.class_weights,
    )
}

overlap_loss! {
    /// Soft intersection over union (Jaccard) loss, 1 − (Σpg + s) / (Σp + Σg − Σpg + s).
    ///
    /// In [0, 1] for hard targets; 0 at a perfect match. See [`dice_loss::IoU`].
    IoULoss, IoULossConfig {
        /// How the intersection is counted; L1 for soft targets.
        overlap: Overlap = Overlap::Product,
        /// s, added to numerator and denominator.
        smoothing: Smoothing = Smoothing::both(1e-5),
    }
    |config| single(
        IoU { overlap: config.overlap, smoothing: config.smoothing }.with(config.activation),
        &config.class_weights,
    )
}

overlap_loss! {
    /// Tversky loss, 1 − (TP + s) / (TP + α FP + β FN + s), with the soft counts TP = Σpg,
    /// FP = Σp(1 − g), FN = Σ(1 − p)g.
    ///
    /// In [0, 1] for hard targets; 0 at a perfect match. See [`dice_loss::Tversky`].
    TverskyLoss, TverskyLossConfig {
        /// α, the weight of false positives.
        alpha: f64 = 0.3,
        /// β, the weight of false negatives.
        beta: f64 = 0.7,
        /// How the intersection is counted; L1 for soft targets.
        overlap: Overlap = Overlap::Product,
        /// s, added to numerator and denominator.
        smoothing: Smoothing = Smoothing::both(1e-5),
    }
    |config| single(
        Tversky {
            alpha: config.alpha,
            beta: config.beta,
            overlap: config.overlap,
            smoothing: config.smoothing,
        }
        .with(config.activation),
        &config.class_weights,
    )
}

overlap_loss! {
    /// Focal Tversky loss, (1 − T)^γ of the Tversky index T of each class, then the mean.
    ///
    /// In [0, 1] for hard targets; 0 at a perfect match. See [`dice_loss::FocalTversky`].
    FocalTverskyLoss, FocalTverskyLossConfig {
        /// γ, the exponent.
        gamma: f64 = 0.75,
        /// α, the weight of false positives.
        alpha: f64 = 0.3,
        /// β, the weight of false negatives.
        beta: f64 = 0.7,
        /// How the intersection is counted; L1 for soft targets.
        overlap: Overlap = Overlap::Product,
        /// s, added to numerator and denominator.
        smoothing: Smoothing = Smoothing::both(1e-5),
    }
    |config| single(
        FocalTversky {
            tversky: Tversky {
                alpha: config.alpha,
                beta: config.beta,
                overlap: config.overlap,
                smoothing: config.smoothing,
            },
            gamma: config.gamma,
        }
        .with(config.activation),
        &config.class_weights,
    )
}

overlap_loss! {
    /// Generalized Dice loss, 1 − 2 Σ_k w_k Σpg / Σ_k w_k (Σp + Σg): one ratio for all classes,
    /// each weighed by its size.
    ///
    /// In [0, 1] for hard targets; 0 at a perfect match. See [`dice_loss::GeneralizedDice`].
    GeneralizedDiceLoss, GeneralizedDiceLossConfig {
        /// How the classes are weighed.
        weight: VolumeWeight = VolumeWeight::InverseSquare,
        /// How the intersection is counted; L1 for soft targets.
        overlap: Overlap = Overlap::Product,
        /// s, added to numerator and denominator.
        smoothing: Smoothing = Smoothing::both(1e-5),
    }
    |config| single(
        GeneralizedDice {
            weight: config.weight,
            overlap: config.overlap,
            smoothing: config.smoothing,
        }
        .with(config.activation),
        &config.class_weights,
    )
}
