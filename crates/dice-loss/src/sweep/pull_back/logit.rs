//! The gradient of channels that stand by themselves.

use super::{
    super::{
        geometry::{Plane, TILE},
        isa::Instructions,
        measure::gather_merged,
        merged::{Merged, distinct},
        number::Number,
        odds::{Odds, both_probabilities, share},
        scratch::Work,
        tile::Tile,
    },
    Pulled, add_transport, slopes_by_probability,
};
use crate::{Activation, evaluate::Factors};

/// Writes the gradient of a sigmoid or probabilities group to the class planes of `work.slopes`.
#[inline(always)]
pub(super) fn pull_back<I: Instructions, F: Number>(
    Pulled { group, slopes, partials, valid }: Pulled,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, reference, slopes: gradient, planes, .. } = work;
    let [p_sum, g_sum, complement, ..] = planes;
    let reference = tile.dense(reference);
    for class in 0..tile.classes {
        tile.logits.prefetch(class);
        let (x, p) = (tile.logits.plane(class), &mut probability[class]);
        let (g, out) = (&reference[class], &mut gradient[class]);
        both_probabilities::<I, F>(group.activation, x, [p, complement]);
        let annotated = valid.is_none_or(|valid| valid[class]);
        *out = [F::ZERO; TILE];
        if let Some(partials) = partials {
            if annotated {
                slopes_by_probability::<I, F>(group, partials, class, p, g, out);
            }
            add_transport::<I, F>(group, partials, class, reference, out);
            let reached = annotated || group.distances.is_some();
            if reached && group.activation == Activation::Sigmoid {
                for i in 0..TILE {
                    out[i] = out[i] * p[i] * complement[i];
                }
            }
        }
        if annotated {
            if let Some(factors) = &slopes.binary {
                add_binary(group.activation, factors, class, [p, complement], g, out);
            }
            for (term, factors) in slopes.focal(group) {
                add_focal::<I, F>(F::of(term.gamma[class]), factors, class, x, g, out);
            }
        }
        weigh(out, tile.weight);
    }
    let Some(factors) = &slopes.cross_entropy else { return };
    let merged = Merged::new(valid);
    let distinct = distinct(merged, tile.classes);
    let even = 1.0 / distinct.clone().count() as f64;
    for class in distinct {
        gather_merged(merged, class, probability, p_sum);
        gather_merged(merged, class, reference, g_sum);
        let (positive, all) = (F::of(factors.positive[class]), F::of(even * factors.all[class]));
        for i in 0..TILE {
            let factor = tile.weight[i] * g_sum[i].mul_add::<I>(positive, all);
            g_sum[i] = -share(factor, F::ONE / p_sum[i]);
        }
        let members = merged.filter(|_| class == 0).into_iter().flat_map(Merged::classes);
        let alone = (merged.is_none() || class != 0).then_some(class);
        for member in members.chain(alone) {
            let out = &mut gradient[member];
            for i in 0..TILE {
                out[i] += g_sum[i];
            }
        }
    }
}

/// π g and 1 − g against the logit, or against the probability.
#[inline(always)]
fn add_binary<F: Number>(
    activation: Activation,
    factors: &Factors,
    class: usize,
    [p, complement]: [&Plane<F>; 2],
    g: &Plane<F>,
    out: &mut Plane<F>,
) {
    let (yes, no) = (F::of(factors.positive[class]), F::of(factors.negative[class]));
    if activation == Activation::Probabilities {
        for i in 0..TILE {
            let for_no = share(no * (F::ONE - g[i]), F::ONE / complement[i]);
            out[i] += for_no - share(yes * g[i], F::ONE / p[i]);
        }
        return;
    }
    for i in 0..TILE {
        out[i] += no * (F::ONE - g[i]) * p[i] - yes * g[i] * complement[i];
    }
}

/// d/dx of −(1 − p)^γ ln p is −(1 − p)^γ (1 − p − γ p ln p), and likewise with p and 1 − p
/// exchanged: finite for every γ ≥ 0.
#[inline(always)]
fn add_focal<I: Instructions, F: Number>(
    gamma: F,
    factors: &Factors,
    class: usize,
    x: &Plane<F>,
    g: &Plane<F>,
    out: &mut Plane<F>,
) {
    let (yes, no) = (F::of(factors.positive[class]), F::of(factors.negative[class]));
    for i in 0..TILE {
        let Odds { p, complement, yes: log_yes, no: log_no } = Odds::of_logit::<I>(x[i]);
        let rise = share(p, log_yes).mul_add::<I>(gamma, complement);
        let fall = share(complement, log_no).mul_add::<I>(gamma, p);
        out[i] += no * (F::ONE - g[i]) * p.pow::<I>(gamma) * fall
            - yes * g[i] * complement.pow::<I>(gamma) * rise;
    }
}

/// Multiplies with the weights; what does not count has no gradient.
#[inline(always)]
pub(super) fn weigh<F: Number>(out: &mut Plane<F>, weight: &Plane<F>) {
    for i in 0..TILE {
        out[i] = if weight[i] == F::ZERO { F::ZERO } else { out[i] * weight[i] };
    }
}
