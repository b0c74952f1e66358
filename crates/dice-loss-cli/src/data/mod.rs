//! Images and label maps in memory, split into training and validation slices.
//!
//! ```text
//! embedded ─┐ Case (one file or volume)            Dataset               Crops
//! folder   ─┴───────────────────────────▶ assemble ───────▶ CropSampler ───────▶ training
//! ```

mod assemble;
mod crop;
mod embedded;
mod fault;
mod file;
mod folder;
mod geometry;
mod memory;
mod names;
pub mod nifti;
pub mod raster;
mod spacing;
mod split;
pub mod stack;
mod volume;

pub use assemble::{Case, Origin, assemble};
pub use crop::{CropSampler, Crops};
pub use embedded::embedded;
pub use fault::{DataError, Fault, Faults, Problem, printable};
pub use file::{MaskFile, mask_file};
pub use folder::{Folders, folder};
pub use geometry::Geometry;
pub use spacing::{Spacing, Unit};
pub use split::{FILES_FRACTION, Split, VOLUME_FRACTION};
pub use volume::{Extent, MAX_VOXELS, Mask, Scan};

/// Classes that a dataset may have, background included.
pub const MAX_CLASSES: usize = 64;

/// The label of voxels that do not count; above those of all classes.
pub const IGNORED: u8 = u8::MAX;

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
    /// Whether some voxels may be labelled [`IGNORED`].
    pub ignores: bool,
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
    /// `height × width` labels, of classes or [`IGNORED`].
    pub labels: Vec<u8>,
}

impl Slice {
    /// A part of it.
    pub fn window(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let rows = || (top..top + height).map(|y| y * self.width + left);
        let mut image = Vec::with_capacity(self.image.len() / self.labels.len() * width * height);
        for plane in self.image.chunks_exact(self.labels.len()) {
            rows().for_each(|row| image.extend_from_slice(&plane[row..row + width]));
        }
        let mut labels = Vec::with_capacity(width * height);
        rows().for_each(|row| labels.extend_from_slice(&self.labels[row..row + width]));
        Self { name: self.name.clone(), width, height, image, labels }
    }
}

impl Dataset {
    /// Cuts validation slices of more than so many voxels to their middle, so that one can be predicted in little time.
    pub fn cut_validation(&mut self, voxels: usize) {
        let side = voxels.isqrt().max(1);
        let mut cut = 0;
        for &slice in &self.split.validation {
            let whole = &self.slices[slice];
            if whole.labels.len() <= side * side {
                continue;
            }
            let width = whole.width.min((side * side / whole.height.min(side)).max(1));
            let height = whole.height.min((side * side / width).max(1));
            let [left, top] = [(whole.width - width) / 2, (whole.height - height) / 2];
            self.slices[slice] = whole.window(left, top, width, height);
            cut += 1;
        }
        if cut > 0 {
            self.notes.push(format!(
                "{cut} validation slices are too large for the time and are scored in their middle, {side} × {side} \
                 voxels or as many"
            ));
        }
    }

    /// Labels of the classes that means are taken over when `rare` alone are asked for, else of all but background.
    pub fn foreground(&self, rare: bool) -> impl Iterator<Item = usize> + '_ {
        (1..self.classes.len()).filter(move |&label| !rare || self.classes[label].is_rare())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_part_of_every_channel() {
        let slice = Slice {
            name: "s".into(),
            width: 3,
            height: 2,
            image: (0..12).map(|v| v as f32).collect(),
            labels: vec![0, 1, 2, 3, 4, 5],
        };
        let part = slice.window(1, 1, 2, 1);
        assert_eq!((part.image, part.labels), (vec![4.0, 5.0, 10.0, 11.0], vec![4, 5]));
    }

    #[test]
    fn large_validation_slices_are_cut_to_their_middle() {
        let mut data = embedded(None).unwrap();
        let before = data.clone();
        data.cut_validation(32 * 32);
        for &slice in &data.split.validation {
            let (part, whole) = (&data.slices[slice], &before.slices[slice]);
            assert_eq!((part.width, part.height), (32, 32));
            assert_eq!(part.labels[0], whole.labels[48 * 128 + 48]);
        }
        assert_eq!(data.slices[data.split.training[0]], before.slices[data.split.training[0]]);
        assert!(data.notes[0].contains("8 validation slices"), "{:?}", data.notes);
    }
}
