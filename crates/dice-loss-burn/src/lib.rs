//! Segmentation losses for Burn: Dice and its family, with exact gradients in two sweeps.
//!
//! A loss is a configuration and a module, as in burn-nn: [`DiceLossConfig`] makes a [`DiceLoss`],
//! and so on for every loss of the engine. [`SegmentationLoss`] makes a module of any
//! [`Objective`](dice_loss::Objective): as many losses as you like, added up, those that you write
//! yourself among them. [`DirectLoss`] makes one of what is no function of sums, such as the Lovász losses.
//! [`Targets`] says what the reference is and which of it counts.
//!
//! ```
//! use burn::tensor::{Device, Int, Tensor};
//! use dice_loss_burn::{DiceCrossEntropyLossConfig, Targets, dice_loss::Activation};
//!
//! let loss = DiceCrossEntropyLossConfig::new(Activation::Softmax).with_background(false).init();
//!
//! let device = Device::flex().autodiff();
//! let logits = Tensor::<4>::zeros([2, 3, 8, 8], &device).require_grad();
//! let labels = Tensor::<3, Int>::ones([2, 8, 8], &device);
//! let targets = Targets::labels(labels).ignore_index(255);
//! let gradients = loss.forward(logits.clone(), targets).backward();
//! assert!(logits.grad(&gradients).is_some());
//! ```
//!
//! # Backends
//!
//! | Backend | Forward | Backward | Kept in between |
//! |---|---|---|---|
//! | Flex | one sweep of the engine over the borrowed tensors | one sweep that writes the gradient | sums per sample and class |
//! | CubeCL: CUDA, ROCm, Metal, Vulkan, WebGPU | a kernel over the tensors on the device and one that joins its sums, which are read back | a kernel that writes the gradient | sums per sample and class |
//! | any other | tensor operations, then the sums are read back | Burn's autodiff | what autodiff keeps |
//!
//! A [`DirectLoss`] is computed by the engine everywhere. On Flex it writes the gradient with the loss where the
//! logits are tracked; from any other backend logits and targets are read back, and loss and gradient brought
//! there.
//!
//! On Flex, logits may be f32, f64, f16 or bf16, and labels of any integer type; a view is followed
//! without a copy where its spatial axes collapse into one: contiguous, channels last, some samples
//! or channels of a larger tensor. The other backends' numbers are the same to their precision,
//! but an infinite loss comes out as NaN.
//!
//! On a GPU, enable the feature of this crate that has the name of Burn's: `cuda`, `rocm`, `metal`,
//! `vulkan`, `webgpu` or `wgpu`; each brings Burn's `fusion` with it. The kernels take logits in f32,
//! f16 and bf16 and up to 256 classes, and compute in f32. Logits in f64, maps of voxel losses
//! (reduction none), tensors of 2³² elements and more, and very many classes with very many terms go
//! by tensor operations. Labels are checked on the device; only if one is out of range does the
//! batch come back to say which.
//!
//! A device with too few storage buffers or too little shared memory for the kernels takes tensor operations
//! too; one warning through `log` says what it lacks. Logits in a type that the device does not have, such as f16
//! on OpenGL, are refused with an error that names both: Burn itself cannot compute with them there.
//!
//! # Maps
//!
//! A map weighs the voxels of the terms that name it: [`Targets::map`]. The losses that want one,
//! [`BoundaryLoss`], [`HausdorffDTLoss`], [`SkeletonRecallLoss`] and [`BorderCrossEntropyLoss`], have a name
//! for it and on the Flex backend make it of the targets, unless it is handed in; on other backends they ask
//! for it ([`dice_loss::Prepared::make_map`] makes it). Any other loss names one in its configuration. The
//! kernels read one map and want a storage buffer more for it, eight in all; batches with several maps, or
//! on a device with fewer buffers, go by tensor operations.
//!
//! # Training
//!
//! With the feature `train`, the module `train` has the output and the metrics for burn-train. The example
//! `train_segmentation` is complete.

#![deny(missing_docs)]

pub use dice_loss;

mod direct;
#[cfg(feature = "cube")]
mod kernels;
mod losses;
mod named;
mod on_device;
mod operations;
mod ranked;
mod segmentation;
mod sweeps;
mod targets;
#[cfg(feature = "train")]
pub mod train;
mod types;

pub use direct::DirectLoss;
pub use losses::*;
pub use ranked::*;
pub use segmentation::{Evaluation, SegmentationLoss};
pub use targets::Targets;

#[cfg(test)]
mod tests;
