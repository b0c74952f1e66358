//! `cargo xtask test`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{RELEASE, emit::sources, python::Environment, root, target};

/// Unoptimised enough to check arithmetic, and without Burn.
const ENGINE: [&str; 6] =
    ["test", "-p", "dice-loss", "-p", "dice-loss-fuzz", "--no-default-features"];

/// Tests of the Python package that share an environment.
struct Suite {
    /// Of the environment, in the target folder.
    environment: &'static str,
    titles: [&'static str; 3],
    /// Everything that the tests want beside the package.
    requirements: &'static str,
    tests: &'static [&'static str],
}

/// Frameworks lie apart, so that a module that imports one too many fails.
const SUITES: [Suite; 3] = [
    Suite {
        environment: "python-tests",
        titles: [
            "Python: an environment",
            "Python: the package, and the peers it is compared with",
            "Python: tests, examples, documents",
        ],
        requirements: "bindings/python/tests/requirements.txt",
        tests: &["bindings/python"],
    },
    Suite {
        environment: "python-jax",
        titles: [
            "JAX: an environment",
            "JAX: the package, and the frameworks it serves",
            "JAX: tests, documents",
        ],
        requirements: "bindings/python/tests/requirements-jax.txt",
        tests: &[
            "bindings/python/tests/jax",
            "bindings/python/tests/keras",
            "bindings/python/tests/test_documents.py",
        ],
    },
    Suite {
        environment: "python-tensorflow",
        titles: [
            "TensorFlow: an environment",
            "TensorFlow: the package, and Keras",
            "TensorFlow: tests of Keras, documents",
        ],
        requirements: "bindings/python/tests/requirements-tensorflow.txt",
        tests: &["bindings/python/tests/keras", "bindings/python/tests/test_documents.py"],
    },
];

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

fn step(title: &'static str, program: PathBuf, arguments: &[&str]) -> Step {
    let mut command = Command::new(program);
    command.args(arguments);
    Step { title, command }
}

fn steps() -> Result<Vec<Step>, String> {
    let cargo = || PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let target = target()?;
    let example =
        |name| target.join("release/examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let xtask = env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    let mut steps = vec![
        step("engine: tests, documentation, fuzz body", cargo(), &ENGINE),
        step(
            "engine: benchmarks, once each, and tests as optimised",
            cargo(),
            &["bench", "-p", "dice-loss", "--", "--test"],
        ),
        step(
            "Burn, Candle, GPU kernels, program, fuzz bodies, README: tests",
            cargo(),
            &[&["test"], &RELEASE[..]].concat(),
        ),
        step("example: training with Burn", example("train_segmentation"), &[]),
        step("example: training with Candle, in short", example("train_unet"), &["120"]),
        step("GPU: PTX is up to date and fits every device", xtask, &["emit", "--check"]),
    ];
    steps.extend(SUITES.iter().flat_map(|suite| suite.steps(&target)));
    Ok(steps)
}

impl Suite {
    /// An environment, the package as a user builds it, the tests.
    fn steps(&self, target: &Path) -> [Step; 3] {
        let python = Environment::new(target, self.environment);
        let [make, install, test] = self.titles;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let packages = ["./bindings/python", "-r", self.requirements];
        let pytest = ["-m", "pytest", "--quiet"];
        let mut tests = step(test, python.program(), &[&pytest, self.tests].concat());
        tests.command.env("DICE_LOSS_KERNELS", sources(target));
        [
            step(make, Environment::of_the_system(), &python.creation()),
            step(install, python.program(), &[&pip[..], &packages].concat()),
            tests,
        ]
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
