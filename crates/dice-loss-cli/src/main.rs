//! The `dice-loss` program.

use std::process::ExitCode;

use clap::Parser;
use dice_loss_cli::{app, args::Arguments};

fn main() -> ExitCode {
    match app::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
