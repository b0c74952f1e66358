//! The CUDA driver: the only place that calls it.
//!
//! It is looked for when it is first needed, and nothing is linked to it. Memory and streams are
//! PyTorch's, and so is the context: each device's primary one.

use std::{
    collections::HashMap,
    ffi::{CString, c_int, c_void},
    ptr,
    sync::{LazyLock, Mutex, PoisonError},
};

use cudarc::driver::{DriverError, result, sys};

use pyo3::{PyErr, exceptions::PyRuntimeError};

use super::kernels::Kernel;
use crate::refused::Refused;

/// What the driver does not do: a `RuntimeError`.
#[derive(Debug, Clone)]
pub(crate) struct Failed(String);

type Result<T, E = Failed> = std::result::Result<T, E>;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<DriverError> for Failed {
    fn from(error: DriverError) -> Self {
        Self(format!("the CUDA driver: {error}"))
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self(refused.to_string())
    }
}

impl From<Failed> for PyErr {
    fn from(failed: Failed) -> Self {
        PyRuntimeError::new_err(failed.0)
    }
}

/// CUDA 12.1, whose PTX the kernels are.
const OLDEST: c_int = 12_010;
/// Turing.
const OLDEST_DEVICE: (c_int, c_int) = (7, 5);

/// A function of a device, and its context.
#[derive(Clone, Copy)]
struct Loaded {
    context: sys::CUcontext,
    function: sys::CUfunction,
}

// SAFETY: handles, which the driver takes from any thread.
unsafe impl Send for Loaded {}

/// What was loaded stays: kernels and contexts are few.
static LOADED: LazyLock<Mutex<HashMap<(c_int, &'static str), Loaded>>> =
    LazyLock::new(Mutex::default);

/// Whether there is a driver that is new enough, and why not.
pub(crate) fn check() -> Result<()> {
    static FOUND: LazyLock<Result<()>> = LazyLock::new(|| {
        // SAFETY: it opens libraries of the driver's name, which the user installed.
        if !unsafe { sys::is_culib_present() } {
            let message = "found no CUDA driver, wanted one of CUDA 12.1 or newer";
            return Err(Failed(message.to_owned()));
        }
        let mut version = 0;
        // SAFETY: the driver is there, and has had this function since CUDA 2.2.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result()?;
        if version < OLDEST {
            let (major, minor) = (version / 1000, version % 1000 / 10);
            return Err(Failed(format!(
                "found a CUDA driver of version {major}.{minor}, wanted 12.1 or newer"
            )));
        }
        Ok(result::init()?)
    });
    FOUND.clone()
}

/// Whether a device can run the kernels, and why not.
pub(crate) fn check_device(ordinal: c_int) -> Result<()> {
    use sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR as MAJOR,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR as MINOR,
    };
    check()?;
    let device = result::device::get(ordinal)?;
    // SAFETY: a device that the driver has just named.
    let attribute = |which| unsafe { result::device::get_attribute(device, which) };
    let found = (attribute(MAJOR)?, attribute(MINOR)?);
    if found < OLDEST_DEVICE {
        let (major, minor) = found;
        return Err(Failed(format!(
            "device {ordinal}: found compute capability {major}.{minor}, wanted 7.5 or newer"
        )));
    }
    Ok(())
}

/// Loads a kernel, if it is not: afterwards it can be launched while a graph is captured.
pub(crate) fn load(ordinal: c_int, kernel: &'static Kernel) -> Result<()> {
    find(ordinal, kernel).map(drop)
}

/// Launches a kernel on PyTorch's stream, over (cubes, samples).
///
/// # Safety
///
/// The pointers are the device's, to memory that shapes and strides among the numbers do not leave,
/// and that nobody frees before the stream has come so far.
pub(crate) unsafe fn launch(
    ordinal: c_int,
    stream: u64,
    kernel: &'static Kernel,
    grid: [u32; 2],
    pointers: &[u64],
    numbers: &[u32],
) -> Result<()> {
    let loaded = find(ordinal, kernel)?;
    let mut by_value = numbers.to_vec();
    by_value.resize(kernel.numbers, 0);
    let mut arguments: Vec<*mut c_void> =
        pointers.iter().map(|pointer| ptr::from_ref(pointer).cast_mut().cast()).collect();
    arguments.push(by_value.as_mut_ptr().cast());
    within(loaded.context, || {
        // SAFETY: function and stream are of this context; the arguments are what the kernel was
        // compiled for, and outlive the call, which copies them. The rest is promised.
        let launched = unsafe {
            result::launch_kernel(
                loaded.function,
                (grid[0], grid[1], 1),
                (kernel.units, 1, 1),
                kernel.shared,
                ptr::with_exposed_provenance_mut(stream as usize),
                &mut arguments,
            )
        };
        Ok(launched?)
    })
}

fn find(ordinal: c_int, kernel: &'static Kernel) -> Result<Loaded> {
    let mut all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (ordinal, kernel.name.as_str());
    if let Some(loaded) = all.get(&key) {
        return Ok(*loaded);
    }
    check_device(ordinal)?;
    let ptx = kernel.ptx()?;
    let entry = CString::new(kernel.name.as_str())
        .map_err(|error| Refused::new("entry point", error, "a name"))?;
    let device = result::device::get(ordinal)?;
    // SAFETY: the device is the driver's own. The context is PyTorch's already, and never released.
    let context = unsafe { result::primary_ctx::retain(device) }?;
    let function = within(context, || {
        relaxed(|| {
            // SAFETY: PTX, ending in a 0; the module is never unloaded.
            let module = unsafe { result::module::load_data(ptx.as_ptr().cast()) };
            // SAFETY: of the module just loaded.
            Ok(unsafe { result::module::get_function(module?, entry) }?)
        })
    })?;
    let loaded = Loaded { context, function };
    all.insert(key, loaded);
    Ok(loaded)
}

/// With a context as the thread's own; afterwards it is what it was.
fn within<T>(context: sys::CUcontext, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = result::ctx::get_current()?;
    if before == Some(context) {
        return work();
    }
    // SAFETY: contexts that the driver gave.
    unsafe { result::ctx::set_current(context) }?;
    let done = work();
    // SAFETY: likewise; no context at all is null.
    unsafe { result::ctx::set_current(before.unwrap_or(ptr::null_mut())) }?;
    done
}

/// Loading waits for nothing on a stream, but the driver forbids it during a capture unless told so.
fn relaxed<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
    // SAFETY: the driver writes the former mode, which goes back afterwards.
    let exchange = |mode| unsafe { sys::cuThreadExchangeStreamCaptureMode(mode) }.result();
    exchange(&mut mode)?;
    let done = work();
    exchange(&mut mode)?;
    done
}
