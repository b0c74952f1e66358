//! Training the same network once per loss, and measuring what it learned.

mod compare;
mod counts;
mod criterion;
mod predict;
mod run;
mod unet;

pub use compare::{Compared, Prediction, compare};
pub use counts::Counts;
pub use criterion::{Candidate, Criterion, Head};
pub use predict::predict;
pub use run::{Plan, Watch};
pub use unet::{UNet, UNetConfig};
