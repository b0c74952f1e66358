//! docs/losses.md: the losses with formulas, options and papers.

use std::fmt::Write;

use dice_loss::{Entry, OptionInfo, OptionKind, Range, catalogue};

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
    for entry in catalogue() {
        let _ = write!(table, "\n{}", section(&entry));
    }
    Generated { path: "docs/losses.md".to_owned(), text: table }
}

/// All that a loss says of itself.
fn section(entry: &Entry) -> String {
    let mut text = format!("## {}\n\n", entry.title);
    let summary = entry.summary.replace('|', "\\|");
    let _ = writeln!(
        text,
        "`{}`: {summary}.\n\n{}\n\nRange {}.",
        entry.name, entry.details, entry.range
    );
    if !entry.papers.is_empty() {
        text.push('\n');
    }
    for paper in entry.papers {
        let _ = writeln!(text, "- {}: <{}>", paper.cite, paper.address);
    }
    let options = entry.options();
    if !options.is_empty() {
        text += "\n| Option | Default | |\n|---|---|---|\n";
    }
    for option in options {
        let about = about(&option).replace('|', "\\|");
        let _ = writeln!(text, "| `{}` | `{}` | {about} |", option.facts.name, option.default);
    }
    text
}

/// The sentence of an option, with the numbers that it can be.
fn about(option: &OptionInfo) -> String {
    let OptionInfo { facts, kind, .. } = option;
    match kind {
        OptionKind::Choice { words, .. } if !facts.about.contains('`') => {
            format!("{}: {}", facts.about, words.join(", "))
        }
        _ if facts.range == Range::ANY => facts.about.to_owned(),
        _ => format!("{}; {}", facts.about, facts.range),
    }
}
