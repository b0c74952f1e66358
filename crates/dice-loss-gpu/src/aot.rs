//! The recipes that are compiled ahead of time, for a framework whose memory CubeCL cannot use.
//!
//! A recipe can do the work of any that wants less. So there are a few lean ones for what most
//! trainings want, and for each activation one that can do everything without a map. With a map, under
//! softmax and sigmoid, one does what is wanted beside each other most, and for each activation one can
//! do everything that a map weighs; what is wanted beside that without it takes a pass of its own.

use dice_loss::{Activation, Prepared, Sum};

use crate::{
    plan::{Needs, Pass, Passes, slots},
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

/// What a map weighs of the reference, and what only losses with one sum up.
const MAPPED: [Sum; 4] = [Sum::Mapped, Sum::Reference, Sum::ReferenceSquared, Sum::SquaredError];

/// Every recipe with a name for it, the lean ones first.
pub fn recipes() -> Vec<(&'static str, Recipe)> {
    use Activation::{Probabilities, Sigmoid, Softmax};
    use Form::{Dense, Labels, Regions};
    let dice: &[&[Sum]] = &[&DATA, &DICE];
    let dice_and_ce: &[&[Sum]] = &[&DATA, &DICE, &CROSS_ENTROPY];
    let dice_and_bce: &[&[Sum]] = &[&DATA, &DICE, &BINARY];
    let focal: &[Sum] = &[Sum::Focal];
    let both: &[Sum] = &[Sum::Focal, Sum::FocalNegative];
    let softmax: &[&[Sum]] = &[&DICE, &FURTHER, &CROSS_ENTROPY, &TRANSPORT, focal];
    let sigmoid: &[&[Sum]] = &[&DICE, &FURTHER, &BINARY, both];
    let probabilities: &[&[Sum]] = &[&DICE, &FURTHER, &CROSS_ENTROPY, &TRANSPORT, &BINARY];
    vec![
        ("softmax_labels_dice", lean(Softmax, Labels, dice)),
        ("softmax_labels_dice_cross_entropy", lean(Softmax, Labels, dice_and_ce)),
        ("sigmoid_labels_dice", lean(Sigmoid, Labels, dice_and_bce)),
        ("sigmoid_dense_dice", lean(Sigmoid, Dense, dice_and_bce)),
        ("softmax_labels", full(Softmax, Regions, softmax)),
        ("softmax_dense", full(Softmax, Dense, softmax)),
        ("sigmoid_labels", full(Sigmoid, Regions, sigmoid)),
        ("sigmoid_dense", full(Sigmoid, Dense, sigmoid)),
        ("probabilities_labels", full(Probabilities, Regions, probabilities)),
        ("probabilities_dense", full(Probabilities, Dense, probabilities)),
        ("softmax_labels_dice_mapped", both_ways(Softmax, Regions, &CROSS_ENTROPY)),
        ("softmax_dense_dice_mapped", both_ways(Softmax, Dense, &CROSS_ENTROPY)),
        ("sigmoid_labels_dice_mapped", both_ways(Sigmoid, Regions, &BINARY)),
        ("sigmoid_dense_dice_mapped", both_ways(Sigmoid, Dense, &BINARY)),
        ("softmax_labels_mapped", mapped(Softmax, Regions, softmax)),
        ("softmax_dense_mapped", mapped(Softmax, Dense, softmax)),
        ("sigmoid_labels_mapped", mapped(Sigmoid, Regions, sigmoid)),
        ("sigmoid_dense_mapped", mapped(Sigmoid, Dense, sigmoid)),
        ("probabilities_labels_mapped", mapped(Probabilities, Regions, probabilities)),
        ("probabilities_dense_mapped", mapped(Probabilities, Dense, probabilities)),
    ]
}

/// The passes of an objective, each as the first recipe does it that can; one for each activation, or,
/// where there is no such recipe, two, one of them for what reads a map. `None` if that will not do
/// either.
pub fn passes(prepared: &Prepared, needs: Needs) -> Option<Vec<(&'static str, Pass)>> {
    let adapted = |passes: Passes| passes.iter().map(adapt).collect();
    let whole = Passes::new(prepared, needs).and_then(adapted);
    whole.or_else(|| Passes::apart(prepared, needs).and_then(adapted))
}

fn adapt(pass: &Pass) -> Option<(&'static str, Pass)> {
    let (name, recipe) = recipes().into_iter().find(|(_, recipe)| does(recipe, &pass.recipe))?;
    Some((name, pass.on(recipe)))
}

fn does(recipe: &Recipe, wanted: &Recipe) -> bool {
    // A table of regions can say what labels say.
    let form =
        recipe.form == wanted.form || (recipe.form == Form::Regions && wanted.form == Form::Labels);
    recipe.activation == wanted.activation
        && form
        && recipe.mapped == wanted.mapped
        && recipe.weighted >= wanted.weighted
        && recipe.partial >= wanted.partial
        && wanted.columns.iter().all(|quantity| recipe.columns.contains(quantity))
}

fn lean(activation: Activation, form: Form, sums: &[&[Sum]]) -> Recipe {
    recipe(activation, form, quantities(sums, 1, false), false)
}

fn full(activation: Activation, form: Form, sums: &[&[Sum]]) -> Recipe {
    let data = quantities(&[&DATA, &COUNTS], 1, false);
    recipe(activation, form, [data, quantities(sums, FOCAL_TERMS, false)].concat(), true)
}

/// All that a map can weigh.
fn mapped(activation: Activation, form: Form, sums: &[&[Sum]]) -> Recipe {
    let data = [quantities(&[&DATA], 1, false), quantities(&[&MAPPED], 1, true)].concat();
    recipe(activation, form, [data, quantities(sums, 1, true)].concat(), true)
}

/// Overlap and log losses, with a map and without.
fn both_ways(activation: Activation, form: Form, log_losses: &[Sum]) -> Recipe {
    let plain = [&DATA[..], &COUNTS, &DICE, &[Sum::PredictionSquared], log_losses];
    let weighed = [&MAPPED[..], &DICE, log_losses];
    let columns = [quantities(&plain, 1, false), quantities(&weighed, 1, true)].concat();
    recipe(activation, form, columns, true)
}

/// The sums, those of focal losses for so many terms.
fn quantities(sums: &[&[Sum]], focal_terms: u32, mapped: bool) -> Vec<Quantity> {
    let is_focal = |sum: &Sum| matches!(sum, Sum::Focal | Sum::FocalNegative);
    let (focal, once): (Vec<_>, Vec<_>) = sums.concat().into_iter().partition(is_focal);
    let tables = (0..focal_terms).flat_map(|table| focal.iter().map(move |&sum| (sum, table)));
    let all = once.into_iter().map(|sum| (sum, 0)).chain(tables);
    all.map(|(sum, table)| Quantity { sum, table, mapped }).collect()
}

fn recipe(
    activation: Activation,
    form: Form,
    columns: Vec<Quantity>,
    is_restricted: bool,
) -> Recipe {
    let (weighted, partial) = (is_restricted, is_restricted);
    let mapped = columns.iter().any(|quantity| quantity.mapped);
    let mut recipe = Recipe { activation, form, columns, weighted, partial, mapped, slots: 0 };
    recipe.slots = slots(&recipe, UNITS, SHARED_MEMORY).unwrap_or(UNITS);
    recipe
}

#[cfg(test)]
mod tests {
    use dice_loss::{
        Boundary, CrossEntropy, Decision, Dice, Focal, Objective, SkeletonRecall, catalogue,
    };

    use super::*;

    const NEEDS: [Needs; 4] = [
        needs(Form::Labels, false, false),
        needs(Form::Labels, true, true),
        needs(Form::Regions, false, true),
        needs(Form::Dense, true, false),
    ];

    const fn needs(form: Form, weighted: bool, partial: bool) -> Needs {
        Needs { form, weighted, partial, shared_memory: SHARED_MEMORY }
    }

    /// How many passes an objective takes beyond one for each activation. They measure every column
    /// once.
    fn further(name: &str, objective: &Objective, needs: Needs) -> usize {
        let prepared = objective.prepare(4).expect(name);
        let passes = passes(&prepared, needs).expect(name);
        let mut measured = vec![0; prepared.integrands().len()];
        for (_, pass) in &passes {
            for &[slot, column] in &pass.columns {
                let found = pass.recipe.columns[slot as usize];
                let wanted = &prepared.integrands()[column as usize];
                assert_eq!((found.sum, found.mapped), (wanted.sum, wanted.map.is_some()), "{name}");
                let activation = wanted.activation.unwrap_or(pass.recipe.activation);
                assert_eq!(activation, pass.recipe.activation, "{name}");
                measured[column as usize] += 1;
            }
        }
        assert!(measured.iter().all(|&times| times == 1), "{name}");
        let of = |by: Activation| prepared.integrands().iter().any(|it| it.activation == Some(by));
        passes.len() - Activation::ALL.into_iter().filter(|&by| of(by)).count()
    }

    #[test]
    fn every_loss_of_the_catalogue_has_a_recipe() {
        for entry in catalogue() {
            for &activation in entry.activations {
                for needs in NEEDS {
                    let objective = entry.objective(activation);
                    assert_eq!(further(entry.name, &objective, needs), 0, "{}", entry.name);
                    let objective = objective.decision(Decision::Argmax);
                    assert!(further(entry.name, &objective, needs) <= 1, "{}", entry.name);
                }
            }
        }
    }

    #[test]
    fn every_sum_of_a_loss_has_a_recipe_with_a_map_beside_it() {
        for entry in catalogue() {
            for &activation in entry.activations {
                let objective = entry.objective(activation);
                let name = format!("{} {activation:?}", entry.name);
                let prepared = objective.prepare(4).expect(&name);
                let plain = prepared.integrands().iter().filter(|sum| sum.map.is_none());
                let weighed = plain.filter(|integrand| integrand.sum.takes_map());
                let weighed: Vec<_> = weighed.map(|sum| sum.clone().map("boundary")).collect();
                // Some have a map of their own, and one is all that a kernel reads.
                if entry.wants_map().is_none_or(|map| map.name == "boundary") {
                    let objective = objective.also(weighed).decision(Decision::Argmax);
                    for needs in NEEDS {
                        assert!(further(&name, &objective, needs) <= 2, "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_map_beside_what_most_want_takes_one_pass() {
        let boundary = || Boundary::default().softmax();
        let both = Objective::new()
            .term(1.0, Dice::default().softmax())
            .term(1.0, CrossEntropy::default().softmax());
        let focal = Objective::new().term(1.0, Focal::default().softmax());
        for needs in NEEDS {
            assert_eq!(further("both", &both.clone().term(0.1, boundary()), needs), 0);
            assert_eq!(further("focal", &focal.clone().term(0.1, boundary()), needs), 1);
        }
    }

    #[test]
    fn two_maps_have_no_recipe() {
        let objective = Objective::new()
            .term(1.0, Boundary::default().softmax())
            .term(1.0, SkeletonRecall::default().softmax());
        assert!(passes(&objective.prepare(4).expect("valid"), NEEDS[0]).is_none());
    }

    #[test]
    fn what_most_want_is_lean() {
        let name_of = |loss: &str| {
            let entries = catalogue();
            let entry = entries.iter().find(|entry| entry.name == loss).expect("listed");
            let prepared = entry.objective(Activation::Softmax).prepare(4).expect("valid");
            passes(&prepared, NEEDS[0]).expect("known")[0].0
        };
        assert_eq!(name_of("dice"), "softmax_labels_dice");
        assert_eq!(name_of("tversky"), "softmax_labels_dice");
        assert_eq!(name_of("dice_cross_entropy"), "softmax_labels_dice_cross_entropy");
        assert_eq!(name_of("focal"), "softmax_labels");
        assert_eq!(name_of("boundary"), "softmax_labels_dice_mapped");
    }
}
