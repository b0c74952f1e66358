//! Dice and focal.

use super::Compound;
use crate::{Activation, Dice, Focal, Term, declaration::*};

/// Dice plus focal loss, each under its own activation.
///
/// L = λ_D Dice + λ_F Focal.
///
/// The focal loss is that of each channel's sigmoid by default, also beside a softmax Dice; set
/// [`focal_activation`](Self::focal_activation) for the other form.
///
/// - **Activation**: softmax or sigmoid, for either.
/// - **Shapes**: a number; the terms' own for reduction none do not fit each other.
/// - **Range**: [0, ∞).
/// - **Errors**: those of [`Dice`] and [`Focal`]; a weight that is not finite; probabilities.
/// - **Paper**: Zhu et al. 2018 (AnatomyNet), <https://arxiv.org/abs/1808.05238>.
#[derive(Debug, Clone, PartialEq)]
pub struct DiceFocal {
    /// The Dice term.
    pub dice: Dice,
    /// The focal term.
    pub focal: Focal,
    /// Its activation; sigmoid by default.
    pub focal_activation: Activation,
    /// λ_D; 1 by default.
    pub dice_weight: f64,
    /// λ_F; 1 by default.
    pub focal_weight: f64,
}

impl Default for DiceFocal {
    fn default() -> Self {
        Self {
            dice: Dice::default(),
            focal: Focal::default(),
            focal_activation: Activation::Sigmoid,
            dice_weight: 1.0,
            focal_weight: 1.0,
        }
    }
}

impl Declare for DiceFocal {
    const DECLARATION: Declaration = Declaration {
        name: "dice_focal",
        title: "Dice + focal",
        class: "DiceFocal",
        short: "DiceFocal",
        summary: "Dice plus focal loss, each under its own activation",
        formula: "Dice + focal of the sigmoid",
        details: "L = λ_D Dice + λ_F Focal. The focal loss is that of each channel's sigmoid by \
             default, also beside a softmax Dice.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Sigmoid],
        papers: &[Paper {
            cite: "Zhu et al. 2018 (AnatomyNet)",
            address: "https://arxiv.org/abs/1808.05238",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::part("dice", |l: &mut Self| Slot::Part(&mut l.dice)),
        LossOption::part("focal", |l: &mut Self| Slot::Part(&mut l.focal)),
        LossOption::new(
            "focal_activation",
            "that of the focal loss, softmax or sigmoid, whatever that of the other",
            |l: &mut Self| Slot::Choice(&mut l.focal_activation),
        )
        .trial("\"softmax\""),
        LossOption::new("dice_weight", "λ_D, the weight of Dice", |l: &mut Self| {
            Slot::Number(&mut l.dice_weight)
        })
        .trial("0.7"),
        LossOption::new("focal_weight", "λ_F, the weight of focal", |l: &mut Self| {
            Slot::Number(&mut l.focal_weight)
        })
        .trial("0.7"),
    ];
}

impl Compound for DiceFocal {
    fn terms(&self, activation: Activation) -> Vec<(f64, Term)> {
        vec![
            (self.dice_weight, self.dice.with(activation)),
            (self.focal_weight, self.focal.clone().with(self.focal_activation)),
        ]
    }
}
