//! How the settings of a loss by name become an objective.

use dice_loss::{Absent, Decision, Lovasz, Objective, Pool, Reduction, Term};

/// One term, of some classes, weighed by class and by a map where the configuration says so.
pub fn single(
    mut term: Term,
    classes: &Option<Vec<usize>>,
    class_weights: &Option<Vec<f64>>,
    map: &Option<String>,
) -> Objective {
    if let Some(name) = map {
        term = term.map(name);
    }
    if let Some(classes) = classes {
        term = term.classes(classes.clone());
    }
    if let Some(weights) = class_weights {
        term = term.class_weights(weights.clone());
    }
    Objective::new().term(1.0, term)
}

/// A sum of terms, weighed by class where the configuration says so.
pub fn compound(objective: Objective, class_weights: &Option<Vec<f64>>) -> Objective {
    match class_weights {
        Some(weights) => objective.class_weights(weights.clone()),
        None => objective,
    }
}

/// The objective with its reduction and, where the configuration has one, a hard decision.
pub fn reduced(
    objective: Objective,
    reduction: Reduction,
    decision: Option<Decision>,
) -> Objective {
    let objective = objective.reduction(reduction);
    match decision {
        Some(decision) => objective.decision(decision),
        None => objective,
    }
}

/// A Lovász loss with the settings of its configuration.
pub fn lovasz(
    mut lovasz: Lovasz,
    pool: Pool,
    absent: Absent,
    background: bool,
    classes: &Option<Vec<usize>>,
    class_weights: &Option<Vec<f64>>,
) -> Lovasz {
    if let Some(classes) = classes {
        lovasz = lovasz.classes(classes.clone());
    }
    if let Some(weights) = class_weights {
        lovasz = lovasz.class_weights(weights.clone());
    }
    lovasz.pool(pool).absent(absent).background(background)
}
