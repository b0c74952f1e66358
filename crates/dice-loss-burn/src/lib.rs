//! Segmentation losses for [Burn](burn): Dice and its family, with exact gradients.

#![deny(missing_docs)]

pub use dice_loss;

mod losses;
mod segmentation;
mod sweeps;
mod targets;
mod tensor_ops;
#[cfg(feature = "train")]
pub mod train;

pub use losses::*;
pub use segmentation::{Evaluation, SegmentationLoss};
pub use targets::Targets;

#[cfg(test)]
mod tests;
