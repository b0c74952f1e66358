//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{inspect, losses::Wishes};

/// Threads that may be asked for, unless there are more cores.
const MOST_THREADS: usize = 64;

/// Segmentation losses, compared on real images; and what masks hold.
#[derive(Debug, Parser)]
#[command(name = "dice-loss", version, about, propagate_version = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train the same small network once per loss and measure what came out
    ///
    /// A U-Net starts from the same weights and sees the same batches under every loss. Dice and IoU of every class
    /// are measured on slices that were held out. Without --images it trains on a chest CT of one patient that is
    /// part of the program. Ctrl-C ends the training and reports what there is by then.
    Compare(Box<Compare>),
    /// List the losses with their formulas and papers
    List,
    /// Show the classes of masks, their components, sizes and thickness
    ///
    /// Lengths and volumes are in the unit of the spacing that the file's header has.
    Inspect(Box<Inspect>),
}

/// Options of `dice-loss inspect`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_INSPECT)]
pub struct Inspect {
    /// Masks: PNG, TIFF (a stack of pages) or NIfTI
    #[arg(value_name = "MASK", required = true)]
    pub masks: Vec<PathBuf>,

    /// Millimetres between slices, rows and columns (rows and columns of a mask with two axes), or one number for all, instead of what the file says
    #[arg(long, value_name = "Z,Y,X", value_delimiter = ',', value_parser = spacing)]
    pub spacing: Option<Vec<f64>>,

    /// Mask values of voxels that do not count, joined by commas
    #[arg(long, value_name = "VALUES", value_delimiter = ',')]
    pub ignore_index: Vec<u16>,

    /// Neighbours that a voxel of a component has: 4 or 8 in two axes, 6, 18 or 26 in three [default: 8 and 26]
    #[arg(long, value_name = "N", value_parser = neighbours)]
    pub connectivity: Option<u8>,

    /// List every component of every class
    #[arg(long)]
    pub components: bool,

    /// Write JSON, a list with one object for each mask, instead of tables
    #[arg(long)]
    pub json: bool,

    /// Draw classes, signed distances and skeletons side by side; of a volume the slice with the most foreground
    #[arg(long, value_name = "FILE.png", value_parser = png)]
    pub picture: Option<PathBuf>,
}

impl Inspect {
    /// How each mask is looked at.
    pub fn wishes(&self) -> inspect::Wishes {
        inspect::Wishes {
            spacing: self.spacing.clone(),
            ignored: self.ignore_index.clone(),
            connectivity: self.connectivity,
        }
    }
}

/// Options of `dice-loss compare`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub struct Compare {
    /// Losses to compare, joined by commas, each with options that are not its defaults; `dice-loss list` shows them all
    #[arg(long, value_name = "NAMES")]
    pub losses: Option<Wishes>,

    /// Folder of images: PNG, JPEG, TIFF or NIfTI
    #[arg(long, value_name = "DIR", requires = "masks")]
    pub images: Option<PathBuf>,

    /// Folder of masks, named as their images: class numbers, or 0 and 255
    #[arg(long, value_name = "DIR", requires = "images")]
    pub masks: Option<PathBuf>,

    /// Mask values of voxels that do not count, joined by commas
    #[arg(long, value_name = "VALUES", value_delimiter = ',', requires = "masks")]
    pub ignore_index: Vec<u16>,

    /// Take masks voxel by voxel, even where their headers place them elsewhere than their images
    #[arg(long, requires = "masks")]
    pub ignore_geometry: bool,

    /// Share to hold out [default: 0.2 of the files, or a third of the slices of a single volume]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub validation_fraction: Option<f64>,

    /// Iterations per loss [default: 240, or 40 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,

    /// Minutes for all of it [default: none, or 1 with --quick]; iterations and validations are cut to fit
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: Option<f64>,

    /// Crops per iteration
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub batch_size: u16,

    /// Decides initial weights, batches, and which files are held out
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Trainings of every loss, with this seed and those after it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub seeds: u16,

    /// A smaller network and fewer iterations, in a minute: a first look
    #[arg(long)]
    pub quick: bool,

    /// Folder for results.json, results.csv, report.html and the weights; those of an earlier report are replaced
    #[arg(long, value_name = "DIR", default_value = "dice-loss-report")]
    pub out: PathBuf,

    /// Threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

const AFTER: &str = "\
Images and masks are paired by their names without extension. `a.png` also goes with `a_mask.png`,
`a_seg.png` and `a_labels.png`; `a_0000.nii.gz` and `a_0001.nii.gz`, the channels of an image, go
with `a.nii.gz`. Volumes and pages of a TIFF are cut into slices along their last axis. A mask holds
class numbers, or a colour for each class; one of nothing but background is taken. With two classes
the network has one channel under a sigmoid, with more one for each class under a softmax.

