//! Every loss, under every activation, of every kind of batch, on every instruction set.

use dice_loss::Isa;

use crate::cases::{Batch, Trial, agrees, check, options, trials};

/// Tries an objective on random batches, under random settings.
fn try_out(trial: &Trial, cases: u32) {
    check(&trial.name, cases, |mut recipe| {
        recipe.shape[1] = trial.classes(recipe.shape[1]);
        let classes = recipe.shape[1];
        let (objective, reduction) = recipe.settings.apply(trial.objective(classes), classes);
        let batch = Batch::new(&recipe, trial.activation);
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
