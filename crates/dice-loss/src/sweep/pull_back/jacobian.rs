//! The gradient of classes that exclude each other: p_k (q_k − Σ_j p_j q_j), and each voxel
//! term's own.

use super::{
    super::{
        exponentials::{Exponentials, log_sum_of_merged},
        geometry::{Plane, TILE},
        isa::Instructions,
        labels::Labels,
        likelihood::{Likelihood, Likelihoods, Own},
        merged::{Merged, distinct, goes_by_label},
        number::Number,
        odds::share,
        power::{raise, raise_by_label},
        scratch::Work,
        tile::{Reference, Tile},
    },
    Family, Pulled,
    logit::weigh,
    slopes_of_family,
};
use crate::{
    direction::Direction,
    evaluate::{Factors, VoxelSlopes},
    plan::{FocalPlan, Group},
};

/// Writes the gradient of the softmax groups to the class planes of `work.slopes`.
#[inline(always)]
pub(super) fn pull_back<I: Instructions, F: Number>(
    family: Family,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let merged = Merged::new(family.valid);
    match (&tile.reference, family.pulled().next()) {
        (Reference::Labels(labels), Some(pulled)) if goes_by_label(pulled.group, merged) => {
            pull_back_labelled::<I, F>(pulled, merged, labels, tile, work);
        }
        _ => pull_back_dense::<I, F>(family, merged, tile, work),
    }
}

/// Hard labels and q_k = a_k g_k + b_k: two passes over the class planes.
///
/// With H the voxel terms' derivative by ln p of the voxel's own class y, the gradient is
/// p_k (b_k − Σ_j p_j b_j − p_y a_y − H) for every class, and p_y a_y + H more for y. Where y is one of
/// the merged classes, each of them has its share of that H.
#[inline(always)]
fn pull_back_labelled<I: Instructions, F: Number>(
    Pulled { group, slopes, partials }: Pulled,
    merged: Option<Merged>,
    labels: &Labels,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, slopes: gradient, planes, likelihood, .. } = work;
    let [sum, shift, common, own, dot, extra, slope, ..] = planes;
    let classes = tile.classes;
    let of = |direction: Direction| {
        move |class| partials.map_or(F::ZERO, |partials| partials.of(direction, class))
    };
    let (a, b) = (of(Direction::Intersection), of(Direction::Prediction));
    let softmax = Exponentials::weighed::<I>(tile, probability, [sum, shift], b, dot);
    let joined = (labels, merged);
    log_slopes_by_label::<I, F>(group, slopes, joined, &softmax, tile, likelihood, [own, extra]);
    labels.gather(|class| &softmax.planes[class], own);
    labels.look_up(a, slope);
    let smoothing: f64 = slopes.cross_entropy.as_ref().map_or(0.0, |f| f.all.iter().sum());
    let even = F::of(smoothing / classes as f64);
    for i in 0..TILE {
        let (inverse, weight) = (F::ONE / softmax.sum[i], tile.weight[i]);
        let own_slope = own[i] * inverse * slope[i];
        common[i] = even - extra[i] - own_slope - dot[i] * inverse;
        own[i] = weight * (own_slope + extra[i]);
        dot[i] = weight * inverse;
    }
    for (class, (e, out)) in softmax.planes.iter().zip(gradient.iter_mut()).enumerate() {
        let b = b(class);
        for i in 0..TILE {
            out[i] = e[i] * dot[i] * (common[i] + b);
        }
    }
    if let Some(factors) = slopes.cross_entropy.as_ref().filter(|_| smoothing != 0.0) {
        for (out, all) in gradient.iter_mut().zip(&factors.all) {
            let even = F::of(all / classes as f64);
            for i in 0..TILE {
                out[i] += -(tile.weight[i] * even);
            }
        }
    }
    if let Some(merged) = merged.filter(|_| slopes.cross_entropy.is_some()) {
        let [joint, log_sum, ..] = likelihood;
        labels.look_up(|class| if merged.has(class) { F::ONE } else { F::ZERO }, joint);
        for i in 0..TILE {
            let of_terms = tile.weight[i] * extra[i] * joint[i];
            joint[i] = of_terms;
            own[i] += -of_terms;
        }
        log_sum_of_merged::<I, F>(merged, &tile.logits, shift, log_sum);
        for class in merged.classes() {
            let (x, out) = (tile.logits.plane(class), &mut gradient[class]);
            for i in 0..TILE {
                let log_share = (x[i] - shift[i]) - log_sum[i];
                out[i] += share(joint[i], log_share.exp::<I>());
            }
        }
    }
    labels.scatter(own, gradient);
}

