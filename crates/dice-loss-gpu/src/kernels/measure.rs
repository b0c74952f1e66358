//! Sweep 1.

use cubecl::prelude::*;

use dice_loss::Sum;

use super::{
    contribution::{
        Chance, Common, chance_of_channel, chance_of_class, exponent_of, of_class, of_merged,
        weighed,
    },
    voxel::{
        SKIPPED, Voxel, annotated_row, common, even_share, is_of_map, merged_log_loss,
        merged_log_loss_of_channels, not_a_number, reference, softmax,
    },
};
use crate::{
    addressing::Addressing,
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
    batch: &Addressing,
    #[comptime] recipe: Recipe,
) {
    // A recipe without a map reads none.
    sweep::<F>(logits, target, mask, weights, weights, tables, partials, batch, recipe);
}

/// The same with a map, whose invalid values make all sums of their cube NaN too.
#[cube(launch_unchecked, create_dummy_kernel)]
pub fn measure_mapped<F: Float>(
    logits: &[F],
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    maps: &[u32],
    tables: &[f32],
    partials: &mut [f32],
    batch: &Addressing,
    #[comptime] recipe: Recipe,
) {
    sweep::<F>(logits, target, mask, weights, maps, tables, partials, batch, recipe);
}

#[cube]
fn sweep<F: Float>(
    logits: &[F],
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    maps: &[u32],
    tables: &[f32],
    partials: &mut [f32],
    batch: &Addressing,
    #[comptime] recipe: Recipe,
) {
    let columns = comptime!(recipe.columns.len());
    let slots = comptime!(recipe.slots);
    let mut seen = Seen::new(comptime!(recipe.clone()));
    let mut sums = Shared::<[f32]>::new_slice(comptime!(columns * slots as usize));
    let mut invalid = Shared::<[u32]>::new_slice(1usize);
    clear(&mut sums, &mut invalid, comptime!(columns as u32 * slots));
    sync_cube();

    let sample = CUBE_POS_Y;
    let even = even_share(tables, batch, sample, comptime!(recipe.clone()));
    let groups = comptime!(UNITS) / batch.lanes;
    let lane = UNIT_POS % batch.lanes;
    let tiles = (batch.voxels + comptime!(UNITS - 1)) / comptime!(UNITS);
    let mut tile = CUBE_POS_X;
    while tile < tiles {
        let first_voxel = tile * comptime!(UNITS);
        look::<F>(
            &mut seen,
            &mut invalid,
            logits,
            target,
            mask,
            weights,
            maps,
            tables,
            batch,
            first_voxel + UNIT_POS,
            comptime!(recipe.clone()),
        );
        sync_cube();

        let mut class = UNIT_POS / batch.lanes;
        while class < batch.classes {
            let totals = totals::<F>(
                &mut invalid,
                &seen,
                logits,
                target,
                maps,
                tables,
                batch,
                first_voxel,
                class,
                even,
                comptime!(recipe.clone()),
            );
            #[unroll]
            for column in 0..columns {
                let slot = comptime!(column as u32 * slots) + class * batch.lanes + lane;
                sums[slot as usize] += totals[column];
            }
            class += groups;
        }
        sync_cube();
        tile += CUBE_COUNT_X;
    }
    write(partials, &sums, &invalid, batch, comptime!(columns as u32), slots);
}

/// What the units found out of the voxels of a tile, a place for each.
#[derive(CubeType)]
struct Seen {
    label: Shared<[u32]>,
    weight: Shared<[f32]>,
    /// What the classes share under softmax: see [`Common`].
    shift: Shared<[f32]>,
    inverse: Shared<[f32]>,
    log_sum: Shared<[f32]>,
    rest: Shared<[f32]>,
    /// −ln of what class 0 has once merged.
    merged: Shared<[f32]>,
    /// The classes of the largest logit and of the reference.
    decided: Shared<[u32]>,
    found: Shared<[u32]>,
    #[cube(comptime)]
    recipe: Recipe,
}

#[cube]
impl Seen {
    fn new(#[comptime] recipe: Recipe) -> Seen {
        let softmaxes = comptime!(recipe.is_softmax());
        let counts = comptime!(recipe.counts());
        Seen {
            label: Shared::<[u32]>::new_slice(UNITS as usize),
            weight: Shared::<[f32]>::new_slice(comptime!(of_units(recipe.weighted))),
            shift: Shared::<[f32]>::new_slice(comptime!(of_units(softmaxes))),
            inverse: Shared::<[f32]>::new_slice(comptime!(of_units(softmaxes))),
            log_sum: Shared::<[f32]>::new_slice(comptime!(of_units(has_logs(&recipe)))),
            rest: Shared::<[f32]>::new_slice(comptime!(of_units(focuses(&recipe)))),
            merged: Shared::<[f32]>::new_slice(comptime!(of_units(merges(&recipe)))),
            decided: Shared::<[u32]>::new_slice(comptime!(of_units(counts))),
            found: Shared::<[u32]>::new_slice(comptime!(of_units(counts))),
            recipe,
        }
    }

