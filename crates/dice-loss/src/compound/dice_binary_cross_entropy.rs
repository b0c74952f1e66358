//! Dice and binary cross-entropy.

use super::Compound;
use crate::{Activation, BinaryCrossEntropy, Dice, Term, declaration::*};

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

impl Declare for DiceBinaryCrossEntropy {
    const DECLARATION: Declaration = Declaration {
        name: "dice_binary_cross_entropy",
        title: "Dice + BCE",
        class: "DiceBinaryCrossEntropy",
        short: "DiceBCE",
        summary: "Dice plus binary cross-entropy, the usual choice for binary and multilabel \
             segmentation",
        formula: "Dice + BCE",
        details: "L = λ_D Dice + λ_BCE BCE. Cross-entropy keeps the background that Dice may leave \
             out.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Sigmoid, Activation::Probabilities],
        papers: &[Paper {
            cite: "Isensee et al. 2021 (nnU-Net)",
            address: "https://arxiv.org/abs/1809.10486",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::part("dice", |l: &mut Self| Slot::Part(&mut l.dice)),
        LossOption::part("cross_entropy", |l: &mut Self| Slot::Part(&mut l.cross_entropy)),
        LossOption::new("dice_weight", "λ_D, the weight of Dice", |l: &mut Self| {
            Slot::Number(&mut l.dice_weight)
        })
        .trial("0.7"),
        LossOption::new(
            "cross_entropy_weight",
            "λ_BCE, the weight of cross-entropy",
            |l: &mut Self| Slot::Number(&mut l.cross_entropy_weight),
        )
        .trial("0.7"),
    ];
}

impl Compound for DiceBinaryCrossEntropy {
    fn terms(&self, activation: Activation) -> Vec<(f64, Term)> {
        vec![
            (self.dice_weight, self.dice.with(activation)),
            (self.cross_entropy_weight, self.cross_entropy.clone().with(activation)),
        ]
    }
}
