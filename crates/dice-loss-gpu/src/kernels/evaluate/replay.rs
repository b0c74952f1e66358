//! A formula carried out on all cells side by side: its tape forwards, and backwards.

use cubecl::prelude::*;

use super::{term::Term, times};
use crate::{
    program::{self, At},
    recipe::UNITS,
};

/// The values of a formula's operations.
#[cube]
pub(super) fn forwards<O: Float>(scratch: &mut [O], term: &Term<O>) {
    for operation in 0..term.number(At::OPERATIONS) {
        let kind = term.number(At::FIRST_OPERATION + 4 * operation);
        if kind == program::TOTAL || kind == program::LEAST {
            sync_storage();
        }
        let mut cell = UNIT_POS;
        while cell < term.cells() {
            let value = done::<O>(&*scratch, term, operation, cell);
            scratch[term.place(operation, cell)] = value;
            cell += comptime!(UNITS);
        }
    }
}

/// What an operation gives.
#[cube]
fn done<O: Float>(scratch: &[O], term: &Term<O>, operation: u32, cell: u32) -> O {
    let (zero, one) = (O::new(0.0), O::new(1.0));
    let at = At::FIRST_OPERATION + 4 * operation;
    let kind = term.number(at);
    let first = term.number(at + 1);
    let mut value = zero;
    if kind == program::SUM {
        value = term.sum(cell, first);
    } else if kind == program::WEIGHT {
        let is_present = scratch[term.place(term.row_of_present(), cell)] > zero;
        value = select(is_present, term.weight(cell % term.classes), zero);
    } else if kind == program::FOREGROUND {
        let class = cell % term.classes;
        value = select(class > 0, one, zero);
    } else if kind == program::CONSTANT {
        value = term.constant(first);
    } else if kind == program::TOTAL {
        value = term.total_of_row(scratch, first, cell);
    } else if kind == program::LEAST {
        let (least, _) = term.least_of_row(scratch, first, cell);
        value = least;
    } else {
        let a = scratch[term.place(first, cell)];
        if kind == program::POWER {
            let exponent = term.constant(term.number(at + 2));
            value = select(a <= zero, zero, a.powf(exponent));
        } else if kind == program::SELECT {
            let chosen = select(a > zero, term.number(at + 2), term.number(at + 3));
            value = scratch[term.place(chosen, cell)];
        } else if kind >= program::ADD && kind <= program::DIVIDE {
            value = of_two::<O>(kind, a, scratch[term.place(term.number(at + 2), cell)]);
        } else {
            value = of_one::<O>(kind, a);
        }
    }
    value
}

#[cube]
fn of_two<O: Float>(kind: u32, a: O, b: O) -> O {
    let mut value = a / b;
    if kind == program::ADD {
        value = a + b;
    } else if kind == program::SUBTRACT {
        value = a - b;
    } else if kind == program::MULTIPLY {
        value = a * b;
    }
    value
}

#[cube]
fn of_one<O: Float>(kind: u32, a: O) -> O {
    let mut value = -a;
    if kind == program::LN {
        value = a.ln();
    } else if kind == program::EXP {
        value = a.exp();
    } else if kind == program::SQRT {
        value = a.sqrt();
    } else if kind == program::LN_COSH {
        let two = O::new(2.0);
        value = a.abs() + (-two * a.abs()).exp().log1p() - two.ln();
    } else if kind == program::AT_LEAST_ZERO {
        value = select(a < O::new(0.0), O::new(0.0), a);
    }
    value
}

/// The derivatives of the loss by the values.
#[cube]
pub(super) fn backwards<O: Float>(scratch: &mut [O], term: &Term<O>) {
    let operations = term.number(At::OPERATIONS);
    let mut cell = UNIT_POS;
    while cell < term.cells() {
        for operation in 0..operations {
            scratch[term.place(term.row_of_slopes(operation), cell)] = O::new(0.0);
        }
        // Of coupled classes every copy of the loss is the same one.
        if term.first_of_row(cell) == cell {
            scratch[term.place(term.row_of_slopes(operations - 1), cell)] = O::new(1.0);
        }
        cell += comptime!(UNITS);
    }
    for step in 0..operations {
        let operation = operations - 1 - step;
        let kind = term.number(At::FIRST_OPERATION + 4 * operation);
        if kind == program::TOTAL || kind == program::LEAST {
            sync_storage();
        }
        cell = UNIT_POS;
        while cell < term.cells() {
            if kind >= program::NEGATE {
                pass_on::<O>(scratch, term, operation, cell);
            }
            cell += comptime!(UNITS);
        }
    }
}

/// Passes the slope of an operation on to its operands.
#[cube]
fn pass_on<O: Float>(scratch: &mut [O], term: &Term<O>, operation: u32, cell: u32) {
    let (zero, one) = (O::new(0.0), O::new(1.0));
    let at = At::FIRST_OPERATION + 4 * operation;
    let kind = term.number(at);
    let first = term.number(at + 1);
    let second = term.number(at + 2);
    let here = term.row_of_slopes(operation);
    let a = scratch[term.place(first, cell)];
    let mut upstream = scratch[term.place(here, cell)];
    let mut receiver = first;
    let mut slope = one;
    if kind == program::TOTAL {
        upstream = term.total_of_row(&*scratch, here, cell);
    } else if kind == program::LEAST {
        upstream = term.total_of_row(&*scratch, here, cell);
        let (least, sharing) = term.least_of_row(&*scratch, first, cell);
        slope = select(a == least && sharing > zero, one / sharing, zero);
    } else if kind == program::POWER {
        let exponent = term.constant(second);
        slope = select(a <= zero, zero, exponent * a.powf(exponent - one));
    } else if kind == program::SELECT {
        receiver = select(a > zero, second, term.number(at + 3));
    } else {
        let value = scratch[term.place(operation, cell)];
        let has_two = kind >= program::ADD && kind <= program::DIVIDE;
        // Of an operation on one value the second operand is the first operation: not used.
        let b = scratch[term.place(second, cell)];
        slope = by_first::<O>(kind, a, b, value);
        if has_two {
            let to = term.place(term.row_of_slopes(second), cell);
            scratch[to] += times::<O>(upstream, by_second::<O>(kind, a, b, value));
        }
    }
    let to = term.place(term.row_of_slopes(receiver), cell);
    scratch[to] += times::<O>(upstream, slope);
}

/// The derivative of an operation by its first operand.
#[cube]
fn by_first<O: Float>(kind: u32, a: O, b: O, value: O) -> O {
    let (zero, one) = (O::new(0.0), O::new(1.0));
    let mut slope = one;
    if kind == program::NEGATE {
        slope = -one;
    } else if kind == program::MULTIPLY {
        slope = b;
    } else if kind == program::DIVIDE {
        slope = one / b;
    } else if kind == program::LN {
        slope = one / a;
    } else if kind == program::EXP {
        slope = value;
    } else if kind == program::SQRT {
        slope = select(value == zero, zero, O::new(0.5) / value);
    } else if kind == program::LN_COSH {
        slope = a.tanh();
    }
    slope
}

/// By its second.
#[cube]
fn by_second<O: Float>(kind: u32, a: O, b: O, value: O) -> O {
    let mut slope = O::new(1.0);
    if kind == program::SUBTRACT {
        slope = O::new(-1.0);
    } else if kind == program::MULTIPLY {
        slope = a;
    } else if kind == program::DIVIDE {
        slope = -value / b;
    }
    slope
}
