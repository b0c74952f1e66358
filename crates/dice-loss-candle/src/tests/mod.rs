//! What [`dice_loss_tensor::testing`] asks of a front end, and what is Candle's own.

mod direct;
mod graph;
mod layouts;
mod named;
mod refused;

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var, WithDType};
use dice_loss::{Activation, DirectLoss, Objective};
use dice_loss_tensor::{
    Element,
    testing::{Case, Found, FoundDirectly, FrontEnd, Integer, Reference, Shaped, Trial, Way},
};

use crate::{Evaluation, SegmentationLoss, Targets, direct::on_host, on_device};

dice_loss_tensor::front_end_tests!(OnCpu);

struct OnCpu;

impl FrontEnd for OnCpu {
    const READS_VALUES_BACK: bool = true;
    const LABELS: &[Integer] =
        &[Integer::U8, Integer::U32, Integer::I16, Integer::I32, Integer::I64];

    fn run(
        &self,
        way: Way,
        objective: &Objective,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> std::result::Result<Found, String> {
        found(way, objective, case, upstream).map_err(message)
    }

    fn run_directly(
        &self,
        way: Way,
        loss: &DirectLoss,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> std::result::Result<FoundDirectly, String> {
        found_directly(way, loss, case, upstream).map_err(message)
    }

    fn trials(&self, name: &str, activation: Activation) -> Vec<Trial> {
        named::trials(name, activation)
    }
}

fn found(way: Way, objective: &Objective, case: &Case, upstream: Option<&[f32]>) -> Result<Found> {
    let logits = logits(case)?;
    let Evaluation { loss, verdict, moments } = evaluate(way, objective, &logits, targets(case)?)?;
    let gradient = gradient(&loss, &logits, upstream)?;
    Ok(Found {
        values: values(&loss),
        shape: loss.dims().to_vec(),
        element: element(loss.dtype()),
        gradient: values(&gradient),
        gradient_element: element(gradient.dtype()),
        verdict,
        moments,
    })
}

/// Of a loss, or of values of this upstream gradient.
fn gradient(loss: &Tensor, logits: &Var, upstream: Option<&[f32]>) -> Result<Tensor> {
    let graph = match upstream {
        Some(upstream) => {
            let upstream = Tensor::from_slice(upstream, loss.dims(), &Device::Cpu)?;
            (loss * upstream.to_dtype(loss.dtype())?)?.sum_all()?
        }
        None => loss.clone(),
    };
    // Nothing has no graph.
    match graph.backward()?.remove(logits) {
        None if logits.elem_count() == 0 => logits.zeros_like(),
        gradient => Ok(gradient.expect("tracked")),
    }
}

fn found_directly(
    way: Way,
    loss: &DirectLoss,
    case: &Case,
    upstream: Option<&[f32]>,
) -> Result<FoundDirectly> {
    let (logits, targets) = (logits(case)?, targets(case)?);
    let loss = match way {
        Way::Engine => crate::DirectLoss::new(loss.clone()).forward(&logits, targets)?,
        Way::Operations => on_host(&logits, targets.checked(&logits)?, Arc::new(loss.clone()))?,
    };
    let gradient = gradient(&loss, &logits, upstream)?;
    Ok(FoundDirectly {
        values: values(&loss),
        shape: loss.dims().to_vec(),
        element: element(loss.dtype()),
        gradient: values(&gradient),
        gradient_element: element(gradient.dtype()),
    })
}

/// As on the device that the way is for, with the tensors on the CPU.
fn evaluate(
    way: Way,
    objective: &Objective,
    logits: &Tensor,
    targets: Targets,
) -> Result<Evaluation> {
    match way {
        Way::Engine => SegmentationLoss::new(objective.clone()).evaluate(logits, targets),
        Way::Operations => {
            let targets = targets.checked(logits)?;
            on_device::evaluate(logits, targets, &Arc::new(objective.clone()))
        }
    }
}

/// What an error says, without the backtrace that Candle appends where one is asked for.
fn message(error: candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn logits(case: &Case) -> Result<Var> {
    let logits = Tensor::from_slice(&case.logits, &*case.shape, &Device::Cpu)?;
    Var::from_tensor(&logits.to_dtype(match case.element {
        Element::F64 => DType::F64,
        Element::F16 => DType::F16,
        Element::BF16 => DType::BF16,
        _ => DType::F32,
    })?)
}

fn element(dtype: DType) -> Element {
    match dtype {
        DType::F64 => Element::F64,
        DType::F16 => Element::F16,
        DType::BF16 => Element::BF16,
        DType::F32 => Element::F32,
        dtype => panic!("found {dtype:?}, wanted floats"),
    }
}

fn targets(case: &Case) -> Result<Targets> {
    let labels = |map| {
        tensor(map)?.to_dtype(match case.integer {
            Integer::U8 => DType::U8,
            Integer::U32 => DType::U32,
            Integer::I16 => DType::I16,
            Integer::I32 => DType::I32,
            Integer::I64 => DType::I64,
            integer => panic!("Candle has no {integer:?}"),
        })
    };
    let mut targets = match &case.reference {
        Reference::Labels(map) => Targets::labels(&labels(map)?),
        Reference::Regions(map, table) => Targets::regions(&labels(map)?, table.clone()),
        Reference::Dense(target) => Targets::dense(&tensor(target)?),
        Reference::Multilabel(target) => Targets::dense(&tensor(&numbers(target))?),
    };
    if let Some(mask) = &case.mask {
        targets = targets.mask(&tensor(&numbers(mask))?);
    }
    if let Some(weights) = &case.weights {
        targets = targets.voxel_weights(&tensor(weights)?);
    }
    for (name, map) in &case.maps {
        targets = targets.map(name, &tensor(map)?);
    }
    if let Some(valid) = &case.class_valid {
        targets = targets.class_valid(valid.clone());
    }
    Ok(match case.ignore_index {
        Some(label) => targets.ignore_index(label),
        None => targets,
    })
}

fn tensor<T: WithDType>(of: &Shaped<T>) -> Result<Tensor> {
    Tensor::from_slice(&of.values, &*of.shape, &Device::Cpu)
}

fn numbers(of: &Shaped<bool>) -> Shaped<u8> {
    Shaped::new(of.values.iter().map(|&value| u8::from(value)).collect(), &of.shape)
}

/// Every number of a tensor, in row-major order.
fn values(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).and_then(|tensor| tensor.flatten_all());
    wide.and_then(|tensor| tensor.to_vec1()).expect("a tensor on the CPU")
}
