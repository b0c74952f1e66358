//! The sums of classes that exclude each other.

use super::{
    super::{
        exponentials::{Exponentials, log_sum_of_merged},
        geometry::{Plane, TILE},
        isa::Instructions,
        labels::Labels,
        lanes,
        likelihood::{Likelihood, Likelihoods, Own},
        merged::{Merged, distinct, goes_by_label},
        number::Number,
        odds::share,
        power::{raise, raise_by_label},
        scratch::Work,
        tile::{Input, Reference, Tile},
    },
    Sums,
    overlap::{Overlaps, add_overlaps},
};
use crate::{Activation, direction::Direction, plan::Group};

/// Adds a tile to the columns of the softmax groups.
#[inline(always)]
pub(super) fn add<I: Instructions, F: Number>(
    groups: &[Group],
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    let merged = Merged::new(valid);
    match (&tile.reference, groups) {
        (Reference::Labels(labels), [group]) if goes_by_label(group, merged) => {
            add_labelled::<I, F>(group, merged, labels, tile, work, sums);
        }
        _ => add_dense::<I, F>(groups, merged, tile, work, sums),
    }
}

/// Whether a sample's sums are added up by label.
pub(super) fn is_by_label(group: &Group, batch: &Input, sample: usize) -> bool {
    group.activation == Activation::Softmax
        && batch.has_labels()
        && goes_by_label(group, Merged::new(batch.valid(sample)))
}

/// Hard labels: two passes over the class planes, and what depends on the label by runs.
///
/// What merged classes have of the voxel terms is left with each of them, for
/// [`Sums::finish`] to join.
#[inline(always)]
fn add_labelled<I: Instructions, F: Number>(
    group: &Group,
    merged: Option<Merged>,
    labels: &Labels,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    let Work { probability, planes, .. } = work;
    let [sum, shift, factor, own, loss, largest, others, focal] = planes;
    let weight = tile.weight;
    let softmax = Exponentials::new::<I>(tile, probability, sum, shift);
    for i in 0..TILE {
        factor[i] = weight[i] / softmax.sum[i];
    }
    if let Some(column) = group.sums[Direction::Prediction] {
        for (class, e) in softmax.planes.iter().enumerate() {
            sums.add(column, class, lanes::fold(e, factor, |s, e, f| e.mul_add::<I>(f, s)));
        }
    }
    if let Some(column) = group.sums[Direction::Intersection] {
        labels.gather(|class| &softmax.planes[class], own);
        for i in 0..TILE {
            own[i] = own[i] * factor[i];
        }
        labels.add_up([(column, own)], sums);
    }
    if let Some(columns) = group.log_loss {
        labels.gather(|class| tile.logits.plane(class), own);
        softmax.log_sum::<I>(focal);
        for i in 0..TILE {
            loss[i] = share(weight[i], focal[i] - (own[i] - softmax.shift[i]));
        }
        if let Some(merged) = merged {
            log_sum_of_merged::<I, F>(merged, &tile.logits, softmax.shift, own);
            for i in 0..TILE {
                let joint = focal[i] - own[i];
                others[i] = share(weight[i], if joint < F::ZERO { F::ZERO } else { joint });
            }
            labels.gather(|class| if merged.has(class) { &*others } else { &*loss }, own);
            labels.add_up([(columns.of_reference, own)], sums);
        } else {
            labels.add_up([(columns.of_reference, loss)], sums);
        }
        if let Some(column) = columns.of_all {
            add_all(column, tile, &softmax, focal, sums);
        }
    }
    if group.focal.is_empty() {
        return;
    }
    let own = Own::new::<I>(&softmax, tile, labels, [own, others, loss, largest]);
    for term in &group.focal {
        raise_by_label::<I, F>(labels, own.complement, &term.gamma, focal);
        for i in 0..TILE {
            focal[i] = share(weight[i], share(focal[i], own.log_loss[i]));
        }
        labels.add_up([(term.positive, focal)], sums);
    }
}

