//! The recall of skeletons.

use super::{ClassLoss, Smoothing, Sums};
use crate::{
    Activation, Number,
    declaration::*,
    maps::{Recipe, Wanted},
};

/// Skeleton recall loss: one minus the share of the reference's skeleton that is predicted.
///
/// L = 1 − (Σmp + s) / (Σm + s′), with m the dilated skeleton of each class, within the class.
///
/// For vessels, airways, roads: a gap in a thin branch costs as much as one in a thick branch. False
/// positives cost nothing, so it is for beside an overlap loss.
///
/// - **Map**: `skeleton`, (N, C, S); 1 on the dilated skeleton of the class, else 0.
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 1]; 0 where the whole skeleton is predicted, whatever else is.
/// - **Errors**: smoothing below 0 or not finite; a radius below 0; a spacing that is not above 0; a
///   target without the map.
/// - **Paper**: Kirchhoff et al. 2024, <https://arxiv.org/abs/2404.03010>.
#[derive(Debug, Clone, PartialEq)]
pub struct SkeletonRecall {
    /// How far the skeleton is dilated, in the units of the spacing; 2 by default.
    pub radius: f64,
    /// The distance from voxel to voxel along each spatial axis; 1 by default.
    pub spacing: Option<Vec<f64>>,
    /// Added to numerator (s) and denominator (s′).
    pub smoothing: Smoothing,
}

impl Default for SkeletonRecall {
    fn default() -> Self {
        Self { radius: 2.0, spacing: None, smoothing: Smoothing::default() }
    }
}

impl Declare for SkeletonRecall {
    const DECLARATION: Declaration = Declaration {
        name: "skeleton_recall",
        title: "Skeleton recall",
        class: "SkeletonRecall",
        short: "SkeletonRecall",
        summary: "one minus the share of the reference's skeleton that is predicted",
        formula: "1 − Σmp / Σm",
        details: "L = 1 − (Σmp + s) / (Σm + s′), with m the dilated skeleton of each class, within the \
             class, which the target carries as the map `skeleton`.\n\n\
             False positives cost nothing: add it to an overlap loss.",
        range: "[0, 1]",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper {
            cite: "Kirchhoff et al. 2024",
            address: "https://arxiv.org/abs/2404.03010",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "radius",
            "how far the skeleton is dilated, in the units of the spacing",
            |l: &mut Self| Slot::Number(&mut l.radius),
        )
        .range(Range::at_least(0.0))
        .trial("1.0"),
        LossOption::spacing(|l: &mut Self| Slot::Spacing(&mut l.spacing)),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
    ];

    fn map(&self) -> Option<Wanted> {
        let recipe = Recipe::Skeleton { radius: self.radius, spacing: self.spacing.clone() };
        Some(Wanted { name: "skeleton", is_signed: false, recipe })
    }
}

impl ClassLoss for SkeletonRecall {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        let Smoothing { numerator, denominator } = self.smoothing;
        1.0 - (m.p + numerator) / (m.mapped + denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // p = (0.9, 0.2, 0.4), m = (1, 0, 1): Σmp = 1.3, Σm = 2
        let weighed = Sums { p: 1.3, mapped: 2.0, ..Sums::default() };
        let smoothing = Smoothing::both(0.0);
        let plain = SkeletonRecall { smoothing, ..SkeletonRecall::default() };
        assert!((plain.value(&weighed) - 0.35).abs() < 1e-15);
        let smoothing = Smoothing { numerator: 1.0, denominator: 2.0 };
        let smooth = SkeletonRecall { smoothing, ..SkeletonRecall::default() };
        assert!((smooth.value(&weighed) - (1.0 - 2.3 / 4.0)).abs() < 1e-15);
    }
}
