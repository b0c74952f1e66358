//! The sums of the prediction that overlap losses have derivatives by.

use std::ops::{Index, IndexMut};

use crate::Sum;

/// A [`Sum`] of the prediction that overlap losses are formulas of: a derivative for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Intersection,
    Prediction,
    PredictionSquared,
    Difference,
    Magnitude,
    Transport,
    SensitivityError,
    SpecificityError,
    SquaredError,
}

impl Direction {
    pub const ALL: [Self; 9] = [
        Self::Intersection,
        Self::Prediction,
        Self::PredictionSquared,
        Self::Difference,
        Self::Magnitude,
        Self::Transport,
        Self::SensitivityError,
        Self::SpecificityError,
        Self::SquaredError,
    ];

    /// Whether its sum is linear in p, and of each class by itself: all that most losses read.
    pub const fn is_linear(self) -> bool {
        matches!(self, Self::Intersection | Self::Prediction)
    }

    /// The sum that it is the direction of.
    pub const fn sum(self) -> Sum {
        match self {
            Self::Intersection => Sum::Intersection,
            Self::Prediction => Sum::Prediction,
            Self::PredictionSquared => Sum::PredictionSquared,
            Self::Difference => Sum::Difference,
            Self::Magnitude => Sum::Magnitude,
            Self::Transport => Sum::Transport,
            Self::SensitivityError => Sum::SensitivityError,
            Self::SpecificityError => Sum::SpecificityError,
            Self::SquaredError => Sum::SquaredError,
        }
    }
}

/// One of something for each direction.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ByDirection<T>([T; Direction::ALL.len()]);

impl<T: Copy> ByDirection<T> {
    pub fn new(of: impl FnMut(Direction) -> T) -> Self {
        Self(Direction::ALL.map(of))
    }

    pub fn map<U>(self, of: impl FnMut(T) -> U) -> ByDirection<U> {
        ByDirection(self.0.map(of))
    }

    pub fn zip(self, other: Self, of: impl Fn(T, T) -> T) -> Self {
        Self(std::array::from_fn(|i| of(self.0[i], other.0[i])))
    }

    pub fn each(&self) -> impl Iterator<Item = (Direction, T)> {
        Direction::ALL.into_iter().zip(self.0)
    }
}

impl<T> Index<Direction> for ByDirection<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, direction: Direction) -> &T {
        &self.0[direction as usize]
    }
}

impl<T> IndexMut<Direction> for ByDirection<T> {
    #[inline(always)]
    fn index_mut(&mut self, direction: Direction) -> &mut T {
        &mut self.0[direction as usize]
    }
}