/// H: the voxel terms' derivative by the logarithm of the own class's probability.
#[inline(always)]
fn log_slopes_by_label<I: Instructions, F: Number>(
    group: &Group,
    slopes: &VoxelSlopes,
    (labels, merged): (&Labels, Option<Merged>),
    softmax: &Exponentials<F>,
    tile: &Tile<F>,
    planes: &mut [Plane<F>; 5],
    [factor, out]: [&mut Plane<F>; 2],
) {
    match &slopes.cross_entropy {
        Some(factors) => {
            let joint =
                |class| if merged.is_some_and(|merged| merged.has(class)) { 0 } else { class };
            labels.look_up(|class| F::of(-factors.positive[joint(class)]), out);
        }
        None => *out = [F::ZERO; TILE],
    }
    if !slopes.has_focal() {
        return;
    }
    let [probability, complement, log_loss, largest, focus] = planes;
    let own = Own::new::<I>(softmax, tile, labels, [probability, complement, log_loss, largest]);
    for (term, factors) in slopes.focal(group) {
        raise_by_label::<I, F>(labels, own.complement, &term.gamma, focus);
        labels.look_up(|class| F::of(term.gamma[class]), factor);
        for i in 0..TILE {
            focus[i] = focal_slope(
                factor[i],
                focus[i],
                own.probability[i],
                own.complement[i],
                own.log_loss[i],
            );
        }
        labels.look_up(|class| F::of(-factors.positive[class]), factor);
        for i in 0..TILE {
            out[i] += share(factor[i], focus[i]);
        }
    }
}

/// −d/d ln p of −(1 − p)^γ ln p: (1 − p)^γ − γ p (1 − p)^(γ−1) ln p. As −ln p over 1 − p goes to
/// 1, it is finite for every γ ≥ 0.
#[inline(always)]
fn focal_slope<F: Number>(gamma: F, focus: F, p: F, complement: F, log_loss: F) -> F {
    let ratio = if complement > F::ZERO { log_loss / complement } else { F::ONE };
    focus * (gamma * share(p, ratio) + F::ONE)
}

/// Any reference, any sums, maps, partial labels.
///
/// With h_j the voxel terms' derivative by ln p_j, the gradient is p_k (q_k − Σ_j p_j q_j) +
/// h_k − p_k Σ_j h_j; a member of the merged background takes its share of that class's h.
#[inline(always)]
fn pull_back_dense<I: Instructions, F: Number>(
    family: Family,
    merged: Option<Merged>,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work {
        probability,
        reference,
        slopes: gradient,
        log_slopes,
        planes,
        likelihood,
        piece,
        ..
    } = work;
    let [sum, shift, log_sum, merged_log_sum, largest, others, dot, total] = planes;
    let classes = tile.classes;
    let reference = tile.dense(reference);
    let mut softmax = Exponentials::new::<I>(tile, probability, sum, shift);
    let has_voxel_terms = family
        .pulled()
        .any(|pulled: Pulled| pulled.slopes.cross_entropy.is_some() || pulled.slopes.has_focal());
    if has_voxel_terms {
        softmax.log_sum::<I>(log_sum);
    }
    softmax.normalise();
    *dot = [F::ZERO; TILE];
    for class in 0..classes {
        let (p, out) = (&softmax.planes[class], &mut gradient[class]);
        slopes_of_family::<I, F>(family, class, (tile, reference), p, piece, out);
        for i in 0..TILE {
            dot[i] = p[i].mul_add::<I>(out[i], dot[i]);
        }
    }
    *total = [F::ZERO; TILE];
    log_slopes[..classes].fill([F::ZERO; TILE]);
    if has_voxel_terms {
        softmax.split(largest, others);
        if let Some(merged) = merged {
            log_sum_of_merged::<I, F>(merged, &tile.logits, softmax.shift, merged_log_sum);
        }
        let likelihoods = Likelihoods {
            logits: tile.logits,
            reference,
            probability: softmax.planes,
            shift: softmax.shift,
            log_sum,
            largest,
            others,
            merged,
            merged_log_sum,
            classes,
        };
        let planes = (likelihood, piece);
        log_slopes_by_class::<I, F>(family, tile, &likelihoods, planes, log_slopes, total);
    }
    for class in 0..classes {
        let (p, h, out) = (&softmax.planes[class], &log_slopes[class], &mut gradient[class]);
        for i in 0..TILE {
            out[i] = p[i] * (out[i] - dot[i] - total[i]) + h[i];
        }
        weigh(out, tile.weight);
    }
}

