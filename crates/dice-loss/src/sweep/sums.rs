//! What a job adds up.

use super::{
    aligned::{Aligned, zeros},
    lanes::{self, Block, LANES},
    number::Number,
};
use crate::{Error, Result, plan::Plan};

/// The sums of a job: a row of classes for each column of the plan.
pub(super) struct Sums<F> {
    classes: usize,
    /// Of the span so far, in lanes.
    lanes: Vec<Aligned<Block<F>>>,
    /// Of the spans before it.
    data: Vec<f64>,
    /// Of instances, row-major (row, column), from the first row of the sample on.
    rows: Vec<f64>,
}

/// What voxels are added to: a class, or a row of one of its instances.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Class(usize),
    /// With what the sums of weights are multiplied with.
    Row(usize, f64),
}

impl<F: Number> Sums<F> {
    /// Of a sample with so many rows of instances.
    pub fn new(plan: &Plan, rows: usize) -> Result<Self> {
        let rows = zeros(rows.saturating_mul(plan.swept()), "the sums of a job")?;
        let count = plan.swept() * plan.classes;
        let data = zeros(count, "the sums of a job")?;
        let mut lanes: Vec<Aligned<Block<F>>> = Vec::new();
        if lanes.try_reserve_exact(count).is_err() {
            let bytes = count.saturating_mul(size_of::<Aligned<Block<F>>>());
            return Err(Error::Memory { what: "the sums of a job", bytes });
        }
        lanes.resize(count, Aligned([F::ZERO; LANES]));
        Ok(Self { classes: plan.classes, lanes, data, rows })
    }

    #[inline(always)]
    pub fn lanes(&mut self, column: usize, class: usize) -> &mut Block<F> {
        &mut self.lanes[column * self.classes + class]
    }

    #[inline(always)]
    pub fn add(&mut self, column: usize, class: usize, values: Block<F>) {
        let lanes = self.lanes(column, class);
        for i in 0..LANES {
            lanes[i] += values[i];
        }
    }

    #[inline(always)]
    pub fn add_if(&mut self, column: Option<usize>, class: usize, values: Block<F>) {
        if let Some(column) = column {
            self.add(column, class, values);
        }
    }

    #[inline(always)]
    pub fn add_to(&mut self, column: Option<usize>, to: Place, values: Block<F>) {
        let Some(column) = column else { return };
        match to {
            Place::Class(class) => self.add(column, class, values),
            Place::Row(row, back) => self.add_to_row(column, row, back * lanes::sum(values)),
        }
    }

    #[inline(always)]
    pub fn add_to_row(&mut self, column: usize, row: usize, value: f64) {
        let columns = self.data.len() / self.classes;
        self.rows[row * columns + column] += value;
    }

    /// Adds what was added up over a span, times a number.
    #[inline(always)]
    pub fn add_span(&mut self, column: usize, class: usize, values: &Block<F>, factor: f64) {
        self.data[column * self.classes + class] += factor * lanes::sum(*values);
    }

    #[inline(always)]
    pub fn count(&mut self, column: usize, class: usize, voxels: i32) {
        self.data[column * self.classes + class] += f64::from(voxels);
    }

    /// Adds the lanes up: seldom enough to cost nothing, and often enough to lose nothing. The
    /// weights of the span were scaled.
    #[inline(always)]
    pub fn add_lanes_up(&mut self, scale: f64) {
        let back = 1.0 / scale;
        for (sum, lanes) in self.data.iter_mut().zip(&mut self.lanes) {
            *sum += back * lanes::sum(**lanes);
            **lanes = [F::ZERO; LANES];
        }
    }

    /// Gives a column what another has.
    pub fn copy(&mut self, from: usize, to: usize) {
        self.data.copy_within(from * self.classes..(from + 1) * self.classes, to * self.classes);
    }

    /// A column, of all classes.
    pub fn row(&mut self, column: usize) -> &mut [f64] {
        &mut self.data[column * self.classes..][..self.classes]
    }

    /// All columns, and then all rows of instances.
    pub fn into_data(mut self) -> Vec<f64> {
        self.data.append(&mut self.rows);
        self.data
    }
}
