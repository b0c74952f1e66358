//! The loss, what it is made of, and what pull_back needs.

use super::{
    overlap, soft_dice,
    voxel::{Factors, Outcome},
};
use crate::{Error, Moments, Pool, Reduction, Result, Term, plan::Plan, real::DIRECTIONS};

/// The value of an objective, of its terms and classes; and its derivatives by the moments.
#[derive(Debug, Clone)]
pub struct Verdict {
    identity: String,
    loss: f64,
    values: Option<Vec<f64>>,
    /// Whether the output is a map of voxel losses.
    pub(super) has_map: bool,
    terms: Vec<TermVerdict>,
    soft_dice: Option<Vec<f64>>,
    pub(super) rows: usize,
    pub(super) classes: usize,
    pub(super) pooled: bool,
    pub(super) cells: Cells,
    /// For each group of the plan, (row, class): derivatives by the sums.
    pub(super) partials: Vec<Vec<[f64; DIRECTIONS]>>,
    pub(super) factors: Vec<Factors>,
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

/// Which outputs an overlap term has, by its pool and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cells {
    SampleAndClass,
    Class,
    Sample,
    One { coupled: bool },
}

impl Cells {
    pub fn of(pool: Pool, coupled: bool) -> Self {
        match (pool, coupled) {
            (Pool::Sample, false) => Self::SampleAndClass,
            (Pool::Batch, false) => Self::Class,
            (Pool::Sample, true) => Self::Sample,
            (Pool::All, false) | (Pool::Batch | Pool::All, true) => Self::One { coupled },
        }
    }

    pub fn count(self, rows: usize, classes: usize) -> usize {
        match self {
            Self::SampleAndClass => rows * classes,
            Self::Class => classes,
            Self::Sample => rows,
            Self::One { .. } => 1,
        }
    }

    /// The class of a cell, if it has one.
    pub fn class(self, index: usize, classes: usize) -> Option<usize> {
        match self {
            Self::SampleAndClass => Some(index % classes),
            Self::Class => Some(index),
            Self::Sample | Self::One { .. } => None,
        }
    }

    /// The cell that a (row, class) belongs to.
    pub fn index(self, row: usize, class: usize, classes: usize) -> usize {
        match self {
            Self::SampleAndClass => row * classes + class,
            Self::Class => class,
            Self::Sample => row,
            Self::One { .. } => 0,
        }
    }

    fn shape(self, rows: usize, classes: usize) -> Vec<usize> {
        match self {
            Self::SampleAndClass => vec![rows, classes],
            Self::Class => vec![classes],
            Self::Sample => vec![rows],
            Self::One { .. } => vec![],
        }
    }
}

impl Verdict {
    pub(super) fn new(plan: &Plan, moments: &Moments) -> Self {
        let (rows, classes) = (moments.rows(), plan.classes);
        Self {
            identity: plan.identity.clone(),
            loss: 0.0,
            values: None,
            has_map: false,
            terms: Vec::with_capacity(plan.terms.len()),
            soft_dice: soft_dice(plan, moments),
            rows,
            classes,
            pooled: moments.is_pooled(),
            cells: Cells::One { coupled: false },
            partials: vec![vec![[0.0; DIRECTIONS]; rows * classes]; plan.groups.len()],
            factors: Vec::new(),
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
        self.cells.shape(self.rows, self.classes)
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
        weight: f64,
        term: &Term,
        plan: &Plan,
        outcome: overlap::Outcome,
        reduction: Reduction,
    ) {
        self.loss += weight * outcome.loss;
        let group = plan.groups.iter().position(|group| group.activation == term.activation);
        if let Some(partials) = group.and_then(|group| self.partials.get_mut(group)) {
            for (sum, partials) in partials.iter_mut().zip(&outcome.partials) {
                sum.iter_mut().zip(partials).for_each(|(sum, partial)| *sum += weight * partial);
            }
        }
        if reduction == Reduction::None {
            if let crate::term::Loss::Overlap(formula) = &term.loss {
                self.cells = Cells::of(term.pool.unwrap_or_default(), formula.is_coupled());
            }
            let values = self.values.get_or_insert_with(|| vec![0.0; outcome.cells.len()]);
            values.iter_mut().zip(&outcome.cells).for_each(|(sum, cell)| *sum += weight * cell);
        }
        self.push(weight, term, outcome.loss, outcome.per_class);
    }

    pub(super) fn add_voxel(
        &mut self,
        weight: f64,
        term: &Term,
        outcome: Outcome,
        reduction: Reduction,
    ) {
        self.has_map = reduction == Reduction::None;
        let Outcome { loss, per_class, mut factors } = outcome;
        self.loss += weight * loss;
        factors.scale(weight);
        self.factors.push(factors);
        self.push(weight, term, loss, per_class);
    }

    fn push(&mut self, weight: f64, term: &Term, loss: f64, per_class: Vec<f64>) {
        self.terms.push(TermVerdict { name: term.name(), weight, loss, per_class });
    }

    pub(crate) fn expect_objective(&self, wanted: &str) -> Result<()> {
        if self.identity == wanted {
            return Ok(());
        }
        Err(Error::Objective { found: self.identity.clone(), wanted: wanted.into() })
    }
}
