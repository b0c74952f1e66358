//! Compounds: further terms cost no further sweep.

use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Dice, Objective, Overlap, Smoothing, Term,
};

use super::{overlap_loss, weighted};

overlap_loss! {
    /// Dice plus cross-entropy, the usual choice: over exclusive classes under softmax (and for
    /// probabilities), binary cross-entropy of each channel under sigmoid.
    ///
    /// The background that Dice may leave out stays in the cross-entropy. In [0, ∞). See
    /// [`dice_loss::DiceCrossEntropy`] and [`dice_loss::DiceBinaryCrossEntropy`].
    DiceCrossEntropyLoss, DiceCrossEntropyLossConfig {
        /// λ_D, the weight of Dice.
        dice_weight: f64 = 1.0,
        /// λ_CE, the weight of the cross-entropy.
        cross_entropy_weight: f64 = 1.0,
        /// Sizes of Dice as sums of squares, as in V-Net.
        squared: bool = false,
        /// How the intersection is counted; L1 for soft targets.
        overlap: Overlap = Overlap::Product,
        /// s, added to numerator and denominator of Dice.
        smoothing: Smoothing = Smoothing::both(1e-5),
    }
    |config| {
        let dice = Dice {
            squared: config.squared,
            overlap: config.overlap,
            smoothing: config.smoothing,
        };
        let term = |term: Term| weighted(term, &config.class_weights);
        Objective::new()
            .term(config.dice_weight, term(dice.with(config.activation)))
            .term(config.cross_entropy_weight, term(cross_entropy(config.activation)))
    }
}

fn cross_entropy(activation: Activation) -> Term {
    match activation {
        Activation::Sigmoid => BinaryCrossEntropy::default().sigmoid(),
        Activation::Softmax | Activation::Probabilities => CrossEntropy::default().with(activation),
    }
}
