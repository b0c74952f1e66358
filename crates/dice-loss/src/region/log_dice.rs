//! The logarithm of Dice.

use super::{ClassLoss, Dice, Sums};
use crate::{Activation, Number, declaration::*};

/// Logarithmic Dice loss: a power of minus the logarithm of the Dice coefficient.
///
/// L = (−ln D)^γ, with the smoothed Dice coefficient D of [`Dice`].
///
/// γ = 1, the default, is the plain logarithm. The paper takes γ = 0.3 ("exponential logarithmic
/// loss", beside a cross-entropy treated in the same way). Where D reaches 1, γ ≠ 1 has a gradient
/// of 0.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, ∞) for hard labels and s ≤ s′; 0 at a perfect match when s = s′. Smoothing of
///   the numerator bounds it: without, it is infinite where nothing overlaps.
/// - **Errors**: γ not above 0; smoothing below 0; either not finite.
/// - **Paper**: Wong et al. 2018, <https://arxiv.org/abs/1809.00076>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogDice {
    /// The Dice loss inside.
    pub dice: Dice,
    /// γ, the exponent; 1 by default.
    pub gamma: f64,
}

impl Default for LogDice {
    fn default() -> Self {
        Self { dice: Dice::default(), gamma: 1.0 }
    }
}

impl Declare for LogDice {
    const DECLARATION: Declaration = Declaration {
        name: "log_dice",
        title: "Log-Dice",
        class: "LogDice",
        short: "LogDice",
        summary: "a power of minus the logarithm of the Dice coefficient",
        formula: "(−ln(2Σpg / (Σp + Σg)))^γ",
        details: "L = (−ln D)^γ, with the smoothed Dice coefficient D.\n\n\
             The paper takes γ = 0.3. Smoothing of the numerator bounds it: without, it is \
             infinite where nothing overlaps.",
        range: "[0, ∞) for hard labels and s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper { cite: "Wong et al. 2018", address: "https://arxiv.org/abs/1809.00076" }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::part("dice", |l: &mut Self| Slot::Part(&mut l.dice)),
        LossOption::new("gamma", "γ, the exponent", |l: &mut Self| Slot::Number(&mut l.gamma))
            .range(Range::above(0.0))
            .trial("0.3"),
    ];
}

impl ClassLoss for LogDice {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        (-self.dice.coefficient(m).ln()).powf(self.gamma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Smoothing;

    #[test]
    fn values_by_hand() {
        let dice = Dice { smoothing: Smoothing::both(0.0), ..Dice::default() };
        // by hand: D = 2.6 / 3.5 = 26 / 35
        let plain = LogDice { dice, gamma: 1.0 }.value(&Sums::EXAMPLE);
        assert!(((-plain).exp() - 26.0 / 35.0).abs() < 1e-15);
        let root = LogDice { dice, gamma: 0.5 }.value(&Sums::EXAMPLE);
        assert!(((-root * root).exp() - 26.0 / 35.0).abs() < 1e-15);
    }

    #[test]
    fn a_complete_miss_is_finite() {
        // by hand: D = 1e-5 / (3 + 1e-5), so the loss is 5 ln 10 + ln 3.00001
        let sums = Sums { p: 1.0, g: 2.0, n: 9.0, ..Sums::default() };
        assert!((LogDice::default().value(&sums) - 12.611_541).abs() < 1e-6);
    }
}
