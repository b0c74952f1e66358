//! A step of Dice + cross-entropy, forward and backward, beside the same loss in Candle's own
//! operations, as one writes it down.
//!
//! `cargo bench -p dice-loss-candle` takes two minutes; it prints the CSV of bench/results/candle.csv,
//! and on the error stream a table of times as multiples of dice-loss's. The contenders take turns,
//! so that a busy machine slows all of them; ratios mean more than times. `cargo test` runs every
//! case once, on few voxels, and compares the numbers.

use std::{hint::black_box, time::Instant};

use candle_core::{DType, Device, Result, Tensor, Var, backprop::GradStore};
use candle_nn::ops::{log_softmax, sigmoid};
use dice_loss_candle::{
    DiceBinaryCrossEntropyLoss, DiceBinaryCrossEntropyLossConfig, DiceCrossEntropyLoss,
    DiceCrossEntropyLossConfig,
    dice_loss::{Absent, Activation, Isa, Smoothing},
};

const THREADS: usize = 2;
const ROUNDS: usize = 15;
const SMOOTHING: f64 = 1e-5;

/// Voxels of one class in a row, on average: segmentations are made of regions.
const RUN: u64 = 60;

struct Case {
    name: &'static str,
    shape: &'static [usize],
    logits: DType,
    labels: DType,
}

const CASES: [Case; 6] = [
    Case {
        name: "8×21×256²", shape: &[8, 21, 256, 256], logits: DType::F32, labels: DType::U32
    },
    Case { name: "8×21×256²", shape: &[8, 21, 256, 256], logits: DType::F32, labels: DType::U8 },
    Case {
        name: "8×21×256²", shape: &[8, 21, 256, 256], logits: DType::BF16, labels: DType::U8
    },
    Case {
        name: "2×14×64³", shape: &[2, 14, 64, 64, 64], logits: DType::F32, labels: DType::U32
    },
    Case { name: "2×3×16²", shape: &[2, 3, 16, 16], logits: DType::F32, labels: DType::U32 },
    Case { name: "8×1×512²", shape: &[8, 1, 512, 512], logits: DType::F32, labels: DType::U8 },
];

/// A small generator of random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 24
    }
}

fn batch(case: &Case, shape: &[usize]) -> Result<(Var, Tensor)> {
    let mut random = Random(88_172_645_463_325_252);
    let (classes, elements) = (shape[1], shape.iter().product::<usize>());
    let mut uniform = || (random.next() & 0xffff) as f32 / 65_536.0;
    let logits = (0..elements).map(|_| 6.0 * uniform() - 3.0).collect::<Vec<_>>();
    let mut class = 0;
    let labels = (0..elements / classes).map(|_| {
        if random.next().is_multiple_of(RUN) {
            class = (random.next() % classes.max(2) as u64) as u8;
        }
        class
    });
    let mut voxels = shape.to_vec();
    voxels.remove(1);
    let labels = Tensor::from_iter(labels.collect::<Vec<_>>(), &Device::Cpu)?.reshape(voxels)?;
    let logits = Tensor::from_vec(logits, shape, &Device::Cpu)?.to_dtype(case.logits)?;
    Ok((Var::from_tensor(&logits)?, labels.to_dtype(case.labels)?))
}

fn fused(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let (smoothing, absent) = (Smoothing::both(SMOOTHING), Absent::Formula);
    if logits.dim(1)? == 1 {
        let defaults = DiceBinaryCrossEntropyLossConfig::new(Activation::Sigmoid);
        let config = DiceBinaryCrossEntropyLossConfig { smoothing, absent, ..defaults };
        return DiceBinaryCrossEntropyLoss::new(config).forward(logits, labels);
    }
    let defaults = DiceCrossEntropyLossConfig::new(Activation::Softmax);
    let config = DiceCrossEntropyLossConfig { smoothing, absent, ..defaults };
    DiceCrossEntropyLoss::new(config).forward(logits, labels)
}

/// The same loss as one writes it with Candle; sums of half-precision logits need `f32`.
fn plain(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let logits = logits.to_dtype(DType::F32)?.flatten_from(2)?;
    let labels = labels.flatten_from(1)?.unsqueeze(1)?;
    let (p, g, cross_entropy) = if logits.dim(1)? == 1 {
        let (p, g) = (sigmoid(&logits)?, labels.to_dtype(DType::F32)?);
        let cross_entropy = candle_nn::loss::binary_cross_entropy_with_logit(&logits, &g)?;
        (p, g, cross_entropy)
    } else {
        let ln_p = log_softmax(&logits, 1)?;
        let cross_entropy = ln_p.gather(&labels, 1)?.mean_all()?.neg()?;
        let names = Tensor::arange(0u32, logits.dim(1)? as u32, logits.device())?;
        let names = names.to_dtype(labels.dtype())?.reshape((1, (), 1))?;
        let g = labels.broadcast_eq(&names)?.to_dtype(DType::F32)?;
        (ln_p.exp()?, g, cross_entropy)
    };
    let overlap = ((&p * &g)?.sum(2)?.affine(2.0, SMOOTHING))?;
    let sizes = (p.sum(2)? + g.sum(2)?)?.affine(1.0, SMOOTHING)?;
    cross_entropy + (overlap / sizes)?.mean_all()?.affine(-1.0, 1.0)?
}

