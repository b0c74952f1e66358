//! Prints the kernels as CUDA C++, one JSON object a line; `cargo xtask emit` reads them.

use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let printed = dice_loss_gpu::emit::sources().and_then(|sources| {
        let mut out = io::stdout().lock();
        sources.iter().try_for_each(|source| {
            let line = serde_json::to_string(source).map_err(|error| error.to_string())?;
            writeln!(out, "{line}").map_err(|error| error.to_string())
        })
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
