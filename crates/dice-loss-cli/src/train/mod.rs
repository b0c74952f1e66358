//! Training the same network once per loss, and measuring what it learned.

mod compare;
mod counts;
mod criterion;
mod pace;
mod predict;
mod run;
mod step;
mod unet;

pub use compare::{Compared, Prediction, compare};
pub use counts::Counts;
pub use criterion::{Candidate, Criterion, Head, LossFailure};
pub use pace::Pace;
pub use predict::predict;
pub use run::{Plan, Watch};
pub use unet::{UNet, UNetConfig};

/// Why nothing could be trained or measured.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A network does not take the weights that another of its kind gave.
    #[error("the initial weights cannot be copied: {0}")]
    Weights(String),
    /// A loss does not take the logits or the labels.
    #[error("{loss}: {source}")]
    Loss {
        /// The loss.
        loss: String,
        /// What it says.
        source: LossFailure,
    },
    /// The backend gave back something else than labels of every voxel.
    #[error("found {found} predicted voxels, wanted {wanted}")]
    Predictions {
        /// Voxels predicted.
        found: usize,
        /// Voxels of the slices.
        wanted: usize,
    },
}
