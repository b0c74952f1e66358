//! The numbers that an option can be.

use std::fmt;

/// An interval of numbers, none of them larger than [`LARGEST`](Self::LARGEST).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
    with_low: bool,
    with_high: bool,
}

impl Range {
    /// What no option exceeds, negative or positive: with products of a few of these, and of sums
    /// over any batch, f64 does not overflow, nor f32 with one.
    pub const LARGEST: f64 = 1e30;

    /// Every number up to [`LARGEST`](Self::LARGEST).
    pub const ANY: Self =
        Self { low: f64::NEG_INFINITY, high: f64::INFINITY, with_low: false, with_high: false };

    /// From this number on.
    pub const fn at_least(low: f64) -> Self {
        Self { low, with_low: true, ..Self::ANY }
    }

    /// Above this number.
    pub const fn above(low: f64) -> Self {
        Self { low, ..Self::ANY }
    }

    /// From one number to another, both included.
    pub const fn closed(low: f64, high: f64) -> Self {
        Self { low, high, with_low: true, with_high: true }
    }

    /// From one number to another, the upper not included.
    pub const fn half_open(low: f64, high: f64) -> Self {
        Self { low, high, with_low: true, with_high: false }
    }

    /// Between two numbers, neither included.
    pub const fn open(low: f64, high: f64) -> Self {
        Self { low, high, with_low: false, with_high: false }
    }

    /// Whether the number is in it.
    pub fn contains(&self, value: f64) -> bool {
        let above = if self.with_low { value >= self.low } else { value > self.low };
        let below = if self.with_high { value <= self.high } else { value < self.high };
        value.abs() <= Self::LARGEST && above && below
    }

    /// What is wanted instead of this number, which is not in it.
    pub(crate) fn instead_of(&self, value: f64) -> String {
        if value.is_finite() && self.contains(value.clamp(-Self::LARGEST, Self::LARGEST)) {
            return format!("a number between ±{:e}", Self::LARGEST);
        }
        self.to_string()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { low, high, with_low, with_high } = self;
        match (low.is_finite(), high.is_finite(), with_low, with_high) {
            (false, false, ..) => write!(f, "a finite number"),
            (false, true, _, true) => write!(f, "a finite number of at most {high}"),
            (false, true, _, false) => write!(f, "a finite number below {high}"),
            (true, false, true, _) => write!(f, "a finite number of at least {low}"),
            (true, false, false, _) => write!(f, "a finite number above {low}"),
            (true, true, true, true) => write!(f, "{low} to {high}"),
            (true, true, true, false) => write!(f, "{low} to {high}, {high} not included"),
            (true, true, false, true) => write!(f, "{low} to {high}, {low} not included"),
            (true, true, false, false) => {
                write!(f, "a number between {low} and {high}, neither included")
            }
        }
    }
}
