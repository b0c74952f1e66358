//! The loss, what it is made of, and what pull_back needs.

use std::sync::Arc;

use super::{
    instances::InstanceTerm,
    overlap::OverlapTerm,
    unit::Unit,
    voxel::{Factors, VoxelTerm},
};
use crate::{
    Instances, Integrand, Moments, Reduction, Result, Term,
    direction::{ByDirection, Direction},
    instances::{Kept, Known},
    moments::expect_sums,
    plan::{Group, Place, Plan, Planned},
    term::Loss,
};

/// The value of an objective, of its terms and classes; and its derivatives by the moments.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What it has derivatives by.
    integrands: Arc<[Integrand]>,
    loss: f64,
    values: Option<Vec<f64>>,
    /// Whether the output is a map of voxel losses.
    pub(super) has_map: bool,
    /// Whether such a map has one value a voxel; otherwise one a voxel and class.
    pub(super) is_per_voxel: bool,
    terms: Vec<TermVerdict>,
    soft_dice: Option<Vec<f64>>,
    pub(super) samples: usize,
    pub(super) classes: usize,
    pub(super) pooled: bool,
    pub(super) unit: Unit,
    /// For each group of the plan, (sample, class): derivatives by the sums.
    pub(super) partials: Vec<Vec<ByDirection<f64>>>,
    pub(super) factors: Vec<(Place, Factors)>,
    /// For each loss of instances, (sample, class): derivatives by it.
    pub(super) instanced: Vec<Vec<f64>>,
    /// What sweep 1 knows of the instances.
    kept: Kept,
}

/// What one term says.
#[derive(Debug, Clone, PartialEq)]
pub struct TermVerdict {
    /// The name of the loss.
    pub name: &'static str,
    /// Its weight in the objective.
    pub weight: f64,
    /// Its loss, not multiplied by the weight.
    pub loss: f64,
    /// The loss of each class; NaN where nothing of the class counted, or where the loss couples
    /// the classes. A class's cross-entropy or focal loss is the mean over its own voxels.
    pub per_class: Vec<f64>,
}

impl Verdict {
    pub(super) fn new(plan: &Plan, moments: &Moments) -> Self {
        let (samples, classes) = (moments.samples(), plan.classes);
        let is_per_voxel = |planned: &Planned| match &planned.term.loss {
            Loss::Voxel(loss) => loss.is_per_voxel(planned.term.activation),
            Loss::Overlap(_) => false,
        };
        Self {
            integrands: Arc::clone(&plan.integrands),
            loss: 0.0,
            values: None,
            has_map: false,
            is_per_voxel: plan.terms.iter().all(is_per_voxel),
            terms: Vec::with_capacity(plan.terms.len()),
            soft_dice: soft_dice(plan, moments),
            samples,
            classes,
            pooled: moments.is_pooled(),
            unit: Unit::One { coupled: false },
            partials: vec![vec![ByDirection::default(); samples * classes]; plan.groups.len()],
            factors: Vec::new(),
            instanced: vec![vec![0.0; samples * classes]; plan.instanced.len()],
            kept: moments.kept().clone(),
        }
    }

    /// The loss: the weighted sum of the terms'. For [`Reduction::None`], the sum of all values.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The terms, in the order of the objective.
    pub fn terms(&self) -> &[TermVerdict] {
        &self.terms
    }

    /// For [`Reduction::None`] and overlap terms: the values, row-major in [`shape`](Self::shape).
    ///
    /// A class that is left out, or skipped as absent, has a value of 0.
    pub fn values(&self) -> Option<&[f64]> {
        self.values.as_deref()
    }

    /// The shape of [`values`](Self::values): (N, C), (C), (N), or that of a number.
    pub fn shape(&self) -> Vec<usize> {
        self.unit.shape(self.samples, self.classes)
    }

