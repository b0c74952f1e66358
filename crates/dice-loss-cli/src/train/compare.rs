//! The comparison: the same start and the same batches for every loss.

use burn::{module::Module, tensor::Device};

use super::{
    Candidate, Plan, TrainError, UNet, Watch,
    run::{Place, Trained, train},
};
use crate::{data::Dataset, record::Run};

/// What a comparison gives.
pub struct Compared {
    /// One record per training that was begun.
    pub runs: Vec<Run>,
    /// What each loss's network of the first seed predicts, in the order of `runs`.
    pub predictions: Vec<Prediction>,
    /// The trained networks, in the order of `runs`.
    pub networks: Vec<UNet>,
    /// Trainable parameters of the network.
    pub parameters: usize,
    /// Whether the watcher ended it early.
    pub interrupted: bool,
}

/// Labels of every slice of [`Plan::at_end`].
pub type Prediction = Vec<Vec<u8>>;

/// Trains the network once per loss and seed; for one seed, from the same initial weights on the same batches.
///
/// When the watcher asks to stop, the loss in training is measured as it stands, and no further one begins;
/// of the first loss, one iteration is always done, so that there is something to report.
///
/// # Errors
/// [`TrainError`].
pub fn compare(
    candidates: &[Candidate],
    data: &Dataset,
    plan: &Plan,
    watch: &mut dyn Watch,
) -> Result<Compared, TrainError> {
    let device = Device::flex().autodiff();
    let mut compared = Compared {
        runs: vec![],
        predictions: vec![],
        networks: vec![],
        parameters: 0,
        interrupted: false,
    };
    for (repeat, &seed) in plan.seeds.iter().enumerate() {
        device.seed(seed);
        let initial = plan.network.init(&device);
        compared.parameters = initial.num_params();
        let weights = initial.into_record();
        for (number, candidate) in candidates.iter().enumerate() {
            if watch.stop() && !compared.runs.is_empty() {
                break;
            }
            // Clones of a network share their running means and variances, so each loss gets a network of its own.
            let network = plan
                .network
                .init(&device)
                .try_load_record(weights.clone())
                .map_err(|error| TrainError::Weights(error.to_string()))?;
            let place = Place { candidate, number, repeat, device: &device };
            let Trained { network, run, predictions } = train(&place, network, data, plan, watch)?;
            compared.runs.push(run);
            compared.networks.push(network);
            if repeat == 0 {
                compared.predictions.push(predictions);
            }
        }
    }
    let all = compared.runs.len() == candidates.len() * plan.seeds.len();
    compared.interrupted = !all || compared.runs.iter().any(|run| run.is_cut(plan.iterations));
    Ok(compared)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor, activation::log_softmax};

    use super::*;
    use crate::{
        data::embedded,
        record::LossRecord,
        train::{Head, UNetConfig},
    };

    struct StopAfter(usize, usize);

    impl Watch for StopAfter {
        fn begin(&mut self, _: usize, _: usize) {}
        fn iteration(&mut self, _: usize, _: usize, _: f64) {
            self.1 += 1;
        }
        fn validated(&mut self, _: usize, _: Option<f64>) {}
        fn end(&mut self, _: usize, _: &Run) {}
        fn stop(&self) -> bool {
            self.1 >= self.0
        }
    }

    /// Cross-entropy in plain tensor operations, so that the loop is tested apart from the losses.
    fn cross_entropy(logits: Tensor<4>, labels: Tensor<3, Int>) -> Tensor<1> {
        log_softmax(logits, 1).gather(1, labels.unsqueeze_dim(1)).mean().neg()
    }

    fn candidate(scale: f32) -> Candidate {
        let text = String::from("test");
        let record = LossRecord {
            name: text.clone(),
            title: text.clone(),
            options: String::new(),
            formula: text.clone(),
            reference: text,
        };
        Candidate {
            record,
            criterion: Box::new(move |logits, labels| Ok(cross_entropy(logits, labels) * scale)),
        }
    }

    fn plan(data: &Dataset) -> Plan {
        let head = Head::new(data.classes.len());
        Plan {
            seeds: vec![5],
            iterations: 4,
            batch_size: 2,
            crop: 32,
            learning_rate: 1e-3,
            validations: 2,
            along: data.split.validation.clone(),
            at_end: data.split.validation.clone(),
            network: UNetConfig { inputs: 1, outputs: head.channels(), width: 4, depth: 2 },
            head,
        }
    }

    #[test]
    fn the_same_loss_twice_gives_the_same_numbers() {
        let data = embedded(None).unwrap();
        let candidates = [candidate(1.0), candidate(1.0)];
        let compared = compare(&candidates, &data, &plan(&data), &mut StopAfter(100, 0)).unwrap();
        let [one, two] = &compared.runs[..] else { panic!("two runs") };
        assert_eq!(one.training, two.training);
        assert_eq!(one.classes, two.classes);
        assert_eq!(compared.predictions[0], compared.predictions[1]);
        assert_eq!(one.validation.iter().map(|v| v.iteration).collect::<Vec<_>>(), [2, 4]);
        assert!(!compared.interrupted);
    }

    #[test]
    fn an_interrupted_comparison_keeps_what_there_is() {
        let data = embedded(None).unwrap();
        let candidates = [candidate(1.0), candidate(1.0), candidate(1.0)];
        let compared = compare(&candidates, &data, &plan(&data), &mut StopAfter(5, 0)).unwrap();
        assert_eq!(compared.runs.iter().map(|run| run.iterations).collect::<Vec<_>>(), [4, 1]);
        assert_eq!(compared.predictions[1].len(), data.split.validation.len());
        assert!(compared.interrupted);
    }

    #[test]
    fn a_loss_that_is_not_finite_ends_its_training() {
        let data = embedded(None).unwrap();
        let candidates = [candidate(f32::NAN), candidate(1.0)];
        let compared = compare(&candidates, &data, &plan(&data), &mut StopAfter(100, 0)).unwrap();
        assert_eq!(compared.runs[0].diverged, Some(0));
        assert_eq!(compared.runs[1].iterations, 4);
    }

    #[test]
    fn every_seed_trains_every_loss_and_validation_keeps_to_its_slices() {
        let data = embedded(None).unwrap();
        let candidates = [candidate(1.0), candidate(2.0)];
        let held_out = &data.split.validation;
        let plan = Plan {
            seeds: vec![5, 6],
            along: held_out[..1].to_vec(),
            at_end: held_out[..3].to_vec(),
            ..plan(&data)
        };
        let compared = compare(&candidates, &data, &plan, &mut StopAfter(100, 0)).unwrap();
        assert_eq!(compared.runs.iter().map(|run| run.seed).collect::<Vec<_>>(), [5, 5, 6, 6]);
        assert_ne!(compared.runs[0].training, compared.runs[2].training);
        assert_eq!(compared.predictions.len(), 2, "those of the first seed");
        assert_eq!(compared.predictions[0].len(), 3);
        assert_eq!(compared.networks.len(), 4);
        assert!(!compared.interrupted);
    }
}
