//! Segmentation losses for Candle: Dice and its family, with exact gradients in two sweeps.
//!
//! A loss is a configuration and a struct with `forward`, as in candle-nn: [`DiceLossConfig`] makes a
//! [`DiceLoss`], and so on for every loss of the engine. [`SegmentationLoss`] takes any
//! [`Objective`](dice_loss::Objective): as many losses as you like, added up, those that you write
//! yourself among them. [`DirectLoss`] takes those that are no functions of sums, such as the Lovász losses.
//! [`Targets`] says what the reference is, which of it counts, and what weighs its voxels.
//!
//! ```
//! use candle_core::{DType, Device, Tensor, Var};
//! use dice_loss_candle::{DiceCrossEntropyLoss, DiceCrossEntropyLossConfig, Targets};
//! use dice_loss_candle::dice_loss::Activation;
//!
//! let loss = DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
//!     background: false,
//!     ..DiceCrossEntropyLossConfig::new(Activation::Softmax)
//! });
//!
//! let logits = Var::zeros((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
//! let labels = Tensor::ones((2, 8, 8), DType::U8, &Device::Cpu)?;
//! let gradients = loss.forward(&logits, Targets::labels(&labels).ignore_index(255))?.backward()?;
//! assert_eq!(gradients.get(&logits).map(|gradient| gradient.dims()), Some(&[2, 3, 8, 8][..]));
//! # Ok::<(), candle_core::Error>(())
//! ```
//!
//! # Devices
//!
//! | Device | Forward | Backward | Kept in between |
//! |---|---|---|---|
//! | CPU | one sweep of the engine over the borrowed tensors | one sweep that writes the gradient | sums per sample and class |
//! | CUDA, Metal | tensor operations, then the sums are read back | Candle's backpropagation | what backpropagation keeps |
//! | these, [`DirectLoss`] | tensors are read back, and the engine ranks | the gradient is brought to the device | the gradient |
//!
//! On the CPU, logits may be f32, f64, f16 or bf16, and labels of any integer type. A view is followed
//! without a copy where its spatial axes collapse into one: contiguous, channels last, some samples
//! or channels of a larger tensor. The sweeps run in the rayon pool that they are called from.
//!
//! The other devices' numbers are the same to their precision, but an infinite loss comes out as NaN.
//! Their operations are tested on the CPU only.
//!
//! A gradient has no graph of its own: there are no second derivatives.

#![deny(missing_docs)]

pub use dice_loss;

mod direct;
mod losses;
mod named;
mod on_device;
mod operations;
mod ranked;
mod segmentation;
mod sweeps;
mod targets;

pub use direct::DirectLoss;
pub use losses::*;
pub use ranked::*;
pub use segmentation::{Evaluation, SegmentationLoss};
pub use targets::Targets;

#[cfg(test)]
mod tests;

/// The engine's error, word for word, as Candle's.
fn refused(error: dice_loss::Error) -> candle_core::Error {
    candle_core::Error::wrap(error)
}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/candle.md")]
struct Document;
