//! Voxel terms: a weighted sum of log losses over a sum of weights.

use super::Scale;
use crate::{
    Activation, Moments, Reduction, Term,
    plan::{Group, Plan},
    voxel::VoxelLoss,
};

/// A voxel term's loss, and the factors of the sums it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
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
    pub term: usize,
    pub positive: Vec<f64>,
    pub negative: Vec<f64>,
    pub all: Vec<f64>,
}

impl Factors {
    pub fn scale(&mut self, factor: f64) {
        let all = [&mut self.positive, &mut self.negative, &mut self.all];
        all.into_iter().flatten().for_each(|value| *value *= factor);
    }
}

/// The factors before any mean is taken.
pub(crate) fn unreduced(index: usize, term: &Term, loss: &VoxelLoss, classes: usize) -> Factors {
    let weights = term.weights(classes);
    let by_class = |value: &dyn Fn(usize) -> f64| {
        weights.iter().enumerate().map(|(class, weight)| weight * value(class)).collect()
    };
    let mut factors = Factors { term: index, ..Factors::default() };
    match loss {
        VoxelLoss::CrossEntropy(loss) => {
            factors.positive = by_class(&|_| 1.0 - loss.label_smoothing);
            factors.all = by_class(&|_| loss.label_smoothing);
        }
        VoxelLoss::BinaryCrossEntropy(loss) => {
            factors.positive = by_class(&|class| loss.pos_weight.at(class));
            factors.negative = by_class(&|_| 1.0);
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

/// The columns that the three factors belong to.
pub(super) fn columns(index: usize, loss: &VoxelLoss, group: &Group) -> [Option<usize>; 3] {
    match loss {
        VoxelLoss::CrossEntropy(_) => {
            let columns = group.log_loss;
            [columns.map(|c| c.of_reference), None, columns.and_then(|c| c.of_all)]
        }
        VoxelLoss::BinaryCrossEntropy(_) => {
            let columns = group.binary;
            [columns.map(|c| c[0]), columns.map(|c| c[1]), None]
        }
        VoxelLoss::Focal(_) => {
            let focal = group.focal.iter().find(|focal| focal.term == index);
            [focal.map(|f| f.positive), focal.and_then(|f| f.negative), None]
        }
    }
}

pub(super) fn evaluate(
    index: usize,
    term: &Term,
    loss: &VoxelLoss,
    plan: &Plan,
    moments: &Moments,
    reduction: Reduction,
) -> Outcome {
    let classes = plan.classes;
    let weights = term.weights(classes);
    let mut factors = unreduced(index, term, loss, classes);
    let (mut sum, mut total) = (0.0, 0.0);
    let mut per_class = vec![f64::NAN; classes];
    if let Some(group) = plan.group(term.activation) {
        let counted = if loss.is_per_voxel(term.activation) {
            group.merged.unwrap_or(Plan::REFERENCE)
        } else {
            Plan::VOXELS
        };
        let [positive, negative, all] = columns(index, loss, group);
        for class in 0..classes {
            let over_rows = |column: Option<usize>| -> f64 {
                let at =
                    |column| (0..moments.rows()).map(|row| moments.at(column, row, class)).sum();
                column.map_or(0.0, at)
            };
            let part = |factors: &[f64], column: Option<usize>| match factors.get(class) {
                // A sum that may be infinite does not enter with a factor of 0.
                Some(&factor) if factor != 0.0 => factor * over_rows(column),
                _ => 0.0,
            };
            sum += part(&factors.positive, positive)
                + part(&factors.negative, negative)
                + part(&factors.all, all);
            let voxels = over_rows(Some(counted));
            total += weights[class] * voxels;
            per_class[class] = (over_rows(positive) + over_rows(negative)) / voxels;
        }
    }
    let factor = Scale { reduction, total }.factor();
    factors.scale(factor);
    Outcome { loss: if factor == 0.0 { 0.0 } else { sum * factor }, per_class, factors }
}
