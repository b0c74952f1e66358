//! What Burn's and Candle's front ends have in common: types, values and documentation in Rust.

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
};

use dice_loss::{
    Absent, Declaration, Entry, Field, Kind, OptionInfo, OptionKind, Paper, Pool, Range, Words,
    settings,
};
use serde_json::{Value, json};

use crate::root;

/// The last column of a line.
const WIDTH: usize = 100;
/// Of the batches that the tests try options on.
const CLASSES: usize = 3;

/// A loss as a configuration has it.
pub(super) struct Loss {
    pub(super) entry: Entry,
    /// Its own options, those of losses inside among them.
    pub(super) own: Vec<OptionInfo>,
    /// The settings that its kind takes beside the activation, with what they are if nothing is said.
    pub(super) settings: Vec<OptionInfo>,
    /// What turns logits into probabilities.
    activation: OptionInfo,
}

impl Loss {
    pub(super) fn new(entry: Entry) -> Self {
        let taken = settings().into_iter().filter(|setting| entry.kind().takes(setting.facts.name));
        let (activation, mut settings): (Vec<_>, Vec<_>) =
            taken.partition(|setting| setting.facts.name == "activation");
        for setting in &mut settings {
            setting.default = unsaid(setting.facts.name);
        }
        let [activation] =
            <[_; 1]>::try_from(activation).expect("every loss has one activation, whatever it is");
        Self { entry, own: entry.options(), settings, activation }
    }

    /// Every loss of the catalogue.
    pub(super) fn all() -> Vec<Self> {
        dice_loss::catalogue().into_iter().map(Self::new).collect()
    }

