//! Trains a small U-Net to segment the slices of a chest CT. Takes less than a minute.
//!
//! `cargo run --release -p dice-loss-candle --example train_unet`, or with a number of steps at the
//! end; with less than 100 it only has to have learnt something.
//!
//! The CT is one person's, and so are the slices it is tested on: the numbers say nothing about
//! others.

use std::{collections::BTreeMap, error::Error, io::Read, time::Instant};

use candle_core::{DType, Device, Module, ModuleT, Result, Tensor};
use candle_nn::{
    AdamW, BatchNorm, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, Optimizer,
    VarBuilder, VarMap, batch_norm, conv_transpose2d, conv2d, conv2d_no_bias,
};
use dice_loss_candle::{
    DiceCrossEntropyLoss, DiceCrossEntropyLossConfig, Evaluation,
    dice_loss::{Activation, Decision, Pool},
};
use flate2::read::GzDecoder;
use nifti::{NiftiHeader, RandomAccessNiftiVolume, volume::inmem::InMemNiftiVolume};

const IMAGE: &[u8] = include_bytes!("../../dice-loss-cli/data/chest-ct.nii.gz");
const LABELS: &[u8] = include_bytes!("../../dice-loss-cli/data/chest-ct-labels.nii.gz");

const CLASSES: [&str; 8] = [
    "background",
    "ribs",
    "cervical spine",
    "thoracic spine",
    "lumbar spine",
    "right lung",
    "left lung",
    "tissue",
];

/// Of a slice's rows and columns every fourth is enough to see lungs.
const STEP: u16 = 4;

/// Slices as a batch: images `[N, 1, H, W]` and labels `[N, H, W]`.
struct Slices {
    images: Tensor,
    labels: Tensor,
}

impl Slices {
    /// All slices of the CT, and their labels.
    fn embedded() -> std::result::Result<Self, Box<dyn Error>> {
        let (shape, intensities) = volume(IMAGE)?;
        let (_, labels) = volume(LABELS)?;
        // From air to bone, in Hounsfield units.
        let image = intensities.iter().map(|hu| (hu.clamp(-1000.0, 600.0) + 200.0) as f32 / 800.0);
        let labels = labels.iter().map(|&label| label as u8);
        Ok(Self {
            images: Tensor::from_iter(image, &Device::Cpu)?.reshape(shape)?.unsqueeze(1)?,
            labels: Tensor::from_iter(labels, &Device::Cpu)?.reshape(shape)?,
        })
    }

    fn select(&self, slices: &[u32]) -> Result<Self> {
        let slices = Tensor::new(slices, &Device::Cpu)?;
        Ok(Self {
            images: self.images.index_select(&slices, 0)?,
            labels: self.labels.index_select(&slices, 0)?,
        })
    }
}

/// The voxels of a file, by slice, row and column.
#[allow(clippy::type_complexity)]
fn volume(file: &[u8]) -> std::result::Result<((usize, usize, usize), Vec<f64>), Box<dyn Error>> {
    let mut voxels = GzDecoder::new(file);
    let header = NiftiHeader::from_reader(&mut voxels)?;
    let extensions = voxels.by_ref().take(4).read_to_end(&mut Vec::new())?;
    assert_eq!(extensions, 4, "voxels begin right behind the header");
    let volume = InMemNiftiVolume::from_reader(voxels, &header)?;
    let [_, width, height, depth, ..] = header.dim;
    let mut values = Vec::new();
    for z in 0..depth {
        for y in (0..height).step_by(STEP.into()) {
            for x in (0..width).step_by(STEP.into()) {
                values.push(volume.get_f64(&[x, y, z])?);
            }
        }
    }
    Ok(((depth.into(), (height / STEP).into(), (width / STEP).into()), values))
}

/// Two 3 × 3 convolutions, each with normalisation and ReLU.
struct Block {
    layers: [(Conv2d, BatchNorm); 2],
}

impl Block {
    fn new(inputs: usize, outputs: usize, variables: VarBuilder) -> Result<Self> {
        let config = Conv2dConfig { padding: 1, ..Default::default() };
        let layer = |inputs, variables: VarBuilder| {
            let convolution =
                conv2d_no_bias(inputs, outputs, 3, config, variables.pp("convolution"))?;
            Ok::<_, candle_core::Error>((
                convolution,
                batch_norm(outputs, 1e-5, variables.pp("norm"))?,
            ))
        };
        Ok(Self {
            layers: [
                layer(inputs, variables.pp("first"))?,
                layer(outputs, variables.pp("second"))?,
            ],
        })
    }
}

impl ModuleT for Block {
    fn forward_t(&self, features: &Tensor, train: bool) -> Result<Tensor> {
        self.layers.iter().try_fold(features.clone(), |features, (convolution, norm)| {
            norm.forward_t(&convolution.forward(&features)?, train)?.relu()
        })
    }
}

/// Contracting and expanding path with skip connections (Ronneberger et al. 2015,
/// <https://arxiv.org/abs/1505.04597>).
struct UNet {
    contract: Vec<Block>,
    bottom: Block,
    /// Enlarges, and then looks at the result beside what was seen at this resolution before.
    expand: Vec<(ConvTranspose2d, Block)>,
    head: Conv2d,
}

