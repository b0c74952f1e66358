//! Sweep 1: from voxels to sums.

mod channel;
mod counts;
mod softmax;

pub(super) use channel::gather_merged;
pub(super) use softmax::is_linear;

use super::{
    isa::Instructions,
    lanes,
    scratch::{TILE, Work},
    tile::{Batch, Borrow, Reference, Tile},
};
use crate::{Activation, plan::Plan};

/// The sums of a job: a row of classes for each column of the plan.
pub(super) struct Sums<'a> {
    pub data: &'a mut [f64],
    pub classes: usize,
}

impl Sums<'_> {
    #[inline(always)]
    pub fn add(&mut self, column: usize, class: usize, value: f64) {
        self.data[column * self.classes + class] += value;
    }

    #[inline(always)]
    pub fn add_if(&mut self, column: Option<usize>, class: usize, value: f64) {
        if let Some(column) = column {
            self.add(column, class, value);
        }
    }
}

/// Adds a tile's voxels to all columns.
#[inline(always)]
pub(super) fn tile<I: Instructions, F: Borrow>(
    batch: &Batch,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums,
) {
    reference(tile, work, sums);
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

/// The sums that depend on the reference alone.
#[inline(always)]
fn reference<F: Borrow>(tile: &Tile<F>, work: &mut Work<F>, sums: &mut Sums) {
    let voxels = tile.voxels();
    for class in 0..tile.classes {
        sums.add(Plan::VOXELS, class, voxels);
    }
    match &tile.reference {
        Reference::Labels(labels) => {
            labels.add_up([tile.weight], &mut work.by_label, tile.classes, |class, [g]| {
                sums.add(Plan::REFERENCE, class, g);
                sums.add(Plan::REFERENCE_SQUARED, class, g);
            });
        }
        Reference::Dense(planes) => {
            for class in 0..tile.classes {
                let g = &planes[class * TILE..][..tile.len];
                sums.add(Plan::REFERENCE, class, lanes::fold(g, tile.weight, |s, g, w| s + w * g));
                let squares = lanes::fold(g, tile.weight, |s, g, w| s + w * g * g);
                sums.add(Plan::REFERENCE_SQUARED, class, squares);
            }
        }
    }
}
