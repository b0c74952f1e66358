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

use crate::{Activation, Result, Term, catalogue::Entry, error::parameter};

/// One value for every class, or one for each.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassValues {
    /// The same for every class.
    Same(f64),
    /// One for each class.
    Each(Vec<f64>),
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
        }
    }

    pub(crate) fn check(
        &self,
        what: &str,
        classes: usize,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<()> {
        let values = match self {
            Self::Same(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
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
        use crate::Describe;
        match self {
            Self::CrossEntropy(_) => CrossEntropy::NAME,
            Self::BinaryCrossEntropy(_) => BinaryCrossEntropy::NAME,
            Self::Focal(_) => Focal::NAME,
        }
    }

    pub fn check(&self, activation: Activation, classes: usize) -> Result<()> {
        match self {
            Self::CrossEntropy(loss) => loss.check(activation),
            Self::BinaryCrossEntropy(loss) => loss.check(activation, classes),
            Self::Focal(loss) => loss.check(activation, classes),
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
        Entry::voxel::<CrossEntropy>(&CrossEntropy::ACTIVATIONS, |activation| {
            CrossEntropy::default().with(activation)
        }),
        Entry::voxel::<BinaryCrossEntropy>(&BinaryCrossEntropy::ACTIVATIONS, |activation| {
            BinaryCrossEntropy::default().with(activation)
        }),
        Entry::voxel::<Focal>(&Focal::ACTIVATIONS, |activation| Focal::default().with(activation)),
    ]
}

fn supported(loss: &str, activation: Activation, wanted: &[Activation]) -> Result<()> {
    if wanted.contains(&activation) {
        return Ok(());
    }
    parameter(format!("{loss}: activation"), activation, format!("one of {wanted:?}"))
}
