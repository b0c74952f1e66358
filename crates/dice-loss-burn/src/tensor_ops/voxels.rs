//! A batch as three tensors of one shape, whatever the targets were.

use std::cell::OnceCell;

use burn::{
    backend::{
        Dispatch, DispatchTensor, TensorMetadata,
        ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    },
    tensor::{
        Bool, DType, FloatDType, Int, Shape, Tensor, TensorData,
        activation::{sigmoid, softmax},
        bf16, f16,
    },
};
use dice_loss::Activation;

use crate::targets::{Mask, Reference, Rules, TargetTensors, VoxelWeights};

/// `[N, C, S]`: samples, classes, voxels. What does not count is 0 everywhere.
pub(super) struct Voxels {
    pub logits: Tensor<3>,
    /// g, of all classes, annotated or not.
    pub target: Tensor<3>,
    /// w, `[N, 1, S]`.
    pub weights: Tensor<3>,
    /// `[N, C, S]` where only part of the classes was annotated.
    pub annotated: Option<Tensor<3, Bool>>,
    invalid: Tensor<3, Bool>,
    probabilities: [OnceCell<Tensor<3>>; Activation::ALL.len()],
}

impl Voxels {
    pub fn new(
        logits: DispatchTensor,
        targets: TargetTensors<Dispatch>,
        shape: [usize; 3],
    ) -> Self {
        let logits = floats(logits, shape);
        // Half types are widened, as in the engine.
        let dtype = match logits.dtype() {
            DType::F64 => FloatDType::F64,
            _ => FloatDType::F32,
        };
        let logits = logits.cast(dtype);
        let Restricted { skipped, weights, mut invalid } = restrict(&targets, &logits);
        let nowhere = skipped.clone().expand(shape);
        let target = match targets.reference {
            Reference::Labels(labels) => {
                let labels = integers(labels, per_voxel(shape));
                let limit = match &targets.rules.regions {
                    Some(table) => table.len(),
                    None => shape[1].max(2),
                };
                let outside = labels.clone().lower_scalar(0);
                let outside = outside.bool_or(labels.clone().greater_equal_scalar(limit as i64));
                let outside = outside.bool_and(skipped.clone().bool_not());
                let labels = labels.mask_fill(skipped.bool_or(outside.clone()), 0);
                invalid = invalid.bool_or(outside);
                one_hot(labels, &targets.rules, shape, dtype)
            }
            Reference::Dense(target) => {
                let target = floats(target, shape);
                let slack = slack(target.dtype());
                let target = target.cast(dtype);
                let inside = target.clone().greater_equal_scalar(-slack);
                let inside = inside.bool_and(target.clone().lower_equal_scalar(1.0 + slack));
                invalid = invalid
                    .expand(shape)
                    .bool_or(inside.bool_not().bool_and(nowhere.clone().bool_not()));
                target.clamp(0, 1)
            }
            Reference::Multilabel(target) => booleans(target, shape).float().cast(dtype),
        };
        let annotated = targets.rules.class_valid.clone().map(|valid| {
            let [samples, classes, _] = shape;
            let valid = TensorData::new(valid, [samples, classes, 1]);
            Tensor::<3, Bool>::from_data(valid, &logits.device()).expand(shape)
        });
        Self {
            logits: logits.mask_fill(nowhere.clone(), 0),
            target: target.mask_fill(nowhere, 0),
            weights,
            annotated,
            invalid,
            probabilities: Default::default(),
        }
    }

    /// Whether a voxel that counts has a label, value or weight outside its range. Waits for the
    /// device.
    pub fn any_invalid(&self) -> bool {
        self.invalid.clone().any().into_data().iter::<bool>().any(|invalid| invalid)
    }

    /// p, computed once for each activation.
    pub fn probabilities(&self, activation: Activation) -> Tensor<3> {
        let compute = || match activation {
            Activation::Softmax => softmax(self.logits.clone(), 1),
            Activation::Sigmoid => sigmoid(self.logits.clone()),
            Activation::Probabilities => self.logits.clone(),
        };
        self.probabilities[activation as usize].get_or_init(compute).clone()
    }
}

/// What the masks leave, each `[N, 1, S]`.
struct Restricted {
    skipped: Tensor<3, Bool>,
    weights: Tensor<3>,
    /// Weights out of range.
    invalid: Tensor<3, Bool>,
}

