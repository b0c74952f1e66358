//! Intersection over union.

use super::{ClassLoss, Overlap, Smoothing, Sums};
use crate::{Activation, Number, declaration::*};

/// Soft intersection over union (IoU, the Jaccard index): one minus the overlap over the union.
///
/// L = 1 − (I + s) / (Σp + Σg − I + s′), with the soft intersection I = Σpg.
///
/// With [`squared`](Self::squared) sizes Σp² and Σg² it is the power Jaccard loss with the power 2.
///
/// The smoothing is that of this ratio. Without it, IoU = D / (2 − D) for the Dice coefficient D
/// of the same sums, so the two have the same minimum and IoU punishes a small overlap more.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 1] for hard labels and s ≤ s′; 0 at a perfect match when s = s′.
/// - **Errors**: smoothing below 0 or not finite.
/// - **Papers**: Rahman and Wang 2016, <https://doi.org/10.1007/978-3-319-50835-1_22>; Wang and
///   Blaschko 2023, <https://arxiv.org/abs/2302.05666> ([`Overlap::L1`], for soft labels);
///   Duque-Arias et al. 2021, <https://hal.science/hal-03139997> (squared).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct IoU {
    /// Sizes as sums of squares: power Jaccard with the power 2. With [`Overlap::L1`] the overlap is
    /// Σpg again, as in [`Dice`](super::Dice).
    pub squared: bool,
    /// How the intersection is counted.
    pub overlap: Overlap,
    /// Added to numerator (s) and denominator (s′).
    pub smoothing: Smoothing,
}

impl Declare for IoU {
    const DECLARATION: Declaration = Declaration {
        name: "iou",
        title: "IoU",
        class: "IoU",
        short: "IoU",
        summary: "intersection over union, the Jaccard index: one minus the overlap over the union",
        formula: "1 − Σpg / (Σp + Σg − Σpg)",
        details: "L = 1 − (I + s) / (Σp + Σg − I + s′), with the soft intersection I = Σpg; or with `squared` sizes Σp² and Σg² (power Jaccard).\n\n\
             It has the minimum of Dice and punishes a small overlap more.",
        range: "[0, 1] for hard labels and s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[
            Paper {
                cite: "Rahman and Wang 2016",
                address: "https://doi.org/10.1007/978-3-319-50835-1_22",
            },
            Paper {
                cite: "Wang and Blaschko 2023 (`l1`)",
                address: "https://arxiv.org/abs/2302.05666",
            },
            Paper {
                cite: "Duque-Arias et al. 2021 (squared)",
                address: "https://hal.science/hal-03139997",
            },
        ],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "squared",
            "sizes as sums of squares, Σp² + Σg², beside Σpg whatever the overlap",
            |l: &mut Self| Slot::Flag(&mut l.squared),
        ),
        LossOption::overlap(|l: &mut Self| Slot::Choice(&mut l.overlap)),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
    ];
}

impl ClassLoss for IoU {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        let [overlap, predicted, reference] = self.overlap.with_sizes(m, self.squared);
        let union = predicted + reference - overlap;
        let Smoothing { numerator, denominator } = self.smoothing;
        1.0 - (overlap + numerator) / (union + denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let plain = IoU { smoothing: Smoothing::both(0.0), ..IoU::default() };
        // by hand: the union is 1.5 + 2 − 1.3 = 2.2
        assert!((plain.value(&Sums::EXAMPLE) - 0.9 / 2.2).abs() < 1e-15);
        // by hand: the union is 1.01 + 2 − 1.3 = 1.71
        let squared = IoU { squared: true, ..plain };
        assert!((squared.value(&Sums::EXAMPLE) - 0.41 / 1.71).abs() < 1e-15);
        let soft = IoU { overlap: Overlap::L1, ..plain };
        assert!((soft.value(&Sums::EXAMPLE) - 0.9 / 2.2).abs() < 1e-15);
        let smooth = IoU { smoothing: Smoothing { numerator: 1.0, denominator: 2.0 }, ..plain };
        assert!((smooth.value(&Sums::EXAMPLE) - 1.9 / 4.2).abs() < 1e-15);
    }

    #[test]
    fn soft_labels_are_matched_exactly_in_l1_only() {
        // by hand: p = g = (0.5, 0.5), so Σpg = 0.5 but Σ|p − g| = 0
        let sums = Sums {
            pg: 0.5,
            p: 1.0,
            pp: 0.5,
            abs_p: 1.0,
            g: 1.0,
            gg: 0.5,
            n: 2.0,
            ..Sums::default()
        };
        let product = IoU { smoothing: Smoothing::both(0.0), ..IoU::default() };
        assert!((product.value(&sums) - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(IoU { overlap: Overlap::L1, ..product }.value(&sums), 0.0);
    }
}
