//! What a training or validation step returns.

use burn::{
    backend::ExecutionError,
    tensor::Tensor,
    train::{
        ItemLazy,
        metric::{Adaptor, LossInput},
    },
};
use dice_loss::{Counts, Moments};

use crate::Evaluation;

/// Segmentation output adapted for multiple metrics.
///
/// Supported metrics:
/// - Loss
/// - Dice and IoU, by [`OverlapMetric`](super::OverlapMetric)
///
/// It comes from a loss's [`Evaluation`], whose one sweep has counted already, so it carries no
/// logits to the metrics' thread. The objective must name a decision
/// ([`Objective::decision`](dice_loss::Objective::decision), or the configuration's `decision`);
/// without one the overlap metrics have no value. To measure beside another loss, evaluate an
/// objective whose only term has a weight of 0.
#[derive(Debug, Clone)]
pub struct SegmentationOutput {
    /// The loss. Shape: `[1]`.
    pub loss: Tensor<1>,
    /// The sums of the batch, with the counts of the hard decision.
    pub moments: Moments,
}

impl SegmentationOutput {
    /// Of a loss and the moments of the same batch.
    pub fn new(loss: Tensor<1>, moments: Moments) -> Self {
        Self { loss, moments }
    }
}

impl From<Evaluation> for SegmentationOutput {
    fn from(evaluation: Evaluation) -> Self {
        Self::new(evaluation.loss, evaluation.moments)
    }
}

impl ItemLazy for SegmentationOutput {
    fn sync(self) -> Result<Self, ExecutionError> {
        // No readback, as in Burn's own outputs: the metric thread waits for the loss.
        self.loss.device().flush()?;
        Ok(Self { loss: self.loss.without_autodiff(), moments: self.moments })
    }
}

impl Adaptor<LossInput> for SegmentationOutput {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone())
    }
}

/// Input of an [`OverlapMetric`](super::OverlapMetric): the counts of each class over a batch.
#[derive(Debug, Clone)]
pub struct CountsInput {
    /// Of each class; empty if the objective named no decision.
    pub counts: Vec<Counts>,
    /// Samples that were counted.
    pub samples: usize,
}

impl Adaptor<CountsInput> for SegmentationOutput {
    fn adapt(&self) -> CountsInput {
        let moments = &self.moments;
        let of_class =
            |class| (0..moments.samples()).map(|sample| moments.counts(sample, class)).sum();
        let counts: Option<_> = (0..moments.classes()).map(of_class).collect();
        CountsInput { counts: counts.unwrap_or_default(), samples: moments.samples() }
    }
}
