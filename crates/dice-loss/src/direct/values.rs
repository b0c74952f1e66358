//! What is found of a batch.

/// What a loss beside the [`Objective`](crate::Objective) says of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct LossValues {
    pub(super) loss: f64,
    pub(super) values: Vec<f64>,
    pub(super) shape: Vec<usize>,
    pub(super) per_class: Vec<f64>,
}

impl LossValues {
    /// The loss: the mean or sum over what counts. For [`Reduction::None`](crate::Reduction::None), the
    /// sum of all values.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The value of each (sample, class), or of each class of the batch, row-major, times the class's
    /// weight. One that is left out, or skipped as absent, has a value of 0.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The shape of [`values`](Self::values): (N, C), (C), or none where everything has one value.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The loss of each class, a mean over the samples that count; NaN where none does, and nothing
    /// where all classes have one value.
    pub fn per_class(&self) -> &[f64] {
        &self.per_class
    }
}
