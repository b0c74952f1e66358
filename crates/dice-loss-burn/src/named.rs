//! What the losses by name have in common: how their settings become an objective and its module.

use burn::nn::loss::Reduction;
use dice_loss::{Decision, Objective};
use dice_loss_tensor::named;
pub(crate) use dice_loss_tensor::named::{compound, single};

use crate::SegmentationLoss;

/// Burn's reductions in the engine's words.
pub(crate) fn reduced(
    objective: Objective,
    ignore_index: Option<i64>,
    reduction: &Reduction,
    decision: Option<Decision>,
) -> SegmentationLoss {
    use dice_loss::Reduction::{Mean, Sum};
    let (reduction, batch_mean) = match reduction {
        Reduction::Mean | Reduction::Auto => (Mean, false),
        Reduction::Sum => (Sum, false),
        Reduction::BatchMean => (Sum, true),
    };
    SegmentationLoss::new(named::reduced(objective, reduction, decision))
        .with_ignore_index(ignore_index)
        .with_batch_mean(batch_mean)
}
