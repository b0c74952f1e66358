//! What keeps ratios finite.

use serde::{Deserialize, Serialize};

/// What is added to the numerator and to the denominator of a ratio; 1e-5 each by default.
///
/// The numerator's share decides what a class scores when it is absent from both reference and
/// prediction; the denominator's keeps the ratio finite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Smoothing {
    /// Added to the numerator; at least 0.
    pub numerator: f64,
    /// Added to the denominator; at least 0.
    pub denominator: f64,
}

impl Default for Smoothing {
    fn default() -> Self {
        Self::both(1e-5)
    }
}

impl Smoothing {
    /// The same in the numerator and the denominator.
    pub fn both(value: f64) -> Self {
        Self { numerator: value, denominator: value }
    }
}
