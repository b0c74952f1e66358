//! Hard counts of a strip: where a decision and the reference agree.

use super::{
    super::{channel::probability, isa::Instructions, labels::NONE, measure::Sums, number::Number},
    Recipe,
    strip::{Row, STRIP, Strip},
};
use crate::{Activation, Decision, plan::Plan};

impl Recipe {
    /// Whether such decisions are counted strip by strip: a class of those that exclude each other,
    /// or a threshold of each channel.
    pub(super) fn counts(&self, decision: Decision) -> bool {
        matches!(decision, Decision::Threshold(_)) == (self.classes == 1)
    }
}

/// The class of each voxel of a strip, or [`NONE`]. Flat, since short loops do not become vector code.
type Classes = [i32; STRIP];

/// Counts a strip's voxels, each as one whatever its weight, as those of the classes from `first` on.
#[inline(always)]
pub(super) fn add<I: Instructions>(
    decision: Decision,
    activation: Activation,
    recipe: &Recipe,
    first: usize,
    strip: &Strip,
    sums: &mut Sums<f32>,
) {
    let (mut predicted, mut wanted) = ([NONE; STRIP], [NONE; STRIP]);
    if let Decision::Threshold(threshold) = decision {
        let threshold = threshold as f32;
        let [x, g] = [strip.logits[0], strip.reference[0]].map(|row| row.as_flattened());
        for i in 0..STRIP {
            let p = probability::<I, f32>(activation, x[i]);
            predicted[i] = if p >= threshold { 0 } else { NONE };
            wanted[i] = if g[i] >= threshold { 0 } else { NONE };
        }
    } else {
        let mut most = [0.0; STRIP];
        argmax(&strip.logits[..recipe.classes], &mut predicted, &mut most);
        if recipe.is_dense {
            argmax(&strip.reference[..recipe.classes], &mut wanted, &mut most);
            for i in 0..STRIP {
                // All zero: no class.
                wanted[i] = if most[i] > 0.0 { wanted[i] } else { NONE };
            }
        } else {
            wanted.copy_from_slice(strip.label.as_flattened());
        }
    }
    let weight = strip.weight.as_flattened();
    for i in 0..STRIP {
        predicted[i] = if weight[i] == 0.0 { NONE } else { predicted[i] };
        wanted[i] = if weight[i] == 0.0 { NONE } else { wanted[i] };
    }
    for class in 0..recipe.classes {
        add_agreement(class as i32, &predicted, &wanted, first + class, sums);
    }
}

/// The class of the largest value, of equal ones the first, and that value.
#[inline(always)]
fn argmax(rows: &[&Row<f32>], index: &mut Classes, most: &mut [f32; STRIP]) {
    index.fill(0);
    most.copy_from_slice(rows[0].as_flattened());
    for (class, row) in rows.iter().enumerate().skip(1) {
        let row = row.as_flattened();
        for i in 0..STRIP {
            let x = row[i];
            index[i] = if x > most[i] { class as i32 } else { index[i] };
            most[i] = most[i].larger(x);
        }
    }
}

/// Counts where the decision has a class and where the reference has it.
#[inline(always)]
fn add_agreement(
    class: i32,
    predicted: &Classes,
    wanted: &Classes,
    to: usize,
    sums: &mut Sums<f32>,
) {
    let (mut both, mut found, mut there) = (0, 0, 0);
    for i in 0..STRIP {
        let (p, g) = (i32::from(predicted[i] == class), i32::from(wanted[i] == class));
        both += p & g;
        found += p;
        there += g;
    }
    sums.count(Plan::TRUE_POSITIVES, to, both as f32);
    sums.count(Plan::FALSE_POSITIVES, to, (found - both) as f32);
    sums.count(Plan::FALSE_NEGATIVES, to, (there - both) as f32);
}
