//! Binary cross-entropy.

use super::Selection;
use crate::{Activation, ClassValues, declaration::*, maps::Wanted};

/// Binary cross-entropy of each channel by itself: binary and multilabel.
///
/// ℓ(voxel, class) = −π g ln p − (1 − g) ln(1 − p), with the weight π of positives. The mean is
/// over the counted voxels of all annotated classes; class weights ([`Term::class_weights`](crate::Term::class_weights))
/// normalise it.
///
/// - **Activation**: sigmoid, computed from the logit without overflow; or probabilities.
/// - **Shapes**: a map (N, C, S) for reduction none.
/// - **Range**: [0, ∞).
/// - **Errors**: π negative or not finite, or not one for each class; softmax.
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryCrossEntropy {
    /// π, how much a positive voxel counts against a negative one; 1 by default.
    pub pos_weight: ClassValues,
    /// The voxels that it is the mean over, each class of a voxel by itself; all by default.
    pub selection: Selection,
}

impl Default for BinaryCrossEntropy {
    fn default() -> Self {
        Self { pos_weight: ClassValues::Same(1.0), selection: Selection::default() }
    }
}

impl Declare for BinaryCrossEntropy {
    const DECLARATION: Declaration = Declaration {
        name: "binary_cross_entropy",
        title: "Binary cross-entropy",
        class: "BinaryCrossEntropy",
        short: "BCE",
        summary: "the log loss of each channel by itself, for binary and multilabel data",
        formula: "−g ln p − (1 − g) ln(1 − p), mean over voxels and classes",
        details: "ℓ(voxel, class) = −π g ln p − (1 − g) ln(1 − p), with the weight π of positives. \
             The mean is over the voxels that count and the classes.",
        range: "[0, ∞)",
        perfect_match: PerfectMatch::Zero,
        activations: &[Activation::Sigmoid, Activation::Probabilities],
        papers: &[],
    };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "pos_weight",
            "π, how much a positive voxel counts against a negative one",
            |l: &mut Self| Slot::ClassValues(&mut l.pos_weight),
        )
        .range(Range::at_least(0.0)),
        LossOption::part("selection", |l: &mut Self| Slot::Part(&mut l.selection)),
    ];

    fn map(&self) -> Option<Wanted> {
        self.selection.map()
    }
}
