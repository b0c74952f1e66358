//! Overlap losses: formulas of a few sums, one file each.
//!
//! A loss here never sees a voxel. It sees the [`Sums`] of one class ([`ClassLoss`]) or of all
//! classes of a sample ([`RowLoss`]). What it does with them is put down as a [`Tape`](crate::Tape), from
//! which its derivatives follow, and the sums that it needs.

mod distances;
mod formula;
mod sums;

pub use distances::Distances;
pub use formula::{ClassLoss, RowLoss};
pub(crate) use formula::{Formula, PerClass, PerRow};
pub use sums::Sums;
pub(crate) use sums::{ByDirection, Direction};

use serde::{Deserialize, Serialize};

use crate::{Activation, Number, Term};

/// What is added to the numerator and to the denominator of a ratio; 1e-5 each by default.
///
/// The numerator's share decides what a class scores when it is absent from both reference and
/// prediction; the denominator's keeps the ratio finite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Smoothing {
    /// Added to the numerator; at least 0.
    pub numerator: f64,
    /// Added to the denominator; at least 0.
    pub denominator: f64,
}

impl Default for Smoothing {
    fn default() -> Self {
        Self::both(1e-5)
    }
}

impl Smoothing {
    /// The same in the numerator and the denominator.
    pub fn both(value: f64) -> Self {
        Self { numerator: value, denominator: value }
    }
}

/// How the soft intersection of prediction and reference is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overlap {
    /// Σ p g: right for hard labels.
    #[default]
    Product,
    /// (Σ|p| + Σ|g| − Σ|p − g|) / 2: the same for hard labels, and for soft labels minimal at
    /// p = g, where the product is not (Wang et al. 2023, <https://arxiv.org/abs/2303.16296>).
    L1,
}

impl Overlap {
    /// The intersection, and the predicted size that belongs to it.
    pub(crate) fn of<'t>(self, m: &Sums<Number<'t>>) -> (Number<'t>, Number<'t>) {
        match self {
            Self::Product => (m.pg, m.p),
            Self::L1 => (((m.abs_p + m.g - m.l1) * 0.5).at_least_zero(), m.abs_p),
        }
    }

    /// The intersection and the two sizes; as sums of squares (‖p‖² + ‖g‖² − ‖p − g‖²) / 2 is Σpg
    /// again, however the intersection is counted.
    pub(crate) fn with_sizes<'t>(self, m: &Sums<Number<'t>>, squared: bool) -> [Number<'t>; 3] {
        let (overlap, predicted) = self.of(m);
        match squared {
            true => [m.pg, m.pp, m.gg],
            false => [overlap, predicted, m.g],
        }
    }
}

/// Declares the overlap losses: the one place where each is named.
macro_rules! overlap_losses {
    ($($Adapter:ident $module:ident::$Loss:ident),+ $(,)?) => {
        $(
            mod $module;
            pub use $module::$Loss;

            impl $Loss {
                /// This loss of the softmax of the logits over the classes.
                pub fn softmax(self) -> Term {
                    self.with(Activation::Softmax)
                }

                /// This loss of the sigmoid of each logit: binary and multilabel.
                pub fn sigmoid(self) -> Term {
                    self.with(Activation::Sigmoid)
                }

                /// This loss of probabilities: the input is used as it is.
                pub fn probabilities(self) -> Term {
                    self.with(Activation::Probabilities)
                }

                /// This loss under the activation given.
                pub fn with(self, activation: Activation) -> Term {
                    Term::overlap($Adapter::new(self), activation)
                }
            }
        )+

        /// Every overlap loss.
        pub(crate) const CATALOGUE: &[crate::Entry] = &[$(crate::Entry::new(
            &crate::catalogue::Of::<$Loss> {
                kind: $Adapter::<$Loss>::KIND,
                objective: |loss, activation| crate::Objective::new().term(1.0, loss.with(activation)),
            },
        )),+];
    };
}

overlap_losses! {
    PerClass dice::Dice,
    PerClass iou::IoU,
    PerClass tversky::Tversky,
    PerClass focal_tversky::FocalTversky,
    PerClass log_dice::LogDice,
    PerClass log_cosh_dice::LogCoshDice,
    PerRow generalized_dice::GeneralizedDice,
    PerRow wasserstein_dice::GeneralizedWassersteinDice,
    PerClass matthews::MatthewsCorrelation,
    PerClass kappa::Kappa,
}

pub use generalized_dice::VolumeWeight;
pub use wasserstein_dice::TransportWeight;

#[cfg(test)]
mod tests;
