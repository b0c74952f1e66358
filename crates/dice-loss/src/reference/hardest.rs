//! The hardest voxels, by sorting all of them.

use super::{
    log_loss::{cross_entropy, each_class, of_group},
    voxels::{Voxel, Voxels},
};
use crate::{
    Activation, Logits, Objective, Prepared, Result, Selection, Target, Term, error::stated,
    evaluate::VoxelSlopes, maps::Recipe, plan::Plan,
};

/// What voxels are ranked by, and which are taken, in the order (N, 1, S) or (N, C, S).
#[derive(Debug, Clone)]
pub struct Hardest {
    /// Their losses; under a threshold those of the probabilities alone. `None` of what does not count.
    pub losses: Vec<Option<f64>>,
    /// What [`Prepared::make_map`] is to have as 1.
    pub taken: Vec<bool>,
}

/// The voxels that a term takes: the map of a [`Selection`], by its name.
///
/// Fails where no term takes any, and with the errors of `measure`.
pub fn hardest(
    objective: &Objective,
    name: &str,
    logits: &Logits,
    target: &Target,
) -> Result<Hardest> {
    let [samples, classes, voxels] = logits.layout.shape();
    let prepared = objective.prepare(classes)?;
    let Some((term, selection)) = selecting(&prepared, name) else {
        return stated("map of the hardest voxels", format!("'{name}'"), "one of a selection");
    };
    let channels = prepared.made_channels(name)?;
    let alone = Objective::new().term(1.0, term.ranked_by(Selection::default()));
    let plan = Plan::new(&alone, classes)?;
    let batch = Voxels::read(&plan, logits, target, None)?;
    let mut losses = vec![None; samples * channels * voxels];
    for (sample, place, voxel) in batch.counted() {
        for channel in 0..channels {
            let class = (channels > 1 || classes == 1).then_some(channel);
            if counts(term, voxel, class) {
                let loss = match selection.threshold < 1.0 {
                    true => log_loss(term.activation, voxel, class),
                    false => loss(&plan, voxel, class),
                };
                losses[(sample * channels + channel) * voxels + place] = Some(loss);
            }
        }
    }
    let taken = taken(selection, &losses);
    Ok(Hardest { losses, taken })
}

/// The term that takes some voxels, and which.
fn selecting<'a>(prepared: &'a Prepared, name: &str) -> Option<(&'a Term, Selection)> {
    let plan = prepared.plan();
    plan.terms.iter().find_map(|planned| match planned.term.wanted_map()?.recipe {
        Recipe::Hardest { selection } if plan.maps[planned.map?].name == name => {
            Some((&planned.term, selection))
        }
        _ => None,
    })
}

/// Whether a class of a voxel counts; without a class, whether any that the voxel has does.
fn counts(term: &Term, voxel: &Voxel, class: Option<usize>) -> bool {
    let weights = term.weights(voxel.logits.len());
    match class {
        Some(class) => voxel.annotated[class] && weights[class] > 0.0,
        None => (0..weights.len()).any(|class| {
            // What was not annotated is part of the background.
            let merged = if voxel.annotated[class] { class } else { 0 };
            voxel.target[class] > 0.0 && weights[merged] > 0.0
        }),
    }
}

/// What the term makes of a voxel.
fn loss(plan: &Plan, voxel: &Voxel, class: Option<usize>) -> f64 {
    let losses = of_group(&plan.groups[0], &VoxelSlopes::unreduced(plan, 0), voxel);
    let is_its = |of: usize| class.is_none_or(|class| class == of);
    losses.iter().filter(|loss| is_its(loss.class)).map(|loss| loss.value()).sum()
}

/// −ln of the probability of the truth.
fn log_loss(activation: Activation, voxel: &Voxel, class: Option<usize>) -> f64 {
    let losses = match class {
        None => cross_entropy(activation, voxel, |_| 1.0, |_| 0.0),
        Some(class) => {
            let only = |of: usize| f64::from(u8::from(of == class));
            each_class(activation, voxel, |_| 0.0, only, only)
        }
    };
    losses.iter().map(|loss| loss.value()).sum::<f64>() / voxel.weight
}

fn taken(selection: Selection, losses: &[Option<f64>]) -> Vec<bool> {
    let Selection { top_k, threshold, min_kept } = selection;
    let mut order: Vec<_> =
        losses.iter().enumerate().filter_map(|(at, loss)| Some((at, (*loss)?))).collect();
    // Stable: of equals the first stays first.
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut count = ((top_k * order.len() as f64 + 1e-9).floor() as usize).max(1);
    if threshold < 1.0 {
        count = count.min(order.iter().filter(|(_, loss)| *loss > -threshold.ln()).count());
    }
    let mut taken = vec![false; losses.len()];
    order.iter().take(count.max(min_kept)).for_each(|(at, _)| taken[*at] = true);
    taken
}
