//! What a loss says of itself, once: names, formula, papers, options.
//!
//! All that only repeats it is derived: specs that cross languages, the classes and functions of the
//! front ends, their documentation, and the options that tests try.

mod choice;
mod option;
mod range;
mod slot;

pub use choice::{Choice, Words};
pub(crate) use option::least_classes;
pub use option::{Facts, Field, LossOption, OptionInfo, OptionKind, Options, each};
pub use range::Range;
pub use slot::Slot;

use serde_json::{Map, Value};

use crate::{Activation, Result, maps::Wanted};

/// A loss that says what it is called, where it comes from and what it can be told.
///
/// ```
/// use dice_loss::{Declaration, Declare};
///
/// #[derive(Debug, Clone)]
/// struct Imprecision;
///
/// impl Declare for Imprecision {
///     const DECLARATION: Declaration = Declaration {
///         name: "imprecision",
///         title: "1 − precision",
///         formula: "1 − Σpg / Σp",
///         ..Declaration::OWN
///     };
/// }
/// ```
pub trait Declare: Clone + 'static {
    /// Names, formula, papers.
    const DECLARATION: Declaration;
    /// The options, in the order in which they are documented.
    const OPTIONS: &'static [LossOption<Self>] = &[];

    /// Fails for options that are right each by itself, but not together; errors begin with `loss`.
    fn fits(&self, _loss: &str) -> Result<()> {
        Ok(())
    }

    /// The map that the loss cannot do without, if there is one.
    fn map(&self) -> Option<Wanted> {
        None
    }
}

/// What a loss is called, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Declaration {
    /// Its name in snake case, as commands, specs and reports write it.
    pub name: &'static str,
    /// Its name in prose.
    pub title: &'static str,
    /// Its type in Rust and its term in Python; `Loss` follows in Burn and Candle.
    pub class: &'static str,
    /// What Keras and, with `Loss` behind it, torch call it: a usual abbreviation, or `class`.
    pub short: &'static str,
    /// What it is, in one sentence that continues its title after a colon.
    pub summary: &'static str,
    /// Its formula in one line, without smoothing.
    pub formula: &'static str,
    /// The formula with everything in it, and what there is to know: paragraphs for every front end.
    pub details: &'static str,
    /// The values that it can take.
    pub range: &'static str,
    /// What a perfect match costs, with default options.
    pub perfect_match: PerfectMatch,
    /// The activations that it can be used with, the default first.
    pub activations: &'static [Activation],
    /// Where it comes from; the first is the one to cite.
    pub papers: &'static [Paper],
}

impl Declaration {
    /// Of a loss of one's own, for `..` to fill in what is not said.
    pub const OWN: Self = Self {
        name: "",
        title: "",
        class: "",
        short: "",
        summary: "",
        formula: "",
        details: "",
        range: "",
        perfect_match: PerfectMatch::Unknown,
        activations: &Activation::ALL,
        papers: &[],
    };

    /// The address of the paper to cite, or an empty string.
    pub fn reference(&self) -> &'static str {
        self.papers.first().map_or("", |paper| paper.address)
    }
}

/// Where a loss, or an option of one, comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    /// Authors and year, and what of it is meant if that is not all of it.
    pub cite: &'static str,
    /// Where it is found.
    pub address: &'static str,
}

/// What a loss says of a prediction that equals its hard reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerfectMatch {
    /// It is the minimum, and costs 0.
    Zero,
    /// It is the minimum, but costs something.
    Minimum,
    /// It is not the minimum.
    Elsewhere,
    /// Nobody has said.
    Unknown,
}

/// Fails for the first option out of its range, or that does not fit the number of classes or the
/// others.
pub(crate) fn check<L: Declare>(loss: &L, classes: usize) -> Result<()> {
    let (name, mut loss) = (L::DECLARATION.name, loss.clone());
    let mut result = Ok(());
    each(&mut loss, &mut |facts, slot| {
        if result.is_ok() {
            result = slot.check(name, facts, classes);
        }
    });
    result.and_then(|()| fit(&mut loss, name))
}

/// Whether its options fit each other, and those of the losses inside.
fn fit(options: &mut dyn Options, name: &str) -> Result<()> {
    let mut result = options.fits(name);
    options.visit(&mut |_, slot| {
        if let (Ok(()), Slot::Part(part)) = (&result, slot) {
            result = fit(part, name);
        }
    });
    result
}

#[cfg(test)]
mod tests;

/// A loss and its options by name, as specs have them.
pub(crate) fn written<L: Declare>(loss: &L) -> Map<String, Value> {
    let mut written = Map::new();
    written.insert("loss".into(), L::DECLARATION.name.into());
    each(&mut loss.clone(), &mut |facts, slot| {
        written.insert(facts.name.into(), slot.value());
    });
    written
}
