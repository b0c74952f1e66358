//! The kernels on Burn's client and on tensors where they lie.

use std::sync::Arc;

use burn::{
    backend::{
        TensorMetadata,
        ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    },
    tensor::{BoolStore, DType, FloatDType, IntDType, Shape},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::ir::{ElemType, FloatKind};
use dice_loss::{Layout, Prepared};
use dice_loss_gpu::{Buffers, Geometry, Kind, Passes, View};

use super::{KernelBackend, needs};
use crate::targets::{Maps, Mask, Reference, TargetTensors, VoxelWeights};

impl KernelBackend for CubeBackend {
    fn segmentation_sums(
        logits: CubeTensor,
        targets: TargetTensors<Self>,
        prepared: Arc<Prepared>,
    ) -> CubeTensor {
        let job = Job::new(logits, targets, &prepared);
        let [samples, classes, _] = job.geometry.shape.map(|size| size as usize);
        let shape = [samples, job.passes.columns() as usize, classes];
        let Job { logits, passes, geometry, buffers } = &job;
        let sums = dice_loss_gpu::measure(&logits.client, passes, geometry, buffers);
        let (client, device) = (logits.client.clone(), logits.device.clone());
        CubeTensor::new_contiguous(client, device, Shape::from(shape), sums, DType::F32)
    }

    fn segmentation_gradient(
        slopes: CubeTensor,
        logits: CubeTensor,
        targets: TargetTensors<Self>,
        prepared: Arc<Prepared>,
    ) -> CubeTensor {
        let slopes = into_contiguous(Self::float_cast(slopes, FloatDType::F32));
        let job = Job::new(logits, targets, &prepared);
        let Job { logits, passes, geometry, buffers } = &job;
        let (client, device) = (logits.client.clone(), logits.device.clone());
        let bytes = logits.shape().num_elements() * logits.dtype.size();
        let gradient = client.empty(bytes);
        dice_loss_gpu::pull_back(&client, passes, geometry, buffers, &slopes.handle, &gradient);
        CubeTensor::new_contiguous(client, device, logits.shape(), gradient, logits.dtype)
    }
}

/// All that both sweeps need.
struct Job {
    logits: CubeTensor,
    passes: Passes,
    geometry: Geometry,
    buffers: Buffers,
}

impl Job {
    fn new(logits: CubeTensor, targets: TargetTensors<CubeBackend>, prepared: &Prepared) -> Self {
        let mut needs = needs(&targets);
        let memory = logits.client.properties().hardware.max_shared_memory_size;
        needs.shared_memory = needs.shared_memory.max(memory as u32);
        let (logits, layout) = followed(logits, Layout::strided);
        let shape = layout.shape().map(|size| size as u32);
        let passes = Passes::new(prepared, needs)
            .expect("the caller has asked for less memory than there is");
        let (target, target_view) = match targets.reference {
            Reference::Labels(labels) => of_voxels(readable_integers(labels)),
            Reference::Dense(target) => of_channels(readable_floats(target)),
            Reference::Multilabel(target) => of_channels(readable_booleans(target)),
        };
        let (mask, mask_view) = match targets.mask {
            Mask::Everything => (target.clone(), View::NONE),
            Mask::Only(mask) => of_voxels(readable_booleans(mask)),
        };
        let (weights, weights_view) = match targets.weights {
            VoxelWeights::Equal => (target.clone(), View::NONE),
            VoxelWeights::Each(weights) => of_voxels(readable_floats(weights)),
        };
        let (map, map_view) = match targets.maps {
            Maps::None => (target.clone(), View::NONE),
            Maps::Stacked(map) => {
                let is_shared = map.shape()[1] == 1;
                let (map, view) = of_channels(readable_floats(map));
                let [sample, class, voxel] = view.strides;
                let class = if is_shared { 0 } else { class };
                (map, View { strides: [sample, class, voxel], ..view })
            }
        };
        let rules = &targets.rules;
        let classes = shape[1] as usize;
        let regions = rules.regions.iter().flatten().flat_map(|channels| {
            (0..classes).map(|class| f32::from(u8::from(channels.contains(&class))))
        });
        let annotated = rules.class_valid.iter().flatten();
        let geometry = Geometry {
            shape,
            logits: strides(layout),
            gradient: [shape[1] * shape[2], shape[2], 1],
            target: target_view,
            mask: mask_view,
            weights: weights_view,
            map: map_view,
            ignore_index: rules.ignore_index,
            regions: rules.regions.as_ref().map(|table| table.len() as u32),
        };
        let buffers = Buffers {
            float: match logits.dtype {
                DType::F16 => ElemType::Float(FloatKind::F16),
                DType::BF16 => ElemType::Float(FloatKind::BF16),
                _ => ElemType::Float(FloatKind::F32),
            },
            logits: logits.handle.clone(),
            target: target.handle,
            mask: mask.handle,
            weights: weights.handle,
            map: map.handle,
            regions: regions.collect(),
            annotated: annotated.map(|&valid| f32::from(u8::from(valid))).collect(),
        };
        Self { logits, passes, geometry, buffers }
    }
}

/// A tensor whose strides the kernels can follow, copied only if need be.
fn followed(
    tensor: CubeTensor,
    layout: fn(&[usize], &[usize]) -> dice_loss::Result<Layout>,
) -> (CubeTensor, Layout) {
    let of = |tensor: &CubeTensor| layout(&tensor.shape(), tensor.meta.strides());
    if let Ok(layout) = of(&tensor) {
        return (tensor, layout);
    }
    let tensor = into_contiguous(tensor);
    let layout = of(&tensor).expect("a contiguous tensor has one stride over all spatial axes");
    (tensor, layout)
}

fn of_channels(tensor: CubeTensor) -> (CubeTensor, View) {
    viewed(tensor, Layout::strided)
}

fn of_voxels(tensor: CubeTensor) -> (CubeTensor, View) {
    viewed(tensor, Layout::voxels_strided)
}

fn viewed(
    tensor: CubeTensor,
    layout: fn(&[usize], &[usize]) -> dice_loss::Result<Layout>,
) -> (CubeTensor, View) {
    let (tensor, layout) = followed(tensor, layout);
    let kind = kind(tensor.dtype).unwrap_or(Kind::None);
    (tensor, View { kind, start: 0, strides: strides(layout) })
}

fn strides(layout: Layout) -> [u32; 3] {
    layout.strides().map(|stride| stride as u32)
}

/// How the kernels read a type; `None` if they do not.
fn kind(dtype: DType) -> Option<Kind> {
    Some(match dtype {
        DType::F32 => Kind::F32,
        DType::F16 => Kind::F16,
        DType::BF16 => Kind::BF16,
        DType::I64 => Kind::I64,
        DType::U64 => Kind::U64,
        DType::I32 => Kind::I32,
        DType::U32 | DType::Bool(BoolStore::U32) => Kind::U32,
        DType::I16 => Kind::I16,
        DType::U16 => Kind::U16,
        DType::I8 => Kind::I8,
        DType::U8 | DType::Bool(BoolStore::U8) => Kind::U8,
        _ => return None,
    })
}

fn readable_floats(tensor: CubeTensor) -> CubeTensor {
    match kind(tensor.dtype) {
        Some(_) => tensor,
        None => CubeBackend::float_cast(tensor, FloatDType::F32),
    }
}

fn readable_integers(tensor: CubeTensor) -> CubeTensor {
    match kind(tensor.dtype) {
        Some(_) => tensor,
        None => CubeBackend::int_cast(tensor, IntDType::I32),
    }
}

fn readable_booleans(tensor: CubeTensor) -> CubeTensor {
    match kind(tensor.dtype) {
        Some(_) => tensor,
        None => CubeBackend::bool_into_int(tensor, IntDType::I32),
    }
}
