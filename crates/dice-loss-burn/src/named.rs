//! What the losses by name have in common: how their settings become an objective and its module.

use burn::nn::loss::Reduction;
use dice_loss::{Decision, Objective, Term};

use crate::SegmentationLoss;

/// One term, of some classes and weighed by class where the configuration says so.
pub(crate) fn single(
    mut term: Term,
    classes: &Option<Vec<usize>>,
    class_weights: &Option<Vec<f64>>,
) -> Objective {
    if let Some(classes) = classes {
        term = term.classes(classes.clone());
    }
    if let Some(weights) = class_weights {
        term = term.class_weights(weights.clone());
    }
    Objective::new().term(1.0, term)
}

/// A sum of terms, weighed by class where the configuration says so.
pub(crate) fn compound(objective: Objective, class_weights: &Option<Vec<f64>>) -> Objective {
    match class_weights {
        Some(weights) => objective.class_weights(weights.clone()),
        None => objective,
    }
}

/// Burn's reductions in the engine's words.
pub(crate) fn reduced(
    mut objective: Objective,
    ignore_index: Option<i64>,
    reduction: &Reduction,
    decision: Option<Decision>,
) -> SegmentationLoss {
    use dice_loss::Reduction::{Mean, Sum};
    let (reduction, batch_mean) = match reduction {
        Reduction::Mean | Reduction::Auto => (Mean, false),
        Reduction::Sum => (Sum, false),
        Reduction::BatchMean => (Sum, true),
    };
    if let Some(decision) = decision {
        objective = objective.decision(decision);
    }
    SegmentationLoss::new(objective.reduction(reduction))
        .with_ignore_index(ignore_index)
        .with_batch_mean(batch_mean)
}
