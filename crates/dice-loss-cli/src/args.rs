//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::losses::Wishes;

/// Threads that may be asked for, unless there are more cores.
const MOST_THREADS: usize = 64;

/// Segmentation losses, compared on real images.
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
}