A loss has its options behind a colon: `dice_cross_entropy:background=false,pool=batch`.

Examples:
  dice-loss compare
  dice-loss compare --quick --losses dice,cross_entropy,dice_cross_entropy
  dice-loss compare --seeds 3 --losses dice,dice:background=false,pool=batch
  dice-loss compare --images scans --masks labels --ignore-index 255 --minutes 20 --out report

Exit status: 0 when all of the report was written, 1 when something went wrong, 2 when the command
line is wrong.";

const AFTER_INSPECT: &str = "\
A component is a part of a class whose voxels are neighbours. A box is written as a slice of an array: from
the first index to the one behind the last. The thickness is twice the largest distance from the middle of a
voxel of the class to the middle of the nearest voxel that is not: of a line one voxel wide, two voxels. Beyond
the edge of the mask there is nothing that is near. Voxels that do not count are of no class.

A NIfTI's header has a spacing; TIFF and PNG have none that is read, and lengths are in voxels without --spacing.
In the picture, distances and skeletons are those of the whole volume, with its spacing.

Examples:
  dice-loss inspect labels/case_07.nii.gz
  dice-loss inspect --components --ignore-index 255 --spacing 0.5,0.5 mask.png
  dice-loss inspect --picture vessels.png labels/vessels.nii.gz
  dice-loss inspect --json labels/*.nii.gz > labels.json

Exit status: 0 when every mask could be read, 1 when one could not, 2 when the command line is wrong.";

fn spacing(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(step) if (1e-9..=1e9).contains(&step) => Ok(step),
        _ => Err(format!("found `{text}`, wanted a number of millimetres from 1e-9 to 1e9")),
    }
}

fn neighbours(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(neighbours @ (4 | 6 | 8 | 18 | 26)) => Ok(neighbours),
        _ => Err(format!("found `{text}`, wanted 4 or 8 for two axes, 6, 18 or 26 for three")),
    }
}

fn png(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_png = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("png"));
    if is_png { Ok(path) } else { Err(format!("found `{text}`, wanted a name that ends in .png")) }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err(format!("found `{text}`, wanted a number between 0 and 1")),
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.1..=1e5).contains(&minutes) => Ok(minutes),
        _ => Err(format!("found `{text}`, wanted a number of minutes from 0.1 to 100000")),
    }
}

fn threads(text: &str) -> Result<usize, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = cores.max(MOST_THREADS);
    match text.parse() {
        Ok(threads) if (1..=most).contains(&threads) => Ok(threads),
        _ => Err(format!(
            "found `{text}`, wanted a number from 1 to {most}; this machine has {cores} cores"
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_refused() {
        let parse =
            |args: &[&str]| Arguments::try_parse_from([&["dice-loss", "compare"], args].concat());
        assert!(parse(&[]).is_ok());
        assert!(parse(&["--images", "a"]).is_err(), "images without masks");
        assert!(parse(&["--losses", "dice,no_such_loss"]).is_err());
        assert!(parse(&["--validation-fraction", "1"]).is_err());
        assert!(parse(&["--iterations", "0"]).is_err());
        assert!(parse(&["--threads", "1"]).is_ok());
        assert!(parse(&["--threads", "65535"]).is_err());
        assert!(parse(&["--batch-size", "65535"]).is_err());
        assert!(parse(&["--minutes", "nan"]).is_err());
        assert!(parse(&["--ignore-index", "255"]).is_err(), "for masks alone");
    }

    #[test]
    fn wrong_usage_of_inspect_is_refused_with_what_is_wanted() {
        let parse = |args: &[&str]| {
            let parsed = Arguments::try_parse_from([&["dice-loss", "inspect"], args].concat());
            parsed.map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(parse(&["a.png", "b.nii.gz", "--spacing", "2, 0.5,0.5"]), Ok(()));
        assert_eq!(parse(&["--ignore-index", "254,255", "a.png"]), Ok(()));
        let wrong = [
            (&[][..], "<MASK>"),
            (&["a.png", "--spacing", "1,-1"], "found `-1`, wanted a number of millimetres"),
            (&["a.png", "--spacing", "nan"], "found `nan`"),
            (&["a.png", "--connectivity", "7"], "found `7`, wanted 4 or 8"),
            (&["a.png", "--picture", "b.jpg"], "found `b.jpg`, wanted a name that ends in .png"),
        ];
        for (args, wanted) in wrong {
            let message = parse(args).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
