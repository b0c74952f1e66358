//! `tests/declared.json`: what the losses declare, for the tests that go over all of it.

use dice_loss::{Kind, OptionInfo, OptionKind, PerfectMatch, settings};
use serde_json::{Value, json};

use super::{
    Generated,
    loss::{Loss, losses},
    text::name,
};

/// Trial values are for so many classes.
const CLASSES: usize = 3;

/// The list.
pub(super) fn file() -> Generated {
    let made = "Written by `cargo xtask generate` from crates/dice-loss/src; do not edit.";
    let losses: Vec<_> = losses().iter().map(loss).collect();
    let settings: Vec<_> = settings().iter().map(option).collect();
    let whole = json!({ "made": made, "classes": CLASSES, "settings": settings, "losses": losses });
    // The first line is to say what made it.
    let text = format!("{whole:#}").replacen("{\n", "", 1);
    let text = reordered(&text, made);
    Generated { path: "bindings/python/tests/declared.json".to_owned(), text }
}

/// With the line that says what made it first.
fn reordered(text: &str, made: &str) -> String {
    let line = format!("  \"made\": {},\n", json!(made));
    format!("{{\n{line}{}\n", text.replacen(&line, "", 1))
}

fn loss(loss: &Loss) -> Value {
    let entry = &loss.0;
    let taken: Vec<_> = settings()
        .into_iter()
        .map(|setting| setting.facts.name)
        .filter(|setting| entry.kind().takes(setting))
        .collect();
    let (kind, is_coupled) = match entry.kind() {
        Kind::Overlap { coupled } => ("overlap", coupled),
        Kind::Voxel => ("voxel", false),
        Kind::Compound => ("compound", false),
    };
    json!({
        "name": entry.name,
        "term": entry.class,
        "torch": loss.module_class(),
        "torch_function": loss.module_function(),
        "keras": entry.short,
        "kind": kind,
        "is_coupled": is_coupled,
        "activations": loss.activations(),
        "perfect_match": word(entry.perfect_match),
        "wants_map": entry.wants_map().map(|wanted| wanted.name),
        "settings": taken,
        "options": entry.options().iter().map(option).collect::<Vec<_>>(),
    })
}

fn option(option: &OptionInfo) -> Value {
    let (kind, words) = match &option.kind {
        OptionKind::Flag => ("flag", None),
        OptionKind::Number => ("number", None),
        OptionKind::Count => ("count", None),
        OptionKind::Choice { words, .. } => ("choice", Some(words)),
        OptionKind::Smoothing => ("smoothing", None),
        OptionKind::ClassValues { .. } => ("class values", None),
        OptionKind::Distances => ("distances", None),
        OptionKind::Indices => ("indices", None),
        OptionKind::Numbers => ("numbers", None),
        OptionKind::Spacing => ("spacing", None),
        OptionKind::Name => ("name", None),
    };
    json!({
        "name": name(option.facts.name),
        "kind": kind,
        "words": words,
        "default": option.default,
        "trials": option.trials(CLASSES),
        "perfect_match": option.facts.perfect_match.map(word),
    })
}

fn word(perfect_match: PerfectMatch) -> &'static str {
    match perfect_match {
        PerfectMatch::Zero => "zero",
        PerfectMatch::Minimum => "minimum",
        PerfectMatch::Elsewhere => "elsewhere",
        PerfectMatch::Unknown => "unknown",
    }
}
