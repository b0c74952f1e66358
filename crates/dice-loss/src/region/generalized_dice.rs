//! Generalized Dice.

use serde::{Deserialize, Serialize};

use super::{Overlap, RowLoss, Smoothing};
use crate::{Activation, Number, Row, declaration::*};

/// How much a class weighs against the others, by the size G of its reference.
///
/// Only ratios matter: the smallest class present weighs 1, so that smoothing is in voxels, as in
/// the other losses. A class that is absent, but takes part ([`Absent::Formula`](crate::Absent)),
/// weighs as much as the smallest present one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeWeight {
    /// 1 / G², as in the paper.
    #[default]
    InverseSquare,
    /// 1 / G.
    Inverse,
    /// The same for all.
    Uniform,
}

impl Words for VolumeWeight {
    const TYPE: &'static str = "VolumeWeight";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("inverse_square", Self::InverseSquare),
        ("inverse", Self::Inverse),
        ("uniform", Self::Uniform),
    ];
}

impl VolumeWeight {
    /// The weight of each class, times its weight in the row.
    pub(super) fn of<'t>(self, row: &Row<'t>) -> Number<'t> {
        // 0 of a class that is absent, or takes no part.
        let size = row.weight.select(row.sums.g, 0.0);
        let relative = size.select(row.least(size), 1.0) / size.select(size, 1.0);
        match self {
            Self::InverseSquare => row.weight * (relative * relative),
            Self::Inverse => row.weight * relative,
            Self::Uniform => row.weight,
        }
    }
}

/// Generalized Dice loss: one Dice ratio for all classes, in which a rare class weighs more.
///
/// L = 1 − (2 Σ_k v_k I_k + s) / (Σ_k v_k (Σp_k + Σg_k) + s′), with the soft intersections
/// I = Σpg and the weights v of [`VolumeWeight`]. Class weights ([`Term`](crate::Term)) multiply v.
///
/// Where no class is present all weigh 1, so under [`Absent::Formula`](crate::Absent) an empty
/// reference still pushes false positives down.
///
/// - **Shapes**: one value per sample, or one for the batch.
/// - **Range**: [0, 1] for hard labels and s ≤ s′; 0 at a perfect match when s = s′.
/// - **Errors**: smoothing below 0 or not finite.
/// - **Paper**: Sudre et al. 2017, <https://arxiv.org/abs/1707.03237>.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GeneralizedDice {
    /// How the classes are weighed.
    pub weight: VolumeWeight,
    /// How the intersection is counted.
    pub overlap: Overlap,
    /// Added to numerator (s) and denominator (s′).
    pub smoothing: Smoothing,
}

impl Declare for GeneralizedDice {
    const DECLARATION: Declaration = Declaration {
        name: "generalized_dice",
        title: "Generalized Dice",
        class: "GeneralizedDice",
        short: "GeneralizedDice",
        summary: "one Dice ratio for all classes, in which a rare class weighs more",
        formula: "1 − 2 Σ_k v_k Σpg / Σ_k v_k (Σp + Σg), v_k = 1 / (Σg_k)²",
        details: "L = 1 − (2 Σ_k v_k I_k + s) / (Σ_k v_k (Σp_k + Σg_k) + s′), with the soft \
             intersections I = Σpg and weights v by the size of the class, the smallest class \
             present weighing 1.",
        range: "[0, 1] for hard labels and s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper { cite: "Sudre et al. 2017", address: "https://arxiv.org/abs/1707.03237" }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "weight",
            "v by the size G of a class: `inverse_square`, 1/G²; `inverse`, 1/G; `uniform`, 1",
            |l: &mut Self| Slot::Choice(&mut l.weight),
        ),
        LossOption::overlap(|l: &mut Self| Slot::Choice(&mut l.overlap)),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
    ];
}

impl RowLoss for GeneralizedDice {
    fn loss<'t>(&self, row: &Row<'t>) -> Number<'t> {
        let Smoothing { numerator, denominator } = self.smoothing;
        let weight = self.weight.of(row);
        let (overlap, predicted) = self.overlap.of(&row.sums);
        let overlaps = row.total(weight, overlap);
        let sizes = row.total(weight, predicted + row.sums.g);
        1.0 - (overlaps * 2.0 + numerator) / (sizes + denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Sum, Sums,
        tape::{Given, Tape},
    };

    /// p = (0.1, 0.8, 0.6), g = (0, 1, 0).
    const REST: Sums = Sums { pg: 0.8, p: 1.5, g: 1.0, gg: 1.0, n: 3.0, ..EMPTY };
    /// Not in the reference, but predicted.
    const ABSENT: Sums = Sums { p: 0.5, ..EMPTY };
    const EMPTY: Sums = Sums {
        pg: 0.0,
        p: 0.0,
        pp: 0.0,
        l1: 0.0,
        abs_p: 0.0,
        transport: 0.0,
        sensitivity_error: 0.0,
        specificity_error: 0.0,
        squared_error: 0.0,
        mapped: 0.0,
        g: 0.0,
        gg: 0.0,
        n: 3.0,
    };

    fn plain(weight: VolumeWeight) -> GeneralizedDice {
        GeneralizedDice { weight, smoothing: Smoothing::both(0.0), ..GeneralizedDice::default() }
    }

    #[test]
    fn values_by_hand() {
        let row = [Sums::EXAMPLE, REST];
        let loss = |weight| plain(weight).value(&row, &[1.0, 1.0]);
        // by hand: 2 (1.3/4 + 0.8) / (3.5/4 + 2.5) = 2.25 / 3.375
        assert!((loss(VolumeWeight::InverseSquare) - 1.0 / 3.0).abs() < 1e-15);
        // by hand: 2 (1.3/2 + 0.8) / (3.5/2 + 2.5) = 2.9 / 4.25
        assert!((loss(VolumeWeight::Inverse) - 1.35 / 4.25).abs() < 1e-15);
        // by hand: 2 × 2.1 / 6
        assert!((loss(VolumeWeight::Uniform) - 0.3).abs() < 1e-15);
        // by hand: class weights 4 and 1 cancel 1/4 and 1
        let weighted = plain(VolumeWeight::InverseSquare).value(&row, &[4.0, 1.0]);
        assert!((weighted - 0.3).abs() < 1e-15);
    }

    #[test]
    fn an_absent_class_weighs_as_the_smallest_present() {
        let row = [Sums::EXAMPLE, REST, ABSENT];
        let loss = plain(VolumeWeight::InverseSquare);
        // by hand: 0.5 more in the denominator
        assert!((loss.value(&row, &[1.0; 3]) - (1.0 - 2.25 / 3.875)).abs() < 1e-15);
        assert!((loss.value(&row, &[1.0, 1.0, 0.0]) - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn an_empty_reference_pushes_false_positives_down() {
        let row = [ABSENT, ABSENT];
        let tape = Tape::of_row(|row| GeneralizedDice::default().loss(row));
        let replay = tape.replay(&row.map(Given::alone));
        assert!((replay.value(0) - 1.0).abs() < 1e-4);
        assert!(replay.slope(Sum::Prediction, 0) > 0.0);
    }
}
