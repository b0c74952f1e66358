//! What can be wrong with data, told file by file.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{geometry::Geometry, volume::Extent};

/// Files of one fault that are named.
const NAMED: usize = 3;

/// Different faults that are shown.
const SHOWN: usize = 20;

/// Why one file or folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The operating system refused it.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The folder holds nothing to read.
    #[error("found no image in the folder, wanted PNG, JPEG, TIFF or NIfTI files")]
    EmptyFolder,
    /// A folder, a pipe or a device under the name of an image.
    #[error("found {found}, wanted a file")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// A name that ends as no format's does.
    #[error("found a name of no format that is read, wanted .png, .tif, .tiff, .nii or .nii.gz")]
    UnknownFormat,
    /// The bytes are not what the file's name says.
    #[error("found bytes that do not decode as {format} ({reason}), wanted a whole {format} file")]
    Undecodable {
        /// The format that the name or the first bytes promise.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// The file is larger than this program reads.
    #[error("found {found} bytes, wanted at most {wanted}")]
    TooManyBytes {
        /// Bytes of the file.
        found: u64,
        /// Bytes that are read at most.
        wanted: u64,
    },
    /// The image is larger than this program reads.
    #[error(
        "found {found} voxels, wanted at most {wanted}, the limit of a file and of what memory is left"
    )]
    TooLarge {
        /// Voxels that the header announces.
        found: u64,
        /// Voxels that are read at most.
        wanted: u64,
    },
    /// The operating system gives no memory for the voxels.
    #[error("found no memory for the voxels: {reason}")]
    Memory {
        /// What it said.
        reason: String,
    },
    /// A volume with a time axis, or with more axes.
    #[error("found a volume of {found} voxels along its axes, wanted two or three axes")]
    Axes {
        /// The axes' lengths, joined by ×.
        found: String,
    },
    /// Pages that cannot lie on each other.
    #[error("found a page {page} of {found}, wanted {wanted} as the first and as many channels")]
    PagesDiffer {
        /// Which page, the first being 1.
        page: usize,
        /// Its size.
        found: Extent,
        /// The first page's size.
        wanted: Extent,
    },
    /// An image that has no mask of the same name.
    #[error(
        "found an image without a mask, wanted a mask of its name in {}; {NAMES}",
        printable(folder)
    )]
    NoMask {
        /// Where the mask was looked for.
        folder: PathBuf,
    },
    /// A mask that has no image of the same name.
    #[error(
        "found a mask without an image, wanted an image of its name in {}; {NAMES}",
        printable(folder)
    )]
    NoImage {
        /// Where the image was looked for.
        folder: PathBuf,
    },
    /// Two files whose names differ only in the extension.
    #[error("found a second file of that name beside {}, wanted one", printable(other))]
    SameStem {
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
    /// Image and mask lie at different places of the body.
    #[error(
        "found a mask that lies up to {apart:.1} mm from its image ({found}), wanted it within half a voxel of the \
         image ({wanted}); --ignore-geometry takes it voxel by voxel"
    )]
    Elsewhere {
        /// The largest distance of a corner from the image's.
        apart: f64,
        /// Where the mask lies.
        found: Box<Geometry>,
        /// Where the image lies.
        wanted: Box<Geometry>,
    },
    /// Channels of an image, in files of their own, that differ in size.
    #[error("found a channel of {found}, wanted {wanted} as the first")]
    ChannelExtent {
        /// The channel's size.
        found: Extent,
        /// The first channel's size.
        wanted: Extent,
    },
    /// An image with more or fewer channels than the others.
    #[error("found {found} channels, wanted {wanted} as another image has")]
    Channels {
        /// Its channels.
        found: usize,
        /// The other image's.
        wanted: usize,
    },
    /// A mask in so many colours that they are no classes.
    #[error(
        "found a mask of more than {wanted} colours, wanted class numbers (a palette is fine), or a colour for each class"
    )]
    ColourMask {
        /// Colours at most.
        wanted: usize,
    },
    /// A mask in colours of more than eight bits a channel.
    #[error(
        "found a mask in colours of more than 8 bits a channel, wanted class numbers or 8 bits"
    )]
    DeepColourMask,
    /// A mask in a format that changes numbers a little.
    #[error(
        "found a mask as JPEG, whose compression changes class numbers, wanted PNG, TIFF or NIfTI"
    )]
    LossyMask,
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
    /// A mask without a single voxel.
    #[error("found no voxel in the mask, wanted at least one to draw")]
    NothingToDraw,
    /// Spacings that are not as many as the axes.
    #[error("found {found} in --spacing, wanted {wanted} for {axes}")]
    Spacings {
        /// How many numbers.
        found: usize,
        /// How many are needed.
        wanted: usize,
        /// What they belong to.
        axes: &'static str,
    },
    /// A spacing or a number of neighbours that does not fit, or no memory for what is measured.
    #[error(transparent)]
    Morphology(#[from] dice_loss_morphology::Error),
    /// An image without a single finite intensity.
    #[error("found no finite intensity in the image, wanted at least one")]
    NotFinite,
}

