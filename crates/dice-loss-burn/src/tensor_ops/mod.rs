//! The same losses from tensor operations, for backends that the engine cannot reach into.
//!
//! The sums over the voxels come from Burn, the arithmetic on them from the engine. With the
//! engine's derivatives by the sums, Burn's autodiff does the rest.

mod integrands;
mod output;
mod types;
mod voxels;
mod weights;

use std::sync::Arc;

use burn::{
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::FloatTensorOps},
    tensor::{Bool, Device, Float, Int, Tensor, kind::Autodiff},
};
use dice_loss::{
    Error, Layout, Logits, Moments, Objective, Prepared, Result, Sum, Target, Verdict,
};

use crate::{
    sweeps::{Form, Outcome, SegmentationBackend, values_shape},
    targets::{Mask, Reference, Rules, TargetTensors, VoxelWeights},
};
use output::Slopes;
use voxels::Voxels;

pub(crate) fn segmentation_loss(
    logits: DispatchTensor,
    targets: TargetTensors<Dispatch>,
    objective: Arc<Objective>,
    form: Form,
) -> Outcome<Dispatch> {
    match evaluate(logits, targets, objective, form) {
        Ok((output, verdict, moments)) => Outcome::Evaluated(output, Arc::new(verdict), moments),
        Err(error) => Outcome::Failed(error),
    }
}

fn evaluate(
    logits: DispatchTensor,
    targets: TargetTensors<Dispatch>,
    objective: Arc<Objective>,
    form: Form,
) -> Result<(DispatchTensor, Verdict, Moments)> {
    let mut shape = logits.shape();
    let targets = targets.fitted(&shape)?;
    let layout = broadcast(&[shape[0], shape[1], shape[2..].iter().product()])?;
    let prepared = objective.prepare(shape[1])?;
    check(&prepared, &targets, layout)?;
    types::check_logits(&logits)?;
    types::check_targets(&targets, types::kernels_convert)?;
    let has_map = form == Form::Unreduced && prepared.map_shape(layout).is_ok();
    let measure =
        |targets: &TargetTensors<Dispatch>| measure(&logits, targets, &prepared, layout, has_map);
    let Some(mut measured) = measure(&targets)? else {
        return Err(located(logits, targets, objective, form));
    };
    let mut scale = 1.0;
    if !has_map
        && weights::are_far(&prepared, &targets.weights, &measured.on_host)
        && let Some((nearer, by)) = weights::brought_near(&targets)
    {
        let Some(again) = measure(&nearer)? else {
            return Err(located(logits, targets, objective, form));
        };
        (measured, scale) = (again, by);
        weights::restore(&prepared, &mut measured.on_host, scale);
    }
    let Measured { sums, integrands, on_host } = measured;
    let moments = moments(&prepared, on_host, &targets.rules, layout)?;
    let verdict = prepared.evaluate(&moments)?;
    let slopes = Slopes::new(&prepared, &verdict, &sums, scale)?;
    let output = match (form, verdict.values()) {
        (Form::Number, _) => {
            shape = [1].into();
            slopes.number(sums, verdict.loss()).into_dispatch()
        }
        (Form::Unreduced, Some(values)) => {
            shape = values_shape(&verdict);
            slopes.values(sums, values).into_dispatch()
        }
        (Form::Unreduced, None) => {
            shape[1] = prepared.map_shape(layout)?[1];
            slopes.map(integrands, shape[1]).into_dispatch()
        }
    };
    Ok((Dispatch::float_reshape(output, shape), verdict, moments))
}

/// Sums over the voxels.
struct Measured {
    /// `[N, C, K]`
    sums: Tensor<3>,
    /// What was summed up, if tensor operations did.
    integrands: Vec<Tensor<3>>,
    /// The sums, row-major `[N, C, K]`.
    on_host: Vec<f64>,
}

/// `None` if a label, value or weight that counts is out of range.
fn measure(
    logits: &DispatchTensor,
    targets: &TargetTensors<Dispatch>,
    prepared: &Prepared,
    layout: Layout,
    has_map: bool,
) -> Result<Option<Measured>> {
    let by_kernel = match has_map {
        true => None,
        false => sums_by_kernel(logits, targets, prepared),
    };
    let (sums, integrands, invalid) = match by_kernel {
        Some(sums) => (sums, Vec::new(), false),
        None => {
            types::check_targets(targets, |_| true)?;
            let voxels = Voxels::new(logits.clone(), targets.clone(), layout.shape());
            let integrands: Vec<_> =
                prepared.integrands().iter().map(|integrand| voxels.integrand(integrand)).collect();
            (sums(&integrands, layout.shape()), integrands, voxels.any_invalid())
        }
    };
    if invalid {
        return Ok(None);
    }
    let on_host = on_host(&sums);
    Ok((!says_invalid(prepared, &on_host)).then_some(Measured { sums, integrands, on_host }))
}

