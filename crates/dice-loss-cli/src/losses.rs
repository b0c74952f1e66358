//! The engine's losses, as the program names and trains them.

use std::{collections::BTreeMap, str::FromStr};

use dice_loss_burn::{
    SegmentationLoss,
    dice_loss::{self, Activation, Entry, Objective, catalogue},
};
use serde_json::{Map, Value, json};

use crate::{
    data::IGNORED,
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

/// Why losses cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// One does not exist under the activation that the data needs.
    #[error("found the loss {name}, wanted one that works under {activation:?} as this data needs: {}", fitting.join(", "))]
    Unfit {
        /// The loss.
        name: String,
        /// The activation.
        activation: Activation,
        /// The losses that would do.
        fitting: Vec<&'static str>,
    },
    /// An option that the loss does not have, or does not take with so many classes.
    #[error("--losses {wish}: {source}")]
    Option {
        /// What was asked for.
        wish: String,
        /// What the loss says.
        source: dice_loss::Error,
    },
    /// Two that are the same.
    #[error("found {first} and {second}, which are the same loss, wanted each once")]
    Twice {
        /// The first.
        first: String,
        /// The other.
        second: String,
    },
}

/// A loss with the options that are not its defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    name: String,
    options: BTreeMap<String, Value>,
}

/// Losses as the command line names them: `dice,dice_cross_entropy:background=false,pool=batch`.
#[derive(Debug, Clone, PartialEq)]
pub struct Wishes(pub Vec<Wish>);

impl FromStr for Wishes {
    type Err = String;

    /// Names at commas; an option follows a colon or another option.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut wishes: Vec<Wish> = vec![];
        for part in split_outside_brackets(text) {
            let colon =
                part.find(':').filter(|&at| part.find('=').is_none_or(|equals| at < equals));
            let option = match (colon, part.contains('=')) {
                (Some(at), _) => {
                    wishes.push(Wish::named(&part[..at])?);
                    Some(&part[at + 1..])
                }
                (None, true) => Some(part),
                (None, false) => {
                    wishes.push(Wish::named(part)?);
                    None
                }
            };
            if let Some(option) = option {
                let Some(wish) = wishes.last_mut() else {
                    return Err(format!("found the option `{option}` before any loss"));
                };
                wish.set(option)?;
            }
        }
        wishes.iter().try_for_each(Wish::check)?;
        Ok(Self(wishes))
    }
}

impl Wish {
    fn named(name: &str) -> Result<Self, String> {
        let (name, known) = (name.trim(), names());
        if known.contains(&name) {
            return Ok(Self { name: name.into(), options: BTreeMap::new() });
        }
        Err(format!("found the loss `{name}`, wanted one of {}", known.join(", ")))
    }

    fn set(&mut self, option: &str) -> Result<(), String> {
        let Some((key, value)) = option.split_once('=') else {
            return Err(format!(
                "found `{option}` as an option of {}, wanted NAME=VALUE",
                self.name
            ));
        };
        let value = value.trim();
        let value = match value {
            "True" => json!(true),
            "False" => json!(false),
            _ => serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
        };
        match self.options.insert(key.trim().into(), value) {
            None => Ok(()),
            Some(_) => Err(format!("found {key} of {} twice, wanted it once", self.name)),
        }
    }

    /// Whether the loss has these options, as far as that can be said before the data is known.
    fn check(&self) -> Result<(), String> {
        if self.options.contains_key("activation") {
            return Err(format!(
                "found activation of {}, wanted none: the number of classes decides it",
                self.name
            ));
        }
        let entry = catalogue().into_iter().find(|entry| entry.name == self.name);
        let activation = entry.and_then(|entry| trained_under(&entry).next());
        let objective = self.objective(activation.unwrap_or(Activation::Softmax));
        objective.and_then(|objective| objective.check_options()).map_err(|error| error.to_string())
    }

    fn objective(&self, activation: Activation) -> dice_loss::Result<Objective> {
        let mut term: Map<String, Value> =
            self.options.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        term.insert("loss".into(), json!(self.name));
        Objective::from_spec(
            &json!({ "terms": [term], "activation": activation.word() }).to_string(),
        )
    }

