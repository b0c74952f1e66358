//! Numbers that loss formulas are written in: plain ones, dual ones, and a tracer.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::region::{ByDirection, Direction};

/// A real number as the formula of a loss sees it.
///
/// A formula is written once, over `Real`. Evaluated on `f64` it is the loss; on dual numbers it is
/// the loss and its derivatives; on a tracer it tells which sums must be measured.
pub trait Real:
    Copy
    + From<f64>
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
{
    /// `f(self)`, given the value of `f` and of its derivative as functions of a plain number.
    fn map(self, f: impl Fn(f64) -> f64, derivative: impl Fn(f64) -> f64) -> Self;

    /// Natural logarithm.
    fn ln(self) -> Self {
        self.map(f64::ln, |x| 1.0 / x)
    }

    /// Square root; its derivative at 0 is taken as 0.
    fn sqrt(self) -> Self {
        self.map(f64::sqrt, |x| if x == 0.0 { 0.0 } else { 0.5 / x.sqrt() })
    }

    /// A sum that is at least 0 but for rounding: what rounding left below counts as 0. The
    /// derivative stays.
    fn at_least_zero(self) -> Self {
        self.map(|x| if x < 0.0 { 0.0 } else { x }, |_| 1.0)
    }

    /// Logarithm of the hyperbolic cosine, safe for large arguments.
    fn ln_cosh(self) -> Self {
        let ln_cosh = |x: f64| x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2;
        self.map(ln_cosh, f64::tanh)
    }

    /// `max(self, 0)^exponent`, with derivative 0 at and below 0: finite for exponents below 1.
    fn powf(self, exponent: f64) -> Self {
        if exponent == 1.0 {
            return self;
        }
        self.map(
            |x| if x <= 0.0 { 0.0 } else { x.powf(exponent) },
            |x| if x <= 0.0 { 0.0 } else { exponent * x.powf(exponent - 1.0) },
        )
    }
}

impl Real for f64 {
    fn map(self, f: impl Fn(f64) -> f64, _: impl Fn(f64) -> f64) -> Self {
        f(self)
    }
}

/// A value with its derivatives by the sums of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual {
    /// The value.
    pub value: f64,
    /// Its derivatives.
    pub derivatives: ByDirection<f64>,
}

impl Dual {
    /// The independent variable of a direction.
    pub fn variable(value: f64, direction: Direction) -> Self {
        let mut dual = Self::from(value);
        dual.derivatives[direction] = 1.0;
        dual
    }

    fn combine(value: f64, a: Self, da: f64, b: Self, db: f64) -> Self {
        let derivatives = a.derivatives.zip(b.derivatives, |a, b| da * a + db * b);
        Self { value, derivatives }
    }
}

impl From<f64> for Dual {
    fn from(value: f64) -> Self {
        Self { value, derivatives: ByDirection::default() }
    }
}

impl Neg for Dual {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, derivatives: self.derivatives.map(|d| -d) }
    }
}

impl Add for Dual {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Self::combine(self.value + b.value, self, 1.0, b, 1.0)
    }
}

impl Sub for Dual {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Self::combine(self.value - b.value, self, 1.0, b, -1.0)
    }
}

impl Mul for Dual {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        Self::combine(self.value * b.value, self, b.value, b, self.value)
    }
}

impl Div for Dual {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let ratio = self.value / b.value;
        Self::combine(ratio, self, 1.0 / b.value, b, -ratio / b.value)
    }
}

impl Real for Dual {
    fn map(self, f: impl Fn(f64) -> f64, derivative: impl Fn(f64) -> f64) -> Self {
        let slope = derivative(self.value);
        Self {
            value: f(self.value),
            // A zero direction stays zero where the slope is infinite.
            derivatives: self.derivatives.map(|d| if d == 0.0 { 0.0 } else { slope * d }),
        }
    }
}

/// Which of a class's sums a formula reads: the set of directions that reach its result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uses(pub(crate) u8);

impl Uses {
    pub(crate) fn variable(direction: Direction) -> Self {
        Self(1 << direction as u8)
    }

    pub(crate) fn contains(self, direction: Direction) -> bool {
        self.0 & Self::variable(direction).0 != 0
    }
}

impl From<f64> for Uses {
    fn from(_: f64) -> Self {
        Self(0)
    }
}

impl Neg for Uses {
    type Output = Self;
    fn neg(self) -> Self {
        self
    }
}

impl Real for Uses {
    fn map(self, _: impl Fn(f64) -> f64, _: impl Fn(f64) -> f64) -> Self {
        self
    }
}

macro_rules! operators {
    ($($Op:ident $op:ident),+) => { $(
        impl $Op for Uses {
            type Output = Self;
            #[allow(clippy::suspicious_arithmetic_impl)] // every operation unites what was read
            fn $op(self, b: Self) -> Self {
                Self(self.0 | b.0)
            }
        }
        impl $Op<f64> for Uses {
            type Output = Self;
            fn $op(self, _: f64) -> Self {
                self
            }
        }
        impl $Op<f64> for Dual {
            type Output = Self;
            fn $op(self, b: f64) -> Self {
                self.$op(Self::from(b))
            }
        }
    )+ };
}
operators!(Add add, Sub sub, Mul mul, Div div);

#[cfg(test)]
mod tests {
    use super::*;

    const PG: Direction = Direction::Intersection;
    const PP: Direction = Direction::PredictionSquared;
    const L1: Direction = Direction::Difference;

    fn formula<S: Real>(x: S, y: S) -> S {
        let ratio = (x * y + 0.5) / (x + y * 2.0);
        (S::from(2.0) - ratio).powf(0.75) + ratio.ln() * x.sqrt() - (-y).ln_cosh()
    }

    #[test]
    fn duals_carry_the_derivative() {
        let (x, y, h) = (1.3, 0.7, 1e-6);
        let dual = formula(Dual::variable(x, PG), Dual::variable(y, L1));
        assert_eq!(dual.value, formula(x, y));
        let dx = (formula(x + h, y) - formula(x - h, y)) / (2.0 * h);
        let dy = (formula(x, y + h) - formula(x, y - h)) / (2.0 * h);
        assert!((dual.derivatives[PG] - dx).abs() < 1e-9);
        assert!((dual.derivatives[L1] - dy).abs() < 1e-9);
        assert_eq!(dual.derivatives[PP], 0.0);
    }

    #[test]
    fn powers_below_one_have_a_finite_gradient_at_zero() {
        let dual = Dual::variable(0.0, PG).powf(0.5);
        assert_eq!((dual.value, dual.derivatives[PG]), (0.0, 0.0));
    }

    #[test]
    fn not_a_number_stays_one() {
        let nan = Dual::variable(f64::NAN, PG);
        for dual in [nan.powf(0.5), nan.sqrt(), nan.at_least_zero(), nan.ln_cosh(), nan.ln()] {
            assert!(dual.value.is_nan());
        }
        assert!(nan.powf(2.0).derivatives[PG].is_nan() && nan.sqrt().derivatives[PG].is_nan());
    }

    #[test]
    fn rounding_below_zero_is_taken_back() {
        let dual = Dual::variable(-1e-9, PP).at_least_zero();
        assert_eq!((dual.value, dual.derivatives[PP]), (0.0, 1.0));
        assert_eq!(Dual::variable(2.0, PP).at_least_zero().value, 2.0);
    }

    #[test]
    fn uses_unite() {
        let uses = formula(Uses::variable(PG), Uses::variable(L1));
        assert!(uses.contains(PG) && uses.contains(L1) && !uses.contains(PP));
    }
}
