//! Dice and cross-entropy.

use crate::{Activation, CrossEntropy, Describe, Dice, Objective};

/// Dice plus cross-entropy over exclusive classes: the usual choice for multi-class segmentation.
///
/// L = λ_D Dice + λ_CE CE.
///
/// Cross-entropy keeps the background where [`Objective::background`] takes it from Dice.
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

impl Describe for DiceCrossEntropy {
    const NAME: &'static str = "dice_cross_entropy";
    const TITLE: &'static str = "Dice + CE";
    const FORMULA: &'static str = "Dice + CE";
    const REFERENCE: &'static str = "https://arxiv.org/abs/1809.10486";
    const ACTIVATIONS: &'static [Activation] = CrossEntropy::ACTIVATIONS;
}

impl DiceCrossEntropy {
    /// The sum, both terms under one activation.
    pub fn objective(self, activation: Activation) -> Objective {
        Objective::new()
            .term(self.dice_weight, self.dice.with(activation))
            .term(self.cross_entropy_weight, self.cross_entropy.with(activation))
    }
}
