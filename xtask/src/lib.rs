//! What `cargo xtask` does, and the documents whose examples are tests.

#![deny(missing_docs)]

mod emit;
mod generate;
mod peers;
mod python;
mod test;
mod wanted;

pub use emit::emit;
pub use generate::generate;
pub use peers::peers;
pub use test::{Extent, run_tests};

use std::{
    env,
    path::{Path, PathBuf},
};

/// Everything is built in one go and in release mode: Burn is slow without optimisation, and two
/// selections of packages would compile it twice.
const RELEASE: [&str; 4] = [
    "--release",
    "--workspace",
    "--features",
    "dice-loss-burn/train,dice-loss-burn/wgpu,dice-loss-gpu/emit",
];

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Where cargo builds: it has put this very program there, in the folder of a profile.
fn target() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    match program.ancestors().nth(2) {
        Some(target) => Ok(target.to_owned()),
        None => Err(format!("found this program at {program:?}, wanted it in a target folder")),
    }
}

#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/semantics.md")]
    struct Semantics;

    #[doc = include_str!("../../docs/your-own-loss.md")]
    struct YourOwnLoss;
}
