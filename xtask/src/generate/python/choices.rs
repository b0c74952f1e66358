//! `_choices.py`: options that are one of a few words.

use std::{collections::BTreeMap, fmt::Write};

use dice_loss::{OptionInfo, OptionKind, Reduction, Words, settings};

use super::{Generated, loss::losses, package, text::head};

/// The types of all choices, with their words.
fn choices() -> BTreeMap<&'static str, Vec<&'static str>> {
    let own = losses().into_iter().flat_map(|loss| loss.0.options());
    let mut choices = BTreeMap::new();
    for OptionInfo { kind, .. } in own.chain(settings()) {
        if let OptionKind::Choice { type_name, words } = kind {
            choices.insert(type_name, words);
        }
    }
    let reductions = Reduction::WORDS.iter().map(|(word, _)| *word);
    choices.insert(Reduction::TYPE, reductions.collect());
    choices
}

/// The names of the types.
pub(super) fn types() -> Vec<&'static str> {
    choices().into_keys().collect()
}

/// `VolumeWeight` is `VOLUME_WEIGHT`.
pub(super) fn constant(type_name: &str) -> String {
    let mut constant = String::new();
    for (index, letter) in type_name.chars().enumerate() {
        if index > 0 && letter.is_uppercase() {
            constant.push('_');
        }
        constant.extend(letter.to_uppercase());
    }
    constant
}

/// Types of the annotations, and how fields of dataclasses read them.
pub(super) fn file() -> Generated {
    let mut text = head("Options that are one of a few words.")
        + "\nfrom typing import Literal, TypeAlias\n\nfrom ._options import one_of\n\n";
    let quoted = |words: &[&str]| {
        words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
    };
    // Writing to a string does not fail.
    for (name, words) in choices() {
        let _ = writeln!(text, "{name}: TypeAlias = Literal[{}]", quoted(&words));
    }
    text += "\n";
    for (name, words) in choices() {
        let _ = writeln!(text, "{} = {{\"convert\": one_of({})}}", constant(name), quoted(&words));
    }
    Generated { path: package("_choices.py"), text }
}
