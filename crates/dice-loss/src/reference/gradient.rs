//! The gradient by the logits: the chain rule, written out.

use super::{
    Gradient,
    log_loss::{LogLoss, of_group, times},
    probability::{Probability, jacobian, probabilities},
    voxels::{Voxel, Voxels},
};
use crate::{
    Activation,
    direction::{ByDirection, Direction},
    evaluate::{GroupSlopes, Slopes},
    plan::{Group, Plan},
};

/// Adds up, for every counted voxel, what each activation's terms contribute.
pub fn pull_back(plan: &Plan, slopes: &Slopes, batch: &Voxels) -> Gradient {
    let size = batch.samples * plan.classes * batch.voxels;
    let mut gradient = Gradient { values: vec![0.0; size], magnitudes: vec![0.0; size] };
    for (group, group_slopes) in plan.groups.iter().zip(&slopes.groups) {
        for (sample, index, voxel) in batch.counted() {
            let upstream = |loss: &LogLoss| match &slopes.map {
                None => 1.0,
                Some(map) => {
                    let channel = if map.layout.classes == 1 { 0 } else { loss.class };
                    super::voxels::float(map, [sample, channel, index])
                }
            };
            let mut add = |class: usize, value: f64, magnitude: f64| {
                let at = (sample * plan.classes + class) * batch.voxels + index;
                gradient.values[at] += value;
                gradient.magnitudes[at] += magnitude;
            };
            let rows: Vec<_> = (0..plan.classes)
                .map(|class| batch.first_row(sample, class) + voxel.instances[class])
                .collect();
            add_overlap(group, group_slopes, &rows, voxel, &mut add);
            for loss in of_group(group, group_slopes.voxel(sample), voxel) {
                let upstream = upstream(&loss);
                let values = loss.gradient(group.activation);
                let magnitudes = loss.gradient_magnitudes(group.activation);
                for (class, (value, magnitude)) in values.iter().zip(magnitudes).enumerate() {
                    add(class, times(upstream, *value), times(upstream.abs(), magnitude));
                }
            }
        }
    }
    gradient
}

/// ∂L/∂x_j = Σ_i q_i ∂p_i/∂x_j, where q_i = ∂L/∂p_i.
fn add_overlap(
    group: &Group,
    slopes: &GroupSlopes,
    rows: &[usize],
    voxel: &Voxel,
    add: &mut impl FnMut(usize, f64, f64),
) {
    if slopes.partials.is_empty() {
        return;
    }
    let classes = voxel.logits.len();
    let p = probabilities(group.activation, &voxel.logits);
    let partials: Vec<_> = rows.iter().map(|&row| slopes.partials[row]).collect();
    let (q, sizes): (Vec<_>, Vec<_>) =
        (0..classes).map(|class| by_probability(group, &partials, voxel, &p, class)).unzip();
    let jacobian = jacobian(group.activation, &p);
    let total: f64 = (0..classes).map(|i| p[i].p * sizes[i]).sum();
    for j in 0..classes {
        let value = (0..classes).map(|i| q[i] * jacobian[i * classes + j]).sum();
        // The magnitude is that of p_j (q_j − Σ_i p_i q_i), or p_j (q_j − p_j q_j), the usual ways
        // to compute the sum.
        let magnitude = match group.activation {
            Activation::Softmax => p[j].p * (sizes[j] + total),
            Activation::Sigmoid => p[j].p * (sizes[j] + p[j].p * sizes[j]),
            Activation::Probabilities => sizes[j],
        };
        add(j, value, magnitude);
    }
}

/// ∂L/∂p of a class, and its magnitude.
fn by_probability(
    group: &Group,
    partials: &[ByDirection<f64>],
    voxel: &Voxel,
    p: &[Probability],
    class: usize,
) -> (f64, f64) {
    let (p_k, g) = (p[class].p, voxel.target[class]);
    let by_p = |direction| match direction {
        Direction::Intersection => Some(g),
        Direction::Prediction => Some(1.0),
        Direction::PredictionSquared => Some(2.0 * p_k),
        Direction::Difference => Some(sign(p_k - g)),
        Direction::Magnitude => Some(sign(p_k)),
        // In pieces, below.
        Direction::SensitivityError
        | Direction::SpecificityError
        | Direction::SquaredError
        | Direction::Transport => None,
    };
    let own = partials[class].each();
    let mut pieces: Vec<_> =
        own.filter_map(|(direction, partial)| Some(partial * by_p(direction)?)).collect();
    // What is subtracted counts with the size that it had.
    let errors = [
        (Direction::SensitivityError, g),
        (Direction::SpecificityError, 1.0 - g),
        (Direction::SquaredError, 1.0),
    ];
    for (error, share) in errors {
        let slope = 2.0 * share * partials[class][error];
        pieces.extend([slope * p_k, -slope * g]);
    }
    let own = voxel.weight(group.map, class);
    pieces.iter_mut().for_each(|piece| *piece *= own);
    if let Some(distances) = &group.distances {
        for (other, partial) in partials.iter().enumerate() {
            let distance = distances[other * partials.len() + class];
            let there = voxel.weight(group.map, other) * voxel.target[other];
            pieces.push(partial[Direction::Transport] * there * distance);
        }
    }
    let sum = |of: fn(f64) -> f64| pieces.iter().map(|&piece| of(piece)).sum::<f64>();
    (sum(|piece| piece), sum(f64::abs))
}

/// The slope of |x|, 0 at 0.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
