//! Sweep 1.

use cubecl::prelude::*;

use dice_loss::Sum;

use super::{
    contribution::{Common, chance_of_channel, chance_of_class, ln_one_plus, of_class, of_merged},
    voxel::{
        SKIPPED, annotated, class_of_reference, common, membership, merged_membership, reference,
        softmax,
    },
};
use crate::{
    batch::Batch,
    recipe::{Form, Quantity, Recipe, UNITS},
};

/// Sums up a batch: `partials` becomes (sample, cube, column, class).
///
/// The grid is (cubes, samples), each cube of [`UNITS`] units. An invalid label, value or weight makes
/// all sums of its cube NaN.
#[cube(launch_unchecked, create_dummy_kernel)]
pub fn measure<F: Float>(
    logits: &[F],
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    tables: &[f32],
    partials: &mut [f32],
    batch: &Batch,
    #[comptime] recipe: Recipe,
) {
    let softmaxes = comptime!(recipe.is_softmax());
    let merges = comptime!(recipe.merges() && recipe.partial);
    let counts = comptime!(recipe.counts());
    let logs = comptime!(softmaxes && recipe.merges());
    let focuses = comptime!(softmaxes && recipe.focal_terms() > 0);
    let columns = comptime!(recipe.columns.len());
    let slots = comptime!(recipe.slots);

    let mut label_of = Shared::<[u32]>::new_slice(UNITS as usize);
    let mut weight_of = Shared::<[f32]>::new_slice(comptime!(of_units(recipe.weighted)));
    let mut shift_of = Shared::<[f32]>::new_slice(comptime!(of_units(softmaxes)));
    let mut inverse_of = Shared::<[f32]>::new_slice(comptime!(of_units(softmaxes)));
    let mut log_sum_of = Shared::<[f32]>::new_slice(comptime!(of_units(logs)));
    let mut rest_of = Shared::<[f32]>::new_slice(comptime!(of_units(focuses)));
    let mut merged_of = Shared::<[f32]>::new_slice(comptime!(of_units(merges)));
    let mut decided = Shared::<[u32]>::new_slice(comptime!(of_units(counts)));
    let mut found = Shared::<[u32]>::new_slice(comptime!(of_units(counts)));
    let mut sums = Shared::<[f32]>::new_slice(comptime!(columns * slots as usize));
    let mut invalid = Shared::<[u32]>::new_slice(1usize);

    let sample = CUBE_POS_Y;
    let classes = batch.classes;
    let lanes = batch.lanes;
    let groups = comptime!(UNITS) / lanes;
    let lane = UNIT_POS % lanes;
    let group = UNIT_POS / lanes;
    let logits_of_sample = sample * batch.logits_sample;
    let annotated_row = batch.annotated + (batch.first + sample) * classes;

    let mut slot = UNIT_POS;
    while slot < comptime!(columns as u32 * slots) {
        sums[slot as usize] = 0.0f32;
        slot += comptime!(UNITS);
    }
    if UNIT_POS == 0 {
        invalid[0] = 0u32;
    }
    sync_cube();

    let mut distinct = classes;
    if comptime!(merges && recipe.has(Sum::LogLossOfAll)) {
        for class in 1..classes {
            if tables[(annotated_row + class) as usize] == 0.0 {
                distinct -= 1;
            }
        }
    }
    let even = 1.0 / f32::cast_from(distinct);

    let tiles = (batch.voxels + comptime!(UNITS - 1)) / comptime!(UNITS);
    let mut tile = CUBE_POS_X;
    while tile < tiles {
        let first_voxel = tile * comptime!(UNITS);
        let own = first_voxel + UNIT_POS;
        let mut label = comptime!(SKIPPED).runtime();
        if own < batch.voxels {
            let known = reference(
                target,
                mask,
                weights,
                tables,
                batch,
                sample,
                own,
                comptime!(recipe.clone()),
            );
            label = known.label;
            if comptime!(recipe.weighted) {
                weight_of[UNIT_POS as usize] = known.weight;
            }
            if known.invalid != 0 {
                invalid[0] = 1u32;
            }
            if label != SKIPPED {
                let start = logits_of_sample + own * batch.logits_voxel;
                if comptime!(softmaxes || counts) {
                    let whole = softmax::<F>(logits, batch, start, tables, 0u32, false);
                    if comptime!(softmaxes) {
                        let shared = common(&whole);
                        shift_of[UNIT_POS as usize] = shared.shift;
                        inverse_of[UNIT_POS as usize] = shared.inverse;
                        if comptime!(logs) {
                            log_sum_of[UNIT_POS as usize] = shared.log_sum;
                        }
                        if comptime!(focuses) {
                            rest_of[UNIT_POS as usize] = shared.rest;
                        }
                    }
                    if comptime!(merges && softmaxes) {
                        let part = softmax::<F>(logits, batch, start, tables, annotated_row, true);
                        // ln of the share that the merged classes have, negated.
                        merged_of[UNIT_POS as usize] = (whole.shift - part.shift)
                            + (ln_one_plus(whole.others) - ln_one_plus(part.others));
                    }
                    if comptime!(counts) {
                        decided[UNIT_POS as usize] = whole.largest;
                        let form = comptime!(recipe.form);
                        found[UNIT_POS as usize] =
                            class_of_reference(target, tables, batch, label, sample, own, form);
                    }
                }
                if comptime!(merges && !softmaxes) {
                    let mut p = f32::cast_from(logits[start as usize]);
                    for class in 1..classes {
                        if tables[(annotated_row + class) as usize] == 0.0 {
                            p += f32::cast_from(
                                logits[(start + class * batch.logits_class) as usize],
                            );
                        }
                    }
                    merged_of[UNIT_POS as usize] = -p.ln();
                }
            }
        }
        label_of[UNIT_POS as usize] = label;
        sync_cube();

        let mut class = group;
        while class < classes {
            let counted = annotated(tables, batch, sample, class, comptime!(recipe.partial));
            let mut totals = Array::<f32>::new(columns);
            #[unroll]
            for column in 0..columns {
                totals[column] = 0.0f32;
            }
            let mut place = lane;
            while place < comptime!(UNITS) {
                let label = label_of[place as usize];
                if label != SKIPPED {
                    let voxel = first_voxel + place;
                    let mut weight = 1.0f32;
                    if comptime!(recipe.weighted) {
                        weight = weight_of[place as usize];
                    }
                    let at =
                        logits_of_sample + class * batch.logits_class + voxel * batch.logits_voxel;
                    let x = f32::cast_from(logits[at as usize]);
                    let g = membership(
                        target,
                        tables,
                        batch,
                        label,
                        sample,
                        class,
                        voxel,
                        comptime!(recipe.form),
                    );
                    if comptime!(recipe.form == Form::Dense) {
                        if g >= 0.0 && g <= 1.0 {
                        } else {
                            invalid[0] = 1u32;
                        }
                    }
                    let chance = if comptime!(softmaxes) {
                        let mut log_sum = 0.0f32;
                        if comptime!(logs) {
                            log_sum = log_sum_of[place as usize];
                        }
                        let mut rest = 0.0f32;
                        if comptime!(focuses) {
                            rest = rest_of[place as usize];
                        }
                        let shift = shift_of[place as usize];
                        let inverse = inverse_of[place as usize];
                        chance_of_class(x, &Common { shift, inverse, log_sum, rest })
                    } else {
                        chance_of_channel(x, comptime!(recipe.activation))
                    };
                    #[unroll]
                    for column in 0..columns {
                        let quantity = comptime!(recipe.columns[column]);
                        if comptime!(quantity.sum.merges(recipe.activation)) {
                            let mut log_loss = chance.log_loss;
                            let mut complement = chance.complement;
                            let mut alone = true;
                            let mut g_merged = g;
                            if comptime!(recipe.partial) {
                                alone = class == 0 || counted;
                                g_merged = merged_membership(
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
                                    log_loss = merged_of[place as usize];
                                    complement = 1.0 - (-log_loss).exp();
                                }
                            }
                            if alone {
                                let exponent =
                                    exponent_of(tables, batch, class, comptime!(quantity));
                                totals[column] += weight
                                    * of_merged(
                                        g_merged, log_loss, complement, even, exponent, quantity,
                                    );
                            }
                        } else if counted {
                            if comptime!(quantity.sum.is_count()) {
                                totals[column] += count(
                                    batch,
                                    class,
                                    chance.p,
                                    g,
                                    decided[place as usize],
                                    found[place as usize],
                                    quantity,
                                );
                            } else if comptime!(quantity.sum == Sum::Transport) {
                                let mut cost = 0.0f32;
                                if g != 0.0 && batch.transports != 0 {
                                    let row = batch.distances + class * classes;
                                    for other in 0..classes {
                                        let at = logits_of_sample
                                            + other * batch.logits_class
                                            + voxel * batch.logits_voxel;
                                        let x = f32::cast_from(logits[at as usize]);
                                        let mut p = x;
                                        if comptime!(softmaxes) {
                                            p = (x - shift_of[place as usize]).exp()
                                                * inverse_of[place as usize];
                                        }
                                        cost += tables[(row + other) as usize] * p;
                                    }
                                }
                                totals[column] += weight * g * cost;
                            } else {
                                let exponent =
                                    exponent_of(tables, batch, class, comptime!(quantity));
                                totals[column] += weight * of_class(g, &chance, exponent, quantity);
                            }
                        }
                    }
                }
                place += lanes;
            }
            #[unroll]
            for column in 0..columns {
                let slot = comptime!(column as u32 * slots) + class * lanes + lane;
                sums[slot as usize] += totals[column];
            }
            class += groups;
        }
        sync_cube();
        tile += CUBE_COUNT_X;
    }

    let mut index = UNIT_POS;
    while index < comptime!(columns as u32) * classes {
        let column = index / classes;
        let class = index % classes;
        let start = column * comptime!(slots) + class * lanes;
        let mut total = 0.0f32;
        for lane in 0..lanes {
            total += sums[(start + lane) as usize];
        }
        if invalid[0] != 0 {
            total = f32::reinterpret(comptime!(0x7fc0_0000u32).runtime());
        }
        let row = (sample * CUBE_COUNT_X + CUBE_POS_X) * comptime!(columns as u32);
        partials[((row + column) * classes + class) as usize] = total;
        index += comptime!(UNITS);
    }
}

