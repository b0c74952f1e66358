//! What Burn's and Candle's front ends have in common: types, values and documentation in Rust.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    process::{Command, Stdio},
};

use dice_loss::{
    Absent, Declaration, Entry, Field, Kind, OptionInfo, OptionKind, Paper, Pool, Range, Words,
    maps::Recipe, settings,
};
use serde_json::{Value, json};

use super::{
    Generated,
    comments::{capitalised, comment, sentence, with_links},
    values::{in_prose, is_copy, variant},
};
use crate::root;

/// The column of a field's documentation.
const FIELD: usize = 4;

/// A loss as a configuration has it.
pub(super) struct Loss {
    pub(super) entry: Entry,
    /// Its own options, those of losses inside among them.
    own: Vec<OptionInfo>,
    /// The settings that its kind takes beside the activation, with what they are if nothing is said.
    settings: Vec<OptionInfo>,
    /// What turns logits into probabilities.
    activation: OptionInfo,
}

impl Loss {
    fn new(entry: Entry) -> Self {
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

    /// Of a loss that wants a map, the map's name and its values for an image of two voxels, of which
    /// class 1 is the first: such that a perfect match costs nothing.
    pub(super) fn example_map(&self) -> Option<(&'static str, &'static str)> {
        let wanted = self.entry.wants_map()?;
        Some((
            wanted.name,
            match wanted.recipe {
                Recipe::Skeleton { .. } => "[[[[0.0, 1.0]], [[1.0, 0.0]]]]",
                _ => "[[[[1.0, 0.0]], [[0.0, 1.0]]]]",
            },
        ))
    }

    /// The first line of the file that is made from it.
    pub(super) fn origin(&self) -> String {
        format!(
            "// Written by `cargo xtask generate` from what `dice_loss::{}` declares; do not edit.\n\n",
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
        let loss = value(self.class(), &self.entry.fields(), config);
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
                format!(
                    "named::single({made}, &{config}.classes, &{config}.class_weights, &{config}.map)"
                )
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
        comment(&text, 0)
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
        comment(&format!("{about}: {}.", self.activations()), FIELD)
    }

    /// What an option is, the numbers it can be and its default.
    pub(super) fn about(&self, option: &OptionInfo) -> String {
        let mut said = vec![sentence(option.facts.about)];
        let range = match option.kind {
            // Said by the sentence itself.
            OptionKind::Numbers => Range::ANY,
            _ => option.facts.range,
        };
        let default = match option.default {
            Value::Null => None,
            _ => Some(format!("`{}` by default", in_prose(&option.kind, &option.default))),
        };
        let range = (range != Range::ANY).then(|| capitalised(&range.to_string()));
        match (range, default) {
            (Some(range), Some(default)) => said.push(format!("{range}; {default}")),
            (range, default) => said.extend(range.or(default)),
        }
        comment(&self.in_rust(&format!("{}.", said.join(". "))), FIELD)
    }

    /// A text in which words that an option is chosen by are the names of values.
    fn in_rust(&self, text: &str) -> String {
        let mut text = with_links(text);
        for option in self.options() {
            if let OptionKind::Choice { type_name, words } = &option.kind {
                for word in words {
                    let value = variant(type_name, word);
                    text = text.replace(&format!("`{word}`"), &format!("`{value}`"));
                }
            }
        }
        text
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
fn value(class: &str, fields: &[Field], config: &str) -> String {
    let field = |field: &Field| match field {
        Field::Part { name, class, fields } => {
            format!("{name}: {}", value(class, fields, config))
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

fn cited(paper: &Paper) -> String {
    format!("{}, {}", paper.cite, paper.address)
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

/// A file for each loss in a folder of losses, and the one that names them all.
pub(super) fn modules(
    folder: &str,
    documentation: &str,
    module: impl Fn(&Loss) -> String,
) -> Result<Vec<Generated>, String> {
    let losses = Loss::all();
    let file = |name: &str, text: String| {
        let path = format!("{folder}/{name}.rs");
        formatted(&text).map(|text| Generated { path, text })
    };
    let mut files = vec![file("mod", index(documentation, &losses))?];
    for loss in &losses {
        files.push(file(loss.entry.name, module(loss))?);
    }
    no_others(folder, &files)?;
    Ok(files)
}

/// Fails for a file in a folder of losses that is of none: it was made of one that is gone.
fn no_others(folder: &str, files: &[Generated]) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("{folder}: {error}");
    for entry in fs::read_dir(root().join(folder)).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let path = format!("{folder}/{}", name.to_string_lossy());
        if !files.iter().any(|file| file.path == path) {
            return Err(format!(
                "found {path}, wanted a file for each loss and no other: delete it"
            ));
        }
    }
    Ok(())
}

/// The file that names every loss.
fn index(documentation: &str, losses: &[Loss]) -> String {
    let mut text =
        "// Written by `cargo xtask generate` from the catalogue of losses; do not edit.\n\n"
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
