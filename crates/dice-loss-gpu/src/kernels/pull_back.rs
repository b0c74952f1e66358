//! Sweep 2.

use cubecl::prelude::*;

use dice_loss::Activation;

use super::{
    contribution::{Chance, Common, Merged, chance_of_channel, chance_of_class, share},
    slope::{by_log, by_probability, by_transport, of_channel},
    voxel::{
        SKIPPED, Voxel, annotated_row, common, even_share, merged_log_loss,
        merged_log_loss_of_channels, not_a_number, reference, softmax, valid_in_map,
    },
};
use crate::{
    addressing::Addressing,
    recipe::{Recipe, UNITS},
};

/// Writes Σ slope · ∂sum/∂logits.
///
/// The grid is (cubes, samples), each cube of [`UNITS`] units. `slopes` are the derivatives by the
/// moments: a row of (column, class) for each sample, or for all. The gradient of an invalid voxel is
/// NaN.
#[cube(launch_unchecked, create_dummy_kernel)]
pub fn pull_back<F: Float>(
    logits: &[F],
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    tables: &[f32],
    slopes: &[f32],
    gradient: &mut [F],
    batch: &Addressing,
    #[comptime] recipe: Recipe,
) {
    // A recipe without a map reads none.
    sweep::<F>(logits, target, mask, weights, weights, tables, slopes, gradient, batch, recipe);
}

/// The same with a map.
#[cube(launch_unchecked, create_dummy_kernel)]
pub fn pull_back_mapped<F: Float>(
    logits: &[F],
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    maps: &[u32],
    tables: &[f32],
    slopes: &[f32],
    gradient: &mut [F],
    batch: &Addressing,
    #[comptime] recipe: Recipe,
) {
    sweep::<F>(logits, target, mask, weights, maps, tables, slopes, gradient, batch, recipe);
}

#[cube]
fn sweep<F: Float>(
    logits: &[F],
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    maps: &[u32],
    tables: &[f32],
    slopes: &[f32],
    gradient: &mut [F],
    batch: &Addressing,
    #[comptime] recipe: Recipe,
) {
    let columns = comptime!(recipe.columns.len());
    let stride = comptime!(recipe.classes_at_most());
    let mut slope_of = Shared::<[f32]>::new_slice(comptime!(columns * stride as usize));
    let sample = CUBE_POS_Y;
    gather(&mut slope_of, slopes, tables, batch, comptime!(columns as u32), stride);
    sync_cube();

    let even = even_share(tables, batch, sample, comptime!(recipe.clone()));
    let mut index = CUBE_POS_X * comptime!(UNITS) + UNIT_POS;
    while index < batch.voxels {
        let known = reference(
            target,
            mask,
            weights,
            tables,
            batch,
            sample,
            index,
            comptime!(recipe.clone()),
        );
        let label = known.label;
        let out = sample * batch.gradient_sample + index * batch.gradient_voxel;
        if label == SKIPPED {
            if batch.adds == 0 {
                clear::<F>(gradient, out, batch);
            }
        } else {
            let mut weight = known.weight;
            if known.invalid != 0 {
                weight = not_a_number();
            }
            let recipe = comptime!(recipe.clone());
            let voxel = Voxel::new(target, maps, tables, batch, sample, index, label, recipe);
            let whole = whole::<F>(logits, &voxel);
            let coupled = coupled::<F>(logits, &slope_of, &voxel, &whole, even);
            for class in 0..batch.classes {
                let slope = slope::<F>(logits, &slope_of, &voxel, &whole, &coupled, class, even);
                let at = (out + class * batch.gradient_class) as usize;
                let mut value = slope * weight;
                if batch.adds != 0 {
                    value += f32::cast_from(gradient[at]);
                }
                gradient[at] = F::cast_from(value);
            }
        }
        index += CUBE_COUNT_X * comptime!(UNITS);
    }
}

/// The slopes of the sample's moments, in the recipe's order; 0 where the pass is for no such column.
#[cube]
fn gather(
    slope_of: &mut [f32],
    slopes: &[f32],
    tables: &[f32],
    batch: &Addressing,
    #[comptime] columns: u32,
    #[comptime] stride: u32,
) {
    let classes = batch.classes;
    let row = (batch.first + CUBE_POS_Y) * batch.slopes_sample;
    let mut index = UNIT_POS;
    while index < columns * classes {
        let slot = (index / classes) * stride + index % classes;
        let column = tables[(batch.columns + index / classes) as usize];
        let mut slope = 0.0f32;
        if column >= 0.0 {
            slope = slopes[(row + u32::cast_from(column) * classes + index % classes) as usize];
        }
        slope_of[slot as usize] = slope;
        index += comptime!(UNITS);
    }
}

#[cube]
fn clear<F: Float>(gradient: &mut [F], out: u32, batch: &Addressing) {
    for class in 0..batch.classes {
        gradient[(out + class * batch.gradient_class) as usize] = F::cast_from(0.0f32);
    }
}

/// What the activation and merging make of a voxel as a whole.
#[derive(CubeType)]
struct Whole {
    softmax: Common,
    /// −ln of what class 0 has once merged.
    merged_log_loss: f32,
}

