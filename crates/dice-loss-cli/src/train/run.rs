//! One training.

use std::time::Instant;

use burn::{
    module::Module,
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Int, Tensor, TensorData},
};

use super::{Candidate, Counts, Head, TrainError, UNet, UNetConfig, predict};
use crate::{
    data::{Batch, CropSampler, Dataset, Slice},
    record::{Run, Score, Validation},
};

/// How every loss is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Decides initial weights and batches.
    pub seed: u64,
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
    /// The network.
    pub network: UNetConfig,
    /// How its logits become classes.
    pub head: Head,
}

/// Looks on while losses are trained, and may end it.
pub trait Watch {
    /// A loss begins.
    fn begin(&mut self, loss: usize);
    /// An iteration is done.
    fn iteration(&mut self, loss: usize, done: usize, value: f64);
    /// Validation slices were predicted; the mean Dice.
    fn validated(&mut self, loss: usize, dice: Option<f64>);
    /// A loss is done.
    fn end(&mut self, loss: usize, run: &Run);
    /// Whether to stop before the next iteration.
    fn stop(&self) -> bool;
}

/// A trained network with its record and its predictions of the validation slices.
pub(super) struct Trained {
    pub network: UNet,
    pub run: Run,
    pub predictions: Vec<Vec<u8>>,
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

/// Trains `network` with one loss; `number` is what the watcher knows it by.
pub(super) fn train(
    candidate: &Candidate,
    number: usize,
    mut network: UNet,
    data: &Dataset,
    plan: &Plan,
    device: &Device,
    watch: &mut dyn Watch,
) -> Result<Trained, TrainError> {
    let mut sampler = CropSampler::new(data, plan.crop, plan.seed);
    let mut optimiser = AdamConfig::new().init();
    let (mut training, mut validation, mut milliseconds) = (vec![], vec![], vec![]);
    let (mut predictions, mut scores) = (vec![], vec![]);
    let mut diverged = None;
    watch.begin(number);
    for iteration in 0..plan.iterations {
        let (images, labels) =
            tensors(sampler.batch(plan.batch_size), data.channels, plan.crop, device);
        let start = Instant::now();
        let loss = (candidate.criterion)(network.forward(images), labels)
            .map_err(|source| TrainError::Loss { loss: candidate.record.title.clone(), source })?;
        let value: f64 = loss.clone().into_scalar::<f32>().into();
        if !value.is_finite() {
            diverged = Some(iteration);
            break;
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimiser.step(plan.learning_rate(iteration), network, gradients);
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        training.push(value);
        watch.iteration(number, iteration + 1, value);

        let stop = watch.stop();
        let last = stop || iteration + 1 == plan.iterations;
        if last || (iteration + 1) % plan.validation_interval() == 0 {
            (predictions, scores) = validate(&network, data, plan, device)?;
            validation.push(point(data, &scores, iteration + 1));
            watch.validated(number, validation[validation.len() - 1].mean);
        }
        if stop {
            break;
        }
    }
    if predictions.is_empty() || diverged.is_some() {
        (predictions, scores) = validate(&network, data, plan, device)?;
        validation.push(point(data, &scores, training.len()));
    }
    let run = Run {
        loss: candidate.record.clone(),
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
    Ok(Trained { network, run, predictions })
}

fn tensors(
    batch: Batch,
    channels: usize,
    crop: usize,
    device: &Device,
) -> (Tensor<4>, Tensor<3, Int>) {
    let count = batch.labels.len() / (crop * crop);
    let images = TensorData::new(batch.images, [count, channels, crop, crop]);
    let labels: Vec<i32> = batch.labels.into_iter().map(i32::from).collect();
    let labels = TensorData::new(labels, [count, crop, crop]);
    (Tensor::from_data(images, device), Tensor::from_data(labels, device))
}

/// Predictions of the validation slices and the scores of every class.
fn validate(
    network: &UNet,
    data: &Dataset,
    plan: &Plan,
    device: &Device,
) -> Result<(Vec<Vec<u8>>, Vec<Score>), TrainError> {
    let slices: Vec<&Slice> =
        data.split.validation.iter().map(|&slice| &data.slices[slice]).collect();
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

fn point(data: &Dataset, scores: &[Score], iteration: usize) -> Validation {
    Validation {
        iteration,
        classes: scores.iter().map(|score| score.dice).collect(),
        mean: mean(data, scores, false).dice,
        rare: mean(data, scores, true).dice,
    }
}

fn mean(data: &Dataset, scores: &[Score], rare: bool) -> Score {
    let labels: Vec<usize> = data.foreground(rare).collect();
    Score::mean(labels.iter().map(|&label| scores[label]))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
