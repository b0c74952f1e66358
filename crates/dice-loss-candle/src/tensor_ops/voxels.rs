//! A batch as three tensors of one shape, whatever the targets were.

use std::cell::OnceCell;

use candle_core::{DType, Device, Result, Tensor};
use dice_loss::Activation;
use half::{bf16, f16};

use crate::targets::{Reference, Rules, Targets};

/// `[N, C, S]`: samples, classes, voxels. What does not count is 0 everywhere.
///
/// Candle has no booleans: a mask is a tensor of u8, 0 or 1.
pub(super) struct Voxels {
    pub logits: Tensor,
    /// g, of all classes, annotated or not.
    pub target: Tensor,
    /// w, `[N, 1, S]`.
    pub weights: Tensor,
    /// A mask `[N, C, S]` where only part of the classes was annotated.
    pub annotated: Option<Tensor>,
    /// Masks of what is out of range.
    invalid: Vec<Tensor>,
    probabilities: [OnceCell<Tensor>; Activation::ALL.len()],
}

impl Voxels {
    pub fn new(logits: &Tensor, targets: &Targets, shape: [usize; 3]) -> Result<Self> {
        // Half types are widened, as in the engine.
        let dtype = match logits.dtype() {
            DType::F64 => DType::F64,
            _ => DType::F32,
        };
        let logits = logits.to_dtype(dtype)?.reshape(&shape)?;
        let Restricted { skipped, weights, invalid } = restrict(targets, &logits)?;
        let mut invalid = vec![invalid];
        let target = match &targets.reference {
            Reference::Labels(labels) => {
                let labels = per_voxel(labels, shape)?.to_dtype(DType::I64)?;
                let limit = match &targets.rules.regions {
                    Some(table) => table.len(),
                    None => shape[1].max(2),
                };
                let outside = labels.lt(0i64)?.maximum(&labels.ge(limit as i64)?)?;
                let labels = fill(&labels, &skipped.maximum(&outside)?, 0.0)?;
                invalid.push(outside.mul(&not(&skipped)?)?);
                one_hot(&labels, &targets.rules, shape)?.to_dtype(dtype)?
            }
            Reference::Dense(target) => {
                let slack = slack(target.dtype());
                let target = target.to_dtype(dtype)?.reshape(&shape)?;
                let inside = target.ge(-slack)?.mul(&target.le(1.0 + slack)?)?;
                invalid.push(not(&inside)?.broadcast_mul(&not(&skipped)?)?);
                target.clamp(0.0, 1.0)?
            }
        };
        let annotated = match &targets.rules.class_valid {
            Some(valid) => {
                let valid: Vec<_> = valid.iter().map(|&valid| u8::from(valid)).collect();
                let valid = Tensor::from_vec(valid, (shape[0], shape[1], 1), logits.device())?;
                Some(valid.broadcast_as(&shape)?.contiguous()?)
            }
            None => None,
        };
        Ok(Self {
            logits: fill(&logits, &skipped, 0.0)?,
            target: fill(&target, &skipped, 0.0)?,
            weights,
            annotated,
            invalid,
            probabilities: Default::default(),
        })
    }