impl UNet {
    fn new(width: usize, depth: usize, variables: VarBuilder) -> Result<Self> {
        let features = |level: usize| width << level;
        let inputs = |level: usize| if level == 0 { 1 } else { features(level - 1) };
        let contract = (0..depth).map(|level| {
            Block::new(inputs(level), features(level), variables.pp(format!("contract{level}")))
        });
        let twice = ConvTranspose2dConfig { stride: 2, ..Default::default() };
        let expand = (0..depth).rev().map(|level| {
            let (from, to) = (features(level + 1), features(level));
            let variables = variables.pp(format!("expand{level}"));
            let enlarge = conv_transpose2d(from, to, 2, twice, variables.pp("enlarge"))?;
            Ok((enlarge, Block::new(2 * to, to, variables)?))
        });
        Ok(Self {
            contract: contract.collect::<Result<_>>()?,
            bottom: Block::new(inputs(depth), features(depth), variables.pp("bottom"))?,
            expand: expand.collect::<Result<_>>()?,
            head: conv2d(width, CLASSES.len(), 1, Default::default(), variables.pp("head"))?,
        })
    }
}

impl ModuleT for UNet {
    fn forward_t(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = images.clone();
        let mut skips = Vec::new();
        for block in &self.contract {
            let skip = block.forward_t(&features, train)?;
            features = skip.max_pool2d(2)?;
            skips.push(skip);
        }
        features = self.bottom.forward_t(&features, train)?;
        for ((enlarge, block), skip) in self.expand.iter().zip(skips.iter().rev()) {
            let beside = Tensor::cat(&[skip, &enlarge.forward(&features)?], 1)?;
            features = block.forward_t(&beside, train)?;
        }
        self.head.forward(&features)
    }
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

/// Candle's generator on the CPU takes no seed; this makes the weights the same in every run.
fn draw_weights(variables: &VarMap, noise: &mut Noise) -> std::result::Result<(), Box<dyn Error>> {
    let all = variables.data().lock().map_err(|error| error.to_string())?;
    for (name, variable) in BTreeMap::from_iter(all.iter()) {
        if name.ends_with("bias") {
            variable.set(&variable.zeros_like()?)?;
        }
        if let Ok((_, inputs, height, width)) = variable.dims4() {
            let limit = (6.0 / (inputs * height * width) as f32).sqrt();
            let weights: Vec<_> =
                (0..variable.elem_count()).map(|_| limit * (2.0 * noise.next() - 1.0)).collect();
            variable.set(&Tensor::from_vec(weights, variable.shape(), variable.device())?)?;
        }
    }
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let steps = match std::env::args().nth(1) {
        Some(steps) => steps.parse()?,
        None => 300,
    };
    let ct = Slices::embedded()?;
    // Neighbours look alike, so a slice is left out between those to train on and those held out.
    let of = |residues: &[u32]| -> Vec<u32> {
        (0..34).filter(|slice| residues.contains(&(slice % 8))).collect()
    };
    let (training, held_out) = (of(&[0, 1, 2, 3]), ct.select(&of(&[5, 6]))?);

    let (variables, mut noise) = (VarMap::new(), Noise(1));
    let network = UNet::new(8, 2, VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
    draw_weights(&variables, &mut noise)?;
    let mut optimiser = AdamW::new_lr(variables.all_vars(), 1e-2)?;
    let loss = DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
        background: false,
        pool: Pool::Batch,
        decision: Some(Decision::Argmax),
        ..DiceCrossEntropyLossConfig::new(Activation::Softmax)
    });

    let start = Instant::now();
    let (mut first, mut last) = (f32::NAN, f32::NAN);
    for step in 1..=steps {
        let drawn: Vec<_> =
            (0..4).map(|_| training[(noise.next() * training.len() as f32) as usize]).collect();
        let batch = ct.select(&drawn)?;
        let value = loss.forward(&network.forward_t(&batch.images, true)?, &batch.labels)?;
        optimiser.backward_step(&value)?;
        last = value.to_scalar()?;
        if step == 1 || step % 25 == 0 {
            println!("step {step:3}: loss {last:.3}, {:.0} s", start.elapsed().as_secs_f64());
        }
        first = if step == 1 { last } else { first };
    }

    let logits = network.forward_t(&held_out.images, false)?;
    let Evaluation { moments, .. } = loss.evaluate(&logits, &held_out.labels)?;
    let moments = moments.pooled();
    let mut of_large = Vec::new();
    for (class, name) in CLASSES.iter().enumerate() {
        let dice = moments.counts(0, class).and_then(|counts| counts.dice()).unwrap_or(f64::NAN);
        println!("{name}: Dice {dice:.3}");
        if ["right lung", "left lung", "tissue"].contains(name) {
            of_large.push(dice);
        }
    }
    assert!(last < 0.8 * first, "the loss was {first} and is {last}");
    if steps >= 100 {
        assert!(of_large.iter().all(|&dice| dice > 0.8), "lungs and tissue: Dice {of_large:?}");
    }
    Ok(())
}
