//! The moments, column by column as the plan names them.

use super::{
    Measured,
    batch::{Batch, Voxel},
    log_loss::{LogLoss, cross_entropy, each_class, focal_over_classes, merged},
    probability::probabilities,
};
use crate::{
    Activation, Decision, Moments,
    plan::{Column, Plan},
    term::Loss,
    voxel::VoxelLoss,
};

/// What a voxel adds to a sum of a class: the value, and its magnitude.
type Contribution = (f64, f64);

/// Adds up every column over every counted voxel.
pub fn measure(plan: &Plan, batch: &Batch) -> Measured {
    let row = plan.columns.len() * plan.classes;
    let mut data = vec![0.0; batch.samples * row];
    let mut magnitudes = vec![0.0; batch.samples * row];
    for (sample, _, voxel) in batch.counted() {
        for (index, column) in plan.columns.iter().enumerate() {
            let contributions = contributions(plan, column, voxel);
            for (class, (value, magnitude)) in contributions.into_iter().enumerate() {
                data[sample * row + index * plan.classes + class] += value;
                magnitudes[sample * row + index * plan.classes + class] += magnitude;
            }
        }
    }
    let valid = batch.annotated.clone();
    let moments =
        Moments::new(&plan.identity, &plan.columns, [batch.samples, plan.classes], data, valid);
    Measured { moments, magnitudes }
}

/// What a voxel adds to a column, class by class.
fn contributions(plan: &Plan, column: &Column, voxel: &Voxel) -> Vec<Contribution> {
    let w = voxel.weight;
    match *column {
        Column::Reference => annotated(voxel, |class| exact(w * voxel.target[class])),
        Column::ReferenceSquared => {
            annotated(voxel, |class| exact(w * voxel.target[class] * voxel.target[class]))
        }
        Column::Voxels => annotated(voxel, |_| exact(w)),
        Column::TruePositives => count(plan, voxel, |predicted, there| predicted && there),
        Column::FalsePositives => count(plan, voxel, |predicted, there| predicted && !there),
        Column::FalseNegatives => count(plan, voxel, |predicted, there| !predicted && there),
        Column::Sum(activation, direction) => overlap(plan, activation, direction, voxel),
        Column::Merged(activation) => {
            let mut sums = vec![(0.0, 0.0); plan.classes];
            for (class, _, target) in merged(activation, voxel) {
                sums[class] = exact(w * target);
            }
            sums
        }
        Column::LogLoss(activation) => {
            added(plan, cross_entropy(activation, voxel, |_| 1.0, |_| 0.0))
        }
        Column::LogLossOfAll(activation) => {
            added(plan, cross_entropy(activation, voxel, |_| 0.0, |_| 1.0))
        }
        Column::Positive(activation) => {
            added(plan, each_class(activation, voxel, |_| 0.0, |_| 1.0, |_| 0.0))
        }
        Column::Negative(activation) => {
            added(plan, each_class(activation, voxel, |_| 0.0, |_| 0.0, |_| 1.0))
        }
        Column::Focal(term) => focal(plan, term, voxel, 1.0, 0.0),
        Column::FocalNegative(term) => focal(plan, term, voxel, 0.0, 1.0),
    }
}

fn exact(value: f64) -> Contribution {
    (value, value.abs())
}

/// Of every annotated class; the others have no sums.
fn annotated(voxel: &Voxel, of_class: impl Fn(usize) -> Contribution) -> Vec<Contribution> {
    let of_class = |class| if voxel.annotated[class] { of_class(class) } else { (0.0, 0.0) };
    (0..voxel.logits.len()).map(of_class).collect()
}

/// The sums that overlap losses are made of.
fn overlap(
    plan: &Plan,
    activation: Activation,
    direction: usize,
    voxel: &Voxel,
) -> Vec<Contribution> {
    let p = probabilities(activation, &voxel.logits);
    let distances = plan.group(activation).and_then(|group| group.distances.as_deref());
    annotated(voxel, |class| {
        let (w, p_k, g) = (voxel.weight, p[class].p, voxel.target[class]);
        match direction {
            0 => exact(w * p_k * g),
            1 => exact(w * p_k),
            2 => exact(w * p_k * p_k),
            3 => (w * (p_k - g).abs(), w * (p_k.abs() + g)),
            4 => exact(w * p_k.abs()),
            _ => {
                let row = &distances.unwrap_or_default()[class * plan.classes..];
                let cost: f64 = row.iter().zip(&p).map(|(distance, p)| distance * p.p).sum();
                let size: f64 = row.iter().zip(&p).map(|(distance, p)| distance * p.p.abs()).sum();
                (w * g * cost, w * g * size)
            }
        }
    })
}

fn added(plan: &Plan, losses: Vec<LogLoss>) -> Vec<Contribution> {
    let mut sums = vec![(0.0, 0.0); plan.classes];
    for loss in losses {
        sums[loss.class].0 += loss.value();
        sums[loss.class].1 += loss.magnitude();
    }
    sums
}

fn focal(plan: &Plan, term: usize, voxel: &Voxel, inside: f64, outside: f64) -> Vec<Contribution> {
    let activation = plan.terms[term].1.activation;
    let Loss::Voxel(VoxelLoss::Focal(loss)) = &plan.terms[term].1.loss else {
        return Vec::new();
    };
    let gamma = |class: usize| loss.gamma.at(class);
    added(
        plan,
        match activation {
            Activation::Softmax => focal_over_classes(activation, voxel, gamma, |_| inside),
            _ => each_class(activation, voxel, gamma, |_| inside, |_| outside),
        },
    )
}

/// Hard counts: each voxel once, whatever its weight.
fn count(plan: &Plan, voxel: &Voxel, counts: impl Fn(bool, bool) -> bool) -> Vec<Contribution> {
    let Some((decision, activation)) = plan.decision else { return Vec::new() };
    let p = probabilities(activation, &voxel.logits);
    annotated(voxel, |class| {
        let (predicted, there) = match decision {
            // A voxel whose target is all 0 has no class.
            Decision::Argmax => (
                class == argmax(&voxel.logits),
                class == argmax(&voxel.target) && voxel.target[class] > 0.0,
            ),
            Decision::Threshold(least) => (p[class].p >= least, voxel.target[class] >= least),
        };
        (f64::from(u8::from(counts(predicted, there))), 0.0)
    })
}

/// The largest; of equal ones the first.
fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (class, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = class;
        }
    }
    best
}
