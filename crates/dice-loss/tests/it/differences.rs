//! Gradients against central differences.

use dice_loss::{Activation, Objective, Pool, reference};
use proptest::prelude::*;

use crate::cases::{Arrangement, Batch, FloatKind, Trial, check, gradient_of, options, trials};

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
        let mut batch = Batch::new(&recipe, trial.activation);
        let (of_reference, of_engine) = gradients(&objective, &batch);
        for index in 0..of_reference.len() {
            let (value, wanted, tolerance) = (batch.logit(index), of_reference[index], 1e-12);
            prop_assert!(
                (of_engine[index] - wanted).abs() <= tolerance * (1.0 + wanted.abs()),
                "derivative {index} of the engine: found {:e}, wanted {wanted:e}",
                of_engine[index],
            );
            if !batch.counts(index) {
                prop_assert_eq!(wanted, 0.0);
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
                (of_reference[index] - wanted).abs() <= tolerance,
                "derivative {index}: found {:e}, wanted {wanted:e} ± {tolerance:e}",
                of_reference[index],
            );
        }
        Ok(())
    });
}

/// Of the reference and of the engine.
fn gradients(objective: &Objective, batch: &Batch) -> (Vec<f64>, Vec<f64>) {
    let (logits, target) = (batch.logits(), batch.target());
    let measured = reference::measure(objective, &logits, &target).expect("a batch");
    let verdict = objective.evaluate(&measured.moments).expect("its moments");
    let of_reference = reference::pull_back(objective, &verdict, 1.0, &logits, &target);
    let of_engine = gradient_of(objective, &verdict, 1.0, batch, Arrangement::ChannelsFirst);
    (of_reference.expect("a batch").values, of_engine.expect("a batch").to_f64())
}

fn of(activation: Activation) {
    let of_activation = |trial: &Trial| trial.activation == activation;
    for trial in trials().into_iter().chain(options()).filter(of_activation) {
        for pool in [Pool::Sample, Pool::Batch, Pool::All] {
            follows_the_loss(&trial, pool);
        }
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
