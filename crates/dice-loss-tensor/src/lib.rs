//! What the front ends of dice-loss for Burn and Candle share.
//!
//! A front end goes to the engine where it can borrow a tensor's memory. On any other device the sums
//! over the voxels come from the framework's own operations, the arithmetic on them from the engine,
//! and with the engine's derivatives by the sums the framework's automatic differentiation does the
//! rest. That second way is here, once:
//!
//! - [`Operations`] is what a framework's tensors must be able to do;
//! - [`Source`] is a batch on a device: where its tensors come from, and whether kernels take its sums;
//! - [`evaluate`] is the loss;
//! - [`Rules`], [`check_reference`], [`channels_of_map`] and [`spread`] say what fits the logits, in either way to a loss;
//! - [`named`] is how the settings of a loss by name become an objective.
//!
//! With the feature `testing` there are the questions that the tests of either ask.

#![deny(missing_docs)]

pub use dice_loss;

mod evaluate;
mod integrands;
pub mod named;
mod operations;
mod slopes;
mod targets;
#[cfg(feature = "testing")]
pub mod testing;
mod voxels;
mod weights;

pub use evaluate::{Evaluated, Form, Source, beyond_the_engine, evaluate};
pub use operations::{Computed, Element, Labels, Mask, Numbers, Operations};
pub use targets::{About, Reference, Rules, Tensors, channels_of_map, check_reference, spread};
