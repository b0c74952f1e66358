//! The options of a loss: a table of names, documentation and places.

use serde_json::{Value, json};

use super::{Declare, PerfectMatch, Range, Slot};
use crate::Result;

/// An option of a loss: what is said of it, and where it is kept.
///
/// Tables of options are plain constants. What a loss has inside (the Dice of a compound) is an entry
/// of its own, [`Slot::Part`], whose options count as the loss's.
pub struct LossOption<L: 'static> {
    facts: Facts,
    slot: fn(&mut L) -> Slot<'_>,
}

/// What is said of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Its name, that of the field.
    pub name: &'static str,
    /// What it is, in a sentence that continues its name after a colon.
    pub about: &'static str,
    /// Of numbers: those that it can be.
    pub range: Range,
    /// A value beside the default for tests, as JSON; an empty string where it follows from the kind.
    pub trial: &'static str,
    /// Words that want more than the loss alone, and so tests of their own.
    pub apart: &'static [&'static str],
    /// What a perfect match costs once the option has its trial value, if that changes.
    pub perfect_match: Option<PerfectMatch>,
}

impl<L: 'static> LossOption<L> {
    /// An option by name, its documentation, and the place of its value.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        slot: fn(&mut L) -> Slot<'_>,
    ) -> Self {
        let range = Range::ANY;
        let facts = Facts { name, about, range, trial: "", apart: &[], perfect_match: None };
        Self { facts, slot }
    }

    /// The loss inside, by the name of its field: its options are the loss's.
    pub const fn part(name: &'static str, slot: fn(&mut L) -> Slot<'_>) -> Self {
        Self::new(name, "", slot)
    }

    /// How the intersection is counted.
    pub const fn overlap(slot: fn(&mut L) -> Slot<'_>) -> Self {
        let about = "how the intersection I is counted: `product`, Σpg; or `l1`, \
                     (Σ|p| + Σg − Σ|p − g|) / 2, the same for hard labels and largest at p = g for \
                     soft ones";
        Self::new("overlap", about, slot)
    }

    /// What is added to a ratio.
    pub const fn smoothing(slot: fn(&mut L) -> Slot<'_>) -> Self {
        let about = "s and s′, added to numerator and denominator: one number for both, or a pair";
        Self::new("smoothing", about, slot)
            .range(Range::at_least(0.0))
            .moves_match(PerfectMatch::Minimum)
    }

    /// How far apart the voxels lie.
    pub const fn spacing(slot: fn(&mut L) -> Slot<'_>) -> Self {
        let about = "the distance from voxel to voxel along each spatial axis; 1 by default";
        Self::new("spacing", about, slot).range(Range::above(0.0))
    }

    /// Of numbers: those that it can be.
    pub const fn range(mut self, range: Range) -> Self {
        self.facts.range = range;
        self
    }

    /// A value beside the default, as JSON, that tests try.
    pub const fn trial(mut self, json: &'static str) -> Self {
        self.facts.trial = json;
        self
    }

    /// Words that want more than the loss alone, and so tests of their own.
    pub const fn apart(mut self, words: &'static [&'static str]) -> Self {
        self.facts.apart = words;
        self
    }

    /// With the trial value a perfect match costs something else than with the default.
    pub const fn moves_match(mut self, to: PerfectMatch) -> Self {
        self.facts.perfect_match = Some(to);
        self
    }
}

