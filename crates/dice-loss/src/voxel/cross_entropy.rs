//! Cross-entropy.

use super::Selection;
use crate::{Activation, declaration::*, maps::Wanted};

/// Cross-entropy over exclusive classes.
///
/// ℓ(voxel) = −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C), with class weights w
/// ([`Term::class_weights`](crate::Term::class_weights)) and label smoothing ε. The mean divides by the weights of the voxels
/// that count, Σ w_y for hard labels (Σ_k w_k g_k for soft ones), so it does not depend on how
/// many voxels are ignored.
///
/// - **Activation**: softmax, computed as a log-softmax; or probabilities, where −ln p is taken
///   as it comes, infinite at 0.
/// - **Shapes**: a voxel map (N, S) for reduction none.
/// - **Range**: [0, ∞).
/// - **Background**: counts, whatever the overlap terms do; only [`Term::classes`](crate::Term::classes) or
///   [`Term::background`](crate::Term::background) on this very term leave it out.
/// - **Partial labels**: the marginal loss, see
///   [`Target::class_valid`](crate::Target::class_valid).
/// - **Errors**: ε outside [0, 1]; sigmoid (that is [`BinaryCrossEntropy`](super::BinaryCrossEntropy)).
/// - **Paper**: label smoothing, Szegedy et al. 2016, <https://arxiv.org/abs/1512.00567>.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CrossEntropy {
    /// ε, the share of the target that is spread evenly over the classes; 0 by default.
    pub label_smoothing: f64,
    /// The voxels that it is the mean over; all by default.
    pub selection: Selection,
}

impl Declare for CrossEntropy {
    const DECLARATION: Declaration = Declaration {
        name: "cross_entropy",
        title: "Cross-entropy",
        class: "CrossEntropy",
        short: "CrossEntropy",
        summary: "the log loss over exclusive classes",
        formula: "−Σ_k g_k ln p_k, mean over voxels",
        details: "ℓ(voxel) = −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C), with class weights w \
             and C classes. The mean divides by Σ_k w_k g_k of the voxels that count, so it \
             does not depend on how many are ignored.\n\n\
             Where classes are not annotated, p and g of the background hold theirs too (Shi \
             et al. 2021, https://arxiv.org/abs/2007.03868).",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Softmax, Activation::Probabilities],
        papers: &[Paper {
            cite: "Szegedy et al. 2016 (label smoothing)",
            address: "https://arxiv.org/abs/1512.00567",
        }],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "label_smoothing",
            "ε, the share of the target that is spread evenly over the classes",
            |l: &mut Self| Slot::Number(&mut l.label_smoothing),
        )
        .range(Range::closed(0.0, 1.0))
        .trial("0.1")
        .moves_match(PerfectMatch::Elsewhere),
        LossOption::part("selection", |l: &mut Self| Slot::Part(&mut l.selection)),
    ];

    fn map(&self) -> Option<Wanted> {
        self.selection.map()
    }
}
