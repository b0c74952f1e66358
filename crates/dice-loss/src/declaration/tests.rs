//! What tables of options say, and what specs are refused for.

use serde_json::{Value, json};

use crate::{
    Activation, Layout, Logits, Objective, OptionKind, PerfectMatch, Range, Target, catalogue,
    maps, settings,
};

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
            let value = match option.kind {
                OptionKind::Spacing => json!([number]),
                _ => json!(number),
            };
            let spec = json!({
                "terms": [{ "loss": entry.name, name: value }],
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
        (json!({ "terms": [{ "loss": "dice" }] }), "none", "softmax or sigmoid or probabilities"),
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

/// What fits no number of classes is refused when the objective is built, by whoever builds it.
#[test]
fn conflicts_of_terms_are_refused_without_a_batch() {
    let far = json!([[0, 1, 2], [1, 0, 1], [2, 1, 0]]);
    let transport = |distances: &Value| json!({ "loss": "generalized_wasserstein_dice", "distances": distances });
    let counts = json!([{ "sum": "true_positives", "activation": "softmax", "decision": 0.5 }]);
    let empty = json!([{ "loss": "binary_cross_entropy", "pos_weight": [] }]);
    for (terms, activation, further, wanted) in [
        (json!([transport(&far), transport(&Value::Null)]), "softmax", json!([]), "matrices"),
        (json!([{ "loss": "dice" }]), "softmax", counts, "one hard decision"),
        (empty, "sigmoid", json!([]), "one for each class"),
        (json!([{ "loss": "dice", "classes": [u64::MAX] }]), "softmax", json!([]), "classes"),
    ] {
        let decision = if further == json!([]) { Value::Null } else { json!("argmax") };
        let spec = json!({
            "terms": terms, "activation": activation, "sums": further, "decision": decision,
        });
        let error = read(&spec).and_then(|objective| objective.check_options());
        let error = error.expect_err(&spec.to_string()).to_string();
        assert!(error.contains(wanted), "{spec}: {error}");
    }
}

#[test]
fn the_order_of_terms_does_not_show_in_the_sums() {
    let focal = |gammas: [f64; 2]| {
        let terms = gammas.map(|gamma| json!({ "loss": "focal", "gamma": gamma }));
        let spec = json!({ "terms": terms, "activation": "softmax" });
        read(&spec).and_then(|objective| objective.prepare(3)).expect("two focal terms")
    };
    assert_eq!(focal([1.0, 2.0]).integrands(), focal([2.0, 1.0]).integrands());
    assert_eq!(focal([0.0, 2.0]).integrands(), focal([2.0, -0.0]).integrands());
}

#[test]
fn an_activation_that_is_missing_is_asked_for_among_those_there_are() {
    let error = refusal(&json!({ "terms": [{ "loss": "combo" }] }));
    assert!(error.contains("sigmoid or probabilities") && !error.contains("softmax"), "{error}");
}

/// The loss where of each voxel so much goes from its own class to all three alike.
fn loss_at(objective: &Objective, activation: Activation, share: f64) -> f64 {
    const LABELS: [u8; 6] = [0, 0, 0, 1, 1, 2];
    let probability = |class: u8| {
        LABELS.map(|label| (1.0 - share) * f64::from(u8::from(label == class)) + share / 3.0)
    };
    let x: Vec<f64> = [0, 1, 2].into_iter().flat_map(probability).collect();
    // Far enough from 0 for a probability of 1, and of nothing but rounding.
    let logit = |p: &f64| match activation {
        // High enough for the sigmoid of a compound's other part, too.
        Activation::Softmax => p.max(1e-300).ln() + 345.0,
        Activation::Sigmoid => (p.max(1e-300) / (1.0 - p).max(1e-300)).ln(),
        Activation::Probabilities => *p,
    };
    let x: Vec<f64> = x.iter().map(logit).collect();
    let layout = Layout::channels_first(&[1, 3, 6]).expect("a layout");
    let target = Layout::voxels(&[1, 6]).and_then(|layout| Target::labels(&LABELS, layout));
    let (logits, target) = (Logits::new(&x, layout).expect("logits"), target.expect("labels"));
    // Maps as those of the reference: of each class its inside, or how far off a voxel is.
    let inside = |class: u8| LABELS.map(|label| f64::from(u8::from(label == class)));
    let inside: Vec<f64> = [0, 1, 2].into_iter().flat_map(inside).collect();
    let distances: Vec<f64> = inside.iter().map(|inside| 1.0 - 2.0 * inside).collect();
    let maps = objective.maps().expect("maps made in one way");
    let target = maps.iter().fold(target, |target, map| {
        let values = match map.recipe {
            Some(maps::Recipe::SignedDistance { .. }) => &distances,
            _ => &inside,
        };
        target.map(&map.name, values, layout).expect("a map")
    });
    let moments = objective.measure(&logits, &target).expect("a batch");
    objective.evaluate(&moments).expect("its moments").loss()
}

/// What is said of a prediction that equals its reference is so, by default and at every trial.
#[test]
fn a_perfect_match_costs_what_is_said() {
    for entry in catalogue() {
        for &activation in entry.activations {
            let plain = json!({ "loss": entry.name, "activation": activation.word() });
            let mut cases = vec![(plain.clone(), entry.perfect_match)];
            for option in entry.options() {
                let said = option.facts.perfect_match.unwrap_or(entry.perfect_match);
                for value in option.trials(3) {
                    let mut term = plain.clone();
                    term[option.facts.name] = value;
                    cases.push((term, said));
                }
            }
            for (term, said) in cases {
                let objective = read(&json!({ "terms": [term] })).expect("a loss");
                let matched = loss_at(&objective, activation, 0.0);
                let others = [0.02, 0.1, 0.5].map(|share| loss_at(&objective, activation, share));
                let least = others.into_iter().fold(f64::INFINITY, f64::min);
                match said {
                    // A root of what is rounded is far larger than that, but still next to nothing.
                    PerfectMatch::Zero => assert!(
                        matched.abs() < 1e-3 * least,
                        "{term}: {matched}, elsewhere {least}"
                    ),
                    PerfectMatch::Minimum => assert!(
                        matched.abs() > 1e-3 && least > matched,
                        "{term}: {matched}, elsewhere {least}"
                    ),
                    PerfectMatch::Elsewhere => {
                        assert!(least < matched, "{term}: {matched}, elsewhere {least}");
                    }
                    PerfectMatch::Unknown => panic!("{} does not say", entry.name),
                }
            }
        }
    }
}
