//! The sweeps on CUDA devices, on PyTorch's memory and streams.
//!
//! Nothing here waits for a device. Memory is allocated by PyTorch; only addresses come in.

mod driver;
mod geometry;
mod kernels;

use dice_loss_gpu::{Form, Needs, Pass, Program, aot};
use pyo3::prelude::*;

use crate::{
    objectives,
    refused::{Refused, Result},
    view::View,
};
use geometry::{Chunk, Lent};
use kernels::Kernel;

/// Why a device cannot run the kernels; None if it can.
#[pyfunction]
pub(crate) fn cuda_refusal(py: Python<'_>, device: i32) -> Option<String> {
    py.detach(|| driver::check_device(device).err().map(|failed| failed.to_string()))
}

/// The passes over the voxels that an objective takes; None if no kernel was compiled for it.
#[pyfunction]
pub(crate) fn cuda_passes(
    py: Python<'_>,
    spec: &str,
    classes: usize,
    kind: &str,
    weighted: bool,
    partial: bool,
) -> Result<Option<Vec<CudaPass>>> {
    py.detach(|| {
        let form = match kind {
            "labels" => Form::Labels,
            "regions" => Form::Regions,
            "dense" => Form::Dense,
            found => return Err(Refused::new("target", found, "labels, dense or regions")),
        };
        let prepared = objectives::find(spec, classes)?;
        let Ok(classes) = u32::try_from(classes) else { return Ok(None) };
        let needs = Needs { form, weighted, partial, shared_memory: SHARED_MEMORY };
        let moments = prepared.integrands().len() as u32;
        let pass = |(name, pass): (&'static str, Pass)| {
            let labels = form == Form::Labels && pass.recipe.form == Form::Regions;
            CudaPass { name, pass, classes, moments, labels }
        };
        let passes = aot::passes(&prepared, needs);
        Ok(passes.map(|passes| passes.into_iter().map(pass).collect()))
    })
}

/// What a cube may have on every device.
const SHARED_MEMORY: u32 = 48 << 10;

/// A pass over the voxels, in both directions.
#[pyclass(frozen, module = "dice_loss._core")]
pub(crate) struct CudaPass {
    name: &'static str,
    pass: Pass,
    classes: u32,
    /// Columns of the moments.
    moments: u32,
    /// Whether labels are read by a table of regions.
    labels: bool,
}