    /// Whether a voxel that counts has a label, value or weight outside its range. Waits for the
    /// device.
    pub fn any_invalid(&self) -> Result<bool> {
        for invalid in &self.invalid {
            if invalid.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()? > 0.0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// p, computed once for each activation.
    pub fn probabilities(&self, activation: Activation) -> Result<Tensor> {
        let computed = &self.probabilities[activation as usize];
        if let Some(p) = computed.get() {
            return Ok(p.clone());
        }
        let p = match activation {
            Activation::Softmax => log_softmax(&self.logits)?.exp()?,
            Activation::Sigmoid => log_sigmoid(&self.logits)?.exp()?,
            Activation::Probabilities => self.logits.clone(),
        };
        Ok(computed.get_or_init(|| p).clone())
    }

    /// A tensor of numbers, in the type and on the device of the logits.
    pub fn constant(&self, values: Vec<f64>, shape: &[usize]) -> Result<Tensor> {
        constant(values, shape, &self.logits)
    }
}

/// What the masks leave, each `[N, 1, S]`.
struct Restricted {
    skipped: Tensor,
    weights: Tensor,
    /// Weights out of range.
    invalid: Tensor,
}

fn restrict(targets: &Targets, logits: &Tensor) -> Result<Restricted> {
    let shape = logits.dims3()?.into();
    let [samples, _, voxels] = shape;
    let one_channel = (samples, 1, voxels);
    let mut skipped = match &targets.mask {
        None => Tensor::zeros(one_channel, DType::U8, logits.device())?,
        Some(mask) => not(&per_voxel(mask, shape)?)?,
    };
    if let Some(label) = targets.rules.ignore_index {
        let ignored = match &targets.reference {
            Reference::Labels(labels) => per_voxel(labels, shape)?.to_dtype(DType::I64)?.eq(label),
            // What a type does not have is nowhere: it must not wrap or round to what is.
            Reference::Dense(target) if holds(target.dtype(), label) => {
                per_voxel(target, shape)?.eq(label as f64)
            }
            Reference::Dense(_) => skipped.zeros_like(),
        };
        skipped = skipped.maximum(&ignored?)?;
    }
    let weights = match &targets.weights {
        None => Tensor::ones(one_channel, logits.dtype(), logits.device())?,
        Some(weights) => per_voxel(weights, shape)?.to_dtype(logits.dtype())?,
    };
    let weights = fill(&weights, &skipped, 0.0)?;
    let valid = weights.ge(0.0)?.mul(&weights.le(f64::from(f32::MAX))?)?;
    let skipped = skipped.maximum(&weights.eq(0.0)?)?;
    Ok(Restricted { skipped, weights, invalid: not(&valid)? })
}

/// A mask `[N, C, S]`, or numbers, of labels `[N, 1, S]` that all name a class or a row of the table.
fn one_hot(
    labels: &Tensor,
    rules: &Rules,
    [samples, classes, voxels]: [usize; 3],
) -> Result<Tensor> {
    if let Some(table) = &rules.regions {
        let row = |channels: &Vec<usize>| -> Vec<f32> {
            (0..classes).map(|class| f32::from(u8::from(channels.contains(&class)))).collect()
        };
        let entries: Vec<_> = table.iter().flat_map(row).collect();
        let table = Tensor::from_vec(entries, (table.len(), classes), labels.device())?;
        return table
            .index_select(&labels.flatten_all()?, 0)?
            .reshape((samples, voxels, classes))?
            .transpose(1, 2)?
            .contiguous();
    }
    if classes == 1 {
        return labels.eq(1i64);
    }
    let names: Vec<_> = (0..classes as i64).collect();
    labels.broadcast_eq(&Tensor::from_vec(names, (1, classes, 1), labels.device())?)
}

/// Whether a type of dense targets has this integer.
fn holds(dtype: DType, number: i64) -> bool {
    let wide = number as f64;
    let kept = match dtype {
        DType::U8 => return u8::try_from(number).is_ok(),
        DType::F64 => wide,
        DType::F16 => f16::from_f64(wide).to_f64(),
        DType::BF16 => bf16::from_f64(wide).to_f64(),
        _ => f64::from(number as f32),
    };
    kept as i128 == i128::from(number)
}

/// How far outside [0, 1] a value counts as 0 or 1: 4 roundings of its type, as in the engine.
fn slack(dtype: DType) -> f64 {
    4.0 * match dtype {
        DType::U8 => 0.0,
        DType::F64 => f64::EPSILON,
        DType::F16 => f16::EPSILON.to_f64(),
        DType::BF16 => bf16::EPSILON.to_f64(),
        _ => f64::from(f32::EPSILON),
    }
}

fn per_voxel(tensor: &Tensor, [samples, _, voxels]: [usize; 3]) -> Result<Tensor> {
    tensor.reshape((samples, 1, voxels))
}

/// What is not in the mask.
pub(super) fn not(mask: &Tensor) -> Result<Tensor> {
    mask.eq(0u8)
}

/// A value where the mask is, the tensor elsewhere; each repeated along the other's axes.
pub(super) fn fill(tensor: &Tensor, mask: &Tensor, value: f32) -> Result<Tensor> {
    let shape = tensor.shape().broadcast_shape_binary_op(mask.shape(), "fill")?;
    let value = Tensor::new(value, tensor.device())?.to_dtype(tensor.dtype())?;
    mask.broadcast_as(&shape)?
        .where_cond(&value.broadcast_as(&shape)?, &tensor.broadcast_as(&shape)?)
}

/// A tensor of numbers, in the type and on the device of another.
pub(super) fn constant(values: Vec<f64>, shape: &[usize], like: &Tensor) -> Result<Tensor> {
    // Not every device has f64.
    Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
}

pub(super) fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(1)?)?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(1)?.log()?)
}

/// min(x, 0) − ln(1 + exp(−|x|)).
pub(super) fn log_sigmoid(logits: &Tensor) -> Result<Tensor> {
    let negative = logits.lt(0.0)?;
    let least = negative.where_cond(logits, &logits.zeros_like()?)?;
    let towards = negative.where_cond(logits, &logits.neg()?)?;
    least - towards.exp()?.affine(1.0, 1.0)?.log()?
}
