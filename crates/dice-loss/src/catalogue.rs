//! The one list of all losses; documentation, the program and the tests follow from it.

use crate::{Activation, Objective, Term, compound, region, voxel};

/// What a loss is called, and where it comes from.
pub trait Describe {
    /// Its name in snake case, as commands and reports write it.
    const NAME: &'static str;
    /// Its name in prose.
    const TITLE: &'static str;
    /// Its formula in one line, without smoothing.
    const FORMULA: &'static str;
    /// The address of the paper, or an empty string.
    const REFERENCE: &'static str;
    /// The activations that it can be used with.
    const ACTIVATIONS: &'static [Activation] = &Activation::ALL;
}

/// A loss of the catalogue, with its default options.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name in snake case.
    pub name: &'static str,
    /// Its name in prose.
    pub title: &'static str,
    /// Its formula in one line, without smoothing.
    pub formula: &'static str,
    /// The address of the paper, or an empty string.
    pub reference: &'static str,
    /// The activations that it can be used with.
    pub activations: &'static [Activation],
    build: Build,
}

#[derive(Debug, Clone, Copy)]
enum Build {
    Term(fn(Activation) -> Term),
    Objective(fn(Activation) -> Objective),
}

impl Entry {
    pub(crate) fn single<L: Describe>(build: fn(Activation) -> Term) -> Self {
        Self::new::<L>(Build::Term(build))
    }

    pub(crate) fn compound<L: Describe>(build: fn(Activation) -> Objective) -> Self {
        Self::new::<L>(Build::Objective(build))
    }

    fn new<L: Describe>(build: Build) -> Self {
        Self {
            name: L::NAME,
            title: L::TITLE,
            formula: L::FORMULA,
            reference: L::REFERENCE,
            activations: L::ACTIVATIONS,
            build,
        }
    }

    /// The loss as an objective, under one of its [`activations`](Self::activations).
    ///
    /// Under any other, the objective says so when it is used.
    pub fn objective(&self, activation: Activation) -> Objective {
        match self.build {
            Build::Term(build) => Objective::new().term(1.0, build(activation)),
            Build::Objective(build) => build(activation),
        }
    }
}

/// Every loss with its default options: overlap losses, voxel losses, compounds.
///
/// ```
/// let names: Vec<_> = dice_loss::catalogue().iter().map(|entry| entry.name).collect();
/// assert!(names.contains(&"dice") && names.contains(&"cross_entropy"));
/// ```
pub fn catalogue() -> Vec<Entry> {
    [region::catalogue(), voxel::catalogue(), compound::catalogue()].concat()
}
