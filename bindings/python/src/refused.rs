//! What is wrong with a call, on its way to Python.

use pyo3::{PyErr, exceptions::PyValueError};

/// What was found and what was wanted: a `ValueError`.
#[derive(Debug)]
pub(crate) struct Refused(String);

pub(crate) type Result<T, E = Refused> = std::result::Result<T, E>;

impl Refused {
    pub fn new(what: &str, found: impl std::fmt::Display, wanted: impl std::fmt::Display) -> Self {
        Self(format!("{what}: found {found}, wanted {wanted}"))
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<dice_loss::Error> for Refused {
    fn from(error: dice_loss::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Refused> for PyErr {
    fn from(refused: Refused) -> Self {
        PyValueError::new_err(refused.0)
    }
}
