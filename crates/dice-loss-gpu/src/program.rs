//! An objective as numbers, by which one kernel evaluates it.

use dice_loss::{Absent, LossParts, Operation, Pool, Prepared, Reduction, Sum, Tape, TermParts};

/// In place of a column: 1 for every sample and class.
pub(crate) const NO_COLUMN: u32 = u32::MAX;
pub(crate) const REFERENCE: u32 = Sum::Reference as u32;
pub(crate) const VOXELS: u32 = Sum::Voxels as u32;

pub(crate) const MEAN: u32 = 0;
pub(crate) const NONE: u32 = 2;

pub(crate) const POOL_SAMPLE: u32 = 0;
pub(crate) const POOL_ALL: u32 = 2;

pub(crate) const ABSENT_ZERO: u32 = 1;
pub(crate) const ABSENT_FORMULA: u32 = 2;

// Kinds of operations: first those without operands.
pub(crate) const SUM: u32 = 0;
pub(crate) const WEIGHT: u32 = 1;
pub(crate) const FOREGROUND: u32 = 2;
pub(crate) const CONSTANT: u32 = 3;
pub(crate) const NEGATE: u32 = 4;
pub(crate) const ADD: u32 = 5;
pub(crate) const SUBTRACT: u32 = 6;
pub(crate) const MULTIPLY: u32 = 7;
pub(crate) const DIVIDE: u32 = 8;
pub(crate) const LN: u32 = 9;
pub(crate) const EXP: u32 = 10;
pub(crate) const SQRT: u32 = 11;
pub(crate) const LN_COSH: u32 = 12;
pub(crate) const AT_LEAST_ZERO: u32 = 13;
pub(crate) const POWER: u32 = 14;
pub(crate) const SELECT: u32 = 15;
pub(crate) const TOTAL: u32 = 16;
pub(crate) const LEAST: u32 = 17;

/// Where a term's numbers are, from its first.
pub(crate) struct At;

impl At {
    /// The place among the constants of the term's weight, and of the first class's.
    pub const WEIGHT: u32 = 0;
    pub const CLASS_WEIGHTS: u32 = 1;
    /// Whether the caller's weights of the classes count too.
    pub const IS_SCALED: u32 = 2;
    pub const IS_OF_VOXELS: u32 = 3;
    // Of a term of sums.
    pub const IS_COUPLED: u32 = 4;
    pub const POOL: u32 = 5;
    pub const ABSENT: u32 = 6;
    pub const OPERATIONS: u32 = 7;
    /// Each operation has four numbers: its kind, and its operands or its place among the constants.
    pub const FIRST_OPERATION: u32 = 8;
    // Of a mean over voxels.
    pub const COUNTED: u32 = 4;
    pub const LOG_LOSSES: u32 = 5;
    /// Each has two: its column, and the place of the first class's factor.
    pub const FIRST_LOG_LOSS: u32 = 6;
}

/// What the kernel that evaluates an objective reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// How many terms there are, where the numbers of each begin, and these.
    pub numbers: Vec<u32>,
    /// Weights, factors, and the constants of formulas.
    pub constants: Vec<f64>,
    /// How the values become the loss: 0 by their mean, 1 by their sum, 2 not at all.
    pub reduction: u32,
    /// Operations of the longest formula.
    operations: usize,
}

impl Program {
    /// `None` where there is no number to evaluate: without terms, and of a map of voxel losses.
    pub fn new(prepared: &Prepared) -> Option<Self> {
        let reduction = match prepared.reduced_by() {
            Reduction::Mean => MEAN,
            Reduction::Sum => 1,
            Reduction::None => NONE,
        };
        let terms: Vec<_> = prepared.parts().collect();
        let is_of_voxels = |term: &TermParts| matches!(term.loss, LossParts::Voxel { .. });
        if terms.is_empty() || (reduction == NONE && terms.iter().any(is_of_voxels)) {
            return None;
        }
        let mut program =
            Self { numbers: vec![0; 1 + terms.len()], constants: vec![], reduction, operations: 0 };
        program.numbers[0] = terms.len() as u32;
        for (index, term) in terms.iter().enumerate() {
            program.numbers[1 + index] = program.numbers.len() as u32;
            program.add(term)?;
        }
        Some(program)
    }

    /// Numbers of memory that the kernel wants for each class of a sample: a formula's values, their
    /// slopes, and two that say who takes part.
    pub fn room(&self) -> usize {
        2 * self.operations + 2
    }

    fn add(&mut self, term: &TermParts) -> Option<()> {
        let weight = self.constants(&[term.weight]);
        let class_weights = self.constants(&term.class_weights);
        self.numbers.extend([weight, class_weights, u32::from(!term.is_weighted)]);
        match &term.loss {
            LossParts::Overlap { tape, pool, absent, columns } => {
                let pool = match pool {
                    Pool::Sample => POOL_SAMPLE,
                    Pool::Batch => 1,
                    Pool::All => POOL_ALL,
                    // Their losses are made where the instances are seen.
                    Pool::Cell | Pool::Blob => return None,
                };
                let absent = match absent {
                    Absent::Skip => 0,
                    Absent::Zero => ABSENT_ZERO,
                    Absent::Formula => ABSENT_FORMULA,
                };
                let operations = tape.operations().len();
                self.operations = self.operations.max(operations);
                let coupled = tape.is_coupled().into();
                self.numbers.extend([0, coupled, pool, absent, operations as u32]);
                self.formula(tape, columns)
            }
            LossParts::Voxel { log_losses, counted } => {
                self.numbers.extend([1, *counted as u32, log_losses.len() as u32]);
                for (column, factors) in log_losses {
                    let factors = self.constants(factors);
                    self.numbers.extend([*column as u32, factors]);
                }
                Some(())
            }
        }
    }

    fn formula(&mut self, tape: &Tape, columns: &[(Sum, usize)]) -> Option<()> {
        for operation in tape.operations() {
            let mut numbers = vec![kind(*operation)];
            numbers.extend(operation.operands().map(|operand| operand as u32));
            numbers.extend(match *operation {
                Operation::Sum(sum) => {
                    let (_, column) = columns.iter().find(|(of, _)| *of == sum)?;
                    Some(*column as u32)
                }
                Operation::Constant(value) | Operation::Power(_, value) => {
                    Some(self.constants(&[value]))
                }
                _ => None,
            });
            numbers.resize(4, 0);
            self.numbers.extend(numbers);
        }
        Some(())
    }

    /// Where these are, from now on.
    fn constants(&mut self, values: &[f64]) -> u32 {
        self.constants.extend(values);
        (self.constants.len() - values.len()) as u32
    }
}

fn kind(operation: Operation) -> u32 {
    match operation {
        Operation::Sum(_) => SUM,
        Operation::Weight => WEIGHT,
        Operation::Foreground => FOREGROUND,
        Operation::Constant(_) => CONSTANT,
        Operation::Negate(_) => NEGATE,
        Operation::Add(..) => ADD,
        Operation::Subtract(..) => SUBTRACT,
        Operation::Multiply(..) => MULTIPLY,
        Operation::Divide(..) => DIVIDE,
        Operation::Ln(_) => LN,
        Operation::Exp(_) => EXP,
        Operation::Sqrt(_) => SQRT,
        Operation::LnCosh(_) => LN_COSH,
        Operation::AtLeastZero(_) => AT_LEAST_ZERO,
        Operation::Power(..) => POWER,
        Operation::Select(..) => SELECT,
        Operation::Total(_) => TOTAL,
        Operation::Least(_) => LEAST,
    }
}
