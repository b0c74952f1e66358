//! Matthews correlation coefficient.

use super::{ClassLoss, Sums};
use crate::{Activation, Number, declaration::*};

/// Matthews correlation loss: one minus the correlation of prediction and reference.
///
/// L = 1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg)), each class against the rest, with n voxels.
/// It is the one loss here that rewards true negatives: swapping a class and its background
/// changes nothing.
///
/// The smoothing s adds s voxels that are in both prediction and reference and s that are in
/// neither: s to Σpg, Σp and Σg, and 2s to n. So a perfect match stays a correlation of 1, also
/// where the class is absent or fills everything, and a class that is wholly missed or wholly
/// invented scores about 0, as in smoothed Dice. Without smoothing such a class is 0 / 0.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 2] for probabilities; 0 at a perfect match with hard labels, 1 without any
///   correlation.
/// - **Errors**: smoothing below 0 or not finite.
/// - **Paper**: Abhishek and Hamarneh 2020, <https://arxiv.org/abs/2010.13454>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatthewsCorrelation {
    /// s, in voxels; 1e-5 by default.
    pub smoothing: f64,
}

impl Default for MatthewsCorrelation {
    fn default() -> Self {
        Self { smoothing: 1e-5 }
    }
}

impl Declare for MatthewsCorrelation {
    const DECLARATION: Declaration = Declaration {
        name: "matthews_correlation",
        title: "Matthews correlation",
        class: "MatthewsCorrelation",
        short: "MatthewsCorrelation",
        summary: "one minus the correlation of prediction and reference, each class against the \
             rest",
        formula: "1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg))",
        details: "L = 1 − (n Σpg − Σp Σg) / √(Σp Σg (n − Σp)(n − Σg)), with n voxels, to which s \
             true positives and s true negatives are added.\n\n\
             It rewards true negatives too: swapping a class and its background changes \
             nothing.",
        range: "[0, 2] for probabilities; 1 without any correlation",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper {
            cite: "Abhishek and Hamarneh 2020",
            address: "https://arxiv.org/abs/2010.13454",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[LossOption::new(
        "smoothing",
        "s, voxels added to the true positives and to the true negatives",
        |l: &mut Self| Slot::Number(&mut l.smoothing),
    )
    .range(Range::at_least(0.0))
    .trial("1.0")];
}

impl ClassLoss for MatthewsCorrelation {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        let s = self.smoothing;
        // Not negative, and so never correlated beyond ±1, however the sums were rounded.
        let true_positives = m.pg + s;
        let false_positives = (m.p - m.pg).at_least_zero();
        let false_negatives = (m.g - m.pg).at_least_zero();
        let true_negatives = (m.pg - m.p + (m.n - m.g)).at_least_zero() + s;
        // Shares of all voxels: products of four sums leave f32 from sums of 1e9 on.
        let all = m.n + 2.0 * s;
        let [hits, alarms, misses, rejections] =
            [true_positives, false_positives, false_negatives, true_negatives].map(|of| of / all);
        let variances =
            (hits + alarms) * (hits + misses) * (rejections + alarms) * (rejections + misses);
        1.0 - (hits * rejections - alarms * misses) / variances.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Sum,
        tape::{Given, Tape},
    };

    #[test]
    fn values_by_hand() {
        let plain = MatthewsCorrelation { smoothing: 0.0 };
        // by hand: (3 × 1.3 − 1.5 × 2) / √(1.5 × 2 × 1.5 × 1) = 0.9 / √4.5 = 0.3 √2
        let wanted = 1.0 - 0.3 * std::f64::consts::SQRT_2;
        assert!((plain.value(&Sums::EXAMPLE) - wanted).abs() < 1e-15);
        let smooth = MatthewsCorrelation { smoothing: 1.0 };
        // by hand: (5 × 2.3 − 2.5 × 3) / √(2.5 × 3 × 2.5 × 2) = 4 / √37.5
        assert!((smooth.value(&Sums::EXAMPLE) - (1.0 - 4.0 / 37.5f64.sqrt())).abs() < 1e-15);
        // by hand, hard: TP 6, FP 1, FN 2, TN 3: (18 − 2) / √(7 × 8 × 4 × 5)
        let hard = Sums { pg: 6.0, p: 7.0, g: 8.0, n: 12.0, ..Sums::default() };
        assert!((plain.value(&hard) - (1.0 - 16.0 / 1120f64.sqrt())).abs() < 1e-15);
    }

    #[test]
    fn the_opposite_costs_two() {
        let opposite = Sums { pg: 0.0, p: 3.0, g: 2.0, n: 5.0, ..Sums::default() };
        assert!((MatthewsCorrelation::default().value(&opposite) - 2.0).abs() < 1e-4);
    }

    #[test]
    fn empty_and_full_are_matched_exactly() {
        for size in [0.0, 1e6] {
            let sums = Sums { pg: size, p: size, g: size, n: 1e6, ..Sums::default() };
            let tape = Tape::of_class(|m| MatthewsCorrelation::default().loss(m));
            let replay = tape.replay(&[Given::alone(sums)]);
            assert!(replay.value(0).abs() < 1e-9);
            // by hand: −(n + 2s) / (s(n + s)), and (1/s + 1/(n + s)) / 2 for both
            let (n, s) = (1e6, 1e-5);
            let (pg, p) = (-(n + 2.0 * s) / (s * (n + s)), (1.0 / s + 1.0 / (n + s)) / 2.0);
            // The smoothing is the 1e-11th part of the sums that it is added to.
            let agree = |found: f64, wanted: f64| (found / wanted - 1.0).abs() < 1e-4;
            assert!(agree(replay.slope(Sum::Intersection, 0), pg));
            assert!(agree(replay.slope(Sum::Prediction, 0), p));
        }
    }

    #[test]
    fn rounding_does_not_leave_the_range() {
        // More predicted than there are voxels, by the rounding of f32.
        let sums = Sums { pg: 1e6, p: 1e6 + 0.1, g: 1e6, n: 1e6, ..Sums::default() };
        let loss = MatthewsCorrelation::default().value(&sums);
        assert!((0.0..=2.0).contains(&loss), "{loss}");
    }

    #[test]
    fn false_positives_of_an_absent_class_cost() {
        let few = Sums { p: 1e-3, n: 9.0, ..Sums::default() };
        let many = Sums { p: 3.0, n: 9.0, ..Sums::default() };
        let loss = MatthewsCorrelation::default();
        assert!(loss.value(&few) < loss.value(&many) && loss.value(&many) > 0.99);
    }
}
