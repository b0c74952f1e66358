//! Trains a small network to segment discs and squares in noise, with burn-train.
//!
//! `cargo run --release -p dice-loss-burn --features train --example train_segmentation`

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderBuilder, batcher::Batcher},
        dataset::InMemDataset,
    },
    module::Module,
    nn::{
        PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    optim::AdamConfig,
    tensor::{Device, Int, Tensor, TensorData, activation::relu},
    train::{
        InferenceStep, Learner, SupervisedTraining, TrainOutput, TrainStep, metric::LossMetric,
    },
};
use dice_loss_burn::{
    DiceCrossEntropyLoss, DiceCrossEntropyLossConfig, Evaluation,
    dice_loss::{Activation, Decision, Pool},
    train::{OverlapMetric, SegmentationOutput},
};
use std::sync::Arc;

const SIZE: usize = 32;
const CLASSES: [&str; 3] = ["background", "disc", "square"];

/// An image and the class of each pixel.
#[derive(Debug, Clone)]
struct Item {
    pixels: Vec<f32>,
    labels: Vec<i32>,
}

/// Numbers in [0, 1), the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// A bright disc and a dark square in noise, somewhere.
fn image(noise: &mut Noise) -> Item {
    let mut item = Item {
        pixels: (0..SIZE * SIZE).map(|_| noise.next() - 0.5).collect(),
        labels: vec![0; SIZE * SIZE],
    };
    for (class, brightness) in [(1, 1.0), (2, -1.0)] {
        let radius = 3.0 + 3.0 * noise.next();
        let mut centre = || radius + noise.next() * (SIZE as f32 - 2.0 * radius);
        let (row, column) = (centre(), centre());
        for pixel in 0..SIZE * SIZE {
            let down = ((pixel / SIZE) as f32 - row).abs();
            let right = ((pixel % SIZE) as f32 - column).abs();
            let inside = match class {
                1 => down.hypot(right) < radius,
                _ => down.max(right) < radius,
            };
            if inside && item.labels[pixel] == 0 {
                item.labels[pixel] = class;
                item.pixels[pixel] += brightness;
            }
        }
    }
    item
}

#[derive(Debug, Clone)]
struct Batch {
    images: Tensor<4>,
    labels: Tensor<3, Int>,
}

struct ToBatch;

impl Batcher<Item, Batch> for ToBatch {
    fn batch(&self, items: Vec<Item>, device: &Device) -> Batch {
        let samples = items.len();
        let pixels = items.iter().flat_map(|item| item.pixels.clone()).collect::<Vec<_>>();
        let labels = items.iter().flat_map(|item| item.labels.clone()).collect::<Vec<_>>();
        let images = TensorData::new(pixels, [samples, 1, SIZE, SIZE]);
        let labels = TensorData::new(labels, [samples, SIZE, SIZE]);
        Batch {
            images: Tensor::from_data(images, device),
            labels: Tensor::from_data(labels, device),
        }
    }
}

#[derive(Module, Debug)]
struct Network {
    layers: Vec<Conv2d>,
    head: Conv2d,
    loss: DiceCrossEntropyLoss,
}

impl Network {
    fn new(device: &Device) -> Self {
        let layer = |from, to, size| {
            Conv2dConfig::new([from, to], [size, size])
                .with_padding(PaddingConfig2d::Same)
                .init(device)
        };
        Self {
            layers: vec![layer(1, 8, 5), layer(8, 8, 5)],
            head: layer(8, CLASSES.len(), 1),
            loss: DiceCrossEntropyLossConfig::new(Activation::Softmax)
                .with_background(false)
                .with_pool(Pool::Batch)
                .with_decision(Some(Decision::Argmax))
                .init(),
        }
    }

    fn evaluate(&self, batch: Batch) -> Evaluation {
        let features = self.layers.iter().fold(batch.images, |x, layer| relu(layer.forward(x)));
        let logits = self.head.forward(features);
        self.loss.evaluate(logits, batch.labels).expect("labels are classes of the network")
    }
}

impl TrainStep for Network {
    type Input = Batch;
    type Output = SegmentationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<SegmentationOutput> {
        let evaluation = self.evaluate(batch);
        TrainOutput::new(self, evaluation.loss.backward(), evaluation.into())
    }
}

impl InferenceStep for Network {
    type Input = Batch;
    type Output = SegmentationOutput;

    fn step(&self, batch: Batch) -> SegmentationOutput {
        self.evaluate(batch).into()
    }
}

fn loader(images: usize, seed: u64, device: &Device) -> Arc<dyn DataLoader<Batch>> {
    let mut noise = Noise(seed);
    let items = (0..images).map(|_| image(&mut noise)).collect();
    DataLoaderBuilder::new(ToBatch)
        .batch_size(8)
        .shuffle(seed)
        .set_device(device.clone())
        .build(InMemDataset::new(items))
}

fn main() {
    let device = Device::flex();
    device.seed(1);
    let training = device.clone().autodiff();
    let directory = std::env::temp_dir().join("dice-loss-train-segmentation");
    let mut trainer =
        SupervisedTraining::new(directory, loader(256, 1, &training), loader(64, 2, &device))
            .metrics((LossMetric::new(), OverlapMetric::mean_dice().without_background()))
            .num_epochs(4)
            .summary();
    for (class, name) in CLASSES.iter().enumerate().skip(1) {
        trainer = trainer
            .metric_valid_numeric(OverlapMetric::dice_of_class(class, name))
            .metric_valid_numeric(OverlapMetric::iou_of_class(class, name));
    }
    let learner = Learner::new(Network::new(&training), AdamConfig::new().init(), 5e-3);
    let trained = trainer.launch(learner);

    // The trained network on images that it has not seen.
    let unseen = loader(64, 3, &device);
    let batches = unseen.iter().map(|batch| batch.expect("images in memory"));
    let moments = batches.map(|batch| trained.model.evaluate(batch).moments.pooled());
    let sum = moments.reduce(|mut sum, moments| {
        sum.add(&moments).expect("moments of one objective");
        sum
    });
    let sum = sum.expect("a batch or more");
    for (class, name) in CLASSES.iter().enumerate() {
        let dice = sum.counts(0, class).and_then(|counts| counts.dice()).unwrap_or(f64::NAN);
        println!("{name}: Dice {dice:.3}");
        assert!(dice > 0.9, "{name} has not been learnt");
    }
}
