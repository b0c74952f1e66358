//! Morphology of label maps and masks: what losses and scores that see boundaries, borders and
//! centre lines are made from.
//!
//! Maps are contiguous, row-major buffers of any integer type, or of `bool`, with one to three axes;
//! a [`Grid`] has their shape and the spacing of their voxels. Every function takes a label map and
//! the classes wanted, reads the labels as they are, works on all threads of the rayon pool that it
//! is called from, and writes into a buffer of the caller's. Results do not depend on the number of
//! threads, bit for bit.

#![deny(missing_docs)]

mod ball;
mod components;
mod distance;
mod envelope;
mod error;
mod extent;
mod grid;
mod interrupt;
mod isa;
mod label;
mod nearest;
mod room;
mod separable;
mod thinning;
mod two_nearest;

pub use ball::{dilate, erode};
pub use components::{Component, Connectivity, connected_components};
pub use distance::{Distance, Signed, distance_transform, signed_distance};
pub use error::{Error, Result};
pub use grid::Grid;
pub use interrupt::interruptible;
pub use label::Label;
pub use nearest::{border_weights, nearest_component, two_nearest};
pub use thinning::skeletonize;
