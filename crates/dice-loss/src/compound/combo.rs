//! The combo loss.

use super::Compound;
use crate::{Activation, BinaryCrossEntropy, ClassValues, Dice, Term, declaration::*};

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

impl Declare for Combo {
    const DECLARATION: Declaration = Declaration {
        name: "combo",
        title: "Combo",
        class: "Combo",
        short: "Combo",
        summary: "binary cross-entropy with a price each for false negatives and false positives, \
             mixed with Dice",
        formula: "α (−β g ln p − (1 − β)(1 − g) ln(1 − p)) + (1 − α) Dice",
        details: "L = α B + (1 − α) Dice, with B the mean over voxels and classes of −β g ln p − (1 \
             − β)(1 − g) ln(1 − p).\n\n\
             β > ½ punishes false negatives more, β < ½ false positives. (The paper subtracts \
             the Dice coefficient; the gradient is the same.)",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Sigmoid, Activation::Probabilities],
        papers: &[Paper {
            cite: "Taghanaki et al. 2019",
            address: "https://arxiv.org/abs/1805.02798",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new("alpha", "α, the share of cross-entropy", |l: &mut Self| {
            Slot::Number(&mut l.alpha)
        })
        .range(Range::closed(0.0, 1.0))
        .trial("0.3"),
        LossOption::new(
            "beta",
            "β, the share of the voxels of a class in its cross-entropy",
            |l: &mut Self| Slot::Number(&mut l.beta),
        )
        .range(Range::open(0.0, 1.0))
        .trial("0.7"),
        LossOption::part("dice", |l: &mut Self| Slot::Part(&mut l.dice)),
    ];
}

impl Compound for Combo {
    fn terms(&self, activation: Activation) -> Vec<(f64, Term)> {
        let Self { dice, alpha, beta } = *self;
        let pos_weight = ClassValues::Same(beta / (1.0 - beta));
        vec![
            (1.0 - alpha, dice.with(activation)),
            (
                alpha * (1.0 - beta),
                BinaryCrossEntropy { pos_weight, ..Default::default() }.with(activation),
            ),
        ]
    }
}
