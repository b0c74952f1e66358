//! What tables of options say, and what specs are refused for.

use serde_json::{Value, json};

use crate::{Activation, Objective, OptionKind, Range, catalogue, settings};

fn read(spec: &Value) -> crate::Result<Objective> {
    Objective::from_spec(&spec.to_string())
}

/// The error for a spec, in words.
fn refusal(spec: &Value) -> String {
    match read(spec) {
        Ok(objective) => panic!("{spec} passes as {:?}", objective.spec()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn names_are_said_once() {
    let settings = settings();
    for entry in catalogue() {
        let options = entry.options();
        let mut names: Vec<_> =
            options.iter().chain(&settings).map(|option| option.facts.name).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1], "{}", entry.name);
        }
        let same = catalogue().iter().filter(|other| other.name == entry.name).count();
        assert_eq!(same, 1, "{}", entry.name);
    }
}

/// A trial that equals the default tries nothing, and one that is refused tries only the refusal.
#[test]
fn every_trial_is_another_value_that_is_taken() {
    for entry in catalogue() {
        for option in entry.options() {
            let (name, trials) = (option.facts.name, option.trials(3));
            assert!(!trials.is_empty(), "{}: {name} has no trial", entry.name);
            for value in trials {
                assert_ne!(value, option.default, "{}: {name}", entry.name);
                let spec = json!({
                    "terms": [{ "loss": entry.name, name: value }],
                    "activation": entry.activations[0].word(),
                });
                let objective = read(&spec).expect("a trial");
                objective.check(3).unwrap_or_else(|error| panic!("{spec}: {error}"));
            }
        }
    }
}

/// Reading what was written is the same objective, for every loss at every trial.
#[test]
fn specs_come_back() {
    for entry in catalogue() {
        for &activation in entry.activations {
            let plain = json!({ "loss": entry.name, "activation": activation.word() });
            let mut terms = vec![plain.clone()];
            for option in entry.options().iter().chain(&settings()) {
                let name = option.facts.name;
                if name == "activation" || settings().contains(option) && !entry.kind().takes(name)
                {
                    continue;
                }
                for value in option.trials(3) {
                    let mut term = plain.clone();
                    term[name] = value;
                    terms.push(term);
                }
            }
            for term in terms {
                let spec = json!({ "terms": [[0.5, term]] });
                let objective = read(&spec).unwrap_or_else(|error| panic!("{spec}: {error}"));
                let text = objective.spec().unwrap_or_else(|error| panic!("{spec}: {error}"));
                let again = Objective::from_spec(&text).expect("its own text");
                assert_eq!(again.spec().as_ref(), Ok(&text), "{spec}");
            }
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    let outside =
        |range: &Range| [-1.0, 2.0, 0.0].into_iter().find(|number| !range.contains(*number));
    let mut tried = 0;
    for entry in catalogue() {
        for option in entry.options() {
            let (name, range) = (option.facts.name, option.facts.range);
            let Some(number) = outside(&range) else { continue };
            if option.kind == OptionKind::Distances {
                continue;
            }
            let spec = json!({
                "terms": [{ "loss": entry.name, name: number }],
                "activation": entry.activations[0].word(),
            });
            let error = read(&spec).and_then(|objective| objective.check(3));
            let error = error.expect_err("a number out of range").to_string();
            assert!(error.contains(name) && error.contains(&range.to_string()), "{error}");
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} options have a range");
}

#[test]
fn unknown_names_are_refused_at_every_level() {
    let term = json!({ "loss": "dice", "activation": "softmax" });
    let with = |name: &str, value: Value| {
        let mut term = term.clone();
        term[name] = value;
        json!({ "terms": [term] })
    };
    for (spec, found, wanted) in [
        (json!({ "terms": [term], "pol": "batch" }), "pol", "pool"),
        (json!({ "terms": [{ "loss": "dices", "activation": "softmax" }] }), "dices", "dice, iou"),
        (with("square", json!(true)), "square", "squared"),
        (with("overlap", json!("l2")), "l2", "product, l1"),
        (with("squared", json!(1)), "1", "true or false"),
        (with("pool", json!("row")), "row", "sample, batch, all"),
        (with("smoothing", json!([1, 2, 3])), "[1,2,3]", "[numerator, denominator]"),
        (with("classes", json!([-1])), "[-1]", "numbers of classes"),
        (with("background", json!("no")), "no", "true, false or null"),
        (json!({ "terms": [term], "reduction": "avg" }), "avg", "mean, sum or none"),
        (json!({ "terms": [term], "decision": "max" }), "max", "argmax"),
        (json!({ "terms": [term], "sums": [{ "sum": "volume" }] }), "volume", "sum"),
        (json!({ "terms": [[1, term, 2]] }), "[1,", "[weight, {\"loss\": …}]"),
        (json!({ "terms": [["1", term]] }), "\"1\"", "a number"),
        (json!({ "terms": "dice" }), "\"dice\"", "a list of terms"),
        (json!({ "terms": [{ "loss": "dice" }] }), "none", "softmax, sigmoid or probabilities"),
        (json!("dice"), "\"dice\"", "terms"),
    ] {
        let error = refusal(&spec);
        assert!(error.contains(found) && error.contains(wanted), "{spec}: {error}");
    }
    for (loss, setting) in [("cross_entropy", "pool"), ("focal", "absent"), ("combo", "classes")] {
        let spec = json!({ "terms": [{ "loss": loss, setting: null }], "activation": "softmax" });
        assert!(refusal(&spec).contains(setting), "{loss} takes {setting}");
    }
}

/// What is told under an activation, by hand and by name, is one objective.
#[test]
fn a_loss_told_by_hand_is_the_one_told_by_name() {
    for entry in catalogue() {
        let activation = entry.activations[0];
        let mut term = json!({ "loss": entry.name, "activation": activation.word() });
        let terms = entry.terms(activation, &mut |facts, slot| match slot {
            crate::Slot::Number(number) => {
                *number /= 2.0;
                term[facts.name] = json!(*number);
            }
            crate::Slot::OptionalNumbers(weights) => {
                *weights = Some(vec![1.0, 2.0, 3.0]);
                term[facts.name] = json!([1.0, 2.0, 3.0]);
            }
            _ => {}
        });
        let terms = terms.expect("halves are in every range").into_iter();
        let told = terms.fold(Objective::new(), |sum, (weight, term)| sum.term(weight, term));
        let named = read(&json!({ "terms": [term] })).expect("the same by name");
        assert_eq!(told.spec(), named.spec(), "{}", entry.name);
    }
}

#[test]
fn an_activation_of_the_whole_is_the_default_of_the_terms() {
    for activation in Activation::ALL {
        let word = activation.word();
        let whole = read(&json!({ "terms": [{ "loss": "dice" }], "activation": word }));
        let each = read(&json!({ "terms": [{ "loss": "dice", "activation": word }] }));
        assert_eq!(whole.and_then(|it| it.spec()), each.and_then(|it| it.spec()));
    }
}
