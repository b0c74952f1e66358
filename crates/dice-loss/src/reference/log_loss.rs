//! Voxel losses: each is a sum of (1 − p)^γ (−ln p) over events, with a coefficient each.

use super::{
    probability::{Event, Probability},
    voxels::{Voxel, Voxels},
};
use crate::{
    Activation,
    evaluate::VoxelSlopes,
    plan::{Group, Plan},
    reference::VoxelLosses,
};

/// coefficient · (1 − p)^γ (−ln p) of one event of one voxel.
#[derive(Debug)]
pub struct LogLoss {
    /// The class it is accounted to.
    pub class: usize,
    pub coefficient: f64,
    pub gamma: f64,
    pub event: Event,
}

impl LogLoss {
    /// The loss; nothing of something infinite is nothing.
    pub fn value(&self) -> f64 {
        let Probability { complement, ln_p, .. } = self.event.probability;
        times(self.coefficient, complement.powf(self.gamma) * -ln_p)
    }

    /// −ln p is a difference of logarithms, so near p = 1 its error is relative to 1.
    pub fn magnitude(&self) -> f64 {
        let Probability { complement, ln_p, .. } = self.event.probability;
        times(self.coefficient.abs(), complement.powf(self.gamma) * (1.0 + ln_p.abs()))
    }

    /// The derivative by each logit of the voxel.
    pub fn gradient(&self, activation: Activation) -> Vec<f64> {
        let slope = match activation {
            Activation::Softmax | Activation::Sigmoid => {
                slope_by_log_odds(self.gamma, self.event.probability)
            }
            Activation::Probabilities => slope_by_probability(self.gamma, self.event.probability),
        };
        self.event
            .derivatives
            .iter()
            .map(|derivative| times(self.coefficient * derivative, slope))
            .collect()
    }

    /// The gradient by a logit is h (p − g), with 0 ≤ h ≤ (1 + γ) (1 − p)^γ of relative
    /// error γ / (1 − p).
    pub fn gradient_magnitudes(&self, activation: Activation) -> Vec<f64> {
        let Probability { p, complement, .. } = self.event.probability;
        let steepness = (1.0 + 2.0 * self.gamma) * complement.powf(self.gamma);
        let magnitude = |derivative: &f64| {
            let pieces = match activation {
                Activation::Softmax | Activation::Sigmoid if *derivative > 0.0 => {
                    derivative * (1.0 + p)
                }
                Activation::Softmax | Activation::Sigmoid => derivative.abs() * complement,
                Activation::Probabilities => derivative.abs() / p.abs(),
            };
            times(self.coefficient.abs(), steepness * pieces)
        };
        self.event.derivatives.iter().map(magnitude).collect()
    }
}

/// The derivative of (1 − p)^γ (−ln p) by ln(p / (1 − p)).
fn slope_by_log_odds(gamma: f64, probability: Probability) -> f64 {
    let Probability { p, complement, ln_p, .. } = probability;
    -complement.powf(gamma) * (complement - gamma * times(p, ln_p))
}

/// The derivative of (1 − p)^γ (−ln p) by p.
fn slope_by_probability(gamma: f64, probability: Probability) -> f64 {
    let Probability { p, complement, ln_p, .. } = probability;
    let focusing = times(gamma, complement.powf(gamma - 1.0) * ln_p);
    focusing - complement.powf(gamma) / p
}

/// A product in which 0 wins, as in 0 ln 0.
pub fn times(factor: f64, value: f64) -> f64 {
    if factor == 0.0 { 0.0 } else { factor * value }
}

/// The event that the voxel belongs to each class, not annotated ones merged into class 0; each
/// with its share of the target. Classes that were merged are left out.
pub fn merged(activation: Activation, voxel: &Voxel) -> Vec<(usize, Event, f64)> {
    let event = |class: usize| {
        let members: Vec<_> = (0..voxel.logits.len())
            .filter(|&other| other == class || (class == 0 && !voxel.annotated[other]))
            .collect();
        let target = members.iter().map(|&member| voxel.target[member]).sum();
        (class, Event::of(activation, &voxel.logits, &members), target)
    };
    (0..voxel.logits.len())
        .filter(|&class| class == 0 || voxel.annotated[class])
        .map(event)
        .collect()
}