    fn weight(&self, place: u32) -> f32 {
        let mut weight = 1.0f32;
        if comptime!(self.recipe.weighted) {
            weight = self.weight[place as usize];
        }
        weight
    }

    fn put_common(&mut self, shared: &Common) {
        self.shift[UNIT_POS as usize] = shared.shift;
        self.inverse[UNIT_POS as usize] = shared.inverse;
        if comptime!(has_logs(&self.recipe)) {
            self.log_sum[UNIT_POS as usize] = shared.log_sum;
        }
        if comptime!(focuses(&self.recipe)) {
            self.rest[UNIT_POS as usize] = shared.rest;
        }
    }

    /// What has logit x at a place.
    fn chance(&self, x: f32, place: u32) -> Chance {
        if comptime!(self.recipe.is_softmax()) {
            let mut log_sum = 0.0f32;
            if comptime!(has_logs(&self.recipe)) {
                log_sum = self.log_sum[place as usize];
            }
            let mut rest = 0.0f32;
            if comptime!(focuses(&self.recipe)) {
                rest = self.rest[place as usize];
            }
            let shift = self.shift[place as usize];
            let inverse = self.inverse[place as usize];
            chance_of_class(x, &Common { shift, inverse, log_sum, rest })
        } else {
            chance_of_channel(x, comptime!(self.recipe.activation))
        }
    }

    /// Its probability alone, of a recipe without sigmoid.
    fn probability(&self, x: f32, place: u32) -> f32 {
        let mut p = x;
        if comptime!(self.recipe.is_softmax()) {
            p = (x - self.shift[place as usize]).exp() * self.inverse[place as usize];
        }
        p
    }

    fn merged(&self, place: u32) -> f32 {
        let mut log_loss = 0.0f32;
        if comptime!(merges(&self.recipe)) {
            log_loss = self.merged[place as usize];
        }
        log_loss
    }
}

/// The length of an array in shared memory that some recipes do without.
fn of_units(needed: bool) -> usize {
    if needed { UNITS as usize } else { 1 }
}

fn has_logs(recipe: &Recipe) -> bool {
    recipe.is_softmax() && recipe.merges()
}

fn focuses(recipe: &Recipe) -> bool {
    recipe.is_softmax() && recipe.focal_terms() > 0
}

/// Whether there may be classes to merge.
fn merges(recipe: &Recipe) -> bool {
    recipe.merges() && recipe.partial
}

#[cube]
fn clear(sums: &mut [f32], invalid: &mut [u32], #[comptime] length: u32) {
    let mut slot = UNIT_POS;
    while slot < length {
        sums[slot as usize] = 0.0f32;
        slot += comptime!(UNITS);
    }
    if UNIT_POS == 0 {
        invalid[0] = 0u32;
    }
}

/// A unit looks at its own voxel.
#[cube]
fn look<F: Float>(
    seen: &mut Seen,
    invalid: &mut [u32],
    logits: &[F],
    target: &[u32],
    mask: &[u32],
    weights: &[u32],
    maps: &[u32],
    tables: &[f32],
    batch: &Addressing,
    index: u32,
    #[comptime] recipe: Recipe,
) {
    let sample = CUBE_POS_Y;
    let mut label = comptime!(SKIPPED).runtime();
    if index < batch.voxels {
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
        label = known.label;
        if known.invalid != 0 {
            invalid[0] = 1u32;
        }
        if comptime!(recipe.weighted) {
            seen.weight[UNIT_POS as usize] = known.weight;
        }
        if label != SKIPPED {
            let voxel = Voxel::new(target, maps, tables, batch, sample, index, label, recipe);
            see::<F>(seen, logits, &voxel);
        }
    }
    seen.label[UNIT_POS as usize] = label;
}

/// What the logits of a voxel that counts say.
#[cube]
fn see<F: Float>(seen: &mut Seen, logits: &[F], voxel: &Voxel) {
    let recipe = comptime!(voxel.recipe.clone());
    let (softmaxes, counts) = comptime!((recipe.is_softmax(), recipe.counts()));
    let (tables, batch) = (voxel.tables, voxel.batch);
    let start = voxel.sample * batch.logits_sample + voxel.index * batch.logits_voxel;
    let row = annotated_row(batch, voxel.sample);
    if comptime!(softmaxes || counts) {
        let whole = softmax::<F>(logits, batch, start, tables, 0u32, false);
        if comptime!(softmaxes) {
            seen.put_common(&common(&whole));
        }
        if comptime!(softmaxes && merges(&recipe)) {
            let part = softmax::<F>(logits, batch, start, tables, row, true);
            seen.merged[UNIT_POS as usize] = merged_log_loss(&whole, &part);
        }
        if comptime!(counts) {
            seen.decided[UNIT_POS as usize] = whole.largest;
            seen.found[UNIT_POS as usize] = voxel.class_of_reference();
        }
    }
    if comptime!(!softmaxes && merges(&recipe)) {
        seen.merged[UNIT_POS as usize] =
            merged_log_loss_of_channels::<F>(logits, batch, start, tables, row);
    }
}

