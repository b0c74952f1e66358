//! The sums of channels that stand by themselves.

use super::{
    super::{
        geometry::{Plane, TILE},
        isa::Instructions,
        lanes::{self, Block},
        merged::{Merged, distinct},
        number::Number,
        odds::{odds_of, probabilities, share},
        power::raise,
        scratch::Work,
        tile::Tile,
    },
    Sums,
    overlap::{Overlaps, add_overlaps},
};
use crate::plan::Group;

/// Adds a tile to the columns of the groups of sigmoid or probabilities.
#[inline(always)]
pub(super) fn add<I: Instructions, F: Number>(
    groups: &[Group],
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    let Work { probability, reference, planes, likelihood, piece, cut, .. } = work;
    let [cost, merged_p, merged_g, ..] = planes;
    let reference = tile.dense(reference);
    let probability = &mut probability[..tile.classes];
    let activation = groups[0].activation;
    let has_voxel_terms =
        groups.iter().any(|group| group.binary.is_some() || !group.focal.is_empty());
    for (class, p) in probability.iter_mut().enumerate() {
        let x = tile.logits.plane(class);
        tile.logits.prefetch(class);
        if has_voxel_terms {
            let [complement, yes, no, focus, _] = &mut *likelihood;
            odds_of::<I, F>(activation, x, [p, complement, yes, no]);
            let prediction = Prediction { p, complement, yes, no };
            for group in groups {
                let weight = tile.maps.of(group.map).weigh(class, tile.weight, piece);
                let channel = Channel { class, g: &reference[class], weight };
                add_binary::<I, F>(group, channel, &prediction, focus, sums);
            }
        } else {
            probabilities::<I, F>(activation, x, p);
        }
    }
    for group in groups {
        let map = tile.maps.of(group.map);
        for class in 0..tile.classes {
            let weight = map.weigh(class, tile.weight, piece);
            let planes = Overlaps { probability, reference, weight };
            add_overlaps::<I, F>(group, class, tile, planes, [&mut *cost, &mut *cut], sums);
        }
    }
    let merged = Merged::new(valid);
    for group in groups {
        let planes = [&mut *merged_p, &mut *merged_g, &mut *piece];
        add_log_losses::<I, F>(group, merged, tile, (probability, reference), planes, sums);
    }
}

/// Cross-entropy of probabilities.
#[inline(always)]
fn add_log_losses<I: Instructions, F: Number>(
    group: &Group,
    merged: Option<Merged>,
    tile: &Tile<F>,
    (probability, reference): (&[Plane<F>], &[Plane<F>]),
    [merged_p, merged_g, piece]: [&mut Plane<F>; 3],
    sums: &mut Sums<F>,
) {
    let Some(columns) = group.log_loss else { return };
    let distinct = distinct(merged, tile.classes);
    let even = F::of(1.0 / distinct.clone().count() as f64);
    for class in distinct {
        let weight = tile.maps.of(group.map).weigh(class, tile.weight, piece);
        let (p, g) = (&mut *merged_p, &mut *merged_g);
        gather_merged(merged, class, probability, p);
        gather_merged(merged, class, reference, g);
        // A plain loop, since a closure around a logarithm is not always inlined.
        for p in p.iter_mut() {
            *p = -p.ln::<I>();
        }
        let [loss, of_all, counted] =
            lanes::folds(p, g, weight, |[loss, of_all, counted], log_loss, g, w| {
                let all = share(w * even, log_loss);
                [loss + share(w * g, log_loss), of_all + all, counted + w * g]
            });
        sums.add(columns.of_reference, class, loss);
        sums.add_if(columns.of_all, class, of_all);
        sums.add_if(group.merged, class, counted);
    }
}

/// A class's plane; for the merged background, the sum of its members' planes.
#[inline(always)]
pub(in super::super) fn gather_merged<F: Number>(
    merged: Option<Merged>,
    class: usize,
    planes: &[Plane<F>],
    out: &mut Plane<F>,
) {
    let Some(merged) = merged.filter(|_| class == 0) else {
        *out = planes[class];
        return;
    };
    *out = [F::ZERO; TILE];
    for class in merged.classes() {
        for i in 0..TILE {
            out[i] += planes[class][i];
        }
    }
}

/// What is read of a channel.
struct Channel<'a, F> {
    class: usize,
    g: &'a Plane<F>,
    weight: &'a Plane<F>,
}

/// What is known of its prediction.
struct Prediction<'a, F> {
    p: &'a Plane<F>,
    complement: &'a Plane<F>,
    yes: &'a Plane<F>,
    no: &'a Plane<F>,
}

/// Binary cross-entropy and focal loss of a channel.
#[inline(always)]
fn add_binary<I: Instructions, F: Number>(
    group: &Group,
    Channel { class, g, weight }: Channel<F>,
    Prediction { p, complement, yes, no }: &Prediction<F>,
    focus: &mut Plane<F>,
    sums: &mut Sums<F>,
) {
    if let Some([positive, negative]) = group.binary {
        sums.add(positive, class, of_shares(g, yes, weight, |g| g));
        sums.add(negative, class, of_shares(g, no, weight, |g| F::ONE - g));
    }
    for focal in &group.focal {
        let gamma = focal.gamma[class];
        raise::<I, F>(complement, gamma, focus);
        for i in 0..TILE {
            focus[i] = share(focus[i], yes[i]);
        }
        sums.add(focal.positive, class, of_shares(g, focus, weight, |g| g));
        raise::<I, F>(p, gamma, focus);
        for i in 0..TILE {
            focus[i] = share(focus[i], no[i]);
        }
        sums.add_if(focal.negative, class, of_shares(g, focus, weight, |g| F::ONE - g));
    }
}

/// Σ w share(g) loss.
#[inline(always)]
fn of_shares<F: Number>(
    g: &Plane<F>,
    loss: &Plane<F>,
    weight: &Plane<F>,
    of: impl Fn(F) -> F,
) -> Block<F> {
    let [sum] = lanes::folds(g, loss, weight, |[sum], g, loss, w| [sum + share(w * of(g), loss)]);
    sum
}