fn restrict(targets: &TargetTensors<Dispatch>, logits: &Tensor<3>) -> Restricted {
    let shape = per_voxel(logits.dims());
    let device = &logits.device();
    let nowhere = || Tensor::<3, Int>::zeros(shape, device).equal_scalar(1);
    let mut skipped = match &targets.mask {
        Mask::Everything => nowhere(),
        Mask::Only(mask) => booleans(mask.clone(), shape).bool_not(),
    };
    if let Some(label) = targets.rules.ignore_index {
        // What a type does not have is nowhere: it must not wrap or round to what is.
        skipped = match &targets.reference {
            Reference::Labels(labels) => {
                // 64 bits without a sign are read as with one: what is negative then is no label.
                let unsigned = labels.dtype() == DType::U64;
                let labels = integers(labels.clone(), shape);
                match labels.dtype() {
                    DType::I32 if i32::try_from(label).is_err() => skipped,
                    _ if unsigned && label < 0 => skipped,
                    _ => skipped.bool_or(labels.equal_scalar(label)),
                }
            }
            Reference::Dense(target) => {
                let target = floats(target.clone(), shape);
                match holds(target.dtype(), label) {
                    true => skipped.bool_or(target.equal_scalar(label)),
                    false => skipped,
                }
            }
            // Of 0 and 1 only those can be ignored.
            Reference::Multilabel(target) => {
                let target = booleans(target.clone(), shape).int();
                skipped.bool_or(target.equal_scalar(label))
            }
        };
    }
    let weights = match &targets.weights {
        VoxelWeights::Equal => Tensor::ones(shape, (device, logits.dtype())),
        VoxelWeights::Each(weights) => floats(weights.clone(), shape).cast(logits.dtype()),
    };
    let weights = weights.mask_fill(skipped.clone(), 0);
    let valid = weights.clone().greater_equal_scalar(0);
    let too_large = weights.clone().greater_scalar(f64::from(f32::MAX));
    let invalid = valid.bool_not().bool_or(too_large);
    let skipped = skipped.bool_or(weights.clone().equal_scalar(0));
    Restricted { skipped, weights, invalid }
}

/// `[N, C, S]` of labels `[N, 1, S]`, all of which name a class or a row of the table.
fn one_hot(
    labels: Tensor<3, Int>,
    rules: &Rules,
    [samples, classes, voxels]: [usize; 3],
    dtype: FloatDType,
) -> Tensor<3> {
    let device = labels.device();
    if let Some(table) = &rules.regions {
        let row = |channels: &Vec<usize>| -> Vec<f32> {
            (0..classes).map(|class| f32::from(u8::from(channels.contains(&class)))).collect()
        };
        let entries: Vec<_> = table.iter().flat_map(row).collect();
        let table = TensorData::new(entries, [table.len(), classes]);
        return Tensor::<2>::from_data(table, &device)
            .select(0, labels.reshape([samples * voxels]))
            .reshape([samples, voxels, classes])
            .swap_dims(1, 2)
            .cast(dtype);
    }
    if classes == 1 {
        return labels.equal_scalar(1).float().cast(dtype);
    }
    of_class(labels, classes).float().cast(dtype)
}

/// Where each class is, `[N, C, S]`, for labels `[N, 1, S]`.
fn of_class(labels: Tensor<3, Int>, classes: usize) -> Tensor<3, Bool> {
    let [samples, _, voxels] = labels.dims();
    let shape = [samples, classes, voxels];
    let names = Tensor::arange(0..classes as i64, &labels.device()).cast(labels.dtype());
    labels.expand(shape).equal(names.reshape([1, classes, 1]).expand(shape))
}

/// Whether a floating point type has this integer.
fn holds(dtype: DType, number: i64) -> bool {
    let wide = number as f64;
    let kept = match dtype {
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
        DType::F64 => f64::EPSILON,
        DType::F16 => f16::EPSILON.to_f64(),
        DType::BF16 => bf16::EPSILON.to_f64(),
        _ => f64::from(f32::EPSILON),
    }
}

fn per_voxel([samples, _, voxels]: [usize; 3]) -> [usize; 3] {
    [samples, 1, voxels]
}

fn floats(tensor: DispatchTensor, shape: [usize; 3]) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::float_reshape(tensor, Shape::from(shape)))
}

fn booleans(tensor: DispatchTensor, shape: [usize; 3]) -> Tensor<3, Bool> {
    Tensor::from_dispatch(Dispatch::bool_reshape(tensor, Shape::from(shape)))
}

/// In a type that holds −1 as well as the number of classes.
fn integers(tensor: DispatchTensor, shape: [usize; 3]) -> Tensor<3, Int> {
    let tensor: Tensor<3, Int> =
        Tensor::from_dispatch(Dispatch::int_reshape(tensor, Shape::from(shape)));
    match tensor.dtype() {
        DType::I32 | DType::I64 => tensor,
        DType::U32 | DType::U64 => tensor.cast(DType::I64),
        _ => tensor.cast(DType::I32),
    }
}
