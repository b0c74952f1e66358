//! docs/losses.md: the losses with formulas, options and papers.

use std::fmt::Write;

use dice_loss::catalogue;

use super::Generated;

const HEAD: &str = "\
# Losses

Written by `cargo xtask generate` from what the losses declare in `crates/dice-loss/src`.

p is the probability that the activation gives a class, g the reference, Σ the sum over the voxels \
that count. Smoothing is left out in the table; [semantics](semantics.md) has what all losses have in \
common. Any weighted sum of losses costs the same two sweeps.

| Name | Loss | Formula | Activations | Paper |
|---|---|---|---|---|
";

/// The table of losses.
pub(super) fn losses() -> Generated {
    let mut table = HEAD.to_owned();
    for entry in catalogue() {
        let formula = entry.formula.replace('|', "\\|");
        let activations: Vec<_> = entry.activations.iter().map(|one| one.word()).collect();
        let paper = match entry.reference().split_once("://") {
            Some((_, address)) => format!("[{address}]({})", entry.reference()),
            None => "—".to_owned(),
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| `{}` | {} | {formula} | {} | {paper} |",
            entry.name,
            entry.title,
            activations.join(", ")
        );
    }
    Generated { path: "docs/losses.md".to_owned(), text: table }
}
