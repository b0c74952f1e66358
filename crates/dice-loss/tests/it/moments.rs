//! Moments add up, across batches and processes, and refuse what does not belong together.

use dice_loss::{
    Activation, CrossEntropy, Decision, Dice, Error, Focal, Integrand, Layout, Logits, Moments,
    Objective, Output, Pool, Reduction, Sum, Target, maps::Named, reference,
};
use proptest::prelude::*;

use crate::cases::{Arrangement, Batch, Precision, check, engine, gradient_of, trials};

/// The samples of a batch, one by one.
fn samples(batch: &Batch) -> Vec<Batch> {
    let voxels: Vec<_> = (0..batch.shape[2]).collect();
    (0..batch.shape[0]).map(|sample| batch.select(&[sample], &voxels)).collect()
}

#[test]
fn parts_of_a_batch_add_up_to_the_whole() {
    for trial in trials() {
        check(&trial.name, 6, |mut recipe| {
            let classes = trial.classes(recipe.shape[1].min(5));
            recipe.shape = [1 + recipe.shape[0], classes, recipe.shape[2].min(300)];
            let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
            let batch = trial.batch(&recipe);
            let (whole, verdict) = engine(&objective, &batch).expect("a batch");
            let parts: Vec<_> = samples(&batch)
                .iter()
                .map(|part| engine(&objective, part).expect("a batch").0)
                .collect();
            let mut appended = parts[0].clone();
            for part in &parts[1..] {
                appended.append(part).expect("moments of one objective");
            }
            // Per sample nothing is added, so nothing is rounded.
            prop_assert_eq!(&appended, &whole);
            let again = objective.evaluate(&appended).expect("its moments");
            prop_assert_eq!(again.loss().to_bits(), verdict.loss().to_bits());

            let mut pooled = parts[0].clone().pooled();
            for part in &parts[1..] {
                pooled.add(&part.clone().pooled()).expect("moments of one objective");
            }
            let wanted = whole.pooled();
            prop_assert!(pooled.is_pooled() && pooled.samples() == 1);
            let precision = Precision::of(batch.logits.data.kind());
            for (found, wanted) in pooled.as_slice().iter().zip(wanted.as_slice()) {
                let tolerance = precision.of_sum(batch.shape, wanted.abs());
                prop_assert!((found - wanted).abs() <= tolerance);
            }
            Ok(())
        });
    }
}

fn objective() -> Objective {
    Objective::new()
        .term(1.0, Dice::default().softmax().pool(Pool::Batch))
        .term(1.0, CrossEntropy::default().softmax())
        .decision(Decision::Argmax)
}

fn measured(objective: &Objective, x: &[f32], labels: &[u8]) -> Moments {
    let voxels = labels.len() / 2;
    let layout =
        Layout::channels_first(&[2, x.len() / labels.len(), voxels]).expect("an axis each");
    let logits = Logits::new(x, layout).expect("logits");
    let target = Target::labels(labels, Layout::voxels(&[2, voxels]).expect("two axes"));
    objective.measure(&logits, &target.expect("labels")).expect("a batch")
}

const X: [f32; 12] = [0.5, 1.0, -1.0, 0.25, 0.3, 2.0, -0.5, 0.1, 0.2, 0.9, -2.0, 0.7];
const LABELS: [u8; 6] = [0, 1, 1, 0, 0, 1];

#[test]
fn pooled_moments_serve_pooled_terms() {
    let objective = objective();
    let moments = measured(&objective, &X, &LABELS);
    let wanted = objective.evaluate(&moments).expect("its moments").loss();
    let found = objective.evaluate(&moments.clone().pooled()).expect("its moments").loss();
    assert!((found - wanted).abs() < 1e-14);
    // A process that has seen nothing of a class still adds to the others.
    let mut sum = moments.clone().pooled();
    sum.as_mut_slice().iter_mut().for_each(|value| *value *= 2.0);
    let mut twice = moments.clone().pooled();
    twice.add(&moments.pooled()).expect("moments of one objective");
    assert_eq!(sum, twice);
}

