//! Which voxels a voxel loss is the mean over: all, or the hardest.

use crate::{
    declaration::*,
    maps::{Recipe, Wanted},
};

/// The voxels that a voxel loss is the mean over: all that count, or the hardest of them.
///
/// - **Top-k**: a share of the voxels that count, those with the largest losses, class weights and voxel
///   weights included; rounded down, and at least one.
/// - **OHEM** (online hard example mining): the voxels whose probability of the truth is below a threshold,
///   whatever they weigh; with a share too, at most that.
///
/// All samples are looked at together, and at least [`min_kept`](Self::min_kept) voxels are taken, as far as
/// there are. Of voxels that are equally hard the first are taken, in the order of (sample, class, voxel).
/// Where every class has a loss of its own, so under sigmoid, each class of a voxel counts as one. What does
/// not count is never taken: masked and ignored voxels, classes that were not annotated, and those with a
/// weight of 0.
///
/// The selection is a map of 0 and 1 called `hardest` ([`Term::map`](crate::Term::map)), made anew from
/// logits and target in each step ([`Prepared::make_map`](crate::Prepared::make_map)); no gradient goes
/// through it.
///
/// - **Errors**: a share or a threshold outside [0, 1].
/// - **Paper**: Wu et al. 2016, <https://arxiv.org/abs/1605.06885>; OHEM, Shrivastava et al. 2016,
///   <https://arxiv.org/abs/1604.03540>.
///
/// ```
/// use dice_loss::{CrossEntropy, Layout, Logits, Objective, Selection, Target};
/// let selection = Selection { top_k: 0.5, ..Selection::default() };
/// let loss = CrossEntropy { selection, ..CrossEntropy::default() };
/// let objective = Objective::new().term(1.0, loss.softmax()).prepare(2)?;
/// let (x, labels) = ([0.0f32, 0.0, 0.0, 0.0, 3.0, 1.0, -2.0, 2.0], [1u8, 0, 1, 0]);
/// let logits = Logits::new(&x, Layout::channels_first(&[1, 2, 4])?)?;
/// let target = Target::labels(&labels, Layout::voxels(&[1, 4])?)?;
/// // Wrong are the last two.
/// assert_eq!(objective.make_map("hardest", &logits, &target, &[4])?, [0.0, 0.0, 1.0, 1.0]);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selection {
    /// The share of the voxels that is taken; 1 by default: all.
    pub top_k: f64,
    /// The probability of the truth below which a voxel is taken; 1 by default: all.
    pub threshold: f64,
    /// How many voxels of the batch are taken at least; 0 by default.
    pub min_kept: usize,
}

impl Default for Selection {
    fn default() -> Self {
        Self { top_k: 1.0, threshold: 1.0, min_kept: 0 }
    }
}

impl Declare for Selection {
    const DECLARATION: Declaration =
        Declaration { name: "selection", class: "Selection", ..Declaration::OWN };

    const OPTIONS: &'static [LossOption<Self>] = &[
        LossOption::new(
            "top_k",
            "the share of the voxels that count, those with the largest losses, which the loss is the \
             mean over; 1 for all",
            |l: &mut Self| Slot::Number(&mut l.top_k),
        )
        .range(Range::closed(0.0, 1.0))
        .trial("0.4"),
        LossOption::new(
            "threshold",
            "the probability of the truth below which a voxel is one that the loss is the mean over \
             (OHEM); 1 for all",
            |l: &mut Self| Slot::Number(&mut l.threshold),
        )
        .range(Range::closed(0.0, 1.0))
        .trial("0.4"),
        LossOption::new(
            "min_kept",
            "how many voxels of the batch `top_k` and `threshold` leave at least",
            |l: &mut Self| Slot::Count(&mut l.min_kept),
        )
        .trial("3"),
    ];
}

impl Selection {
    /// The map that it is, unless it takes all.
    pub(super) fn map(self) -> Option<Wanted> {
        let takes_all = self.top_k >= 1.0 && self.threshold >= 1.0;
        let recipe = Recipe::Hardest { selection: self };
        (!takes_all).then_some(Wanted { name: "hardest", is_signed: false, recipe })
    }

    /// Whether voxels are taken by their probabilities, whatever they weigh; otherwise by their losses.
    pub(crate) fn is_by_probability(self) -> bool {
        self.threshold < 1.0
    }

    /// How many of so many voxels that count are taken, of which so many are below the threshold.
    pub(crate) fn taken(self, counted: usize, below: usize) -> usize {
        // What a share like 0.29 lacks to its decimal digits is not to cost a voxel.
        let share = ((self.top_k * counted as f64 * (1.0 + 1e-12)) as usize).max(1);
        let below = if self.is_by_probability() { below } else { counted };
        share.min(below).max(self.min_kept).min(counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down_to_at_least_one() {
        let top = |top_k, counted| Selection { top_k, ..Selection::default() }.taken(counted, 0);
        assert_eq!([top(0.1, 30), top(0.29, 100), top(0.7, 10)], [3, 29, 7]);
        assert_eq!([top(0.1, 39), top(0.1, 9), top(0.0, 5), top(0.1, 0)], [3, 1, 1, 0]);
        let kept = Selection { top_k: 0.1, min_kept: 7, ..Selection::default() };
        assert_eq!([kept.taken(100, 0), kept.taken(50, 0), kept.taken(4, 0)], [10, 7, 4]);
    }

    #[test]
    fn thresholds_take_what_is_below() {
        let below = Selection { threshold: 0.7, ..Selection::default() };
        assert_eq!([below.taken(9, 4), below.taken(9, 0)], [4, 0]);
        let kept = Selection { min_kept: 5, ..below };
        assert_eq!([kept.taken(9, 4), kept.taken(9, 6), kept.taken(3, 0)], [5, 6, 3]);
        let both = Selection { top_k: 0.5, ..kept };
        assert_eq!([both.taken(20, 15), both.taken(20, 7), both.taken(20, 1)], [10, 7, 5]);
    }
}