/// Anything with a table of options, whatever its type.
pub trait Options {
    /// The name of its type.
    fn class(&self) -> &'static str;
    /// Shows every entry of the table with the place of its value.
    fn visit(&mut self, see: &mut dyn FnMut(&Facts, Slot<'_>));
    /// See [`Declare::fits`].
    fn fits(&self, loss: &str) -> Result<()>;
}

impl<L: Declare> Options for L {
    fn class(&self) -> &'static str {
        L::DECLARATION.class
    }

    fn visit(&mut self, see: &mut dyn FnMut(&Facts, Slot<'_>)) {
        for option in L::OPTIONS {
            see(&option.facts, (option.slot)(self));
        }
    }

    fn fits(&self, loss: &str) -> Result<()> {
        Declare::fits(self, loss)
    }
}

/// Shows every option, those of parts among them.
pub fn each(options: &mut dyn Options, see: &mut dyn FnMut(&Facts, Slot<'_>)) {
    options.visit(&mut |facts, slot| match slot {
        Slot::Part(part) => each(part, see),
        slot => see(facts, slot),
    });
}

/// The number of classes that some option is for, if any says.
pub(crate) fn least_classes(options: &mut dyn Options) -> Option<usize> {
    let mut classes = None;
    each(options, &mut |_, slot| classes = classes.max(slot.classes()));
    classes
}

/// An option as the outside sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionInfo {
    /// What is said of it.
    pub facts: Facts,
    /// What values it takes.
    pub kind: OptionKind,
    /// Its default, as JSON.
    pub default: Value,
}

/// What values an option takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// True or false.
    Flag,
    /// A number.
    Number,
    /// A whole number of at least 0.
    Count,
    /// One of these words.
    Choice {
        /// Its type in Rust.
        type_name: &'static str,
        /// The words.
        words: Vec<&'static str>,
    },
    /// A [`Smoothing`](crate::Smoothing): a number, or two.
    Smoothing,
    /// [`ClassValues`](crate::ClassValues): a number, one for each class, or background and foreground.
    ClassValues {
        /// Whether there may be none.
        optional: bool,
    },
    /// [`Distances`](crate::Distances): null, or a row for each class.
    Distances,
    /// Numbers of classes.
    Indices,
    /// A number for each class.
    Numbers,
    /// A number for each spatial axis, or null: 1 for each.
    Spacing,
    /// A name, or null.
    Name,
}

/// An entry of a table of options.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// An option.
    Option(OptionInfo),
    /// A loss inside, with options of its own.
    Part {
        /// The name of the field.
        name: &'static str,
        /// The name of its type.
        class: &'static str,
        /// Its table.
        fields: Vec<Field>,
    },
}

impl Field {
    /// The table of a loss, with its values as the defaults.
    pub(crate) fn table(options: &mut dyn Options) -> Vec<Self> {
        let mut fields = Vec::new();
        options.visit(&mut |facts, slot| {
            let name = facts.name;
            fields.push(match slot {
                Slot::Part(part) => {
                    Self::Part { name, class: part.class(), fields: Self::table(part) }
                }
                slot => Self::Option(OptionInfo {
                    facts: *facts,
                    kind: slot.kind(),
                    default: slot.value(),
                }),
            });
        });
        fields
    }
}

impl OptionInfo {
    /// Values beside the default that are worth a test, as JSON, for so many classes.
    pub fn trials(&self, classes: usize) -> Vec<Value> {
        if !self.facts.trial.is_empty() {
            return serde_json::from_str(self.facts.trial).into_iter().collect();
        }
        let by_class = |value: &dyn Fn(usize) -> Value| (0..classes).map(value).collect::<Value>();
        match &self.kind {
            OptionKind::Flag => vec![json!(self.default != json!(true))],
            OptionKind::Choice { words, .. } => {
                let tried = words.iter().filter(|word| !self.facts.apart.contains(word));
                tried.map(|word| json!(word)).filter(|word| *word != self.default).collect()
            }
            OptionKind::Smoothing => vec![json!([0.5, 1.5])],
            OptionKind::ClassValues { .. } => vec![
                json!({ "background": 0.25, "foreground": 0.75 }),
                by_class(&|class| json!(1.0 / (class + 2) as f64)),
            ],
            OptionKind::Distances => {
                vec![by_class(&|a| by_class(&|b| json!(a.abs_diff(b) as f64)))]
            }
            OptionKind::Indices => vec![json!([classes - 1])],
            OptionKind::Numbers => vec![by_class(&|class| json!(0.5 + 0.25 * class as f64))],
            OptionKind::Spacing => vec![json!([0.5, 2.0])],
            OptionKind::Number | OptionKind::Count | OptionKind::Name => Vec::new(),
        }
    }
}
