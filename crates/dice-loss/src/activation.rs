//! What turns logits into probabilities.

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    declaration::Words,
    error::{parameter, stated},
};

/// Cross-entropy is one loss over exclusive classes and another of each channel: losses under softmax, and
/// what they are under sigmoid.
pub(crate) const COUNTERPARTS: [[&str; 2]; 2] = [
    ["cross_entropy", "binary_cross_entropy"],
    ["dice_cross_entropy", "dice_binary_cross_entropy"],
];

/// What turns logits into probabilities. Always named, never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Over the classes: each voxel has one class. Wants two classes or more.
    Softmax,
    /// Of each logit by itself: binary and multilabel.
    Sigmoid,
    /// None: the input holds probabilities already. They are not clamped.
    Probabilities,
}

impl Words for Activation {
    const TYPE: &'static str = "Activation";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("softmax", Self::Softmax),
        ("sigmoid", Self::Sigmoid),
        ("probabilities", Self::Probabilities),
    ];
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::Sigmoid, Self::Probabilities];

    /// Its name in snake case, as specifications and Python write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
            Self::Probabilities => "probabilities",
        }
    }

    /// Some of them, as errors list them.
    pub(crate) fn words(some: &[Self]) -> String {
        match some.iter().map(|one| one.word()).collect::<Vec<_>>()[..] {
            [] => "none".into(),
            ref words => words.join(" or "),
        }
    }

    /// Fails unless it is one of those that a loss or sum can be used with.
    pub(crate) fn among(self, name: &str, wanted: &[Self]) -> Result<()> {
        if wanted.contains(&self) {
            return Ok(());
        }
        let mut wanted = Self::words(wanted);
        if let Some(other) = self.counterpart(name) {
            wanted += &format!("; under {} that is {other}", self.word());
        }
        stated(format!("{name}: activation"), self.word(), wanted)
    }

    /// Fails unless this number of classes is one that it can be used with. `instead` says what
    /// one channel wants, if there is something.
    pub(crate) fn check(
        self,
        name: &str,
        classes: usize,
        instead: impl FnOnce() -> Option<String>,
    ) -> Result<()> {
        if self != Self::Softmax || classes >= 2 {
            return Ok(());
        }
        let found = if classes == 1 { "1 channel".into() } else { format!("{classes} channels") };
        let mut wanted = "2 channels or more".to_owned();
        if let Some(instead) = instead() {
            wanted += &format!("; for one channel use {instead}");
        }
        stated(format!("{name}: softmax"), found, wanted)
    }

    /// What one channel wants in place of losses under softmax, each with its activations; none for
    /// a loss of several classes only.
    pub(crate) fn of_one_channel(losses: &[(&str, &[Self])]) -> Option<String> {
        let names: Vec<_> = losses.iter().map(|(name, _)| *name).collect();
        // Compounds of two losses are called by both.
        if let Some(other) = Self::Sigmoid.counterpart(&names.join("_")) {
            return Some(other.into());
        }
        let mut said = Vec::new();
        for (name, activations) in losses {
            let instead = match activations.contains(&Self::Sigmoid) {
                true => "sigmoid".to_owned(),
                false if losses.len() == 1 => Self::Sigmoid.counterpart(name)?.to_owned(),
                false => format!("{} for {name}", Self::Sigmoid.counterpart(name)?),
            };
            if !said.contains(&instead) {
                said.push(instead);
            }
        }
        Some(said.join(" and "))
    }

    /// The loss that is under this activation what the one named is under others.
    fn counterpart(self, loss: &str) -> Option<&'static str> {
        let [known, other] = match self {
            Self::Softmax => [1, 0],
            Self::Sigmoid => [0, 1],
            Self::Probabilities => return None,
        };
        COUNTERPARTS.iter().find(|pair| pair[known] == loss).map(|pair| pair[other])
    }
}

/// How a hard prediction is made, for the counts of true and false positives and negatives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The class with the largest logit; of equal ones the first.
    Argmax,
    /// Each class whose probability is at least this.
    ///
    /// Taken on the probability of the activation of the objective's first term.
    #[serde(untagged)]
    Threshold(f64),
}

impl Decision {
    pub(crate) fn check(self, name: &str) -> Result<()> {
        match self {
            Self::Threshold(threshold) if !threshold.is_finite() => {
                parameter(format!("{name}: threshold"), threshold, "a finite number")
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Argmax => write!(f, "argmax"),
            Self::Threshold(threshold) => write!(f, "{threshold}"),
        }
    }
}
