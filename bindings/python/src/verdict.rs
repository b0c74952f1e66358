//! What `evaluate` found, as Python asks for it.

use std::sync::Arc;

use dice_loss::Prepared;
use pyo3::prelude::*;

/// The loss, and what it is made of.
#[pyclass(frozen, module = "dice_loss._core")]
pub(crate) struct Verdict {
    verdict: dice_loss::Verdict,
    prepared: Arc<Prepared>,
}

impl Verdict {
    pub fn new(verdict: dice_loss::Verdict, prepared: Arc<Prepared>) -> Self {
        Self { verdict, prepared }
    }
}

#[pymethods]
impl Verdict {
    /// The weighted sum of the terms.
    #[getter]
    fn loss(&self) -> f64 {
        self.verdict.loss()
    }

    /// Name, weight, loss and the loss of each class.
    #[getter]
    fn terms(&self) -> Vec<(&'static str, f64, f64, Vec<f64>)> {
        let plain = |term: &dice_loss::TermVerdict| {
            (term.name, term.weight, term.loss, term.per_class.clone())
        };
        self.verdict.terms().iter().map(plain).collect()
    }

    /// For reduction none and overlap terms: the values, row-major.
    #[getter]
    fn values(&self) -> Option<Vec<f64>> {
        self.verdict.values().map(<[f64]>::to_vec)
    }

    /// The shape of the values.
    #[getter]
    fn shape(&self) -> Vec<usize> {
        self.verdict.shape()
    }

    /// Which value each (row, class) is part of.
    #[getter]
    fn cells(&self) -> Vec<usize> {
        self.prepared.value_of_each(&self.verdict)
    }

    /// The soft Dice of each class.
    #[getter]
    fn soft_dice(&self) -> Option<Vec<f64>> {
        self.verdict.soft_dice().map(<[f64]>::to_vec)
    }
}