/// What Candle itself takes for a gradient: zeros, and a sum with them.
fn least(logits: &Tensor, _: &Tensor) -> Result<Tensor> {
    logits.sum_all()?.to_dtype(DType::F32)
}

type Loss = fn(&Tensor, &Tensor) -> Result<Tensor>;

/// Milliseconds of the forward pass and of the whole step.
fn step(loss: Loss, logits: &Var, labels: &Tensor) -> Result<([f64; 2], f32, GradStore)> {
    let start = Instant::now();
    let value = loss(logits, labels)?;
    let forward = start.elapsed();
    let gradients = black_box(value.backward()?);
    let whole = start.elapsed();
    let milliseconds = [forward, whole].map(|time| time.as_secs_f64() * 1e3);
    Ok((milliseconds, value.to_scalar()?, gradients))
}

/// The relative difference of the values, and the largest of the gradients relative to the largest.
fn differences(logits: &Var, labels: &Tensor) -> Result<[f64; 2]> {
    let [fused, plain] = [fused as Loss, plain].map(|loss| step(loss, logits, labels));
    let ((_, found, found_gradient), (_, wanted, wanted_gradient)) = (fused?, plain?);
    let gradient = |gradients: &GradStore| -> Result<Tensor> {
        let missing = || candle_core::Error::Msg("no gradient of the logits".into());
        gradients.get(logits).ok_or_else(missing)?.to_dtype(DType::F64)
    };
    let (found_gradient, wanted_gradient) =
        (gradient(&found_gradient)?, gradient(&wanted_gradient)?);
    let largest = |tensor: Tensor| tensor.abs()?.max_all()?.to_scalar::<f64>();
    let off = largest((found_gradient - &wanted_gradient)?)? / largest(wanted_gradient)?;
    Ok([f64::from(((found - wanted) / wanted).abs()), off])
}

/// Value at a share of the sorted measurements.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

fn measure(case: &Case) -> Result<()> {
    let (logits, labels) = batch(case, case.shape)?;
    let [value_off, gradient_off] = differences(&logits, &labels)?;
    // On Linux; elsewhere nothing.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let contenders: [(&str, Loss); 3] = [("dice-loss", fused), ("plain", plain), ("least", least)];
    let mut times = vec![[vec![], vec![]]; contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, loss), times) in contenders.iter().zip(&mut times) {
            let (milliseconds, ..) = step(*loss, &logits, &labels)?;
            times.iter_mut().zip(milliseconds).for_each(|(all, time)| all.push(time));
        }
    }
    for ((name, _), [forward, whole]) in contenders.iter().zip(&mut times) {
        let of = |times: &mut Vec<f64>| {
            [0.5, 0.2, 0.8].map(|share| format!("{:.3}", quantile(times, share))).join(",")
        };
        println!(
            "{},{},{},{name},{},{},{ROUNDS},{value_off:.1e},{gradient_off:.1e},{THREADS},{:?},{load}",
            case.name,
            case.logits.as_str(),
            case.labels.as_str(),
            of(forward),
            of(whole),
            Isa::default(),
        );
    }
    let mut median = |contender: usize, part: usize| quantile(&mut times[contender][part], 0.5);
    let mut beside_fused = |contender, part| median(contender, part) / median(0, part);
    eprintln!(
        "| {} | {} | {} | {:.1} | {:.1} | {:.2} |",
        case.name,
        case.logits.as_str(),
        case.labels.as_str(),
        beside_fused(1, 0),
        beside_fused(1, 1),
        beside_fused(2, 1),
    );
    Ok(())
}

/// Few voxels of the same kind.
fn check(case: &Case) -> Result<()> {
    let shape: Vec<_> = case.shape.iter().map(|&size| size.min(21)).collect();
    let (logits, labels) = batch(case, &shape)?;
    let [value, gradient] = differences(&logits, &labels)?;
    let tolerance = if case.logits == DType::F32 { 1e-5 } else { 1e-2 };
    assert!(value < 1e-5 && gradient < tolerance, "{}: {value}, {gradient}", case.name);
    Ok(())
}

fn main() -> Result<()> {
    // Cargo says so when it is to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return CASES.iter().try_for_each(check);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global();
    pool.map_err(candle_core::Error::wrap)?;
    eprintln!("| case | logits | labels | plain forward | plain step | least step |");
    eprintln!("|---|---|---|---|---|---|");
    println!(
        "case,logits,labels,loss,forward_ms,forward_low_ms,forward_high_ms,step_ms,step_low_ms,\
         step_high_ms,rounds,value_difference,gradient_difference,threads,isa,load"
    );
    CASES.iter().try_for_each(measure)
}
