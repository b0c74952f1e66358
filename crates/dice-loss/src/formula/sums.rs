//! What a sweep over the voxels leaves of a class.

use crate::{Sum, direction::Direction};

/// The sums over the counted voxels of one class, each voxel with its weight w; times its value of the
/// map m, if the term names one, but for the number of voxels.
///
/// p is the probability that the activation gives the class, g the reference. Those before
/// `g` depend on the prediction; the rest are data.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums<S = f64> {
    /// Σ w p g, the soft intersection.
    pub pg: S,
    /// Σ w p, the predicted size.
    pub p: S,
    /// Σ w p².
    pub pp: S,
    /// Σ w |p − g|.
    pub l1: S,
    /// Σ w |p|: Σ w p, unless the input is no probability.
    pub abs_p: S,
    /// Σ w g Σ_l M_l p_l, the cost of moving the prediction to this class, where M is the row
    /// of a distance matrix (see [`Distances`](crate::Distances)).
    pub transport: S,
    /// Σ w g (p − g)², what the prediction lacks where the reference is.
    pub sensitivity_error: S,
    /// Σ w (1 − g) (p − g)², what it has beside the reference.
    pub specificity_error: S,
    /// Σ w (p − g)².
    pub squared_error: S,
    /// Σ w g, the size of the reference.
    pub g: S,
    /// Σ w g².
    pub gg: S,
    /// Σ w, the voxels.
    pub n: S,
    /// Σ w m, what the term's map sums to.
    pub mapped: S,
}

#[cfg(test)]
impl Sums {
    /// Of p = (0.9, 0.2, 0.4) and g = (1, 0, 1): what the tests by hand start from.
    pub(crate) const EXAMPLE: Self = Self {
        pg: 1.3,
        p: 1.5,
        pp: 1.01,
        l1: 0.9,
        abs_p: 1.5,
        transport: 0.0,
        sensitivity_error: 0.37,
        specificity_error: 0.04,
        squared_error: 0.41,
        g: 2.0,
        gg: 2.0,
        n: 3.0,
        mapped: 3.0,
    };
}

impl<S> Sums<S> {
    /// Of what each sum is.
    pub(crate) fn new(of: impl Fn(Sum) -> S) -> Self {
        Self {
            pg: of(Sum::Intersection),
            p: of(Sum::Prediction),
            pp: of(Sum::PredictionSquared),
            l1: of(Sum::Difference),
            abs_p: of(Sum::Magnitude),
            transport: of(Sum::Transport),
            sensitivity_error: of(Sum::SensitivityError),
            specificity_error: of(Sum::SpecificityError),
            squared_error: of(Sum::SquaredError),
            g: of(Sum::Reference),
            gg: of(Sum::ReferenceSquared),
            n: of(Sum::Voxels),
            mapped: of(Sum::Mapped),
        }
    }
}

impl Sums {
    /// A sum that formulas read; not a number for others.
    pub(crate) fn of(&self, sum: Sum) -> f64 {
        match sum {
            Sum::Intersection => self.pg,
            Sum::Prediction => self.p,
            Sum::PredictionSquared => self.pp,
            Sum::Difference => self.l1,
            Sum::Magnitude => self.abs_p,
            Sum::Transport => self.transport,
            Sum::SensitivityError => self.sensitivity_error,
            Sum::SpecificityError => self.specificity_error,
            Sum::SquaredError => self.squared_error,
            Sum::Reference => self.g,
            Sum::ReferenceSquared => self.gg,
            Sum::Voxels => self.n,
            Sum::Mapped => self.mapped,
            _ => f64::NAN,
        }
    }

    /// The sum of a direction.
    pub(crate) fn get(&self, direction: Direction) -> f64 {
        self.of(direction.sum())
    }

    /// Sets the sum of a direction.
    pub(crate) fn set(&mut self, direction: Direction, value: f64) {
        let sum = match direction {
            Direction::Intersection => &mut self.pg,
            Direction::Prediction => &mut self.p,
            Direction::PredictionSquared => &mut self.pp,
            Direction::Difference => &mut self.l1,
            Direction::Magnitude => &mut self.abs_p,
            Direction::Transport => &mut self.transport,
            Direction::SensitivityError => &mut self.sensitivity_error,
            Direction::SpecificityError => &mut self.specificity_error,
            Direction::SquaredError => &mut self.squared_error,
        };
        *sum = value;
    }

    /// Adds `weight` times the other's sums.
    pub(crate) fn add(&mut self, weight: f64, other: Self) {
        for direction in Direction::ALL {
            self.set(direction, self.get(direction) + weight * other.get(direction));
        }
        self.g += weight * other.g;
        self.gg += weight * other.gg;
        self.n += weight * other.n;
        self.mapped += weight * other.mapped;
    }
}
