//! Voxel terms: a weighted sum of log losses over a sum of weights.

use super::unit::Scale;
use crate::{
    Activation, Moments, Term,
    plan::{Group, Plan, Planned},
    voxel::VoxelLoss,
};

/// A voxel term's loss, and the factors of the sums it is made of.
#[derive(Debug, Clone)]
pub(crate) struct VoxelTerm {
    /// The term's loss, not yet times its weight in the objective.
    pub loss: f64,
    /// Each class's mean log loss, without class weights; NaN where nothing counted.
    pub per_class: Vec<f64>,
    pub factors: Factors,
}

/// By how much each class's log losses enter the objective: for voxels of the class, for voxels
/// outside it, and for all voxels alike.
#[derive(Debug, Clone, Default)]
pub(crate) struct Factors {
    pub positive: Vec<f64>,
    pub negative: Vec<f64>,
    pub all: Vec<f64>,
}

impl Factors {
    pub fn each(&self) -> impl Iterator<Item = f64> {
        [&self.positive, &self.negative, &self.all].into_iter().flatten().copied()
    }

    pub fn scale(&mut self, factor: f64) {
        let all = [&mut self.positive, &mut self.negative, &mut self.all];
        all.into_iter().flatten().for_each(|value| *value *= factor);
    }
}

/// The factors before any mean is taken.
pub(crate) fn unreduced(term: &Term, loss: &VoxelLoss, classes: usize) -> Factors {
    let weights = term.weights(classes);
    let by_class = |value: &dyn Fn(usize) -> f64| {
        weights.iter().enumerate().map(|(class, weight)| weight * value(class)).collect()
    };
    let mut factors = Factors::default();
    match loss {
        VoxelLoss::CrossEntropy(loss) => {
            factors.positive = by_class(&|_| 1.0 - loss.label_smoothing);
            factors.all = by_class(&|_| loss.label_smoothing);
        }
        VoxelLoss::BinaryCrossEntropy(loss) => {
            factors.positive = by_class(&|class| loss.pos_weight.at(class));
            factors.negative = by_class(&|_| 1.0);
        }
        VoxelLoss::BorderCrossEntropy(_) | VoxelLoss::InstanceCrossEntropy(_) => {
            factors.positive = by_class(&|_| 1.0);
            match term.activation {
                Activation::Softmax => factors.all = by_class(&|_| 0.0),
                _ => factors.negative = by_class(&|_| 1.0),
            }
        }
        VoxelLoss::Focal(loss) => {
            let alpha = |class| loss.alpha.as_ref().map(|alpha| alpha.at(class));
            factors.positive = by_class(&|class| alpha(class).unwrap_or(1.0));
            if term.activation != Activation::Softmax {
                factors.negative = by_class(&|class| alpha(class).map_or(1.0, |a| 1.0 - a));
            }
        }
    }
    factors
}

/// The column whose sums, times the weights of the classes, a mean divides by.
pub(super) fn counted(plan: &Plan, group: &Group, loss: &VoxelLoss) -> usize {
    match loss.is_per_voxel(group.activation) {
        true => group.merged.unwrap_or(Plan::REFERENCE),
        false => group.map.and_then(|map| plan.maps[map].mapped).unwrap_or(Plan::VOXELS),
    }
}

pub(super) fn evaluate(
    Planned { term, place, .. }: &Planned,
    loss: &VoxelLoss,
    plan: &Plan,
    moments: &Moments,
) -> VoxelTerm {
    let classes = plan.classes;
    let weights = term.weights(classes);
    let mut factors = unreduced(term, loss, classes);
    let (mut sum, mut total) = (0.0, 0.0);
    let mut per_class = vec![f64::NAN; classes];
    if let Some(place) = place {
        let group = &plan.groups[place.group];
        let counted = counted(plan, group, loss);
        let [positive, negative, all] = group.columns(place.losses);
        for class in 0..classes {
            let over_samples = |column: Option<usize>| -> f64 {
                let at = |column| {
                    (0..moments.samples()).map(|sample| moments.at(column, sample, class)).sum()
                };
                column.map_or(0.0, at)
            };
            let part = |factors: &[f64], column: Option<usize>| match factors.get(class) {
                // A sum that may be infinite does not enter with a factor of 0.
                Some(&factor) if factor != 0.0 => factor * over_samples(column),
                _ => 0.0,
            };
            sum += part(&factors.positive, positive)
                + part(&factors.negative, negative)
                + part(&factors.all, all);
            let voxels = over_samples(Some(counted));
            total += weights[class] * voxels;
            per_class[class] = (over_samples(positive) + over_samples(negative)) / voxels;
        }
    }
    let factor = Scale { reduction: plan.reduction, total }.factor();
    factors.scale(factor);
    VoxelTerm { loss: if factor == 0.0 { 0.0 } else { sum * factor }, per_class, factors }
}
