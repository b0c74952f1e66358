//! Voxel losses: a mean over the voxels of a function of each voxel's own probabilities.
//!
//! These files hold their options and their documentation; their arithmetic is part of the
//! sweeps, in `sweep/`.

use serde::{Deserialize, Serialize};

use crate::{Activation, Declare, Range, Result, Term, declaration, error::parameter};

/// One value for every class, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ClassValues {
    /// The same for every class.
    Same(f64),
    /// One for each class.
    Each(Vec<f64>),
    /// One for class 0 and one for all others, however many there are.
    Background {
        /// Of class 0.
        background: f64,
        /// Of every other class.
        foreground: f64,
    },
}

impl From<f64> for ClassValues {
    fn from(value: f64) -> Self {
        Self::Same(value)
    }
}

impl From<Vec<f64>> for ClassValues {
    fn from(values: Vec<f64>) -> Self {
        Self::Each(values)
    }
}

impl ClassValues {
    /// The value of a class; `check` has made sure that there is one.
    pub(crate) fn at(&self, class: usize) -> f64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values[class],
            Self::Background { background, .. } if class == 0 => *background,
            Self::Background { foreground, .. } => *foreground,
        }
    }

    pub(crate) fn check(&self, what: &str, classes: usize, range: &Range) -> Result<()> {
        let values: &[f64] = match self {
            Self::Same(value) => &[*value],
            Self::Each(values) => values,
            Self::Background { background, foreground } => &[*background, *foreground],
        };
        if let Self::Each(values) = self
            && values.len() != classes
        {
            return parameter(what, values, format!("{classes} values, one for each class"));
        }
        match values.iter().find(|value| !range.contains(**value)) {
            Some(value) => parameter(what, value, range.instead_of(*value)),
            None => Ok(()),
        }
    }
}

/// Declares the voxel losses: the one place where each is named.
macro_rules! voxel_losses {
    ($($module:ident::$Loss:ident with $($activation:ident)+),+ $(,)?) => {
        $(
            mod $module;
            pub use $module::$Loss;

            impl $Loss {
                voxel_losses! { @activations $($activation)+ }

                /// This loss under the activation given.
                pub fn with(self, activation: Activation) -> Term {
                    Term::voxel(VoxelLoss::$Loss(self), activation)
                }
            }
        )+

        /// A voxel loss, with its options.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum VoxelLoss {
            $($Loss($Loss)),+
        }

        impl VoxelLoss {
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$Loss(_) => $Loss::DECLARATION.name),+
                }
            }

            pub fn activations(&self) -> &'static [Activation] {
                match self {
                    $(Self::$Loss(_) => $Loss::DECLARATION.activations),+
                }
            }

            pub fn check(&self, classes: usize) -> Result<()> {
                match self {
                    $(Self::$Loss(loss) => declaration::check(loss, classes)),+
                }
            }

            pub fn least_classes(&self) -> Option<usize> {
                match self {
                    $(Self::$Loss(loss) => declaration::least_classes(&mut loss.clone())),+
                }
            }

            /// Its name and options, as a spec has them.
            pub fn written(&self) -> serde_json::Map<String, serde_json::Value> {
                match self {
                    $(Self::$Loss(loss) => crate::catalogue::written(loss)),+
                }
            }
        }

        /// Every voxel loss.
        pub(crate) const CATALOGUE: &[crate::Entry] = &[$(crate::Entry::new(
            &crate::catalogue::Of::<$Loss> {
                kind: crate::Kind::Voxel,
                objective: |loss, activation| crate::Objective::new().term(1.0, loss.with(activation)),
            },
        )),+];
    };
    (@activations $($activation:ident)+) => {
        $(voxel_losses! { @activation $activation })+
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

voxel_losses! {
    cross_entropy::CrossEntropy with softmax probabilities,
    binary_cross_entropy::BinaryCrossEntropy with sigmoid probabilities,
    focal::Focal with softmax sigmoid,
}

impl VoxelLoss {
    /// Whether the loss has one value a voxel; otherwise one a voxel and class.
    pub fn is_per_voxel(&self, activation: Activation) -> bool {
        match self {
            Self::CrossEntropy(_) => true,
            Self::BinaryCrossEntropy(_) => false,
            Self::Focal(_) => activation == Activation::Softmax,
        }
    }
}
