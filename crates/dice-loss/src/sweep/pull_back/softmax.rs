//! The gradient of classes that exclude each other: p_k (q_k − Σ_j p_j q_j), and each voxel
//! term's own.

use super::{
    super::{
        channel::share,
        isa::Instructions,
        labels::Labels,
        measure::is_linear,
        number::Number,
        scratch::{TILE, Work},
        softmax::{Exponentials, Merged, Outcome, Outcomes, Own, distinct, raise, raise_by_label},
        tile::{Reference, Tile},
    },
    Partials, add_transport,
    channel::weigh,
    slopes_by_probability,
};
use crate::{
    evaluate::{Factors, VoxelSlopes},
    plan::{FocalPlan, Group},
};

/// Writes the gradient of the softmax group to the class planes of `work.slopes`.
#[inline(always)]
pub(super) fn pull_back<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    partials: Option<&Partials<F>>,
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let merged = Merged::new(valid);
    match &tile.reference {
        Reference::Labels(labels) if merged.is_none() && is_linear(group) => {
            pull_back_labelled::<I, F>(group, slopes, partials, labels, tile, work);
        }
        _ => pull_back_dense::<I, F>(group, slopes, partials, merged.as_ref(), tile, work),
    }
}

/// Hard labels and q_k = a_k g_k + b_k: two passes over the class planes.
///
/// With H the voxel terms' derivative by ln p of the voxel's own class y, the gradient is
/// p_k (b_k − Σ_j p_j b_j − p_y a_y − H) for every class, and p_y a_y + H more for y.
#[inline(always)]
fn pull_back_labelled<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    partials: Option<&Partials<F>>,
    labels: &Labels,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, slopes: gradient, planes, outcome, .. } = work;
    let [sum, shift, common, own, dot, extra, slope, ..] =
        planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let classes = tile.classes;
    let zeros = vec![F::ZERO; classes];
    let (a, b) = match partials {
        Some(partials) => (&partials.rows[0], &partials.rows[1]),
        None => (&zeros, &zeros),
    };
    let softmax = Exponentials::new::<I>(tile, probability, sum, shift, Some((b, dot)));
    log_slopes_by_label::<I, F>(group, slopes, labels, &softmax, tile, outcome, [own, extra]);
    labels.gather(softmax.planes, own);
    labels.look_up(a, slope);
    let smoothing = slopes.cross_entropy.as_ref().map_or(0.0, |f| f.all.iter().sum());
    let even = F::of(smoothing / classes as f64);
    for i in 0..tile.len {
        let (inverse, weight) = (F::ONE / softmax.sum[i], tile.weight[i]);
        let own_slope = own[i] * inverse * slope[i];
        common[i] = even - extra[i] - own_slope - dot[i] * inverse;
        own[i] = weight * (own_slope + extra[i]);
        dot[i] = weight * inverse;
    }
    for class in 0..classes {
        let out = &mut gradient[class * TILE..][..tile.len];
        let b = b[class];
        for (((out, &e), &factor), &common) in
            out.iter_mut().zip(softmax.plane(class)).zip(&*dot).zip(&*common)
        {
            *out = e * factor * (common + b);
        }
    }
    if let Some(factors) = slopes.cross_entropy.as_ref().filter(|_| smoothing != 0.0) {
        for class in 0..classes {
            let even = F::of(factors.all[class] / classes as f64);
            let out = &mut gradient[class * TILE..][..tile.len];
            out.iter_mut().zip(tile.weight).for_each(|(out, &weight)| *out += -(weight * even));
        }
    }
    labels.scatter(own, gradient);
}

/// H: the voxel terms' derivative by the logarithm of the own class's probability.
#[inline(always)]
fn log_slopes_by_label<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    labels: &Labels,
    softmax: &Exponentials<F>,
    tile: &Tile<F>,
    planes: &mut [Vec<F>; 5],
    [factor, out]: [&mut [F]; 2],
) {
    match &slopes.cross_entropy {
        Some(factors) => labels.look_up(&negated(&factors.positive), out),
        None => out.fill(F::ZERO),
    }
    if slopes.focal.is_empty() {
        return;
    }
    let [probability, complement, log_loss, largest, focus] =
        planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let own = Own::new::<I>(softmax, tile, labels, [probability, complement, log_loss, largest]);
    for (term, factors) in group.focal.iter().zip(&slopes.focal) {
        labels.look_up(&negated(&factors.positive), factor);
        raise_by_label::<I, F>(labels, own.complement, &term.gamma, focus);
        let gamma = &*term.gamma;
        let first = F::of(gamma[0]);
        let same = gamma.iter().all(|&other| other == gamma[0]);
        for i in 0..out.len() {
            let gamma = match usize::try_from(labels.voxels()[i]) {
                Ok(class) if !same => F::of(gamma[class]),
                _ => first,
            };
            let slope = focal_slope::<I, F>(
                gamma,
                focus[i],
                own.probability[i],
                own.complement[i],
                own.log_loss[i],
            );
            out[i] += share(factor[i], slope);
        }
    }
}

fn negated<F: Number>(factors: &[f64]) -> Vec<F> {
    factors.iter().map(|&factor| F::of(-factor)).collect()
}

