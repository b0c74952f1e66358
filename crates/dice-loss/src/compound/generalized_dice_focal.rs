//! Generalized Dice and focal.

use super::Compound;
use crate::{Activation, Focal, GeneralizedDice, Term, declaration::*};

/// Generalized Dice plus focal loss, each under its own activation.
///
/// L = λ_GD GeneralizedDice + λ_F Focal.
///
/// The focal loss is that of each channel's sigmoid by default, also beside a softmax Dice; set
/// [`focal_activation`](Self::focal_activation) for the other form.
///
/// - **Activation**: softmax or sigmoid, for either.
/// - **Shapes**: a number; the terms' own for reduction none do not fit each other.
/// - **Range**: [0, ∞).
/// - **Errors**: those of [`GeneralizedDice`] and [`Focal`]; a weight that is not finite;
///   probabilities.
/// - **Papers**: Sudre et al. 2017, <https://arxiv.org/abs/1707.03237>; Lin et al. 2017,
///   <https://arxiv.org/abs/1708.02002>.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneralizedDiceFocal {
    /// The generalized Dice term.
    pub generalized_dice: GeneralizedDice,
    /// The focal term.
    pub focal: Focal,
    /// Its activation; sigmoid by default.
    pub focal_activation: Activation,
    /// λ_GD; 1 by default.
    pub generalized_dice_weight: f64,
    /// λ_F; 1 by default.
    pub focal_weight: f64,
}

impl Default for GeneralizedDiceFocal {
    fn default() -> Self {
        Self {
            generalized_dice: GeneralizedDice::default(),
            focal: Focal::default(),
            focal_activation: Activation::Sigmoid,
            generalized_dice_weight: 1.0,
            focal_weight: 1.0,
        }
    }
}

impl Declare for GeneralizedDiceFocal {
    const DECLARATION: Declaration = Declaration {
        name: "generalized_dice_focal",
        title: "Generalized Dice + focal",
        class: "GeneralizedDiceFocal",
        short: "GeneralizedDiceFocal",
        summary: "generalized Dice plus focal loss, each under its own activation",
        formula: "generalized Dice + focal of the sigmoid",
        details: "L = λ_GD GeneralizedDice + λ_F Focal. The focal loss is that of each channel's \
             sigmoid by default, also beside a softmax Dice.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Sigmoid],
        papers: &[
            Paper { cite: "Sudre et al. 2017", address: "https://arxiv.org/abs/1707.03237" },
            Paper { cite: "Lin et al. 2017", address: "https://arxiv.org/abs/1708.02002" },
        ],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::part("generalized_dice", |l: &mut Self| Slot::Part(&mut l.generalized_dice)),
        LossOption::part("focal", |l: &mut Self| Slot::Part(&mut l.focal)),
        LossOption::new(
            "focal_activation",
            "that of the focal loss, softmax or sigmoid, whatever that of the other",
            |l: &mut Self| Slot::Choice(&mut l.focal_activation),
        )
        .trial("\"softmax\""),
        LossOption::new(
            "generalized_dice_weight",
            "λ_GD, the weight of generalized Dice",
            |l: &mut Self| Slot::Number(&mut l.generalized_dice_weight),
        )
        .trial("0.7"),
        LossOption::new("focal_weight", "λ_F, the weight of focal", |l: &mut Self| {
            Slot::Number(&mut l.focal_weight)
        })
        .trial("0.7"),
    ];
}

impl Compound for GeneralizedDiceFocal {
    fn terms(&self, activation: Activation) -> Vec<(f64, Term)> {
        vec![
            (self.generalized_dice_weight, self.generalized_dice.with(activation)),
            (self.focal_weight, self.focal.clone().with(self.focal_activation)),
        ]
    }
}
