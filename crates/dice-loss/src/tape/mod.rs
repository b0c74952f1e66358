//! Formulas as lists of operations, and what they are read for.
//!
//! The author of a loss writes arithmetic on [`Number`]s, which puts down each operation instead of
//! carrying it out. From the list follow the loss, its derivatives, the sums that must be measured,
//! and the same formula in any array framework.

mod number;
mod replay;
#[cfg(test)]
mod tests;

pub use number::{Number, Operand, Row};
pub(crate) use replay::Given;

use serde::Serialize;

use crate::{Sum, Sums};
use number::Recording;

/// One operation of a [`Tape`]; an operand is the place of an earlier one.
///
/// Each has a number for every class. Slopes are the derivatives of values wherever these have one;
/// where they have none, what is said here holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A sum over the voxels of the class.
    Sum(Sum),
    /// The class's weight in the row; at least 0.
    Weight,
    /// 0 of class 0, 1 of any other.
    Foreground,
    /// The same of every class.
    Constant(f64),
    /// −a.
    Negate(usize),
    /// a + b.
    Add(usize, usize),
    /// a − b.
    Subtract(usize, usize),
    /// a b.
    Multiply(usize, usize),
    /// a / b.
    Divide(usize, usize),
    /// Natural logarithm.
    Ln(usize),
    /// The exponential.
    Exp(usize),
    /// Square root, with a slope of 0 at 0.
    Sqrt(usize),
    /// max(a, 0)^exponent, with a slope of 0 at and below 0.
    Power(usize, f64),
    /// ln cosh a, for any size of a.
    LnCosh(usize),
    /// max(a, 0), with a slope of 1 everywhere.
    AtLeastZero(usize),
    /// b where the condition a is above 0, c elsewhere; the other has a slope of 0.
    Select(usize, usize, usize),
    /// Σ a over the classes, the same of every class.
    Total(usize),
    /// The smallest a above 0 among the classes, the same of every class; 1 where none is above 0.
    /// Classes that share it share its slope.
    Least(usize),
}

impl Operation {
    /// Its operands, in order.
    pub fn operands(self) -> impl Iterator<Item = usize> {
        let operands = match self {
            Self::Sum(_) | Self::Weight | Self::Foreground | Self::Constant(_) => [None; 3],
            Self::Negate(a)
            | Self::Ln(a)
            | Self::Exp(a)
            | Self::Sqrt(a)
            | Self::Power(a, _)
            | Self::LnCosh(a)
            | Self::AtLeastZero(a)
            | Self::Total(a)
            | Self::Least(a) => [Some(a), None, None],
            Self::Add(a, b) | Self::Subtract(a, b) | Self::Multiply(a, b) | Self::Divide(a, b) => {
                [Some(a), Some(b), None]
            }
            Self::Select(a, b, c) => [Some(a), Some(b), Some(c)],
        };
        operands.into_iter().flatten()
    }

    /// The same with other places for its operands.
    fn moved(self, to: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::Sum(_) | Self::Weight | Self::Foreground | Self::Constant(_) => self,
            Self::Negate(a) => Self::Negate(to(a)),
            Self::Add(a, b) => Self::Add(to(a), to(b)),
            Self::Subtract(a, b) => Self::Subtract(to(a), to(b)),
            Self::Multiply(a, b) => Self::Multiply(to(a), to(b)),
            Self::Divide(a, b) => Self::Divide(to(a), to(b)),
            Self::Ln(a) => Self::Ln(to(a)),
            Self::Exp(a) => Self::Exp(to(a)),
            Self::Sqrt(a) => Self::Sqrt(to(a)),
            Self::Power(a, exponent) => Self::Power(to(a), exponent),
            Self::LnCosh(a) => Self::LnCosh(to(a)),
            Self::AtLeastZero(a) => Self::AtLeastZero(to(a)),
            Self::Select(a, b, c) => Self::Select(to(a), to(b), to(c)),
            Self::Total(a) => Self::Total(to(a)),
            Self::Least(a) => Self::Least(to(a)),
        }
    }
}

/// A formula: operations of which each reads earlier ones, and the last is the loss.
///
/// Its length depends on the loss and its options, never on the number of classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tape {
    /// Whether the loss is one number for all classes of a row; otherwise each class has its own.
    coupled: bool,
    operations: Vec<Operation>,
}

impl Tape {
    /// What a formula of one class does.
    pub(crate) fn of_class(formula: impl for<'t> FnOnce(&Sums<Number<'t>>) -> Number<'t>) -> Self {
        let recording = Recording::default();
        let at = formula(&recording.sums()).place();
        Self { coupled: false, operations: recording.needed(at) }
    }

    /// What a formula of all classes does.
    pub(crate) fn of_row(formula: impl for<'t> FnOnce(&Row<'t>) -> Number<'t>) -> Self {
        let recording = Recording::default();
        let at = formula(&recording.row()).place();
        Self { coupled: true, operations: recording.needed(at) }
    }

    /// The operations, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether the loss is one number for all classes of a row; otherwise each class has its own.
    pub fn is_coupled(&self) -> bool {
        self.coupled
    }

    /// Whether the loss depends on a sum.
    pub fn reads(&self, sum: Sum) -> bool {
        self.operations.contains(&Operation::Sum(sum))
    }

    /// Whether the last operation has the same number for every class by what it is made of.
    pub(crate) fn is_of_row(&self) -> bool {
        let mut of_row = Vec::with_capacity(self.operations.len());
        for operation in &self.operations {
            of_row.push(match *operation {
                Operation::Sum(_) | Operation::Weight | Operation::Foreground => false,
                Operation::Constant(_) | Operation::Total(_) | Operation::Least(_) => true,
                other => other.operands().all(|operand| of_row[operand]),
            });
        }
        of_row.last().is_some_and(|last| *last)
    }
}
