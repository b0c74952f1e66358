//! Dice and focal.

use crate::{Activation, Describe, Dice, Focal, Objective};

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

impl Describe for DiceFocal {
    const NAME: &'static str = "dice_focal";
    const TITLE: &'static str = "Dice + focal";
    const FORMULA: &'static str = "Dice + focal of the sigmoid";
    const REFERENCE: &'static str = "https://arxiv.org/abs/1808.05238";
    const ACTIVATIONS: &'static [Activation] = Focal::ACTIVATIONS;
}

impl DiceFocal {
    /// The sum, with the activation of Dice.
    pub fn objective(self, activation: Activation) -> Objective {
        Objective::new()
            .term(self.dice_weight, self.dice.with(activation))
            .term(self.focal_weight, self.focal.with(self.focal_activation))
            .checked(activation.among(Self::NAME, Self::ACTIVATIONS))
    }
}
