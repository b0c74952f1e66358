//! The sweeps as kernels on a GPU, through CubeCL: operations that Burn's fusion may defer.
//!
//! Sweep 1 gives the sums as a tensor, sweep 2 is its backward step. The loss between them is the
//! engine's.

mod autodiff;
mod cube;
pub(crate) mod device;

use std::sync::Arc;

use burn::{
    backend::{
        Backend, Dispatch, DispatchTensor, TensorMetadata, backend_extension,
        fusion::custom::TensorSpec, tensor::FloatTensor,
    },
    tensor::{DType, Shape},
};
use dice_loss::Prepared;
use dice_loss_gpu::{Form, Needs, Passes};

use crate::targets::{Reference, TargetTensors, TargetTensorsMetadata, VoxelWeights};

/// Shared memory that every GPU has.
const SHARED_MEMORY: u32 = 16 << 10;

/// Backends on which the kernels run.
#[backend_extension(Cube, Fusion, Autodiff)]
pub(crate) trait KernelBackend: Backend {
    /// The sums `[N, K, C]` in f32; NaN where a label, value or weight that counts is out of range.
    #[fusion(meta = sums_spec)]
    fn segmentation_sums(
        logits: FloatTensor<Self>,
        #[extension_type] targets: TargetTensors<Self>,
        prepared: Arc<Prepared>,
    ) -> FloatTensor<Self>;

    /// The gradient by the logits of Σ slope · sum.
    #[fusion(meta = gradient_spec)]
    fn segmentation_gradient(
        slopes: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        #[extension_type] targets: TargetTensors<Self>,
        prepared: Arc<Prepared>,
    ) -> FloatTensor<Self>;
}

fn sums_spec(
    logits: &TensorSpec,
    _: &TargetTensorsMetadata,
    prepared: &Arc<Prepared>,
) -> TensorSpec {
    let columns = prepared.integrands().len();
    TensorSpec::new(Shape::from([logits.shape[0], columns, logits.shape[1]]), DType::F32)
}

fn gradient_spec(
    _: &TensorSpec,
    logits: &TensorSpec,
    _: &TargetTensorsMetadata,
    _: &Arc<Prepared>,
) -> TensorSpec {
    logits.clone()
}

/// The sums `[N, K, C]`, differentiable; `None` where no kernel can take the tensors.
pub(crate) fn sums(
    logits: &DispatchTensor,
    targets: &TargetTensors<Dispatch>,
    prepared: &Prepared,
) -> Option<DispatchTensor> {
    let shape = logits.shape();
    let numbers = shape.iter().try_fold(1u32, |all, &size| {
        u32::try_from(size).ok().and_then(|size| all.checked_mul(size))
    })?;
    let takes = matches!(logits.dtype(), DType::F32 | DType::F16 | DType::BF16);
    let client = device::client(&logits.kind)?;
    let has_map = !targets.rules.maps.is_empty();
    if numbers == 0 || !takes || !device::suffices(&client, has_map) {
        return None;
    }
    let needs = Needs { shared_memory: SHARED_MEMORY, ..needs(targets) };
    Passes::new(prepared, needs)?;
    let (logits, targets) = (logits.clone(), targets.clone());
    Some(Dispatch::segmentation_sums(logits, targets, Arc::new(prepared.clone())))
}

fn needs<B: Backend>(targets: &TargetTensors<B>) -> Needs {
    let form = match (&targets.reference, &targets.rules.regions) {
        (Reference::Labels(_), Some(_)) => Form::Regions,
        (Reference::Labels(_), None) => Form::Labels,
        _ => Form::Dense,
    };
    Needs {
        form,
        weighted: matches!(targets.weights, VoxelWeights::Each(_)),
        partial: targets.rules.class_valid.is_some(),
        shared_memory: SHARED_MEMORY,
    }
}