    /// The options as they were asked for.
    fn options(&self) -> String {
        let option = |(key, value): (&String, &Value)| match value {
            Value::String(word) => format!("{key}={word}"),
            other => format!("{key}={other}"),
        };
        self.options.iter().map(option).collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Display for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let colon = if self.options.is_empty() { "" } else { ":" };
        write!(f, "{}{colon}{}", self.name, self.options().replace(", ", ","))
    }
}

/// Names of all losses that can be compared on some data.
pub fn names() -> Vec<&'static str> {
    comparable().iter().map(|entry| entry.name).collect()
}

/// All losses that can be compared on some data.
pub fn records() -> Vec<LossRecord> {
    comparable().iter().map(|entry| record(entry, String::new())).collect()
}

/// Losses with their options; without wishes, those that are usually compared.
///
/// # Errors
/// [`LossError`], before anything is trained.
pub fn candidates(wishes: &[Wish], head: Head, ignores: bool) -> Result<Vec<Candidate>, LossError> {
    let activation = activation(head);
    let fitting: Vec<Entry> =
        comparable().into_iter().filter(|entry| entry.activations.contains(&activation)).collect();
    let find = |name: &str| fitting.iter().find(|entry| entry.name == name);
    let usual: Vec<Wish> = (DEFAULT.into_iter().filter(|name| find(name).is_some()))
        .map(|name| Wish { name: name.into(), options: BTreeMap::new() })
        .collect();
    let wishes = if wishes.is_empty() { &usual } else { wishes };
    let mut seen: Vec<(String, String)> = vec![];
    let mut candidates = vec![];
    for wish in wishes {
        let Some(entry) = find(&wish.name) else {
            let fitting = fitting.iter().map(|entry| entry.name).collect();
            return Err(LossError::Unfit { name: wish.name.clone(), activation, fitting });
        };
        let fail = |source| LossError::Option { wish: wish.to_string(), source };
        let objective = wish.objective(activation).map_err(fail)?;
        objective.check(head.channels()).map_err(fail)?;
        let spec = objective.spec().map_err(fail)?;
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == spec) {
            return Err(LossError::Twice { first: first.clone(), second: wish.to_string() });
        }
        seen.push((spec, wish.to_string()));
        candidates.push(candidate(record(entry, wish.options()), objective, ignores));
    }
    Ok(candidates)
}

/// Those that this program's heads are trained with.
fn comparable() -> Vec<Entry> {
    let is_one = |entry: &Entry| trained_under(entry).next().is_some();
    catalogue().into_iter().filter(is_one).collect()
}

/// The activations of this program's heads that a loss works under.
fn trained_under(entry: &Entry) -> impl Iterator<Item = Activation> + use<> {
    let entry = *entry;
    [Activation::Softmax, Activation::Sigmoid]
        .into_iter()
        .filter(move |activation| entry.activations.contains(activation))
}

fn activation(head: Head) -> Activation {
    match head {
        Head::Sigmoid => Activation::Sigmoid,
        Head::Softmax { .. } => Activation::Softmax,
    }
}

fn candidate(record: LossRecord, objective: Objective, ignores: bool) -> Candidate {
    let ignored = ignores.then_some(i64::from(IGNORED));
    let loss = SegmentationLoss::new(objective).with_ignore_index(ignored);
    let criterion: Criterion =
        Box::new(move |logits, labels| loss.try_forward(logits, labels).map_err(Into::into));
    Candidate { record, criterion }
}

fn record(entry: &Entry, options: String) -> LossRecord {
    let title = match options.as_str() {
        "" => entry.title.into(),
        options => format!("{} ({options})", entry.title),
    };
    LossRecord {
        name: entry.name.into(),
        title,
        options,
        formula: entry.formula.into(),
        reference: entry.reference().into(),
    }
}

