//! From the moments to the loss, and its derivatives by them.
//!
//! What the objective is comes as numbers, so that one kernel serves all: a [`Program`](crate::Program).
//! A term of sums has cells, each with sums of its own: a class of a sample, a class of the batch, or all
//! together. Its formula is carried out operation by operation, on all cells side by side: forwards for
//! the values, backwards for the slopes. A unit keeps to its cells, so that it waits for the others only
//! where a formula couples the classes of a row.

use cubecl::prelude::*;

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

/// The moments as a term reads them.
#[derive(CubeType)]
struct Term<'a, O: Float> {
    moments: &'a [O],
    valid: &'a [O],
    scale: &'a [O],
    numbers: &'a [u32],
    constants: &'a [O],
    samples: u32,
    columns: u32,
    classes: u32,
    partial: u32,
    scaled: u32,
    reduction: u32,
    /// Where the term's numbers begin.
    start: u32,
}

/// The moments as the term reads them whose numbers begin there.
#[cube]
fn read_term<'a, O: Float>(
    moments: &'a [O],
    valid: &'a [O],
    scale: &'a [O],
    numbers: &'a [u32],
    constants: &'a [O],
    samples: u32,
    columns: u32,
    classes: u32,
    partial: u32,
    scaled: u32,
    reduction: u32,
    start: u32,
) -> Term<'a, O> {
    Term::<'a, O> {
        moments,
        valid,
        scale,
        numbers,
        constants,
        samples,
        columns,
        classes,
        partial,
        scaled,
        reduction,
        start,
    }
}

#[cube]
impl<'a, O: Float> Term<'a, O> {
    fn number(&self, at: u32) -> u32 {
        self.numbers[(self.start + at) as usize]
    }

    fn constant(&self, at: u32) -> O {
        self.constants[at as usize]
    }

    /// What the caller multiplies the weight of a class with.
    fn scale(&self, class: u32) -> O {
        let mut scale = O::new(1.0);
        if self.scaled != 0 && self.number(At::IS_SCALED) != 0 {
            scale = self.scale[class as usize];
        }
        scale
    }

    fn weight(&self, class: u32) -> O {
        self.scale(class) * self.constant(self.number(At::CLASS_WEIGHTS) + class)
    }

    /// Whether a class of a sample takes part.
    fn counts(&self, sample: u32, class: u32) -> bool {
        let mut counts = self.weight(class) > O::new(0.0);
        if self.partial != 0 {
            let annotated = self.valid[(sample * self.classes + class) as usize] != O::new(0.0);
            counts = counts && annotated;
        }
        counts
    }

    /// Where a moment is, and its slope.
    fn at(&self, sample: u32, column: u32, class: u32) -> u32 {
        (sample * self.columns + column) * self.classes + class
    }

    fn is_coupled(&self) -> bool {
        self.number(At::IS_COUPLED) != 0
    }

    fn is_by_sample(&self) -> bool {
        self.number(At::POOL) == program::POOL_SAMPLE
    }

    /// Whether there is one cell, of all samples and classes.
    fn is_whole(&self) -> bool {
        self.number(At::POOL) == program::POOL_ALL && !self.is_coupled()
    }

    fn cells(&self) -> u32 {
        let of_classes = select(self.is_by_sample(), self.samples * self.classes, self.classes);
        select(self.is_whole(), 1u32, of_classes)
    }

    /// The cell that a class of a sample is part of.
    fn cell(&self, sample: u32, class: u32) -> u32 {
        let of_class = select(self.is_by_sample(), sample * self.classes + class, class);
        select(self.is_whole(), 0u32, of_class)
    }

    /// A sum of a cell; without a column, how many classes of samples take part in it.
    fn sum(&self, cell: u32, column: u32) -> O {
        let (is_whole, is_by_sample) = (self.is_whole(), self.is_by_sample());
        let first_sample = select(is_by_sample, cell / self.classes, 0u32);
        let last_sample = select(is_by_sample, first_sample, self.samples - 1);
        let first_class = select(is_whole, 0u32, cell % self.classes);
        let last_class = select(is_whole, self.classes - 1, first_class);
        let mut sum = O::new(0.0);
        for sample in first_sample..last_sample + 1 {
            for class in first_class..last_class + 1 {
                if self.counts(sample, class) {
                    if column == program::NO_COLUMN {
                        sum += O::new(1.0);
                    } else {
                        let share = select(is_whole, self.weight(class), O::new(1.0));
                        sum += share * self.moments[self.at(sample, column, class) as usize];
                    }
                }
            }
        }
        sum
    }

    /// The first cell of the row that a cell is in: of itself, unless the formula couples classes.
    fn first_of_row(&self, cell: u32) -> u32 {
        select(self.is_coupled(), cell - cell % self.classes, cell)
    }

    /// Cells of a row.
    fn width(&self) -> u32 {
        select(self.is_coupled(), self.classes, 1u32)
    }

    // Rows of the scratch memory: values, slopes, who counts, and whom the formula sees.

    fn place(&self, row: u32, cell: u32) -> usize {
        (row * self.cells() + cell) as usize
    }

    fn row_of_slopes(&self, operation: u32) -> u32 {
        self.number(At::OPERATIONS) + operation
    }

    fn row_of_counts(&self) -> u32 {
        2 * self.number(At::OPERATIONS)
    }

    fn row_of_present(&self) -> u32 {
        2 * self.number(At::OPERATIONS) + 1
    }

    /// Whether a cell is asked for its value; of a row, any.
    fn is_evaluated(&self, scratch: &[O], cell: u32) -> bool {
        self.total_of_row(scratch, self.row_of_present(), cell) > O::new(0.0)
    }

    /// How much a cell weighs in the mean; of a row, only the first.
    fn weight_in_mean(&self, scratch: &[O], cell: u32) -> O {
        let is_zero = self.number(At::ABSENT) == program::ABSENT_ZERO;
        let row = select(is_zero, self.row_of_counts(), self.row_of_present());
        let mut weight = O::new(0.0);
        if self.first_of_row(cell) == cell && self.total_of_row(scratch, row, cell) > weight {
            let has_class = !self.is_coupled() && !self.is_whole();
            weight = select(has_class, self.weight(cell % self.classes), O::new(1.0));
        }
        weight
    }

    /// Σ over the cells that are coupled with this one, in the order of the classes.
    fn total_of_row(&self, scratch: &[O], row: u32, cell: u32) -> O {
        let first = self.first_of_row(cell);
        let mut sum = O::new(0.0);
        for other in first..first + self.width() {
            sum += scratch[self.place(row, other)];
        }
        sum
    }

    /// The smallest above 0 among them, and how many have it; 1 and 0 where none is.
    fn least_of_row(&self, scratch: &[O], row: u32, cell: u32) -> (O, O) {
        let first = self.first_of_row(cell);
        let mut least = O::new(1.0);
        let mut sharing = O::new(0.0);
        for other in first..first + self.width() {
            let value = scratch[self.place(row, other)];
            if value > O::new(0.0) {
                if sharing == O::new(0.0) || value < least {
                    least = value;
                    sharing = O::new(1.0);
                } else if value == least {
                    sharing += O::new(1.0);
                }
            }
        }
        (least, sharing)
    }
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

/// The values of a formula's operations.
#[cube]
fn forwards<O: Float>(scratch: &mut [O], term: &Term<O>) {
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
fn backwards<O: Float>(scratch: &mut [O], term: &Term<O>) {
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
