//! What the tests want of the machine, and what is skipped without it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::python;

/// With this in the environment, nothing may be skipped.
pub(crate) const REQUIRE_ALL: &str = "DICE_LOSS_REQUIRE_ALL";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Python,
    Headers,
    Compiler,
    Browser,
    Adapter,
}

/// A line of the table.
pub(crate) struct Wanted {
    thing: Thing,
    name: &'static str,
    /// What was found and where, or what was not.
    look: fn() -> Result<String, String>,
    /// What is skipped without it.
    without: &'static str,
    remedy: &'static str,
}

/// A linker and Rust are not among them: this program has been built.
static TABLE: [Wanted; 5] = [
    Wanted {
        thing: Thing::Python,
        name: "Python 3.11 or newer, with venv",
        look: || python::of_the_system().map(|python| python.to_string()),
        without: "all tests of the Python package; whether the PTX is up to date",
        remedy: "apt install python3 python3-venv, or name one in $PYTHON",
    },
    Wanted {
        thing: Thing::Headers,
        name: "Python's headers",
        look: headers,
        without: "torch.compile where it writes C++",
        remedy: "apt install python3-dev",
    },
    Wanted {
        thing: Thing::Compiler,
        name: "a C++ compiler",
        look: || on_the_path(&[compiler()]),
        without: "torch.compile where it writes C++; the CUDA kernels and their launcher on the CPU",
        remedy: "apt install g++, or name one in $CXX",
    },
    Wanted {
        thing: Thing::Browser,
        name: "a browser",
        look: || {
            let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
            on_the_path(&names.map(str::to_owned))
        },
        without: "the report in a browser",
        remedy: "apt install chromium",
    },
    Wanted {
        thing: Thing::Adapter,
        name: "an adapter for wgpu",
        look: || Ok("the tests ask for it, and say what it lacks".into()),
        without: "Burn's kernels on a GPU",
        remedy: "apt install mesa-vulkan-drivers libvulkan1, a Vulkan without a GPU",
    },
];

/// What was found of the table.
pub(crate) struct Machine {
    found: Vec<(&'static Wanted, Result<String, String>)>,
}

impl Machine {
    pub fn look() -> Self {
        Self { found: TABLE.iter().map(|wanted| (wanted, (wanted.look)())).collect() }
    }

    /// Why a step that wants these cannot run.
    pub fn lacks(&self, things: &[Thing]) -> Option<&str> {
        let mut lacking = self.found.iter().filter(|(wanted, _)| things.contains(&wanted.thing));
        lacking.find_map(|(_, found)| found.as_ref().err().map(String::as_str))
    }

    /// What was not found, and what is skipped for that.
    pub fn skipped(&self) -> Vec<String> {
        let skipped = |(wanted, found): &(&Wanted, Result<String, String>)| {
            let reason = found.as_ref().err()?;
            Some(format!("{}: {reason} ({})", wanted.without, wanted.remedy))
        };
        self.found.iter().filter_map(skipped).collect()
    }

    /// The table.
    pub fn describe(&self) -> String {
        let line = |(wanted, found): &(&Wanted, Result<String, String>)| match found {
            Ok(found) => format!("    {:<32} {found}\n", wanted.name),
            Err(reason) => format!(
                "    {:<32} NO: {reason}; {}\n{:37}skipped without it: {}\n",
                wanted.name, wanted.remedy, "", wanted.without
            ),
        };
        self.found.iter().map(line).collect()
    }
}

/// As PyTorch chooses it.
fn compiler() -> String {
    let usual = if cfg!(target_os = "macos") { "clang++" } else { "g++" };
    env::var("CXX").unwrap_or_else(|_| usual.into())
}

fn on_the_path(names: &[String]) -> Result<String, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    first_of(names, &folders)
}

fn first_of(names: &[String], folders: &[PathBuf]) -> Result<String, String> {
    let file = |name: &String| format!("{name}{}", env::consts::EXE_SUFFIX);
    let mut files =
        names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(file(name))));
    match files.find(|file| file.is_file()) {
        Some(file) => Ok(file.display().to_string()),
        None => Err(format!("found no {} on the PATH", names.join(", "))),
    }
}

fn headers() -> Result<String, String> {
    let python = python::of_the_system().map_err(|_| "found no Python to have them".to_owned())?;
    let program = "import sysconfig; print(sysconfig.get_path('include'))";
    let said = Command::new(&python.program).args(["-c", program]).output();
    let said = said.map_err(|error| format!("cannot start {:?}: {error}", python.program))?;
    let folder = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let header = Path::new(&folder).join("Python.h");
    match header.is_file() {
        true => Ok(header.display().to_string()),
        false => Err(format!("found no {}", header.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTHON: Wanted = Wanted {
        thing: Thing::Python,
        name: "Python",
        look: || Err(String::new()),
        without: "its tests",
        remedy: "get one",
    };
    static BROWSER: Wanted = Wanted { thing: Thing::Browser, name: "a browser", ..PYTHON };

    #[test]
    fn a_step_is_skipped_for_what_it_wants_only() {
        let machine = Machine {
            found: vec![
                (&PYTHON, Err("found Python 3.9, wanted 3.11".into())),
                (&BROWSER, Ok("/usr/bin/chromium".into())),
            ],
        };
        assert_eq!(machine.lacks(&[]), None);
        assert_eq!(machine.lacks(&[Thing::Browser, Thing::Compiler]), None);
        assert_eq!(machine.lacks(&[Thing::Python]), Some("found Python 3.9, wanted 3.11"));
        assert_eq!(machine.skipped(), ["its tests: found Python 3.9, wanted 3.11 (get one)"]);
        let table = machine.describe();
        assert!(table.contains("NO: found Python 3.9, wanted 3.11; get one"), "{table}");
        assert!(table.contains("skipped without it: its tests"), "{table}");
        assert!(table.contains("/usr/bin/chromium"), "{table}");
    }

    #[test]
    fn programs_are_looked_for_by_all_their_names() {
        let here = env::current_exe().unwrap();
        let name = here.file_stem().unwrap().to_str().unwrap().to_owned();
        let folders = ["/nonexistent".into(), here.parent().unwrap().to_owned()];
        let names = ["no-such-program".to_owned(), name];
        assert_eq!(first_of(&names, &folders), Ok(here.display().to_string()));
        let error = first_of(&names[..1], &folders).unwrap_err();
        assert_eq!(error, "found no no-such-program on the PATH");
    }
}
