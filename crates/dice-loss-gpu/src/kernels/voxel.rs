//! What a unit finds out about a voxel of its own.

use cubecl::prelude::*;

use super::{
    contribution::{Common, ln_one_plus},
    element::{is_ignored, label, number},
};
use crate::{
    batch::Batch,
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
    batch: &Batch,
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
    batch: &Batch,
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

/// The value that a dense target has for a class, or the region that a label stands for.
#[cube]
pub(super) fn membership(
    target: &[u32],
    tables: &[f32],
    batch: &Batch,
    label: u32,
    sample: u32,
    class: u32,
    voxel: u32,
    #[comptime] form: Form,
) -> f32 {
    let mut value = 0.0f32;
    if comptime!(form == Form::Labels) {
        value = select(label == class, 1.0f32, 0.0f32);
    } else if comptime!(form == Form::Regions) {
        if label < batch.labels {
            value = tables[(batch.regions + label * batch.classes + class) as usize];
        }
    } else {
        let at = batch.target_start
            + sample * batch.target_sample
            + class * batch.target_class
            + voxel * batch.target_voxel;
        value = rounded(number(target, at, batch.target_kind), f32::reinterpret(batch.slack));
    }
    value
}

/// 0 or 1 in place of a dense value that lies outside by no more than the slack.
#[cube]
fn rounded(value: f32, slack: f32) -> f32 {
    let low = select(value < 0.0 && value >= -slack, 0.0f32, value);
    select(low > 1.0 && low <= 1.0 + slack, 1.0f32, low)
}

/// Whether a class of a sample was annotated.
#[cube]
pub(super) fn annotated(
    tables: &[f32],
    batch: &Batch,
    sample: u32,
    class: u32,
    #[comptime] partial: bool,
) -> bool {
    let mut yes = true;
    if comptime!(partial) {
        let row = batch.annotated + (batch.first + sample) * batch.classes;
        yes = tables[(row + class) as usize] != 0.0;
    }
    yes
}

/// The reference with the classes that were not annotated added to the background.
#[cube]
pub(super) fn merged_membership(
    target: &[u32],
    tables: &[f32],
    batch: &Batch,
    label: u32,
    sample: u32,
    class: u32,
    voxel: u32,
    #[comptime] recipe: Recipe,
) -> f32 {
    let form = comptime!(recipe.form);
    let partial = comptime!(recipe.partial);
    let mut value = membership(target, tables, batch, label, sample, class, voxel, form);
    if comptime!(partial) {
        if class == 0 {
            for other in 1..batch.classes {
                if !annotated(tables, batch, sample, other, partial) {
                    value += membership(target, tables, batch, label, sample, other, voxel, form);
                }
            }
        } else if !annotated(tables, batch, sample, class, partial) {
            value = 0.0;
        }
    }
    value
}

/// The class that a dense target has most of, or that a label names.
#[cube]
pub(super) fn class_of_reference(
    target: &[u32],
    tables: &[f32],
    batch: &Batch,
    label: u32,
    sample: u32,
    voxel: u32,
    #[comptime] form: Form,
) -> u32 {
    let mut best = label;
    if comptime!(form != Form::Labels) {
        best = comptime!(NO_CLASS).runtime();
        let mut most = 0.0f32;
        for class in 0..batch.classes {
            let value = membership(target, tables, batch, label, sample, class, voxel, form);
            if value > most {
                most = value;
                best = class;
            }
        }
    }
    best
}
