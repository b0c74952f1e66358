//! The recipes that are compiled ahead of time, for a framework whose memory CubeCL cannot use.
//!
//! A recipe can do the work of any that wants less. So there are a few lean ones for what most
//! trainings want, and for each activation one that can do everything.

use dice_loss::{Activation, Sum};

use crate::{
    plan::{Pass, slots},
    recipe::{Form, Quantity, Recipe, UNITS},
};

/// Shared memory of a cube, of which two fit on the smallest device.
const SHARED_MEMORY: u32 = 32 << 10;
/// Focal terms of one activation that the kernels know.
const FOCAL_TERMS: u32 = 2;

const DATA: [Sum; 3] = [Sum::Reference, Sum::ReferenceSquared, Sum::Voxels];
const COUNTS: [Sum; 3] = [Sum::TruePositives, Sum::FalsePositives, Sum::FalseNegatives];
const DICE: [Sum; 2] = [Sum::Intersection, Sum::Prediction];
const FURTHER: [Sum; 5] = [
    Sum::PredictionSquared,
    Sum::Difference,
    Sum::Magnitude,
    Sum::SensitivityError,
    Sum::SpecificityError,
];
const CROSS_ENTROPY: [Sum; 2] = [Sum::LogLoss, Sum::Merged];
const BINARY: [Sum; 2] = [Sum::Positive, Sum::Negative];
const TRANSPORT: [Sum; 2] = [Sum::LogLossOfAll, Sum::Transport];

/// Every recipe with a name for it, the lean ones first.
pub fn recipes() -> Vec<(&'static str, Recipe)> {
    use Activation::{Probabilities, Sigmoid, Softmax};
    let dice: &[&[Sum]] = &[&DATA, &DICE];
    let focal: &[Sum] = &[Sum::Focal];
    let both: &[Sum] = &[Sum::Focal, Sum::FocalNegative];
    let softmax: &[&[Sum]] = &[&DATA, &COUNTS, &DICE, &FURTHER, &CROSS_ENTROPY, &TRANSPORT, focal];
    let sigmoid: &[&[Sum]] = &[&DATA, &COUNTS, &DICE, &FURTHER, &BINARY, both];
    let probabilities: &[&[Sum]] =
        &[&DATA, &COUNTS, &DICE, &FURTHER, &CROSS_ENTROPY, &TRANSPORT, &BINARY];
    vec![
        ("softmax_labels_dice", lean(Softmax, Form::Labels, dice)),
        (
            "softmax_labels_dice_cross_entropy",
            lean(Softmax, Form::Labels, &[&DATA, &DICE, &CROSS_ENTROPY]),
        ),
        ("sigmoid_labels_dice", lean(Sigmoid, Form::Labels, &[&DATA, &DICE, &BINARY])),
        ("sigmoid_dense_dice", lean(Sigmoid, Form::Dense, &[&DATA, &DICE, &BINARY])),
        ("softmax_labels", full(Softmax, Form::Regions, softmax)),
        ("softmax_dense", full(Softmax, Form::Dense, softmax)),
        ("sigmoid_labels", full(Sigmoid, Form::Regions, sigmoid)),
        ("sigmoid_dense", full(Sigmoid, Form::Dense, sigmoid)),
        ("probabilities_labels", full(Probabilities, Form::Regions, probabilities)),
        ("probabilities_dense", full(Probabilities, Form::Dense, probabilities)),
    ]
}

/// The first recipe that can do what a pass wants, and the pass as that recipe does it.
pub fn adapt(pass: &Pass) -> Option<(&'static str, Pass)> {
    let (name, recipe) = recipes().into_iter().find(|(_, recipe)| does(recipe, &pass.recipe))?;
    Some((name, pass.on(recipe)))
}

fn does(recipe: &Recipe, wanted: &Recipe) -> bool {
    // A table of regions can say what labels say.
    let form =
        recipe.form == wanted.form || (recipe.form == Form::Regions && wanted.form == Form::Labels);
    recipe.activation == wanted.activation
        && form
        && recipe.weighted >= wanted.weighted
        && recipe.partial >= wanted.partial
        && wanted.columns.iter().all(|quantity| recipe.columns.contains(quantity))
}

fn lean(activation: Activation, form: Form, columns: &[&[Sum]]) -> Recipe {
    recipe(activation, form, columns, false)
}

fn full(activation: Activation, form: Form, columns: &[&[Sum]]) -> Recipe {
    recipe(activation, form, columns, true)
}

fn recipe(activation: Activation, form: Form, columns: &[&[Sum]], restricted: bool) -> Recipe {
    let columns = columns.concat();
    let (once, focal): (Vec<_>, Vec<_>) =
        columns.into_iter().partition(|sum| !matches!(sum, Sum::Focal | Sum::FocalNegative));
    let tables =
        (0..FOCAL_TERMS).flat_map(|table| focal.iter().map(move |&sum| Quantity { sum, table }));
    let columns = once.into_iter().map(Quantity::from).chain(tables).collect();
    let (weighted, partial) = (restricted, restricted);
    let mut recipe = Recipe { activation, form, columns, weighted, partial, slots: 0 };
    recipe.slots = slots(&recipe, UNITS, SHARED_MEMORY).unwrap_or(UNITS);
    recipe
}

#[cfg(test)]
mod tests {
    use dice_loss::{Decision, Layout, Objective, catalogue};

    use super::*;
    use crate::{Needs, Passes};

    #[test]
    fn every_loss_of_the_catalogue_has_a_recipe() {
        for entry in catalogue().into_iter().filter(|entry| entry.wants_map().is_none()) {
            for &activation in entry.activations {
                for (form, weighted, partial) in [
                    (Form::Labels, false, false),
                    (Form::Labels, true, true),
                    (Form::Regions, false, true),
                    (Form::Dense, true, false),
                ] {
                    let objective = entry.objective(activation).decision(Decision::Argmax);
                    let needs = Needs { form, weighted, partial, shared_memory: SHARED_MEMORY };
                    let prepared = objective.prepare(4).expect(entry.name);
                    let passes = Passes::new(&prepared, needs).expect(entry.name);
                    for pass in passes.iter() {
                        let (_, adapted) = adapt(pass).expect(entry.name);
                        for (wanted, found) in pass.columns.iter().zip(&adapted.columns) {
                            let quantity = pass.recipe.columns[wanted[0] as usize];
                            assert_eq!(adapted.recipe.columns[found[0] as usize], quantity);
                            assert_eq!(wanted[1], found[1]);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_most_want_is_lean() {
        let layout = Layout::channels_first(&[1, 4, 8, 8]).expect("small");
        let needs = Needs {
            form: Form::Labels,
            weighted: false,
            partial: false,
            shared_memory: SHARED_MEMORY,
        };
        let name_of = |loss: &str| {
            let entries = catalogue();
            let entry = entries.iter().find(|entry| entry.name == loss).expect("listed");
            let objective: Objective = entry.objective(Activation::Softmax);
            let prepared = objective.prepare(layout.shape()[1]).expect("valid");
            let passes = Passes::new(&prepared, needs).expect("small");
            adapt(passes.iter().next().expect("one")).expect("known").0
        };
        assert_eq!(name_of("dice"), "softmax_labels_dice");
        assert_eq!(name_of("tversky"), "softmax_labels_dice");
        assert_eq!(name_of("dice_cross_entropy"), "softmax_labels_dice_cross_entropy");
        assert_eq!(name_of("focal"), "softmax_labels");
    }
}
