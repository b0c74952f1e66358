//! Gradients against central differences.

use dice_loss::{Activation, Layout, Logits, Objective, Output, Pool, Target, reference};
use proptest::prelude::*;

use crate::cases::{
    Arrangement, Batch, FloatKind, Floats, Precision, Rng, Trial, check, declared, engine,
    gradient_agrees, gradient_of, options, trials, written,
};

/// A derivative and how far off it may be.
///
/// The central differences over steps h and 2h are off by c h² and 4 c h², so (4 D(h) − D(2h)) / 3
/// is off by a small part of their difference; and each by the rounding of the loss over h.
fn central_difference(loss: impl Fn(f64) -> f64) -> (f64, f64) {
    const STEP: f64 = 1e-3;
    let over = |step: f64| (loss(step) - loss(-step)) / (2.0 * step);
    let (near, far) = (over(STEP), over(2.0 * STEP));
    let rounding = 64.0 * f64::EPSILON * (1.0 + loss(0.0).abs()) / STEP;
    ((4.0 * near - far) / 3.0, 1e-2 * (near - far).abs() + rounding)
}

fn follows_the_loss(trial: &Trial, pool: Pool) {
    check(&format!("{}, {pool:?}", trial.name), 2, |mut recipe| {
        let classes = trial.classes(recipe.shape[1].min(4));
        recipe.shape = [recipe.shape[0].min(2), classes, recipe.shape[2].min(5)];
        recipe.logits = FloatKind::F64;
        recipe.settings.pool = pool;
        let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
        let mut batch = trial.batch(&recipe);
        let of_reference = gradient(&objective, &batch)?;
        for (index, &found) in of_reference.iter().enumerate() {
            let value = batch.logit(index);
            if !batch.counts(index) {
                prop_assert_eq!(found, 0.0);
                continue;
            }
            let at = std::cell::RefCell::new(&mut batch);
            let (wanted, tolerance) = central_difference(|step| {
                let mut batch = at.borrow_mut();
                batch.set_logit(index, value + step);
                reference::loss(&objective, &batch.logits(), &batch.target()).expect("a batch")
            });
            batch.set_logit(index, value);
            prop_assert!(
                (found - wanted).abs() <= tolerance,
                "derivative {index}: found {found:e}, wanted {wanted:e} ± {tolerance:e}",
            );
        }
        Ok(())
    });
}

/// The reference's, with which the engine's agrees.
fn gradient(objective: &Objective, batch: &Batch) -> Result<Vec<f64>, TestCaseError> {
    let (logits, target) = (batch.logits(), batch.target());
    let measured = reference::measure(objective, &logits, &target).expect("a batch");
    let verdict = objective.evaluate(&measured.moments).expect("its moments");
    let found = gradient_of(objective, &verdict, 1.0, batch, Arrangement::ChannelsFirst);
    gradient_agrees(
        Precision::of(FloatKind::F64),
        (objective, &verdict, 1.0.into()),
        (&logits, &target),
        &found.expect("a batch").to_f64(),
    )?;
    let gradient = reference::pull_back(objective, &verdict, 1.0, &logits, &target);
    Ok(gradient.expect("a batch").values)
}

fn of(activation: Activation) {
    let of_activation = |trial: &Trial| trial.activation == activation;
    for trial in trials().into_iter().chain(options()).filter(of_activation) {
        for pool in [Pool::Sample, Pool::Batch, Pool::All] {
            follows_the_loss(&trial, pool);
        }
    }
    for trial in declared().iter().filter(|trial| of_activation(trial)) {
        follows_the_loss(trial, Pool::Sample);
    }
}

#[test]
fn softmax_gradients_follow_the_loss() {
    of(Activation::Softmax);
}

#[test]
fn sigmoid_gradients_follow_the_loss() {
    of(Activation::Sigmoid);
}

#[test]
fn gradients_by_probabilities_follow_the_loss() {
    of(Activation::Probabilities);
}

