//! The log-cosh of the Dice loss.

use super::{ClassLoss, Dice, Sums};
use crate::{Activation, Number, declaration::*};

/// Log-cosh Dice loss: the Dice loss, made smooth around its minimum.
///
/// L = ln cosh(1 − D), with the smoothed Dice coefficient D of [`Dice`]: about half the square of
/// a small Dice loss, so the gradient fades towards a perfect match.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, ln cosh 1 ≈ 0.434] for hard labels and s ≤ s′; 0 at a perfect match when
///   s = s′.
/// - **Errors**: smoothing below 0 or not finite.
/// - **Paper**: Jadon 2020, <https://arxiv.org/abs/2006.14822>.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LogCoshDice {
    /// The Dice loss inside.
    pub dice: Dice,
}

impl Declare for LogCoshDice {
    const DECLARATION: Declaration = Declaration {
        name: "log_cosh_dice",
        title: "Log-cosh Dice",
        class: "LogCoshDice",
        short: "LogCoshDice",
        summary: "the Dice loss, made smooth around its minimum",
        formula: "ln cosh(1 − 2Σpg / (Σp + Σg))",
        details: "L = ln cosh(1 − D), with the smoothed Dice coefficient D: about half the square \
             of a small Dice loss, so that the gradient fades towards a perfect match.",
        range: "[0, 0.434] for hard labels and s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper { cite: "Jadon 2020", address: "https://arxiv.org/abs/2006.14822" }],
    };

    const OPTIONS: &'static [LossOption<Self>] =
        &[LossOption::part("dice", |l: &mut Self| Slot::Part(&mut l.dice))];
}

impl ClassLoss for LogCoshDice {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        self.dice.loss(m).ln_cosh()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Smoothing;

    #[test]
    fn values_by_hand() {
        let dice = Dice { smoothing: Smoothing::both(0.0), ..Dice::default() };
        // by hand: 1 − D = 9 / 35, and e^L = cosh(9 / 35) = 1 + x²/2 + x⁴/24 + x⁶/720 + …
        let x: f64 = 9.0 / 35.0;
        let cosh = 1.0 + x.powi(2) / 2.0 + x.powi(4) / 24.0 + x.powi(6) / 720.0;
        let loss = LogCoshDice { dice }.value(&Sums::EXAMPLE);
        assert!((loss.exp() - cosh).abs() < 1e-8);
    }
}
