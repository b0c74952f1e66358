//! Overlap terms: pooling, absent classes, and the formula.

use super::{Scale, verdict::Unit};
use crate::{
    Absent, Moments, Reduction, Sums,
    plan::{Group, Plan, Planned},
    region::{ByDirection, Formula},
    room,
};

/// An overlap term's losses and derivatives.
pub(super) struct Outcome {
    /// The term's loss, not yet times its weight in the objective.
    pub loss: f64,
    /// Each class's loss, NaN where nothing counted.
    pub per_class: Vec<f64>,
    /// One value for each unit, as reduction none returns them.
    pub values: Vec<f64>,
    /// (sample, class): the derivative of the term's loss by each sum.
    pub partials: Vec<ByDirection<f64>>,
}

/// Bytes of a sample and class that are in use at once, at most: what is given back, what the sample
/// and class contributes in a unit of its own, and its sums and derivatives in a larger one.
pub(super) const BYTES_OF_EACH: usize = size_of::<f64>()
    + 2 * size_of::<ByDirection<f64>>()
    + size_of::<Option<Contribution>>()
    + size_of::<Sums>()
    + size_of::<(usize, usize)>()
    + size_of::<(usize, usize, f64, ByDirection<f64>)>()
    + 3 * room::PIECE;

/// Pools the sums, evaluates the formula on each unit, and reduces.
pub(super) fn evaluate(
    Planned { term, group, .. }: &Planned,
    formula: &dyn Formula,
    plan: &Plan,
    moments: &Moments,
) -> Outcome {
    let evaluation = Evaluation {
        formula,
        group: group.map(|group| &plan.groups[group]),
        moments,
        absent: term.absent.unwrap_or_default(),
        weights: term.weights(plan.classes),
        unit: Unit::of(term.pool.unwrap_or_default(), formula.is_coupled()),
    };
    evaluation.reduce(plan.reduction)
}

struct Evaluation<'a> {
    formula: &'a dyn Formula,
    group: Option<&'a Group>,
    moments: &'a Moments,
    absent: Absent,
    weights: Vec<f64>,
    unit: Unit,
}

/// What a unit contributes: its weight in the mean, its value, and by which factor each member's
/// derivative enters.
struct Contribution {
    weight: f64,
    value: f64,
    /// (sample, class, factor, derivatives).
    members: Vec<(usize, usize, f64, ByDirection<f64>)>,
}