#[cube]
fn whole<F: Float>(logits: &[F], voxel: &Voxel) -> Whole {
    let softmaxes = comptime!(voxel.recipe.is_softmax());
    let merges = comptime!(voxel.recipe.merges() && voxel.recipe.partial);
    let (tables, batch) = (voxel.tables, voxel.batch);
    let start = voxel.sample * batch.logits_sample + voxel.index * batch.logits_voxel;
    let row = annotated_row(batch, voxel.sample);
    let mut shared = Common { shift: 0.0f32, inverse: 0.0f32, log_sum: 0.0f32, rest: 0.0f32 };
    let mut log_loss = 0.0f32;
    if comptime!(softmaxes) {
        let all = softmax::<F>(logits, batch, start, tables, 0u32, false);
        let of_all = common(&all);
        shared.shift = of_all.shift;
        shared.inverse = of_all.inverse;
        shared.log_sum = of_all.log_sum;
        shared.rest = of_all.rest;
        if comptime!(merges) {
            let part = softmax::<F>(logits, batch, start, tables, row, true);
            log_loss = merged_log_loss(&all, &part);
        }
    } else {
        if comptime!(merges) {
            log_loss = merged_log_loss_of_channels::<F>(logits, batch, start, tables, row);
        }
    }
    Whole { softmax: shared, merged_log_loss: log_loss }
}

/// What a class of a voxel has.
#[derive(CubeType)]
struct Class {
    chance: Chance,
    g: f32,
    /// What the map has.
    m: f32,
    counted: bool,
}

#[cube]
fn class_of<F: Float>(logits: &[F], voxel: &Voxel, whole: &Whole, class: u32) -> Class {
    let batch = voxel.batch;
    let start = voxel.sample * batch.logits_sample + voxel.index * batch.logits_voxel;
    let x = f32::cast_from(logits[(start + class * batch.logits_class) as usize]);
    let counted = voxel.has_annotated(class);
    let g = voxel.membership(class);
    let chance = if comptime!(voxel.recipe.is_softmax()) {
        chance_of_class(x, &whole.softmax)
    } else {
        chance_of_channel(x, comptime!(voxel.recipe.activation))
    };
    let m = valid_in_map(voxel, class);
    Class { chance, g, m, counted }
}

/// What the slopes of the classes come to together.
#[derive(CubeType)]
struct Coupled {
    /// Σ p q.
    product: f32,
    /// Of the log losses: all, and that of class 0.
    log_slopes: f32,
    log_slope_of_first: f32,
}

#[cube]
fn coupled<F: Float>(
    logits: &[F],
    slopes: &[f32],
    voxel: &Voxel,
    whole: &Whole,
    even: f32,
) -> Coupled {
    let recipe = comptime!(voxel.recipe.clone());
    let softmaxes = comptime!(recipe.is_softmax());
    let mut product = 0.0f32;
    let mut log_slopes = 0.0f32;
    let mut log_slope_of_first = 0.0f32;
    if comptime!(softmaxes || (recipe.merges() && recipe.partial)) {
        for class in 0..voxel.batch.classes {
            let found = class_of::<F>(logits, voxel, whole, class);
            if comptime!(softmaxes && recipe.overlaps()) {
                product += found.chance.p * by_overlap(slopes, voxel, &found, class);
            }
            if comptime!(recipe.merges()) {
                let merged = voxel.merged(class, found.g, &found.chance, whole.merged_log_loss);
                if merged.is_there {
                    let slope = by_log(slopes, voxel, class, &merged, found.m, even);
                    log_slopes += slope;
                    if class == 0 {
                        log_slope_of_first = slope;
                    }
                }
            }
        }
    }
    Coupled { product, log_slopes, log_slope_of_first }
}

/// q, the derivative of the overlap sums by p.
#[cube]
fn by_overlap(slopes: &[f32], voxel: &Voxel, found: &Class, class: u32) -> f32 {
    let mut q = by_transport(slopes, voxel, class);
    if found.counted {
        let recipe = comptime!(voxel.recipe.clone());
        q += by_probability(slopes, class, found.chance.p, found.g, found.m, recipe);
    }
    q
}

/// The derivative by the logit of a class, or by its probability.
#[cube]
fn slope<F: Float>(
    logits: &[F],
    slopes: &[f32],
    voxel: &Voxel,
    whole: &Whole,
    coupled: &Coupled,
    class: u32,
    even: f32,
) -> f32 {
    let recipe = comptime!(voxel.recipe.clone());
    let softmaxes = comptime!(recipe.is_softmax());
    let found = class_of::<F>(logits, voxel, whole, class);
    let p = found.chance.p;
    let mut slope = 0.0f32;
    if comptime!(recipe.overlaps()) {
        let q = by_overlap(slopes, voxel, &found, class);
        if comptime!(softmaxes) {
            slope = p * (q - coupled.product);
        } else if comptime!(recipe.activation == Activation::Sigmoid) {
            slope = q * p * found.chance.complement;
        } else {
            slope = q;
        }
    }
    if comptime!(!softmaxes) {
        if found.counted {
            slope += of_channel(slopes, voxel, class, found.g, &found.chance, found.m);
        }
    }
    if comptime!(recipe.merges()) {
        // Those that were merged have the slope of what they are part of, by their share in it.
        let mut log_slope = coupled.log_slope_of_first;
        let mut part = (whole.merged_log_loss - found.chance.log_loss).exp();
        if comptime!(!recipe.partial) || class != 0 && found.counted {
            log_slope = by_log(slopes, voxel, class, &alone(&found), found.m, even);
            part = 1.0f32;
        }
        if comptime!(softmaxes) {
            slope += p * coupled.log_slopes - log_slope * part;
        } else {
            slope -= share(log_slope, part / p);
        }
    }
    slope
}

/// A class that nothing is merged into.
#[cube]
fn alone(found: &Class) -> Merged {
    Merged {
        is_there: true,
        g: found.g,
        log_loss: found.chance.log_loss,
        complement: found.chance.complement,
    }
}
