//! Hard counts: where a decision and the reference agree.

use super::{
    super::{
        isa::Instructions,
        labels::NONE,
        number::Number,
        scratch::{TILE, Work},
        tile::{Reference, Tile},
    },
    Sums,
};
use crate::{Activation, Decision, plan::Plan};

const TRUE_POSITIVES: usize = Plan::COUNTS;
const FALSE_POSITIVES: usize = Plan::COUNTS + 1;
const FALSE_NEGATIVES: usize = Plan::COUNTS + 2;

/// Counts a tile's voxels, each as one whatever its weight.
#[inline(always)]
pub(super) fn add<I: Instructions, F: Number>(
    decision: Decision,
    activation: Activation,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums,
) {
    match decision {
        Decision::Argmax => add_argmax(tile, work, sums),
        Decision::Threshold(threshold) => {
            add_thresholded::<I, F>(F::of(threshold), activation, tile, work, sums);
        }
    }
}

#[inline(always)]
fn add_argmax<F: Number>(tile: &Tile<F>, work: &mut Work<F>, sums: &mut Sums) {
    let Work { planes: [largest, ..], decided: [predicted, wanted], .. } = work;
    let (predicted, wanted) = (&mut predicted[..tile.len], &mut wanted[..tile.len]);
    argmax(|class| tile.logits.plane(class), tile.classes, &mut largest[..tile.len], predicted);
    match &tile.reference {
        Reference::Labels(labels) => wanted.copy_from_slice(labels.voxels()),
        Reference::Dense(planes) => {
            let plane = |class: usize| &planes[class * TILE..][..tile.len];
            let largest = &mut largest[..tile.len];
            argmax(plane, tile.classes, largest, wanted);
            // All zero: no class.
            for (wanted, &g) in wanted.iter_mut().zip(&*largest) {
                *wanted = if g > F::ZERO { *wanted } else { NONE };
            }
        }
    }
    for ((predicted, wanted), &weight) in predicted.iter().zip(&*wanted).zip(tile.weight) {
        if weight == F::ZERO {
            continue;
        }
        if predicted == wanted {
            sums.add(TRUE_POSITIVES, *predicted as usize, 1.0);
            continue;
        }
        sums.add(FALSE_POSITIVES, *predicted as usize, 1.0);
        if *wanted >= 0 {
            sums.add(FALSE_NEGATIVES, *wanted as usize, 1.0);
        }
    }
}

/// The class of the largest value; of equal ones the first.
#[inline(always)]
fn argmax<'p, F: Number>(
    plane: impl Fn(usize) -> &'p [F],
    classes: usize,
    largest: &mut [F],
    index: &mut [i32],
) {
    largest.copy_from_slice(plane(0));
    index.fill(0);
    for class in 1..classes {
        for ((largest, index), &x) in largest.iter_mut().zip(index.iter_mut()).zip(plane(class)) {
            *index = if x > *largest { class as i32 } else { *index };
            *largest = largest.larger(x);
        }
    }
}

#[inline(always)]
fn add_thresholded<I: Instructions, F: Number>(
    threshold: F,
    activation: Activation,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums,
) {
    let Work { probability, reference, planes: [sum, shift, ..], .. } = work;
    if activation == Activation::Softmax {
        let mut softmax =
            super::super::softmax::Exponentials::new::<I>(tile, probability, sum, shift, None);
        softmax.normalise(tile.classes);
    } else {
        for class in 0..tile.classes {
            let p = &mut probability[class * TILE..][..tile.len];
            super::super::channel::probabilities::<I, F>(activation, tile.logits.plane(class), p);
        }
    }
    let reference = tile.dense(reference);
    for class in 0..tile.classes {
        let p = &probability[class * TILE..][..tile.len];
        let g = &reference[class * TILE..][..tile.len];
        let (mut both, mut predicted, mut wanted) = (0u32, 0u32, 0u32);
        for ((&p, &g), &weight) in p.iter().zip(g).zip(tile.weight) {
            let counts = weight != F::ZERO;
            let (p, g) = ((p >= threshold) & counts, (g >= threshold) & counts);
            both += u32::from(p & g);
            predicted += u32::from(p);
            wanted += u32::from(g);
        }
        sums.add(TRUE_POSITIVES, class, f64::from(both));
        sums.add(FALSE_POSITIVES, class, f64::from(predicted - both));
        sums.add(FALSE_NEGATIVES, class, f64::from(wanted - both));
    }
}
