//! What a formula is written in: numbers that put down what is done with them.

use std::{
    cell::RefCell,
    fmt,
    ops::{Add, Div, Mul, Neg, Sub},
};

use super::Operation;
use crate::Sums;

/// A number in the formula of a loss.
///
/// It has no value yet: arithmetic puts down operations, which are carried out for any batch
/// afterwards. So a formula cannot branch on a number; it can [`select`](Self::select).
#[derive(Clone, Copy)]
pub struct Number<'t> {
    recording: &'t Recording,
    at: usize,
}

impl fmt::Debug for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Number({})", self.at)
    }
}

impl<'t> Number<'t> {
    pub(super) fn place(self) -> usize {
        self.at
    }

    fn then(self, operation: Operation) -> Self {
        self.recording.put(operation)
    }

    fn constant(self, value: f64) -> Self {
        self.then(Operation::Constant(value))
    }

    /// Natural logarithm.
    pub fn ln(self) -> Self {
        self.then(Operation::Ln(self.at))
    }

    /// The exponential.
    pub fn exp(self) -> Self {
        self.then(Operation::Exp(self.at))
    }

    /// Square root; its derivative at 0 is taken as 0.
    pub fn sqrt(self) -> Self {
        self.then(Operation::Sqrt(self.at))
    }

    /// A sum that is at least 0 but for rounding: what rounding left below counts as 0. The
    /// derivative stays.
    pub fn at_least_zero(self) -> Self {
        self.then(Operation::AtLeastZero(self.at))
    }

    /// Logarithm of the hyperbolic cosine, safe for large arguments.
    pub fn ln_cosh(self) -> Self {
        self.then(Operation::LnCosh(self.at))
    }

    /// `max(self, 0)^exponent`, with derivative 0 at and below 0: finite for exponents below 1.
    pub fn powf(self, exponent: f64) -> Self {
        match exponent == 1.0 {
            true => self,
            false => self.then(Operation::Power(self.at, exponent)),
        }
    }

    /// One number where this is above 0, another elsewhere.
    ///
    /// Choose what goes into a division or a logarithm rather than what comes out: array frameworks
    /// also take the slope of what was not chosen, and have no number where it is infinite.
    pub fn select(self, above_zero: impl Into<Operand<'t>>, else_: impl Into<Operand<'t>>) -> Self {
        let [above_zero, else_] = [above_zero.into(), else_.into()].map(|operand| match operand {
            Operand::Number(number) => number,
            Operand::Constant(value) => self.constant(value),
        });
        self.then(Operation::Select(self.at, above_zero.at, else_.at))
    }
}

/// What [`Number::select`] chooses from: a number of the formula, or a plain one.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'t> {
    /// Of the formula.
    Number(Number<'t>),
    /// The same whatever the sums.
    Constant(f64),
}

impl<'t> From<Number<'t>> for Operand<'t> {
    fn from(number: Number<'t>) -> Self {
        Self::Number(number)
    }
}

impl From<f64> for Operand<'_> {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}

impl Neg for Number<'_> {
    type Output = Self;

    fn neg(self) -> Self {
        self.then(Operation::Negate(self.at))
    }
}

macro_rules! operators {
    ($($Op:ident $op:ident $Operation:ident),+) => { $(
        impl $Op for Number<'_> {
            type Output = Self;

            fn $op(self, other: Self) -> Self {
                self.then(Operation::$Operation(self.at, other.at))
            }
        }

        impl $Op<f64> for Number<'_> {
            type Output = Self;

            fn $op(self, other: f64) -> Self {
                self.$op(self.constant(other))
            }
        }

        impl<'t> $Op<Number<'t>> for f64 {
            type Output = Number<'t>;

            fn $op(self, other: Number<'t>) -> Number<'t> {
                other.constant(self).$op(other)
            }
        }
    )+ };
}
operators!(Add add Add, Sub sub Subtract, Mul mul Multiply, Div div Divide);

/// All classes of a sample, or of the batch: each number here stands for one of every class.
///
/// Arithmetic goes class by class; [`total`](Self::total) and [`least`](Self::least) make one number
/// of all.
#[derive(Debug, Clone, Copy)]
pub struct Row<'t> {
    /// The sums of the class.
    pub sums: Sums<Number<'t>>,
    /// The weight of the class, at least 0; one of weight 0 takes no part.
    pub weight: Number<'t>,
    /// 0 of class 0, 1 of any other.
    pub foreground: Number<'t>,
}

impl<'t> Row<'t> {
    /// Σ w x over the classes of weight w > 0: what the others have is not read, NaN or not.
    pub fn total(&self, weight: Number<'t>, x: Number<'t>) -> Number<'t> {
        let weighted = weight * weight.select(x, 0.0);
        weighted.then(Operation::Total(weighted.at))
    }

    /// The smallest x above 0, or 1 where there is none.
    pub fn least(&self, x: Number<'t>) -> Number<'t> {
        x.then(Operation::Least(x.at))
    }
}

/// The operations put down so far.
#[derive(Debug, Default)]
pub(super) struct Recording(RefCell<Vec<Operation>>);

impl Recording {
    /// What is done twice is put down once.
    fn put(&self, operation: Operation) -> Number<'_> {
        let mut operations = self.0.borrow_mut();
        let known = operations.iter().position(|earlier| *earlier == operation);
        let at = known.unwrap_or_else(|| {
            operations.push(operation);
            operations.len() - 1
        });
        Number { recording: self, at }
    }

    pub fn sums(&self) -> Sums<Number<'_>> {
        Sums::new(|sum| self.put(Operation::Sum(sum)))
    }

    pub fn row(&self) -> Row<'_> {
        Row {
            sums: self.sums(),
            weight: self.put(Operation::Weight),
            foreground: self.put(Operation::Foreground),
        }
    }

    /// Only what leads to the result, which comes last.
    pub fn needed(self, result: usize) -> Vec<Operation> {
        let operations = self.0.into_inner();
        let mut needed = vec![false; operations.len()];
        needed[result] = true;
        for (at, operation) in operations.iter().enumerate().take(result + 1).rev() {
            if needed[at] {
                operation.operands().for_each(|operand| needed[operand] = true);
            }
        }
        let mut places = vec![0; operations.len()];
        let mut kept = Vec::new();
        for (at, operation) in operations.into_iter().enumerate() {
            if needed[at] {
                places[at] = kept.len();
                kept.push(operation.moved(|operand| places[operand]));
            }
        }
        kept
    }
}
