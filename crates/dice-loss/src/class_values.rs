//! Options that may differ from class to class.

use serde::{Deserialize, Serialize};

use crate::{Result, declaration::Range, error::parameter};

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
