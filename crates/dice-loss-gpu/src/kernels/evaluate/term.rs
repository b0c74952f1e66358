//! A term of an objective as its numbers say, and the moments as it reads them.

use cubecl::prelude::*;

use crate::program::{self, At};

/// The moments as a term reads them.
#[derive(CubeType)]
pub(super) struct Term<'a, O: Float> {
    pub(super) moments: &'a [O],
    valid: &'a [O],
    scale: &'a [O],
    numbers: &'a [u32],
    constants: &'a [O],
    pub(super) samples: u32,
    columns: u32,
    pub(super) classes: u32,
    partial: u32,
    scaled: u32,
    pub(super) reduction: u32,
    /// Where the term's numbers begin.
    start: u32,
}

/// The moments as the term reads them whose numbers begin there.
#[cube]
pub(super) fn read_term<'a, O: Float>(
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
    pub(super) fn number(&self, at: u32) -> u32 {
        self.numbers[(self.start + at) as usize]
    }

    pub(super) fn constant(&self, at: u32) -> O {
        self.constants[at as usize]
    }

    /// What the caller multiplies the weight of a class with.
    pub(super) fn scale(&self, class: u32) -> O {
        let mut scale = O::new(1.0);
        if self.scaled != 0 && self.number(At::IS_SCALED) != 0 {
            scale = self.scale[class as usize];
        }
        scale
    }

    pub(super) fn weight(&self, class: u32) -> O {
        self.scale(class) * self.constant(self.number(At::CLASS_WEIGHTS) + class)
    }

    /// Whether a class of a sample takes part.
    pub(super) fn counts(&self, sample: u32, class: u32) -> bool {
        let mut counts = self.weight(class) > O::new(0.0);
        if self.partial != 0 {
            let annotated = self.valid[(sample * self.classes + class) as usize] != O::new(0.0);
            counts = counts && annotated;
        }
        counts
    }

    /// Where a moment is, and its slope.
    pub(super) fn at(&self, sample: u32, column: u32, class: u32) -> u32 {
        (sample * self.columns + column) * self.classes + class
    }

    pub(super) fn is_coupled(&self) -> bool {
        self.number(At::IS_COUPLED) != 0
    }

    pub(super) fn is_by_sample(&self) -> bool {
        self.number(At::POOL) == program::POOL_SAMPLE
    }

    /// Whether there is one cell, of all samples and classes.
    pub(super) fn is_whole(&self) -> bool {
        self.number(At::POOL) == program::POOL_ALL && !self.is_coupled()
    }

    pub(super) fn cells(&self) -> u32 {
        let of_classes = select(self.is_by_sample(), self.samples * self.classes, self.classes);
        select(self.is_whole(), 1u32, of_classes)
    }

    /// The cell that a class of a sample is part of.
    pub(super) fn cell(&self, sample: u32, class: u32) -> u32 {
        let of_class = select(self.is_by_sample(), sample * self.classes + class, class);
        select(self.is_whole(), 0u32, of_class)
    }

    /// A sum of a cell; without a column, how many classes of samples take part in it.
    pub(super) fn sum(&self, cell: u32, column: u32) -> O {
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
    pub(super) fn first_of_row(&self, cell: u32) -> u32 {
        select(self.is_coupled(), cell - cell % self.classes, cell)
    }

    /// Cells of a row.
    pub(super) fn width(&self) -> u32 {
        select(self.is_coupled(), self.classes, 1u32)
    }

    // Rows of the scratch memory: values, slopes, who counts, and whom the formula sees.

    pub(super) fn place(&self, row: u32, cell: u32) -> usize {
        (row * self.cells() + cell) as usize
    }

    pub(super) fn row_of_slopes(&self, operation: u32) -> u32 {
        self.number(At::OPERATIONS) + operation
    }

    pub(super) fn row_of_counts(&self) -> u32 {
        2 * self.number(At::OPERATIONS)
    }

    pub(super) fn row_of_present(&self) -> u32 {
        2 * self.number(At::OPERATIONS) + 1
    }

    /// Whether a cell is asked for its value; of a row, any.
    pub(super) fn is_evaluated(&self, scratch: &[O], cell: u32) -> bool {
        self.total_of_row(scratch, self.row_of_present(), cell) > O::new(0.0)
    }

    /// How much a cell weighs in the mean; of a row, only the first.
    pub(super) fn weight_in_mean(&self, scratch: &[O], cell: u32) -> O {
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
    pub(super) fn total_of_row(&self, scratch: &[O], row: u32, cell: u32) -> O {
        let first = self.first_of_row(cell);
        let mut sum = O::new(0.0);
        for other in first..first + self.width() {
            sum += scratch[self.place(row, other)];
        }
        sum
    }

    /// The smallest above 0 among them, and how many have it; 1 and 0 where none is.
    pub(super) fn least_of_row(&self, scratch: &[O], row: u32, cell: u32) -> (O, O) {
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
