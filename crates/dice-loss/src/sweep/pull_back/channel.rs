//! The gradient of channels that stand by themselves.

use super::{
    super::{
        channel::{Odds, probabilities, share},
        isa::Instructions,
        measure::gather_merged,
        number::Number,
        scratch::{TILE, Work},
        softmax::{Merged, distinct},
        tile::Tile,
    },
    Partials, add_transport, slopes_by_probability,
};
use crate::{
    Activation,
    evaluate::{Factors, VoxelSlopes},
    plan::Group,
};

/// Writes the gradient of a sigmoid or probabilities group to the class planes of `work.slopes`.
#[inline(always)]
pub(super) fn pull_back<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    partials: Option<&Partials<F>>,
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, reference, slopes: gradient, planes, .. } = work;
    let [p_sum, g_sum, ..] = planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let (classes, len) = (tile.classes, tile.len);
    let reference = tile.dense(reference);
    for class in 0..classes {
        let p = &mut probability[class * TILE..][..len];
        probabilities::<I, F>(group.activation, tile.logits.plane(class), p);
    }
    for class in 0..classes {
        let out = &mut gradient[class * TILE..][..len];
        out.fill(F::ZERO);
        let annotated = valid.is_none_or(|valid| valid[class]);
        let (p, g) = (&probability[class * TILE..][..len], &reference[class * TILE..][..len]);
        if let Some(partials) = partials {
            if annotated {
                slopes_by_probability::<I, F>(partials, class, p, g, out);
            }
            add_transport::<I, F>(group, partials, class, reference, out);
            let reached = annotated || group.distances.is_some();
            if reached && group.activation == Activation::Sigmoid {
                let x = tile.logits.plane(class);
                for (out, &x) in out.iter_mut().zip(x) {
                    let odds = Odds::of_logit::<I>(x);
                    *out = *out * odds.p * odds.complement;
                }
            }
        }
        if !annotated {
            weigh(out, tile.weight);
            continue;
        }
        let x = tile.logits.plane(class);
        if let Some(factors) = &slopes.binary {
            add_binary::<I, F>(group.activation, factors, class, x, g, out);
        }
        for (term, factors) in group.focal.iter().zip(&slopes.focal) {
            add_focal::<I, F>(F::of(term.gamma[class]), factors, class, x, g, out);
        }
        weigh(out, tile.weight);
    }
    let Some(factors) = &slopes.cross_entropy else { return };
    let merged = Merged::new(valid);
    let distinct = distinct(merged.as_ref(), classes);
    let even = 1.0 / distinct.len() as f64;
    for &class in &distinct {
        gather_merged(merged.as_ref(), class, probability, p_sum);
        gather_merged(merged.as_ref(), class, reference, g_sum);
        let (positive, all) = (F::of(factors.positive[class]), F::of(even * factors.all[class]));
        for ((slope, &p), &w) in g_sum.iter_mut().zip(&*p_sum).zip(tile.weight) {
            *slope = -share(w * slope.mul_add::<I>(positive, all), F::ONE / p);
        }
        let members = merged.iter().filter(|_| class == 0).flat_map(|merged| merged.classes());
        let alone = (merged.is_none() || class != 0).then_some(class);
        for member in members.chain(alone) {
            let out = &mut gradient[member * TILE..][..len];
            out.iter_mut().zip(&*g_sum).for_each(|(out, &slope)| *out += slope);
        }
    }
}

/// π g and 1 − g against the logit, or against the probability.
#[inline(always)]
fn add_binary<I: Instructions, F: Number>(
    activation: Activation,
    factors: &Factors,
    class: usize,
    x: &[F],
    g: &[F],
    out: &mut [F],
) {
    let (yes, no) = (F::of(factors.positive[class]), F::of(factors.negative[class]));
    if activation == Activation::Probabilities {
        for ((out, &p), &g) in out.iter_mut().zip(x).zip(g) {
            let for_no = share(no * (F::ONE - g), F::ONE / (F::ONE - p));
            *out += for_no - share(yes * g, F::ONE / p);
        }
        return;
    }
    for ((out, &x), &g) in out.iter_mut().zip(x).zip(g) {
        let odds = Odds::of_logit::<I>(x);
        *out += no * (F::ONE - g) * odds.p - yes * g * odds.complement;
    }
}

/// d/dx of −(1 − p)^γ ln p is −(1 − p)^γ (1 − p − γ p ln p), and likewise with p and 1 − p
/// exchanged: finite for every γ ≥ 0.
#[inline(always)]
fn add_focal<I: Instructions, F: Number>(
    gamma: F,
    factors: &Factors,
    class: usize,
    x: &[F],
    g: &[F],
    out: &mut [F],
) {
    let (yes, no) = (F::of(factors.positive[class]), F::of(factors.negative[class]));
    for ((out, &x), &g) in out.iter_mut().zip(x).zip(g) {
        let Odds { p, complement, yes: log_yes, no: log_no } = Odds::of_logit::<I>(x);
        let rise = share(p, log_yes).mul_add::<I>(gamma, complement);
        let fall = share(complement, log_no).mul_add::<I>(gamma, p);
        *out += no * (F::ONE - g) * p.pow::<I>(gamma) * fall
            - yes * g * complement.pow::<I>(gamma) * rise;
    }
}

/// Multiplies with the weights; what does not count has no gradient.
#[inline(always)]
pub(super) fn weigh<F: Number>(out: &mut [F], weight: &[F]) {
    for (out, &weight) in out.iter_mut().zip(weight) {
        *out = if weight == F::ZERO { F::ZERO } else { *out * weight };
    }
}