#[test]
fn per_sample_terms_refuse_pooled_moments() {
    let objective = Objective::new().term(1.0, Dice::default().softmax());
    let pooled = measured(&objective, &X, &LABELS).pooled();
    let error = objective.evaluate(&pooled).unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }));
    assert!(error.to_string().starts_with("dice: pool: found "), "{error}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let one = objective();
    let mut moments = measured(&one, &X, &LABELS);
    let softmax = || Objective::new().term(1.0, Dice::default().softmax());
    let counted = |objective: Objective| objective.decision(Decision::Argmax);
    let others = [
        (
            objective().decision(Decision::Threshold(0.5)),
            "sum 3 of the moments: found true_positives (softmax, decision 0.5), wanted \
             true_positives (softmax, decision argmax)",
        ),
        (counted(softmax()), "sum 8 of the moments: found none, wanted log_loss (softmax)"),
        (
            counted(softmax().term(1.0, Focal::default().softmax())),
            "sum 8 of the moments: found merged (softmax), wanted log_loss (softmax)",
        ),
    ];
    for (other, says) in others {
        let foreign = measured(&other, &X, &LABELS);
        for error in [
            moments.append(&foreign).unwrap_err(),
            moments.clone().pooled().add(&foreign.clone().pooled()).unwrap_err(),
            one.evaluate(&foreign).map(|_| ()).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Sums { .. }), "{error}");
            assert_eq!(error.to_string(), says);
        }
    }
    let more_classes = measured(&one, &[X, X].concat(), &LABELS);
    let error = moments.append(&more_classes).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    let pooled = moments.clone().pooled();
    assert!(matches!(moments.append(&pooled), Err(Error::Parameter { .. })));
    assert!(matches!(moments.add(&pooled), Err(Error::Parameter { .. })));
    assert!(matches!(moments.clone().pooled().add(&moments), Err(Error::Parameter { .. })));
}

#[test]
fn moments_survive_serialisation() {
    let objective = objective();
    let moments = measured(&objective, &X, &LABELS);
    let text = serde_json::to_string(&moments).expect("serialisable");
    let read: Moments = serde_json::from_str(&text).expect("the same structure");
    assert_eq!(read, moments);
    let (found, wanted) = (objective.evaluate(&read), objective.evaluate(&moments));
    assert_eq!(found.expect("its moments").loss(), wanted.expect("its moments").loss());
    // Other sums still are other sums.
    let other = Objective::new().term(1.0, Dice::default().sigmoid());
    assert!(matches!(other.evaluate(&read), Err(Error::Sums { .. })));
}