/// Pulls arbitrary derivatives by the sums back: a row for each sample, or one for all.
fn pulls_back_any_sum(trial: &Trial, pooled: bool) {
    check(&format!("sums of {}, pooled {pooled}", trial.name), 2, |mut recipe| {
        let classes = trial.classes(recipe.shape[1].min(4));
        recipe.shape = [recipe.shape[0].min(2), classes, recipe.shape[2].min(5)];
        recipe.logits = FloatKind::F64;
        let objective = trial.objective(classes);
        let prepared = objective.prepare(classes).expect("an objective");
        let mut batch = trial.batch(&recipe);
        let rows = if pooled { 1 } else { recipe.shape[0] };
        let mut rng = Rng(17);
        let derivatives: Vec<_> = (0..rows * prepared.integrands().len() * classes)
            .map(|_| rng.between(-1.0, 1.0))
            .collect();
        let found = written(FloatKind::F64, recipe.shape, Arrangement::ChannelsFirst, |output| {
            prepared.pull_back_sums(&derivatives, &batch.logits(), &batch.target(), output)
        });
        let found = found.expect("a gradient of its shape").to_f64();
        for (index, found) in found.into_iter().enumerate() {
            let value = batch.logit(index);
            if !batch.counts(index) {
                prop_assert_eq!(found, 0.0);
                continue;
            }
            let at = std::cell::RefCell::new(&mut batch);
            let (wanted, tolerance) = central_difference(|step| {
                let mut batch = at.borrow_mut();
                batch.set_logit(index, value + step);
                let measured = reference::measure(&objective, &batch.logits(), &batch.target());
                let moments = measured.expect("a batch").moments;
                let derivatives = derivatives.iter().cycle();
                moments.as_slice().iter().zip(derivatives).map(|(sum, d)| sum * d).sum()
            });
            batch.set_logit(index, value);
            prop_assert!(
                (found - wanted).abs() <= tolerance,
                "derivative {index}: found {found:e}, wanted {wanted:e} ± {tolerance:e}",
            );
        }
        Ok(())
    });
}

#[test]
fn derivatives_by_any_sum_are_pulled_back() {
    for trial in trials().into_iter().chain(options()) {
        for pooled in [false, true] {
            pulls_back_any_sum(&trial, pooled);
        }
    }
}

/// The derivatives that an objective's own verdict has give its own gradient, bit for bit.
#[test]
fn an_objective_pulls_back_through_its_sums() {
    for trial in trials() {
        check(&format!("{} through its sums", trial.name), 2, |mut recipe| {
            recipe.shape[1] = trial.classes(recipe.shape[1]);
            let objective = trial.objective(recipe.shape[1]);
            let batch = trial.batch(&recipe);
            let (kind, shape) = (batch.logits.data.kind(), batch.shape);
            let (_, verdict) = engine(&objective, &batch).expect("a batch");
            let prepared = objective.prepare(shape[1]).expect("an objective");
            let derivatives = prepared.gradient(&verdict).expect("its verdict");
            let through = written(kind, shape, Arrangement::ChannelsFirst, |output| {
                prepared.pull_back_sums(&derivatives, &batch.logits(), &batch.target(), output)
            });
            let straight =
                gradient_of(&objective, &verdict, 1.0, &batch, Arrangement::ChannelsFirst);
            let of = |found: dice_loss::Result<Floats>| found.expect("a gradient").bits();
            prop_assert_eq!(of(through), of(straight));
            Ok(())
        });
    }
}

#[test]
fn derivatives_by_the_wrong_sums_are_refused() {
    let objective = Objective::new().term(1.0, dice_loss::Dice::default().softmax());
    let prepared = objective.prepare(2).expect("an objective");
    let layout = Layout::channels_first(&[3, 2, 4]).expect("a layout");
    let (x, labels, mut gradient) = ([0.5f32; 24], [1u8; 12], [7.0f32; 24]);
    let logits = Logits::new(&x, layout).expect("logits");
    let target = Layout::voxels(&[3, 4]).and_then(|layout| Target::labels(&labels, layout));
    let columns = prepared.integrands().len();
    let derivatives = vec![0.0; 2 * columns * 2];
    let output = Output::new(&mut gradient, layout).expect("an output");
    let refused =
        prepared.pull_back_sums(&derivatives, &logits, &target.expect("a target"), output);
    let message = refused.expect_err("two rows for three samples").to_string();
    assert!(message.contains("derivatives by the sums"), "{message}");
    assert_eq!(gradient, [7.0; 24]);
}
