//! The sums of channels that stand by themselves.

use super::{
    super::{
        channel::{odds_of, probabilities, share},
        isa::Instructions,
        lanes,
        number::Number,
        scratch::{TILE, Work},
        softmax::{Merged, distinct, five_sums, raise, transport},
        tile::Tile,
    },
    Sums,
};
use crate::plan::Group;

/// Adds a tile to the columns of a sigmoid or probabilities group.
#[inline(always)]
pub(super) fn add<I: Instructions, F: Number>(
    group: &Group,
    valid: Option<&[bool]>,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums,
) {
    let Work { probability, reference, planes: [cost, merged_p, merged_g, ..], outcome, .. } = work;
    let (len, classes) = (tile.len, tile.classes);
    let reference = tile.dense(reference);
    for class in 0..classes {
        let p = &mut probability[class * TILE..][..len];
        probabilities::<I, F>(group.activation, tile.logits.plane(class), p);
    }
    for class in 0..classes {
        let p = &probability[class * TILE..][..len];
        let g = &reference[class * TILE..][..len];
        if group.sums.iter().any(Option::is_some) {
            let found = five_sums::<I, F>(p, g, tile.weight);
            for (column, value) in group.sums.iter().zip(found) {
                sums.add_if(*column, class, value);
            }
        }
        if let (Some(column), Some(distances)) = (group.sums[5], &group.distances) {
            let cost = &mut cost[..len];
            transport::<I, F>(distances, class, classes, probability, cost);
            let found = lanes::folds(cost, g, tile.weight, |[s], cost, g, w| [s + w * g * cost]);
            sums.add(column, class, found[0]);
        }
        add_binary::<I, F>(group, class, tile, g, outcome, sums);
    }
    if let Some(columns) = group.log_loss {
        // Cross-entropy of probabilities.
        let merged = Merged::new(valid);
        let distinct = distinct(merged.as_ref(), classes);
        let even = F::of(1.0 / distinct.len() as f64);
        for &class in &distinct {
            let (p, g) = (&mut merged_p[..len], &mut merged_g[..len]);
            gather_merged(merged.as_ref(), class, probability, p);
            gather_merged(merged.as_ref(), class, reference, g);
            // A plain loop, since a closure around a logarithm is not always inlined.
            for p in p.iter_mut() {
                *p = -p.ln::<I>();
            }
            let [loss, of_all, counted] =
                lanes::folds(p, g, tile.weight, |[loss, of_all, counted], log_loss, g, w| {
                    let all = share(w * even, log_loss);
                    [loss + share(w * g, log_loss), of_all + all, counted + w * g]
                });
            sums.add(columns.of_reference, class, loss);
            sums.add_if(columns.of_all, class, of_all);
            sums.add_if(group.merged, class, counted);
        }
    }
}

/// A class's plane; for the merged background, the sum of its members' planes.
#[inline(always)]
pub(in super::super) fn gather_merged<F: Number>(
    merged: Option<&Merged>,
    class: usize,
    planes: &[F],
    out: &mut [F],
) {
    let plane = |class: usize| &planes[class * TILE..][..out.len()];
    let Some(merged) = merged.filter(|_| class == 0) else {
        let plane = plane(class);
        out.copy_from_slice(plane);
        return;
    };
    out.fill(F::ZERO);
    for class in merged.classes() {
        let plane = &planes[class * TILE..][..out.len()];
        out.iter_mut().zip(plane).for_each(|(sum, &value)| *sum += value);
    }
}

/// Binary cross-entropy and focal loss of a channel.
#[inline(always)]
fn add_binary<I: Instructions, F: Number>(
    group: &Group,
    class: usize,
    tile: &Tile<F>,
    g: &[F],
    planes: &mut [Vec<F>; 5],
    sums: &mut Sums,
) {
    if group.binary.is_none() && group.focal.is_empty() {
        return;
    }
    let [p, complement, yes, no, focus] = planes.each_mut().map(|plane| &mut plane[..tile.len]);
    odds_of::<I, F>(group.activation, tile.logits.plane(class), [p, complement, yes, no]);
    if let Some([positive, negative]) = group.binary {
        sums.add(positive, class, of_shares(g, yes, tile.weight, |g| g));
        sums.add(negative, class, of_shares(g, no, tile.weight, |g| F::ONE - g));
    }
    for focal in &group.focal {
        let gamma = focal.gamma[class];
        raise::<I, F>(complement, gamma, focus);
        focus.iter_mut().zip(&*yes).for_each(|(focus, &loss)| *focus = share(*focus, loss));
        sums.add(focal.positive, class, of_shares(g, focus, tile.weight, |g| g));
        raise::<I, F>(p, gamma, focus);
        focus.iter_mut().zip(&*no).for_each(|(focus, &loss)| *focus = share(*focus, loss));
        sums.add_if(focal.negative, class, of_shares(g, focus, tile.weight, |g| F::ONE - g));
    }
}

/// Σ w share(g) loss.
#[inline(always)]
fn of_shares<F: Number>(g: &[F], loss: &[F], weight: &[F], of: impl Fn(F) -> F) -> f64 {
    let [sum] = lanes::folds(g, loss, weight, |[sum], g, loss, w| [sum + share(w * of(g), loss)]);
    sum
}