    /// The soft Dice of each class under the first term's activation, 2Σpg / (Σp + Σg): a mean
    /// over the samples that have the class, NaN if none has it.
    ///
    /// `None` unless some term needs these sums; a Dice term of weight 0 sees to that.
    pub fn soft_dice(&self) -> Option<&[f64]> {
        self.soft_dice.as_deref()
    }

    pub(super) fn add_overlap(
        &mut self,
        Planned { weight, term, group, .. }: &Planned,
        outcome: OverlapTerm,
        reduction: Reduction,
    ) {
        self.loss += weight * outcome.loss;
        if let Some(partials) = group.and_then(|group| self.partials.get_mut(group)) {
            for (sum, partials) in partials.iter_mut().zip(&outcome.partials) {
                *sum = sum.zip(*partials, |sum, partial| sum + weight * partial);
            }
        }
        if reduction == Reduction::None {
            if let Loss::Overlap(formula) = &term.loss {
                self.unit = Unit::of(term.pool.unwrap_or_default(), formula.is_coupled());
            }
            let values = self.values.get_or_insert_with(|| vec![0.0; outcome.values.len()]);
            values.iter_mut().zip(&outcome.values).for_each(|(sum, value)| *sum += weight * value);
        }
        self.push(*weight, term, outcome.loss, outcome.per_class);
    }

    pub(super) fn add_instances(
        &mut self,
        Planned { weight, term, .. }: &Planned,
        number: usize,
        outcome: InstanceTerm,
        reduction: Reduction,
    ) {
        self.loss += weight * outcome.loss;
        for (sum, partial) in self.instanced[number].iter_mut().zip(&outcome.partials) {
            *sum += weight * partial;
        }
        if reduction == Reduction::None {
            self.unit = Unit::SampleAndClass;
            let values = self.values.get_or_insert_with(|| vec![0.0; outcome.values.len()]);
            values.iter_mut().zip(&outcome.values).for_each(|(sum, value)| *sum += weight * value);
        }
        self.push(*weight, term, outcome.loss, outcome.per_class);
    }

    pub(super) fn add_voxel(
        &mut self,
        Planned { weight, term, place, .. }: &Planned,
        outcome: VoxelTerm,
        reduction: Reduction,
    ) {
        self.has_map = reduction == Reduction::None;
        let VoxelTerm { loss, per_class, mut factors } = outcome;
        self.loss += weight * loss;
        factors.scale(*weight);
        self.factors.extend(place.map(|place| (place, factors)));
        self.push(*weight, term, loss, per_class);
    }

    fn push(&mut self, weight: f64, term: &Term, loss: f64, per_class: Vec<f64>) {
        self.terms.push(TermVerdict { name: term.name(), weight, loss, per_class });
    }

    /// What sweep 1 knows of these instances, if it is still there.
    pub(crate) fn known_of(&self, instances: &Instances) -> Option<&Known> {
        self.kept.0.as_deref().filter(|known| known.is_of(instances))
    }

    /// Fails unless its derivatives are by the sums of the plan.
    pub(crate) fn expect_sums(&self, plan: &Plan) -> Result<()> {
        expect_sums("verdict", &self.integrands, &plan.integrands)
    }
}

/// The soft Dice of every class, (2 Σpg) / (Σp + Σg), a mean over the samples that have the
/// class.
fn soft_dice(plan: &Plan, moments: &Moments) -> Option<Vec<f64>> {
    let activation = plan.terms.first()?.term.activation;
    let is_its = |group: &&Group| group.activation == activation && group.map.is_none();
    let group = plan.groups.iter().find(is_its)?;
    let pg = group.sums[Direction::Intersection]?;
    let p = group.sums[Direction::Prediction]?;
    let of_class = |class| {
        let (mut sum, mut samples) = (0.0, 0.0);
        for sample in 0..moments.samples() {
            let g = moments.at(Plan::REFERENCE, sample, class);
            if g > 0.0 {
                sum += 2.0 * moments.at(pg, sample, class) / (moments.at(p, sample, class) + g);
                samples += 1.0;
            }
        }
        sum / samples
    };
    Some((0..plan.classes).map(of_class).collect())
}
