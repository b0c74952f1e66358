//! Generalized Wasserstein Dice.

use serde::{Deserialize, Serialize};

use super::{Distances, RowLoss, Smoothing, VolumeWeight};
use crate::{Activation, Number, Result, Row, declaration::*, error::parameter};

/// How the classes weigh in the generalized Wasserstein Dice loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransportWeight {
    /// As in the paper: only foreground classes count as found, the cost of every voxel counts.
    /// Class 0 is the background.
    #[default]
    Foreground,
    /// As in generalized Dice: found and cost both weigh by the size of the class, the background
    /// like any other.
    Volume(VolumeWeight),
}

impl Words for TransportWeight {
    const TYPE: &'static str = "TransportWeight";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("foreground", Self::Foreground),
        ("inverse_square", Self::Volume(VolumeWeight::InverseSquare)),
        ("inverse", Self::Volume(VolumeWeight::Inverse)),
        ("uniform", Self::Volume(VolumeWeight::Uniform)),
    ];
}

/// Generalized Wasserstein Dice loss: Dice in which confusing two classes costs their distance.
///
/// A voxel of class k costs W = Σ_l M_kl p_l, the cost of moving its prediction to k. With
/// E_k = ΣgW the cost of a class and G_k its size,
/// L = 1 − (2 Σ_k a_k (G_k − E_k) + s) / (2 Σ_k a_k (G_k − E_k) + Σ_k b_k E_k + s′), where a = 1
/// for foreground classes, 0 for the background, and b = 1 ([`TransportWeight::Foreground`]), or
/// a = b = v ([`TransportWeight::Volume`]). Class weights ([`Term`](crate::Term)) multiply both.
///
/// With the background left out, or absent, the voxels that belong to it cost nothing.
///
/// - **Activation**: softmax, or probabilities that add up to 1. A voxel's own class costs nothing
///   here, so under sigmoid a prediction of nothing at all would be perfect.
/// - **Shapes**: one value per sample, or one for the batch.
/// - **Range**: [0, 1] for s ≤ s′; 0 at a perfect match when s = s′.
/// - **Errors**: distances that do not fit the classes (see [`Distances`]); fewer than 2 classes;
///   smoothing below 0 or not finite; sigmoid.
/// - **Paper**: Fidon et al. 2017, <https://arxiv.org/abs/1707.00478>.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeneralizedWassersteinDice {
    /// M, how far apart the classes are.
    pub distances: Distances,
    /// How the classes are weighed.
    pub weight: TransportWeight,
    /// Added to numerator (s) and denominator (s′).
    pub smoothing: Smoothing,
}

impl Declare for GeneralizedWassersteinDice {
    const DECLARATION: Declaration = Declaration {
        name: "generalized_wasserstein_dice",
        title: "Generalized Wasserstein Dice",
        class: "GeneralizedWassersteinDice",
        short: "GeneralizedWassersteinDice",
        summary: "Dice in which confusing two classes costs their distance",
        formula: "1 − 2 Σ_k a_k (G_k − E_k) / (2 Σ_k a_k (G_k − E_k) + Σ_k E_k), E_k = Σ g_k Σ_l \
             M_kl p_l",
        details: "With the cost E_k = Σ g_k Σ_l M_kl p_l of a class and its size G_k, L = 1 − (2 \
             Σ_k a_k (G_k − E_k) + s) / (2 Σ_k a_k (G_k − E_k) + Σ_k b_k E_k + s′), where a = \
             1 for foreground classes, 0 for the background, and b = 1; or a = b = v by the \
             size of the class.\n\n\
             Probabilities must add up to 1 over the classes.",
        range: "[0, 1] for s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Probabilities],
        papers: &[Paper { cite: "Fidon et al. 2017", address: "https://arxiv.org/abs/1707.00478" }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "distances",
            "M, a row for each class: not negative, 0 on the diagonal, divided by its largest entry; by default all classes are equally far apart",
            |l: &mut Self| Slot::Distances(&mut l.distances),
        ),
        LossOption::new(
            "weight",
            "`foreground`, a = 1 for foreground classes, 0 for the background, and b = 1; or a = b = v by the size G of a class: `inverse_square`, 1/G²; `inverse`, 1/G; `uniform`, 1",
            |l: &mut Self| Slot::Choice(&mut l.weight),
        ),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
    ];
}

impl RowLoss for GeneralizedWassersteinDice {
    fn loss<'t>(&self, row: &Row<'t>) -> Number<'t> {
        let (of_found, of_cost) = match self.weight {
            TransportWeight::Foreground => (row.weight * row.foreground, row.weight),
            TransportWeight::Volume(volume) => (volume.of(row), volume.of(row)),
        };
        let cost = row.total(of_cost, row.sums.transport);
        let found = row.total(of_found, row.sums.g - row.sums.transport);
        let Smoothing { numerator, denominator } = self.smoothing;
        1.0 - (found * 2.0 + numerator) / (found * 2.0 + cost + denominator)
    }

    fn check(&self, classes: usize) -> Result<()> {
        if classes < 2 {
            return parameter(
                format!("{}: classes", Self::DECLARATION.name),
                classes,
                "2 or more: a cost needs a class to be taken for",
            );
        }
        Ok(())
    }

    fn distances(&self) -> Option<&Distances> {
        Some(&self.distances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sums;

    /// Three voxels, one of each class, predicted as (0.8, 0.1, 0.1), (0.2, 0.5, 0.3) and
    /// (0.1, 0.3, 0.6). Classes 1 and 2 are 0.5 apart, both 1 from the background, so the voxels
    /// cost 0.1 + 0.1, 0.2 + 0.15 and 0.1 + 0.15.
    fn row() -> [Sums; 3] {
        [0.2, 0.35, 0.25].map(|transport| Sums { transport, g: 1.0, n: 3.0, ..Sums::default() })
    }

    fn plain(weight: TransportWeight) -> GeneralizedWassersteinDice {
        let smoothing = Smoothing::both(0.0);
        GeneralizedWassersteinDice { weight, smoothing, ..Default::default() }
    }

    #[test]
    fn values_by_hand() {
        let paper = plain(TransportWeight::Foreground);
        // by hand: 2 (0.65 + 0.75) / (2 (0.65 + 0.75) + 0.8)
        assert!((paper.value(&row(), &[1.0; 3]) - 0.8 / 3.6).abs() < 1e-15);
        // by hand: without the background's 0.2
        assert!((paper.value(&row(), &[0.0, 1.0, 1.0]) - 0.6 / 3.4).abs() < 1e-15);
        let volume = plain(TransportWeight::Volume(VolumeWeight::Inverse));
        // by hand: 2 (0.8 + 0.65 + 0.75) / (2 (0.8 + 0.65 + 0.75) + 0.8)
        assert!((volume.value(&row(), &[1.0; 3]) - 0.8 / 5.2).abs() < 1e-15);
        // by hand: twice the background at the same cost weighs it half: 0.9 and 0.1
        let mut row = row();
        row[0].g = 2.0;
        assert!((volume.value(&row, &[1.0; 3]) - 0.7 / 5.3).abs() < 1e-15);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let loss = GeneralizedWassersteinDice::default;
        assert!(loss().softmax().check(2).is_ok());
        assert!(loss().sigmoid().check(2).is_err());
        assert!(loss().probabilities().check(1).is_err());
    }
}
