//! From the moments to the loss, and its derivatives by them.
//!
//! What the objective is comes as numbers, so that one kernel serves all: a [`Program`](crate::Program).
//! A term of sums has cells, each with sums of its own: a class of a sample, a class of the batch, or all
//! together. Its formula is carried out operation by operation, on all cells side by side: forwards for
//! the values, backwards for the slopes. A unit keeps to its cells, so that it waits for the others only
//! where a formula couples the classes of a row.

mod replay;
mod term;

use cubecl::prelude::*;

use replay::{backwards, forwards};
use term::{Term, read_term};

use crate::{
    program::{self, At},
    recipe::UNITS,
};

/// Evaluates an objective in a single cube of [`UNITS`] units.
///
/// `moments` and `slopes` are (sample, column, class); `valid`, which classes were annotated, (sample,
/// class), if `partial`; `scale`, by which the weight of each class is multiplied in terms that have none
/// of their own, if `scaled`. `scratch` has [`room`](crate::Program::room) for each (sample, class). `loss`
/// has so many `values`: one, or without a reduction one for each row or cell; the slopes are then those
/// of their sum.
#[cube(launch_unchecked, create_dummy_kernel)]
pub fn evaluate<O: Float>(
    moments: &[O],
    valid: &[O],
    scale: &[O],
    numbers: &[u32],
    constants: &[O],
    scratch: &mut [O],
    loss: &mut [O],
    slopes: &mut [O],
    samples: u32,
    columns: u32,
    classes: u32,
    partial: u32,
    scaled: u32,
    reduction: u32,
    values: u32,
) {
    let mut shared = Shared::<[O]>::new_slice(UNITS as usize);
    let mut spoiled = O::new(0.0);
    let mut index = UNIT_POS;
    while index < samples * classes {
        let first = index / classes * columns * classes + index % classes;
        for column in 0..columns {
            slopes[(first + column * classes) as usize] = O::new(0.0);
        }
        // Voxels are counted by no formula that leaves out what is not a number.
        let voxels = moments[(first + program::VOXELS * classes) as usize];
        spoiled += select(voxels == voxels, O::new(0.0), voxels);
        index += comptime!(UNITS);
    }
    let spoiled = total::<O>(&mut shared, spoiled);
    index = UNIT_POS;
    while index < values {
        loss[index as usize] = spoiled;
        index += comptime!(UNITS);
    }
    let mut value = O::new(0.0);
    for index in 0..numbers[0] {
        let start = numbers[(1 + index) as usize];
        let term = read_term::<O>(
            moments, valid, scale, numbers, constants, samples, columns, classes, partial, scaled,
            reduction, start,
        );
        let weight = term.constant(term.number(At::WEIGHT));
        if term.number(At::IS_OF_VOXELS) != 0 {
            value += of_voxels::<O>(&mut shared, slopes, &term, weight);
        } else {
            value += of_sums::<O>(&mut shared, scratch, loss, slopes, &term, weight);
        }
    }
    if reduction != program::NONE {
        let whole = total::<O>(&mut shared, value);
        if UNIT_POS == 0 {
            loss[0] += whole;
        }
    }
}

/// Σ x over the units, in a fixed order; the same for each.
#[cube]
fn total<O: Float>(shared: &mut [O], x: O) -> O {
    sync_cube();
    shared[UNIT_POS as usize] = x;
    let mut half = comptime!(UNITS / 2).runtime();
    while half > 0 {
        sync_cube();
        if UNIT_POS < half {
            let other = shared[(UNIT_POS + half) as usize];
            shared[UNIT_POS as usize] += other;
        }
        half /= 2;
    }
    sync_cube();
    shared[0]
}

/// What sums are multiplied with for their mean; 0 where nothing counts.
#[cube]
fn factor<O: Float>(reduction: u32, total: O) -> O {
    let mut factor = O::new(1.0);
    if reduction == program::MEAN {
        factor = select(total > O::new(0.0), O::new(1.0) / total, O::new(0.0));
    }
    factor
}

/// 0 where either is 0, even if the other is infinite: what does not count has no derivative.
#[cube]
fn times<O: Float>(upstream: O, slope: O) -> O {
    let none = upstream == O::new(0.0) || slope == O::new(0.0);
    select(none, O::new(0.0), upstream * slope)
}

