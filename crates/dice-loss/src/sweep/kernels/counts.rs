//! Hard counts of a strip: where a decision and the reference agree.

use super::{
    super::{
        channel::probability, isa::Instructions, labels::NONE, lanes::LANES, measure::Sums,
        number::Number,
    },
    Recipe,
    strip::{BLOCKS, Row, Strip},
};
use crate::{Activation, Decision, plan::Plan};

impl Recipe {
    /// Whether such decisions are counted strip by strip: a class of those that exclude each other,
    /// or a threshold of each channel.
    pub(super) fn counts(&self, decision: Decision) -> bool {
        matches!(decision, Decision::Threshold(_)) == (self.classes == 1)
    }
}

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
    if let Decision::Threshold(threshold) = decision {
        let threshold = threshold as f32;
        let (x, g) = (strip.logits[0], strip.reference[0]);
        return add_agreement(first, sums, |block, i| {
            let counts = strip.weight[block][i] != 0.0;
            let p = probability::<I, f32>(activation, x[block][i]);
            ((p >= threshold) & counts, (g[block][i] >= threshold) & counts)
        });
    }
    let (predicted, _) = largest(&strip.logits[..recipe.classes]);
    let mut found;
    let wanted = if recipe.is_dense {
        let most;
        (found, most) = largest(&strip.reference[..recipe.classes]);
        for (found, &most) in found.as_flattened_mut().iter_mut().zip(most.as_flattened()) {
            // All zero: no class.
            *found = if most > 0.0 { *found } else { NONE };
        }
        &found
    } else {
        strip.label
    };
    for class in 0..recipe.classes {
        add_agreement(first + class, sums, |block, i| {
            let counts = strip.weight[block][i] != 0.0;
            let is = |index: i32| (index == class as i32) & counts;
            (is(predicted[block][i]), is(wanted[block][i]))
        });
    }
}

/// The class of the largest value, of equal ones the first, and that value.
#[inline(always)]
fn largest(rows: &[&Row<f32>]) -> (Row<i32>, Row<f32>) {
    let (mut index, mut largest) = ([[0; LANES]; BLOCKS], *rows[0]);
    for (class, row) in rows.iter().enumerate().skip(1) {
        for block in 0..BLOCKS {
            for i in 0..LANES {
                let (x, most) = (row[block][i], largest[block][i]);
                index[block][i] = if x > most { class as i32 } else { index[block][i] };
                largest[block][i] = most.larger(x);
            }
        }
    }
    (index, largest)
}

/// Counts where the decision has a class and where the reference has it.
#[inline(always)]
fn add_agreement(class: usize, sums: &mut Sums<f32>, has: impl Fn(usize, usize) -> (bool, bool)) {
    let (mut both, mut predicted, mut wanted) = ([0u32; LANES], [0u32; LANES], [0u32; LANES]);
    for block in 0..BLOCKS {
        for i in 0..LANES {
            let (p, g) = has(block, i);
            both[i] += u32::from(p & g);
            predicted[i] += u32::from(p);
            wanted[i] += u32::from(g);
        }
    }
    let [both, predicted, wanted] =
        [both, predicted, wanted].map(|lanes| lanes.iter().sum::<u32>());
    sums.count(Plan::TRUE_POSITIVES, class, both as f32);
    sums.count(Plan::FALSE_POSITIVES, class, (predicted - both) as f32);
    sums.count(Plan::FALSE_NEGATIVES, class, (wanted - both) as f32);
}
