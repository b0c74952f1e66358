//! What a loss is to the training loop.

use std::error::Error;

use burn::tensor::{Int, Tensor};

use crate::record::LossRecord;

/// Logits `[batch, channels, height, width]` and labels `[batch, height, width]` to a loss.
pub type Criterion = Box<dyn Fn(Tensor<4>, Tensor<3, Int>) -> Result<Tensor<1>, LossFailure>>;

/// What a loss says of tensors that it does not take.
pub type LossFailure = Box<dyn Error + Send + Sync>;

/// A loss to compare.
pub struct Candidate {
    /// What it is.
    pub record: LossRecord,
    /// What it computes for the head that the classes need.
    pub criterion: Criterion,
}

/// How logits become classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// Two classes from one channel: foreground where the logit is positive.
    Sigmoid,
    /// The class with the largest logit.
    Softmax {
        /// Classes, each with its channel.
        classes: usize,
    },
}

impl Head {
    /// The head for this many classes, background included.
    pub fn new(classes: usize) -> Self {
        if classes <= 2 { Self::Sigmoid } else { Self::Softmax { classes } }
    }

    /// Channels of the logits.
    pub fn channels(self) -> usize {
        match self {
            Self::Sigmoid => 1,
            Self::Softmax { classes } => classes,
        }
    }

    /// Labels `[batch, height, width]` of logits.
    pub fn labels(self, logits: Tensor<4>) -> Tensor<3, Int> {
        match self {
            Self::Sigmoid => logits.greater_elem(0.0).int().squeeze_dim(1),
            Self::Softmax { .. } => logits.argmax(1).squeeze_dim(1),
        }
    }
}
