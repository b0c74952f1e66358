//! The loss of every voxel by itself, for reduction none.

use super::{
    channel::{Odds, share},
    isa::Instructions,
    measure::gather_merged,
    number::Number,
    scratch::{TILE, Work},
    softmax::{Exponentials, Merged, Outcome, Outcomes, distinct, raise},
    tile::{Batch, Borrow, Tile},
};
use crate::{
    Activation,
    evaluate::{Factors, VoxelSlopes},
    plan::Group,
};

/// Leaves a tile's losses in the class planes of `work.slopes`: in the first alone, if the terms
/// have one value a voxel.
#[inline(always)]
pub(super) fn tile<I: Instructions, F: Borrow>(
    batch: &Batch,
    slopes: &[VoxelSlopes],
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let valid = batch.valid(tile.sample);
    for class in 0..tile.classes {
        work.slopes[class * TILE..][..tile.len].fill(F::ZERO);
    }
    for (group, slopes) in batch.plan.groups.iter().zip(slopes) {
        match group.activation {
            Activation::Softmax => add_softmax::<I, F>(group, slopes, valid, tile, work),
            _ => add_channels::<I, F>(group, slopes, valid, tile, work),
        }
    }
    for class in 0..tile.classes {
        let out = &mut work.slopes[class * TILE..][..tile.len];
        out.iter_mut().zip(tile.weight).for_each(|(out, &weight)| *out = share(weight, *out));
    }
}

#[inline(always)]
fn add_softmax<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, reference, slopes: map, planes, outcome, .. } = work;
    let [sum, shift, log_sum, merged_log_sum, largest, others, ..] =
        planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let merged = Merged::new(valid);
    let mut softmax = Exponentials::new::<I>(tile, probability, sum, shift, None);
    softmax.log_sum::<I>(log_sum);
    softmax.normalise(tile.classes);
    softmax.split(tile.classes, largest, others);
    if let Some(merged) = &merged {
        merged.log_sum::<I, F>(&tile.logits, merged_log_sum);
    }
    let outcomes = Outcomes {
        logits: tile.logits,
        reference: tile.dense(reference),
        probability: softmax.planes,
        log_sum,
        largest,
        others,
        merged: merged.as_ref(),
        merged_log_sum,
        classes: tile.classes,
    };
    let distinct = distinct(merged.as_ref(), tile.classes);
    let even = 1.0 / distinct.len() as f64;
    let (mut outcome, focus) = Outcome::new(outcome, tile.len);
    let map = &mut map[..tile.len];
    for &class in &distinct {
        outcomes.fill::<I>(class, &mut outcome);
        if let Some(factors) = &slopes.cross_entropy {
            add_log_loss::<I, F>(factors, class, even, outcome.reference, outcome.log_loss, map);
        }
        for (term, factors) in group.focal.iter().zip(&slopes.focal) {
            raise::<I, F>(outcome.complement, term.gamma[class], focus);
            let factor = F::of(factors.positive[class]);
            for i in 0..map.len() {
                let loss = share(focus[i], outcome.log_loss[i]);
                map[i] += share(factor * outcome.reference[i], loss);
            }
        }
    }
}

/// t ln(1/p) of a class, t = positive g + all / C.
#[inline(always)]
fn add_log_loss<I: Instructions, F: Number>(
    factors: &Factors,
    class: usize,
    even: f64,
    reference: &[F],
    log_loss: &[F],
    map: &mut [F],
) {
    let (positive, all) = (F::of(factors.positive[class]), F::of(even * factors.all[class]));
    for ((map, &g), &loss) in map.iter_mut().zip(reference).zip(log_loss) {
        *map += share(g.mul_add::<I>(positive, all), loss);
    }
}

#[inline(always)]
fn add_channels<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, reference, slopes: map, planes, .. } = work;
    let [p_sum, g_sum, ..] = planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let reference = tile.dense(reference);
    for class in 0..tile.classes {
        let (x, g) = (tile.logits.plane(class), &reference[class * TILE..][..tile.len]);
        probability[class * TILE..][..tile.len].copy_from_slice(x);
        if valid.is_some_and(|valid| !valid[class]) {
            continue;
        }
        let map = &mut map[class * TILE..][..tile.len];
        let focal = group.focal.iter().map(|term| term.gamma[class]).zip(&slopes.focal);
        for (gamma, factors) in slopes.binary.iter().map(|factors| (0.0, factors)).chain(focal) {
            let gamma = F::of(gamma);
            let (yes, no) = (F::of(factors.positive[class]), F::of(factors.negative[class]));
            for ((map, &x), &g) in map.iter_mut().zip(x).zip(g) {
                let odds = Odds::new::<I>(group.activation, x);
                let for_yes = share(odds.complement.pow::<I>(gamma), odds.yes);
                let for_no = share(odds.p.pow::<I>(gamma), odds.no);
                *map += share(yes * g, for_yes) + share(no * (F::ONE - g), for_no);
            }
        }
    }
    let Some(factors) = &slopes.cross_entropy else { return };
    let merged = Merged::new(valid);
    let distinct = distinct(merged.as_ref(), tile.classes);
    let even = 1.0 / distinct.len() as f64;
    for &class in &distinct {
        gather_merged(merged.as_ref(), class, probability, p_sum);
        gather_merged(merged.as_ref(), class, reference, g_sum);
        p_sum.iter_mut().for_each(|p| *p = -p.ln::<I>());
        add_log_loss::<I, F>(factors, class, even, g_sum, p_sum, &mut map[..tile.len]);
    }
}
