//! The kernels as CUDA C++, without a GPU: for whoever compiles them ahead of time.

use std::sync::Arc;

use cubecl::{
    ir::{
        DeviceIdentity, DeviceProperties, HardwareProperties, MemoryDeviceProperties,
        TargetProperties, VectorSize,
    },
    prelude::*,
};
use cubecl_common::{
    device::{DeviceId, ServiceId},
    profile::TimingMethod,
};
use cubecl_cpp::{
    shared::{CompilationOptions, CppCompiler, CppSupportedFeatures, register_supported_types},
    target,
};
use cubecl_environment::stream::StreamId;
use cubecl_runtime::{compiler::Compiler, server::Handle};
use half::{bf16, f16};

use crate::{
    Addressing, Recipe, UNITS,
    addressing::AddressingLaunch,
    aot,
    kernels::{
        evaluate,
        join::{self, JOINING},
        measure, pull_back,
    },
};

/// A kernel, written in CUDA C++.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    /// Sweep, recipe, element type: the name of its entry point.
    pub name: String,
    /// Units of a cube.
    pub units: u32,
    /// Bytes of shared memory.
    pub shared: usize,
    /// Numbers that it takes by value: its own, and lengths of buffers, which it does not read.
    pub numbers: usize,
    /// The source.
    pub code: String,
}

/// All kernels that PyTorch can ask for. Fails with the compiler's message.
pub fn sources() -> Result<Vec<Source>, String> {
    let mut evaluate = source("evaluate_f64", UNITS, evaluates().define())?;
    // One cube runs: without the 1 the assembler spills registers to make room for others beside it.
    let alone = format!("__launch_bounds__({UNITS}, 1)");
    evaluate.code = evaluate.code.replace(&format!("__launch_bounds__({UNITS})"), &alone);
    let mut sources = vec![source("join_f64", JOINING, joins().define())?, evaluate];
    for (name, recipe) in aot::recipes() {
        sources.push(source(&format!("measure_{name}_f32"), UNITS, measures::<f32>(&recipe))?);
        sources.push(source(&format!("measure_{name}_f16"), UNITS, measures::<f16>(&recipe))?);
        sources.push(source(&format!("measure_{name}_bf16"), UNITS, measures::<bf16>(&recipe))?);
        sources.push(source(&format!("pull_back_{name}_f32"), UNITS, pulls_back::<f32>(&recipe))?);
        sources.push(source(&format!("pull_back_{name}_f16"), UNITS, pulls_back::<f16>(&recipe))?);
        let kernel = pulls_back::<bf16>(&recipe);
        sources.push(source(&format!("pull_back_{name}_bf16"), UNITS, kernel)?);
    }
    Ok(sources)
}

/// Any buffers, one for each name, and any numbers, on any device: only their types enter a kernel.
macro_rules! defined {
    ($kernel:path, $recipe:expr, $($buffer:ident)+) => {{
        let (count, dim) = (CubeCount::Static(1, 1, 1), CubeDim::new_1d(UNITS));
        let [$($buffer),+] = std::array::from_fn(|_| buffer());
        let batch = batch();
        $kernel(device(), target_properties(), count, dim, $($buffer,)+ batch, $recipe.clone())
            .define()
    }};
}

fn measures<F: Float>(recipe: &Recipe) -> KernelDefinition {
    match recipe.mapped {
        true => defined!(
            measure::measure_mapped::create_dummy_kernel::<F>, recipe,
            logits target mask weights maps tables partials
        ),
        false => defined!(
            measure::measure::create_dummy_kernel::<F>, recipe,
            logits target mask weights tables partials
        ),
    }
}

fn pulls_back<F: Float>(recipe: &Recipe) -> KernelDefinition {
    match recipe.mapped {
        true => defined!(
            pull_back::pull_back_mapped::create_dummy_kernel::<F>, recipe,
            logits target mask weights maps tables slopes gradient
        ),
        false => defined!(
            pull_back::pull_back::create_dummy_kernel::<F>, recipe,
            logits target mask weights tables slopes gradient
        ),
    }
}