/// The length of an array in shared memory that some recipes do without.
fn of_units(needed: bool) -> usize {
    if needed { UNITS as usize } else { 1 }
}

/// The exponent of a focal term for a class.
#[cube]
pub(super) fn exponent_of(
    tables: &[f32],
    batch: &Batch,
    class: u32,
    #[comptime] quantity: Quantity,
) -> f32 {
    let mut exponent = 0.0f32;
    if comptime!(matches!(quantity.sum, Sum::Focal | Sum::FocalNegative)) {
        let table = comptime!(quantity.table);
        exponent = tables[(batch.exponents + table * batch.classes + class) as usize];
    }
    exponent
}

/// A hard count: whether decision and reference have the class.
#[cube]
fn count(
    batch: &Batch,
    class: u32,
    p: f32,
    g: f32,
    decided: u32,
    found: u32,
    #[comptime] quantity: Quantity,
) -> f32 {
    let mut predicted = decided == class;
    let mut there = found == class;
    if batch.by_threshold != 0 {
        let least = f32::reinterpret(batch.threshold);
        predicted = p >= least;
        there = g >= least;
    }
    let mut counts = predicted && there;
    if comptime!(quantity.sum == Sum::FalsePositives) {
        counts = predicted && !there;
    } else if comptime!(quantity.sum == Sum::FalseNegatives) {
        counts = !predicted && there;
    }
    select(counts, 1.0f32, 0.0f32)
}