#[test]
fn broken_serialisations_are_refused() {
    let text = serde_json::to_string(&measured(&objective(), &X, &LABELS)).expect("serialisable");
    for (part, instead, says) in [
        ("\"version\":1", "\"version\":2", "version of the moments: found 2, wanted 1"),
        ("\"samples\":2", "\"samples\":3", "wanted 10 sums"),
        ("\"valid\":[true,", "\"valid\":[", "wanted 10 sums"),
        ("\"rows\":[", "\"rows\":[1.0,", "wanted 10 sums"),
        ("\"sum\":\"log_loss\"", "\"sum\":\"logloss\"", "unknown variant `logloss`"),
    ] {
        assert!(text.contains(part), "{text}");
        let error = serde_json::from_str::<Moments>(&text.replace(part, instead)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

/// Weights, pools and the reduction are no part of what was measured, nor is the order of terms.
#[test]
fn another_objective_of_the_same_sums_evaluates_them() {
    let one = objective();
    let other = Objective::new()
        .term(0.25, CrossEntropy::default().softmax().class_weights([1.0, 3.0]))
        .term(3.0, Dice::default().softmax().pool(Pool::All))
        .decision(Decision::Argmax)
        .reduction(Reduction::Sum);
    let moments = measured(&one, &X, &LABELS);
    assert_eq!(measured(&other, &X, &LABELS), moments);
    let verdict = other.evaluate(&moments).expect("the same sums");

    // Its slopes are by the sums, so that either objective pulls them back.
    let layout = Layout::channels_first(&[2, 2, 3]).expect("a small shape");
    let logits = Logits::new(&X, layout).expect("logits");
    let target = Target::labels(&LABELS, Layout::voxels(&[2, 3]).expect("two axes"));
    let target = target.expect("labels");
    let pulled_back = |by: &Objective| {
        let mut gradient = [0.0f32; 12];
        let output = Output::new(&mut gradient, layout).expect("an output");
        by.pull_back(&verdict, 1.0, &logits, &target, output).expect("its sums");
        gradient
    };
    assert_eq!(pulled_back(&one), pulled_back(&other));
    assert_ne!(pulled_back(&one), [0.0; 12]);
}

#[test]
fn every_sum_can_be_asked_for() {
    for activation in Activation::ALL {
        let is_under =
            |sum: &Sum| sum.activations().is_empty() || sum.activations().contains(&activation);
        let by_itself = |sum: &Sum| is_under(sum) && !sum.is_of_terms();
        let asked: Vec<_> = Sum::ALL.into_iter().filter(by_itself).collect();
        for sum in asked {
            let by = (!sum.activations().is_empty()).then_some(activation);
            let plain = Integrand::new(sum, by);
            let plain = if sum == Sum::Mapped { plain.map("a") } else { plain };
            let integrand = match sum {
                Sum::Focal | Sum::FocalNegative => plain.gamma([2.0, 0.5]),
                Sum::Transport => plain.distances(vec![vec![0.0, 3.0], vec![0.5, 0.0]]),
                _ if sum.is_count() => plain.decision(Decision::Threshold(0.4)),
                _ => plain,
            };
            let of_text: Integrand = serde_json::to_string(&integrand)
                .and_then(|text| serde_json::from_str(&text))
                .expect("the same structure");
            assert_eq!(of_text, integrand);
            let with_map = integrand.clone().map("a");
            let also = sum.takes_map().then_some(&with_map);
            for integrand in [&integrand].into_iter().chain(also) {
                check(&format!("{integrand}"), 6, |mut recipe| {
                    recipe.shape[1] = 2;
                    let maps = integrand.map.iter().map(|name| Named {
                        name: name.clone(),
                        is_signed: true,
                        recipe: None,
                        activation,
                    });
                    let batch = Batch::with_maps(&recipe, activation, &maps.collect::<Vec<_>>());
                    let precision = Precision::of(batch.logits.data.kind());
                    let objective = Objective::new().also([integrand.clone()]);
                    let (logits, target) = (batch.logits(), batch.target());
                    let found = objective.measure(&logits, &target).expect("a batch");
                    let wanted = reference::measure(&objective, &logits, &target).expect("a batch");
                    prop_assert!(found.integrands().contains(integrand));
                    let both = found.as_slice().iter().zip(wanted.moments.as_slice());
                    for ((found, wanted), magnitude) in both.zip(&wanted.magnitudes) {
                        let tolerance = precision.of_sum(batch.shape, *magnitude);
                        prop_assert!((found - wanted).abs() <= tolerance || found == wanted);
                    }
                    let verdict = objective.evaluate(&found).expect("its moments");
                    prop_assert!(verdict.loss() == 0.0 && verdict.terms().is_empty());
                    Ok(())
                });
            }
        }
    }
}

#[test]
fn sums_beside_the_terms_change_loss_and_gradient_by_roundings_alone() {
    let sigmoid = |sum| Integrand::new(sum, Activation::Sigmoid);
    for trial in trials() {
        check(&format!("{} and further sums", trial.name), 2, |mut recipe| {
            recipe.shape[1] = trial.classes(recipe.shape[1]);
            let objective = trial.objective(recipe.shape[1]);
            let gamma = vec![1.5; recipe.shape[1]];
            let further = [sigmoid(Sum::Magnitude), sigmoid(Sum::Focal).gamma(gamma)];
            let with = objective.clone().also(further);
            let batch = trial.batch(&recipe);
            let results = |objective: &Objective| {
                let (_, verdict) = engine(objective, &batch).expect("a batch");
                let arrangement = Arrangement::ChannelsFirst;
                let found = gradient_of(objective, &verdict, 1.0, &batch, arrangement);
                (verdict.loss(), found.expect("a gradient").to_f64())
            };
            // They may be summed up by other code, which is as precise.
            let precision = Precision::of(batch.logits.data.kind());
            let ((loss, gradient), (other, others)) = (results(&with), results(&objective));
            let tolerance = 2.0 * precision.of_sum(batch.shape, loss.abs().max(1.0));
            prop_assert!((loss - other).abs() <= tolerance || loss.to_bits() == other.to_bits());
            let largest = others.iter().fold(0.0f64, |all, slope| all.max(slope.abs()));
            for (found, wanted) in gradient.iter().zip(&others) {
                let tolerance = 2.0 * precision.of_element(batch.shape, *wanted, largest);
                prop_assert!((found - wanted).abs() <= tolerance || found == wanted);
            }
            Ok(())
        });
    }
}

#[test]
fn sums_that_cannot_be_measured_are_refused() {
    let under = |sum| Integrand::new(sum, Activation::Sigmoid);
    let refused = [
        (under(Sum::LogLoss), "log_loss: activation: found sigmoid, wanted softmax or "),
        (
            Integrand::new(Sum::Prediction, None),
            "prediction: activation: found none, wanted softmax or sigmoid or probabilities",
        ),
        (under(Sum::Voxels), "voxels: activation: found sigmoid, wanted none"),
        (under(Sum::Focal), "focal: gamma: found none, wanted one"),
        (under(Sum::Focal).gamma([1.0]), "focal: gamma: found [1.0], wanted 2 values"),
        (
            under(Sum::Focal).gamma([1.0, -1.0]),
            "focal: gamma: found -1.0, wanted a finite number of at least 0",
        ),
        (under(Sum::Prediction).gamma([1.0, 1.0]), "prediction: gamma: found one, wanted none"),
        (Integrand::new(Sum::Mapped, None), "mapped: map: found none, wanted one"),
        (Integrand::new(Sum::Voxels, None).map("a"), "voxels: map: found one, wanted none"),
        (under(Sum::Transport), "transport: distances: found none, wanted one"),
        (
            under(Sum::Transport).distances(vec![vec![0.0]]),
            "transport: distances: found rows of [1] entries, wanted 2 rows",
        ),
        (under(Sum::TruePositives), "true_positives: decision: found none, wanted one"),
        (
            under(Sum::TruePositives).decision(Decision::Threshold(f64::NAN)),
            "true_positives: threshold: found NaN, wanted a finite number",
        ),
        (
            under(Sum::TruePositives).decision(Decision::Threshold(0.5)),
            "true_positives: found two different decisions, wanted one hard decision",
        ),
    ];
    for (integrand, says) in refused {
        let error = objective().also([integrand]).prepare(2).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
    }
}

#[test]
fn counts_come_from_the_same_sweep() {
    // Classes 0 and 1, six voxels: predicted 0 1 0 | 1 1 0, there 0 1 1 | 0 0 1.
    let x = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let moments = measured(&objective(), &x, &LABELS);
    let counts = |row, class| moments.counts(row, class).expect("a decision was named");
    let of = |counts: dice_loss::Counts| {
        [counts.true_positives, counts.false_positives, counts.false_negatives]
    };
    assert_eq!(of(counts(0, 0)), [1, 1, 0]);
    assert_eq!(of(counts(0, 1)), [1, 0, 1]);
    assert_eq!(of(counts(1, 0)), [0, 1, 2]);
    assert_eq!(of(counts(1, 1)), [0, 2, 1]);
    let pooled = moments.pooled();
    assert_eq!(of(pooled.counts(0, 1).expect("still there")), [1, 2, 2]);
    let without = Objective::new().term(1.0, Dice::default().softmax());
    assert_eq!(measured(&without, &x, &LABELS).counts(0, 0), None);
    assert_eq!(pooled.sums(Activation::Softmax, 0, 1).g, 3.0);
}
