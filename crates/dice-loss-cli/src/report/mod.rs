//! What a comparison leaves behind: a table on the terminal, and a folder with data, weights and a page.
//!
//! ```text
//! Comparison ─┬─▶ results.json, results.csv
//!             ├─▶ table ─┬─▶ terminal
//! Dataset    ─┤          ├─▶ report.html
//! predictions ┴─▶ overlays, plots
//! ```

mod colour;
mod files;
mod ladder;
mod overlay;
mod page;
mod plot;
mod table;
mod terminal;

use std::{io, path::PathBuf};

pub use files::{prepare, write};
pub use terminal::{list, summary};

/// Why the report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The operating system refused it.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A writer of some format failed.
    #[error("{} cannot be written: {reason}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
}
