//! Sweep 1: from voxels to sums.

mod channel;
pub(super) mod counts;
mod softmax;

pub(super) use channel::gather_merged;

use super::{
    geometry::Plane,
    isa::Instructions,
    lanes,
    merged::Merged,
    number::Number,
    scratch::Work,
    softmax::{five_sums, transport, two_sums},
    sums::Sums,
    tile::{Batch, Borrow, Reference, Tile},
};
use crate::{
    Activation,
    direction::Direction,
    plan::{Group, Plan},
};

/// The sums of a job, once columns that say the same were filled in.
pub(super) fn finish<F: Number>(mut sums: Sums<F>, batch: &Batch, sample: usize) -> Vec<f64> {
    if batch.has_labels() {
        sums.copy(Plan::REFERENCE, Plan::REFERENCE_SQUARED);
        let by_label = |group: &&Group| softmax::is_by_label(group, batch, sample);
        for merged in batch.plan.groups.iter().filter(by_label).filter_map(|group| group.merged) {
            sums.copy(Plan::REFERENCE, merged);
        }
    }
    if let Some(merged) = Merged::new(batch.valid(sample)) {
        let of_terms = |group: &Group| [group.merged, group.log_loss.map(|c| c.of_reference)];
        for column in batch.plan.groups.iter().flat_map(of_terms).flatten() {
            // The background has what the classes have that are one with it.
            let row = sums.row(column);
            for class in merged.classes().skip(1) {
                row[0] += std::mem::take(&mut row[class]);
            }
        }
    }
    let voxels = sums.row(Plan::VOXELS);
    voxels.fill(voxels[0]);
    sums.into_data()
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
