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
    Family, Pulled, slopes_of_family,
};
use crate::{Activation, evaluate::Factors};

/// Writes the gradient of the groups of sigmoid or probabilities to the class planes of `work.slopes`.
#[inline(always)]
pub(super) fn pull_back<I: Instructions, F: Number>(
    family: Family,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let Work { probability, reference, slopes: gradient, planes, piece, .. } = work;
    let [p_sum, g_sum, complement, ..] = planes;
    let reference = tile.dense(reference);
    let valid = family.valid;
    let activation = family.groups[0].activation;
    let has_sums = family.pulled().any(|pulled| pulled.partials.is_some());
    let moves = family.groups.iter().any(|group| group.distances.is_some());
    for class in 0..tile.classes {
        tile.logits.prefetch(class);
        let (x, p) = (tile.logits.plane(class), &mut probability[class]);
        let (g, out) = (&reference[class], &mut gradient[class]);
        both_probabilities::<I, F>(activation, x, [p, complement]);
        let annotated = valid.is_none_or(|valid| valid[class]);
        slopes_of_family::<I, F>(family, class, (tile, reference), p, piece, out);
        if has_sums && (annotated || moves) && activation == Activation::Sigmoid {
            for i in 0..TILE {
                out[i] = out[i] * p[i] * complement[i];
            }
        }
        let channel = Channel { class, x, p, complement, g };
        for pulled in family.pulled().filter(|_| annotated) {
            if pulled.group.map.is_none() {
                add_log_slopes::<I, F>(pulled, &channel, out);
                continue;
            }
            *piece = [F::ZERO; TILE];
            add_log_slopes::<I, F>(pulled, &channel, piece);
            tile.maps.of(pulled.group.map).add(class, piece, out);
        }
        weigh(out, tile.weight);
    }
    for pulled in family.pulled() {
        let planes = [&mut *p_sum, &mut *g_sum];
        add_log_losses::<I, F>(pulled, valid, tile, (probability, reference), planes, gradient);
    }
}

/// What is known of a channel.
struct Channel<'a, F> {
    class: usize,
    x: &'a Plane<F>,
    p: &'a Plane<F>,
    complement: &'a Plane<F>,
    g: &'a Plane<F>,
}

/// Adds the slopes of binary cross-entropy and focal loss.
#[inline(always)]
fn add_log_slopes<I: Instructions, F: Number>(
    Pulled { group, slopes, .. }: Pulled,
    &Channel { class, x, p, complement, g }: &Channel<F>,
    out: &mut Plane<F>,
) {
    if let Some(factors) = &slopes.binary {
        add_binary(group.activation, factors, class, [p, complement], g, out);
    }
    for (term, factors) in slopes.focal(group) {
        add_focal::<I, F>(F::of(term.gamma[class]), factors, class, x, g, out);
    }
}

/// Adds the gradient of cross-entropy of probabilities.
#[inline(always)]
fn add_log_losses<I: Instructions, F: Number>(
    Pulled { group, slopes, .. }: Pulled,
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    (probability, reference): (&[Plane<F>], &[Plane<F>]),
    [p_sum, g_sum]: [&mut Plane<F>; 2],
    gradient: &mut [Plane<F>],
) {
    let Some(factors) = &slopes.cross_entropy else { return };
    let map = tile.maps.of(group.map);
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
        if let Some(map) = map.of(class) {
            for i in 0..TILE {
                g_sum[i] = share(map[i], g_sum[i]);
            }
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
