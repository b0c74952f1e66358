//! The same losses from tensor operations, for devices that the engine cannot reach into.
//!
//! The sums over the voxels come from Candle, the arithmetic on them from the engine. With the
//! engine's derivatives by the sums, Candle's backpropagation does the rest.

mod integrands;
mod output;
mod voxels;
mod weights;

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use dice_loss::{Error, Layout, Logits, Moments, Objective, Prepared, Reduction, Target};

use crate::{
    Evaluation, Targets, refused, sweeps,
    targets::{Reference, Rules},
};
use output::Slopes;
use voxels::Voxels;

/// Of targets that have been checked.
pub(crate) fn evaluate(
    logits: &Tensor,
    targets: Targets,
    objective: &Arc<Objective>,
) -> Result<Evaluation> {
    let mut shape = logits.dims().to_vec();
    let layout = broadcast(&[shape[0], shape[1], shape[2..].iter().product()])?;
    let prepared = objective.prepare(shape[1]).map_err(refused)?;
    check(&prepared, &targets, layout)?;
    if logits.elem_count() == 0 {
        return nothing(logits, targets, objective);
    }
    let measure = |targets: &Targets| measure(logits, targets, &prepared, layout);
    let Some(mut measured) = measure(&targets)? else {
        return Err(located(logits, targets, objective));
    };
    let has_map = objective.reduced_by() == Reduction::None && prepared.map_shape(layout).is_ok();
    let mut scale = 1.0;
    if !has_map
        && weights::are_far(&prepared, &targets, &measured.on_host)
        && let Some((nearer, by)) = weights::brought_near(&targets)?
    {
        let Some(again) = measure(&nearer)? else {
            return Err(located(logits, targets, objective));
        };
        (measured, scale) = (again, by);
        weights::restore(&prepared, &mut measured.on_host, scale);
    }
    let Measured { sums, integrands, on_host } = measured;
    let moments = moments(&prepared, on_host, &targets.rules, layout)?;
    let verdict = prepared.evaluate(&moments).map_err(refused)?;
    let slopes = Slopes::new(&prepared, &verdict, &sums, scale)?;
    let loss = match (objective.reduced_by(), verdict.values()) {
        (Reduction::None, Some(values)) => {
            slopes.values(&sums, values)?.reshape(verdict.shape())?
        }
        (Reduction::None, None) => {
            shape[1] = prepared.map_shape(layout).map_err(refused)?[1];
            slopes.map(&integrands, shape[1])?.reshape(shape)?
        }
        _ => slopes.number(&sums, verdict.loss())?,
    };
    Ok(Evaluation { loss, verdict: Arc::new(verdict), moments })
}

/// Sums over the voxels.
struct Measured {
    /// `[N, C, K]`
    sums: Tensor,
    /// What was summed up.
    integrands: Vec<Tensor>,
    /// The sums, row-major `[N, C, K]`.
    on_host: Vec<f64>,
}

/// `None` if a label, value or weight that counts is out of range.
fn measure(
    logits: &Tensor,
    targets: &Targets,
    prepared: &Prepared,
    layout: Layout,
) -> Result<Option<Measured>> {
    let voxels = Voxels::new(logits, targets, layout.shape())?;
    let integrands: Vec<_> = prepared
        .integrands()
        .iter()
        .map(|integrand| voxels.integrand(integrand))
        .collect::<Result<_>>()?;
    let sums = sums(&integrands, layout.shape())?;
    if voxels.any_invalid()? {
        return Ok(None);
    }
    let on_host = sums.detach().flatten_all()?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    Ok(Some(Measured { on_host: on_host.to_vec1()?, sums, integrands }))
}

/// A layout of these shapes on a single element: enough to check shapes with.
fn broadcast(shape: &[usize]) -> Result<Layout> {
    Layout::strided(shape, &vec![0; shape.len()]).map_err(refused)
}

/// What the engine would say before it reads a voxel.
fn check(prepared: &Prepared, targets: &Targets, logits: Layout) -> Result<()> {
    let [samples, _, voxels] = logits.shape();
    let per_voxel = broadcast(&[samples, 1, voxels])?;
    let target = || {
        let mut target = match (&targets.reference, &targets.rules.regions) {
            (Reference::Labels(_), Some(table)) => Target::regions(&[0u8], per_voxel, table)?,
            (Reference::Labels(_), None) => Target::labels(&[0u8], per_voxel)?,
            (Reference::Dense(_), _) => Target::dense(&[0u8], logits)?,
        };
        if targets.mask.is_some() {
            target = target.mask(&[true], per_voxel)?;
        }
        if targets.weights.is_some() {
            target = target.voxel_weights(&[1.0f32], per_voxel)?;
        }
        prepared.check_tensors(&Logits::new(&[0.0f32], logits)?, &targets.rules.apply(target))
    };
    target().map_err(refused)
}

/// `[N, C, K]`: the sums of K integrands.
fn sums(integrands: &[Tensor], [samples, classes, _]: [usize; 3]) -> Result<Tensor> {
    let sum = |integrand: &Tensor| integrand.sum_keepdim(2)?.broadcast_as((samples, classes, 1));
    Tensor::cat(&integrands.iter().map(sum).collect::<Result<Vec<_>>>()?, 2)
}

fn moments(prepared: &Prepared, sums: Vec<f64>, rules: &Rules, logits: Layout) -> Result<Moments> {
    let [samples, classes, _] = logits.shape();
    let valid = match &rules.class_valid {
        Some(valid) => valid.clone(),
        None => vec![true; samples * classes],
    };
    prepared.moments(sums, valid).map_err(refused)
}

/// A batch without voxels, of which Candle takes neither sum nor maximum. Its gradient is empty.
fn nothing(logits: &Tensor, targets: Targets, objective: &Arc<Objective>) -> Result<Evaluation> {
    let targets = targets.map(to_host)?;
    let found = sweeps::evaluate(&to_host(logits)?, targets, objective.clone())?;
    Ok(Evaluation { loss: found.loss.to_device(logits.device())?, ..found })
}

/// The engine's own error, with the place and the value, for what is known to be out of range.
fn located(logits: &Tensor, targets: Targets, objective: &Arc<Objective>) -> candle_core::Error {
    let again = || sweeps::evaluate(&to_host(logits)?, targets.map(to_host)?, objective.clone());
    again().err().unwrap_or_else(|| {
        refused(Error::Parameter {
            what: "targets".into(),
            found: "labels or weights that only the device finds out of range".into(),
            wanted: "labels that name a class, values in [0, 1], weights of at least 0".into(),
        })
    })
}

fn to_host(tensor: &Tensor) -> Result<Tensor> {
    tensor.detach().to_device(&Device::Cpu)
}
