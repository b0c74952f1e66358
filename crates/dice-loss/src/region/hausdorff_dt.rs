//! The Hausdorff distance by distance transforms.

use super::{ClassLoss, Sums};
use crate::{
    Activation, Number,
    declaration::*,
    maps::{Recipe, Wanted},
};

/// Hausdorff loss by distance transforms: the squared errors, each times how far from both borders it
/// lies.
///
/// L = Σm(p − g)² / Σ1, with m = d_p^α + d_g^α, the distances of each voxel to the borders of the
/// prediction and of the reference; or with [`log`](Self::log) ln(1 + L).
///
/// The distances to the prediction's border are those of p > ½, taken anew in each step. No gradient
/// goes through them.
///
/// - **Map**: `hausdorff`, (N, C, S), in the units of the spacing to the power α.
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, ∞); 0 at a perfect match.
/// - **Errors**: α or a spacing that is not above 0; a target without the map.
/// - **Paper**: Karimi and Salcudean 2019, <https://arxiv.org/abs/1904.10030>.
#[derive(Debug, Clone, PartialEq)]
pub struct HausdorffDT {
    /// α, the power of the distances; 2 by default.
    pub alpha: f64,
    /// Whether the loss is ln(1 + L), which tames large distances.
    pub log: bool,
    /// The distance from voxel to voxel along each spatial axis; 1 by default.
    pub spacing: Option<Vec<f64>>,
}

impl Default for HausdorffDT {
    fn default() -> Self {
        Self { alpha: 2.0, log: false, spacing: None }
    }
}

impl Declare for HausdorffDT {
    const DECLARATION: Declaration = Declaration {
        name: "hausdorff_dt",
        title: "Hausdorff distance",
        class: "HausdorffDT",
        short: "HausdorffDT",
        summary: "the squared errors, each times how far from both borders it lies",
        formula: "Σm(p − g)² / Σ1",
        details: "L = Σm(p − g)² / Σ1, with m = d_p^α + d_g^α, the distances of each voxel to the \
             borders of the prediction and of the reference, which the target carries as the map \
             `hausdorff`; or with `log` ln(1 + L).\n\n\
             The distances to the prediction's border are those of p > ½, taken anew in each step. No \
             gradient goes through them.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper {
            cite: "Karimi and Salcudean 2019",
            address: "https://arxiv.org/abs/1904.10030",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new("alpha", "α, the power of the distances", |l: &mut Self| {
            Slot::Number(&mut l.alpha)
        })
        .range(Range::above(0.0))
        .trial("1.5"),
        LossOption::new(
            "log",
            "whether the loss is ln(1 + L), which tames large distances",
            |l: &mut Self| Slot::Flag(&mut l.log),
        ),
        LossOption::spacing(|l: &mut Self| Slot::Spacing(&mut l.spacing)),
    ];

    fn map(&self) -> Option<Wanted> {
        let recipe = Recipe::Hausdorff { alpha: self.alpha, spacing: self.spacing.clone() };
        Some(Wanted { name: "hausdorff", is_signed: false, recipe })
    }
}

impl ClassLoss for HausdorffDT {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        let mean = m.squared_error / m.n.select(m.n, 1.0);
        if self.log { (mean + 1.0).ln() } else { mean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // p = (0.9, 0.2, 0.4), g = (1, 0, 1), m = (0, 1, 5): Σm(p − g)² = 0.04 + 1.8
        let weighed = Sums { squared_error: 1.84, n: 3.0, ..Sums::default() };
        let plain = HausdorffDT::default();
        assert!((plain.value(&weighed) - 1.84 / 3.0).abs() < 1e-15);
        let log = HausdorffDT { log: true, ..HausdorffDT::default() };
        assert!((log.value(&weighed) - (4.84f64 / 3.0).ln()).abs() < 1e-15);
        assert_eq!(plain.value(&Sums::default()), 0.0);
    }
}