impl Evaluation<'_> {
    fn reduce(&self, reduction: Reduction) -> Outcome {
        let (samples, classes) = (self.moments.samples(), self.weights.len());
        let mut outcome = Outcome {
            loss: 0.0,
            per_class: vec![f64::NAN; classes],
            values: vec![0.0; self.unit.count(samples, classes)],
            partials: vec![ByDirection::default(); samples * classes],
        };
        let contributions: Vec<_> = (0..outcome.values.len())
            .map(|index| self.contribution(index, samples, classes))
            .collect();
        let total = contributions.iter().flatten().map(|unit| unit.weight).sum();
        let factor = Scale { reduction, total }.factor();
        let mut class_totals = vec![(0.0, 0.0); classes];
        for (index, contribution) in contributions.iter().enumerate() {
            let Some(Contribution { weight, value, members }) = contribution else { continue };
            outcome.values[index] = weight * value;
            outcome.loss += factor * weight * value;
            if let Some(class) = self.unit.class(index, classes)
                && *weight > 0.0
            {
                class_totals[class].0 += value;
                class_totals[class].1 += 1.0;
            }
            for (sample, class, share, derivatives) in members {
                let partials = &mut outcome.partials[sample * classes + class];
                let add = |sum, derivative| sum + factor * weight * share * derivative;
                *partials = partials.zip(*derivatives, add);
            }
        }
        for (value, (sum, count)) in outcome.per_class.iter_mut().zip(class_totals) {
            *value = sum / count;
        }
        outcome
    }

    /// `None` where nothing in the unit counts.
    fn contribution(&self, index: usize, samples: usize, classes: usize) -> Option<Contribution> {
        match self.unit {
            Unit::SampleAndClass => {
                let (sample, class) = (index / classes, index % classes);
                self.of_class(sample..sample + 1, class..class + 1)
            }
            Unit::Class => self.of_class(0..samples, index..index + 1),
            Unit::One { coupled: false } => self.of_class(0..samples, 0..classes),
            Unit::Sample => self.of_row(index..index + 1),
            Unit::One { coupled: true } => self.of_row(0..samples),
        }
    }

    fn counts(&self, sample: usize, class: usize) -> bool {
        self.weights[class] > 0.0 && self.moments.is_valid(sample, class)
    }

    /// One formula over the sums of some samples and classes, added up.
    fn of_class(
        &self,
        samples: std::ops::Range<usize>,
        classes: std::ops::Range<usize>,
    ) -> Option<Contribution> {
        // A unit of one class weighs in the mean; one of all classes weighs their sums.
        let alone = classes.len() == 1 && self.unit != Unit::One { coupled: false };
        let members: Vec<_> = samples
            .flat_map(|sample| classes.clone().map(move |class| (sample, class)))
            .filter(|&(sample, class)| self.counts(sample, class))
            .collect();
        let (_, first) = *members.first()?;
        let share = |class: usize| if alone { 1.0 } else { self.weights[class] };
        let mut sums = Sums::default();
        for &(sample, class) in &members {
            sums.add(share(class), self.sums(sample, class));
        }
        let weight = if alone { self.weights[first] } else { 1.0 };
        if sums.g <= 0.0 && self.absent != Absent::Formula {
            return (self.absent == Absent::Zero).then(|| Contribution {
                weight,
                value: 0.0,
                members: Vec::new(),
            });
        }
        let outcome = self.formula.evaluate(&[sums], &[1.0]);
        let derivatives = outcome.derivatives[0];
        let members = members
            .into_iter()
            .map(|(sample, class)| (sample, class, share(class), derivatives))
            .collect();
        Some(Contribution { weight, value: outcome.value, members })
    }

    /// One formula over the row of all classes' sums, added up over some samples.
    fn of_row(&self, samples: std::ops::Range<usize>) -> Option<Contribution> {
        let classes = self.weights.len();
        let mut row_sums = vec![Sums::default(); classes];
        let mut weights = vec![0.0; classes];
        let mut any = false;
        for (class, sums) in row_sums.iter_mut().enumerate() {
            for sample in samples.clone().filter(|&sample| self.counts(sample, class)) {
                sums.add(1.0, self.sums(sample, class));
                weights[class] = self.weights[class];
                any = true;
            }
            if sums.g <= 0.0 && self.absent != Absent::Formula {
                weights[class] = 0.0;
            }
        }
        if weights.iter().all(|&weight| weight == 0.0) {
            let zero = Contribution { weight: 1.0, value: 0.0, members: Vec::new() };
            return (any && self.absent == Absent::Zero).then_some(zero);
        }
        let outcome = self.formula.evaluate(&row_sums, &weights);
        let members = samples
            .flat_map(|sample| (0..classes).map(move |class| (sample, class)))
            .filter(|&(sample, class)| self.counts(sample, class))
            .map(|(sample, class)| (sample, class, 1.0, outcome.derivatives[class]))
            .collect();
        Some(Contribution { weight: 1.0, value: outcome.value, members })
    }

    fn sums(&self, sample: usize, class: usize) -> Sums {
        let mut sums = Sums {
            g: self.moments.at(Plan::REFERENCE, sample, class),
            gg: self.moments.at(Plan::REFERENCE_SQUARED, sample, class),
            n: self.moments.at(Plan::VOXELS, sample, class),
            ..Sums::default()
        };
        if let Some(group) = self.group {
            for (direction, column) in group.sums.each() {
                if let Some(column) = column {
                    sums.set(direction, self.moments.at(column, sample, class));
                }
            }
        }
        sums
    }
}