/// Parts at commas that stand in no brackets.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (vec![], 0i32, 0);
    for (at, character) in text.char_indices() {
        match character {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth <= 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int, Tensor};

    use super::*;

    const SOFTMAX: Head = Head::Softmax { classes: 3 };

    fn of(text: &str, head: Head) -> Result<Vec<LossRecord>, LossError> {
        let wishes: Wishes = text.parse().unwrap();
        Ok(candidates(&wishes.0, head, false)?.into_iter().map(|c| c.record).collect())
    }

    fn usual(head: Head) -> Vec<String> {
        let candidates = candidates(&[], head, false).unwrap();
        candidates.into_iter().map(|candidate| candidate.record.name).collect()
    }

    #[test]
    fn the_default_losses_are_eight_for_either_head() {
        assert!(DEFAULT.iter().all(|name| names().contains(name)));
        let softmax = usual(Head::Softmax { classes: 8 });
        assert_eq!(
            (softmax.len(), softmax[0].as_str(), softmax[7].as_str()),
            (8, "cross_entropy", "dice_cross_entropy")
        );
        let sigmoid = usual(Head::Sigmoid);
        assert_eq!(
            (sigmoid.len(), sigmoid[0].as_str(), sigmoid[7].as_str()),
            (8, "binary_cross_entropy", "dice_binary_cross_entropy")
        );
    }

    #[test]
    fn losses_keep_their_order_and_their_options() {
        let text = "tversky:alpha=0.3,beta=0.7,dice,dice_cross_entropy:background=False,pool=batch,\
                    class_weights=[1,2,3]";
        let records = of(text, SOFTMAX).unwrap();
        let said: Vec<_> = records.iter().map(|r| (r.name.as_str(), r.options.as_str())).collect();
        assert_eq!(
            said,
            [
                ("tversky", "alpha=0.3, beta=0.7"),
                ("dice", ""),
                ("dice_cross_entropy", "background=false, class_weights=[1,2,3], pool=batch")
            ]
        );
        assert_eq!(records[0].title, "Tversky (alpha=0.3, beta=0.7)");
    }

    #[test]
    fn options_change_what_is_computed() {
        let wishes: Wishes = "dice,dice:background=false".parse().unwrap();
        let [whole, without] =
            [0, 1].map(|i| wishes.0[i].objective(Activation::Softmax).unwrap().spec().unwrap());
        assert!(without.contains(r#""background":false"#), "{without}");
        assert_ne!(whole, without);
    }

    #[test]
    fn wrong_wishes_are_refused_in_words() {
        let refused = |text: &str| text.parse::<Wishes>().unwrap_err();
        assert!(
            refused("dice,no_such_loss").contains("found the loss `no_such_loss`, wanted one of")
        );
        assert!(refused("dice:squar=true").contains("squared"));
        assert!(refused("dice:pool=row").contains("batch"));
        assert!(refused("tversky:alpha=-1").contains("alpha"));
        assert!(refused("alpha=1").contains("before any loss"));
        assert!(refused("dice:activation=sigmoid").contains("the number of classes decides"));
        assert!(refused("dice:squared=true,squared=false").contains("twice"));
        assert!(refused("dice:squared").contains("NAME=VALUE"));
    }

    #[test]
    fn losses_that_want_a_map_make_it() {
        let text = "boundary:spacing=[1,2],hausdorff_dt,skeleton_recall,border_cross_entropy:w0=4";
        let wishes: Wishes = text.parse().unwrap();
        let candidates = candidates(&wishes.0, SOFTMAX, true).unwrap();
        assert_eq!(candidates.len(), 4);
        for candidate in candidates {
            let device = Device::flex();
            let logits = Tensor::<4>::zeros([1, 3, 2, 3], &device);
            let labels = Tensor::<3, Int>::from_data([[[0, 1, 2], [1, 0, 255]]], &device);
            let loss = (candidate.criterion)(logits, labels).unwrap().into_scalar::<f32>();
            assert!(loss.is_finite() && loss != 0.0, "{}: {loss}", candidate.record.name);
        }
    }

    #[test]
    fn the_same_loss_twice_is_refused() {
        for text in ["dice,dice", "dice,dice:squared=false", "dice,tversky,dice"] {
            assert!(matches!(of(text, SOFTMAX), Err(LossError::Twice { .. })), "{text}");
        }
        assert_eq!(of("dice,dice:squared=true", SOFTMAX).unwrap().len(), 2);
    }

    #[test]
    fn options_that_do_not_fit_the_classes_are_refused_before_training() {
        let error = of("dice:class_weights=[1,2]", SOFTMAX).unwrap_err();
        assert!(matches!(&error, LossError::Option { .. }), "{error}");
    }

    #[test]
    fn a_loss_that_does_not_fit_is_an_error() {
        let error = of("dice,binary_cross_entropy", SOFTMAX).unwrap_err();
        let LossError::Unfit { name, fitting, .. } = error else { panic!("{error}") };
        assert_eq!(name, "binary_cross_entropy");
        assert!(fitting.contains(&"cross_entropy"));
    }
}
