//! One iteration after the other.

use burn::{
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, Int, Tensor, TensorData},
};

use super::{Candidate, Plan, TrainError, UNet};
use crate::data::{CropSampler, Crops, Dataset};

/// A network in training.
pub(super) struct Trainer<'a> {
    pub network: UNet,
    optimiser: ModuleOptimizer,
    sampler: CropSampler<'a>,
    candidate: &'a Candidate,
    plan: &'a Plan,
    data: &'a Dataset,
    device: &'a Device,
}

impl<'a> Trainer<'a> {
    /// Before the first iteration; the seed decides the batches.
    pub fn new(
        network: UNet,
        candidate: &'a Candidate,
        data: &'a Dataset,
        plan: &'a Plan,
        device: &'a Device,
        seed: u64,
    ) -> Self {
        let sampler = CropSampler::new(data, plan.crop, seed);
        let optimiser = AdamConfig::new().init();
        Self { network, optimiser, sampler, candidate, plan, data, device }
    }

    /// Does an iteration and gives the loss before it; one that is not finite changes nothing.
    pub fn step(mut self, learning_rate: f64) -> Result<(Self, f64), TrainError> {
        let (images, labels) = self.tensors();
        let loss =
            (self.candidate.criterion)(self.network.forward(images), labels).map_err(|source| {
                TrainError::Loss { loss: self.candidate.record.title.clone(), source }
            })?;
        let value: f64 = loss.clone().into_scalar::<f32>().into();
        if value.is_finite() {
            let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
            self.network = self.optimiser.step(learning_rate, self.network, gradients);
        }
        Ok((self, value))
    }

    fn tensors(&mut self) -> (Tensor<4>, Tensor<3, Int>) {
        let Crops { images, labels } = self.sampler.batch(self.plan.batch_size);
        let crop = self.plan.crop;
        let count = labels.len() / (crop * crop);
        let images = TensorData::new(images, [count, self.data.channels, crop, crop]);
        let labels: Vec<i32> = labels.into_iter().map(i32::from).collect();
        let labels = TensorData::new(labels, [count, crop, crop]);
        (Tensor::from_data(images, self.device), Tensor::from_data(labels, self.device))
    }
}