/// Σ w (ln Σ exp x − x_k) / C of every class: label smoothing.
#[inline(always)]
fn add_all<F: Number>(
    column: usize,
    tile: &Tile<F>,
    softmax: &Exponentials<F>,
    log_sum: &Plane<F>,
    sums: &mut Sums<F>,
) {
    let even = F::of(1.0 / tile.classes as f64);
    for class in 0..tile.classes {
        let (x, shift) = (tile.logits.plane(class), &*softmax.shift);
        let mut loss = [F::ZERO; TILE];
        for i in 0..TILE {
            loss[i] = share(even * tile.weight[i], log_sum[i] - (x[i] - shift[i]));
        }
        sums.add(column, class, lanes::fold(&loss, &loss, |sum, loss, _| sum + loss));
    }
}

/// Any reference, any sums, maps, partial labels: a pass for each thing that is asked for.
#[inline(always)]
fn add_dense<I: Instructions, F: Number>(
    groups: &[Group],
    merged: Option<Merged>,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    let Work { probability, reference, planes, likelihood, piece, cut, .. } = work;
    let [sum, shift, log_sum, merged_log_sum, largest, others, cost, ..] = planes;
    let reference = tile.dense(reference);
    let mut softmax = Exponentials::new::<I>(tile, probability, sum, shift);
    let has_voxel_terms = groups.iter().any(|group| group.merged.is_some());
    if has_voxel_terms {
        softmax.log_sum::<I>(log_sum);
    }
    softmax.normalise();
    for group in groups {
        let map = tile.maps.of(group.map);
        for class in 0..tile.classes {
            let weight = map.weigh(class, tile.weight, piece);
            let planes = Overlaps { probability: softmax.planes, reference, weight };
            add_overlaps::<I, F>(group, class, tile, planes, [&mut *cost, &mut *cut], sums);
        }
    }
    if !has_voxel_terms {
        return;
    }
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
        classes: tile.classes,
    };
    add_likelihoods::<I, F>(groups, &likelihoods, tile, (likelihood, piece), sums);
}

/// The voxel terms, one class after the other.
#[inline(always)]
fn add_likelihoods<I: Instructions, F: Number>(
    groups: &[Group],
    likelihoods: &Likelihoods<F>,
    tile: &Tile<F>,
    (planes, piece): (&mut [Plane<F>; 5], &mut Plane<F>),
    sums: &mut Sums<F>,
) {
    let distinct = distinct(likelihoods.merged, tile.classes);
    let even = F::of(1.0 / distinct.clone().count() as f64);
    let (mut likelihood, focus) = Likelihood::new(planes);
    for class in distinct {
        likelihoods.fill::<I>(class, &mut likelihood);
        for group in groups {
            let weight = tile.maps.of(group.map).weigh(class, tile.weight, piece);
            add_likelihood::<I, F>(group, class, even, &likelihood, weight, focus, sums);
        }
    }
}

/// What a class adds to the voxel terms of a group.
#[inline(always)]
fn add_likelihood<I: Instructions, F: Number>(
    group: &Group,
    class: usize,
    even: F,
    likelihood: &Likelihood<F>,
    weight: &Plane<F>,
    focus: &mut Plane<F>,
    sums: &mut Sums<F>,
) {
    if group.merged.is_none() {
        return;
    }
    let (loss, g, w) = (&*likelihood.log_loss, &*likelihood.reference, weight);
    let [of_reference, of_all, counted] =
        lanes::folds(loss, g, w, |[of_reference, of_all, counted], loss, g, w| {
            [of_reference + share(w * g, loss), of_all + share(w * even, loss), counted + w * g]
        });
    if let Some(columns) = group.log_loss {
        sums.add(columns.of_reference, class, of_reference);
        sums.add_if(columns.of_all, class, of_all);
    }
    sums.add_if(group.merged, class, counted);
    for term in &group.focal {
        raise::<I, F>(likelihood.complement, term.gamma[class], focus);
        for i in 0..TILE {
            focus[i] = share(focus[i], loss[i]);
        }
        let [found] = lanes::folds(focus, g, w, |[sum], loss, g, w| [sum + share(w * g, loss)]);
        sums.add(term.positive, class, found);
    }
}
