//! Objectives as text: what crosses from one language to another.
//!
//! ```json
//! {
//!   "terms": [[1.0, {"loss": "dice_cross_entropy", "background": false}]],
//!   "activation": "softmax",
//!   "reduction": "mean"
//! }
//! ```

use std::fmt::Display;

use serde_json::{Map, Value, json};

use crate::{
    Decision, Integrand, Objective, Reduction, Result, Term, Words, catalogue, declaration::each,
    error::stated, settings::Settings, term::Loss,
};

const KEYS: [&str; 9] = [
    "terms",
    "activation",
    "pool",
    "absent",
    "background",
    "class_weights",
    "reduction",
    "decision",
    "sums",
];

impl Objective {
    /// The objective that a text stands for: JSON with the keys `terms`, `reduction`, `decision`,
    /// `sums` (further [`Integrand`]s) and what the terms leave open: `activation`, `pool`, `absent`,
    /// `background`, `class_weights`.
    ///
    /// A term is `{"loss": NAME, …}` with its options and settings, or a pair `[weight, term]`. Losses
    /// are those of the [`catalogue`](crate::catalogue()), compounds among them, which are taken apart.
    ///
    /// Fails for a text that is no JSON, for unknown names at every level, and for values of the wrong
    /// kind. [`check`](Self::check) has the last word.
    ///
    /// ```
    /// use dice_loss::Objective;
    /// let text = r#"{"terms": [{"loss": "dice", "squared": true}], "activation": "sigmoid"}"#;
    /// let objective = Objective::from_spec(text)?;
    /// assert_eq!(Objective::from_spec(&objective.spec()?)?.spec()?, objective.spec()?);
    /// assert!(Objective::from_spec(&text.replace("squared", "square")).is_err());
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn from_spec(text: &str) -> Result<Self> {
        let mut given = match serde_json::from_str(text) {
            Ok(Value::Object(given)) => given,
            Ok(other) => return refuse("objective", other, "an object with the key \"terms\""),
            Err(error) => return refuse("objective", error, "JSON"),
        };
        if let Some(key) = given.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return stated("objective: key", key, format!("one of {}", KEYS.join(", ")));
        }
        let defaults = defaults(&mut given)?;
        let mut objective = Self::new().defaults(&defaults);
        match given.remove("terms") {
            Some(Value::Array(terms)) => {
                for term in terms {
                    objective = add(objective, term, &defaults)?;
                }
            }
            other => return refuse("objective: terms", json!(other), "a list of terms"),
        }
        if let Some(word) = given.remove("reduction") {
            match word.as_str().and_then(Reduction::from_word) {
                Some(reduction) => objective = objective.reduction(reduction),
                None => return refuse("objective: reduction", word, "mean, sum or none"),
            }
        }
        match given.remove("sums") {
            None | Some(Value::Null) => {}
            Some(sums) => match serde_json::from_value::<Vec<Integrand>>(sums) {
                Ok(integrands) => objective = objective.also(integrands),
                Err(error) => return refuse("objective: sums", error, "a list of {\"sum\": …}"),
            },
        }
        match given.remove("decision") {
            None | Some(Value::Null) => Ok(objective),
            Some(Value::String(word)) if word == "argmax" => {
                Ok(objective.decision(Decision::Argmax))
            }
            Some(value) => match value.as_f64() {
                Some(threshold) => Ok(objective.decision(Decision::Threshold(threshold))),
                None => refuse("objective: decision", value, "\"argmax\", a threshold or null"),
            },
        }
    }

    /// The text that stands for it: compounds taken apart, everything filled in, names in order.
    /// Objectives with the same terms and settings have the same text.
    ///
    /// Fails for a term of one's own, which has no name that others know, and as
    /// [`check_options`](Self::check_options) does.
    pub fn spec(&self) -> Result<String> {
        self.check_options()?;
        let mut terms = Vec::new();
        for (weight, term) in self.resolved() {
            terms.push(json!([weight, described(&term)?]));
        }
        let decision = match self.decided_by() {
            None => Value::Null,
            Some(Decision::Argmax) => json!("argmax"),
            Some(Decision::Threshold(threshold)) => json!(threshold),
        };
        let reduction = self.reduced_by().word();
        let mut spec = json!({ "terms": terms, "reduction": reduction, "decision": decision });
        if !self.further_sums().is_empty() {
            spec["sums"] = json!(self.further_sums());
        }
        Ok(spec.to_string())
    }
}

/// What the terms leave open.
fn defaults(given: &mut Map<String, Value>) -> Result<Settings> {
    let mut defaults = Settings::default();
    let mut result = Ok(());
    each(&mut defaults, &mut |facts, slot| {
        if let Some(value) = given.remove(facts.name)
            && !value.is_null()
            && result.is_ok()
        {
            result = slot.set("objective", facts, &value);
        }
    });
    result.map(|()| defaults)
}

fn add(objective: Objective, term: Value, defaults: &Settings) -> Result<Objective> {
    let (weight, term) = match term {
        Value::Array(pair) if pair.len() == 2 => {
            let Some(weight) = pair[0].as_f64() else {
                return refuse("objective: weight", &pair[0], "a number");
            };
            (weight, pair[1].clone())
        }
        term => (1.0, term),
    };
    let Value::Object(mut given) = term else {
        return refuse("objective: term", term, "{\"loss\": …} or [weight, {\"loss\": …}]");
    };
    let name = given.remove("loss").unwrap_or_default();
    let Some(entry) = name.as_str().and_then(catalogue::find) else {
        let known: Vec<_> = catalogue::catalogue().iter().map(|entry| entry.name).collect();
        return refuse("objective: loss", name, format!("one of {}", known.join(", ")));
    };
    let terms = entry.read(given, defaults.activation)?;
    Ok(terms
        .into_iter()
        .fold(objective, |objective, (share, term)| objective.term(weight * share, term)))
}

/// A term by the names of its options.
fn described(term: &Term) -> Result<Map<String, Value>> {
    let (mut written, kind) = match &term.loss {
        Loss::Overlap(formula) if catalogue::has(formula.name(), formula.of_type()) => {
            (formula.written(), crate::Kind::Overlap { coupled: formula.is_coupled() })
        }
        Loss::Overlap(formula) => return stated("spec", formula.name(), "a loss of the catalogue"),
        Loss::Voxel(loss) => (loss.written(), crate::Kind::Voxel),
    };
    each(&mut term.settings(), &mut |facts, slot| {
        if kind.takes(facts.name) {
            written.insert(facts.name.into(), slot.value());
        }
    });
    Ok(written)
}

fn refuse<T>(what: &str, found: impl Display, wanted: impl Into<String>) -> Result<T> {
    stated(what, found.to_string(), wanted)
}