/// How files are paired, in a few words.
const NAMES: &str = "`a.png` goes with `a.png`, `a_mask.png`, `a_seg.png` or `a_labels.png`, and `a_0000.png` with `a.png`";

impl Problem {
    pub(super) fn undecodable(format: &'static str, reason: impl ToString) -> Self {
        Self::Undecodable { format, reason: reason.to_string() }
    }
}

/// One file or folder that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", printable(path))]
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
    #[error(
        "found no class besides background in any mask, wanted at least one in {}",
        printable(folder)
    )]
    NoForeground {
        /// Where the masks lie.
        folder: PathBuf,
    },
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

/// A list of faults; when shown, one a line, or one for all files of which the same is to be said.
#[derive(Debug)]
pub struct Faults {
    /// The faults.
    pub faults: Vec<Fault>,
    /// What was passed over in the folders, which may explain them.
    pub notes: Vec<String>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.faults.len() == 1 { "fault" } else { "faults" };
        write!(f, "{} {noun} in the data", self.faults.len())?;
        let mut said: Vec<(String, Vec<&Path>)> = vec![];
        for Fault { path, problem } in &self.faults {
            let problem = printable_text(&problem.to_string());
            match said.iter_mut().find(|(text, _)| *text == problem) {
                Some((_, paths)) => paths.push(path),
                None => said.push((problem, vec![path])),
            }
        }
        for (problem, paths) in said.iter().take(SHOWN) {
            write!(f, "\n  {}: {problem}", named(paths.iter().map(printable)))?;
        }
        if said.len() > SHOWN {
            write!(f, "\n  and {} more", said.len() - SHOWN)?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n  note: {note}"))
    }
}

/// The first of some names, and how many more there are.
pub(super) fn named(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<String> = names.take(NAMED).collect();
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

/// A path as text that cannot move the cursor, break a line or turn the direction of writing.
pub fn printable(path: impl AsRef<Path>) -> String {
    printable_text(&path.as_ref().to_string_lossy())
}

fn printable_text(text: &str) -> String {
    let harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if harmless(c) { c.to_string() } else { c.escape_default().to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fault_of_many_files_is_one_line() {
        let colour = |name: &str| Fault { path: name.into(), problem: Problem::DeepColourMask };
        let mut faults: Vec<Fault> = ["a", "b", "c", "d", "e"].map(colour).into();
        faults.insert(2, Fault { path: "x".into(), problem: Problem::LossyMask });
        let text = Faults { faults, notes: vec!["passed over".into()] }.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], "6 faults in the data");
        assert!(lines[1].starts_with("  a, b, c and 2 more: found a mask in colour"), "{text}");
        assert_eq!(lines[3], "  note: passed over");
    }

    #[test]
    fn very_many_faults_are_cut_short() {
        let fault = |n: i32| Fault {
            path: format!("{n}").into(),
            problem: Problem::NotAClass { found: f64::from(-n) },
        };
        let text = Faults { faults: (1..=25).map(fault).collect(), notes: vec![] }.to_string();
        assert_eq!(text.lines().count(), 22, "{text}");
        assert!(text.starts_with("25 faults") && text.ends_with("and 5 more"), "{text}");
    }

    #[test]
    fn names_cannot_write_to_the_terminal() {
        assert_eq!(printable("a\u{1b}[31m\nb\u{202e}c é"), "a\\u{1b}[31m\\nb\\u{202e}c é");
    }
}
