//! What a unit finds out about a voxel of its own.

use cubecl::prelude::*;

use dice_loss::Sum;

use super::{
    contribution::{Chance, Common, Merged, ln_one_plus},
    element::{is_ignored, label, number},
};
use crate::{
    addressing::Addressing,
    plan::LARGEST_IN_MAP,
    recipe::{Form, Recipe},
};

/// In place of a label: the voxel does not count.
pub(super) const SKIPPED: u32 = u32::MAX;
/// In place of a label: the voxel counts, but has none of the classes.
pub(super) const NO_CLASS: u32 = u32::MAX - 1;

/// The reference and the weight of a voxel.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Reference {
    pub label: u32,
    pub weight: f32,
    /// 1 if a label or weight is outside its range.
    pub invalid: u32,
}

/// Reads and judges the label, the mask and the weight of a voxel.
#[cube]
pub(super) fn reference(
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    tables: &[f32],
    batch: &Addressing,
    sample: u32,
    voxel: u32,
    #[comptime] recipe: Recipe,
) -> Reference {
    let mut found = comptime!(NO_CLASS).runtime();
    let mut weight = 1.0f32;
    let mut invalid = 0u32;
    if batch.mask_kind != 0 {
        let at = batch.mask_start + sample * batch.mask_sample + voxel * batch.mask_voxel;
        if number(mask, at, batch.mask_kind) == 0.0 {
            found = comptime!(SKIPPED).runtime();
        }
    }
    if found != SKIPPED {
        let at = batch.target_start + sample * batch.target_sample + voxel * batch.target_voxel;
        if comptime!(recipe.form == Form::Dense) {
            if batch.classes == 1 {
                if is_ignored(target, at, batch) {
                    found = comptime!(SKIPPED).runtime();
                }
            }
        } else {
            let value = label(target, at, batch.target_kind);
            if is_ignored(target, at, batch) {
                found = comptime!(SKIPPED).runtime();
            } else if value < 0 || value >= i32::cast_from(batch.labels) {
                invalid = 1u32;
            } else {
                found = u32::cast_from(value);
                if comptime!(recipe.form == Form::Labels) {
                    // One channel: 1 is the class, 0 is not.
                    if batch.classes == 1 {
                        found = select(value == 1, 0u32, comptime!(NO_CLASS).runtime());
                    }
                }
            }
        }
    }
    if comptime!(recipe.weighted) {
        if found != SKIPPED && batch.weight_kind != 0 {
            let at = batch.weight_start + sample * batch.weight_sample + voxel * batch.weight_voxel;
            weight = number(weights, at, batch.weight_kind);
            // Written so that NaN is invalid.
            if weight >= 0.0 && weight <= comptime!(f32::MAX) {
                if weight == 0.0 {
                    found = comptime!(SKIPPED).runtime();
                }
                // What counts keeps a weight, be it ever so small beside the others'.
                weight *= tables[0];
                weight = select(weight == 0.0, comptime!(f32::MIN_POSITIVE).runtime(), weight);
            } else {
                invalid = 1u32;
            }
        }
    }
    Reference { label: found, weight, invalid }
}

/// The softmax of a voxel: p_k = exp(x_k − shift) / (1 + others).
#[derive(CubeType, Clone, Copy)]
pub(super) struct Softmax {
    /// The largest logit.
    pub shift: f32,
    /// Σ exp(x − shift) over all classes but the first largest.
    pub others: f32,
    /// The first class with the largest logit.
    pub largest: u32,
}

/// As the classes use it.
#[cube]
pub(super) fn common(whole: &Softmax) -> Common {
    let inverse = 1.0 / (1.0 + whole.others);
    Common {
        shift: whole.shift,
        inverse,
        log_sum: ln_one_plus(whole.others),
        rest: whole.others * inverse,
    }
}

