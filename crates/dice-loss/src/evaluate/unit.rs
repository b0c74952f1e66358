//! What an overlap term has values of, and their mean.

use crate::{Pool, Reduction};

/// What an overlap term has a value for, by its pool and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    SampleAndClass,
    Class,
    Sample,
    One { coupled: bool },
}

impl Unit {
    pub fn of(pool: Pool, coupled: bool) -> Self {
        match (pool, coupled) {
            (Pool::Sample | Pool::Cell | Pool::Blob, false) => Self::SampleAndClass,
            (Pool::Batch, false) => Self::Class,
            // `Term::check` has refused the instances of a loss that couples the classes.
            (Pool::Sample | Pool::Cell | Pool::Blob, true) => Self::Sample,
            (Pool::All, false) | (Pool::Batch | Pool::All, true) => Self::One { coupled },
        }
    }

    pub fn count(self, samples: usize, classes: usize) -> usize {
        match self {
            Self::SampleAndClass => samples * classes,
            Self::Class => classes,
            Self::Sample => samples,
            Self::One { .. } => 1,
        }
    }

    /// The class of a value, if it has one.
    pub fn class(self, index: usize, classes: usize) -> Option<usize> {
        match self {
            Self::SampleAndClass => Some(index % classes),
            Self::Class => Some(index),
            Self::Sample | Self::One { .. } => None,
        }
    }

    /// The number of the value that a (sample, class) is part of.
    pub fn index(self, sample: usize, class: usize, classes: usize) -> usize {
        match self {
            Self::SampleAndClass => sample * classes + class,
            Self::Class => class,
            Self::Sample => sample,
            Self::One { .. } => 0,
        }
    }

    pub fn shape(self, samples: usize, classes: usize) -> Vec<usize> {
        match self {
            Self::SampleAndClass => vec![samples, classes],
            Self::Class => vec![classes],
            Self::Sample => vec![samples],
            Self::One { .. } => vec![],
        }
    }
}

/// The mean of weighted values, or their sum.
pub(super) struct Scale {
    pub reduction: Reduction,
    pub total: f64,
}

impl Scale {
    /// What every weight is multiplied with; 0 where nothing counts.
    pub fn factor(&self) -> f64 {
        match self.reduction {
            Reduction::Sum | Reduction::None => 1.0,
            Reduction::Mean if self.total > 0.0 => 1.0 / self.total,
            Reduction::Mean => 0.0,
        }
    }
}