/// The sums of a class over the unit's share of the tile.
#[cube]
fn totals<F: Float>(
    invalid: &mut [u32],
    seen: &Seen,
    logits: &[F],
    target: &[u32],
    maps: &[u32],
    tables: &[f32],
    batch: &Addressing,
    first_voxel: u32,
    class: u32,
    even: f32,
    #[comptime] recipe: Recipe,
) -> Array<f32> {
    let columns = comptime!(recipe.columns.len());
    let mut totals = Array::<f32>::new(columns);
    #[unroll]
    for column in 0..columns {
        totals[column] = 0.0f32;
    }
    let sample = CUBE_POS_Y;
    let mut place = UNIT_POS % batch.lanes;
    while place < comptime!(UNITS) {
        let label = seen.label[place as usize];
        if label != SKIPPED {
            let index = first_voxel + place;
            let recipe = comptime!(recipe.clone());
            let voxel = Voxel::new(target, maps, tables, batch, sample, index, label, recipe);
            add::<F>(&mut totals, invalid, seen, place, logits, &voxel, class, even);
        }
        place += batch.lanes;
    }
    totals
}

/// Adds what a class of a voxel contributes to every sum.
#[cube]
fn add<F: Float>(
    totals: &mut Array<f32>,
    invalid: &mut [u32],
    seen: &Seen,
    place: u32,
    logits: &[F],
    voxel: &Voxel,
    class: u32,
    even: f32,
) {
    let recipe = comptime!(voxel.recipe.clone());
    let batch = voxel.batch;
    let start = voxel.sample * batch.logits_sample + voxel.index * batch.logits_voxel;
    let x = f32::cast_from(logits[(start + class * batch.logits_class) as usize]);
    let g = voxel.membership(class);
    if comptime!(recipe.form == Form::Dense) {
        // Written so that NaN is invalid.
        if g >= 0.0 && g <= 1.0 {
        } else {
            invalid[0] = 1u32;
        }
    }
    let m = voxel.in_map(class);
    if comptime!(recipe.mapped) {
        if !is_of_map(m, batch) {
            invalid[0] = 1u32;
        }
    }
    let weight = seen.weight(place);
    let chance = seen.chance(x, place);
    let counted = voxel.has_annotated(class);
    let merged = voxel.merged(class, g, &chance, seen.merged(place));
    #[unroll]
    for column in 0..comptime!(recipe.columns.len()) {
        let quantity = comptime!(recipe.columns[column]);
        if comptime!(quantity.sum.merges(recipe.activation)) {
            if merged.is_there {
                let exponent = exponent_of(voxel.tables, batch, class, quantity);
                let value = of_merged(&merged, even, exponent, quantity);
                totals[column] += weighed(weight, m, value, quantity);
            }
        } else if counted {
            if comptime!(quantity.sum.is_count()) {
                totals[column] += count(seen, place, batch, class, chance.p, g, quantity);
            } else if comptime!(quantity.sum == Sum::Transport) {
                let cost = cost::<F>(seen, place, logits, voxel, class, g);
                totals[column] += weighed(weight * g, m, cost, quantity);
            } else {
                let exponent = exponent_of(voxel.tables, batch, class, quantity);
                let value = of_class(g, &chance, exponent, quantity);
                totals[column] += weighed(weight, m, value, quantity);
            }
        }
    }
}

/// What it costs to move a voxel's prediction to a class, where the reference has it.
#[cube]
fn cost<F: Float>(seen: &Seen, place: u32, logits: &[F], voxel: &Voxel, class: u32, g: f32) -> f32 {
    let batch = voxel.batch;
    let mut cost = 0.0f32;
    if g != 0.0 && batch.transports != 0 {
        let start = voxel.sample * batch.logits_sample + voxel.index * batch.logits_voxel;
        let row = batch.distances + class * batch.classes;
        for other in 0..batch.classes {
            let x = f32::cast_from(logits[(start + other * batch.logits_class) as usize]);
            cost += voxel.tables[(row + other) as usize] * seen.probability(x, place);
        }
    }
    cost
}

/// A hard count: whether decision and reference have the class.
#[cube]
fn count(
    seen: &Seen,
    place: u32,
    batch: &Addressing,
    class: u32,
    p: f32,
    g: f32,
    #[comptime] quantity: Quantity,
) -> f32 {
    let mut predicted = seen.decided[place as usize] == class;
    let mut there = seen.found[place as usize] == class;
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

/// Each sum of the cube, from its lanes.
#[cube]
fn write(
    partials: &mut [f32],
    sums: &[f32],
    invalid: &[u32],
    batch: &Addressing,
    #[comptime] columns: u32,
    #[comptime] slots: u32,
) {
    let (classes, lanes) = (batch.classes, batch.lanes);
    let mut index = UNIT_POS;
    while index < columns * classes {
        let column = index / classes;
        let class = index % classes;
        let start = column * slots + class * lanes;
        let mut total = 0.0f32;
        for lane in 0..lanes {
            total += sums[(start + lane) as usize];
        }
        if invalid[0] != 0 {
            total = not_a_number();
        }
        let row = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) * columns;
        partials[((row + column) * classes + class) as usize] = total;
        index += comptime!(UNITS);
    }
}
