//! `cargo xtask peers --latest`: the names and numbers of the peers' newest releases.
//!
//! The tests pin the peers, so that a release of theirs breaks nothing here. This tells what one
//! would break.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use serde_json::Value;

use crate::{
    python::{self, Environment},
    root, target,
};

/// What pins the peers.
const PINNED: &str = "bindings/python/tests/requirements.txt";

/// What compares with them: names, signatures, values, exceptions.
const TESTS: [&str; 6] = [
    "bindings/python/tests/test_names_of_peers.py",
    "bindings/python/tests/test_counterparts_of_peers.py",
    "bindings/python/tests/monai",
    "bindings/python/tests/smp",
    "bindings/python/tests/nnunet",
    "bindings/python/tests/keras",
];

/// Installs the newest releases, says which have moved, and runs the tests beside them.
pub fn peers() -> Result<(), String> {
    let target = target()?;
    let pinned =
        fs::read_to_string(root().join(PINNED)).map_err(|error| format!("{PINNED}: {error}"))?;
    let pins = pins(&pinned);
    let environment = Environment::new(&target, "python-latest");
    run(Command::new(python::of_the_system()?.program).args(environment.creation()))?;
    let names = pins.iter().map(|(name, _)| name);
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"];
    let packages = ["./bindings/python"];
    run(Command::new(environment.program()).args(pip).args(packages).args(names))?;
    let installed = listed(environment.program(), &[], "version")?;
    // One peer's requirements may hold another back.
    let newer = listed(environment.program(), &["--outdated"], "latest_version")?;
    println!("\n==> peers");
    for (name, pin) in &pins {
        let key = normalised(name);
        println!("{}", moved(name, pin, installed.get(&key), newer.get(&key)));
    }
    let pytest = ["-m", "pytest", "--quiet", "-rfEs", "-W", "default"];
    let processes = ["--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal"];
    run(Command::new(environment.program()).args(pytest).args(processes).args(TESTS))
        .map_err(|_| "the newest peers differ: see the failures above".into())
}

fn run(command: &mut Command) -> Result<(), String> {
    let status = command.current_dir(root()).status();
    match status.map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))? {
        status if status.success() => Ok(()),
        status => Err(format!("{:?} ended with {status}", command.get_program())),
    }
}

/// Names and the versions that they are held at.
fn pins(requirements: &str) -> Vec<(String, String)> {
    let requirement = |line: &str| {
        let line = line.split('#').next().unwrap_or_default().trim();
        let end = line.find(['=', '<', '>', '~', '!'])?;
        Some((line[..end].to_owned(), line[end..].trim_start_matches('=').to_owned()))
    };
    requirements.lines().filter_map(requirement).collect()
}

/// A package's name as the index compares it: pip lists it as its author writes it.
fn normalised(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

/// What pip says of the packages in an environment, by normalised names.
fn listed(
    python: PathBuf,
    which: &[&str],
    field: &str,
) -> Result<BTreeMap<String, String>, String> {
    let output = Command::new(python)
        .args(["-m", "pip", "list", "--format=json", "--disable-pip-version-check"])
        .args(which)
        .output()
        .map_err(|error| format!("pip list: {error}"))?;
    let listed: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("pip list: {error}"))?;
    let packages = listed.as_array().into_iter().flatten();
    let version = |package: &Value| {
        let text = |key| Some(package.get(key)?.as_str()?.to_owned());
        Some((normalised(&text("name")?), text(field)?))
    };
    Ok(packages.filter_map(version).collect())
}

/// Whether a release lies beyond what is pinned (`1.6.1`, `2.15.*` or a comparison), and whether there is a newer one.
fn moved(name: &str, pin: &str, found: Option<&String>, newer: Option<&String>) -> String {
    let Some(found) = found else { return format!("{name}: not installed, pinned at {pin}") };
    let held = match pin.strip_suffix('*') {
        Some(prefix) => format!("{found}.").starts_with(prefix),
        None => found == pin,
    };
    let said = match held || pin.starts_with(['<', '>', '~', '!']) {
        true => format!("{name}: {found}, as pinned"),
        false => format!("{name}: {found} has moved, pinned at {pin}"),
    };
    match newer {
        Some(newer) => format!("{said}; {newer} is held back by what another requires"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read() {
        let text = "# peers\nmonai==1.6.1\n\ntorch==2.15.*  # CPU\nml_dtypes>=0.5\n";
        let pair = |name: &str, pin: &str| (name.to_owned(), pin.to_owned());
        let wanted = [pair("monai", "1.6.1"), pair("torch", "2.15.*"), pair("ml_dtypes", ">=0.5")];
        assert_eq!(pins(text), wanted);
    }

    #[test]
    fn names_are_compared_as_the_index_does() {
        assert_eq!(normalised("segmentation_models_pytorch"), "segmentation-models-pytorch");
        assert_eq!(normalised("ml_dtypes"), normalised("ML-dtypes"));
    }

    #[test]
    fn what_has_moved_is_told() {
        let say = |pin, found: &str| moved("torch", pin, Some(&found.to_owned()), None);
        assert_eq!(say("2.15.*", "2.15.0"), "torch: 2.15.0, as pinned");
        assert_eq!(say("2.15.*", "2.150.0"), "torch: 2.150.0 has moved, pinned at 2.15.*");
        assert_eq!(say("1.6.1", "1.6.2"), "torch: 1.6.2 has moved, pinned at 1.6.1");
        assert_eq!(say(">=0.5", "0.7"), "torch: 0.7, as pinned");
        assert_eq!(moved("torch", "2", None, None), "torch: not installed, pinned at 2");
    }

    #[test]
    fn what_is_held_back_is_told() {
        let (found, newer) = ("2.15.0".to_owned(), "2.16.0".to_owned());
        assert_eq!(
            moved("torch", "2.15.*", Some(&found), Some(&newer)),
            "torch: 2.15.0, as pinned; 2.16.0 is held back by what another requires"
        );
    }
}
