//! Terms whose pool is an instance: their loss of each class of each sample is a sum already.

use super::unit::Scale;
use crate::{
    Moments,
    instances::Instanced,
    plan::{Plan, Planned},
};

/// A term's losses and derivatives.
pub(super) struct InstanceTerm {
    /// The term's loss, not yet times its weight in the objective.
    pub loss: f64,
    /// Each class's loss, NaN where nothing counted.
    pub per_class: Vec<f64>,
    /// (sample, class), as reduction none returns them.
    pub values: Vec<f64>,
    /// (sample, class): the derivative by the sum that is its loss.
    pub partials: Vec<f64>,
}

/// The mean over the classes of all samples that count.
pub(super) fn evaluate(
    planned: &Planned,
    columns: &Instanced,
    plan: &Plan,
    moments: &Moments,
) -> InstanceTerm {
    let (samples, classes) = (moments.samples(), plan.classes);
    let weights = planned.term.weights(classes);
    let pairs = || (0..samples * classes).map(|index| (index / classes, index % classes));
    let counted = |sample: usize, class: usize| match moments.is_valid(sample, class) {
        true => weights[class] * moments.at(columns.count, sample, class),
        false => 0.0,
    };
    let total = pairs().map(|(sample, class)| counted(sample, class)).sum();
    let factor = Scale { reduction: plan.reduction, total }.factor();
    let mut outcome = InstanceTerm {
        loss: 0.0,
        per_class: vec![f64::NAN; classes],
        values: vec![0.0; samples * classes],
        partials: vec![0.0; samples * classes],
    };
    let mut class_totals = vec![(0.0, 0.0); classes];
    for (index, (sample, class)) in pairs().enumerate() {
        if counted(sample, class) > 0.0 {
            let value = moments.at(columns.loss, sample, class);
            outcome.values[index] = weights[class] * value;
            outcome.partials[index] = factor * weights[class];
            outcome.loss += factor * outcome.values[index];
            class_totals[class].0 += value;
            class_totals[class].1 += moments.at(columns.count, sample, class);
        }
    }
    for (value, (sum, count)) in outcome.per_class.iter_mut().zip(class_totals) {
        *value = sum / count;
    }
    outcome
}
