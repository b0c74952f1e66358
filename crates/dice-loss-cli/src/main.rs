//! The `dice-loss` program.

use std::process::ExitCode;

use clap::Parser;
use dice_loss_cli::{app, args::Arguments, progress::say};

fn main() -> ExitCode {
    match app::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
