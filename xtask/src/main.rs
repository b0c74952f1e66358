//! The project's chores: tests, generated text, GPU kernels, peers.

use std::process::ExitCode;

use xtask::Extent;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test   run every test, example, benchmark (once) and fuzz body (bounded), Rust and Python, and
         say what the machine lacks for some; --quick runs the engine's, in minutes; --long also
         those that take longest for what they tell
  generate
         write what follows from the declarations of the losses; --check compares with what is
         committed
  emit   compile the GPU kernels to PTX for the Python package; --check compares with what is
         committed and assembles it for every supported device
  peers --latest
         install the newest releases of the peers, say which have moved, and run the tests that
         compare with them";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => xtask::run_tests(Extent::Usual),
        ["test", "--quick"] => xtask::run_tests(Extent::Quick),
        ["test", "--long"] => xtask::run_tests(Extent::Long),
        ["generate"] => xtask::generate(false),
        ["generate", "--check"] => xtask::generate(true),
        ["peers", "--latest"] => xtask::peers(),
        ["emit"] => xtask::emit(false),
        ["emit", "--check"] => xtask::emit(true),
        _ => Err(format!("found {arguments:?}, wanted a command\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
