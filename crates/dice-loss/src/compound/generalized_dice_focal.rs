//! Generalized Dice and focal.

use crate::{Activation, Describe, Focal, GeneralizedDice, Objective};

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

impl Describe for GeneralizedDiceFocal {
    const NAME: &'static str = "generalized_dice_focal";
    const TITLE: &'static str = "Generalized Dice + focal";
    const FORMULA: &'static str = "generalized Dice + focal of the sigmoid";
    const REFERENCE: &'static str = "https://arxiv.org/abs/1707.03237";
    const ACTIVATIONS: &'static [Activation] = Focal::ACTIVATIONS;
}

impl GeneralizedDiceFocal {
    /// The sum, with the activation of generalized Dice.
    pub fn objective(self, activation: Activation) -> Objective {
        Objective::new()
            .term(self.generalized_dice_weight, self.generalized_dice.with(activation))
            .term(self.focal_weight, self.focal.with(self.focal_activation))
            .checked(activation.among(Self::NAME, Self::ACTIVATIONS))
    }
}
