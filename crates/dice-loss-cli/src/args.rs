//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser};

use crate::losses;

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
    /// Losses to compare, joined by commas; `dice-loss list` shows them all
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = PossibleValuesParser::new(losses::names()), hide_possible_values = true)]
    pub losses: Vec<String>,

    /// Folder of images: PNG, TIFF or NIfTI
    #[arg(long, value_name = "DIR", requires = "masks")]
    pub images: Option<PathBuf>,

    /// Folder of masks, named as their images: class numbers, or 0 and 255
    #[arg(long, value_name = "DIR", requires = "images")]
    pub masks: Option<PathBuf>,

    /// Take masks that hold nothing but background
    #[arg(long, requires = "masks")]
    pub allow_empty: bool,

    /// Share to hold out [default: 0.2 of the files, or a third of the slices of a single volume]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub validation_fraction: Option<f64>,

    /// Iterations per loss [default: 240, or 40 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub iterations: Option<u32>,

    /// Crops per iteration
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub batch_size: u16,

    /// Decides initial weights, batches, and which files are held out
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// A smaller network and fewer iterations: under a minute for a first look
    #[arg(long)]
    pub quick: bool,

    /// Folder for results.json, results.csv, report.html and the weights
    #[arg(long, value_name = "DIR", default_value = "dice-loss-report")]
    pub out: PathBuf,

    /// Threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

const AFTER: &str = "\
Images and masks are paired by their names without extension. Volumes are cut along their last axis. With two classes
the network has one channel under a sigmoid, with more it has one channel per class under a softmax.

Examples:
  dice-loss compare
  dice-loss compare --quick --losses dice,cross_entropy,dice_cross_entropy
  dice-loss compare --images scans --masks labels --validation-fraction 0.25 --out report

Exit status: 0 when the report was written, 1 when something went wrong, 2 when the command line is wrong.";

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err(format!("found `{text}`, wanted a number between 0 and 1")),
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
    }
}
