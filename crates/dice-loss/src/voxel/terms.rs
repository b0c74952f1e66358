//! Voxel losses as terms and in the catalogue: under which activations each has a name for it.

use super::{
    BinaryCrossEntropy, BorderCrossEntropy, CrossEntropy, Focal, InstanceCrossEntropy, VoxelLoss,
};
use crate::{
    Activation, Kind, Objective, Term,
    entry::{Entry, Of},
};

macro_rules! terms {
    ($($Loss:ident with $($activation:ident)+),+ $(,)?) => {
        $(
            impl $Loss {
                terms! { @activations $($activation)+ }

                /// This loss under the activation given.
                pub fn with(self, activation: Activation) -> Term {
                    Term::voxel(VoxelLoss::$Loss(self), activation)
                }
            }
        )+

        /// Every voxel loss.
        pub(crate) const CATALOGUE: &[Entry] = &[$(Entry::new(
            &Of::<$Loss> {
                kind: Kind::Voxel,
                objective: |loss, activation| Objective::new().term(1.0, loss.with(activation)),
            },
        )),+];
    };
    (@activations $($activation:ident)+) => {
        $(terms! { @activation $activation })+
    };
    (@activation softmax) => {
        /// This loss of the softmax of the logits over the classes.
        pub fn softmax(self) -> Term {
            self.with(Activation::Softmax)
        }
    };
    (@activation sigmoid) => {
        /// This loss of the sigmoid of each logit.
        pub fn sigmoid(self) -> Term {
            self.with(Activation::Sigmoid)
        }
    };
    (@activation probabilities) => {
        /// This loss of probabilities.
        pub fn probabilities(self) -> Term {
            self.with(Activation::Probabilities)
        }
    };
}

terms! {
    CrossEntropy with softmax probabilities,
    BinaryCrossEntropy with sigmoid probabilities,
    Focal with softmax sigmoid,
    BorderCrossEntropy with softmax sigmoid,
    InstanceCrossEntropy with softmax sigmoid,
}
