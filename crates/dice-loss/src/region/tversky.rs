//! The Tversky index.

use super::{ClassLoss, Overlap, Smoothing, Sums};
use crate::{Activation, Number, Result, declaration::*, error::parameter};

/// Tversky loss: Dice with a price each for false positives and false negatives.
///
/// L = 1 − (I + s) / (I + α FP + β FN + s′), with the soft intersection I = Σpg, FP = Σp − I and
/// FN = Σg − I.
///
/// α weighs false positives and β false negatives. The defaults, 0.3 and 0.7, are those the paper
/// found best; they favour recall. α = β = ½ is Dice (whose smoothing is then 2s: here it stands
/// beside I, not 2I), which other libraries take as their default; α = β = 1 is IoU.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 1] for hard labels and s ≤ s′; 0 at a perfect match when s = s′.
/// - **Errors**: α, β or smoothing below 0 or not finite; `squared` with α above β.
/// - **Papers**: Salehi, Erdogmus and Gholipour 2017, <https://arxiv.org/abs/1706.05721>; Wang and
///   Blaschko 2023, <https://arxiv.org/abs/2302.05666>, and Wang et al. 2023,
///   <https://arxiv.org/abs/2303.16296> ([`Overlap::L1`], for soft labels).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tversky {
    /// Sizes as sums of squares: FP = Σp² − I and FN = Σg² − I, with I = Σpg whatever
    /// [`overlap`](Self::overlap) says, as in [`Dice`](super::Dice).
    pub squared: bool,
    /// α, the weight of false positives; 0.3 by default.
    pub alpha: f64,
    /// β, the weight of false negatives; 0.7 by default.
    pub beta: f64,
    /// How the intersection is counted.
    pub overlap: Overlap,
    /// Added to numerator (s) and denominator (s′).
    pub smoothing: Smoothing,
}

impl Default for Tversky {
    fn default() -> Self {
        Self {
            squared: false,
            alpha: 0.3,
            beta: 0.7,
            overlap: Overlap::default(),
            smoothing: Smoothing::default(),
        }
    }
}

impl Declare for Tversky {
    const DECLARATION: Declaration = Declaration {
        name: "tversky",
        title: "Tversky",
        class: "Tversky",
        short: "Tversky",
        summary: "Dice with a price each for false positives and false negatives",
        formula: "1 − Σpg / (Σpg + α Σp(1 − g) + β Σ(1 − p)g)",
        details: "L = 1 − (I + s) / (I + α FP + β FN + s′), with the soft intersection I = Σpg, FP \
             = Σp − I and FN = Σg − I; with `squared`, Σp² and Σg² stand for Σp and Σg, I is \
             Σpg whatever the overlap, and α is at most β: where a voxel is half found, Σp² − I \
             is negative, and a larger α would reward that.\n\n\
             The defaults favour recall. α = β = ½ is Dice (with 2s for s), α = β = 1 is IoU.",
        range: "[0, 1] for hard labels and s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[
            Paper {
                cite: "Salehi, Erdogmus and Gholipour 2017",
                address: "https://arxiv.org/abs/1706.05721",
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
        LossOption::new("alpha", "α, the weight of false positives", |l: &mut Self| {
            Slot::Number(&mut l.alpha)
        })
        .range(Range::at_least(0.0))
        .trial("0.6"),
        LossOption::new("beta", "β, the weight of false negatives", |l: &mut Self| {
            Slot::Number(&mut l.beta)
        })
        .range(Range::at_least(0.0))
        .trial("0.9"),
        LossOption::overlap(|l: &mut Self| Slot::Choice(&mut l.overlap)),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
    ];

    fn fits(&self, loss: &str) -> Result<()> {
        let Self { squared, alpha, beta, .. } = self;
        // A voxel of the class adds (1 − p)(β − αp) to what is missed.
        if *squared && alpha > beta {
            let wanted = format!("at most beta, {beta}, with squared");
            return parameter(format!("{loss}: alpha"), alpha, wanted);
        }
        Ok(())
    }
}

impl ClassLoss for Tversky {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        let [overlap, predicted, reference] = self.overlap.with_sizes(m, self.squared);
        let false_positives = predicted - overlap;
        let false_negatives = reference - overlap;
        let counted = overlap + false_positives * self.alpha + false_negatives * self.beta;
        let Smoothing { numerator, denominator } = self.smoothing;
        1.0 - (overlap + numerator) / (counted + denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::FocalTversky, *};

    #[test]
    fn values_by_hand() {
        let plain = Tversky { smoothing: Smoothing::both(0.0), ..Tversky::default() };
        // by hand: 1.3 + 0.3 × 0.2 + 0.7 × 0.7 = 1.85
        assert!((plain.value(&Sums::EXAMPLE) - 0.55 / 1.85).abs() < 1e-15);
        // by hand: 1.3 + 0.3 × (1.01 − 1.3) + 0.7 × 0.7 = 1.703
        let squared = Tversky { squared: true, ..plain };
        assert!((squared.value(&Sums::EXAMPLE) - 0.403 / 1.703).abs() < 1e-15);
        let soft = Tversky { overlap: Overlap::L1, ..plain };
        assert!((soft.value(&Sums::EXAMPLE) - 0.55 / 1.85).abs() < 1e-15);
        let smooth = Tversky { smoothing: Smoothing { numerator: 1.0, denominator: 2.0 }, ..plain };
        assert!((smooth.value(&Sums::EXAMPLE) - 1.55 / 3.85).abs() < 1e-15);
    }

    #[test]
    fn squared_sizes_reward_no_half_found_voxel() {
        let steep = Tversky { squared: true, alpha: 0.7, beta: 0.3, ..Tversky::default() };
        let error = steep.sigmoid().check(1).expect_err("alpha above beta").to_string();
        assert!(error.contains("tversky: alpha: found 0.7, wanted at most beta, 0.3"), "{error}");
        let inside = FocalTversky { tversky: steep, gamma: 0.5 }.sigmoid();
        let error = inside.check(1).expect_err("the same inside").to_string();
        assert!(error.contains("focal_tversky: alpha: found 0.7"), "{error}");
        // by hand: one voxel, p = ½, α = β: (½ · ½ α) / (½ + α (¼ − ½) + α (1 − ½)) = ¼α / (½ + ¼α)
        let even = Tversky { squared: true, alpha: 1.0, beta: 1.0, ..Tversky::default() };
        let half = Sums { pg: 0.5, p: 0.5, pp: 0.25, g: 1.0, gg: 1.0, n: 1.0, ..Sums::default() };
        assert!((even.value(&half) - 1.0 / 3.0).abs() < 1e-5);
    }

    #[test]
    fn a_missed_voxel_costs_beta() {
        // by hand: one voxel found, one missed; T = 1 / (1 + β)
        let sums = Sums { pg: 1.0, p: 1.0, g: 2.0, n: 9.0, ..Sums::default() };
        let loss = Tversky { alpha: 5.0, beta: 3.0, ..Tversky::default() };
        assert!((loss.value(&sums) - 0.75).abs() < 1e-5);
    }
}
