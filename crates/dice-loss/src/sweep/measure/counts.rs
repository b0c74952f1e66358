//! Hard counts of a tile.

use super::{
    super::{
        agreement::{Classes, argmax, count, counted, reached},
        exponentials::Exponentials,
        geometry::TILE,
        isa::Instructions,
        number::Number,
        odds::probabilities,
        scratch::Work,
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
        Decision::Argmax => add_argmax(tile, sums),
        Decision::Threshold(threshold) => {
            add_thresholded::<I, F>(F::of(threshold), activation, tile, work, sums);
        }
    }
}

#[inline(always)]
fn add_argmax<F: Number>(tile: &Tile<F>, sums: &mut Sums<F>) {
    let (predicted, _) = argmax(|class| tile.logits.plane(class), tile.classes);
    let predicted = counted(&predicted, tile.weight, |_| true);
    let wanted = match &tile.reference {
        Reference::Labels(labels) => {
            let labels = labels.voxels.first_chunk().unwrap_or_else(|| unreachable!());
            counted(labels, tile.weight, |_| true)
        }
        Reference::Dense(planes) => {
            let (wanted, most) = argmax(|class| &planes[class], tile.classes);
            // All zero: no class.
            counted(&wanted, tile.weight, |i| most[i] > F::ZERO)
        }
    };
    for class in 0..tile.classes {
        count_instances(class as i32, [&predicted, &wanted], class, tile, sums);
    }
    if tile.classes > FEW {
        return count_by_voxel(&predicted, &wanted, sums);
    }
    for class in 0..tile.classes {
        count(class as i32, [&predicted, &wanted], class, sums);
    }
}

/// Up to so many classes are counted one after the other, and of more each voxel by itself.
const FEW: usize = 8;

#[inline(always)]
fn count_by_voxel<F: Number>(
    predicted: &Classes<TILE>,
    wanted: &Classes<TILE>,
    sums: &mut Sums<F>,
) {
    for (&predicted, &wanted) in predicted.iter().zip(wanted) {
        // Of a voxel without a class, nothing is added to class 0.
        let one = i32::from;
        let agree = predicted == wanted;
        let (by, of) = (predicted.max(0) as usize, wanted.max(0) as usize);
        sums.count(Plan::TRUE_POSITIVES, by, one(agree & (predicted >= 0)));
        sums.count(Plan::FALSE_POSITIVES, by, one(!agree & (predicted >= 0)));
        sums.count(Plan::FALSE_NEGATIVES, of, one(!agree & (wanted >= 0)));
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
        let decided = [&probability[class], &reference[class]];
        let [predicted, wanted] = decided.map(|values| reached(values, tile.weight, threshold));
        count(0, [&predicted, &wanted], class, sums);
        count_instances(0, [&predicted, &wanted], class, tile, sums);
    }
}

/// Counts where decision and reference are of this class, for each instance of a class of the sums.
#[inline(always)]
fn count_instances<F: Number>(
    class: i32,
    [predicted, wanted]: [&Classes<TILE>; 2],
    to: usize,
    tile: &Tile<F>,
    sums: &mut Sums<F>,
) {
    for piece in tile.pieces.of(to) {
        let (mut both, mut found, mut there) = (0, 0, 0);
        for (&p, &g) in predicted.iter().zip(wanted).take(piece.end).skip(piece.start) {
            let (p, g) = (i32::from(p == class), i32::from(g == class));
            both += p & g;
            found += p;
            there += g;
        }
        sums.add_to_row(Plan::TRUE_POSITIVES, piece.row, both.into());
        sums.add_to_row(Plan::FALSE_POSITIVES, piece.row, (found - both).into());
        sums.add_to_row(Plan::FALSE_NEGATIVES, piece.row, (there - both).into());
    }
}
