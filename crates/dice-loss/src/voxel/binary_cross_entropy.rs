//! Binary cross-entropy.

use super::{ClassValues, VoxelLoss};
use crate::{Activation, Describe, Result, Term};

/// Binary cross-entropy of each channel by itself: binary and multilabel.
///
/// ℓ(voxel, class) = −π g ln p − (1 − g) ln(1 − p), with the weight π of positives. The mean is
/// over the counted voxels of all annotated classes; class weights ([`Term::class_weights`])
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
}

impl Default for BinaryCrossEntropy {
    fn default() -> Self {
        Self { pos_weight: ClassValues::Same(1.0) }
    }
}

impl Describe for BinaryCrossEntropy {
    const NAME: &'static str = "binary_cross_entropy";
    const TITLE: &'static str = "Binary cross-entropy";
    const FORMULA: &'static str = "−g ln p − (1 − g) ln(1 − p), mean over voxels and classes";
    const REFERENCE: &'static str = "";
    const ACTIVATIONS: &'static [Activation] = &[Activation::Sigmoid, Activation::Probabilities];
}

impl BinaryCrossEntropy {
    /// Binary cross-entropy of logits.
    pub fn sigmoid(self) -> Term {
        self.with(Activation::Sigmoid)
    }

    /// Binary cross-entropy of probabilities.
    pub fn probabilities(self) -> Term {
        self.with(Activation::Probabilities)
    }

    /// Binary cross-entropy under the activation given.
    pub fn with(self, activation: Activation) -> Term {
        Term::voxel(VoxelLoss::BinaryCrossEntropy(self), activation)
    }

    pub(super) fn check(&self, classes: usize) -> Result<()> {
        self.pos_weight.check("binary_cross_entropy: pos_weight", classes, 0.0..=f64::MAX)
    }
}