fn joins() -> impl CubeKernel {
    let (device, target) = (device(), target_properties());
    join::join::create_dummy_kernel::<f64>(
        device,
        target,
        CubeCount::Static(1, 1, 1),
        CubeDim::new_1d(JOINING),
        buffer(),
        buffer(),
        buffer(),
        0,
        0,
        0,
        0,
        0,
    )
}

fn evaluates() -> impl CubeKernel {
    let (device, target) = (device(), target_properties());
    evaluate::evaluate::create_dummy_kernel::<f64>(
        device,
        target,
        CubeCount::Static(1, 1, 1),
        CubeDim::new_1d(UNITS),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        buffer(),
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    )
}

fn source(name: &str, units: u32, kernel: KernelDefinition) -> Result<Source, String> {
    let supports_features = CppSupportedFeatures { grid_constants: true, ..Default::default() };
    let options = CompilationOptions { supports_features, ..Default::default() };
    let compiled = CppCompiler::<target::Cuda>::default()
        .compile(kernel, &options)
        .map_err(|error| format!("{name}: {error:?}"))?;
    let code = compiled.source.lines().map(with_typed_zero).collect::<Vec<_>>().join("\n");
    let entry = entry(&code).ok_or_else(|| format!("{name}: found no entry point"))?.to_owned();
    // What CubeCL calls it depends on how this program was compiled.
    let code = code.replace(&entry, name);
    let numbers = ["scalars_u32[", "static_meta["].map(|field| length(&code, field)).iter().sum();
    let shared = compiled.shared_memory_size;
    Ok(Source { name: name.to_owned(), units, shared, numbers, code })
}

/// A bf16 of an integer has two meanings to old headers.
fn with_typed_zero(line: &str) -> String {
    match line.trim_start().starts_with("__nv_bfloat16 const ") {
        true => line.replace(" = 0;", " = 0.0f;"),
        false => line.to_owned(),
    }
}

/// The length of an array of the struct that is passed by value, where it is declared.
fn length(code: &str, field: &str) -> usize {
    let declared = code.split_once(field).and_then(|(_, rest)| rest.split_once(']'));
    declared.and_then(|(length, _)| length.parse().ok()).unwrap_or(0)
}

/// The name between the launch bounds and the parameters.
fn entry(code: &str) -> Option<&str> {
    let (_, rest) = code.split_once("__launch_bounds__(")?;
    let (_, rest) = rest.split_once(')')?;
    rest.split_once('(').map(|(name, _)| name.trim())
}

/// A device of the oldest kind that is supported.
fn device() -> Arc<DeviceProperties> {
    let hardware = HardwareProperties {
        load_width: 128,
        vector_register_count: None,
        plane_size_min: 32,
        plane_size_max: 32,
        max_bindings: 1024,
        max_shared_memory_size: 48 * 1024,
        max_cube_count: (i32::MAX as u32, 65535, 65535),
        max_units_per_cube: 1024,
        max_cube_dim: (1024, 1024, 64),
        num_streaming_multiprocessors: None,
        num_cpu_cores: None,
        last_level_cache_size: None,
        num_tensor_cores: None,
        min_tensor_cores_dim: None,
        max_vector_size: VectorSize::MAX,
        cube_mma_reserved_shared_memory: 0,
    };
    let identity = DeviceIdentity {
        name: "ahead of time".into(),
        fingerprint: "ahead of time".into(),
        physical: None,
    };
    let mut properties = DeviceProperties::new(
        Default::default(),
        MemoryDeviceProperties::new(1 << 32, 512),
        hardware,
        TimingMethod::Device,
        identity,
    );
    register_supported_types(&mut properties);
    Arc::new(properties)
}

fn target_properties() -> Arc<TargetProperties> {
    Arc::new(TargetProperties { mma: Default::default() })
}

/// Any buffer: only its type enters a kernel.
fn buffer() -> BufferArg {
    struct Nothing;
    let device = DeviceId { type_id: 0, index_id: 0 };
    let handle = Handle::new(ServiceId::of::<Nothing>(device), StreamId { value: 0 }, 4);
    // SAFETY: nothing is launched.
    unsafe { BufferArg::from_raw_parts(handle, 1) }
}

/// Any numbers: only their types enter a kernel.
fn batch() -> AddressingLaunch {
    Addressing::default().launched()
}
