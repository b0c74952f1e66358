//! Boundary loss.

use super::{ClassLoss, Sums};
use crate::{
    Activation, Number,
    declaration::*,
    maps::{Recipe, Wanted},
};

/// Boundary loss: the mean of the probabilities times the signed distances to the border.
///
/// L = Σmp / Σ1, with the signed distance m of each voxel to the border of the class, negative inside.
///
/// What is predicted far outside the reference costs most, and what is predicted deep inside it gains
/// most. By itself it leads to empty predictions: the paper adds it to an overlap loss, with a weight
/// that rises from epoch to epoch.
///
/// - **Map**: `boundary`, (N, C, S), in the units of the spacing; may be negative.
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: any; least at a perfect match, where it is below 0.
/// - **Errors**: a spacing that is not above 0; a target without the map.
/// - **Paper**: Kervadec et al. 2019, <https://arxiv.org/abs/1812.07032>.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Boundary {
    /// The distance from voxel to voxel along each spatial axis; 1 by default.
    pub spacing: Option<Vec<f64>>,
}

impl Declare for Boundary {
    const DECLARATION: Declaration = Declaration {
        name: "boundary",
        title: "Boundary",
        class: "Boundary",
        short: "Boundary",
        summary: "the mean of the probabilities times the signed distances to the border",
        formula: "Σmp / Σ1",
        details: "L = Σmp / Σ1, with the signed distance m of each voxel to the border of the class, \
             negative inside, which the target carries as the map `boundary`.\n\n\
             By itself it leads to empty predictions: add it to an overlap loss, with a weight that \
             rises from epoch to epoch.",
        range: "any number",
        perfect_match: PerfectMatch::Minimum,
        activations: &Activation::ALL,
        papers: &[Paper {
            cite: "Kervadec et al. 2019",
            address: "https://arxiv.org/abs/1812.07032",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] =
        &[LossOption::spacing(|l: &mut Self| Slot::Spacing(&mut l.spacing))];

    fn map(&self) -> Option<Wanted> {
        let recipe = Recipe::SignedDistance { spacing: self.spacing.clone() };
        Some(Wanted { name: "boundary", is_signed: true, recipe })
    }
}

impl ClassLoss for Boundary {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        m.p / m.n.select(m.n, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // p = (0.9, 0.2, 0.4), m = (−2, 1, 3): Σmp = −1.8 + 0.2 + 1.2
        let weighed = Sums { p: -0.4, n: 3.0, ..Sums::default() };
        assert!((Boundary::default().value(&weighed) + 0.4 / 3.0).abs() < 1e-15);
        assert_eq!(Boundary::default().value(&Sums::default()), 0.0);
    }
}