    pub(super) fn class(&self) -> &'static str {
        self.entry.class
    }

    /// The first line of the file that is made from it.
    pub(super) fn origin(&self) -> String {
        format!(
            "// Written by `cargo xtask generate` from the declaration of `dice_loss::{}`; do not edit.\n",
            self.class()
        )
    }

    /// Options and settings, in the order of the configuration, the activation before them all.
    pub(super) fn options(&self) -> impl Iterator<Item = &OptionInfo> {
        self.own.iter().chain(&self.settings)
    }

    /// The types of the engine that its file names, beside those given.
    pub(super) fn imports(&self, others: &[&'static str]) -> String {
        let mut names: BTreeSet<_> = others.iter().copied().collect();
        names.insert(self.class());
        collect_classes(&self.entry.fields(), &mut names);
        for option in self.options() {
            match &option.kind {
                OptionKind::Choice { type_name, .. } => names.insert(type_name),
                OptionKind::Smoothing => names.insert("Smoothing"),
                OptionKind::ClassValues { .. } => names.insert("ClassValues"),
                OptionKind::Distances => names.insert("Distances"),
                _ => continue,
            };
        }
        names.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// The loss itself, from the fields of a configuration, as an objective without a reduction.
    pub(super) fn objective(&self, config: &str) -> String {
        let loss = literal(self.class(), &self.entry.fields(), config);
        let compound = self.entry.kind() == Kind::Compound;
        let mut made = match compound {
            true => format!("{loss}.objective({config}.activation)"),
            false => format!("{loss}.with({config}.activation)"),
        };
        for setting in &self.settings {
            if !setting.default.is_null() {
                let name = setting.facts.name;
                made += &format!(".{name}({config}.{name})");
            }
        }
        match compound {
            true => format!("named::compound({made}, &{config}.class_weights)"),
            false => {
                format!("named::single({made}, &{config}.classes, &{config}.class_weights)")
            }
        }
    }

    /// What it is, its formula, activations, range and papers; `more` is said after them.
    pub(super) fn documentation(&self, more: &str) -> String {
        let Declaration { title, summary, details, range, papers, .. } = *self.entry;
        let mut paragraphs = vec![format!("{title} loss: {summary}.")];
        paragraphs.extend(details.split("\n\n").map(str::to_owned));
        let mut facts = vec![
            format!("- **Activation**: {}.", self.activations()),
            format!("- **Range**: {range}."),
        ];
        match papers {
            [] => {}
            [paper] => facts.push(format!("- **Paper**: {}.", cited(paper))),
            _ => {
                let papers: Vec<_> = papers.iter().map(cited).collect();
                facts.push(format!("- **Papers**: {}.", papers.join("; ")));
            }
        }
        paragraphs.push(facts.join("\n"));
        paragraphs.push(more.to_owned());
        let text = self.in_rust(&paragraphs.join("\n\n"));
        comment(&text)
    }

    /// The activations that it can have, as words of a sentence.
    fn activations(&self) -> String {
        let words: Vec<_> =
            self.entry.activations.iter().map(|activation| activation.word()).collect();
        match &words[..] {
            [one] => (*one).to_owned(),
            [others @ .., last] => format!("{} or {last}", others.join(", ")),
            [] => String::new(),
        }
    }

    pub(super) fn about_activation(&self) -> String {
        let about = sentence(self.activation.facts.about);
        comment(&format!("{about}: {}.", self.activations()))
    }

    /// What an option is, the numbers it can be and its default.
    pub(super) fn about(&self, option: &OptionInfo) -> String {
        let mut said = vec![sentence(option.facts.about)];
        let range = match option.kind {
            OptionKind::Numbers => Range::ANY, // said by the sentence itself
            _ => option.facts.range,
        };
        let default = match option.default {
            Value::Null => None,
            _ => Some(format!("`{}` by default", expression(&option.kind, &option.default))),
        };
        let range = (range != Range::ANY).then(|| sentence(&range.to_string()));
        match (range, default) {
            (Some(range), Some(default)) => said.push(format!("{range}; {default}")),
            (range, default) => said.extend(range.or(default)),
        }
        comment(&self.in_rust(&format!("{}.", said.join(". "))))
    }

    /// A text in which words that an option is chosen by are the names of values.
    fn in_rust(&self, text: &str) -> String {
        let mut text = with_links(text);
        for option in self.options() {
            if let OptionKind::Choice { type_name, words } = &option.kind {
                for word in words {
                    let value = choice(type_name, word);
                    text = text.replace(&format!("`{word}`"), &format!("`{value}`"));
                }
            }
        }
        text
    }

    /// Every option away from its default: its name, the value as JSON, the value in Rust.
    pub(super) fn trials(&self, classes: usize) -> Vec<(&'static str, Value, String)> {
        let each = |option: &OptionInfo| {
            let (name, kind) = (option.facts.name, option.kind.clone());
            let trials = option.trials(classes).into_iter();
            trials.map(move |value| {
                let in_rust = expression(&kind, &value);
                (name, value, in_rust)
            })
        };
        self.options().flat_map(each).collect()
    }
}

/// What a setting is in a configuration that says nothing, where it cannot stay open.
fn unsaid(setting: &str) -> Value {
    match setting {
        "pool" => json!(Pool::default().word()),
        "absent" => json!(Absent::default().word()),
        "background" => json!(true),
        _ => Value::Null,
    }
}

fn collect_classes(fields: &[Field], names: &mut BTreeSet<&'static str>) {
    for field in fields {
        if let Field::Part { class, fields, .. } = field {
            names.insert(class);
            collect_classes(fields, names);
        }
    }
}

/// A value of the engine's type, from the fields of a configuration.
fn literal(class: &str, fields: &[Field], config: &str) -> String {
    let field = |field: &Field| match field {
        Field::Part { name, class, fields } => {
            format!("{name}: {}", literal(class, fields, config))
        }
        Field::Option(option) => {
            let name = option.facts.name;
            let own = if is_copy(&option.kind) { "" } else { ".clone()" };
            format!("{name}: {config}.{name}{own}")
        }
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    format!("{class} {{ {} }}", fields.join(", "))
}

fn is_copy(kind: &OptionKind) -> bool {
    match kind {
        OptionKind::Flag
        | OptionKind::Number
        | OptionKind::Choice { .. }
        | OptionKind::Smoothing => true,
        OptionKind::ClassValues { .. }
        | OptionKind::Distances
        | OptionKind::Indices
        | OptionKind::Numbers => false,
    }
}

/// The type of an option.
pub(super) fn type_of(kind: &OptionKind) -> &'static str {
    match kind {
        OptionKind::Flag => "bool",
        OptionKind::Number => "f64",
        OptionKind::Choice { type_name, .. } => type_name,
        OptionKind::Smoothing => "Smoothing",
        OptionKind::ClassValues { optional: false } => "ClassValues",
        OptionKind::ClassValues { optional: true } => "Option<ClassValues>",
        OptionKind::Distances => "Distances",
        OptionKind::Indices => "Option<Vec<usize>>",
        OptionKind::Numbers => "Option<Vec<f64>>",
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
        (OptionKind::Smoothing, value) => match &value[0] == &value[1] {
            true => format!("Smoothing::both({})", value[0]),
            false => {
                format!("Smoothing {{ numerator: {}, denominator: {} }}", value[0], value[1])
            }
        },
        (OptionKind::ClassValues { optional }, value) => match optional {
            true => format!("Some({})", class_values(value)),
            false => class_values(value),
        },
        (OptionKind::Distances, value) => format!("Distances::Matrix({})", vector(value)),
        (OptionKind::Indices | OptionKind::Numbers, value) => format!("Some({})", vector(value)),
        (OptionKind::Flag | OptionKind::Number, value) => value.to_string(),
    }
}

fn class_values(value: &Value) -> String {
    match value {
        Value::Array(_) => format!("ClassValues::Each({})", vector(value)),
        Value::Object(sides) => format!(
            "ClassValues::Background {{ background: {}, foreground: {} }}",
            sides["background"], sides["foreground"]
        ),
        value => format!("ClassValues::Same({value})"),
    }
}

fn vector(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            format!("vec![{}]", values.iter().map(vector).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// The value that a word stands for.
fn choice(type_name: &str, word: &str) -> String {
    let variant: String = word.split('_').map(capitalised).collect();
    match (type_name, word) {
        ("TransportWeight", "foreground") => "TransportWeight::Foreground".to_owned(),
        ("TransportWeight", _) => format!("TransportWeight::Volume(VolumeWeight::{variant})"),
        _ => format!("{type_name}::{variant}"),
    }
}

fn cited(paper: &Paper) -> String {
    format!("{}, {}", paper.cite, paper.address)
}

/// With a capital, unless the first word is a symbol.
fn sentence(text: &str) -> String {
    let is_word = text.chars().take(2).all(|letter| letter.is_ascii_lowercase());
    if is_word { capitalised(text) } else { text.to_owned() }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// Addresses as links of Markdown.
fn with_links(text: &str) -> String {
    let linked = |word: &str| match word.find("https://") {
        Some(start) => {
            let end = word.trim_end_matches([')', ';', ',', '.']).len();
            format!("{}<{}>{}", &word[..start], &word[start..end], &word[end..])
        }
        None => word.to_owned(),
    };
    text.split_inclusive([' ', '\n'])
        .map(|word| {
            let bare = word.trim_end();
            linked(bare) + &word[bare.len()..]
        })
        .collect()
}

/// Markdown as a comment of documentation, for an item without indentation: lines that do not fit
/// are broken, paragraphs and lists kept, code left alone.
pub(super) fn comment(text: &str) -> String {
    let mut written = String::new();
    let mut code = false;
    for line in text.lines() {
        let fence = line.starts_with("```");
        let lines = if code || fence { vec![line.to_owned()] } else { wrapped(line) };
        code ^= fence;
        for line in lines {
            written += format!("/// {line}").trim_end();
            written.push('\n');
        }
    }
    written
}

/// Lines for the width that a comment inside a struct leaves.
fn wrapped(line: &str) -> Vec<String> {
    let indent = if line.starts_with("- ") { "  " } else { "" };
    let room = WIDTH - "    /// ".len();
    let mut lines = vec![String::new()];
    for word in words(line) {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(&word);
        } else if line.chars().count() + 1 + word.chars().count() <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines
}

/// The words of a line; what Markdown would take for a list or a quotation does not begin one.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let begins_a_block = word.starts_with(['+', '-', '*', '=', '>', '#', '|'])
            || word.trim_end_matches(['.', ')']).chars().all(|digit| digit.is_ascii_digit());
        match words.last_mut() {
            Some(last) if begins_a_block => {
                last.push(' ');
                last.push_str(word);
            }
            Some(last) if last == "-" => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// As `cargo fmt` leaves it, so that neither undoes the other.
pub(super) fn formatted(text: &str) -> Result<String, String> {
    let fails = |what: &str, error: &dyn std::fmt::Display| format!("rustfmt: {what}: {error}");
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path", "rustfmt.toml"])
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| fails("cannot start it; `rustup component add rustfmt`", &error))?;
    if let Some(mut input) = rustfmt.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| fails("cannot write to it", &error))?;
    }
    let output = rustfmt.wait_with_output().map_err(|error| fails("it does not end", &error))?;
    if !output.status.success() {
        return Err(fails("it fails", &String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| fails("its output", &error))
}

/// The file that names every loss.
pub(super) fn index(documentation: &str, losses: &[Loss]) -> String {
    let mut text =
        "// Written by `cargo xtask generate` from the catalogue of losses; do not edit.\n"
            .to_owned();
    text += documentation;
    text.push('\n');
    for loss in losses {
        text += &format!("mod {};\n", loss.entry.name);
    }
    text.push('\n');
    for loss in losses {
        let (name, class) = (loss.entry.name, loss.class());
        text += &format!("pub use {name}::{{{class}Loss, {class}LossConfig}};\n");
    }
    text
}

/// The same loss as any objective's.
pub(super) fn without_its_name(class: &str) -> String {
    format!(
        "impl From<{class}Loss> for SegmentationLoss {{
            /// The same loss, without its name.
            fn from(loss: {class}Loss) -> Self {{
                loss.loss
            }}
        }}\n\n"
    )
}

/// For the tests: each loss by its configuration, with nothing set and with each option away from its
/// default, beside the text of the same term.
pub(super) fn trials(
    losses: &[Loss],
    configured: impl Fn(&Loss, &str) -> String,
    set: impl Fn(&str, &str) -> String,
) -> String {
    let mut text = "\
        // Written by `cargo xtask generate` from the options of the losses; do not edit.\n\
        //! Each loss by its configuration, beside its text.\n\n\
        use dice_loss::{\n\
            Absent, Activation, ClassValues, Distances, Overlap, Pool, Smoothing, TransportWeight,\n\
            VolumeWeight,\n\
        };\n\n\
        use crate::*;\n\n\
        /// A term as text, and the loss that it is.\n\
        pub type Trial = (&'static str, SegmentationLoss);\n\n"
        .to_owned();
    let arms: Vec<_> = losses
        .iter()
        .map(|loss| format!("\"{0}\" => {0}(activation),\n", loss.entry.name))
        .collect();
    text += &format!(
        "/// The loss of this name: with nothing set, and with each of its options set.\n\
         pub fn of(name: &str, activation: Activation) -> Vec<Trial> {{\n\
             match name {{ {} _ => panic!(\"{{name}} has no configuration\") }}\n\
         }}\n\n",
        arms.concat()
    );
    for loss in losses {
        let row = |options: &str, made: String| {
            format!("(r#\"{{\"loss\":\"{}\"{options}}}\"#, {made}.into()),\n", loss.entry.name)
        };
        let mut rows = row("", configured(loss, ""));
        for (name, value, in_rust) in loss.trials(CLASSES) {
            let made = configured(loss, &set(name, &in_rust));
            rows += &row(&format!(",\"{name}\":{value}"), made);
        }
        let name = loss.entry.name;
        text += &format!("fn {name}(activation: Activation) -> Vec<Trial> {{ vec![{rows}] }}\n\n");
    }
    text
}