/// One look at all logits, which start at `start`.
#[cube]
pub(super) fn softmax<F: Float>(
    logits: &[F],
    batch: &Addressing,
    start: u32,
    tables: &[f32],
    row: u32,
    #[comptime] merged: bool,
) -> Softmax {
    // Class 0 is part of every sum.
    let mut shift = f32::cast_from(logits[start as usize]);
    let mut others = 0.0f32;
    let mut largest = 0u32;
    for class in 1..batch.classes {
        let mut part = true;
        if comptime!(merged) {
            part = tables[(row + class) as usize] == 0.0;
        }
        if part {
            let x = f32::cast_from(logits[(start + class * batch.logits_class) as usize]);
            let smaller = (-(x - shift).abs()).exp();
            let rises = x > shift;
            // Two infinite ones are equal too, and their difference is no number.
            let share = select(x == shift, 1.0f32, smaller);
            others = select(rises, (others + 1.0) * smaller, others + share);
            largest = select(rises, class, largest);
            shift = select(rises, x, shift);
        }
    }
    Softmax { shift, others, largest }
}

/// 0 or 1 in place of a dense value that lies outside by no more than the slack.
#[cube]
fn rounded(value: f32, slack: f32) -> f32 {
    let low = select(value < 0.0 && value >= -slack, 0.0f32, value);
    select(low > 1.0 && low <= 1.0 + slack, 1.0f32, low)
}

/// −ln of what class 0 has together with the classes that were not annotated, by the softmax of all
/// classes and that of these.
#[cube]
pub(super) fn merged_log_loss(whole: &Softmax, part: &Softmax) -> f32 {
    (whole.shift - part.shift) + (ln_one_plus(whole.others) - ln_one_plus(part.others))
}

/// The same of probabilities, which start at `start`.
#[cube]
pub(super) fn merged_log_loss_of_channels<F: Float>(
    logits: &[F],
    batch: &Addressing,
    start: u32,
    tables: &[f32],
    row: u32,
) -> f32 {
    let mut p = f32::cast_from(logits[start as usize]);
    for class in 1..batch.classes {
        if tables[(row + class) as usize] == 0.0 {
            p += f32::cast_from(logits[(start + class * batch.logits_class) as usize]);
        }
    }
    -p.ln()
}

/// Whether a class of a sample was annotated.
#[cube]
pub(super) fn annotated(
    tables: &[f32],
    batch: &Addressing,
    sample: u32,
    class: u32,
    #[comptime] partial: bool,
) -> bool {
    let mut yes = true;
    if comptime!(partial) {
        yes = tables[(annotated_row(batch, sample) + class) as usize] != 0.0;
    }
    yes
}

/// Where the tables say which classes of a sample were annotated.
#[cube]
pub(super) fn annotated_row(batch: &Addressing, sample: u32) -> u32 {
    batch.annotated + (batch.first + sample) * batch.classes
}

/// What a log loss of all classes alike takes of each: 1 over how many there are once merged.
#[cube]
pub(super) fn even_share(
    tables: &[f32],
    batch: &Addressing,
    sample: u32,
    #[comptime] recipe: Recipe,
) -> f32 {
    let row = annotated_row(batch, sample);
    let mut distinct = batch.classes;
    if comptime!(recipe.partial && recipe.has(Sum::LogLossOfAll)) {
        for class in 1..batch.classes {
            if tables[(row + class) as usize] == 0.0 {
                distinct -= 1;
            }
        }
    }
    1.0 / f32::cast_from(distinct)
}

/// Whether a value of the map is in its range. Written so that NaN is not.
#[cube]
pub(super) fn is_of_map(m: f32, batch: &Addressing) -> bool {
    m >= f32::reinterpret(batch.map_least) && m <= comptime!(LARGEST_IN_MAP)
}

/// The value of the map, and what is no number where that is out of range.
#[cube]
pub(super) fn valid_in_map(voxel: &Voxel, class: u32) -> f32 {
    let mut m = 1.0f32;
    if comptime!(voxel.recipe.mapped) {
        m = voxel.in_map(class);
        m = select(is_of_map(m, voxel.batch), m, not_a_number());
    }
    m
}

