//! Python, and virtual environments in the target folder.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The oldest that the package takes.
const OLDEST: (u32, u32) = (3, 11);

/// Without a name in `$PYTHON`, the first of these that will do.
const NAMES: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// Says what is needed to judge it, and fails where it cannot make environments.
const QUESTION: &str =
    "import sys; print(*sys.version_info[:2], flush=True); import ensurepip, venv";

/// A Python that makes environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Python {
    pub program: PathBuf,
    version: (u32, u32),
}

impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.version;
        write!(f, "{major}.{minor}, {}", self.program.display())
    }
}

/// The Python that makes the environments, or why none does.
pub(crate) fn of_the_system() -> Result<Python, String> {
    static FOUND: OnceLock<Result<Python, String>> = OnceLock::new();
    FOUND
        .get_or_init(|| match env::var_os("PYTHON") {
            Some(program) => first(&[PathBuf::from(program)], ask),
            None => first(&NAMES.map(PathBuf::from), ask),
        })
        .clone()
}

/// What a program answered: its output, and whether it can make environments.
fn ask(program: &Path) -> Option<(String, bool)> {
    let said = Command::new(program).args(["-c", QUESTION]).output().ok()?;
    Some((String::from_utf8_lossy(&said.stdout).into_owned(), said.status.success()))
}

fn first(
    programs: &[PathBuf],
    ask: impl Fn(&Path) -> Option<(String, bool)>,
) -> Result<Python, String> {
    let mut reasons = Vec::new();
    for program in programs {
        let Some((said, makes_environments)) = ask(program) else { continue };
        // A name may lead to nothing: a shim of a version manager, say.
        let Some(version) = version(&said) else { continue };
        let (major, minor) = version;
        let found = format!("found Python {major}.{minor} as {}", program.display());
        if version < OLDEST {
            reasons.push(format!("{found}, wanted {}.{} or newer", OLDEST.0, OLDEST.1));
        } else if !makes_environments {
            reasons.push(format!("{found} without venv and ensurepip, which make environments"));
        } else {
            return Ok(Python { program: program.clone(), version });
        }
    }
    let names: Vec<_> = programs.iter().map(|name| name.display().to_string()).collect();
    match reasons.is_empty() {
        true => Err(format!("found no {}", names.join(", "))),
        false => Err(reasons.join("; ")),
    }
}

fn version(said: &str) -> Option<(u32, u32)> {
    let (major, minor) = said.lines().next()?.split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// An environment.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    pub fn new(target: &Path, name: &str) -> Self {
        Self { folder: target.join(name) }
    }

    pub fn creation(&self) -> [&str; 3] {
        ["-m", "venv", self.folder.to_str().unwrap_or_default()]
    }

    pub fn program(&self) -> PathBuf {
        let within = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
        self.folder.join(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(answers: &[(&str, &str, bool)]) -> Result<String, String> {
        let programs: Vec<_> = answers.iter().map(|(name, ..)| PathBuf::from(name)).collect();
        let ask = |program: &Path| {
            let (_, said, makes) = answers.iter().find(|(name, ..)| Path::new(name) == program)?;
            (!said.is_empty()).then(|| ((*said).to_owned(), *makes))
        };
        first(&programs, ask).map(|python| python.to_string())
    }

    #[test]
    fn the_first_that_will_do() {
        let answers = [("python3", "3 9\n", true), ("python3.12", "3 12\n", true)];
        assert_eq!(found(&answers), Ok("3.12, python3.12".into()));
        assert_eq!(found(&[("python3", "3 11\n", true)]), Ok("3.11, python3".into()));
        assert_eq!(found(&[("python", "4 0\n", true)]), Ok("4.0, python".into()));
    }

    #[test]
    fn what_will_not_do_is_named() {
        let old = found(&[("python3", "3 9\n", true), ("python3.13", "", false)]);
        assert_eq!(old, Err("found Python 3.9 as python3, wanted 3.11 or newer".into()));
        let bare = found(&[("python3", "3 12\n", false)]);
        let reason = "found Python 3.12 as python3 without venv and ensurepip, \
                      which make environments";
        assert_eq!(bare, Err(reason.into()));
        assert_eq!(found(&[("python3", "", false)]), Err("found no python3".into()));
        assert_eq!(found(&[("python3", "shim\n", false)]), Err("found no python3".into()));
    }
}