/// A term of sums: this unit's part of its loss, and its values. Adds its slopes.
#[cube]
fn of_sums<O: Float>(
    shared: &mut [O],
    scratch: &mut [O],
    loss: &mut [O],
    slopes: &mut [O],
    term: &Term<O>,
    weight_of_term: O,
) -> O {
    let (zero, one) = (O::new(0.0), O::new(1.0));
    let cells = term.cells();
    // The term before has been read.
    sync_storage();
    let mut cell = UNIT_POS;
    while cell < cells {
        let counts = term.sum(cell, program::NO_COLUMN);
        let is_there = term.sum(cell, program::REFERENCE) > zero;
        let is_seen = is_there || term.number(At::ABSENT) == program::ABSENT_FORMULA;
        scratch[term.place(term.row_of_counts(), cell)] = counts;
        scratch[term.place(term.row_of_present(), cell)] =
            select(is_seen && counts > zero, one, zero);
        cell += comptime!(UNITS);
    }
    forwards::<O>(scratch, term);
    backwards::<O>(scratch, term);
    sync_storage();
    let mut divisor = zero;
    cell = UNIT_POS;
    while cell < cells {
        divisor += term.weight_in_mean(&*scratch, cell);
        cell += comptime!(UNITS);
    }
    let factor = weight_of_term * factor::<O>(term.reduction, total::<O>(shared, divisor));
    let mut sum = zero;
    cell = UNIT_POS;
    while cell < cells {
        if term.is_evaluated(&*scratch, cell) && term.first_of_row(cell) == cell {
            let last = term.place(term.number(At::OPERATIONS) - 1, cell);
            let value = factor * term.weight_in_mean(&*scratch, cell) * scratch[last];
            sum += value;
            if term.reduction == program::NONE {
                loss[(cell / term.width()) as usize] += value;
            }
        }
        cell += comptime!(UNITS);
    }
    scatter::<O>(&*scratch, slopes, term, factor);
    sum
}

/// Adds the slopes of the cells to those of the moments that they are made of.
#[cube]
fn scatter<O: Float>(scratch: &[O], slopes: &mut [O], term: &Term<O>, factor: O) {
    let mut index = UNIT_POS;
    while index < term.samples * term.classes {
        let (sample, class) = (index / term.classes, index % term.classes);
        let cell = term.cell(sample, class);
        if term.counts(sample, class) && term.is_evaluated(scratch, cell) {
            // Of the class's value in the mean, or of its sums among those of all classes.
            let weight = select(term.is_coupled(), O::new(1.0), term.weight(class));
            for operation in 0..term.number(At::OPERATIONS) {
                let first = At::FIRST_OPERATION + 4 * operation;
                if term.number(first) == program::SUM {
                    let slope = scratch[term.place(term.row_of_slopes(operation), cell)];
                    let at = term.at(sample, term.number(first + 1), class);
                    slopes[at as usize] += times::<O>(factor * weight, slope);
                }
            }
        }
        index += comptime!(UNITS);
    }
}

/// A mean over voxels, a sum of log losses over a sum of weights: this unit's part. Adds its slopes.
#[cube]
fn of_voxels<O: Float>(shared: &mut [O], slopes: &mut [O], term: &Term<O>, weight_of_term: O) -> O {
    let all = term.samples * term.classes;
    let mut counted = O::new(0.0);
    let mut index = UNIT_POS;
    while index < all {
        let (sample, class) = (index / term.classes, index % term.classes);
        let at = term.at(sample, term.number(At::COUNTED), class);
        counted += term.weight(class) * term.moments[at as usize];
        index += comptime!(UNITS);
    }
    let mean = factor::<O>(term.reduction, total::<O>(shared, counted));
    let factor = weight_of_term * mean;
    let mut value = O::new(0.0);
    index = UNIT_POS;
    while index < all {
        let (sample, class) = (index / term.classes, index % term.classes);
        for log_loss in 0..term.number(At::LOG_LOSSES) {
            let first = At::FIRST_LOG_LOSS + 2 * log_loss;
            let of_class = term.constant(term.number(first + 1) + class);
            let slope = factor * term.scale(class) * of_class;
            let at = term.at(sample, term.number(first), class) as usize;
            // A sum that may be infinite does not enter with a factor of 0.
            value += times::<O>(slope, term.moments[at]);
            slopes[at] += slope;
        }
        index += comptime!(UNITS);
    }
    if term.reduction == program::MEAN {
        let by_counted = -mean * total::<O>(shared, value);
        index = UNIT_POS;
        while index < all {
            let (sample, class) = (index / term.classes, index % term.classes);
            let at = term.at(sample, term.number(At::COUNTED), class) as usize;
            slopes[at] += times::<O>(term.weight(class), by_counted);
            index += comptime!(UNITS);
        }
    }
    value
}