/// A layout of these shapes on a single element: enough to check shapes with.
fn broadcast(shape: &[usize]) -> Result<Layout> {
    Layout::strided(shape, &vec![0; shape.len()])
}

/// What the engine would say before it reads a voxel.
fn check(prepared: &Prepared, targets: &TargetTensors<Dispatch>, logits: Layout) -> Result<()> {
    let [samples, classes, voxels] = logits.shape();
    let per_voxel = broadcast(&[samples, 1, voxels])?;
    let mut target = match (&targets.reference, &targets.rules.regions) {
        (Reference::Labels(_), Some(table)) => Target::regions(&[0u8], per_voxel, table)?,
        (Reference::Labels(_), None) => Target::labels(&[0u8], per_voxel)?,
        _ => Target::dense(&[0u8], broadcast(&[samples, classes, voxels])?)?,
    };
    if let Mask::Only(_) = targets.mask {
        target = target.mask(&[true], per_voxel)?;
    }
    if let VoxelWeights::Each(_) = targets.weights {
        target = target.voxel_weights(&[1.0f32], per_voxel)?;
    }
    prepared.check_tensors(&Logits::new(&[0.0f32], logits)?, &targets.rules.apply(target))
}

/// `[N, C, K]`: the sums of K integrands.
fn sums(integrands: &[Tensor<3>], [samples, classes, _]: [usize; 3]) -> Tensor<3> {
    let sum = |integrand: &Tensor<3>| integrand.clone().sum_dim(2).expand([samples, classes, 1]);
    Tensor::cat(integrands.iter().map(sum).collect(), 2)
}

/// The sums by kernels, `[N, C, K]`, where there are some for the device.
#[cfg(feature = "cube")]
fn sums_by_kernel(
    logits: &DispatchTensor,
    targets: &TargetTensors<Dispatch>,
    prepared: &Prepared,
) -> Option<Tensor<3>> {
    let sums = crate::kernels::sums(logits, targets, prepared)?;
    Some(Tensor::<3>::from_dispatch(sums).swap_dims(1, 2))
}

#[cfg(not(feature = "cube"))]
fn sums_by_kernel(
    _: &DispatchTensor,
    _: &TargetTensors<Dispatch>,
    _: &Prepared,
) -> Option<Tensor<3>> {
    None
}

/// The sums, row-major `[N, C, K]`. Waits for the device.
fn on_host(sums: &Tensor<3>) -> Vec<f64> {
    let sums = sums.clone().without_autodiff().into_data().convert::<f64>();
    sums.iter::<f64>().collect()
}

/// Whether a kernel met something out of range: it makes the number of voxels NaN.
fn says_invalid(prepared: &Prepared, sums: &[f64]) -> bool {
    let integrands = prepared.integrands();
    let voxels = integrands.iter().position(|integrand| integrand.sum == Sum::Voxels);
    voxels.is_some_and(|at| sums.iter().skip(at).step_by(integrands.len()).any(|sum| sum.is_nan()))
}

fn moments(prepared: &Prepared, sums: Vec<f64>, rules: &Rules, logits: Layout) -> Result<Moments> {
    let [samples, classes, _] = logits.shape();
    let valid = match &rules.class_valid {
        Some(valid) => valid.clone(),
        None => vec![true; samples * classes],
    };
    prepared.moments(sums, valid)
}

/// The engine's own error, with the place and the value, for what is known to be out of range.
fn located(
    logits: DispatchTensor,
    targets: TargetTensors<Dispatch>,
    objective: Arc<Objective>,
    form: Form,
) -> Error {
    let targets = TargetTensors {
        reference: match targets.reference {
            Reference::Labels(labels) => Reference::Labels(to_host::<Int>(labels)),
            Reference::Dense(target) => Reference::Dense(to_host::<Float>(target)),
            Reference::Multilabel(target) => Reference::Multilabel(to_host::<Bool>(target)),
        },
        mask: match targets.mask {
            Mask::Everything => Mask::Everything,
            Mask::Only(mask) => Mask::Only(to_host::<Bool>(mask)),
        },
        weights: match targets.weights {
            VoxelWeights::Equal => VoxelWeights::Equal,
            VoxelWeights::Each(weights) => VoxelWeights::Each(to_host::<Float>(weights)),
        },
        rules: targets.rules,
    };
    match Dispatch::segmentation_loss(to_host::<Float>(logits), targets, objective, form) {
        Outcome::Failed(error) => error,
        Outcome::Evaluated(..) => Error::Parameter {
            what: "targets".into(),
            found: "labels or weights that only the device finds out of range".into(),
            wanted: "labels that name a class, values in [0, 1], weights of at least 0".into(),
        },
    }
}

fn to_host<K: Autodiff>(tensor: DispatchTensor) -> DispatchTensor {
    // The number of axes plays no part in moving a tensor.
    let tensor = Tensor::<1, K>::from_dispatch(tensor).without_autodiff();
    tensor.to_device(&Device::flex()).into_dispatch()
}
