//! A weighted sum of the errors inside and outside the reference.

use super::{ClassLoss, Sums};
use crate::{Activation, Number, declaration::*};

/// Sensitivity-specificity loss: the mean squared error inside the reference and the one outside,
/// weighed against each other whatever the class's size.
///
/// L = r Σg(p − g)² / Σg + (1 − r) Σ(1 − g)(p − g)² / Σ(1 − g).
///
/// r is the sensitivity ratio: near 0, since outside a small class there is so much more to get
/// wrong. A side without voxels costs nothing.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 1]; 0 at a perfect match.
/// - **Errors**: r outside [0, 1].
/// - **Paper**: Brosch et al. 2015, <https://doi.org/10.1007/978-3-319-24574-4_1>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SensitivitySpecificity {
    /// r, the share of the error inside the reference; 0.05 by default.
    pub ratio: f64,
}

impl Default for SensitivitySpecificity {
    fn default() -> Self {
        Self { ratio: 0.05 }
    }
}

impl Declare for SensitivitySpecificity {
    const DECLARATION: Declaration = Declaration {
        name: "sensitivity_specificity",
        title: "Sensitivity-specificity",
        class: "SensitivitySpecificity",
        short: "SensitivitySpecificity",
        summary: "the mean squared errors inside and outside the reference, weighed against each other",
        formula: "r Σg(p − g)² / Σg + (1 − r) Σ(1 − g)(p − g)² / Σ(1 − g)",
        details: "L = r Σg(p − g)² / Σg + (1 − r) Σ(1 − g)(p − g)² / Σ(1 − g), with the sensitivity \
                  ratio r.\n\n\
                  A side without voxels costs nothing.",
        range: "[0, 1]",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper {
            cite: "Brosch et al. 2015",
            address: "https://doi.org/10.1007/978-3-319-24574-4_1",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[LossOption::new(
        "ratio",
        "r, the share of the error inside the reference",
        |l: &mut Self| Slot::Number(&mut l.ratio),
    )
    .range(Range::closed(0.0, 1.0))
    .trial("0.3")];
}

impl ClassLoss for SensitivitySpecificity {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        // Not below 0, however the sums were rounded.
        let outside = (m.n - m.g).at_least_zero();
        let missed = m.sensitivity_error / m.g.select(m.g, 1.0);
        let mistaken = m.specificity_error / outside.select(outside, 1.0);
        missed * self.ratio + mistaken * (1.0 - self.ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // by hand: 0.05 × 0.37 / 2 + 0.95 × 0.04 / 1
        let loss = SensitivitySpecificity::default().value(&Sums::EXAMPLE);
        assert!((loss - 0.047_25).abs() < 1e-15);
        // by hand: 0.5 × 0.185 + 0.5 × 0.04
        let even = SensitivitySpecificity { ratio: 0.5 }.value(&Sums::EXAMPLE);
        assert!((even - 0.1125).abs() < 1e-15);
    }

    #[test]
    fn a_side_without_voxels_costs_nothing() {
        let loss = SensitivitySpecificity { ratio: 0.25 };
        let empty = Sums { specificity_error: 3.0, n: 6.0, ..Sums::default() };
        // by hand: 0.75 × 3 / 6, and 0.25 × 3 / 6
        assert!((loss.value(&empty) - 0.375).abs() < 1e-15);
        let full = Sums { sensitivity_error: 3.0, g: 6.0, n: 6.0, ..Sums::default() };
        assert!((loss.value(&full) - 0.125).abs() < 1e-15);
    }
}