#[pymethods]
impl CudaPass {
    /// The recipe's name.
    #[getter]
    fn name(&self) -> &'static str {
        self.name
    }

    /// Sums of a cube for each class.
    #[getter]
    fn columns(&self) -> usize {
        self.pass.recipe.columns.len()
    }

    /// For each sum that is wanted, its place among the cube's and among the moments'.
    #[getter]
    fn places(&self) -> Vec<[u32; 2]> {
        self.pass.columns.clone()
    }

    /// Whether the tables end with a row for each sample: 1 for each class that was annotated.
    #[getter]
    fn partial(&self) -> bool {
        self.pass.recipe.partial
    }

    /// The tables, without those rows.
    fn tables(&self, regions: Option<Vec<Vec<usize>>>) -> Vec<f32> {
        geometry::tables(&self.pass, self.classes, self.labels, regions.as_deref())
    }

    /// Loads what the pass launches on a device for logits of a type.
    fn load(&self, py: Python<'_>, device: i32, dtype: &str) -> PyResult<()> {
        py.detach(|| {
            driver::load(device, Kernel::named("join_f64")?)?;
            driver::load(device, self.kernel("measure", dtype)?)?;
            Ok(driver::load(device, self.kernel("pull_back", dtype)?)?)
        })
    }

    /// Numbers that the cubes write for so many samples and voxels.
    fn partials(&self, samples: u32, voxels: u32) -> usize {
        let cubes = geometry::measuring_cubes(samples, voxels) as usize;
        samples as usize * cubes * self.columns() * self.classes as usize
    }

    /// Sweep 1 of this pass. `columns` are `places`, `moments` (N, K, C) in float64.
    #[expect(clippy::too_many_arguments, reason = "a launch")]
    fn measure(
        &self,
        py: Python<'_>,
        device: i32,
        stream: u64,
        lent: LentViews,
        tables: u64,
        partials: u64,
        columns: u64,
        moments: u64,
    ) -> PyResult<()> {
        py.detach(|| {
            let lent = Lent::new(lent, self.classes, None)?;
            let (sums, join) = (self.kernel("measure", &lent.dtype)?, Kernel::named("join_f64")?);
            let cubes = lent.measuring_cubes();
            for chunk in lent.chunks()? {
                let batch = chunk.batch(&self.pass, self.labels);
                let pointers = [&self.read(&chunk)?[..], &[tables, partials]].concat();
                let numbers = geometry::numbers(&batch);
                // SAFETY: Python lends what the geometry describes.
                unsafe {
                    driver::launch(
                        device,
                        stream,
                        sums,
                        [cubes, chunk.samples],
                        &pointers,
                        numbers,
                    )?;
                }
                let wanted = self.pass.columns.len() as u32;
                let summed = self.pass.recipe.columns.len() as u32;
                let numbers = [chunk.first, cubes, self.classes, summed, self.moments];
                let grid = [wanted * self.classes, chunk.samples];
                // SAFETY: likewise.
                unsafe {
                    driver::launch(
                        device,
                        stream,
                        join,
                        grid,
                        &[partials, columns, moments],
                        &numbers,
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Sweep 2 of this pass. `slopes` (N or 1, K, C), by the moments, in float32. Adds to the gradient
    /// if told so.
    #[expect(clippy::too_many_arguments, reason = "a launch")]
    fn pull_back(
        &self,
        py: Python<'_>,
        device: i32,
        stream: u64,
        lent: LentViews,
        gradient: View,
        tables: u64,
        slopes: u64,
        shared: bool,
        adds: bool,
    ) -> PyResult<()> {
        py.detach(|| {
            let lent = Lent::new(lent, self.classes, Some(gradient))?;
            let kernel = self.kernel("pull_back", &lent.dtype)?;
            for chunk in lent.chunks()? {
                let mut batch = chunk.batch(&self.pass, self.labels);
                batch.slopes_sample = if shared { 0 } else { self.moments * self.classes };
                batch.adds = adds.into();
                let [.., gradient] = chunk.pointers;
                let pointers = [&self.read(&chunk)?[..], &[tables, slopes, gradient]].concat();
                let grid = [lent.pulling_cubes(), chunk.samples];
                let numbers = geometry::numbers(&batch);
                // SAFETY: Python lends what the geometry describes.
                unsafe { driver::launch(device, stream, kernel, grid, &pointers, numbers)? };
            }
            Ok(())
        })
    }
}

/// How an objective is evaluated; None if the kernel cannot.
#[pyfunction]
pub(crate) fn cuda_program(
    py: Python<'_>,
    spec: &str,
    classes: usize,
) -> Result<Option<CudaProgram>> {
    py.detach(|| {
        let prepared = objectives::find(spec, classes)?;
        Ok(Program::new(&prepared).map(|program| CudaProgram { program, classes: classes as u32 }))
    })
}

/// From the moments to the loss and its derivatives.
#[pyclass(frozen, module = "dice_loss._core")]
pub(crate) struct CudaProgram {
    program: Program,
    classes: u32,
}

#[pymethods]
impl CudaProgram {
    /// What the kernel reads, as integers.
    #[getter]
    fn numbers(&self) -> Vec<u32> {
        self.program.numbers.clone()
    }

    /// What it reads in float64.
    #[getter]
    fn constants(&self) -> Vec<f64> {
        self.program.constants.clone()
    }

    /// Numbers of memory to work with that it wants for each class of a sample.
    #[getter]
    fn room(&self) -> usize {
        self.program.room()
    }

    /// `moments` and `slopes` are (N, K, C) of these `samples` and `columns`, `valid` (N, C) and
    /// `weights` (C), all in float64; the loss has so many `values`.
    #[expect(clippy::too_many_arguments, reason = "a launch")]
    fn evaluate(
        &self,
        py: Python<'_>,
        device: i32,
        stream: u64,
        samples: u32,
        columns: u32,
        values: u32,
        moments: u64,
        valid: Option<u64>,
        weights: Option<u64>,
        numbers: u64,
        constants: u64,
        scratch: u64,
        loss: u64,
        slopes: u64,
    ) -> PyResult<()> {
        py.detach(|| {
            let [partial, scaled] = [valid.is_some(), weights.is_some()].map(u32::from);
            let [valid, weights] = [valid, weights].map(Option::unwrap_or_default);
            let pointers = [moments, valid, weights, numbers, constants, scratch, loss, slopes];
            let reduction = self.program.reduction;
            let by_value = [samples, columns, self.classes, partial, scaled, reduction, values];
            let kernel = Kernel::named("evaluate_f64")?;
            // SAFETY: Python lends tensors of these shapes.
            unsafe { driver::launch(device, stream, kernel, [1, 1], &pointers, &by_value)? };
            Ok(())
        })
    }
}

/// Logits, target, mask, voxel weights, map, ignore index, rows of a table of regions.
type LentViews = (View, View, Option<View>, Option<View>, Option<View>, Option<i64>, Option<u32>);

impl CudaPass {
    /// What the kernels of both sweeps read first. Fails without a map that they read.
    fn read(&self, chunk: &Chunk) -> Result<Vec<u64>> {
        let [logits, target, mask, weights, map, _] = chunk.pointers;
        let mut pointers = vec![logits, target, mask, weights];
        match (self.pass.recipe.mapped, map) {
            (true, 0) => return Err(Refused::new("map", "none", "the one that the terms name")),
            (true, _) => pointers.push(map),
            (false, _) => {}
        }
        Ok(pointers)
    }

    fn kernel(&self, sweep: &str, dtype: &str) -> Result<&'static Kernel> {
        let float = match dtype {
            "float32" => "f32",
            "float16" => "f16",
            "bfloat16" => "bf16",
            found => {
                let what = "element type of the logits";
                return Err(Refused::new(what, found, "float32, float16 or bfloat16"));
            }
        };
        Kernel::named(&format!("{sweep}_{}_{float}", self.name))
    }
}
