//! A power of the Tversky loss.

use super::{ClassLoss, Sums, Tversky};
use crate::{Activation, Number, declaration::*};

/// Focal Tversky loss: a power of the Tversky loss, taken class by class before any mean.
///
/// L = (1 − T)^γ, with the Tversky index T of [`Tversky`].
///
/// γ < 1 keeps the gradient large while a class is nearly right, γ > 1 looks away from such a
/// class. The paper writes the exponent as 1/γ, with γ = 4/3, and lets α weigh false negatives and
/// β false positives, with α = 0.7 and β = 0.3: the defaults here are its values. At a perfect
/// match, where the slope of the power is infinite for γ < 1, the gradient is taken as 0.
///
/// - **Shapes**: one value per (sample, class), or what pooling leaves of it.
/// - **Range**: [0, 1] for hard labels and s ≤ s′; 0 at a perfect match when s = s′.
/// - **Errors**: γ not above 0; α, β or smoothing below 0; any of them not finite; `squared` with α
///   above β.
/// - **Paper**: Abraham and Khan 2018, <https://arxiv.org/abs/1810.07842>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FocalTversky {
    /// The Tversky loss inside.
    pub tversky: Tversky,
    /// γ, the exponent; 0.75 by default.
    pub gamma: f64,
}

impl Default for FocalTversky {
    fn default() -> Self {
        Self { tversky: Tversky::default(), gamma: 0.75 }
    }
}

impl Declare for FocalTversky {
    const DECLARATION: Declaration = Declaration {
        name: "focal_tversky",
        title: "Focal Tversky",
        class: "FocalTversky",
        short: "FocalTversky",
        summary: "a power of the Tversky loss, taken class by class before any mean",
        formula: "(1 − Σpg / (Σpg + α Σp(1 − g) + β Σ(1 − p)g))^γ",
        details: "L = (1 − T)^γ, with the Tversky index T = (I + s) / (I + α FP + β FN + s′).\n\n\
             γ < 1 keeps the gradient large while a class is nearly right, γ > 1 looks away \
             from such a class. The paper writes the exponent as 1/γ.",
        range: "[0, 1] for hard labels and s ≤ s′",
        perfect_match: PerfectMatch::Zero,
        activations: &Activation::ALL,
        papers: &[Paper {
            cite: "Abraham and Khan 2018",
            address: "https://arxiv.org/abs/1810.07842",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::part("tversky", |l: &mut Self| Slot::Part(&mut l.tversky)),
        LossOption::new("gamma", "γ, the exponent", |l: &mut Self| Slot::Number(&mut l.gamma))
            .range(Range::above(0.0))
            .trial("1.5"),
    ];
}

impl ClassLoss for FocalTversky {
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
        self.tversky.loss(m).powf(self.gamma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Smoothing, Sum,
        tape::{Given, Tape},
    };

    #[test]
    fn values_by_hand() {
        let tversky = Tversky { smoothing: Smoothing::both(0.0), ..Tversky::default() };
        let loss = FocalTversky { tversky, gamma: 2.0 };
        // by hand: 1 − T = 0.55 / 1.85 = 11 / 37
        assert!((loss.value(&Sums::EXAMPLE) - 121.0 / 1369.0).abs() < 1e-15);
        let loss = FocalTversky { tversky, gamma: 0.5 };
        assert!(
            (loss.value(&Sums::EXAMPLE) * loss.value(&Sums::EXAMPLE) - 11.0 / 37.0).abs() < 1e-15
        );
    }

    #[test]
    fn the_gradient_is_finite_at_a_perfect_match() {
        let sums = Sums { pg: 4.0, p: 4.0, g: 4.0, n: 9.0, ..Sums::default() };
        let tape = Tape::of_class(|m| FocalTversky::default().loss(m));
        let replay = tape.replay(&[Given::alone(sums)]);
        assert_eq!(replay.value(0), 0.0);
        assert!(Sum::ALL.iter().all(|sum| replay.slope(*sum, 0) == 0.0));
    }
}
