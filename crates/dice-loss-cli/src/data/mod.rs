//! Images and label maps in memory, split into training and validation slices.
//!
//! ```text
//! embedded ─┐ Case (one file or volume)            Dataset               Batch
//! folder   ─┴───────────────────────────▶ assemble ───────▶ CropSampler ───────▶ training
//! ```

mod assemble;
mod crop;
mod embedded;
mod fault;
mod folder;
pub mod nifti;
pub mod raster;
mod split;
mod volume;

pub use assemble::{Case, Origin, assemble};
pub use crop::{Batch, CropSampler};
pub use embedded::embedded;
pub use fault::{DataError, Fault, Faults, Problem};
pub use folder::folder;
pub use split::{FILES_FRACTION, Split, VOLUME_FRACTION};
pub use volume::{Extent, MAX_VOXELS, Mask, Scan};

/// Classes that a dataset may have, background included.
pub const MAX_CLASSES: usize = 64;

/// A class is rare below this share of all voxels.
pub const RARE_SHARE: f64 = 0.01;

/// Slices, their label maps, and which of them are held out.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What the data is, in a few words.
    pub title: String,
    /// What the data is and what numbers measured on it can and cannot say.
    pub statement: String,
    /// What the reader of a report has to know besides, such as a class that was never held out.
    pub notes: Vec<String>,
    /// Classes by label; the first is background.
    pub classes: Vec<Class>,
    /// Channels of every slice: 1 for grey, 3 for colour.
    pub channels: usize,
    /// All slices, those of one volume in their order.
    pub slices: Vec<Slice>,
    /// Share that was to be held out.
    pub validation_fraction: f64,
    /// Which slices train, which are held out, which are left out between them.
    pub split: Split,
}

/// One class of a label map.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// What it is called.
    pub name: String,
    /// Its voxels in all slices.
    pub voxels: u64,
    /// Its share of all voxels.
    pub share: f64,
}

impl Class {
    /// Whether it holds less than [`RARE_SHARE`] of the voxels.
    pub fn is_rare(&self) -> bool {
        self.share < RARE_SHARE
    }
}

/// One two-dimensional image and its label map.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// The file's name, and the slice's number in a volume.
    pub name: String,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `channels × height × width` normalised intensities.
    pub image: Vec<f32>,
    /// `height × width` labels.
    pub labels: Vec<u8>,
}

impl Dataset {
    /// Labels of the classes that means are taken over when `rare` alone are asked for, else of all but background.
    pub fn foreground(&self, rare: bool) -> impl Iterator<Item = usize> + '_ {
        (1..self.classes.len()).filter(move |&label| !rare || self.classes[label].is_rare())
    }
}
