//! The sums of classes that exclude each other.

use super::{
    super::{
        channel::share,
        isa::Instructions,
        labels::Labels,
        lanes,
        number::Number,
        scratch::{TILE, Work},
        softmax::{
            Exponentials, Merged, Outcome, Outcomes, Own, distinct, five_sums, raise,
            raise_by_label, transport,
        },
        tile::{Reference, Tile},
    },
    Sums,
};
use crate::plan::Group;

/// Adds a tile to the columns of the softmax group.
#[inline(always)]
pub(super) fn add<I: Instructions, F: Number>(
    group: &Group,
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums,
) {
    let merged = Merged::new(valid);
    match &tile.reference {
        Reference::Labels(labels) if merged.is_none() && is_linear(group) => {
            add_labelled::<I, F>(group, labels, tile, work, sums);
        }
        _ => add_dense::<I, F>(group, merged.as_ref(), tile, work, sums),
    }
}

/// Whether all sums that are asked for are linear in p.
pub(in super::super) fn is_linear(group: &Group) -> bool {
    group.sums[2..].iter().all(Option::is_none)
}

/// Hard labels: two passes over the class planes, and what depends on the label by blocks.
#[inline(always)]
fn add_labelled<I: Instructions, F: Number>(
    group: &Group,
    labels: &Labels,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums,
) {
    let Work { probability, planes, by_label, .. } = work;
    let [sum, shift, factor, own, loss, largest, others, focal] =
        planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let (classes, weight) = (tile.classes, tile.weight);
    let softmax = Exponentials::new::<I>(tile, probability, sum, shift, None);
    for ((factor, &sum), &w) in factor.iter_mut().zip(&*softmax.sum).zip(weight) {
        *factor = w / sum;
    }
    if let Some(column) = group.sums[1] {
        for class in 0..classes {
            let p = lanes::fold(softmax.plane(class), factor, |sum, e, factor| {
                e.mul_add::<I>(factor, sum)
            });
            sums.add(column, class, p);
        }
    }
    let (pg, log_loss) = (own, loss);
    if group.sums[0].is_some() {
        labels.gather(softmax.planes, pg);
        pg.iter_mut().zip(&*factor).for_each(|(pg, &factor)| *pg = *pg * factor);
    }
    if let Some(columns) = group.log_loss {
        labels.gather_from(|class| tile.logits.plane(class), focal);
        for ((((loss, &x), &sum), &shift), &w) in
            log_loss.iter_mut().zip(&*focal).zip(&*softmax.sum).zip(&*softmax.shift).zip(weight)
        {
            *loss = share(w, shift + sum.ln::<I>() - x);
        }
        if let Some(column) = columns.of_all {
            softmax.log_sum::<I>(focal);
            add_all(column, tile, focal, sums);
        }
    }
    labels.add_up([&*pg, log_loss, weight], by_label, classes, |class, [pg, loss, g]| {
        sums.add_if(group.sums[0], class, pg);
        sums.add_if(group.log_loss.map(|columns| columns.of_reference), class, loss);
        sums.add_if(group.merged, class, g);
    });
    if group.focal.is_empty() {
        return;
    }
    let own = Own::new::<I>(&softmax, tile, labels, [pg, others, log_loss, largest]);
    for term in &group.focal {
        raise_by_label::<I, F>(labels, own.complement, &term.gamma, focal);
        for ((focal, &loss), &w) in focal.iter_mut().zip(&*own.log_loss).zip(weight) {
            *focal = share(w, share(*focal, loss));
        }
        labels.add_up([&*focal], by_label, classes, |class, [loss]| {
            sums.add(term.positive, class, loss);
        });
    }
}

/// Σ w (ln Σ exp x − x_k) / C of every class: label smoothing.
#[inline(always)]
fn add_all<F: Number>(column: usize, tile: &Tile<F>, log_sum: &[F], sums: &mut Sums) {
    let even = 1.0 / tile.classes as f64;
    for class in 0..tile.classes {
        let x = tile.logits.plane(class);
        let [loss] = lanes::folds(x, log_sum, tile.weight, |[sum], x, log_sum, w| {
            [sum + share(w, log_sum - x)]
        });
        sums.add(column, class, even * loss);
    }
}

/// Any reference, any sums, partial labels: a pass for each thing that is asked for.
#[inline(always)]
fn add_dense<I: Instructions, F: Number>(
    group: &Group,
    merged: Option<&Merged>,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums,
) {
    let Work { probability, reference, planes, outcome, .. } = work;
    let [sum, shift, log_sum, merged_log_sum, largest, others, cost, ..] =
        planes.each_mut().map(|plane| &mut plane[..tile.len]);
    let classes = tile.classes;
    let reference = tile.dense(reference);
    let mut softmax = Exponentials::new::<I>(tile, probability, sum, shift, None);
    softmax.log_sum::<I>(log_sum);
    softmax.normalise(classes);
    for class in 0..classes {
        let (p, g) = (softmax.plane(class), &reference[class * TILE..][..tile.len]);
        if group.sums.iter().any(Option::is_some) {
            let found = five_sums::<I, F>(p, g, tile.weight);
            for (column, value) in group.sums.iter().zip(found) {
                sums.add_if(*column, class, value);
            }
        }
        if let (Some(column), Some(distances)) = (group.sums[5], &group.distances) {
            transport::<I, F>(distances, class, classes, softmax.planes, cost);
            let [found] = lanes::folds(cost, g, tile.weight, |[s], cost, g, w| [s + w * g * cost]);
            sums.add(column, class, found);
        }
    }
    if group.merged.is_none() {
        return;
    }
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
    add_outcomes::<I, F>(group, &outcomes, tile, outcome, sums);
}

/// The voxel terms, one class after the other.
#[inline(always)]
fn add_outcomes<I: Instructions, F: Number>(
    group: &Group,
    outcomes: &Outcomes<F>,
    tile: &Tile<F>,
    planes: &mut [Vec<F>; 5],
    sums: &mut Sums,
) {
    let distinct = distinct(outcomes.merged, tile.classes);
    let even = F::of(1.0 / distinct.len() as f64);
    let (mut outcome, focus) = Outcome::new(planes, tile.len);
    for &class in &distinct {
        outcomes.fill::<I>(class, &mut outcome);
        let (loss, g, w) = (&*outcome.log_loss, &*outcome.reference, tile.weight);
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
            raise::<I, F>(outcome.complement, term.gamma[class], focus);
            focus.iter_mut().zip(loss).for_each(|(focus, &loss)| *focus = share(*focus, loss));
            let [found] = lanes::folds(focus, g, w, |[sum], loss, g, w| [sum + share(w * g, loss)]);
            sums.add(term.positive, class, found);
        }
    }
}
