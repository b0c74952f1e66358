//! What the losses by name have in common: how their settings become an objective.

use dice_loss::{Decision, Objective, Reduction, Term};

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

/// The loss, with what the configuration says of its reduction.
pub(crate) fn reduced(
    mut objective: Objective,
    ignore_index: Option<i64>,
    reduction: Reduction,
    decision: Option<Decision>,
) -> SegmentationLoss {
    if let Some(decision) = decision {
        objective = objective.decision(decision);
    }
    SegmentationLoss::new(objective.reduction(reduction)).with_ignore_index(ignore_index)
}
