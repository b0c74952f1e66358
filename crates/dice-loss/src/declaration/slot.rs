//! The place of an option's value: read, written and checked by what kind of value it is.

use serde_json::{Value, json};

use super::{Choice, Facts, OptionKind, Options, Range};
use crate::{ClassValues, Distances, Error, Result, Smoothing, error::parameter};

/// Where the value of an option is kept.
pub enum Slot<'a> {
    /// True or false.
    Flag(&'a mut bool),
    /// True, false or open.
    OptionalFlag(&'a mut Option<bool>),
    /// A number.
    Number(&'a mut f64),
    /// How many.
    Count(&'a mut usize),
    /// One of a few words.
    Choice(&'a mut dyn Choice),
    /// What is added to a ratio.
    Smoothing(&'a mut Smoothing),
    /// A value for each class.
    ClassValues(&'a mut ClassValues),
    /// A value for each class, or none.
    OptionalClassValues(&'a mut Option<ClassValues>),
    /// How far apart classes are.
    Distances(&'a mut Distances),
    /// Some of the classes, or open.
    OptionalIndices(&'a mut Option<Vec<usize>>),
    /// A number for each class, or open.
    OptionalNumbers(&'a mut Option<Vec<f64>>),
    /// A number for each spatial axis, or 1 for each.
    Spacing(&'a mut Option<Vec<f64>>),
    /// A name, or open.
    OptionalName(&'a mut Option<String>),
    /// A loss inside, with a table of its own.
    Part(&'a mut dyn Options),
}

impl Slot<'_> {
    /// What values it takes.
    pub fn kind(&self) -> OptionKind {
        match self {
            Self::Flag(_) | Self::OptionalFlag(_) => OptionKind::Flag,
            Self::Number(_) => OptionKind::Number,
            Self::Count(_) => OptionKind::Count,
            Self::Choice(choice) => {
                OptionKind::Choice { type_name: choice.type_name(), words: choice.words() }
            }
            Self::Smoothing(_) => OptionKind::Smoothing,
            Self::ClassValues(_) => OptionKind::ClassValues { optional: false },
            Self::OptionalClassValues(_) => OptionKind::ClassValues { optional: true },
            Self::Distances(_) => OptionKind::Distances,
            Self::OptionalIndices(_) => OptionKind::Indices,
            Self::Spacing(_) => OptionKind::Spacing,
            Self::OptionalName(_) => OptionKind::Name,
            // A part is no option; its table is asked instead.
            Self::OptionalNumbers(_) | Self::Part(_) => OptionKind::Numbers,
        }
    }

    /// The value as JSON.
    pub fn value(&self) -> Value {
        match self {
            Self::Flag(flag) => json!(flag),
            Self::OptionalFlag(flag) => json!(flag),
            Self::Number(number) => json!(number),
            Self::Count(count) => json!(count),
            Self::Choice(choice) => json!(choice.chosen()),
            Self::Smoothing(Smoothing { numerator, denominator }) => {
                json!([numerator, denominator])
            }
            Self::ClassValues(values) => class_values(values),
            Self::OptionalClassValues(values) => values.as_ref().map_or(Value::Null, class_values),
            Self::Distances(Distances::Uniform) | Self::Part(_) => Value::Null,
            Self::Distances(Distances::Matrix(rows)) => json!(rows),
            Self::OptionalIndices(indices) => json!(indices),
            Self::OptionalNumbers(numbers) | Self::Spacing(numbers) => json!(numbers),
            Self::OptionalName(name) => json!(name),
        }
    }

    /// Sets it; whether its range holds is [`check`](Self::check)'s to say.
    pub(crate) fn set(self, loss: &str, facts: &Facts, value: &Value) -> Result<()> {
        let wanted = self.wanted();
        let refuse = || refused(loss, facts.name, value, &wanted);
        match self {
            Self::Flag(flag) => *flag = value.as_bool().ok_or_else(refuse)?,
            Self::OptionalFlag(flag) => *flag = optional(value, Value::as_bool, refuse)?,
            Self::Number(number) => *number = value.as_f64().ok_or_else(refuse)?,
            Self::Count(count) => {
                let read = |value: &Value| usize::try_from(value.as_u64()?).ok();
                *count = read(value).ok_or_else(refuse)?;
            }
            Self::Choice(choice) => {
                if !value.as_str().is_some_and(|word| choice.choose(word)) {
                    return Err(refuse());
                }
            }
            Self::Smoothing(smoothing) => *smoothing = pair(value).ok_or_else(refuse)?,
            Self::ClassValues(values) => *values = read_class_values(value).ok_or_else(refuse)?,
            Self::OptionalClassValues(values) => {
                *values = optional(value, read_class_values, refuse)?;
            }
            Self::Distances(distances) => {
                let rows = |value: &Value| value.as_array()?.iter().map(numbers).collect();
                let rows: Option<Vec<_>> = optional(value, rows, refuse)?;
                *distances = rows.map_or(Distances::Uniform, Distances::Matrix);
            }
            Self::OptionalIndices(indices) => {
                let index = |value: &Value| usize::try_from(value.as_u64()?).ok();
                let read = |value: &Value| value.as_array()?.iter().map(index).collect();
                *indices = optional(value, read, refuse)?;
            }
            Self::OptionalNumbers(values) | Self::Spacing(values) => {
                *values = optional(value, numbers, refuse)?;
            }
            Self::OptionalName(name) => {
                *name = optional(value, |value| Some(value.as_str()?.to_owned()), refuse)?;
            }
            Self::Part(_) => return Err(refuse()),
        }
        Ok(())
    }

    /// Fails unless the value is in its range and fits the number of classes.
    pub(crate) fn check(&self, loss: &str, facts: &Facts, classes: usize) -> Result<()> {
        let Facts { name, range, .. } = facts;
        match self {
            Self::Number(number) => in_range(loss, name, **number, range),
            Self::Smoothing(Smoothing { numerator, denominator }) => {
                in_range(loss, "smoothing.numerator", *numerator, range)?;
                in_range(loss, "smoothing.denominator", *denominator, range)
            }
            Self::ClassValues(values) => values.check(&format!("{loss}: {name}"), classes, range),
            Self::OptionalClassValues(Some(values)) => {
                values.check(&format!("{loss}: {name}"), classes, range)
            }
            Self::Distances(distances) => distances.check(loss, classes),
            Self::OptionalIndices(Some(indices)) => {
                match indices.iter().find(|index| **index >= classes) {
                    Some(index) => {
                        parameter(format!("{loss}: {name}"), index, format!("below {classes}"))
                    }
                    None => Ok(()),
                }
            }
            Self::OptionalNumbers(Some(numbers)) => {
                let what = || format!("{loss}: {name}");
                if numbers.len() != classes {
                    let wanted = format!("{classes} weights, one for each class");
                    return parameter(what(), numbers, wanted);
                }
                match numbers.iter().find(|number| !range.contains(**number)) {
                    Some(number) => parameter(what(), number, range.instead_of(*number)),
                    None => Ok(()),
                }
            }
            Self::Spacing(Some(numbers)) => {
                let what = || format!("{loss}: {name}");
                if !(1..=3).contains(&numbers.len()) {
                    return parameter(what(), numbers, "a number for each spatial axis, 1 to 3");
                }
                match numbers.iter().find(|number| !range.contains(**number)) {
                    Some(number) => parameter(what(), number, range.instead_of(*number)),
                    None => Ok(()),
                }
            }
            Self::OptionalName(Some(text)) if text.is_empty() => {
                parameter(format!("{loss}: {name}"), text, "a name, or none")
            }
            _ => Ok(()),
        }
    }

    /// The number of classes that the value is for, if it says.
    pub(crate) fn classes(&self) -> Option<usize> {
        match self {
            Self::ClassValues(ClassValues::Each(values))
            | Self::OptionalClassValues(Some(ClassValues::Each(values)))
            | Self::OptionalNumbers(Some(values)) => Some(values.len()),
            Self::Distances(Distances::Matrix(rows)) => Some(rows.len()),
            _ => None,
        }
    }

    fn wanted(&self) -> String {
        match self {
            Self::Flag(_) => "true or false".into(),
            Self::OptionalFlag(_) => "true, false or null".into(),
            Self::Number(_) => "a number".into(),
            Self::Count(_) => "a whole number of at least 0".into(),
            Self::Choice(choice) => choice.words().join(", "),
            Self::Smoothing(_) => "a number of at least 0, or two: [numerator, denominator]".into(),
            Self::ClassValues(_) | Self::OptionalClassValues(_) => {
                "a number, one for each class, or {\"background\": …, \"foreground\": …}".into()
            }
            Self::Distances(_) => "a row of numbers for each class, or null".into(),
            Self::OptionalIndices(_) => "numbers of classes, or null".into(),
            Self::OptionalNumbers(_) => "a number for each class, or null".into(),
            Self::Spacing(_) => "a number for each spatial axis, or null".into(),
            Self::OptionalName(_) => "a name, or null".into(),
            Self::Part(_) => "nothing: it has options of its own".into(),
        }
    }
}

fn refused(loss: &str, option: &str, found: &Value, wanted: &str) -> Error {
    Error::Parameter {
        what: format!("{loss}: {option}"),
        found: found.to_string(),
        wanted: wanted.into(),
    }
}

fn in_range(loss: &str, option: &str, value: f64, range: &Range) -> Result<()> {
    if range.contains(value) {
        return Ok(());
    }
    parameter(format!("{loss}: {option}"), value, range.instead_of(value))
}

fn optional<T>(
    value: &Value,
    read: impl Fn(&Value) -> Option<T>,
    refuse: impl Fn() -> Error,
) -> Result<Option<T>> {
    match value {
        Value::Null => Ok(None),
        value => read(value).map(Some).ok_or_else(refuse),
    }
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

fn pair(value: &Value) -> Option<Smoothing> {
    if let Some(both) = value.as_f64() {
        return Some(Smoothing::both(both));
    }
    match numbers(value)?[..] {
        [numerator, denominator] => Some(Smoothing { numerator, denominator }),
        _ => None,
    }
}

fn class_values(values: &ClassValues) -> Value {
    match values {
        ClassValues::Same(value) => json!(value),
        ClassValues::Each(values) => json!(values),
        ClassValues::Background { background, foreground } => {
            json!({ "background": background, "foreground": foreground })
        }
    }
}

fn read_class_values(value: &Value) -> Option<ClassValues> {
    match value {
        Value::Object(sides) if sides.len() == 2 => Some(ClassValues::Background {
            background: sides.get("background")?.as_f64()?,
            foreground: sides.get("foreground")?.as_f64()?,
        }),
        Value::Array(_) => numbers(value).map(ClassValues::Each),
        value => value.as_f64().map(ClassValues::Same),
    }
}
