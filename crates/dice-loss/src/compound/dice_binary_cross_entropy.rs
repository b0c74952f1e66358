//! Dice and binary cross-entropy.

use crate::{Activation, BinaryCrossEntropy, Describe, Dice, Objective};

/// Dice plus binary cross-entropy: the usual choice for binary and multilabel segmentation.
///
/// L = λ_D Dice + λ_BCE BCE.
///
/// - **Activation**: sigmoid or probabilities.
/// - **Shapes**: a number; the terms' own for reduction none do not fit each other.
/// - **Range**: [0, ∞).
/// - **Errors**: those of [`Dice`] and [`BinaryCrossEntropy`]; a weight that is not finite; softmax.
/// - **Paper**: Isensee et al. 2021 (nnU-Net), <https://arxiv.org/abs/1809.10486>.
#[derive(Debug, Clone, PartialEq)]
pub struct DiceBinaryCrossEntropy {
    /// The Dice term.
    pub dice: Dice,
    /// The cross-entropy term.
    pub cross_entropy: BinaryCrossEntropy,
    /// λ_D; 1 by default.
    pub dice_weight: f64,
    /// λ_BCE; 1 by default.
    pub cross_entropy_weight: f64,
}

impl Default for DiceBinaryCrossEntropy {
    fn default() -> Self {
        Self {
            dice: Dice::default(),
            cross_entropy: BinaryCrossEntropy::default(),
            dice_weight: 1.0,
            cross_entropy_weight: 1.0,
        }
    }
}

impl Describe for DiceBinaryCrossEntropy {
    const NAME: &'static str = "dice_binary_cross_entropy";
    const TITLE: &'static str = "Dice + BCE";
    const FORMULA: &'static str = "Dice + BCE";
    const REFERENCE: &'static str = "https://arxiv.org/abs/1809.10486";
    const ACTIVATIONS: &'static [Activation] = BinaryCrossEntropy::ACTIVATIONS;
}

impl DiceBinaryCrossEntropy {
    /// The sum, both terms under one activation.
    pub fn objective(self, activation: Activation) -> Objective {
        Objective::new()
            .term(self.dice_weight, self.dice.with(activation))
            .term(self.cross_entropy_weight, self.cross_entropy.with(activation))
    }
}
