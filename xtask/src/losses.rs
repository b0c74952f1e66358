//! `cargo xtask docs`: the table of losses, from the engine's list.

use std::{fmt::Write, fs, path::PathBuf};

use dice_loss::{Activation, Entry, catalogue};

use crate::root;

const HEAD: &str = "\
# Losses

Written by `cargo xtask docs` from the engine's list; a test fails when it is out of date.

p is the probability that the activation gives a class, g the reference, Σ the sum over the voxels \
that count. Smoothing is left out here; [semantics](semantics.md) has it, and every option. Any weighted \
sum of losses costs the same two sweeps.

| Name | Loss | Formula | Activations | Paper |
|---|---|---|---|---|
";

/// Writes docs/losses.md.
pub fn write_losses() -> Result<(), String> {
    fs::write(path(), losses()).map_err(|error| format!("{}: {error}", path().display()))
}

fn path() -> PathBuf {
    root().join("docs/losses.md")
}

fn losses() -> String {
    let mut table = HEAD.to_owned();
    for entry in catalogue() {
        let Entry { name, title, formula, reference, activations, .. } = entry;
        let formula = formula.replace('|', "\\|");
        let activations = activations.iter().map(|one| activation(*one)).collect::<Vec<_>>();
        let paper = match reference.split_once("://") {
            Some((_, address)) => format!("[{address}]({reference})"),
            None => "—".to_owned(),
        };
        let activations = activations.join(", ");
        // Writing to a string does not fail.
        let _ = writeln!(table, "| `{name}` | {title} | {formula} | {activations} | {paper} |");
    }
    table
}

fn activation(activation: Activation) -> &'static str {
    match activation {
        Activation::Softmax => "softmax",
        Activation::Sigmoid => "sigmoid",
        Activation::Probabilities => "probabilities",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_up_to_date() {
        let found = fs::read_to_string(path()).unwrap_or_default();
        assert!(found == losses(), "docs/losses.md is out of date: run `cargo xtask docs`");
    }
}
