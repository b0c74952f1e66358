//! Sweep 2.

use cubecl::prelude::*;

use dice_loss::{Activation, Sum};

use super::{
    contribution::{Common, chance_of_channel, chance_of_class, ln_one_plus, share},
    slope::{by_log, by_probability, by_transport, of_channel},
    voxel::{SKIPPED, annotated, common, membership, merged_membership, reference, softmax},
};
use crate::{
    batch::Batch,
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
    batch: &Batch,
    #[comptime] recipe: Recipe,
) {
    let softmaxes = comptime!(recipe.is_softmax());
    let merges = comptime!(recipe.merges());
    let partial = comptime!(recipe.partial);
    let stride = comptime!(recipe.classes_at_most());
    let columns = comptime!(recipe.columns.len());
    let form = comptime!(recipe.form);

    let mut slope_of = Shared::<[f32]>::new_slice(comptime!(columns * stride as usize));
    let sample = CUBE_POS_Y;
    let classes = batch.classes;
    let row = (batch.first + sample) * batch.slopes_sample;
    let mut index = UNIT_POS;
    while index < comptime!(columns as u32) * classes {
        let slot = (index / classes) * stride + index % classes;
        let column = tables[(batch.columns + index / classes) as usize];
        let mut slope = 0.0f32;
        if column >= 0.0 {
            slope = slopes[(row + u32::cast_from(column) * classes + index % classes) as usize];
        }
        slope_of[slot as usize] = slope;
        index += comptime!(UNITS);
    }
    sync_cube();

    let annotated_row = batch.annotated + (batch.first + sample) * classes;
    let mut distinct = classes;
    if comptime!(merges && partial && recipe.has(Sum::LogLossOfAll)) {
        for class in 1..classes {
            if tables[(annotated_row + class) as usize] == 0.0 {
                distinct -= 1;
            }
        }
    }
    let even = 1.0 / f32::cast_from(distinct);

    let mut voxel = CUBE_POS_X * comptime!(UNITS) + UNIT_POS;
    while voxel < batch.voxels {
        let known = reference(
            target,
            mask,
            weights,
            tables,
            batch,
            sample,
            voxel,
            comptime!(recipe.clone()),
        );
        let label = known.label;
        let start = sample * batch.logits_sample + voxel * batch.logits_voxel;
        let out = sample * batch.gradient_sample + voxel * batch.gradient_voxel;
        let mut weight = known.weight;
        if known.invalid != 0 {
            weight = f32::reinterpret(comptime!(0x7fc0_0000u32).runtime());
        }
        if label == SKIPPED {
            if batch.adds == 0 {
                for class in 0..classes {
                    gradient[(out + class * batch.gradient_class) as usize] = F::cast_from(0.0f32);
                }
            }
        } else {
            // What all classes share.
            let mut shared =
                Common { shift: 0.0f32, inverse: 0.0f32, log_sum: 0.0f32, rest: 0.0f32 };
            let mut merged_log_loss = 0.0f32;
            let mut product = 0.0f32;
            let mut log_slopes = 0.0f32;
            let mut log_slope_of_merged = 0.0f32;
            if comptime!(softmaxes) {
                let whole = softmax::<F>(logits, batch, start, tables, 0u32, false);
                let of_whole = common(&whole);
                shared.shift = of_whole.shift;
                shared.inverse = of_whole.inverse;
                shared.log_sum = of_whole.log_sum;
                shared.rest = of_whole.rest;
                if comptime!(merges && partial) {
                    let part = softmax::<F>(logits, batch, start, tables, annotated_row, true);
                    merged_log_loss = (whole.shift - part.shift)
                        + (ln_one_plus(whole.others) - ln_one_plus(part.others));
                }
            } else {
                if comptime!(merges && partial) {
                    let mut p = f32::cast_from(logits[start as usize]);
                    for class in 1..classes {
                        if tables[(annotated_row + class) as usize] == 0.0 {
                            p += f32::cast_from(
                                logits[(start + class * batch.logits_class) as usize],
                            );
                        }
                    }
                    merged_log_loss = -p.ln();
                }
            }
            if comptime!(softmaxes || (merges && partial)) {
                for class in 0..classes {
                    let x = f32::cast_from(logits[(start + class * batch.logits_class) as usize]);
                    let counted = annotated(tables, batch, sample, class, partial);
                    let g = membership(target, tables, batch, label, sample, class, voxel, form);
                    let chance = if comptime!(softmaxes) {
                        chance_of_class(x, &shared)
                    } else {
                        chance_of_channel(x, comptime!(recipe.activation))
                    };
                    if comptime!(softmaxes && recipe.overlaps()) {
                        let mut q = by_transport(
                            &slope_of,
                            target,
                            tables,
                            batch,
                            label,
                            sample,
                            class,
                            voxel,
                            comptime!(recipe.clone()),
                        );
                        if counted {
                            let recipe = comptime!(recipe.clone());
                            q += by_probability(&slope_of, class, chance.p, g, recipe);
                        }
                        product += chance.p * q;
                    }
                    if comptime!(merges) {
                        let mut log_loss = chance.log_loss;
                        let mut complement = chance.complement;
                        let mut alone = true;
                        let mut merged_g = g;
                        if comptime!(partial) {
                            alone = class == 0 || counted;
                            merged_g = merged_membership(
                                target,
                                tables,
                                batch,
                                label,
                                sample,
                                class,
                                voxel,
                                comptime!(recipe.clone()),
                            );
                            if class == 0 {
                                log_loss = merged_log_loss;
                                complement = 1.0 - (-log_loss).exp();
                            }
                        }
                        if alone {
                            let slope = by_log(
                                &slope_of,
                                tables,
                                batch,
                                class,
                                merged_g,
                                log_loss,
                                complement,
                                even,
                                comptime!(recipe.clone()),
                            );
                            log_slopes += slope;
                            if class == 0 {
                                log_slope_of_merged = slope;
                            }
                        }
                    }
                }
            }
            for class in 0..classes {
                let x = f32::cast_from(logits[(start + class * batch.logits_class) as usize]);
                let counted = annotated(tables, batch, sample, class, partial);
                let g = membership(target, tables, batch, label, sample, class, voxel, form);
                let chance = if comptime!(softmaxes) {
                    chance_of_class(x, &shared)
                } else {
                    chance_of_channel(x, comptime!(recipe.activation))
                };
                let mut slope = 0.0f32;
                if comptime!(recipe.overlaps()) {
                    let mut q = by_transport(
                        &slope_of,
                        target,
                        tables,
                        batch,
                        label,
                        sample,
                        class,
                        voxel,
                        comptime!(recipe.clone()),
                    );
                    if counted {
                        let recipe = comptime!(recipe.clone());
                        q += by_probability(&slope_of, class, chance.p, g, recipe);
                    }
                    if comptime!(softmaxes) {
                        slope = chance.p * (q - product);
                    } else if comptime!(recipe.activation == Activation::Sigmoid) {
                        slope = q * chance.p * chance.complement;
                    } else {
                        slope = q;
                    }
                }
                if comptime!(!softmaxes) {
                    if counted {
                        let recipe = comptime!(recipe.clone());
                        slope += of_channel(&slope_of, tables, batch, class, g, &chance, recipe);
                    }
                }
                if comptime!(merges) {
                    let mut log_slope = log_slope_of_merged;
                    // The class's part of what it is merged into.
                    let mut part = (merged_log_loss - chance.log_loss).exp();
                    if comptime!(partial) {
                        if class != 0 && counted {
                            part = 1.0f32;
                        }
                    } else {
                        part = 1.0f32;
                    }
                    if class != 0 && counted || comptime!(!partial) {
                        log_slope = by_log(
                            &slope_of,
                            tables,
                            batch,
                            class,
                            g,
                            chance.log_loss,
                            chance.complement,
                            even,
                            comptime!(recipe.clone()),
                        );
                    }
                    if comptime!(softmaxes) {
                        slope += chance.p * log_slopes - log_slope * part;
                    } else {
                        slope -= share(log_slope, part / chance.p);
                    }
                }
                let at = (out + class * batch.gradient_class) as usize;
                let mut value = slope * weight;
                if batch.adds != 0 {
                    value += f32::cast_from(gradient[at]);
                }
                gradient[at] = F::cast_from(value);
            }
        }
        voxel += CUBE_COUNT_X * comptime!(UNITS);
    }
}
