//! What a sweep over the voxels leaves of a class.

use crate::real::{DIRECTIONS, Dual, Real, Uses};

/// The sums over the counted voxels of one class, each voxel with its weight w.
///
/// p is the probability that the activation gives the class, g the reference. The first six
/// depend on the prediction; the rest are data.
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
    /// Σ w g, the size of the reference.
    pub g: f64,
    /// Σ w g².
    pub gg: f64,
    /// Σ w, the voxels.
    pub n: f64,
}

impl<S> Sums<S> {
    fn predictions(&mut self) -> [&mut S; DIRECTIONS] {
        let Self { pg, p, pp, l1, abs_p, transport, .. } = self;
        [pg, p, pp, l1, abs_p, transport]
    }
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
        g: 2.0,
        gg: 2.0,
        n: 3.0,
    };
}

impl Sums {
    /// The same sums as numbers of another kind.
    fn lift<S: Real>(&self, lift: impl Fn(f64, usize) -> S) -> Sums<S> {
        Sums {
            pg: lift(self.pg, 0),
            p: lift(self.p, 1),
            pp: lift(self.pp, 2),
            l1: lift(self.l1, 3),
            abs_p: lift(self.abs_p, 4),
            transport: lift(self.transport, 5),
            g: self.g,
            gg: self.gg,
            n: self.n,
        }
    }

    /// With each sum that depends on the prediction as an independent variable.
    pub(crate) fn variables(&self) -> Sums<Dual> {
        self.lift(Dual::variable)
    }

    /// With each as a constant.
    pub(crate) fn constants(&self) -> Sums<Dual> {
        self.lift(|value, _| Dual::from(value))
    }

    /// Of a class that is there, so that no formula stops before it has read its sums.
    pub(crate) fn present() -> Self {
        Self { g: 1.0, gg: 1.0, n: 2.0, ..Self::default() }
    }

    /// For tracing what a formula reads.
    pub(crate) fn traced(&self) -> Sums<Uses> {
        self.lift(|_, direction| Uses::variable(direction))
    }

    /// Adds `weight` times the other's sums.
    pub(crate) fn add(&mut self, weight: f64, mut other: Self) {
        for (sum, other) in self.predictions().into_iter().zip(other.predictions()) {
            *sum += weight * *other;
        }
        self.g += weight * other.g;
        self.gg += weight * other.gg;
        self.n += weight * other.n;
    }

    /// Sets the sum that belongs to a direction.
    pub(crate) fn set(&mut self, direction: usize, value: f64) {
        *self.predictions()[direction] = value;
    }
}
