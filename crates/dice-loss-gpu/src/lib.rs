//! The two sweeps as GPU kernels.

#![deny(missing_docs)]

pub mod aot;
mod batch;
#[cfg(feature = "emit")]
pub mod emit;
#[cfg(feature = "kernels")]
pub(crate) mod kernels;
#[cfg(feature = "kernels")]
mod launch;
mod plan;
mod recipe;

pub use batch::{Batch, Kind};
#[cfg(feature = "kernels")]
pub use launch::{Buffers, measure, pull_back, takes};
pub use plan::{Geometry, Needs, Pass, Passes, View};
pub use recipe::{Form, Quantity, Recipe, UNITS};
