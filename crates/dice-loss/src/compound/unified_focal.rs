//! The unified focal loss.

use super::Compound;
use crate::{
    Activation, ClassValues, Focal, FocalTversky, Smoothing, Term, Tversky, declaration::*,
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

impl Declare for UnifiedFocal {
    const DECLARATION: Declaration = Declaration {
        name: "unified_focal",
        title: "Unified focal",
        class: "UnifiedFocal",
        short: "UnifiedFocal",
        summary: "focal and focal Tversky with one balance and one focus between them",
        formula: "λ focal(γ, α = δ) + (1 − λ) focal Tversky(1 − γ, α = 1 − δ, β = δ)",
        details: "L = λ F + (1 − λ) T. F is the focal loss with α = δ for foreground classes, 1 − δ \
             for the background and the exponent γ; T is the focal Tversky loss with the \
             exponent 1 − γ, where false negatives weigh δ and false positives 1 − δ.\n\n\
             The asymmetric form focuses only where it helps: foreground voxels keep their \
             full cross-entropy, the background its full Tversky loss, and T is half the \
             background's, half the foreground's. Under sigmoid every channel is a foreground \
             class.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Sigmoid],
        papers: &[Paper { cite: "Yeung et al. 2022", address: "https://arxiv.org/abs/2102.04525" }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new("asymmetric", "the asymmetric form", |l: &mut Self| {
            Slot::Flag(&mut l.asymmetric)
        }),
        LossOption::new("lambda", "λ, the share of F", |l: &mut Self| Slot::Number(&mut l.lambda))
            .range(Range::closed(0.0, 1.0))
            .trial("0.3"),
        LossOption::new(
            "delta",
            "δ, the weight of the foreground and of false negatives",
            |l: &mut Self| Slot::Number(&mut l.delta),
        )
        .range(Range::closed(0.0, 1.0))
        .trial("0.7"),
        LossOption::new("gamma", "γ, the focus: 0 is none in F and full in T", |l: &mut Self| {
            Slot::Number(&mut l.gamma)
        })
        .range(Range::half_open(0.0, 1.0))
        .trial("0.2"),
        LossOption::smoothing(|l: &mut Self| Slot::Smoothing(&mut l.smoothing)),
    ];
}

impl Compound for UnifiedFocal {
    fn terms(&self, activation: Activation) -> Vec<(f64, Term)> {
        let focal = match (activation, self.asymmetric) {
            (Activation::Softmax, _) => vec![self.focal()],
            (_, false) => vec![self.binary_focal()],
            (_, true) => self.half_focal(),
        };
        [focal, self.tversky(activation)].concat()
    }
}

impl UnifiedFocal {
    /// F over exclusive classes.
    fn focal(&self) -> (f64, Term) {
        let foreground = if self.asymmetric { 0.0 } else { self.gamma };
        let gamma = ClassValues::Background { background: self.gamma, foreground };
        let (background, foreground) = (1.0 - self.delta, self.delta);
        let alpha = Some(ClassValues::Background { background, foreground });
        (self.lambda, Focal { gamma, alpha, ..Default::default() }.softmax())
    }

    /// F of each channel.
    fn binary_focal(&self) -> (f64, Term) {
        let alpha = Some(self.delta.into());
        (self.lambda, Focal { gamma: self.gamma.into(), alpha, ..Default::default() }.sigmoid())
    }

    /// F of each channel, its own voxels without focus: α of 1 and 0 take either side alone.
    fn half_focal(&self) -> Vec<(f64, Term)> {
        let side = |gamma: f64, alpha: f64| {
            Focal { gamma: gamma.into(), alpha: Some(alpha.into()), ..Default::default() }.sigmoid()
        };
        vec![
            (self.lambda * self.delta, side(0.0, 1.0)),
            (self.lambda * (1.0 - self.delta), side(self.gamma, 0.0)),
        ]
    }

    /// T.
    fn tversky(&self, activation: Activation) -> Vec<(f64, Term)> {
        let (alpha, beta, smoothing) = (1.0 - self.delta, self.delta, self.smoothing);
        let tversky = Tversky { alpha, beta, smoothing, ..Tversky::default() };
        let focal = FocalTversky { tversky, gamma: 1.0 - self.gamma }.with(activation);
        let share = 1.0 - self.lambda;
        if self.asymmetric && activation == Activation::Softmax {
            // Says so itself, whatever is said of the background further out.
            let of_background = tversky.with(activation).background(true).classes([0]);
            vec![(share / 2.0, of_background), (share / 2.0, focal.background(false))]
        } else {
            vec![(share, focal)]
        }
    }
}
