//! Focal loss.

use super::{ClassValues, VoxelLoss};
use crate::{Activation, Describe, Result, Term};

/// Focal loss: cross-entropy that looks away from the voxels it already gets right.
///
/// - **Softmax**: ℓ(voxel) = −Σ_k α_k g_k (1 − p_k)^γ ln p_k; the mean divides as cross-entropy's.
/// - **Sigmoid**: ℓ(voxel, class) = −α g (1 − p)^γ ln p − (1 − α)(1 − g) p^γ ln(1 − p); the mean
///   is over the counted voxels of all annotated classes. Without α both sides count fully.
///
/// α balances but does not normalise; class weights ([`Term::class_weights`]) do both.
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
}

impl Default for Focal {
    fn default() -> Self {
        Self { gamma: ClassValues::Same(2.0), alpha: None }
    }
}

impl Describe for Focal {
    const NAME: &'static str = "focal";
    const TITLE: &'static str = "Focal";
    const FORMULA: &'static str = "−Σ_k g_k (1 − p_k)^γ ln p_k, mean over voxels";
    const REFERENCE: &'static str = "https://arxiv.org/abs/1708.02002";
    const ACTIVATIONS: &'static [Activation] = &[Activation::Softmax, Activation::Sigmoid];
}

impl Focal {
    /// Focal loss over exclusive classes.
    pub fn softmax(self) -> Term {
        self.with(Activation::Softmax)
    }

    /// Focal loss of each channel by itself.
    pub fn sigmoid(self) -> Term {
        self.with(Activation::Sigmoid)
    }

    /// Focal loss under the activation given.
    pub fn with(self, activation: Activation) -> Term {
        Term::voxel(VoxelLoss::Focal(self), activation)
    }

    pub(super) fn check(&self, classes: usize) -> Result<()> {
        self.gamma.check("focal: gamma", classes, 0.0..=f64::MAX)?;
        match &self.alpha {
            Some(alpha) => alpha.check("focal: alpha", classes, 0.0..=1.0),
            None => Ok(()),
        }
    }
}
