//! Focal loss.

use super::Selection;
use crate::{Activation, ClassValues, declaration::*, maps::Wanted};

/// Focal loss: cross-entropy that looks away from the voxels it already gets right.
///
/// - **Softmax**: ℓ(voxel) = −Σ_k α_k g_k (1 − p_k)^γ ln p_k; the mean divides as cross-entropy's.
/// - **Sigmoid**: ℓ(voxel, class) = −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p); the mean
///   is over the counted voxels of all annotated classes. Without α both sides count fully.
///
/// α balances but does not normalise; class weights ([`Term::class_weights`](crate::Term::class_weights)) do both.
/// 1 − p is computed without cancellation, and the gradient stays finite for γ < 1.
///
/// - **Activation**: softmax or sigmoid.
/// - **Shapes**: for reduction none a map (N, S) under softmax, (N, C, S) under sigmoid.
/// - **Range**: [0, ∞).
/// - **Partial labels**: under softmax the marginal loss, see
///   [`Target::class_valid`](crate::Target::class_valid).
/// - **Errors**: γ negative; α outside [0, 1]; either not one for each class; probabilities.
/// - **Paper**: Lin et al. 2017, <https://arxiv.org/abs/1708.02002>.
#[derive(Debug, Clone, PartialEq)]
pub struct Focal {
    /// γ, the focusing exponent, the same for all or one for each class; 2 by default.
    pub gamma: ClassValues,
    /// α, the balance; none by default.
    pub alpha: Option<ClassValues>,
    /// The voxels that it is the mean over, under sigmoid each class of a voxel by itself; all by default.
    pub selection: Selection,
}

impl Default for Focal {
    fn default() -> Self {
        Self { gamma: ClassValues::Same(2.0), alpha: None, selection: Selection::default() }
    }
}

impl Declare for Focal {
    const DECLARATION: Declaration = Declaration {
        name: "focal",
        title: "Focal",
        class: "Focal",
        short: "Focal",
        summary: "cross-entropy that looks away from the voxels it already gets right",
        formula: "−Σ_k g_k (1 − p_k)^γ ln p_k, mean over voxels",
        details: "Softmax: ℓ(voxel) = −Σ_k α_k g_k (1 − p_k)^γ ln p_k. Sigmoid, each class by \
             itself: ℓ(voxel, class) = −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p). \
             Without α both sides count fully. The mean is over the voxels that count.\n\n\
             α balances but does not normalise; class weights do both.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Sigmoid],
        papers: &[Paper { cite: "Lin et al. 2017", address: "https://arxiv.org/abs/1708.02002" }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new("gamma", "γ, the focusing exponent", |l: &mut Self| {
            Slot::ClassValues(&mut l.gamma)
        })
        .range(Range::at_least(0.0)),
        LossOption::new("alpha", "α, the balance; none by default", |l: &mut Self| {
            Slot::OptionalClassValues(&mut l.alpha)
        })
        .range(Range::closed(0.0, 1.0)),
        LossOption::part("selection", |l: &mut Self| Slot::Part(&mut l.selection)),
    ];

    fn map(&self) -> Option<Wanted> {
        self.selection.map()
    }
}
