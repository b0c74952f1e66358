//! What the kernels want of a device.

use std::sync::Once;

use burn::backend::{DispatchDevice, DispatchTensorKind, TensorMetadata};
use cubecl::{ir::HardwareProperties, prelude::Client};
use dice_loss_gpu::UNITS;

use super::SHARED_MEMORY;

/// Of the kernel that takes most: logits, target, mask, weights, tables, slopes, gradient. With a map
/// there is one more.
const BUFFERS: u32 = 7;
/// Cubes along the first axis of a grid, and samples along the second, that every GPU takes.
const CUBES: u32 = 65_535;

/// The client of a tensor that lies on a CubeCL device.
pub(super) fn client(tensor: &DispatchTensorKind) -> Option<Client> {
    match tensor {
        DispatchTensorKind::Cube(_) => match tensor.device() {
            DispatchDevice::Cube(device) => Some(device.client()),
            _ => None,
        },
        DispatchTensorKind::Autodiff(inner) => client(inner),
        _ => None,
    }
}

/// Whether the kernels run there, with a map or without. If not, says so, the first time.
pub(super) fn suffices(client: &Client, has_map: bool) -> bool {
    static SAID: [Once; 2] = [Once::new(), Once::new()];
    let Some(lacking) = lacking(&client.properties().hardware, has_map) else { return true };
    SAID[usize::from(has_map)].call_once(|| {
        let name = &client.properties().identity.name;
        let with = if has_map { " with a map" } else { "" };
        log::warn!(
            "{name}: found {lacking}; the kernels{with} do not run there, \
             so segmentation losses{with} are computed from tensor operations"
        );
    });
    false
}

/// What there is too little of, and how much was wanted; `None` if there is enough of everything.
pub(crate) fn lacking(hardware: &HardwareProperties, has_map: bool) -> Option<String> {
    let buffers = BUFFERS + u32::from(has_map);
    let units = hardware.max_units_per_cube.min(hardware.max_cube_dim.0);
    let cubes = hardware.max_cube_count.0.min(hardware.max_cube_count.1);
    let shared = u32::try_from(hardware.max_shared_memory_size).unwrap_or(u32::MAX);
    let wants = [
        (hardware.max_bindings, buffers, "storage buffers of a kernel"),
        (shared, SHARED_MEMORY, "bytes of shared memory"),
        (units, UNITS, "units of a cube"),
        (cubes, CUBES, "cubes along an axis"),
    ];
    let lacking: Vec<_> = wants
        .iter()
        .filter(|(found, wanted, _)| found < wanted)
        .map(|(found, wanted, what)| format!("{found} {what} (wanted {wanted})"))
        .collect();
    (!lacking.is_empty()).then(|| lacking.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What WebGPU promises of every adapter: eight storage buffers, one of which CubeCL takes.
    fn least() -> HardwareProperties {
        HardwareProperties {
            load_width: 128,
            vector_register_count: None,
            plane_size_min: 4,
            plane_size_max: 128,
            max_bindings: 7,
            max_shared_memory_size: 16 << 10,
            max_cube_count: (65_535, 65_535, 65_535),
            max_units_per_cube: 256,
            max_cube_dim: (256, 256, 64),
            num_streaming_multiprocessors: None,
            num_cpu_cores: None,
            last_level_cache_size: None,
            num_tensor_cores: None,
            min_tensor_cores_dim: None,
            max_vector_size: 4,
            cube_mma_reserved_shared_memory: 0,
        }
    }

    #[test]
    fn what_webgpu_promises_is_enough_without_a_map() {
        assert_eq!(lacking(&least(), false), None);
        let lacking = lacking(&least(), true).unwrap();
        assert_eq!(lacking, "7 storage buffers of a kernel (wanted 8)");
    }

    #[test]
    fn each_shortage_is_named_with_what_was_wanted() {
        let buffers = HardwareProperties { max_bindings: 3, ..least() };
        assert_eq!(lacking(&buffers, false).unwrap(), "3 storage buffers of a kernel (wanted 7)");
        let shared = HardwareProperties { max_shared_memory_size: 8 << 10, ..least() };
        assert_eq!(lacking(&shared, false).unwrap(), "8192 bytes of shared memory (wanted 16384)");
        let units = HardwareProperties { max_cube_dim: (128, 128, 64), ..least() };
        let units = HardwareProperties { max_bindings: 0, ..units };
        assert_eq!(
            lacking(&units, false).unwrap(),
            "0 storage buffers of a kernel (wanted 7), 128 units of a cube (wanted 256)"
        );
        let cubes = HardwareProperties { max_cube_count: (65_535, 1, 1), ..least() };
        assert_eq!(lacking(&cubes, false).unwrap(), "1 cubes along an axis (wanted 65535)");
    }
}