/// What is no number, where something is invalid.
#[cube]
pub(super) fn not_a_number() -> f32 {
    f32::reinterpret(comptime!(0x7fc0_0000u32).runtime())
}

/// A voxel that counts, and where its reference is found.
#[derive(CubeType)]
pub(super) struct Voxel<'a> {
    pub target: &'a [u32],
    /// What the map is read from; anything if there is none.
    pub maps: &'a [u32],
    pub tables: &'a [f32],
    pub batch: &'a Addressing,
    pub sample: u32,
    /// Among the voxels of its sample.
    pub index: u32,
    pub label: u32,
    #[cube(comptime)]
    pub recipe: Recipe,
}

#[cube]
impl<'a> Voxel<'a> {
    pub fn new(
        target: &'a [u32],
        maps: &'a [u32],
        tables: &'a [f32],
        batch: &'a Addressing,
        sample: u32,
        index: u32,
        label: u32,
        #[comptime] recipe: Recipe,
    ) -> Voxel<'a> {
        Voxel::<'a> { target, maps, tables, batch, sample, index, label, recipe }
    }

    /// The value that a dense target has for a class, or the region that a label stands for.
    pub fn membership(&self, class: u32) -> f32 {
        let batch = self.batch;
        let mut value = 0.0f32;
        if comptime!(self.recipe.form == Form::Labels) {
            value = select(self.label == class, 1.0f32, 0.0f32);
        } else if comptime!(self.recipe.form == Form::Regions) {
            if self.label < batch.labels {
                value = self.tables[(batch.regions + self.label * batch.classes + class) as usize];
            }
        } else {
            let at = batch.target_start
                + self.sample * batch.target_sample
                + class * batch.target_class
                + self.index * batch.target_voxel;
            let found = number(self.target, at, batch.target_kind);
            value = rounded(found, f32::reinterpret(batch.slack));
        }
        value
    }

    /// The value of the map, which a kernel without one does not read.
    pub fn in_map(&self, class: u32) -> f32 {
        let mut m = 1.0f32;
        if comptime!(self.recipe.mapped) {
            let batch = self.batch;
            let at = batch.map_start
                + self.sample * batch.map_sample
                + class * batch.map_class
                + self.index * batch.map_voxel;
            m = number(self.maps, at, batch.map_kind);
        }
        m
    }

    /// Whether a class was annotated.
    pub fn has_annotated(&self, class: u32) -> bool {
        let partial = comptime!(self.recipe.partial);
        annotated(self.tables, self.batch, self.sample, class, partial)
    }

    /// The membership with the classes that were not annotated added to class 0.
    fn merged_membership(&self, class: u32) -> f32 {
        let mut value = self.membership(class);
        if class == 0 {
            for other in 1..self.batch.classes {
                if !self.has_annotated(other) {
                    value += self.membership(other);
                }
            }
        } else if !self.has_annotated(class) {
            value = 0.0;
        }
        value
    }

    /// A class as log losses see it. `log_loss_of_first` is what class 0 has once merged.
    pub fn merged(&self, class: u32, g: f32, chance: &Chance, log_loss_of_first: f32) -> Merged {
        let mut is_there = true;
        let mut merged_g = g;
        let mut log_loss = chance.log_loss;
        let mut complement = chance.complement;
        if comptime!(self.recipe.partial) {
            is_there = class == 0 || self.has_annotated(class);
            merged_g = self.merged_membership(class);
            if class == 0 {
                log_loss = log_loss_of_first;
                complement = 1.0 - (-log_loss).exp();
            }
        }
        Merged { is_there, g: merged_g, log_loss, complement }
    }

    /// The class that a dense target has most of, or that a label names.
    pub fn class_of_reference(&self) -> u32 {
        let mut best = self.label;
        if comptime!(self.recipe.form != Form::Labels) {
            best = comptime!(NO_CLASS).runtime();
            let mut most = 0.0f32;
            for class in 0..self.batch.classes {
                let value = self.membership(class);
                if value > most {
                    most = value;
                    best = class;
                }
            }
        }
        best
    }
}
