//! What turns logits into probabilities.

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    error::{parameter, stated},
};

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

    /// Fails unless it is one of those that a loss or sum can be used with.
    pub(crate) fn among(self, name: &str, wanted: &[Self]) -> Result<()> {
        if wanted.contains(&self) {
            return Ok(());
        }
        let words: Vec<_> = wanted.iter().map(|activation| activation.word()).collect();
        stated(format!("{name}: activation"), self.word(), words.join(" or "))
    }

    /// Fails unless this number of classes is one that it can be used with.
    pub(crate) fn check(self, name: &str, classes: usize) -> Result<()> {
        if self == Self::Softmax && classes < 2 {
            return parameter(
                format!("{name}: softmax"),
                format!("{classes} channels"),
                "2 channels or more; for one channel use sigmoid",
            );
        }
        Ok(())
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
