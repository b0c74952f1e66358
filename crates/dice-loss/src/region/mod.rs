//! Overlap losses: formulas of a few sums, one file each.
//!
//! A loss here never sees a voxel. It sees the [`Sums`] of one class ([`ClassLoss`]) or of all
//! classes of a sample ([`RowLoss`]). What it does with them is put down as a [`Tape`](crate::Tape), from
//! which its derivatives follow, and the sums that it needs.

use crate::{
    Activation, ClassLoss, Distances, Objective, Overlap, RowLoss, Smoothing, Sums, Term,
    entry::{Entry, Of},
    formula::{PerClass, PerRow},
};

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
        pub(crate) const CATALOGUE: &[Entry] = &[$(Entry::new(
            &Of::<$Loss> {
                kind: $Adapter::<$Loss>::KIND,
                objective: |loss, activation| Objective::new().term(1.0, loss.with(activation)),
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
    PerClass sensitivity_specificity::SensitivitySpecificity,
    PerClass boundary::Boundary,
    PerClass hausdorff_dt::HausdorffDT,
    PerClass skeleton_recall::SkeletonRecall,
}

pub use generalized_dice::VolumeWeight;
pub use wasserstein_dice::TransportWeight;

#[cfg(test)]
mod tests;
