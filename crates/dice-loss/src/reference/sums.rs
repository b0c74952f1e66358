//! The moments, integrand by integrand.

use super::{
    Measured,
    log_loss::{LogLoss, cross_entropy, each_class, focal_over_classes, merged},
    probability::probabilities,
    voxels::{Voxel, Voxels},
};
use crate::{
    Activation, Decision, Integrand, Moments, Result, Sum,
    instances::{Known, condensed},
    plan::Plan,
};

/// What a voxel adds to a sum of a class: the value, and its magnitude.
type Contribution = (f64, f64);

/// Adds up every integrand over every counted voxel; where terms look at instances, those of each by
/// itself first, with what that says of them.
pub fn measure(plan: &Plan, batch: &Voxels) -> Result<(Measured, Option<Known>)> {
    let (swept, columns) = (plan.swept(), plan.columns());
    let pairs = batch.samples * plan.classes;
    let mut rows = vec![0.0; batch.rows() * swept];
    let mut magnitudes = vec![0.0; pairs * columns];
    for (sample, _, voxel) in batch.counted() {
        for (column, integrand) in plan.integrands.iter().take(swept).enumerate() {
            for (class, (value, magnitude)) in
                contributions(plan, integrand, voxel).into_iter().enumerate()
            {
                let number =
                    if integrand.sum.is_of_instances() { voxel.instances[class] } else { 0 };
                rows[(batch.first_row(sample, class) + number) * swept + column] += value;
                magnitudes[(sample * plan.classes + class) * columns + column] += magnitude;
            }
        }
    }
    let valid = batch.annotated.clone();
    let (sums, known) = match batch.instances.as_deref() {
        None => (rows, None),
        Some(instances) => {
            let (sums, known) = condensed(plan, instances, &valid, rows)?;
            (sums, Some(known))
        }
    };
    // Of a loss of instances: that of a number of about its size, or 1.
    for loss in &plan.instanced {
        for (magnitudes, sums) in magnitudes.chunks_mut(columns).zip(sums.chunks(columns)) {
            magnitudes[loss.loss] = 1.0 + sums[loss.loss].abs();
        }
    }
    let moments = Moments::new(&plan.integrands, [batch.samples, plan.classes], sums, valid);
    Ok((Measured { moments, magnitudes }, known))
}

/// What a voxel adds to a sum, class by class.
fn contributions(plan: &Plan, integrand: &Integrand, voxel: &Voxel) -> Vec<Contribution> {
    let classes = voxel.logits.len();
    let map =
        integrand.map.as_ref().and_then(|name| plan.maps.iter().position(|map| map.name == *name));
    let m = |class: usize| voxel.in_map(map, class);
    // Of the reference alone, whatever the activation.
    let activation = integrand.activation.unwrap_or(Activation::Probabilities);
    let p = probabilities(activation, &voxel.logits);
    let gamma = |class: usize| integrand.gamma.as_ref().map_or(0.0, |gamma| gamma[class]);
    let overlap = |of: &dyn Fn(f64, f64, f64) -> Contribution| {
        let of_class = |class| of(voxel.weight(map, class), p[class].p, voxel.target[class]);
        annotated(voxel, of_class)
    };
    match integrand.sum {
        Sum::Reference => overlap(&|w, _, g| exact(w * g)),
        Sum::ReferenceSquared => overlap(&|w, _, g| exact(w * g * g)),
        Sum::Voxels | Sum::Mapped => overlap(&|w, _, _| exact(w)),
        Sum::TruePositives => count(integrand, voxel, |predicted, there| predicted && there),
        Sum::FalsePositives => count(integrand, voxel, |predicted, there| predicted && !there),
        Sum::FalseNegatives => count(integrand, voxel, |predicted, there| !predicted && there),
        Sum::Intersection => overlap(&|w, p, g| exact(w * p * g)),
        Sum::Prediction => overlap(&|w, p, _| exact(w * p)),
        Sum::PredictionSquared => overlap(&|w, p, _| exact(w * p * p)),
        Sum::Difference => overlap(&|w, p, g| (w * (p - g).abs(), w.abs() * (p.abs() + g))),
        Sum::Magnitude => overlap(&|w, p, _| exact(w * p.abs())),
        Sum::SensitivityError => overlap(&|w, p, g| error(w * g, p, g)),
        Sum::SpecificityError => overlap(&|w, p, g| error(w * (1.0 - g), p, g)),
        Sum::SquaredError => overlap(&|w, p, g| error(w, p, g)),
        Sum::Transport => transport(integrand, map, activation, voxel),
        Sum::Merged => {
            let mut sums = vec![(0.0, 0.0); classes];
            for (class, _, target) in merged(activation, voxel) {
                sums[class] = exact(voxel.weight(map, class) * target);
            }
            sums
        }
        Sum::LogLoss => added(classes, cross_entropy(activation, voxel, m, |_| 0.0)),
        Sum::LogLossOfAll => added(classes, cross_entropy(activation, voxel, |_| 0.0, m)),
        Sum::Focal if activation == Activation::Softmax => {
            added(classes, focal_over_classes(activation, voxel, gamma, m))
        }
        Sum::Positive | Sum::Focal => {
            added(classes, each_class(activation, voxel, gamma, m, |_| 0.0))
        }
        // Of these a voxel has no share.
        Sum::InstanceLoss | Sum::InstanceCount => Vec::new(),
        Sum::Negative | Sum::FocalNegative => {
            added(classes, each_class(activation, voxel, gamma, |_| 0.0, m))
        }
    }
}

/// A squared error: what is subtracted counts with the size that it had.
fn error(weight: f64, p: f64, g: f64) -> Contribution {
    (weight * (p - g) * (p - g), weight.abs() * (p - g).abs() * (p.abs() + g))
}

fn exact(value: f64) -> Contribution {
    (value, value.abs())
}

/// Of every annotated class; the others have no sums.
fn annotated(voxel: &Voxel, of_class: impl Fn(usize) -> Contribution) -> Vec<Contribution> {
    let of_class = |class| if voxel.annotated[class] { of_class(class) } else { (0.0, 0.0) };
    (0..voxel.logits.len()).map(of_class).collect()
}

/// What it costs to take the prediction to the classes that are there.
fn transport(
    integrand: &Integrand,
    map: Option<usize>,
    activation: Activation,
    voxel: &Voxel,
) -> Vec<Contribution> {
    let p = probabilities(activation, &voxel.logits);
    let Some(distances) = &integrand.distances else { return Vec::new() };
    annotated(voxel, |class| {
        let over_classes = |of: fn(f64) -> f64| -> f64 {
            distances[class].iter().zip(&p).map(|(distance, p)| distance * of(p.p)).sum()
        };
        let there = voxel.weight(map, class) * voxel.target[class];
        (there * over_classes(|p| p), there.abs() * over_classes(f64::abs))
    })
}

fn added(classes: usize, losses: Vec<LogLoss>) -> Vec<Contribution> {
    let mut sums = vec![(0.0, 0.0); classes];
    for loss in losses {
        sums[loss.class].0 += loss.value();
        sums[loss.class].1 += loss.magnitude();
    }
    sums
}

/// Hard counts: each voxel once, whatever its weight.
fn count(
    integrand: &Integrand,
    voxel: &Voxel,
    counts: impl Fn(bool, bool) -> bool,
) -> Vec<Contribution> {
    let Some((decision, activation)) = integrand.decision.zip(integrand.activation) else {
        return Vec::new();
    };
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
