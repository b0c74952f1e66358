//! How long training takes, and a plan that fits a time.

use std::time::{Duration, Instant};

use burn::{module::Module, tensor::Device};

use super::{Candidate, Plan, TrainError, predict, step::Trainer};
use crate::data::Dataset;

/// Iterations that are timed, after one that is not.
const TIMED: u32 = 2;

/// Side of what is predicted for the measurement at most.
const TIMED_SIDE: usize = 512;

/// Share of the time that is planned for; the rest is for what the measurement could not see.
const PLANNED: f64 = 0.8;

/// Shares of a training's time for the validation at its end and for those along the way.
const AT_END: f64 = 0.25;
const ALONG: f64 = 0.15;

/// Seconds of an iteration, and of a voxel that is predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Of an iteration.
    pub iteration: f64,
    /// Of a voxel in a validation.
    pub voxel: f64,
}

impl Pace {
    /// Measures a few iterations with a loss, and the prediction of a slice.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn measure(candidate: &Candidate, data: &Dataset, plan: &Plan) -> Result<Self, TrainError> {
        let device = Device::flex().autodiff();
        let network = plan.network.init(&device);
        let trainer = Trainer::new(network, candidate, data, plan, &device, plan.seeds[0]);
        let (mut trainer, _) = trainer.step(0.0)?;
        let start = Instant::now();
        for _ in 0..TIMED {
            (trainer, _) = trainer.step(0.0)?;
        }
        let iteration = start.elapsed().as_secs_f64() / f64::from(TIMED);
        let slice = &data.slices[plan.at_end[0]];
        let slice = &slice.window(0, 0, slice.width.min(TIMED_SIDE), slice.height.min(TIMED_SIDE));
        let start = Instant::now();
        let plain = device.clone().without_autodiff();
        predict(&trainer.network.valid(), &plan.network, plan.head, &[slice], &plain)?;
        let voxel = start.elapsed().as_secs_f64() / slice.labels.len().max(1) as f64;
        Ok(Self { iteration, voxel })
    }
}

impl Plan {
    /// Slices, evenly spaced, that hold about so many voxels together, and at least one; all where they fit.
    ///
    /// One of them holds a class beside background, if any slice does.
    pub fn within(slices: &[usize], data: &Dataset, voxels: usize) -> Vec<usize> {
        let total: usize = slices.iter().map(|&slice| data.slices[slice].labels.len()).sum();
        let count = (slices.len() as u128 * voxels as u128 / total.max(1) as u128) as usize;
        if count >= slices.len() {
            return slices.to_vec();
        }
        let count = count.max(1);
        let at = |i: usize| (2 * i + 1) * slices.len() / (2 * count);
        let mut chosen: Vec<usize> = (0..count).map(|i| slices[at(i)]).collect();
        let holds = |slice: &&usize| {
            let labels = &data.slices[**slice].labels;
            labels.iter().any(|&label| label > 0 && usize::from(label) < data.classes.len())
        };
        if !chosen.iter().any(|slice| holds(&slice)) {
            chosen[count / 2] = *slices.iter().find(holds).unwrap_or(&chosen[count / 2]);
            chosen.sort_unstable();
        }
        chosen
    }

    /// Fewer iterations, and fewer and smaller slices in validations, so that all trainings of `losses` losses end in time.
    pub fn fit(&mut self, pace: Pace, left: Duration, losses: usize, data: &mut Dataset) {
        let trainings = (losses * self.seeds.len()).max(1);
        let each = left.as_secs_f64() * PLANNED / trainings as f64;
        let voxels = |seconds: f64| (seconds / pace.voxel.max(f64::MIN_POSITIVE)) as usize;
        let once = voxels(each * ALONG / self.validations as f64);
        data.cut_validation(once.max(self.crop * self.crop));
        self.at_end = Self::within(&self.at_end, data, voxels(each * AT_END));
        self.along = Self::within(&self.along, data, once);
        let count = |slices: &[usize]| -> usize {
            slices.iter().map(|&slice| data.slices[slice].labels.len()).sum()
        };
        let validated = count(&self.at_end) + self.validations * count(&self.along);
        let rest = each - validated as f64 * pace.voxel;
        let affordable = (rest / pace.iteration.max(f64::MIN_POSITIVE)) as usize;
        self.iterations = affordable.clamp(1, self.iterations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::embedded,
        train::{Head, UNetConfig},
    };

    fn plan(data: &Dataset) -> Plan {
        Plan {
            seeds: vec![0, 1],
            iterations: 240,
            batch_size: 2,
            crop: 32,
            learning_rate: 1e-3,
            validations: 4,
            along: data.split.validation.clone(),
            at_end: data.split.validation.clone(),
            network: UNetConfig { inputs: 1, outputs: 8, width: 4, depth: 2 },
            head: Head::new(8),
        }
    }

    #[test]
    fn slices_within_a_number_of_voxels_are_evenly_spaced() {
        let data = embedded(None).unwrap();
        let all = &data.split.validation;
        let slice = 128 * 128;
        assert_eq!(Plan::within(all, &data, 8 * slice), all[..]);
        assert_eq!(Plan::within(all, &data, 4 * slice), [6, 14, 22, 30]);
        assert_eq!(Plan::within(all, &data, 0), [21]);
    }

    #[test]
    fn a_slice_with_a_class_is_among_them() {
        let mut data = embedded(None).unwrap();
        for &slice in &data.split.validation[1..] {
            data.slices[slice].labels.fill(0);
        }
        assert_eq!(Plan::within(&data.split.validation, &data, 2 * 128 * 128), [5, 13]);
    }

    #[test]
    fn a_plan_fits_its_time_whatever_the_data() {
        let data = embedded(None).unwrap();
        for (iteration, voxel, minutes, losses) in [
            (0.05, 1e-6, 1.0, 8),
            (0.05, 1e-3, 2.0, 8),
            (2.0, 1e-6, 10.0, 3),
            (1e-9, 1e-12, 1.0, 1),
        ] {
            let (mut plan, mut data) = (plan(&data), data.clone());
            let left = Duration::from_secs_f64(60.0 * minutes);
            plan.fit(Pace { iteration, voxel }, left, losses, &mut data);
            let count = |&slice: &usize| data.slices[slice].labels.len();
            let voxels = |slices: &[usize]| slices.iter().map(count).sum::<usize>() as f64;
            let validated = voxels(&plan.at_end) + 4.0 * voxels(&plan.along);
            let each = plan.iterations as f64 * iteration + validated * voxel;
            let least = iteration + 5.0 * 32.0 * 32.0 * voxel;
            let share = left.as_secs_f64() / (2 * losses) as f64;
            assert!(each <= share.max(least), "{each} s of {share} s: {plan:?}");
        }
        let (mut plan, mut data) = (plan(&data), data);
        plan.fit(Pace { iteration: 0.01, voxel: 1e-8 }, Duration::from_secs(3600), 8, &mut data);
        assert_eq!((plan.iterations, plan.along.len(), plan.at_end.len()), (240, 8, 8));
    }
}
