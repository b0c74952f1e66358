//! What `cargo xtask` does, and the documents whose examples are tests.

#![deny(missing_docs)]

mod losses;
mod test;

pub use losses::write_losses;
pub use test::run_tests;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/semantics.md")]
    struct Semantics;
}
