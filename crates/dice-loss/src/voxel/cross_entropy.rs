//! Cross-entropy.

use super::VoxelLoss;
use crate::{Activation, Describe, Result, Term, error::parameter};

/// Cross-entropy over exclusive classes.
///
/// ℓ(voxel) = −Σ_k t_k ln p_k, t_k = w_k ((1 − ε) g_k + ε / C), with class weights w
/// ([`Term::class_weights`]) and label smoothing ε. The mean divides by the weights of the voxels
/// that count, Σ w_y for hard labels (Σ_k w_k g_k for soft ones), so it does not depend on how
/// many voxels are ignored.
///
/// - **Activation**: softmax, computed as a log-softmax; or probabilities, where −ln p is taken
///   as it comes, infinite at 0.
/// - **Shapes**: a voxel map (N, S) for reduction none.
/// - **Range**: [0, ∞).
/// - **Background**: counts, whatever the overlap terms do; only [`Term::classes`] or
///   [`Term::background`] on this very term leave it out.
/// - **Partial labels**: the marginal loss, see
///   [`Target::class_valid`](crate::Target::class_valid).
/// - **Errors**: ε outside [0, 1]; sigmoid (that is [`BinaryCrossEntropy`](super::BinaryCrossEntropy)).
/// - **Paper**: label smoothing, Szegedy et al. 2016, <https://arxiv.org/abs/1512.00567>.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CrossEntropy {
    /// ε, the share of the target that is spread evenly over the classes; 0 by default.
    pub label_smoothing: f64,
}

impl Describe for CrossEntropy {
    const NAME: &'static str = "cross_entropy";
    const TITLE: &'static str = "Cross-entropy";
    const FORMULA: &'static str = "−Σ_k g_k ln p_k, mean over voxels";
    const REFERENCE: &'static str = "https://arxiv.org/abs/1512.00567";
    const ACTIVATIONS: &'static [Activation] = &[Activation::Softmax, Activation::Probabilities];
}

impl CrossEntropy {
    /// Cross-entropy of logits.
    pub fn softmax(self) -> Term {
        self.with(Activation::Softmax)
    }

    /// Cross-entropy of probabilities.
    pub fn probabilities(self) -> Term {
        self.with(Activation::Probabilities)
    }

    /// Cross-entropy under the activation given.
    pub fn with(self, activation: Activation) -> Term {
        Term::voxel(VoxelLoss::CrossEntropy(self), activation)
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return parameter("cross_entropy: label_smoothing", self.label_smoothing, "0 to 1");
        }
        Ok(())
    }
}
