//! `cargo xtask generate`: all that only repeats what the losses declare of themselves.
//!
//! What is written is committed and read like any other text, and nobody edits it.

mod burn;
mod candle;
mod comments;
mod docs;
mod python;
mod rust;
mod trials;
mod values;

use std::{fs, path::PathBuf};

use crate::root;

/// A file that follows from the declarations.
#[derive(Clone)]
struct Generated {
    /// From the root of the repository.
    path: String,
    text: String,
}

impl Generated {
    fn at(&self) -> PathBuf {
        root().join(&self.path)
    }

    fn is_written(&self) -> bool {
        fs::read_to_string(self.at()).is_ok_and(|found| found == self.text)
    }
}

fn files() -> Result<Vec<Generated>, String> {
    let rust = [burn::files()?, candle::files()?, trials::files()?].concat();
    Ok([vec![docs::losses()], python::files(), rust].concat())
}

/// Writes every generated file, or says which are not as they would be written.
pub fn generate(check: bool) -> Result<(), String> {
    let stale: Vec<_> = files()?.into_iter().filter(|file| !file.is_written()).collect();
    if check {
        return match stale.iter().map(|file| file.path.as_str()).collect::<Vec<_>>()[..] {
            [] => Ok(()),
            ref paths => {
                Err(format!("out of date, run `cargo xtask generate`: {}", paths.join(", ")))
            }
        };
    }
    for file in stale {
        fs::write(file.at(), &file.text).map_err(|error| format!("{}: {error}", file.path))?;
        println!("{}", file.path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_is_up_to_date() {
        super::generate(true).unwrap();
    }
}
