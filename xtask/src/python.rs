//! Virtual environments in the target folder.

use std::{
    env,
    path::{Path, PathBuf},
};

/// One of them.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    pub fn new(target: &Path, name: &str) -> Self {
        Self { folder: target.join(name) }
    }

    /// The Python that makes the environment: `$PYTHON`, or `python3`.
    pub fn of_the_system() -> PathBuf {
        PathBuf::from(env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
    }

    pub fn creation(&self) -> [&str; 3] {
        ["-m", "venv", self.folder.to_str().unwrap_or_default()]
    }

    pub fn program(&self) -> PathBuf {
        let within = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
        self.folder.join(within)
    }
}
