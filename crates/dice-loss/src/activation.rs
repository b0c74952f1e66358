//! What turns logits into probabilities.

use serde::{Deserialize, Serialize};

use crate::{Result, catalogue, error::parameter};

/// What turns logits into probabilities. Always named, never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// Fails unless it is one of those that a loss can be used with.
    pub(crate) fn among(self, loss: &str, wanted: &[Self]) -> Result<()> {
        if wanted.contains(&self) {
            return Ok(());
        }
        let wanted = match self.counterpart(loss) {
            Some(other) => format!("one of {wanted:?}; under {self:?} that is {other}"),
            None => format!("one of {wanted:?}"),
        };
        parameter(format!("{loss}: activation"), self, wanted)
    }

    /// Cross-entropy is one loss over exclusive classes and another of each channel: the loss that
    /// is under this activation what the one named is under others.
    fn counterpart(self, loss: &str) -> Option<&'static str> {
        let name = match loss.contains("binary_cross_entropy") {
            true => loss.replace("binary_cross_entropy", "cross_entropy"),
            false => loss.replace("cross_entropy", "binary_cross_entropy"),
        };
        let other = catalogue::find(&name).filter(|other| other.name != loss)?;
        other.activations.contains(&self).then_some(other.name)
    }
}

/// How a hard prediction is made, for the counts of true and false positives and negatives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Decision {
    /// The class with the largest logit; of equal ones the first.
    Argmax,
    /// Each class whose probability is at least this.
    ///
    /// Taken on the probability of the activation of the objective's first term.
    Threshold(f64),
}
