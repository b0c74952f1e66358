//! What clDice makes of its sums.

use crate::{Smoothing, declaration::*, error::stated};

/// The sums of a class, with the soft skeletons S(p) and S(g); or derivatives by them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Lines {
    /// Σ S(p) g.
    pub skeleton_g: f64,
    /// Σ S(p).
    pub skeleton: f64,
    /// Σ p S(g).
    pub p_skeleton: f64,
    /// Σ S(g).
    pub reference: f64,
    /// Σpg, Σp and Σg.
    pub pg: f64,
    pub p: f64,
    pub g: f64,
}

impl Lines {
    /// In the order in which they are said above.
    pub fn new([skeleton_g, skeleton, p_skeleton, reference, pg, p, g]: [f64; 7]) -> Self {
        Self { skeleton_g, skeleton, p_skeleton, reference, pg, p, g }
    }

    fn each(self) -> [f64; 7] {
        let Self { skeleton_g, skeleton, p_skeleton, reference, pg, p, g } = self;
        [skeleton_g, skeleton, p_skeleton, reference, pg, p, g]
    }

    /// Adds so many times others.
    pub fn add(&mut self, others: &Self, times: f64) {
        let (all, others) = (self.each(), others.each());
        *self = Self::new(std::array::from_fn(|i| all[i] + times * others[i]));
    }

    pub fn times(self, factor: f64) -> Self {
        Self::new(self.each().map(|sum| factor * sum))
    }
}

/// How skeletons are made, and what the loss is of their sums.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Formula {
    /// A whole number.
    pub iterations: f64,
    pub smoothing: Smoothing,
    pub epsilon: f64,
    pub alpha: f64,
}

impl Default for Formula {
    fn default() -> Self {
        Self { iterations: 3.0, smoothing: Smoothing::both(1.0), epsilon: 0.0, alpha: 1.0 }
    }
}

impl Declare for Formula {
    const DECLARATION: Declaration =
        Declaration { name: super::NAME, title: "clDice", class: "ClDice", ..Declaration::OWN };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "iterations",
            "how often the maps are eroded for their skeletons: the largest radius of a tube, in voxels",
            |l: &mut Self| Slot::Number(&mut l.iterations),
        )
        .range(Range::closed(0.0, 1000.0)),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
        LossOption::new(
            "epsilon",
            "ε, added to the denominator of the harmonic mean",
            |l: &mut Self| Slot::Number(&mut l.epsilon),
        )
        .range(Range::at_least(0.0)),
        LossOption::new(
            "alpha",
            "α, the share of clDice: the loss is (1 − α) Dice + α clDice",
            |l: &mut Self| Slot::Number(&mut l.alpha),
        )
        .range(Range::closed(0.0, 1.0)),
    ];

    fn fits(&self, loss: &str) -> crate::Result<()> {
        match self.iterations.fract() == 0.0 {
            true => Ok(()),
            false => {
                stated(format!("{loss}: iterations"), self.iterations.to_string(), "a whole number")
            }
        }
    }
}

impl Formula {
    /// The loss of a class, and `factor` times its derivatives by what is not of the reference alone.
    pub fn loss(&self, sums: &Lines, factor: f64) -> (f64, Lines) {
        let Smoothing { numerator, denominator } = self.smoothing;
        let (of_prediction, of_reference) =
            (sums.skeleton + denominator, sums.reference + denominator);
        let precision = (sums.skeleton_g + numerator) / of_prediction;
        let sensitivity = (sums.p_skeleton + numerator) / of_reference;
        let total = precision + sensitivity + self.epsilon;
        let score = 2.0 * precision * sensitivity / total;
        let by = |other: f64| 2.0 * other * (other + self.epsilon) / (total * total);
        let (by_precision, by_sensitivity) = (by(sensitivity), by(precision));

        let sizes = sums.p + sums.g + denominator;
        let dice = (2.0 * sums.pg + numerator) / sizes;

        let (lines, whole) = (factor * self.alpha, factor * (1.0 - self.alpha));
        let slopes = Lines {
            skeleton_g: -lines * by_precision / of_prediction,
            skeleton: lines * by_precision * precision / of_prediction,
            p_skeleton: -lines * by_sensitivity / of_reference,
            pg: -whole * 2.0 / sizes,
            p: whole * dice / sizes,
            ..Lines::default()
        };
        let loss = match self.alpha {
            // What has no share cannot spoil it: without smoothing it may be 0 / 0.
            1.0 => 1.0 - score,
            0.0 => 1.0 - dice,
            alpha => alpha * (1.0 - score) + (1.0 - alpha) * (1.0 - dice),
        };
        (loss, slopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMS: Lines = Lines {
        skeleton_g: 3.0,
        skeleton: 5.0,
        p_skeleton: 2.0,
        reference: 4.0,
        pg: 6.0,
        p: 8.0,
        g: 7.0,
    };

    #[test]
    fn values_by_hand() {
        // By hand: precision 4/6, sensitivity 3/5, so 2 · 0.4 / (19/15).
        let (loss, _) = Formula::default().loss(&SUMS, 1.0);
        assert!((loss - (1.0 - 0.8 * 15.0 / 19.0)).abs() < 1e-15);
        let half = Formula { alpha: 0.5, ..Formula::default() };
        let wanted = (loss + 1.0 - 13.0 / 16.0) / 2.0;
        assert!((half.loss(&SUMS, 1.0).0 - wanted).abs() < 1e-15);
        let only = Formula { alpha: 0.0, ..Formula::default() };
        assert_eq!(only.loss(&SUMS, 1.0).0, 1.0 - 13.0 / 16.0);
    }

    #[test]
    fn derivatives_are_those_of_differences() {
        const STEP: f64 = 1e-6;
        let smoothing = Smoothing { numerator: 0.5, denominator: 0.75 };
        let formula = Formula { smoothing, epsilon: 0.25, alpha: 0.4, ..Formula::default() };
        let (_, slopes) = formula.loss(&SUMS, 2.0);
        // Those of the reference have none.
        for (at, found) in
            slopes.each().into_iter().enumerate().filter(|(at, _)| ![3, 6].contains(at))
        {
            let moved = |step: f64| {
                let mut sums = SUMS.each();
                sums[at] += step;
                formula.loss(&Lines::new(sums), 1.0).0
            };
            let wanted = 2.0 * (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert!((found - wanted).abs() < 1e-9, "{at}: {found} {wanted}");
        }
    }
}
