//! Every loss, under every activation, of every kind of batch, on every instruction set.

use dice_loss::{Activation, Isa};

use crate::cases::{Rng, Trial, agrees, check, declared, options, own, trials};

/// Tries an objective on random batches, under random settings.
fn try_out(trial: &Trial, cases: u32) {
    check(&trial.name, cases, |mut recipe| {
        recipe.shape[1] = trial.classes(recipe.shape[1]);
        let classes = recipe.shape[1];
        let (objective, reduction) = recipe.settings.apply(trial.objective(classes), classes);
        let batch = trial.batch(&recipe);
        for isa in Isa::available() {
            agrees(&objective.clone().isa(isa), reduction, &batch, recipe.seed)?;
        }
        Ok(())
    });
}

#[test]
fn the_catalogue_agrees_with_the_reference() {
    for trial in trials() {
        try_out(&trial, 16);
    }
}

#[test]
fn every_option_agrees_with_the_reference() {
    for trial in options() {
        try_out(&trial, 16);
    }
}

#[test]
fn every_declared_option_agrees_with_the_reference() {
    for trial in declared() {
        try_out(&trial, 3);
    }
}

#[test]
fn what_is_no_probability_is_taken_as_it_comes() {
    for trial in own().iter().filter(|trial| trial.activation == Activation::Probabilities) {
        check(&trial.name, 16, |mut recipe| {
            recipe.shape[1] = trial.classes(recipe.shape[1]);
            let classes = recipe.shape[1];
            let (objective, reduction) = recipe.settings.apply(trial.objective(classes), classes);
            let mut batch = trial.batch(&recipe);
            let mut rng = Rng(recipe.seed);
            for index in 0..batch.places.len() {
                if batch.counts(index) {
                    batch.set_logit(index, rng.between(-1.0, 2.0));
                }
            }
            for isa in Isa::available() {
                agrees(&objective.clone().isa(isa), reduction, &batch, recipe.seed)?;
            }
            Ok(())
        });
    }
}
