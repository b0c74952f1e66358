//! Values of options in Rust.

use dice_loss::OptionKind;
use serde_json::Value;

use super::comments::capitalised;

pub(super) fn is_copy(kind: &OptionKind) -> bool {
    match kind {
        OptionKind::Flag
        | OptionKind::Number
        | OptionKind::Count
        | OptionKind::Choice { .. }
        | OptionKind::Smoothing => true,
        OptionKind::ClassValues { .. }
        | OptionKind::Distances
        | OptionKind::Indices
        | OptionKind::Numbers
        | OptionKind::Spacing
        | OptionKind::Name => false,
    }
}

/// The type of an option.
pub(super) fn type_of(kind: &OptionKind) -> &'static str {
    match kind {
        OptionKind::Flag => "bool",
        OptionKind::Number => "f64",
        OptionKind::Count => "usize",
        OptionKind::Choice { type_name, .. } => type_name,
        OptionKind::Smoothing => "Smoothing",
        OptionKind::ClassValues { optional: false } => "ClassValues",
        OptionKind::ClassValues { optional: true } => "Option<ClassValues>",
        OptionKind::Distances => "Distances",
        OptionKind::Indices => "Option<Vec<usize>>",
        OptionKind::Numbers | OptionKind::Spacing => "Option<Vec<f64>>",
        OptionKind::Name => "Option<String>",
    }
}

/// A value of an option, from JSON.
pub(super) fn expression(kind: &OptionKind, value: &Value) -> String {
    match (kind, value) {
        (OptionKind::Distances, Value::Null) => "Distances::Uniform".to_owned(),
        (_, Value::Null) => "None".to_owned(),
        (OptionKind::Choice { type_name, .. }, value) => {
            choice(type_name, value.as_str().unwrap_or_default())
        }
        (OptionKind::Smoothing, value) => {
            let (numerator, denominator) = (literal(&value[0]), literal(&value[1]));
            match numerator == denominator {
                true => format!("Smoothing::both({numerator})"),
                false => {
                    format!("Smoothing {{ numerator: {numerator}, denominator: {denominator} }}")
                }
            }
        }
        (OptionKind::ClassValues { optional }, value) => match optional {
            true => format!("Some({})", class_values(value)),
            false => class_values(value),
        },
        (OptionKind::Distances, value) => format!("Distances::Matrix({})", list(value)),
        (OptionKind::Indices | OptionKind::Numbers | OptionKind::Spacing, value) => {
            format!("Some({})", list(value))
        }
        (OptionKind::Name, value) => format!("Some({value}.into())"),
        (OptionKind::Flag | OptionKind::Number | OptionKind::Count, value) => literal(value),
    }
}

fn class_values(value: &Value) -> String {
    match value {
        Value::Array(_) => format!("ClassValues::Each({})", list(value)),
        Value::Object(sides) => format!(
            "ClassValues::Background {{ background: {}, foreground: {} }}",
            literal(&sides["background"]),
            literal(&sides["foreground"])
        ),
        value => format!("ClassValues::Same({})", literal(value)),
    }
}

fn list(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            format!("vec![{}]", values.iter().map(list).collect::<Vec<_>>().join(", "))
        }
        value => literal(value),
    }
}

/// A number as Rust writes it, small ones with an exponent.
fn literal(value: &Value) -> String {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(number) => format!("{number:?}"),
        None => value.to_string(),
    }
}

/// The value that a word stands for.
fn choice(type_name: &str, word: &str) -> String {
    match (type_name, word) {
        ("TransportWeight", "foreground") => "TransportWeight::Foreground".to_owned(),
        ("TransportWeight", _) => {
            format!("TransportWeight::Volume({})", choice("VolumeWeight", word))
        }
        _ => format!("{type_name}::{}", word.split('_').map(capitalised).collect::<String>()),
    }
}

/// A value as a sentence has it.
pub(super) fn in_prose(kind: &OptionKind, value: &Value) -> String {
    match kind {
        OptionKind::Choice { type_name, .. } => {
            variant(type_name, value.as_str().unwrap_or_default())
        }
        kind => expression(kind, value),
    }
}

/// The value that a word stands for as a sentence has it, beside its type: `Batch`, not `Pool::Batch`.
pub(super) fn variant(type_name: &str, word: &str) -> String {
    choice(type_name, word).replace(&format!("{type_name}::"), "").replace("VolumeWeight::", "")
}
