//! Moments add up, across batches and processes, and refuse what does not belong together.

use dice_loss::{
    Activation, CrossEntropy, Decision, Dice, Error, Layout, Logits, Moments, Objective, Pool,
    Target,
};
use proptest::prelude::*;

use crate::cases::{Batch, Precision, check, engine, trials};

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
            let batch = Batch::new(&recipe, trial.activation);
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
            prop_assert!(pooled.is_pooled() && pooled.rows() == 1);
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
    let others = [
        one.clone().pool(Pool::All).term(0.0, Dice::default().softmax()),
        objective().decision(Decision::Threshold(0.5)),
        Objective::new().term(1.0, Dice::default().softmax()),
    ];
    for other in others {
        let foreign = measured(&other, &X, &LABELS);
        for error in [
            moments.append(&foreign).unwrap_err(),
            moments.clone().pooled().add(&foreign.clone().pooled()).unwrap_err(),
            one.evaluate(&foreign).map(|_| ()).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Objective { .. }), "{error}");
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
    // Another objective's still are another objective's.
    let other = Objective::new().term(1.0, Dice::default().sigmoid());
    assert!(matches!(other.evaluate(&read), Err(Error::Objective { .. })));
}

#[test]
fn broken_serialisations_are_refused() {
    let objective = objective();
    let text = serde_json::to_string(&measured(&objective, &X, &LABELS)).expect("serialisable");
    for (part, instead) in [
        ("\"rows\":2", "\"rows\":3"),
        ("\"valid\":[true,", "\"valid\":["),
        ("\"data\":[", "\"data\":[1.0,"),
    ] {
        assert!(text.contains(part), "{text}");
        let Ok(mut broken) = serde_json::from_str::<Moments>(&text.replace(part, instead)) else {
            continue;
        };
        assert!(objective.evaluate(&broken).is_err(), "{instead}");
        let copy = broken.clone();
        assert!(broken.append(&copy).is_err(), "{instead}");
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
