//! `cargo xtask test`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    RELEASE,
    emit::sources,
    python::{self, Environment},
    root, target,
    wanted::{Machine, REQUIRE_ALL, Thing},
};

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

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The engine, without Burn and Python: minutes.
    Quick,
    /// What CI runs.
    Usual,
    /// That, and what takes longest for what it tells.
    Long,
}

/// One command of the run.
struct Step {
    title: &'static str,
    command: Command,
    wants: &'static [Thing],
}

/// What became of a step.
enum Ending {
    Passed(Duration),
    Failed(Duration),
    Skipped(String),
}

/// Runs all steps, whatever becomes of each, and says what came out and what was skipped.
pub fn run_tests(extent: Extent) -> Result<(), String> {
    // Rust is all that the engine wants.
    let machine = if extent == Extent::Quick { Machine::default() } else { Machine::look() };
    print!("{}", machine.describe());
    let required = env::var_os(REQUIRE_ALL).is_some();
    if required && let [first, ..] = &machine.skipped()[..] {
        return Err(format!("{REQUIRE_ALL} is set, but there would be skipped {first}"));
    }
    let skipped = target()?.join("skipped.txt");
    // What an earlier run skipped.
    let _ = fs::remove_file(&skipped);
    let steps = steps(extent)?;
    let results: Vec<_> = steps
        .into_iter()
        .map(|mut step| {
            step.command.env("DICE_LOSS_SKIPPED", &skipped);
            (step.title, step.run(&machine))
        })
        .collect();
    // Nothing writes it where nothing is skipped.
    let said = fs::read_to_string(&skipped).unwrap_or_default();
    let skips: Vec<_> = said.lines().map(str::to_owned).chain(machine.skipped()).collect();
    summarise(&results, &skips)?;
    match required && !skips.is_empty() {
        true => Err(format!("{REQUIRE_ALL} is set, but tests were skipped")),
        false => Ok(()),
    }
}

impl Step {
    fn new(title: &'static str, program: PathBuf, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        Self { title, command, wants: &[] }
    }

    fn wants(self, wants: &'static [Thing]) -> Self {
        Self { wants, ..self }
    }

    fn run(&mut self, machine: &Machine) -> Ending {
        println!("\n==> {}", self.title);
        if let Some(reason) = machine.lacks(self.wants) {
            println!("    skipped: {reason}");
            return Ending::Skipped(reason.to_owned());
        }
        println!("    {}", written(&self.command));
        let start = Instant::now();
        let passed = match self.command.current_dir(root()).status() {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("cannot start {:?}: {error}", self.command.get_program());
                false
            }
        };
        match passed {
            true => Ending::Passed(start.elapsed()),
            false => Ending::Failed(start.elapsed()),
        }
    }
}

fn steps(extent: Extent) -> Result<Vec<Step>, String> {
    let cargo = || PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let target = target()?;
    let mut steps = vec![Step::new("engine: tests, documentation, fuzz body", cargo(), &ENGINE)];
    if extent == Extent::Quick {
        return Ok(steps);
    }
    let example =
        |name| target.join("release/examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let xtask = env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    steps.push(Step::new(
        "engine as optimised, Burn, Candle, GPU kernels, program, README: tests, benchmarks once",
        cargo(),
        // A failure in one package says nothing of the others.
        &[&["test", "--no-fail-fast"], &RELEASE[..]].concat(),
    ));
    if extent == Extent::Long {
        let ignored = ["--lib", "--bins", "--tests", "--", "--ignored"];
        steps.push(Step::new(
            "the same: long tests",
            cargo(),
            &[&["test"], &RELEASE[..], &ignored].concat(),
        ));
    }
    steps.extend([
        Step::new("example: training with Burn", example("train_segmentation"), &[]),
        Step::new("example: training with Candle, in short", example("train_unet"), &["120"]),
        Step::new("GPU: PTX is up to date and fits every device", xtask, &["emit", "--check"])
            .wants(&[Thing::Python]),
    ]);
    steps.extend(SUITES.iter().flat_map(|suite| suite.steps(&target, extent)));
    Ok(steps)
}

impl Suite {
    /// An environment, the package as a user builds it, the tests.
    fn steps(&self, target: &Path, extent: Extent) -> [Step; 3] {
        let environment = Environment::new(target, self.environment);
        let [make, install, test] = self.titles;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let packages = ["./bindings/python", "-r", self.requirements];
        // With the reasons of what is skipped, and what took longest. Frameworks compile on one core.
        let pytest = [
            &["-m", "pytest", "--quiet", "-rs", "--durations=15"][..],
            &["--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal"],
        ]
        .concat();
        let long: &[&str] = match extent {
            Extent::Long => &["-m", "long or not long"],
            Extent::Quick | Extent::Usual => &[],
        };
        let mut tests =
            Step::new(test, environment.program(), &[&pytest, long, self.tests].concat());
        tests.command.env("DICE_LOSS_KERNELS", sources(target));
        // Without one, all three are skipped.
        let system = python::of_the_system().map(|python| python.program).unwrap_or_default();
        [
            Step::new(make, system, &environment.creation()),
            Step::new(install, environment.program(), &[&pip[..], &packages].concat()),
            tests,
        ]
        .map(|step| step.wants(&[Thing::Python]))
    }
}

fn written(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    [name].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

fn summarise(results: &[(&str, Ending)], skips: &[String]) -> Result<(), String> {
    println!("\n==> summary");
    let sets = dice_loss::Isa::available();
    println!(
        "instruction sets: {}",
        sets.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
    );
    for (title, outcome) in results {
        match outcome {
            Ending::Passed(time) => println!("passed  {:5.0} s  {title}", time.as_secs_f64()),
            Ending::Failed(time) => println!("FAILED  {:5.0} s  {title}", time.as_secs_f64()),
            Ending::Skipped(reason) => println!("SKIPPED          {title}: {reason}"),
        }
    }
    for skip in skips {
        println!("SKIPPED          {}", skip.trim_start_matches("SKIPPED "));
    }
    let failed = |outcome: &Ending| matches!(outcome, Ending::Failed(_));
    match results.iter().filter(|(_, outcome)| failed(outcome)).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} steps failed", results.len())),
    }
}
