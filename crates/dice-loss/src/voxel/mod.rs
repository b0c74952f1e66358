//! Voxel losses: a mean over the voxels of a function of each voxel's own probabilities.
//!
//! These files hold their options and their documentation; their arithmetic is part of the
//! sweeps, in `sweep/`.

mod selection;
mod terms;

pub use selection::Selection;
pub(crate) use terms::CATALOGUE;

use crate::{
    Activation, Result,
    declaration::{self, Declare},
    maps::Wanted,
};

/// Declares the voxel losses.
macro_rules! voxel_losses {
    ($($module:ident::$Loss:ident),+ $(,)?) => {
        $(
            mod $module;
            pub use $module::$Loss;
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

            /// The map that it cannot do without.
            pub fn map(&self) -> Option<Wanted> {
                match self {
                    $(Self::$Loss(loss) => loss.map()),+
                }
            }

            /// Its name and options, as a spec has them.
            pub fn written(&self) -> serde_json::Map<String, serde_json::Value> {
                match self {
                    $(Self::$Loss(loss) => declaration::written(loss)),+
                }
            }
        }
    };
}

voxel_losses! {
    cross_entropy::CrossEntropy,
    binary_cross_entropy::BinaryCrossEntropy,
    focal::Focal,
    border_cross_entropy::BorderCrossEntropy,
    instance_cross_entropy::InstanceCrossEntropy,
}

impl VoxelLoss {
    /// The same loss over all voxels.
    pub fn of_all(&self) -> Self {
        let mut loss = self.clone();
        match &mut loss {
            Self::CrossEntropy(CrossEntropy { selection, .. })
            | Self::BinaryCrossEntropy(BinaryCrossEntropy { selection, .. })
            | Self::Focal(Focal { selection, .. }) => *selection = Selection::default(),
            Self::BorderCrossEntropy(_) | Self::InstanceCrossEntropy(_) => {}
        }
        loss
    }

    /// The log loss of the same probabilities.
    pub fn plain(&self, activation: Activation) -> Self {
        match self.is_per_voxel(activation) {
            true => Self::CrossEntropy(CrossEntropy::default()),
            false => Self::BinaryCrossEntropy(BinaryCrossEntropy::default()),
        }
    }

    /// Whether the loss has one value a voxel; otherwise one a voxel and class.
    pub fn is_per_voxel(&self, activation: Activation) -> bool {
        match self {
            Self::CrossEntropy(_) => true,
            Self::BinaryCrossEntropy(_) => false,
            Self::Focal(_) | Self::BorderCrossEntropy(_) | Self::InstanceCrossEntropy(_) => {
                activation == Activation::Softmax
            }
        }
    }
}
