//! What [`dice_loss_tensor::testing`] asks of a front end, and what is Burn's own.

mod direct;
#[cfg(feature = "wgpu")]
mod kernels;
mod layouts;
mod named;
mod native;
mod refused;

use std::sync::Arc;

use burn::{
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::FloatTensorOps},
    tensor::{Bool, DType, Device, FloatDType, Int, Tensor, TensorData},
};
use dice_loss::{Activation, DirectLoss, Moments, Objective, Reduction, Verdict};
use dice_loss_tensor::{
    Element, Form,
    testing::{Case, Found, FoundDirectly, FrontEnd, Integer, Reference, Shaped, Trial, Way},
};

use crate::{
    SegmentationLoss, Targets, on_device,
    sweeps::{DirectBackend, DirectOutcome, Outcome, SegmentationBackend},
};

dice_loss_tensor::front_end_tests!(OnFlex);

struct OnFlex;

impl FrontEnd for OnFlex {
    const READS_VALUES_BACK: bool = false;
    const LABELS: &[Integer] = &[
        Integer::U8,
        Integer::U16,
        Integer::U32,
        Integer::U64,
        Integer::I8,
        Integer::I16,
        Integer::I32,
        Integer::I64,
    ];

    fn run(
        &self,
        way: Way,
        objective: &Objective,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> Result<Found, String> {
        found(&Device::flex().autodiff(), way, objective, case, upstream)
    }

    fn run_directly(
        &self,
        way: Way,
        loss: &DirectLoss,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> Result<FoundDirectly, String> {
        found_directly(&Device::flex().autodiff(), way, loss, case, upstream)
    }

    fn trials(&self, name: &str, activation: Activation) -> Vec<Trial> {
        named::trials(name, activation)
    }
}

/// As a [`FrontEnd`] finds it, with the tensors on a device.
fn found(
    device: &Device,
    way: Way,
    objective: &Objective,
    case: &Case,
    upstream: Option<&[f32]>,
) -> Result<Found, String> {
    match case.shape[..] {
        [_, _, _] => of_axes::<3>(device, way, objective, case, upstream),
        _ => of_axes::<4>(device, way, objective, case, upstream),
    }
}

fn of_axes<const D: usize>(
    device: &Device,
    way: Way,
    objective: &Objective,
    case: &Case,
    upstream: Option<&[f32]>,
) -> Result<Found, String> {
    let logits = logits::<D>(case, device).require_grad();
    let form = match objective.reduced_by() {
        Reduction::None => Form::Unreduced,
        _ => Form::Number,
    };
    let whole = targets(case, device);
    let targets = whole.clone().stacked(&case.shape).map_err(|error| error.to_string())?;
    let tensor = logits.clone().into_dispatch();
    let shared = Arc::new(objective.clone());
    let outcome = match (way, form) {
        (Way::Engine, Form::Number) => SegmentationLoss::new(objective.clone())
            .evaluate(logits.clone(), whole)
            .map(|found| (found.loss.into_dispatch(), found.verdict, found.moments)),
        (Way::Engine, Form::Unreduced) => {
            evaluated(Dispatch::segmentation_loss(tensor, targets, shared, form))
        }
        (Way::Operations, _) => {
            evaluated(on_device::segmentation_loss(tensor, targets, shared, form))
        }
    };
    let (output, verdict, moments) = outcome.map_err(|error| error.to_string())?;
    let shape = output.shape().to_vec();
    let output = Dispatch::float_reshape(output, [shape.iter().product::<usize>()].into());
    let output = Tensor::<1>::from_dispatch(output);
    let graph = match upstream {
        Some(upstream) => output.clone() * Tensor::from_data(upstream, (device, output.dtype())),
        None => output.clone(),
    };
    let gradient = logits.grad(&graph.backward()).expect("tracked");
    let (element, gradient_element) = (element(output.dtype()), element(gradient.dtype()));
    Ok(Found {
        // A value without axes still has one in Burn.
        shape: if shape == [1] { Vec::new() } else { shape },
        values: output.into_data().convert::<f64>().iter::<f64>().collect(),
        element,
        gradient: gradient.into_data().convert::<f64>().iter::<f64>().collect(),
        gradient_element,
        verdict,
        moments,
    })
}

/// The same of a loss beside the objective.
fn found_directly(
    device: &Device,
    way: Way,
    loss: &DirectLoss,
    case: &Case,
    upstream: Option<&[f32]>,
) -> Result<FoundDirectly, String> {
    let logits = logits::<4>(case, device).require_grad();
    let targets = targets(case, device).stacked(&case.shape).map_err(|error| error.to_string())?;
    let (tensor, loss) = (logits.clone().into_dispatch(), Arc::new(loss.clone()));
    let output = match way {
        Way::Engine => Dispatch::direct_loss(tensor, targets, loss),
        Way::Operations => on_device::direct_loss(tensor, targets, loss),
    };
    let output = match output {
        DirectOutcome::Found(output) => output,
        DirectOutcome::Failed(error) => return Err(error.to_string()),
    };
    let shape = output.shape().to_vec();
    let output = Dispatch::float_reshape(output, [shape.iter().product::<usize>()].into());
    let output = Tensor::<1>::from_dispatch(output);
    let graph = match upstream {
        Some(upstream) => output.clone() * Tensor::from_data(upstream, (device, output.dtype())),
        None => output.clone(),
    };
    let gradient = logits.grad(&graph.backward()).expect("tracked");
    let (element, gradient_element) = (element(output.dtype()), element(gradient.dtype()));
    Ok(FoundDirectly {
        shape: if shape == [1] { Vec::new() } else { shape },
        values: output.into_data().convert::<f64>().iter::<f64>().collect(),
        element,
        gradient: gradient.into_data().convert::<f64>().iter::<f64>().collect(),
        gradient_element,
    })
}

type Evaluated = (DispatchTensor, Arc<Verdict>, Moments);

fn evaluated(outcome: Outcome<Dispatch>) -> dice_loss::Result<Evaluated> {
    match outcome {
        Outcome::Evaluated(output, verdict, moments) => Ok((output, verdict, moments)),
        Outcome::Failed(error) => Err(error),
    }
}

fn logits<const D: usize>(case: &Case, device: &Device) -> Tensor<D> {
    let data = TensorData::new(case.logits.clone(), case.shape.clone());
    Tensor::<D>::from_data(data, device).cast(match case.element {
        Element::F64 => FloatDType::F64,
        Element::F16 => FloatDType::F16,
        Element::BF16 => FloatDType::BF16,
        _ => FloatDType::F32,
    })
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

/// Evaluates an expression with the number of axes of a shape as a constant.
macro_rules! with_axes {
    ($shape:expr, $D:ident => $made:expr) => {
        match $shape.len() {
            1 => {
                const $D: usize = 1;
                $made
            }
            2 => {
                const $D: usize = 2;
                $made
            }
            3 => {
                const $D: usize = 3;
                $made
            }
            _ => {
                const $D: usize = 4;
                $made
            }
        }
    };
}

fn targets(case: &Case, device: &Device) -> Targets {
    let labels = |map: &Shaped<i64>, table: Option<&Vec<Vec<usize>>>| {
        let (values, shape, dtype) = (&map.values, &map.shape, integers(case.integer));
        let data = match case.integer {
            Integer::U64 => {
                let values = values.iter().map(|&label| label as u64).collect::<Vec<_>>();
                TensorData::new(values, shape.clone())
            }
            _ => TensorData::new(values.clone(), shape.clone()).convert_dtype(dtype),
        };
        with_axes!(shape, D => {
            let labels = Tensor::<D, Int>::from_data(data, (device, dtype));
            match table {
                Some(table) => Targets::regions(labels, table.clone()),
                None => Targets::labels(labels),
            }
        })
    };
    let mut targets = match &case.reference {
        Reference::Labels(map) => labels(map, None),
        Reference::Regions(map, table) => labels(map, Some(table)),
        Reference::Dense(target) => {
            let data = TensorData::new(target.values.clone(), target.shape.clone());
            with_axes!(target.shape, D => Targets::dense(Tensor::<D>::from_data(data, device)))
        }
        Reference::Multilabel(target) => {
            let data = TensorData::new(target.values.clone(), target.shape.clone());
            with_axes!(target.shape, D => {
                Targets::multilabel(Tensor::<D, Bool>::from_data(data, device))
            })
        }
    };
    if let Some(mask) = &case.mask {
        let data = TensorData::new(mask.values.clone(), mask.shape.clone());
        targets = with_axes!(mask.shape, D => {
            targets.mask(Tensor::<D, Bool>::from_data(data, device))
        });
    }
    if let Some(weights) = &case.weights {
        let data = TensorData::new(weights.values.clone(), weights.shape.clone());
        targets = with_axes!(weights.shape, D => {
            targets.voxel_weights(Tensor::<D>::from_data(data, device))
        });
    }
    for (name, map) in &case.maps {
        let data = TensorData::new(map.values.clone(), map.shape.clone());
        targets = with_axes!(map.shape, D => {
            targets.map(name, Tensor::<D>::from_data(data, device))
        });
    }
    if let Some(valid) = &case.class_valid {
        targets = targets.class_valid(valid.clone());
    }
    match case.ignore_index {
        Some(label) => targets.ignore_index(label),
        None => targets,
    }
}

fn integers(integer: Integer) -> DType {
    match integer {
        Integer::U8 => DType::U8,
        Integer::U16 => DType::U16,
        Integer::U32 => DType::U32,
        Integer::U64 => DType::U64,
        Integer::I8 => DType::I8,
        Integer::I16 => DType::I16,
        Integer::I32 => DType::I32,
        Integer::I64 => DType::I64,
    }
}
