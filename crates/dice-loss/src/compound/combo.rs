//! The combo loss.

use crate::{
    Activation, BinaryCrossEntropy, ClassValues, Describe, Dice, Objective, Result,
    error::parameter,
};

/// Combo loss: binary cross-entropy with a price each for false negatives and false positives,
/// mixed with Dice.
///
/// L = α B + (1 − α) Dice, with B the mean over voxels and classes of
/// −β g ln p − (1 − β)(1 − g) ln(1 − p).
///
/// β > ½ punishes false negatives more, β < ½ false positives. The paper subtracts (1 − α) times
/// the Dice coefficient; here (1 − α) is added to that, so that the best loss is 0. The gradient
/// is the same.
///
/// - **Activation**: sigmoid or probabilities.
/// - **Shapes**: a number; the terms' own for reduction none do not fit each other.
/// - **Range**: [0, ∞).
/// - **Errors**: α outside [0, 1], β outside (0, 1); those of [`Dice`]; softmax.
/// - **Paper**: Taghanaki et al. 2019, <https://arxiv.org/abs/1805.02798>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combo {
    /// The Dice term.
    pub dice: Dice,
    /// α, the share of cross-entropy; 0.5 by default.
    pub alpha: f64,
    /// β, the share of the voxels of a class in its cross-entropy; 0.5 by default.
    pub beta: f64,
}

impl Default for Combo {
    fn default() -> Self {
        Self { dice: Dice::default(), alpha: 0.5, beta: 0.5 }
    }
}

impl Describe for Combo {
    const NAME: &'static str = "combo";
    const TITLE: &'static str = "Combo";
    const FORMULA: &'static str = "α (−β g ln p − (1 − β)(1 − g) ln(1 − p)) + (1 − α) Dice";
    const REFERENCE: &'static str = "https://arxiv.org/abs/1805.02798";
    const ACTIVATIONS: &'static [Activation] = BinaryCrossEntropy::ACTIVATIONS;
}

impl Combo {
    /// The mixture, both terms under one activation.
    pub fn objective(self, activation: Activation) -> Objective {
        let Self { dice, alpha, beta } = self;
        let pos_weight = ClassValues::Same(beta / (1.0 - beta));
        Objective::new()
            .term(1.0 - alpha, dice.with(activation))
            .term(alpha * (1.0 - beta), BinaryCrossEntropy { pos_weight }.with(activation))
            .checked(self.check())
    }

    fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.alpha) {
            return parameter("combo: alpha", self.alpha, "0 to 1");
        }
        if !(self.beta > 0.0 && self.beta < 1.0) {
            return parameter(
                "combo: beta",
                self.beta,
                "a number between 0 and 1, neither included",
            );
        }
        Ok(())
    }
}