/// h of each class, and their sum.
#[inline(always)]
fn log_slopes_by_class<I: Instructions, F: Number>(
    family: Family,
    tile: &Tile<F>,
    likelihoods: &Likelihoods<F>,
    (planes, piece): (&mut [Plane<F>; 5], &mut Plane<F>),
    log_slopes: &mut [Plane<F>],
    total: &mut Plane<F>,
) {
    let distinct = distinct(likelihoods.merged, likelihoods.classes);
    let even = 1.0 / distinct.clone().count() as f64;
    let (mut likelihood, focus) = Likelihood::new(planes);
    for class in distinct {
        likelihoods.fill::<I>(class, &mut likelihood);
        let h = &mut log_slopes[class];
        for pulled in family.pulled() {
            if pulled.group.map.is_none() {
                add_log_slopes::<I, F>(pulled, class, even, &likelihood, focus, h);
                continue;
            }
            *piece = [F::ZERO; TILE];
            add_log_slopes::<I, F>(pulled, class, even, &likelihood, focus, piece);
            tile.maps.of(pulled.group.map).add(class, piece, h);
        }
        for i in 0..TILE {
            total[i] += h[i];
        }
        if let Some(merged) = likelihoods.merged.filter(|_| class == 0) {
            share_out::<I, F>(merged, likelihoods, log_slopes, focus);
        }
    }
}

/// Adds a group's h of a class.
#[inline(always)]
fn add_log_slopes<I: Instructions, F: Number>(
    Pulled { group, slopes, .. }: Pulled,
    class: usize,
    even: f64,
    likelihood: &Likelihood<F>,
    focus: &mut Plane<F>,
    h: &mut Plane<F>,
) {
    if let Some(Factors { positive, all, .. }) = &slopes.cross_entropy {
        let (positive, all) = (F::of(-positive[class]), F::of(-(even * all[class])));
        for i in 0..TILE {
            h[i] += likelihood.reference[i].mul_add::<I>(positive, all);
        }
    }
    for (term, factors) in slopes.focal(group) {
        add_focal::<I, F>(term, factors.positive[class], class, likelihood, focus, h);
    }
}

#[inline(always)]
fn add_focal<I: Instructions, F: Number>(
    term: &FocalPlan,
    factor: f64,
    class: usize,
    likelihood: &Likelihood<F>,
    focus: &mut Plane<F>,
    h: &mut Plane<F>,
) {
    let (gamma, factor) = (F::of(term.gamma[class]), F::of(factor));
    raise::<I, F>(likelihood.complement, term.gamma[class], focus);
    for i in 0..TILE {
        let slope = focal_slope(
            gamma,
            focus[i],
            likelihood.probability[i],
            likelihood.complement[i],
            likelihood.log_loss[i],
        );
        h[i] += -share(factor * likelihood.reference[i], slope);
    }
}

/// Gives each member of the merged background its share p_k / p_U of the background's h.
#[inline(always)]
fn share_out<I: Instructions, F: Number>(
    merged: Merged,
    likelihoods: &Likelihoods<F>,
    log_slopes: &mut [Plane<F>],
    whole: &mut Plane<F>,
) {
    *whole = log_slopes[0];
    for class in merged.classes() {
        let (x, h) = (likelihoods.logits.plane(class), &mut log_slopes[class]);
        for i in 0..TILE {
            let log_share = (x[i] - likelihoods.shift[i]) - likelihoods.merged_log_sum[i];
            h[i] = share(whole[i], log_share.exp::<I>());
        }
    }
}
