//! A loss as Python sees it: its names, parameters and what is said of them.

use std::collections::BTreeSet;

use dice_loss::{
    Absent, Entry, Facts, Kind, OptionInfo, OptionKind, PerfectMatch, Pool, Words, catalogue,
    settings,
};
use serde_json::{Value, json};

use super::text::{Docstring, literal, name};

/// A loss of the catalogue.
pub(super) struct Loss(pub Entry);

/// An argument by keyword.
#[derive(Clone)]
pub(super) struct Parameter {
    pub name: String,
    pub annotation: String,
    pub default: String,
}

impl Parameter {
    pub fn new(name: &str, annotation: &str, default: &str) -> Self {
        let [name, annotation, default] = [name, annotation, default].map(str::to_owned);
        Self { name, annotation, default }
    }

    /// In a signature.
    pub fn declared(&self) -> String {
        format!("{}: {} = {}", self.name, self.annotation, self.default)
    }

    /// Handed on.
    pub fn passed(&self) -> String {
        format!("{0}={0}", self.name)
    }
}

/// All losses.
pub(super) fn losses() -> Vec<Loss> {
    catalogue().into_iter().map(Loss).collect()
}

impl Loss {
    /// Where its term or compound is.
    pub fn module(&self) -> &'static str {
        if self.is_compound() { "compounds" } else { "terms" }
    }

    pub fn is_compound(&self) -> bool {
        self.0.kind() == Kind::Compound
    }

    pub fn is_of_voxels(&self) -> bool {
        self.0.kind() == Kind::Voxel
    }

    /// The activations, as words.
    pub fn activations(&self) -> Vec<&'static str> {
        self.0.activations.iter().map(|activation| activation.word()).collect()
    }

    /// The class of the module for torch.
    pub fn module_class(&self) -> String {
        format!("{}Loss", self.0.short)
    }

    /// The name of that class in snake case: `DiceCELoss` is `dice_ce_loss`.
    pub fn module_function(&self) -> String {
        let letters: Vec<char> = self.module_class().replace("IoU", "Iou").chars().collect();
        let mut snake = String::new();
        for (index, letter) in letters.iter().enumerate() {
            let after_small = index > 0 && letters[index - 1].is_lowercase();
            let before_small = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
            if index > 0 && letter.is_uppercase() && (after_small || before_small) {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        snake
    }

    /// The shape of its values for reduction "none", of which a compound has none.
    pub fn unreduced(&self) -> Option<&'static str> {
        let activations = self.activations();
        match self.0.kind() {
            Kind::Overlap { coupled: false } => Some("(N, C), or what pooling leaves of it"),
            Kind::Overlap { coupled: true } => Some("(N,), or pooled a number"),
            // Exclusive classes share the loss of a voxel; of each by itself every one has its own.
            Kind::Voxel if !activations.contains(&"sigmoid") => Some("(N, 1, spatial…)"),
            Kind::Voxel if !activations.contains(&"softmax") => Some("(N, C, spatial…)"),
            Kind::Voxel => Some("(N, 1, spatial…) under softmax, (N, C, spatial…) under sigmoid"),
            Kind::Compound => None,
        }
    }

    /// The options of its own.
    pub fn own(&self) -> Vec<Parameter> {
        self.0.options().iter().map(of_option).collect()
    }

    pub fn activation(&self) -> Parameter {
        let usual = literal(&json!(self.activations()[0]));
        Parameter::new("activation", "Activation", &usual)
    }

    /// The settings beside the activation; `is_filled` where the defaults of an objective stand in
    /// the signature.
    pub fn settings(&self, is_filled: bool) -> Vec<Parameter> {
        let taken = settings().into_iter().filter(|setting| self.takes(setting.facts.name));
        taken
            .map(|setting| {
                let default = match setting.facts.name {
                    "pool" => json!(Pool::default().word()),
                    "absent" => json!(Absent::default().word()),
                    "background" => json!(true),
                    _ => Value::Null,
                };
                let default = if is_filled { default } else { Value::Null };
                let annotation = annotation(&setting);
                let annotation = match annotation.strip_suffix(" | None") {
                    Some(_) => annotation,
                    None => format!("{annotation} | None"),
                };
                Parameter::new(setting.facts.name, &annotation, &literal(&default))
            })
            .collect()
    }

    /// Whether it has this setting beside the activation.
    pub fn takes(&self, setting: &str) -> bool {
        setting != "activation" && self.0.kind().takes(setting)
    }

    /// What it is: the first paragraphs of its documentation.
    pub fn documented(&self, indent: usize, is_function: bool) -> Docstring {
        let loss = if is_function { " loss" } else { "" };
        let about = format!("{}{loss}: {}.", self.0.title, self.0.summary);
        let start = Docstring::new(indent, &self.said(&about));
        let details = self.said(self.0.details);
        let start = details.split("\n\n").fold(start, |doc, text| doc.paragraph(text));
        start.paragraph(&self.said(&self.range_and_papers()))
    }

    fn range_and_papers(&self) -> String {
        let perfect = match self.0.perfect_match {
            PerfectMatch::Zero => "; a perfect match costs 0 by default",
            PerfectMatch::Minimum => "; a perfect match costs least, but not 0",
            PerfectMatch::Elsewhere => "; a perfect match is not the minimum",
            PerfectMatch::Unknown => "",
        };
        let papers = self.0.papers.iter().map(|paper| format!("{}, {}", paper.cite, paper.address));
        let papers = papers.collect::<Vec<_>>();
        let said = match papers.len() {
            0 => String::new(),
            1 => format!(" Paper: {}.", papers[0]),
            _ => format!(" Papers: {}.", papers.join("; ")),
        };
        format!("Range {}{perfect}.{said}", self.0.range)
    }

    /// What is said of its own options.
    pub fn about_own(&self) -> Vec<String> {
        self.0.options().iter().map(|option| self.about(option)).collect()
    }

    /// What is said of the activation.
    pub fn about_activation(&self) -> String {
        let quoted: Vec<_> =
            self.activations().iter().map(|word| format!("`\"{word}\"`")).collect();
        let (last, others) = quoted.split_last().expect("a loss has activations");
        let list = match others {
            [] => last.clone(),
            others => format!("{} or {last}", others.join(", ")),
        };
        let input = if self.activations().contains(&"probabilities") {
            " (the input as it is)"
        } else {
            ""
        };
        format!("activation: what turns logits into probabilities: {list}{input}.")
    }

    /// What is said of the settings beside the activation.
    pub fn about_settings(&self) -> Vec<String> {
        let taken = settings().into_iter().filter(|setting| self.takes(setting.facts.name));
        taken.map(|setting| self.about(&setting)).collect()
    }

    /// What is said of one setting.
    pub fn about_setting(&self, wanted: &str) -> Option<String> {
        let starts = format!("{wanted}: ");
        self.about_settings().into_iter().find(|said| said.starts_with(&starts))
    }

    fn about(&self, option: &OptionInfo) -> String {
        let Facts { name: of_engine, about, range, .. } = option.facts;
        let mut about = about.to_owned();
        if self.0.kind() == Kind::Voxel {
            about = about.replace(" in the overlap", "");
        }
        if let OptionKind::ClassValues { .. } = option.kind {
            about += "; one number, one for each class, or `BackgroundForeground`";
        }
        if option.kind == OptionKind::Numbers {
            about += ". A sequence, or a mapping by class, which may leave out what takes no part";
        }
        // "a finite number of at least 0" of something that is a number anyway.
        let range = range.to_string();
        let range = ["a finite number", "a number", "of"]
            .iter()
            .fold(range.as_str(), |text, start| text.trim_start_matches(start).trim_start());
        if !range.is_empty() && !about.contains(range) {
            about += &format!("; {range}");
        }
        self.said(&format!("{}: {about}.", name(of_engine)))
    }

    /// With quotes around the words that are values of options.
    fn said(&self, text: &str) -> String {
        let mut words = BTreeSet::new();
        for option in self.0.options().into_iter().chain(settings()) {
            if let OptionKind::Choice { words: of_option, .. } = option.kind {
                words.extend(of_option);
            }
        }
        let quoted = text.split('`').enumerate().map(|(index, part)| {
            if index % 2 == 1 && words.contains(part) {
                format!("\"{part}\"")
            } else {
                part.to_owned()
            }
        });
        quoted.collect::<Vec<_>>().join("`")
    }
}

fn of_option(option: &OptionInfo) -> Parameter {
    Parameter::new(&name(option.facts.name), &annotation(option), &literal(&option.default))
}

/// Whether a setting is always a term's own: no objective has it.
pub(super) fn is_of_term(setting: &str) -> bool {
    ["classes", "map"].contains(&setting)
}

/// The type of an option.
pub(super) fn annotation(option: &OptionInfo) -> String {
    match &option.kind {
        OptionKind::Flag => "bool",
        OptionKind::Number => "float",
        OptionKind::Count => "int",
        OptionKind::Choice { type_name, .. } => type_name,
        OptionKind::Smoothing => "Smoothing",
        OptionKind::ClassValues { optional: false } => "ClassValues",
        OptionKind::ClassValues { optional: true } => "ClassValues | None",
        OptionKind::Distances => "Sequence[Sequence[float]] | None",
        OptionKind::Indices => "Sequence[int] | None",
        OptionKind::Numbers => "ClassWeights | None",
        OptionKind::Spacing => "Sequence[float] | None",
        OptionKind::Name => "str | None",
    }
    .to_owned()
}
