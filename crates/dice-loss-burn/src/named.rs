//! What the losses by name have in common: how their settings become an objective and its module.

use burn::nn::loss::Reduction;
use dice_loss::{Decision, Objective};
use dice_loss_tensor::named;
pub(crate) use dice_loss_tensor::named::{compound, single};

use crate::{DirectLoss, SegmentationLoss};

/// Burn's reductions in the engine's words, and whether a sum is divided by the number of samples.
fn in_words(reduction: &Reduction) -> (dice_loss::Reduction, bool) {
    use dice_loss::Reduction::{Mean, Sum};
    match reduction {
        Reduction::Mean | Reduction::Auto => (Mean, false),
        Reduction::Sum => (Sum, false),
        Reduction::BatchMean => (Sum, true),
    }
}

/// The loss, with what the configuration says of its reduction.
pub(crate) fn reduced(
    objective: Objective,
    ignore_index: Option<i64>,
    reduction: &Reduction,
    decision: Option<Decision>,
) -> SegmentationLoss {
    let (reduction, batch_mean) = in_words(reduction);
    SegmentationLoss::new(named::reduced(objective, reduction, decision))
        .with_ignore_index(ignore_index)
        .with_batch_mean(batch_mean)
}

/// The same of a loss beside the objective.
pub(crate) fn direct(
    loss: dice_loss::DirectLoss,
    ignore_index: Option<i64>,
    reduction: &Reduction,
) -> DirectLoss {
    let (reduction, batch_mean) = in_words(reduction);
    DirectLoss::new(loss.reduction(reduction))
        .with_ignore_index(ignore_index)
        .with_batch_mean(batch_mean)
}
