//! Cohen's kappa.

use super::{ClassLoss, Smoothing, Sums};
use crate::{Activation, Number, declaration::*};

/// Kappa loss: one minus Cohen's κ, the agreement of prediction and reference beyond chance.
///
/// L = 1 − (2 Σpg − 2C + s) / (Σp + Σg − 2C + s′), each class against the rest, with the overlap
/// C = Σp Σg / n that n voxels would have by chance.
///
/// Without smoothing that is 1 − κ = (1 − p_o) / (1 − p_e), with the share p_o of voxels on which the
/// two agree and the share p_e on which they would by chance. Like
/// [`MatthewsCorrelation`](super::MatthewsCorrelation) it rewards true negatives too.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 2] for s ≤ s′; 0 at a perfect match with hard labels when s = s′, 1 where the two
///   agree as by chance.
/// - **Errors**: smoothing below 0 or not finite.
/// - **Paper**: Zhang, Petitjean and Ainouz 2020, <https://doi.org/10.1109/ISBI45749.2020.9098404>.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Kappa {
    /// Added to numerator (s) and denominator (s′).
    pub smoothing: Smoothing,
}

impl Declare for Kappa {
    const DECLARATION: Declaration = Declaration {
        name: "kappa",
        title: "Kappa",
        class: "Kappa",
        short: "Kappa",
        summary: "one minus Cohen's κ, the agreement of prediction and reference beyond chance",
        formula: "1 − (2Σpg − 2C) / (Σp + Σg − 2C), C = Σp Σg / n",
        details: "L = 1 − (2 Σpg − 2C + s) / (Σp + Σg − 2C + s′), each class against the rest, with \
                  the overlap C = Σp Σg / n that n voxels would have by chance.\n\n\
                  It rewards true negatives too: swapping a class and its background changes nothing.",
        range: "[0, 2] for s ≤ s′; 1 where the two agree as by chance",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper {
            cite: "Zhang, Petitjean and Ainouz 2020",
            address: "https://doi.org/10.1109/ISBI45749.2020.9098404",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] =
        &[LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing))];
}

impl ClassLoss for Kappa {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        let Smoothing { numerator, denominator } = self.smoothing;
        // Where nothing counts there is no chance either.
        let chance = m.p * (m.g / m.n.select(m.n, 1.0));
        let agreement = (m.pg - chance) * 2.0 + numerator;
        1.0 - agreement / (m.p + m.g - chance * 2.0 + denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let plain = Kappa { smoothing: Smoothing::both(0.0) };
        // by hand: C = 1.5 × 2 / 3 = 1; 1 − (2.6 − 2) / (3.5 − 2)
        assert!((plain.value(&Sums::EXAMPLE) - 0.6).abs() < 1e-15);
        // by hand, hard: TP 20, FP 5, FN 10, TN 15 of 50: p_o = 0.7, p_e = 0.5, κ = 0.4
        let hard = Sums { pg: 20.0, p: 25.0, g: 30.0, n: 50.0, ..Sums::default() };
        assert!((plain.value(&hard) - 0.6).abs() < 1e-15);
        let smooth = Kappa { smoothing: Smoothing { numerator: 1.0, denominator: 2.0 } };
        // by hand: 1 − (0.6 + 1) / (1.5 + 2)
        assert!((smooth.value(&Sums::EXAMPLE) - (1.0 - 1.6 / 3.5)).abs() < 1e-15);
    }

    #[test]
    fn the_opposite_of_half_costs_two() {
        // by hand: P = G = n/2, no overlap: 1 + n/2 / (n − n/2)
        let opposite = Sums { pg: 0.0, p: 4.0, g: 4.0, n: 8.0, ..Sums::default() };
        assert!((Kappa::default().value(&opposite) - 2.0).abs() < 1e-4);
    }
}
