//! What a comparison leaves behind: a table on the terminal, and a folder with data, weights and a page.
//!
//! ```text
//! Comparison ─┬─▶ results.json, results.csv
//!             ├─▶ table ─┬─▶ terminal
//! Dataset    ─┤          ├─▶ report.html
//! predictions ┴─▶ overlays, plots
//! ```

pub(crate) mod colour;
mod files;
mod ladder;
mod overlay;
mod page;
pub(crate) mod plot;
mod said;
mod table;
mod terminal;

use std::{fmt, io, path::PathBuf};

pub use files::{Contents, prepare, write};
pub use terminal::{list, summary};
pub(crate) use {files::save, terminal::new_grid};

use crate::data::printable;

/// Why the report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The operating system refused it.
    #[error("{} cannot be written: {source}", printable(path))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A writer of some format failed.
    #[error("{} cannot be written: {reason}", printable(path))]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
}

/// Everything that could not be written, one a line when shown.
#[derive(Debug, thiserror::Error)]
pub struct ReportErrors(pub Vec<ReportError>);

impl fmt::Display for ReportErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if number == 0 { "" } else { "\n  " })?;
        }
        Ok(())
    }
}
