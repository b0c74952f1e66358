//! The engine's losses, as the program names and trains them.

use dice_loss_burn::{
    SegmentationLoss,
    dice_loss::{Activation, Entry, catalogue},
};

use crate::{
    record::LossRecord,
    train::{Candidate, Criterion, Head},
};

/// What is compared unless losses are named; each where it fits the head.
const DEFAULT: [&str; 10] = [
    "cross_entropy",
    "binary_cross_entropy",
    "dice",
    "iou",
    "tversky",
    "focal",
    "focal_tversky",
    "generalized_dice",
    "dice_cross_entropy",
    "dice_binary_cross_entropy",
];

/// Why a loss cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// It does not exist under the activation that the data needs.
    #[error("found the loss {name}, wanted one that works under {activation:?} as this data needs: {}", fitting.join(", "))]
    Unfit {
        /// The loss.
        name: String,
        /// The activation.
        activation: Activation,
        /// The losses that would do.
        fitting: Vec<&'static str>,
    },
}

/// Names of all losses that can be compared on some data.
pub fn names() -> Vec<&'static str> {
    comparable().iter().map(|entry| entry.name).collect()
}

/// All losses that can be compared on some data.
pub fn records() -> Vec<LossRecord> {
    comparable().iter().map(record).collect()
}

/// Losses by name, with their default options; without names, those that are usually compared.
///
/// # Errors
/// [`LossError::Unfit`].
pub fn candidates(names: &[String], head: Head) -> Result<Vec<Candidate>, LossError> {
    let activation = activation(head);
    let fitting: Vec<Entry> =
        catalogue().into_iter().filter(|entry| entry.activations.contains(&activation)).collect();
    let find = |name: &str| fitting.iter().find(|entry| entry.name == name);
    if names.is_empty() {
        return Ok(DEFAULT
            .into_iter()
            .filter_map(find)
            .map(|entry| candidate(entry, activation))
            .collect());
    }
    let named = |name: &String| match find(name) {
        Some(entry) => Ok(candidate(entry, activation)),
        None => {
            let fitting = fitting.iter().map(|entry| entry.name).collect();
            Err(LossError::Unfit { name: name.clone(), activation, fitting })
        }
    };
    names.iter().map(named).collect()
}

fn comparable() -> Vec<Entry> {
    let trainable = |entry: &Entry| {
        [Activation::Softmax, Activation::Sigmoid].iter().any(|a| entry.activations.contains(a))
    };
    catalogue().into_iter().filter(trainable).collect()
}

fn activation(head: Head) -> Activation {
    match head {
        Head::Sigmoid => Activation::Sigmoid,
        Head::Softmax { .. } => Activation::Softmax,
    }
}

fn candidate(entry: &Entry, activation: Activation) -> Candidate {
    let loss = SegmentationLoss::new(entry.objective(activation));
    let criterion: Criterion =
        Box::new(move |logits, labels| loss.try_forward(logits, labels).map_err(Into::into));
    Candidate { record: record(entry), criterion }
}

fn record(entry: &Entry) -> LossRecord {
    LossRecord {
        name: entry.name.into(),
        title: entry.title.into(),
        formula: entry.formula.into(),
        reference: entry.reference().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(names: &[&str], head: Head) -> Result<Vec<String>, LossError> {
        let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
        Ok(candidates(&names, head)?.into_iter().map(|candidate| candidate.record.name).collect())
    }

    #[test]
    fn the_default_losses_are_eight_for_either_head() {
        assert!(DEFAULT.iter().all(|name| names().contains(name)));
        let of = |head| names_of(&[], head).unwrap();
        let softmax = of(Head::Softmax { classes: 8 });
        assert_eq!(
            (softmax.len(), softmax[0].as_str(), softmax[7].as_str()),
            (8, "cross_entropy", "dice_cross_entropy")
        );
        let sigmoid = of(Head::Sigmoid);
        assert_eq!(
            (sigmoid.len(), sigmoid[0].as_str(), sigmoid[7].as_str()),
            (8, "binary_cross_entropy", "dice_binary_cross_entropy")
        );
    }

    #[test]
    fn losses_keep_the_order_in_which_they_are_named() {
        let names = ["tversky", "dice"];
        assert_eq!(names_of(&names, Head::Softmax { classes: 3 }).unwrap(), names);
    }

    #[test]
    fn a_loss_that_does_not_fit_is_an_error() {
        let error =
            names_of(&["dice", "binary_cross_entropy"], Head::Softmax { classes: 3 }).unwrap_err();
        let LossError::Unfit { name, fitting, .. } = error;
        assert_eq!(name, "binary_cross_entropy");
        assert!(fitting.contains(&"cross_entropy"));
    }
}
