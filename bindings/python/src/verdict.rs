//! What `evaluate` found, as Python asks for it.

use std::sync::Arc;

use dice_loss::{Counts, InstanceDetails, Moments, Prepared};
use pyo3::prelude::*;

use crate::refused::{Refused, Result};

/// The loss, and what it is made of.
#[pyclass(frozen, module = "dice_loss._core")]
pub(crate) struct Verdict {
    verdict: dice_loss::Verdict,
    prepared: Arc<Prepared>,
    instances: Option<Vec<f64>>,
}

impl Verdict {
    pub fn new(verdict: dice_loss::Verdict, prepared: Arc<Prepared>) -> Self {
        Self { verdict, prepared, instances: None }
    }

    /// With what was measured of each instance.
    pub fn with(mut self, instances: Option<Vec<InstanceDetails>>) -> Self {
        self.instances = instances.map(|all| all.iter().flat_map(numbers).collect());
        self
    }
}

#[pymethods]
impl Verdict {
    /// The weighted sum of the terms.
    #[getter]
    fn loss(&self) -> f64 {
        self.verdict.loss()
    }

    /// Name, weight, loss and the loss of each class.
    #[getter]
    fn terms(&self) -> Vec<(&'static str, f64, f64, Vec<f64>)> {
        let plain = |term: &dice_loss::TermVerdict| {
            (term.name, term.weight, term.loss, term.per_class.clone())
        };
        self.verdict.terms().iter().map(plain).collect()
    }

    /// For reduction none and overlap terms: the values, row-major.
    #[getter]
    fn values(&self) -> Option<Vec<f64>> {
        self.verdict.values().map(<[f64]>::to_vec)
    }

    /// The shape of the values.
    #[getter]
    fn shape(&self) -> Vec<usize> {
        self.verdict.shape()
    }

    /// Which value each (row, class) is part of.
    #[getter]
    fn cells(&self) -> Vec<usize> {
        self.prepared.value_of_each(&self.verdict)
    }

    /// The soft Dice of each class.
    #[getter]
    fn soft_dice(&self) -> Option<Vec<f64>> {
        self.verdict.soft_dice().map(<[f64]>::to_vec)
    }

    /// Of each instance: sample, class, number, soft Dice, and the three counts.
    #[getter]
    fn instances(&self) -> Option<Vec<f64>> {
        self.instances.clone()
    }
}

fn numbers(instance: &InstanceDetails) -> [f64; 7] {
    let &InstanceDetails { sample, class, number, counts, soft_dice } = instance;
    let [tp, fp, misses] = counts.map_or([f64::NAN; 3], |counts| {
        [counts.true_positives, counts.false_positives, counts.false_negatives].map(|n| n as f64)
    });
    let [sample, class, number] = [sample, class, number].map(|n| n as f64);
    [sample, class, number, soft_dice.unwrap_or(f64::NAN), tp, fp, misses]
}

/// What a loss can tell of terms and classes, one after another: (T) the loss of each term; (T, C) of
/// each class under each; (C) the soft Dice and (C) the hard one; and (C, 3) true positives, false
/// positives and false negatives. Of the terms all but the last, which is there to be measured.
pub(crate) fn details(verdict: &dice_loss::Verdict, moments: &Moments) -> Result<Vec<f64>> {
    let lacking = |what| Refused::new("details", format!("no {what}"), "an objective that has one");
    let (_, terms) = verdict.terms().split_last().ok_or_else(|| lacking("term"))?;
    let soft_dice = verdict.soft_dice().ok_or_else(|| lacking("soft Dice"))?;
    let counts =
        (0..moments.classes()).map(|class| counts(moments, class)).collect::<Option<Vec<_>>>();
    let counts = counts.ok_or_else(|| lacking("hard decision"))?;
    let mut details: Vec<f64> = terms.iter().map(|term| term.loss).collect();
    details.extend(terms.iter().flat_map(|term| &term.per_class));
    details.extend(soft_dice);
    details.extend(counts.iter().map(|[tp, fp, misses]| 2.0 * tp / (2.0 * tp + fp + misses)));
    details.extend(counts.iter().flatten());
    Ok(details)
}

/// Of a class over all samples.
fn counts(moments: &Moments, class: usize) -> Option<[f64; 3]> {
    let mut all = [0.0; 3];
    for sample in 0..moments.samples() {
        let Counts { true_positives, false_positives, false_negatives } =
            moments.counts(sample, class)?;
        let found = [true_positives, false_positives, false_negatives];
        all.iter_mut().zip(found).for_each(|(sum, count)| *sum += count as f64);
    }
    Some(all)
}
