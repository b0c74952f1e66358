//! The loss of every voxel by itself, for reduction none.

use super::{
    exponentials::{Exponentials, log_sum_of_merged},
    geometry::{Plane, TILE},
    isa::Instructions,
    likelihood::{Likelihood, Likelihoods},
    measure::gather_merged,
    merged::{Merged, distinct},
    number::Number,
    odds::{Odds, share},
    power::raise,
    scratch::Work,
    tile::{Borrow, Input, Tile},
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
    batch: &Input,
    slopes: &[VoxelSlopes],
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    unweighed::<I, F>(batch, slopes, tile, work);
    for out in &mut work.slopes[..tile.classes] {
        for i in 0..TILE {
            out[i] = share(tile.weight[i], out[i]);
        }
    }
}

/// The same, whatever the weights of the voxels.
#[inline(always)]
pub(super) fn unweighed<I: Instructions, F: Borrow>(
    batch: &Input,
    slopes: &[VoxelSlopes],
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let valid = batch.valid(tile.sample);
    work.slopes[..tile.classes].fill([F::ZERO; TILE]);
    for (group, slopes) in batch.plan.groups.iter().zip(slopes) {
        match group.activation {
            Activation::Softmax => add_softmax::<I, F>(group, slopes, valid, tile, work),
            _ => add_channels::<I, F>(group, slopes, valid, tile, work),
        }
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
    let Work { probability, reference, slopes: map, planes, likelihood, piece, .. } = work;
    let weights = tile.maps.of(group.map);
    let [sum, shift, log_sum, merged_log_sum, largest, others, ..] = planes;
    let merged = Merged::new(valid);
    let mut softmax = Exponentials::new::<I>(tile, probability, sum, shift);
    softmax.log_sum::<I>(log_sum);
    softmax.normalise();
    softmax.split(largest, others);
    if let Some(merged) = merged {
        log_sum_of_merged::<I, F>(merged, &tile.logits, softmax.shift, merged_log_sum);
    }
    let likelihoods = Likelihoods {
        logits: tile.logits,
        reference: tile.dense(reference),
        probability: softmax.planes,
        shift: softmax.shift,
        log_sum,
        largest,
        others,
        merged,
        merged_log_sum,
        classes: tile.classes,
    };
    let distinct = distinct(merged, tile.classes);
    let even = 1.0 / distinct.clone().count() as f64;
    let (mut likelihood, focus) = Likelihood::new(likelihood);
    let map = &mut map[0];
    for class in distinct {
        likelihoods.fill::<I>(class, &mut likelihood);
        *piece = [F::ZERO; TILE];
        if let Some(factors) = &slopes.cross_entropy {
            add_log_loss::<I, F>(
                factors,
                class,
                even,
                likelihood.reference,
                likelihood.log_loss,
                piece,
            );
        }
        for (term, factors) in slopes.focal(group) {
            raise::<I, F>(likelihood.complement, term.gamma[class], focus);
            let factor = F::of(factors.positive[class]);
            for i in 0..TILE {
                let loss = share(focus[i], likelihood.log_loss[i]);
                piece[i] += share(factor * likelihood.reference[i], loss);
            }
        }
        weights.add(class, piece, map);
    }
}

/// t ln(1/p) of a class, t = positive g + all / C.
#[inline(always)]
fn add_log_loss<I: Instructions, F: Number>(
    factors: &Factors,
    class: usize,
    even: f64,
    reference: &Plane<F>,
    log_loss: &Plane<F>,
    map: &mut Plane<F>,
) {
    let (positive, all) = (F::of(factors.positive[class]), F::of(even * factors.all[class]));
    for i in 0..TILE {
        map[i] += share(reference[i].mul_add::<I>(positive, all), log_loss[i]);
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
    let Work { probability, reference, slopes: map, planes, piece, .. } = work;
    let weights = tile.maps.of(group.map);
    let [p_sum, g_sum, ..] = planes;
    let reference = tile.dense(reference);
    for class in 0..tile.classes {
        let (x, g) = (tile.logits.plane(class), &reference[class]);
        probability[class] = *x;
        if valid.is_some_and(|valid| !valid[class]) {
            continue;
        }
        *piece = [F::ZERO; TILE];
        let focal = slopes.focal(group).map(|(term, factors)| (term.gamma[class], factors));
        for (gamma, factors) in slopes.binary.iter().map(|factors| (0.0, factors)).chain(focal) {
            let gamma = F::of(gamma);
            let (yes, no) = (F::of(factors.positive[class]), F::of(factors.negative[class]));
            for i in 0..TILE {
                let (g, odds) = (g[i], Odds::new::<I>(group.activation, x[i]));
                let for_yes = share(odds.complement.pow::<I>(gamma), odds.yes);
                let for_no = share(odds.p.pow::<I>(gamma), odds.no);
                piece[i] += share(yes * g, for_yes) + share(no * (F::ONE - g), for_no);
            }
        }
        weights.add(class, piece, &mut map[class]);
    }
    let Some(factors) = &slopes.cross_entropy else { return };
    let merged = Merged::new(valid);
    let distinct = distinct(merged, tile.classes);
    let even = 1.0 / distinct.clone().count() as f64;
    for class in distinct {
        gather_merged(merged, class, probability, p_sum);
        gather_merged(merged, class, reference, g_sum);
        p_sum.iter_mut().for_each(|p| *p = -p.ln::<I>());
        *piece = [F::ZERO; TILE];
        add_log_loss::<I, F>(factors, class, even, g_sum, p_sum, piece);
        weights.add(class, piece, &mut map[0]);
    }
}
