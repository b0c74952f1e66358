//! What the losses by name have in common: how their settings become an objective.

use dice_loss::{Decision, Objective, Reduction};
use dice_loss_tensor::named;
pub(crate) use dice_loss_tensor::named::{compound, single};

use crate::SegmentationLoss;

/// The loss, with what the configuration says of its reduction.
pub(crate) fn reduced(
    objective: Objective,
    ignore_index: Option<i64>,
    reduction: Reduction,
    decision: Option<Decision>,
) -> SegmentationLoss {
    SegmentationLoss::new(named::reduced(objective, reduction, decision))
        .with_ignore_index(ignore_index)
}
