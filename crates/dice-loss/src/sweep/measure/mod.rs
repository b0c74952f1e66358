//! Sweep 1: from voxels to sums.

mod channel;
pub(super) mod counts;
mod overlap;
mod softmax;

pub(super) use channel::gather_merged;

use super::{
    isa::Instructions,
    lanes,
    merged::Merged,
    number::Number,
    scratch::Work,
    sums::{Place, Sums},
    tile::{Borrow, Input, Reference, Tile},
};
use crate::{
    Activation,
    plan::{Group, MapPlan, Plan},
};

/// The sums of a job, once columns that say the same were filled in.
pub(super) fn finish<F: Number>(mut sums: Sums<F>, batch: &Input, sample: usize) -> Vec<f64> {
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
    batch: &Input,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    reference(tile, sums);
    of_instances(&batch.plan.maps, tile, work, sums);
    with_maps(&batch.plan.maps, tile, work, sums);
    if let Some((decision, activation)) = batch.plan.decision {
        counts::add::<I, F>(decision, activation, tile, work, sums);
    }
    for groups in batch.plan.families() {
        match groups[0].activation {
            Activation::Softmax => {
                softmax::add::<I, F>(groups, batch.valid(tile.sample), tile, work, sums);
            }
            _ => channel::add::<I, F>(groups, batch.valid(tile.sample), tile, work, sums),
        }
    }
}

/// The sums of each instance that depend on the reference alone, and on maps.
#[inline(always)]
fn of_instances<F: Number>(
    maps: &[MapPlan],
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    if tile.pieces.is_empty() {
        return;
    }
    let Work { reference, piece: weighed, cut, .. } = work;
    let reference = tile.dense(reference);
    let alone = [Some(Plan::VOXELS), Some(Plan::REFERENCE), Some(Plan::REFERENCE_SQUARED)];
    let with_maps = maps.iter().enumerate().map(|(number, plan)| {
        (Some(number), [plan.mapped, plan.reference, plan.reference_squared])
    });
    for (map, columns) in std::iter::once((None, alone)).chain(with_maps) {
        for (class, g) in reference[..tile.classes].iter().enumerate() {
            for piece in tile.pieces.of(class) {
                let weight = tile.maps.of(map).weigh(class, tile.weight, weighed);
                piece.cut(weight, cut);
                let found = lanes::folds(g, g, cut, |[voxels, sum, squares], g, _, w| {
                    [voxels + w, sum + w * g, squares + w * g * g]
                });
                for (column, found) in columns.into_iter().zip(found) {
                    sums.add_to(column, Place::Row(piece.row, tile.back), found);
                }
            }
        }
    }
}

/// What the maps alone say, and what they say of the reference.
#[inline(always)]
fn with_maps<F: Number>(maps: &[MapPlan], tile: &Tile<F>, work: &mut Work<F>, sums: &mut Sums<F>) {
    if maps.is_empty() {
        return;
    }
    let reference = tile.dense(&mut work.reference);
    for (number, plan) in maps.iter().enumerate() {
        let map = tile.maps.of(Some(number));
        for (class, g) in reference[..tile.classes].iter().enumerate() {
            let weight = map.weigh(class, tile.weight, &mut work.piece);
            let [mapped, sum, squares] =
                lanes::folds(g, g, weight, |[mapped, sum, squares], g, _, w| {
                    [mapped + w, sum + w * g, squares + w * g * g]
                });
            sums.add_if(plan.mapped, class, mapped);
            sums.add_if(plan.reference, class, sum);
            sums.add_if(plan.reference_squared, class, squares);
        }
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
