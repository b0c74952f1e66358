//! The unified focal loss.

use crate::{
    Activation, ClassValues, Describe, Focal, FocalTversky, Objective, Result, Smoothing, Tversky,
    error::parameter,
};

/// Unified focal loss: focal and focal Tversky with one balance and one focus between them.
///
/// L = λ F + (1 − λ) T, where class 0 is the background.
///
/// - F, the mean over all voxels, is the focal loss with α = δ for foreground classes, 1 − δ for
///   the background and the exponent γ.
/// - T, the mean over classes, is the focal Tversky loss (1 − T_k)^(1 − γ), where false negatives
///   weigh δ and false positives 1 − δ.
/// - The asymmetric form focuses only where it helps: voxels of foreground classes keep their full
///   cross-entropy (exponent 0), the background its full Tversky loss (exponent 1), and T is half
///   the background's, half the foreground's mean. With two classes that is the mean over both.
///
/// The paper writes the exponents of the symmetric form as 1 − γ in F and γ in T, and those of the
/// asymmetric one as here; at its γ = ½ the two agree. It sums T over two classes where here, as in
/// the authors' own code, the mean is taken.
///
/// Under sigmoid every channel is a foreground class with a background of its own in F, and T has
/// no background: it is the foreground's focal Tversky loss in both forms.
///
/// - **Activation**: softmax or sigmoid.
/// - **Shapes**: a number; the terms' own for reduction none do not fit each other.
/// - **Range**: [0, ∞).
/// - **Errors**: λ or δ outside [0, 1], γ outside [0, 1); smoothing below 0; probabilities.
/// - **Paper**: Yeung et al. 2022, <https://arxiv.org/abs/2102.04525>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnifiedFocal {
    /// The asymmetric form; the symmetric one by default.
    pub asymmetric: bool,
    /// λ, the share of F; 0.5 by default.
    pub lambda: f64,
    /// δ, the weight of the foreground and of false negatives; 0.6 by default.
    pub delta: f64,
    /// γ, the focus: 0 is none in F and full in T; 0.5 by default.
    pub gamma: f64,
    /// Of the Tversky index.
    pub smoothing: Smoothing,
}

impl Default for UnifiedFocal {
    fn default() -> Self {
        Self {
            asymmetric: false,
            lambda: 0.5,
            delta: 0.6,
            gamma: 0.5,
            smoothing: Smoothing::default(),
        }
    }
}

impl Describe for UnifiedFocal {
    const NAME: &'static str = "unified_focal";
    const TITLE: &'static str = "Unified focal";
    const FORMULA: &'static str =
        "λ focal(γ, α = δ) + (1 − λ) focal Tversky(1 − γ, α = 1 − δ, β = δ)";
    const REFERENCE: &'static str = "https://arxiv.org/abs/2102.04525";
    const ACTIVATIONS: &'static [Activation] = Focal::ACTIVATIONS;
}

impl UnifiedFocal {
    /// The mixture, all terms under one activation.
    pub fn objective(self, activation: Activation) -> Objective {
        let objective = Objective::new()
            .checked(activation.among(Self::NAME, Self::ACTIVATIONS))
            .checked(self.check());
        let objective = match (activation, self.asymmetric) {
            (Activation::Softmax, _) => self.add_focal(objective),
            (_, false) => self.add_binary_focal(objective),
            (_, true) => self.add_half_focal(objective),
        };
        self.add_tversky(objective, activation)
    }

    /// F over exclusive classes.
    fn add_focal(&self, objective: Objective) -> Objective {
        let foreground = if self.asymmetric { 0.0 } else { self.gamma };
        let gamma = ClassValues::Background { background: self.gamma, foreground };
        let (background, foreground) = (1.0 - self.delta, self.delta);
        let alpha = Some(ClassValues::Background { background, foreground });
        objective.term(self.lambda, Focal { gamma, alpha }.softmax())
    }

    /// F of each channel.
    fn add_binary_focal(&self, objective: Objective) -> Objective {
        let alpha = Some(self.delta.into());
        objective.term(self.lambda, Focal { gamma: self.gamma.into(), alpha }.sigmoid())
    }

    /// F of each channel, its own voxels without focus: α of 1 and 0 take either side alone.
    fn add_half_focal(&self, objective: Objective) -> Objective {
        let side = |gamma: f64, alpha: f64| {
            Focal { gamma: gamma.into(), alpha: Some(alpha.into()) }.sigmoid()
        };
        objective
            .term(self.lambda * self.delta, side(0.0, 1.0))
            .term(self.lambda * (1.0 - self.delta), side(self.gamma, 0.0))
    }

    /// T.
    fn add_tversky(&self, objective: Objective, activation: Activation) -> Objective {
        let (alpha, beta, smoothing) = (1.0 - self.delta, self.delta, self.smoothing);
        let tversky = Tversky { alpha, beta, smoothing, ..Tversky::default() };
        let focal = FocalTversky { tversky, gamma: 1.0 - self.gamma }.with(activation);
        let share = 1.0 - self.lambda;
        if self.asymmetric && activation == Activation::Softmax {
            objective
                .term(share / 2.0, tversky.with(activation).classes([0]))
                .term(share / 2.0, focal.background(false))
        } else {
            objective.term(share, focal)
        }
    }

    fn check(&self) -> Result<()> {
        let Self { lambda, delta, gamma, .. } = *self;
        for (option, value) in [("lambda", lambda), ("delta", delta)] {
            if !(0.0..=1.0).contains(&value) {
                return parameter(format!("unified_focal: {option}"), value, "0 to 1");
            }
        }
        if !(0.0..1.0).contains(&gamma) {
            return parameter("unified_focal: gamma", gamma, "0 to 1, 1 not included");
        }
        Ok(())
    }
}
