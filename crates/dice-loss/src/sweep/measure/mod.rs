//! Sweep 1: from voxels to sums.

mod channel;
pub(super) mod counts;
mod softmax;

pub(super) use channel::gather_merged;

use super::{
    aligned::{Aligned, zeros},
    isa::Instructions,
    lanes::{self, Block, LANES},
    number::Number,
    scratch::{Plane, Work},
    softmax::{Merged, five_sums, transport, two_sums},
    tile::{Batch, Borrow, Reference, Tile},
};
use crate::{
    Activation, Error, Result,
    direction::Direction,
    plan::{Group, Plan},
};

/// The sums of a job: a row of classes for each column of the plan.
pub(super) struct Sums<F> {
    classes: usize,
    /// Of the span so far, in lanes.
    lanes: Vec<Aligned<Block<F>>>,
    /// Of the spans before it.
    data: Vec<f64>,
}

impl<F: Number> Sums<F> {
    pub fn new(plan: &Plan) -> Result<Self> {
        let count = plan.columns() * plan.classes;
        let data = zeros(count, "the sums of a job")?;
        let mut lanes: Vec<Aligned<Block<F>>> = Vec::new();
        if lanes.try_reserve_exact(count).is_err() {
            let bytes = count.saturating_mul(size_of::<Aligned<Block<F>>>());
            return Err(Error::Memory { what: "the sums of a job", bytes });
        }
        lanes.resize(count, Aligned([F::ZERO; LANES]));
        Ok(Self { classes: plan.classes, lanes, data })
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

    /// Gives the background what the classes have that are one with it.
    fn join(&mut self, column: usize, merged: Merged) {
        let row = &mut self.data[column * self.classes..][..self.classes];
        for class in merged.classes().skip(1) {
            row[0] += row[class];
            row[class] = 0.0;
        }
    }

    /// The sums, once columns that say the same were filled in.
    pub fn finish(mut self, batch: &Batch, sample: usize) -> Vec<f64> {
        let mut copy = |from: usize, to: usize| {
            self.data
                .copy_within(from * self.classes..(from + 1) * self.classes, to * self.classes);
        };
        if batch.has_labels() {
            copy(Plan::REFERENCE, Plan::REFERENCE_SQUARED);
            let by_label = |group: &&Group| softmax::is_by_label(group, batch, sample);
            for merged in batch.plan.groups.iter().filter(by_label).filter_map(|group| group.merged)
            {
                copy(Plan::REFERENCE, merged);
            }
        }
        if let Some(merged) = Merged::new(batch.valid(sample)) {
            let of_terms = |group: &Group| [group.merged, group.log_loss.map(|c| c.of_reference)];
            for column in batch.plan.groups.iter().flat_map(of_terms).flatten() {
                self.join(column, merged);
            }
        }
        let voxels = &mut self.data[Plan::VOXELS * self.classes..][..self.classes];
        voxels.fill(voxels[0]);
        self.data
    }
}

/// Adds a tile's voxels to all columns.
#[inline(always)]
pub(super) fn tile<I: Instructions, F: Borrow>(
    batch: &Batch,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    reference(tile, sums);
    if let Some((decision, activation)) = batch.plan.decision {
        counts::add::<I, F>(decision, activation, tile, work, sums);
    }
    for group in &batch.plan.groups {
        match group.activation {
            Activation::Softmax => {
                softmax::add::<I, F>(group, batch.valid(tile.sample), tile, work, sums);
            }
            _ => channel::add::<I, F>(group, batch.valid(tile.sample), tile, work, sums),
        }
    }
}

/// Class planes whose overlap is summed up.
struct Overlaps<'a, F> {
    probability: &'a [Plane<F>],
    reference: &'a [Plane<F>],
    weight: &'a Plane<F>,
}

/// The sums of an overlap loss for one class.
#[inline(always)]
fn add_overlap<I: Instructions, F: Number>(
    group: &Group,
    class: usize,
    Overlaps { probability, reference, weight }: Overlaps<F>,
    cost: &mut Plane<F>,
    sums: &mut Sums<F>,
) {
    let (p, g) = (&probability[class], &reference[class]);
    let of = |direction: Direction| group.sums[direction];
    let [pg, p_sum] = [of(Direction::Intersection), of(Direction::Prediction)];
    let [pp, l1] = [of(Direction::PredictionSquared), of(Direction::Difference)];
    let abs = of(Direction::Magnitude);
    if pp.is_some() || l1.is_some() || abs.is_some() {
        let columns = [pg, p_sum, pp, l1, abs];
        let found = columns.into_iter().zip(five_sums::<I, F>(p, g, weight));
        found.for_each(|(column, sum)| sums.add_if(column, class, sum));
    } else if pg.is_some() || p_sum.is_some() {
        let found = [pg, p_sum].into_iter().zip(two_sums::<I, F>(p, g, weight));
        found.for_each(|(column, sum)| sums.add_if(column, class, sum));
    }
    let errors = [of(Direction::SensitivityError), of(Direction::SpecificityError)];
    if errors.iter().any(Option::is_some) {
        let found = lanes::folds(p, g, weight, |[inside, outside], p, g, w| {
            let error = w * (p - g) * (p - g);
            [error.mul_add::<I>(g, inside), error.mul_add::<I>(F::ONE - g, outside)]
        });
        errors.into_iter().zip(found).for_each(|(column, sum)| sums.add_if(column, class, sum));
    }
    if let (Some(column), Some(distances)) = (of(Direction::Transport), &group.distances) {
        transport::<I, F>(distances, class, probability, cost);
        let [found] = lanes::folds(cost, g, weight, |[sum], cost, g, w| [sum + w * g * cost]);
        sums.add(column, class, found);
    }
}

/// The sums that depend on the reference alone.
#[inline(always)]
fn reference<F: Borrow>(tile: &Tile<F>, sums: &mut Sums<F>) {
    let voxels = lanes::fold(tile.weight, tile.weight, |sum, weight, _| sum + weight);
    sums.add(Plan::VOXELS, 0, voxels);
    match &tile.reference {
        Reference::Labels(labels) => labels.add_up([(Plan::REFERENCE, tile.weight)], sums),
        Reference::Dense(planes) => {
            for (class, g) in planes.iter().enumerate() {
                let [sum, squares] = lanes::folds(g, g, tile.weight, |[sum, squares], g, _, w| {
                    [sum + w * g, squares + w * g * g]
                });
                sums.add(Plan::REFERENCE, class, sum);
                sums.add(Plan::REFERENCE_SQUARED, class, squares);
            }
        }
    }
}
