//! What can be wrong with data, told file by file.

use std::{fmt, io, path::PathBuf};

use super::volume::Extent;

/// Why one file or folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The operating system refused it.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The folder holds nothing to read.
    #[error("found no image in the folder, wanted PNG, TIFF or NIfTI files")]
    EmptyFolder,
    /// The bytes are not what the file's name says.
    #[error("found bytes that do not decode as {format} ({reason}), wanted a whole {format} file")]
    Undecodable {
        /// The format that the name or the first bytes promise.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// The image is larger than this program reads.
    #[error("found {found} voxels, wanted at most {wanted}")]
    TooLarge {
        /// Voxels that the header announces.
        found: u64,
        /// Voxels that are read at most.
        wanted: u64,
    },
    /// A volume with a time axis, or with more axes.
    #[error("found a volume of {found} voxels along its axes, wanted two or three axes")]
    Axes {
        /// The axes' lengths, joined by ×.
        found: String,
    },
    /// An image that has no mask of the same name.
    #[error("found an image without a mask, wanted a mask named `{stem}` in {}", folder.display())]
    NoMask {
        /// The name without its extension.
        stem: String,
        /// Where the mask was looked for.
        folder: PathBuf,
    },
    /// A mask that has no image of the same name.
    #[error("found a mask without an image, wanted an image named `{stem}` in {}", folder.display())]
    NoImage {
        /// The name without its extension.
        stem: String,
        /// Where the image was looked for.
        folder: PathBuf,
    },
    /// Two files whose names differ only in the extension.
    #[error("found a second file named `{stem}` beside {}, wanted one", other.display())]
    SameStem {
        /// The name without its extension.
        stem: String,
        /// The file found first.
        other: PathBuf,
    },
    /// Image and mask do not lie on each other.
    #[error("found a mask of {found}, wanted {wanted} as its image")]
    Extent {
        /// The mask's size.
        found: Extent,
        /// The image's size.
        wanted: Extent,
    },
    /// A mask in colour names no class.
    #[error("found a mask in colour, wanted one channel of class numbers (a palette is fine)")]
    ColourMask,
    /// A mask value that can be no class number.
    #[error("found the mask value {found}, wanted whole numbers from 0 to 65535")]
    NotAClass {
        /// The value.
        found: f64,
    },
    /// More values than a label map has; most likely an image.
    #[error("found {found} different values in the mask, wanted at most {wanted} classes")]
    TooManyClasses {
        /// Different values in the mask.
        found: usize,
        /// Classes at most.
        wanted: usize,
    },
    /// A mask of nothing but zeros.
    #[error(
        "found only background (0) in the mask, wanted another class somewhere (--allow-empty lets it pass)"
    )]
    EmptyMask,
    /// An image without a single finite intensity.
    #[error("found no finite intensity in the image, wanted at least one")]
    NotFinite,
}

/// One file or folder that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct Fault {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it cannot be used.
    pub problem: Problem,
}

/// Why a dataset cannot be used, everything that is wrong at once.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Files that cannot be used.
    #[error("{0}")]
    Faults(Faults),
    /// Masks that agree file by file, but not together.
    #[error("found {found} classes in all masks together, wanted at most {wanted}")]
    TooManyClasses {
        /// Different values in all masks.
        found: usize,
        /// Classes at most.
        wanted: usize,
    },
    /// Every mask holds background only.
    #[error("found no class besides background in any mask, wanted at least one")]
    NoForeground,
    /// Nothing can be held out.
    #[error("found {found}, wanted {wanted} so that some slices can be held out")]
    TooFew {
        /// What there is.
        found: String,
        /// What is needed.
        wanted: &'static str,
    },
    /// A class that one side of the split lacks.
    #[error("found no slice with {} on one side of the split, wanted every class on both; try another validation fraction", classes.join(", "))]
    Uncovered {
        /// The classes' names.
        classes: Vec<String>,
    },
}

/// A list of faults, one a line when shown.
#[derive(Debug)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "fault" } else { "faults" };
        write!(f, "{} {noun} in the data", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}