/// Cross-entropy: t_k = positive_k g_k + all_k / C′.
pub fn cross_entropy(
    activation: Activation,
    voxel: &Voxel,
    positive: impl Fn(usize) -> f64,
    all: impl Fn(usize) -> f64,
) -> Vec<LogLoss> {
    let events = merged(activation, voxel);
    let classes = events.len() as f64;
    let log_loss = |(class, event, target): (usize, Event, f64)| LogLoss {
        class,
        coefficient: voxel.weight * (positive(class) * target + all(class) / classes),
        gamma: 0.0,
        event,
    };
    events.into_iter().map(log_loss).collect()
}

/// Softmax focal loss: only the class that the voxel has.
pub fn focal_over_classes(
    activation: Activation,
    voxel: &Voxel,
    gamma: impl Fn(usize) -> f64,
    positive: impl Fn(usize) -> f64,
) -> Vec<LogLoss> {
    let log_loss = |(class, event, target): (usize, Event, f64)| LogLoss {
        class,
        coefficient: voxel.weight * positive(class) * target,
        gamma: gamma(class),
        event,
    };
    merged(activation, voxel).into_iter().map(log_loss).collect()
}

/// Binary cross-entropy and sigmoid focal loss: each annotated class by itself, g for and 1 − g
/// against.
pub fn each_class(
    activation: Activation,
    voxel: &Voxel,
    gamma: impl Fn(usize) -> f64,
    positive: impl Fn(usize) -> f64,
    negative: impl Fn(usize) -> f64,
) -> Vec<LogLoss> {
    let mut losses = Vec::new();
    for class in (0..voxel.logits.len()).filter(|&class| voxel.annotated[class]) {
        let event = Event::of(activation, &voxel.logits, &[class]);
        let target = voxel.target[class];
        let sides = [
            (positive(class) * target, event.clone()),
            (negative(class) * (1.0 - target), event.opposite()),
        ];
        for (coefficient, event) in sides {
            let coefficient = voxel.weight * coefficient;
            losses.push(LogLoss { class, coefficient, gamma: gamma(class), event });
        }
    }
    losses
}

/// All log losses of a voxel under one activation, with the factors of the objective.
pub fn of_group(group: &Group, slopes: &VoxelSlopes, voxel: &Voxel) -> Vec<LogLoss> {
    let activation = group.activation;
    let m = |k: usize| voxel.in_map(group.map, k);
    let mut losses = Vec::new();
    if let Some(factors) = &slopes.cross_entropy {
        let (positive, all) =
            (|k: usize| m(k) * factors.positive[k], |k: usize| m(k) * factors.all[k]);
        losses.extend(cross_entropy(activation, voxel, positive, all));
    }
    if let Some(factors) = &slopes.binary {
        let positive = |k: usize| m(k) * factors.positive[k];
        let negative = |k: usize| m(k) * factors.negative[k];
        losses.extend(each_class(activation, voxel, |_| 0.0, positive, negative));
    }
    for (focal, factors) in slopes.focal(group) {
        let gamma = |k: usize| focal.gamma[k];
        let positive = |k: usize| m(k) * factors.positive[k];
        let negative = |k: usize| m(k) * factors.negative[k];
        losses.extend(match activation {
            Activation::Softmax => focal_over_classes(activation, voxel, gamma, positive),
            _ => each_class(activation, voxel, gamma, positive, negative),
        });
    }
    losses
}

/// The map: all voxel terms added up, over the classes too if it has one channel.
pub fn voxel_losses(plan: &Plan, batch: &Voxels, channels: usize) -> VoxelLosses {
    let size = batch.samples * channels * batch.voxels;
    let mut map = VoxelLosses { values: vec![0.0; size], magnitudes: vec![0.0; size] };
    for (index, group) in plan.groups.iter().enumerate() {
        let slopes = VoxelSlopes::unreduced(plan, index);
        for (sample, place, voxel) in batch.counted() {
            for loss in of_group(group, &slopes, voxel) {
                let channel = if channels == 1 { 0 } else { loss.class };
                let at = (sample * channels + channel) * batch.voxels + place;
                map.values[at] += loss.value();
                map.magnitudes[at] += loss.magnitude();
            }
        }
    }
    map
}
