//! Element types that a device does not have.
//!
//! Burn puts such a tensor on the device all the same, and only what reads a result of it panics:
//! with the shader compiler's words, if any.

use burn::{
    backend::{Backend, DTypeUsage, Dispatch, DispatchDevice, DispatchTensor, TensorMetadata},
    tensor::DType,
};
use dice_loss::{Error, Result};

use crate::targets::{Maps, Reference, TargetTensors, VoxelWeights};

pub(crate) fn check_logits(logits: &DispatchTensor) -> Result<()> {
    check("logits", logits, "F32")
}

/// Kernels read everything else word by word.
pub(crate) fn kernels_convert(dtype: DType) -> bool {
    dtype == DType::F64
}

/// Those of the targets that `concerns`: kernels take most types apart themselves, whatever the
/// device makes of them; tensor operations do not.
pub(crate) fn check_targets(
    targets: &TargetTensors<Dispatch>,
    concerns: fn(DType) -> bool,
) -> Result<()> {
    let reference = match &targets.reference {
        Reference::Labels(labels) => Some(("labels", labels, "I32")),
        Reference::Dense(target) => Some(("dense target", target, "F32")),
        // The device chooses how it stores these.
        Reference::Multilabel(_) => None,
    };
    let weights = match &targets.weights {
        VoxelWeights::Each(weights) => Some(("voxel weights", weights, "F32")),
        VoxelWeights::Equal => None,
    };
    let maps = match &targets.maps {
        Maps::Stacked(maps) => Some(("maps", maps, "F32")),
        Maps::None => None,
    };
    let mut tensors = reference.into_iter().chain(weights).chain(maps);
    tensors.try_for_each(|(what, tensor, wanted)| match concerns(tensor.dtype()) {
        true => check(what, tensor, wanted),
        false => Ok(()),
    })
}

fn check(what: &str, tensor: &DispatchTensor, wanted: &str) -> Result<()> {
    let (device, dtype) = (tensor.device(), tensor.dtype());
    let usage = Dispatch::dtype_usage(&device, dtype);
    require(what, dtype, usage.contains(DTypeUsage::Storage), || name(&device), wanted)
}

/// `usable`: whether the device stores the type and converts it, which is all that a loss asks.
fn require(
    what: &str,
    dtype: DType,
    usable: bool,
    device: impl Fn() -> String,
    wanted: &str,
) -> Result<()> {
    match usable {
        true => Ok(()),
        false => Err(Error::Parameter {
            what: format!("{what}: element type"),
            found: format!("{dtype:?} on {}, which cannot compute with it", device()),
            wanted: format!("{wanted}, or another type that the device has"),
        }),
    }
}

#[cfg(feature = "cube")]
fn name(device: &DispatchDevice) -> String {
    device.identity().map_or_else(|| format!("{device:?}"), |identity| identity.name)
}

#[cfg(not(feature = "cube"))]
fn name(device: &DispatchDevice) -> String {
    format!("{device:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_a_device_lacks_is_named_with_the_device() {
        let device = || "llvmpipe".to_owned();
        assert_eq!(require("logits", DType::F16, true, device, "F32"), Ok(()));
        let error = require("logits", DType::F16, false, device, "F32").unwrap_err().to_string();
        assert_eq!(
            error,
            "logits: element type: found F16 on llvmpipe, which cannot compute with it, \
             wanted F32, or another type that the device has"
        );
    }
}
