//! Dice and cross-entropy.

use super::Compound;
use crate::{Activation, CrossEntropy, Dice, Term, declaration::*};

/// Dice plus cross-entropy over exclusive classes: the usual choice for multi-class segmentation.
///
/// L = λ_D Dice + λ_CE CE.
///
/// Cross-entropy keeps the background where [`Objective::background`](crate::Objective::background) takes it from Dice.
///
/// - **Activation**: softmax or probabilities.
/// - **Shapes**: a number; the terms' own for reduction none do not fit each other.
/// - **Range**: [0, ∞).
/// - **Errors**: those of [`Dice`] and [`CrossEntropy`]; a weight that is not finite; sigmoid.
/// - **Paper**: Isensee et al. 2021 (nnU-Net), <https://arxiv.org/abs/1809.10486>.
///
/// ```
/// use dice_loss::{Activation, DiceCrossEntropy, Objective};
/// let objective: Objective =
///     DiceCrossEntropy::default().objective(Activation::Softmax).background(false);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiceCrossEntropy {
    /// The Dice term.
    pub dice: Dice,
    /// The cross-entropy term.
    pub cross_entropy: CrossEntropy,
    /// λ_D; 1 by default.
    pub dice_weight: f64,
    /// λ_CE; 1 by default.
    pub cross_entropy_weight: f64,
}

impl Default for DiceCrossEntropy {
    fn default() -> Self {
        Self {
            dice: Dice::default(),
            cross_entropy: CrossEntropy::default(),
            dice_weight: 1.0,
            cross_entropy_weight: 1.0,
        }
    }
}

impl Declare for DiceCrossEntropy {
    const DECLARATION: Declaration = Declaration {
        name: "dice_cross_entropy",
        title: "Dice + CE",
        class: "DiceCrossEntropy",
        short: "DiceCE",
        summary: "Dice plus cross-entropy over exclusive classes, the usual choice for multi-class \
             segmentation",
        formula: "Dice + CE",
        details: "L = λ_D Dice + λ_CE CE. Cross-entropy keeps the background that Dice may leave \
             out.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Probabilities],
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
            "λ_CE, the weight of cross-entropy",
            |l: &mut Self| Slot::Number(&mut l.cross_entropy_weight),
        )
        .trial("0.7"),
    ];
}

impl Compound for DiceCrossEntropy {
    fn terms(&self, activation: Activation) -> Vec<(f64, Term)> {
        vec![
            (self.dice_weight, self.dice.with(activation)),
            (self.cross_entropy_weight, self.cross_entropy.with(activation)),
        ]
    }
}
