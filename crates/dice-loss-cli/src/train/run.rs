//! One training.

use std::time::Instant;

use burn::{module::Module, tensor::Device};

use super::{
    Candidate, Counts, Head, Prediction, TrainError, UNet, UNetConfig, predict, step::Trainer,
};
use crate::{
    data::{Dataset, Slice},
    record::{Run, Score, Validation},
};

/// How every loss is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Decide initial weights and batches; every loss is trained once with each.
    pub seeds: Vec<u64>,
    /// Iterations.
    pub iterations: usize,
    /// Crops per iteration.
    pub batch_size: usize,
    /// Side of a crop.
    pub crop: usize,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Validations along the way, the one at the end included.
    pub validations: usize,
    /// Slices that are predicted along the way.
    pub along: Vec<usize>,
    /// Slices that are predicted at the end.
    pub at_end: Vec<usize>,
    /// The network.
    pub network: UNetConfig,
    /// How its logits become classes.
    pub head: Head,
}

/// Looks on while losses are trained, and may end it.
pub trait Watch {
    /// A loss begins, with the seed of this number.
    fn begin(&mut self, loss: usize, repeat: usize);
    /// An iteration is done.
    fn iteration(&mut self, loss: usize, done: usize, value: f64);
    /// Validation slices were predicted; the mean Dice.
    fn validated(&mut self, loss: usize, dice: Option<f64>);
    /// A loss is done.
    fn end(&mut self, loss: usize, run: &Run);
    /// Whether to stop before the next iteration.
    fn stop(&self) -> bool;
}

/// A trained network with its record and its predictions of the slices of [`Plan::at_end`].
pub(super) struct Trained {
    pub network: UNet,
    pub run: Run,
    pub predictions: Prediction,
}

/// Which training of a comparison it is.
pub(super) struct Place<'a> {
    /// The loss.
    pub candidate: &'a Candidate,
    /// What the watcher knows it by.
    pub number: usize,
    /// The number of its seed among the plan's.
    pub repeat: usize,
    /// Where it is computed.
    pub device: &'a Device,
}

impl Plan {
    /// Iterations between two validations.
    pub fn validation_interval(&self) -> usize {
        self.iterations.div_ceil(self.validations.max(1)).max(1)
    }

    /// The learning rate falls along half a cosine, from its start to zero.
    fn learning_rate(&self, iteration: usize) -> f64 {
        let progress = iteration as f64 / self.iterations as f64;
        self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}

/// Trains `network` with one loss.
pub(super) fn train(
    place: &Place,
    network: UNet,
    data: &Dataset,
    plan: &Plan,
    watch: &mut dyn Watch,
) -> Result<Trained, TrainError> {
    let &Place { candidate, number, repeat, device } = place;
    let seed = plan.seeds[repeat];
    let mut trainer = Trainer::new(network, candidate, data, plan, device, seed);
    let (mut training, mut validation, mut milliseconds) = (vec![], vec![], vec![]);
    let (mut diverged, mut latest) = (None, None);
    let mut point = |network: &UNet, iteration: usize| {
        let (predictions, scores) = validate(network, data, plan, &plan.along, device)?;
        let point = Validation {
            iteration,
            classes: scores.iter().map(|score| score.dice).collect(),
            mean: mean(data, &scores, false).dice,
            rare: mean(data, &scores, true).dice,
        };
        let dice = point.mean;
        validation.push(point);
        latest = Some((predictions, scores));
        Ok::<_, TrainError>(dice)
    };
    watch.begin(number, repeat);
    for iteration in 0..plan.iterations {
        let start = Instant::now();
        let value;
        (trainer, value) = trainer.step(plan.learning_rate(iteration))?;
        if !value.is_finite() {
            diverged = Some(iteration);
            break;
        }
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        training.push(value);
        watch.iteration(number, iteration + 1, value);

        let last = watch.stop() || iteration + 1 == plan.iterations;
        if last || (iteration + 1) % plan.validation_interval() == 0 {
            watch.validated(number, point(&trainer.network, iteration + 1)?);
        }
        if last {
            break;
        }
    }
    if diverged.is_some() {
        watch.validated(number, point(&trainer.network, training.len())?);
    }
    let (predictions, scores) = match latest {
        Some(latest) if plan.along == plan.at_end => latest,
        _ => validate(&trainer.network, data, plan, &plan.at_end, device)?,
    };
    let run = Run {
        loss: candidate.record.clone(),
        seed,
        iterations: training.len(),
        diverged,
        training,
        validation,
        mean: mean(data, &scores, false),
        rare: data.foreground(true).next().map(|_| mean(data, &scores, true)),
        classes: scores,
        milliseconds_per_iteration: median(milliseconds),
    };
    watch.end(number, &run);
    Ok(Trained { network: trainer.network, run, predictions })
}

/// Predictions of slices and the scores of every class.
fn validate(
    network: &UNet,
    data: &Dataset,
    plan: &Plan,
    slices: &[usize],
    device: &Device,
) -> Result<(Prediction, Vec<Score>), TrainError> {
    let slices: Vec<&Slice> = slices.iter().map(|&slice| &data.slices[slice]).collect();
    let predictions = predict(
        &network.valid(),
        &plan.network,
        plan.head,
        &slices,
        &device.clone().without_autodiff(),
    )?;
    let mut counts = Counts::new(data.classes.len());
    for (prediction, slice) in predictions.iter().zip(&slices) {
        counts.add(prediction, &slice.labels);
    }
    Ok((predictions, counts.scores()))
}

fn mean(data: &Dataset, scores: &[Score], rare: bool) -> Score {
    let labels: Vec<usize> = data.foreground(rare).collect();
    Score::mean(labels.iter().map(|&label| scores[label]))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
