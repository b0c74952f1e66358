//! `cargo xtask test`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::root;

/// Everything but the engine is built in one go and in release mode: Burn is slow without
/// optimisation, and two selections of packages would compile it twice.
const RELEASE: [&str; 7] = [
    "test",
    "--release",
    "--workspace",
    "--exclude",
    "dice-loss",
    "--features",
    "dice-loss-burn/train",
];

/// Unoptimised enough to check arithmetic, and without Burn.
const ENGINE: [&str; 6] =
    ["test", "-p", "dice-loss", "-p", "dice-loss-fuzz", "--no-default-features"];

/// The package as a user builds it, and everything that its tests want.
const INSTALL: [&str; 8] = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "./bindings/python",
    "-r",
    "bindings/python/tests/requirements.txt",
];

const PYTEST: [&str; 4] = ["-m", "pytest", "--quiet", "bindings/python"];

/// One command of the run.
struct Step {
    title: &'static str,
    command: Command,
}

/// Runs all steps, whatever becomes of each, and says what came out.
pub fn run_tests() -> Result<(), String> {
    let mut results = Vec::new();
    for Step { title, mut command } in steps()? {
        println!("\n==> {title}\n    {}", written(&command));
        let start = Instant::now();
        let passed = match command.current_dir(root()).status() {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("cannot start {:?}: {error}", command.get_program());
                false
            }
        };
        results.push((title, passed, start.elapsed()));
    }
    summarise(&results)
}

fn steps() -> Result<Vec<Step>, String> {
    let step = |title, program: PathBuf, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments);
        Step { title, command }
    };
    let cargo = || PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let target = target()?;
    let example = target
        .join("release/examples")
        .join(format!("train_segmentation{}", env::consts::EXE_SUFFIX));
    let python = Python::in_target(&target);
    Ok(vec![
        step("engine: tests, documentation, fuzz body", cargo(), &ENGINE),
        step(
            "engine: benchmarks, once each, and tests as optimised",
            cargo(),
            &["bench", "-p", "dice-loss", "--", "--test"],
        ),
        step("Burn, program, fuzz bodies, README: tests", cargo(), &RELEASE),
        step("example: training with Burn", example, &[]),
        step("Python: an environment", Python::of_the_system(), &python.creation()),
        step("Python: the package, and the peers it is compared with", python.program(), &INSTALL),
        step("Python: tests, examples, documents", python.program(), &PYTEST),
    ])
}

/// The virtual environment that all Python tests run in.
struct Python {
    folder: PathBuf,
}

impl Python {
    fn in_target(target: &Path) -> Self {
        Self { folder: target.join("python-tests") }
    }

    /// The Python that makes the environment: `$PYTHON`, or `python3`.
    fn of_the_system() -> PathBuf {
        PathBuf::from(env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
    }

    fn creation(&self) -> [&str; 3] {
        ["-m", "venv", self.folder.to_str().unwrap_or_default()]
    }

    fn program(&self) -> PathBuf {
        let within = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
        self.folder.join(within)
    }
}

/// Where cargo builds: it has put this very program there, in the folder of a profile.
fn target() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    match program.ancestors().nth(2) {
        Some(target) => Ok(target.to_owned()),
        None => Err(format!("found this program at {program:?}, wanted it in a target folder")),
    }
}

fn written(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    [name].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

fn summarise(results: &[(&str, bool, Duration)]) -> Result<(), String> {
    println!("\n==> summary");
    let sets = dice_loss::Isa::available();
    println!(
        "instruction sets: {}",
        sets.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
    );
    for (title, passed, time) in results {
        println!(
            "{} {:5.0} s  {title}",
            if *passed { "passed" } else { "FAILED" },
            time.as_secs_f64()
        );
    }
    match results.iter().filter(|(_, passed, _)| !passed).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} steps failed", results.len())),
    }
}
