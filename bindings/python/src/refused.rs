//! What is wrong with a call, on its way to Python.

use pyo3::{
    PyErr,
    exceptions::{PyMemoryError, PyValueError},
};

/// Why a call has no result.
#[derive(Debug)]
pub(crate) enum Refused {
    /// What was found and what was wanted: a `ValueError`.
    Value(String),
    /// A `MemoryError`.
    Memory(String),
    /// What the handler of a signal raised, such as `KeyboardInterrupt`.
    Raised(PyErr),
}

pub(crate) type Result<T, E = Refused> = std::result::Result<T, E>;

impl Refused {
    pub fn new(what: &str, found: impl std::fmt::Display, wanted: impl std::fmt::Display) -> Self {
        Self::Value(format!("{what}: found {found}, wanted {wanted}"))
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(text) | Self::Memory(text) => f.write_str(text),
            Self::Raised(error) => error.fmt(f),
        }
    }
}

/// So many of a value.
pub(crate) fn filled<T: Clone>(value: T, count: usize, what: &'static str) -> Result<Vec<T>> {
    let mut all = Vec::new();
    if all.try_reserve_exact(count).is_err() {
        let bytes = count.saturating_mul(size_of::<T>());
        return Err(dice_loss::Error::Memory { what, bytes }.into());
    }
    all.resize(count, value);
    Ok(all)
}

impl From<dice_loss::Error> for Refused {
    fn from(error: dice_loss::Error) -> Self {
        match error {
            dice_loss::Error::Memory { .. } => Self::Memory(error.to_string()),
            _ => Self::Value(error.to_string()),
        }
    }
}

impl From<Refused> for PyErr {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Value(text) => PyValueError::new_err(text),
            Refused::Memory(text) => PyMemoryError::new_err(text),
            Refused::Raised(error) => error,
        }
    }
}
