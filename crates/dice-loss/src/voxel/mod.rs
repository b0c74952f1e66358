//! Voxel losses: a mean over the voxels of a function of each voxel's own probabilities.
//!
//! These files hold their options and their documentation; their arithmetic is part of the
//! sweeps, in `sweep/`.

mod binary_cross_entropy;
mod cross_entropy;
mod focal;

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
pub use focal::Focal;

use serde::{Deserialize, Serialize};

use crate::{Activation, Describe, Result, catalogue::Entry, error::parameter};

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

    pub(crate) fn check(
        &self,
        what: &str,
        classes: usize,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<()> {
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
        match values.iter().find(|value| !range.contains(value) || !value.is_finite()) {
            Some(value) => parameter(
                what,
                value,
                format!("a finite number from {} to {}", range.start(), range.end()),
            ),
            None => Ok(()),
        }
    }
}

/// A voxel loss, with its options.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum VoxelLoss {
    CrossEntropy(CrossEntropy),
    BinaryCrossEntropy(BinaryCrossEntropy),
    Focal(Focal),
}

impl VoxelLoss {
    pub fn name(&self) -> &'static str {
        match self {
            Self::CrossEntropy(_) => CrossEntropy::NAME,
            Self::BinaryCrossEntropy(_) => BinaryCrossEntropy::NAME,
            Self::Focal(_) => Focal::NAME,
        }
    }

    pub fn activations(&self) -> &'static [Activation] {
        match self {
            Self::CrossEntropy(_) => CrossEntropy::ACTIVATIONS,
            Self::BinaryCrossEntropy(_) => BinaryCrossEntropy::ACTIVATIONS,
            Self::Focal(_) => Focal::ACTIVATIONS,
        }
    }

    pub fn check(&self, classes: usize) -> Result<()> {
        match self {
            Self::CrossEntropy(loss) => loss.check(),
            Self::BinaryCrossEntropy(loss) => loss.check(classes),
            Self::Focal(loss) => loss.check(classes),
        }
    }

    /// Whether the loss has one value a voxel; otherwise one a voxel and class.
    pub fn is_per_voxel(&self, activation: Activation) -> bool {
        match self {
            Self::CrossEntropy(_) => true,
            Self::BinaryCrossEntropy(_) => false,
            Self::Focal(_) => activation == Activation::Softmax,
        }
    }
}

pub(crate) fn catalogue() -> Vec<Entry> {
    vec![
        Entry::single::<CrossEntropy>(|activation| CrossEntropy::default().with(activation)),
        Entry::single::<BinaryCrossEntropy>(|activation| {
            BinaryCrossEntropy::default().with(activation)
        }),
        Entry::single::<Focal>(|activation| Focal::default().with(activation)),
    ]
}
