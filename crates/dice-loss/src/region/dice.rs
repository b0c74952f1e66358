//! Soft Dice.

use super::{ClassLoss, Overlap, Smoothing, Sums};
use crate::{Activation, Number, declaration::*};

/// Soft Dice loss: one minus twice the overlap over the two sizes.
///
/// L = 1 − (2 Σpg + s) / (Σp + Σg + s′), or with [`squared`](Self::squared) sizes
/// L = 1 − (2 Σpg + s) / (Σp² + Σg² + s′).
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 1] for hard labels and s ≤ s′; 0 at a perfect match when s = s′.
/// - **Errors**: smoothing below 0 or not finite.
/// - **Papers**: Drozdzal et al. 2016, <https://arxiv.org/abs/1608.04117> (linear); Milletari,
///   Navab and Ahmadi 2016, <https://arxiv.org/abs/1606.04797> (V-Net: squared); Wang et al. 2023,
///   <https://arxiv.org/abs/2303.16296> ([`Overlap::L1`], for soft labels).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Dice {
    /// Sizes as sums of squares, as in V-Net.
    pub squared: bool,
    /// How the intersection is counted. With `squared`, L1 becomes the squared L2 norm:
    /// (‖p‖² + ‖g‖² − ‖p − g‖²) / 2, which is Σpg again.
    pub overlap: Overlap,
    /// Added to numerator (s) and denominator (s′).
    pub smoothing: Smoothing,
}

impl Declare for Dice {
    const DECLARATION: Declaration = Declaration {
        name: "dice",
        title: "Dice",
        class: "Dice",
        short: "Dice",
        summary: "one minus twice the overlap over the two sizes",
        formula: "1 − 2Σpg / (Σp + Σg)",
        details: "L = 1 − (2 I + s) / (Σp + Σg + s′), with the soft intersection I = Σpg; or with \
             `squared` L = 1 − (2 Σpg + s) / (Σp² + Σg² + s′).",
        range: "[0, 1] for hard labels and s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[
            Paper {
                cite: "Milletari, Navab and Ahmadi 2016 (V-Net, squared)",
                address: "https://arxiv.org/abs/1606.04797",
            },
            Paper {
                cite: "Drozdzal et al. 2016 (linear)",
                address: "https://arxiv.org/abs/1608.04117",
            },
            Paper { cite: "Wang et al. 2023 (`l1`)", address: "https://arxiv.org/abs/2303.16296" },
        ],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "squared",
            "sizes as sums of squares, Σp² + Σg², as in V-Net",
            |l: &mut Self| Slot::Flag(&mut l.squared),
        ),
        LossOption::overlap(|l: &mut Self| Slot::Choice(&mut l.overlap)),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
    ];
}

impl Dice {
    /// The smoothed Dice coefficient.
    pub(super) fn coefficient<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        let [overlap, predicted, reference] = self.overlap.with_sizes(m, self.squared);
        let Smoothing { numerator, denominator } = self.smoothing;
        (overlap * 2.0 + numerator) / (predicted + reference + denominator)
    }
}

impl ClassLoss for Dice {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        1.0 - self.coefficient(m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let none = Smoothing::both(0.0);
        let linear = Dice { smoothing: none, ..Dice::default() };
        assert!((linear.value(&Sums::EXAMPLE) - (1.0 - 2.6 / 3.5)).abs() < 1e-15);
        let squared = Dice { squared: true, ..linear };
        assert!((squared.value(&Sums::EXAMPLE) - (1.0 - 2.6 / 3.01)).abs() < 1e-15);
        let soft = Dice { overlap: Overlap::L1, ..linear };
        assert!((soft.value(&Sums::EXAMPLE) - (1.0 - 2.6 / 3.5)).abs() < 1e-15);
        let smooth = Dice { smoothing: Smoothing { numerator: 1.0, denominator: 2.0 }, ..linear };
        assert!((smooth.value(&Sums::EXAMPLE) - (1.0 - 3.6 / 5.5)).abs() < 1e-15);
    }
}