/// −d/d ln p of −(1 − p)^γ ln p: (1 − p)^γ − γ p (1 − p)^(γ−1) ln p. As −ln p over 1 − p goes to
/// 1, it is finite for every γ ≥ 0.
#[inline(always)]
fn focal_slope<I: Instructions, F: Number>(
    gamma: F,
    focus: F,
    p: F,
    complement: F,
    log_loss: F,
) -> F {
    let ratio = if complement > F::ZERO { log_loss / complement } else { F::ONE };
    focus * (gamma * share(p, ratio) + F::ONE)
}

/// Any reference, any sums, partial labels.
///
/// With h_j the voxel terms' derivative by ln p_j, the gradient is p_k (q_k − Σ_j p_j q_j) +
/// h_k − p_k Σ_j h_j; a member of the merged background takes its share of that class's h.
#[inline(always)]
fn pull_back_dense<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    partials: Option<&Partials<F>>,
    merged: Option<&Merged>,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, reference, slopes: gradient, log_slopes, planes, outcome, .. } = work;
    let [sum, shift, log_sum, merged_log_sum, largest, others, dot, total] =
        planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let (classes, len) = (tile.classes, tile.len);
    let reference = tile.dense(reference);
    let mut softmax = Exponentials::new::<I>(tile, probability, sum, shift, None);
    softmax.log_sum::<I>(log_sum);
    softmax.normalise(classes);
    dot.fill(F::ZERO);
    for class in 0..classes {
        let (p, g) = (softmax.plane(class), &reference[class * TILE..][..len]);
        let out = &mut gradient[class * TILE..][..len];
        match partials {
            Some(partials) => {
                slopes_by_probability::<I, F>(partials, class, p, g, out);
                add_transport::<I, F>(group, partials, class, reference, out);
                for ((dot, &p), &q) in dot.iter_mut().zip(p).zip(&*out) {
                    *dot = p.mul_add::<I>(q, *dot);
                }
            }
            None => out.fill(F::ZERO),
        }
    }
    total.fill(F::ZERO);
    log_slopes[..classes * TILE].fill(F::ZERO);
    if slopes.cross_entropy.is_some() || !slopes.focal.is_empty() {
        softmax.split(classes, largest, others);
        if let Some(merged) = merged {
            merged.log_sum::<I, F>(&tile.logits, merged_log_sum);
        }
        let outcomes = Outcomes {
            logits: tile.logits,
            reference,
            probability: softmax.planes,
            log_sum,
            largest,
            others,
            merged,
            merged_log_sum,
            classes,
        };
        log_slopes_by_class::<I, F>(group, slopes, &outcomes, outcome, log_slopes, total);
    }
    for class in 0..classes {
        let (p, h) = (softmax.plane(class), &log_slopes[class * TILE..][..len]);
        let out = &mut gradient[class * TILE..][..len];
        for i in 0..len {
            out[i] = p[i] * (out[i] - dot[i] - total[i]) + h[i];
        }
        weigh(out, tile.weight);
    }
}

/// h of each class, and their sum.
#[inline(always)]
fn log_slopes_by_class<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    outcomes: &Outcomes<F>,
    planes: &mut [Vec<F>; 5],
    log_slopes: &mut [F],
    total: &mut [F],
) {
    let distinct = distinct(outcomes.merged, outcomes.classes);
    let even = 1.0 / distinct.len() as f64;
    let (mut outcome, focus) = Outcome::new(planes, total.len());
    for &class in &distinct {
        outcomes.fill::<I>(class, &mut outcome);
        let h = &mut log_slopes[class * TILE..][..total.len()];
        if let Some(Factors { positive, all, .. }) = &slopes.cross_entropy {
            let (positive, all) = (F::of(-positive[class]), F::of(-(even * all[class])));
            for (h, &g) in h.iter_mut().zip(&*outcome.reference) {
                *h = g.mul_add::<I>(positive, all);
            }
        }
        for (term, factors) in group.focal.iter().zip(&slopes.focal) {
            add_focal::<I, F>(term, factors.positive[class], class, &outcome, focus, h);
        }
        total.iter_mut().zip(&*h).for_each(|(total, &h)| *total += h);
        if let Some(merged) = outcomes.merged.filter(|_| class == 0) {
            share_out::<I, F>(merged, outcomes, log_slopes, focus);
        }
    }
}

#[inline(always)]
fn add_focal<I: Instructions, F: Number>(
    term: &FocalPlan,
    factor: f64,
    class: usize,
    outcome: &Outcome<F>,
    focus: &mut [F],
    h: &mut [F],
) {
    let (gamma, factor) = (F::of(term.gamma[class]), F::of(factor));
    raise::<I, F>(outcome.complement, term.gamma[class], focus);
    for i in 0..h.len() {
        let slope = focal_slope::<I, F>(
            gamma,
            focus[i],
            outcome.probability[i],
            outcome.complement[i],
            outcome.log_loss[i],
        );
        h[i] += -share(factor * outcome.reference[i], slope);
    }
}

/// Gives each member of the merged background its share p_k / p_U of the background's h.
#[inline(always)]
fn share_out<I: Instructions, F: Number>(
    merged: &Merged,
    outcomes: &Outcomes<F>,
    log_slopes: &mut [F],
    whole: &mut [F],
) {
    whole.copy_from_slice(&log_slopes[..whole.len()]);
    for class in merged.classes() {
        let x = outcomes.logits.plane(class);
        let h = &mut log_slopes[class * TILE..][..whole.len()];
        for i in 0..whole.len() {
            h[i] = share(whole[i], (x[i] - outcomes.merged_log_sum[i]).exp::<I>());
        }
    }
}
