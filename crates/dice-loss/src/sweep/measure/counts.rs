//! Hard counts: where a decision and the reference agree.

use super::{
    super::{
        channel::probabilities,
        isa::Instructions,
        labels::NONE,
        number::Number,
        scratch::{Plane, TILE, Work},
        softmax::Exponentials,
        tile::{Reference, Tile},
    },
    Sums,
};
use crate::{Activation, Decision, plan::Plan};

/// Counts a tile's voxels, each as one whatever its weight.
#[inline(always)]
pub(in super::super) fn add<I: Instructions, F: Number>(
    decision: Decision,
    activation: Activation,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    match decision {
        Decision::Argmax => add_argmax(tile, work, sums),
        Decision::Threshold(threshold) => {
            add_thresholded::<I, F>(F::of(threshold), activation, tile, work, sums);
        }
    }
}

#[inline(always)]
fn add_argmax<F: Number>(tile: &Tile<F>, work: &mut Work<F>, sums: &mut Sums<F>) {
    let Work { planes: [largest, ..], decided: [predicted, wanted], .. } = work;
    argmax(|class| tile.logits.plane(class), tile.classes, largest, predicted);
    match &tile.reference {
        Reference::Labels(labels) => wanted.copy_from_slice(labels.voxels),
        Reference::Dense(planes) => {
            argmax(|class| &planes[class], tile.classes, largest, wanted);
            // All zero: no class.
            for (wanted, &g) in wanted.iter_mut().zip(&*largest) {
                *wanted = if g > F::ZERO { *wanted } else { NONE };
            }
        }
    }
    for i in 0..TILE {
        let counts = tile.weight[i] != F::ZERO;
        predicted[i] = if counts { predicted[i] } else { NONE };
        wanted[i] = if counts { wanted[i] } else { NONE };
    }
    if tile.classes > FEW {
        return count_by_voxel(predicted, wanted, sums);
    }
    for class in 0..tile.classes {
        let is = |index: i32| index == class as i32;
        add_agreement(|i| (is(predicted[i]), is(wanted[i])), class, sums);
    }
}

/// Up to so many classes are counted one after the other, and of more each voxel by itself.
const FEW: usize = 8;

#[inline(always)]
fn count_by_voxel<F: Number>(predicted: &Plane<i32>, wanted: &Plane<i32>, sums: &mut Sums<F>) {
    for (&predicted, &wanted) in predicted.iter().zip(wanted) {
        // Of a voxel without a class, nothing is added to class 0.
        let one = |is: bool| if is { F::ONE } else { F::ZERO };
        let agree = predicted == wanted;
        let (by, of) = (predicted.max(0) as usize, wanted.max(0) as usize);
        sums.count(Plan::TRUE_POSITIVES, by, one(agree & (predicted >= 0)));
        sums.count(Plan::FALSE_POSITIVES, by, one(!agree & (predicted >= 0)));
        sums.count(Plan::FALSE_NEGATIVES, of, one(!agree & (wanted >= 0)));
    }
}

/// Counts where the decision has a class and where the reference has it.
#[inline(always)]
fn add_agreement<F: Number>(has: impl Fn(usize) -> (bool, bool), class: usize, sums: &mut Sums<F>) {
    let (mut both, mut predicted, mut wanted) = (0u32, 0u32, 0u32);
    for i in 0..TILE {
        let (p, g) = has(i);
        both += u32::from(p & g);
        predicted += u32::from(p);
        wanted += u32::from(g);
    }
    let count = |voxels: u32| F::of(f64::from(voxels));
    sums.count(Plan::TRUE_POSITIVES, class, count(both));
    sums.count(Plan::FALSE_POSITIVES, class, count(predicted - both));
    sums.count(Plan::FALSE_NEGATIVES, class, count(wanted - both));
}

/// The class of the largest value; of equal ones the first.
#[inline(always)]
fn argmax<'p, F: Number>(
    plane: impl Fn(usize) -> &'p Plane<F>,
    classes: usize,
    largest: &mut Plane<F>,
    index: &mut Plane<i32>,
) {
    (*largest, *index) = (*plane(0), [0; TILE]);
    for class in 1..classes {
        let x = plane(class);
        for i in 0..TILE {
            index[i] = if x[i] > largest[i] { class as i32 } else { index[i] };
            largest[i] = largest[i].larger(x[i]);
        }
    }
}

#[inline(always)]
fn add_thresholded<I: Instructions, F: Number>(
    threshold: F,
    activation: Activation,
    tile: &Tile<F>,
    work: &mut Work<F>,
    sums: &mut Sums<F>,
) {
    let Work { probability, reference, planes: [sum, shift, ..], .. } = work;
    if activation == Activation::Softmax {
        Exponentials::new::<I>(tile, probability, sum, shift).normalise();
    } else {
        for (class, p) in probability[..tile.classes].iter_mut().enumerate() {
            probabilities::<I, F>(activation, tile.logits.plane(class), p);
        }
    }
    let reference = tile.dense(reference);
    for class in 0..tile.classes {
        let (p, g) = (&probability[class], &reference[class]);
        let has = |i: usize| {
            let counts = tile.weight[i] != F::ZERO;
            ((p[i] >= threshold) & counts, (g[i] >= threshold) & counts)
        };
        add_agreement(has, class, sums);
    }
}
