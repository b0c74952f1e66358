//! Launching the kernels on a CubeCL client.

use cubecl::{
    ir::{ElemType, FloatKind},
    prelude::*,
    server::Handle,
};

use crate::{
    Geometry, Pass, Passes, UNITS,
    kernels::{
        join::{JOINING, join},
        measure::{measure as measure_kernel, measure_mapped},
        pull_back::{pull_back as pull_back_kernel, pull_back_mapped},
    },
};

/// The memory of a batch: whole buffers, with their lengths in bytes.
#[derive(Debug, Clone)]
pub struct Buffers {
    /// Type of the logits and the gradient.
    pub float: ElemType,
    /// The logits.
    pub logits: Handle,
    /// The reference.
    pub target: Handle,
    /// The mask; of any content if there is none.
    pub mask: Handle,
    /// The weights; of any content if there are none.
    pub weights: Handle,
    /// The map; of any content if there is none.
    pub map: Handle,
    /// Regions, (label, class): 1 where the label is part of the class.
    pub regions: Vec<f32>,
    /// (sample, class): 1 where the class was annotated. Empty if all were.
    pub annotated: Vec<f32>,
}

/// Sweep 1: the moments, row-major (sample, column, class), in f32.
pub fn measure(client: &Client, passes: &Passes, geometry: &Geometry, buffers: &Buffers) -> Handle {
    let [samples, classes, _] = geometry.shape;
    let length = (samples * passes.columns() * classes) as usize;
    let moments = client.empty(length * size_of::<f32>());
    for pass in passes.iter() {
        let cubes = geometry.measuring_cubes();
        let summed = pass.recipe.columns.len() as u32;
        let partials_length = (samples * cubes * summed * classes) as usize;
        let partials = client.empty(partials_length * size_of::<f32>());
        launch_measure(client, pass, geometry, buffers, partials.clone(), partials_length);
        let columns: Vec<u32> = pass.columns.iter().flatten().copied().collect();
        let columns_length = columns.len();
        let columns = client.create_from_slice(u32::as_bytes(&columns));
        let wanted = pass.columns.len() as u32;
        // SAFETY: each buffer has the length that it is passed with, and the kernel stays within
        // the grid's shape.
        unsafe {
            join::launch_unchecked::<f32>(
                client,
                CubeCount::Static(wanted * classes, samples, 1),
                CubeDim::new_1d(JOINING),
                BufferArg::from_raw_parts(partials, partials_length),
                BufferArg::from_raw_parts(columns, columns_length),
                BufferArg::from_raw_parts(moments.clone(), length),
                0,
                cubes,
                classes,
                summed,
                passes.columns(),
            );
        }
    }
    moments
}

/// Sweep 2: writes the gradient, in the logits' type and with the strides of the geometry.
///
/// `slopes` are the derivatives by the moments, row-major (sample, column, class), in f32.
pub fn pull_back(
    client: &Client,
    passes: &Passes,
    geometry: &Geometry,
    buffers: &Buffers,
    slopes: &Handle,
    gradient: &Handle,
) {
    let [samples, classes, _] = geometry.shape;
    for (index, pass) in passes.iter().enumerate() {
        let mut batch = pass.batch(geometry);
        batch.slopes_sample = passes.columns() * classes;
        batch.adds = u32::from(index > 0);
        let size = buffers.float.size();
        let (tables, tables_length) = tables(client, pass, geometry, buffers);
        let count = CubeCount::Static(geometry.pulling_cubes(), samples, 1);
        macro_rules! launch {
            ($kernel:ident, $F:ty, $($map:expr)?) => {
                // SAFETY: as in `launch_measure`.
                unsafe {
                    $kernel::launch_unchecked::<$F>(
                        client,
                        count,
                        CubeDim::new_1d(UNITS),
                        whole(&buffers.logits, size),
                        words(&buffers.target),
                        words(&buffers.mask),
                        words(&buffers.weights),
                        $($map,)?
                        BufferArg::from_raw_parts(tables, tables_length),
                        whole(slopes, size_of::<f32>()),
                        whole(gradient, size),
                        batch.launched(),
                        pass.recipe.clone(),
                    );
                }
            };
            ($F:ty) => {
                match pass.recipe.mapped {
                    true => launch!(pull_back_mapped, $F, words(&buffers.map)),
                    false => launch!(pull_back_kernel, $F,),
                }
            };
        }
        match buffers.float {
            ElemType::Float(FloatKind::F16) => launch!(half::f16),
            ElemType::Float(FloatKind::BF16) => launch!(half::bf16),
            _ => launch!(f32),
        }
    }
}

fn launch_measure(
    client: &Client,
    pass: &Pass,
    geometry: &Geometry,
    buffers: &Buffers,
    partials: Handle,
    partials_length: usize,
) {
    let [samples, _, _] = geometry.shape;
    let batch = pass.batch(geometry);
    let size = buffers.float.size();
    let (tables, tables_length) = tables(client, pass, geometry, buffers);
    let count = CubeCount::Static(geometry.measuring_cubes(), samples, 1);
    macro_rules! launch {
        ($kernel:ident, $F:ty, $($map:expr)?) => {
            // SAFETY: each buffer has the length that it is passed with; the geometry was made from
            // the tensors that lie in them, and the kernel checks the ends of tiles itself.
            unsafe {
                $kernel::launch_unchecked::<$F>(
                    client,
                    count,
                    CubeDim::new_1d(UNITS),
                    whole(&buffers.logits, size),
                    words(&buffers.target),
                    words(&buffers.mask),
                    words(&buffers.weights),
                    $($map,)?
                    BufferArg::from_raw_parts(tables, tables_length),
                    BufferArg::from_raw_parts(partials, partials_length),
                    batch.launched(),
                    pass.recipe.clone(),
                );
            }
        };
        ($F:ty) => {
            match pass.recipe.mapped {
                true => launch!(measure_mapped, $F, words(&buffers.map)),
                false => launch!(measure_kernel, $F,),
            }
        };
    }
    match buffers.float {
        ElemType::Float(FloatKind::F16) => launch!(half::f16),
        ElemType::Float(FloatKind::BF16) => launch!(half::bf16),
        _ => launch!(f32),
    }
}

fn tables(client: &Client, pass: &Pass, geometry: &Geometry, buffers: &Buffers) -> (Handle, usize) {
    let tables = pass.tables(geometry, &buffers.regions, &buffers.annotated);
    (client.create_from_slice(f32::as_bytes(&tables)), tables.len())
}

fn whole(handle: &Handle, size: usize) -> BufferArg {
    let length = (handle.size_in_used() as usize).div_ceil(size);
    // SAFETY: the length is the buffer's own.
    unsafe { BufferArg::from_raw_parts(handle.clone(), length) }
}

fn words(handle: &Handle) -> BufferArg {
    whole(handle, size_of::<u32>())
}

#[cfg(all(test, feature = "wgpu", feature = "emit"))]
mod tests;
