//! `cargo xtask emit`: the GPU kernels as PTX, which the Python package launches.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    RELEASE,
    python::{self, Environment},
    root, target,
};

/// Where the PTX is committed.
const PTX: &str = "bindings/python/src/cuda/ptx";

/// An old compiler, whose PTX old drivers take, and a new assembler, which knows new devices.
const TOOLS: [&str; 7] = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "-r",
    "xtask/ptx-requirements.txt",
];

/// Compiles the kernels and writes their PTX, or compares it with what is there.
pub fn emit(check: bool) -> Result<(), String> {
    let target = target()?;
    let tools = Environment::new(&target, "ptx-tools");
    run(Command::new(python::of_the_system()?.program).args(tools.creation()))?;
    run(Command::new(tools.program()).args(TOOLS))?;
    let cargo = PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Optimised: it is a compiler. With all that the tests build, so that nothing is built twice.
    run(Command::new(cargo).arg("build").args(RELEASE).args(["--example", "emit"]))?;
    let printer = target.join("release/examples").join(format!("emit{}", env::consts::EXE_SUFFIX));
    let printed = Command::new(&printer)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start {printer:?}: {error}"))?;
    if !printed.status.success() {
        return Err(format!("{printer:?}: {}", printed.status));
    }
    let sources = sources(&target);
    fs::write(&sources, printed.stdout).map_err(|error| format!("{sources:?}: {error}"))?;
    let mut compiler = Command::new(tools.program());
    run(compiler.arg("xtask/ptx.py").arg(sources).arg(PTX).args(check.then_some("--check")))
}

/// Where the kernels' CUDA C++ is left, which tests run on the CPU.
pub(crate) fn sources(target: &Path) -> PathBuf {
    target.join("kernels.jsonl")
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_owned();
    match command.current_dir(root()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program:?}: {status}")),
        Err(error) => Err(format!("cannot start {program:?}: {error}")),
    }
}
