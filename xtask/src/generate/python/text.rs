//! Python source: values, lists of arguments, imports and docstrings, as `ruff format` leaves them.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::Value;

/// The longest line.
const WIDTH: usize = 100;

/// The first lines of a generated file: who made it, and what it is.
pub(super) fn head(about: &str) -> String {
    let made = "# Written by `cargo xtask generate` from crates/dice-loss/src; do not edit.\n";
    let end = if about.contains('\n') { "\n" } else { "" };
    let about = about.trim_end();
    format!("{made}\"\"\"{about}{end}\"\"\"\n\nfrom __future__ import annotations\n")
}

/// A name that is none of Python's keywords.
pub(super) fn name(of_engine: &str) -> String {
    match of_engine {
        "lambda" | "global" | "in" | "is" | "not" | "with" | "class" | "from" => {
            format!("{of_engine}_")
        }
        _ => of_engine.to_owned(),
    }
}

/// A value as Python writes it; a pair of equal numbers as one number.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(pair) if pair.len() == 2 && pair[0] == pair[1] => literal(&pair[0]),
        Value::Array(entries) => {
            let entries: Vec<_> = entries.iter().map(literal).collect();
            format!("({})", entries.join(", "))
        }
        Value::Number(number) => match number.as_f64() {
            Some(small) if small != 0.0 && small.abs() < 1e-3 => format!("{small:e}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// A tuple of words.
pub(super) fn words(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match &quoted[..] {
        [one] => format!("({one},)"),
        more => format!("({})", more.join(", ")),
    }
}

/// `open`, one entry a line, `close`: a comma behind the last keeps the formatter from joining them.
pub(super) fn listed(indent: usize, open: &str, entries: &[String], close: &str) -> String {
    let (outer, inner) = (" ".repeat(indent), " ".repeat(indent + 4));
    let mut text = format!("{outer}{open}\n");
    for entry in entries {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{inner}{entry},");
    }
    text + &format!("{outer}{close}\n")
}

/// The list of what a module offers, in the order that ruff sorts it in.
pub(super) fn all(names: &[String]) -> String {
    let mut quoted: Vec<_> = names.to_vec();
    quoted.sort_by_key(|name| rank(name));
    let quoted: Vec<_> = quoted.iter().map(|name| format!("\"{name}\"")).collect();
    listed(0, "__all__ = [", &quoted, "]")
}

/// Imports of those of the names that some annotation mentions.
pub(super) fn imports(
    module: &str,
    names: &[impl AsRef<str>],
    mentioned: &BTreeSet<String>,
) -> String {
    let names = names.iter().map(|name| name.as_ref().to_owned());
    let mut used: Vec<_> = names.filter(|name| mentioned.contains(name)).collect();
    used.sort_by_key(|name| rank(name));
    if used.is_empty() {
        return String::new();
    }
    let line = format!("from {module} import {}\n", used.join(", "));
    if line.chars().count() <= WIDTH + 1 {
        return line;
    }
    listed(0, &format!("from {module} import ("), &used, ")")
}

/// The names in a piece of source.
pub(super) fn mentioned(source: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    source.split(|letter| !is_part(letter)).map(str::to_owned).collect()
}

/// Constants before classes before functions, as isort has it.
fn rank(name: &str) -> (u8, String) {
    let kind = if name.len() > 1 && name.to_uppercase() == *name {
        0
    } else if name.starts_with(char::is_uppercase) {
        1
    } else {
        2
    };
    (kind, name.to_owned())
}

/// A docstring: paragraphs, and sections of entries.
pub(super) struct Docstring {
    indent: usize,
    text: String,
}

impl Docstring {
    /// With its first paragraph.
    pub fn new(indent: usize, summary: &str) -> Self {
        let first = wrapped(&format!("\"\"\"{summary}"), indent, indent);
        Self { indent, text: first }
    }

    /// Another paragraph.
    pub fn paragraph(mut self, text: &str) -> Self {
        if !text.is_empty() {
            self.text += "\n";
            self.text += &wrapped(text, self.indent, self.indent);
        }
        self
    }

    /// An example, which tests run.
    pub fn example(mut self, code: &str) -> Self {
        let indent = " ".repeat(self.indent);
        self.text += &format!("\n{indent}::\n\n{indent}    {code}\n");
        self
    }

    /// A section, such as `Args`, an entry a paragraph.
    pub fn section(mut self, title: &str, entries: &[String]) -> Self {
        self.text += &format!("\n{}{title}:\n", " ".repeat(self.indent));
        for entry in entries {
            self.text += &wrapped(entry, self.indent + 4, self.indent + 8);
        }
        self
    }

    /// A section of plain text.
    pub fn returns(mut self, text: &str) -> Self {
        self.text += &format!("\n{}Returns:\n", " ".repeat(self.indent));
        self.text += &wrapped(text, self.indent + 4, self.indent + 4);
        self
    }

    pub fn end(self) -> String {
        format!("{}{}\"\"\"\n", self.text, " ".repeat(self.indent))
    }
}

/// Text in lines, broken at spaces.
fn wrapped(text: &str, first: usize, others: usize) -> String {
    let mut lines = String::new();
    let mut line = " ".repeat(first);
    let mut is_empty = true;
    for piece in pieces(text) {
        if !is_empty && line.chars().count() + 1 + piece.chars().count() > WIDTH {
            lines += &line;
            lines += "\n";
            line = " ".repeat(others);
            is_empty = true;
        }
        if !is_empty {
            line += " ";
        }
        line += &piece;
        is_empty = false;
    }
    lines + &line + "\n"
}

/// Words; what belongs together in a formula or a range is one piece, as long as that is short.
fn pieces(text: &str) -> Vec<String> {
    const LONGEST: usize = 60;
    let is_operator = |word: &str| matches!(word, "=" | "−" | "+" | "/" | "·" | "≤" | "<" | ">");
    let is_open =
        |piece: &str, open, close| piece.matches(open).count() > piece.matches(close).count();
    let mut pieces: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if let Some(last) = pieces.last_mut() {
            let end = last.rsplit(' ').next().unwrap_or_default();
            let in_formula = last.split(' ').any(is_operator) && is_open(last, '(', ')');
            let belongs =
                is_operator(word) || is_operator(end) || in_formula || is_open(last, '[', ']');
            if belongs && last.chars().count() + 1 + word.chars().count() <= LONGEST {
                *last += " ";
                *last += word;
                continue;
            }
        }
        pieces.push(word.to_owned());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        let smoothing = json!([1e-5, 1e-5]);
        assert_eq!(literal(&smoothing), "1e-5");
        assert_eq!(literal(&json!([0.0, 1.0])), "(0.0, 1.0)");
        assert_eq!(literal(&json!("l1")), "\"l1\"");
        assert_eq!(literal(&Value::Null), "None");
        assert_eq!(words(&["softmax"]), "(\"softmax\",)");
    }

    #[test]
    fn lines_are_as_long_as_they_may_be() {
        let text = "x".repeat(50) + " " + &"y".repeat(45) + " z";
        let wanted = format!("    {} {}\n        z\n", "x".repeat(50), "y".repeat(45));
        assert_eq!(wrapped(&text, 4, 8), wanted);
    }

    #[test]
    fn formulas_stay_in_one_piece() {
        assert_eq!(
            pieces("so L = 1 − (2 I + s) / t, in [0, 1]"),
            ["so", "L = 1 − (2 I + s) / t,", "in", "[0, 1]"]
        );
    }

    #[test]
    fn constants_come_first() {
        let list = ["softmax", "Dice", "BCE"].map(str::to_owned);
        assert_eq!(all(&list), "__all__ = [\n    \"BCE\",\n    \"Dice\",\n    \"softmax\",\n]\n");
    }
}
