//! Hard counts of a strip.

use super::{
    super::{
        agreement::{argmax, count, counted, reached},
        geometry::STRIP,
        isa::Instructions,
        odds::probability,
        sums::Sums,
    },
    Recipe,
    buffers::flat,
    strip::Strip,
};
use crate::{Activation, Decision};

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
    (decision, activation): (Decision, Activation),
    recipe: &Recipe,
    first: usize,
    strip: &Strip,
    sums: &mut Sums<f32>,
) {
    let weight = flat(strip.weight);
    let decided = match decision {
        Decision::Threshold(threshold) => {
            let (threshold, x) = (threshold as f32, flat(strip.logits[0]));
            let mut p = [0.0; STRIP];
            for i in 0..STRIP {
                p[i] = probability::<I, f32>(activation, x[i]);
            }
            let wanted = reached(flat(strip.reference[0]), weight, threshold);
            [reached(&p, weight, threshold), wanted]
        }
        Decision::Argmax => {
            let (predicted, _) = argmax(|class| flat(strip.logits[class]), recipe.classes);
            let wanted = if recipe.is_dense {
                let (wanted, most) = argmax(|class| flat(strip.reference[class]), recipe.classes);
                // All zero: no class.
                counted(&wanted, weight, |i| most[i] > 0.0)
            } else {
                counted(flat(strip.label), weight, |_| true)
            };
            [counted(&predicted, weight, |_| true), wanted]
        }
    };
    for class in 0..recipe.classes {
        count(class as i32, [&decided[0], &decided[1]], first + class, sums);
    }
}
