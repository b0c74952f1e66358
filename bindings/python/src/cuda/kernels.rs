//! The kernels, as `cargo xtask emit` compiled them.

use std::{collections::HashMap, io::Read, sync::LazyLock};

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use crate::refused::{Refused, Result};

static PACKED: &[u8] = include_bytes!("ptx/kernels.bin");
static MANIFEST: &str = include_str!("ptx/manifest.json");

/// What is known of a kernel without its code.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Kernel {
    /// Sweep, recipe, element type: the name of its entry point.
    pub name: String,
    /// Units of a cube.
    pub units: u32,
    /// Bytes of shared memory.
    pub shared: u32,
    /// The numbers that it takes by value: its own, and lengths of buffers, which it does not read.
    pub numbers: usize,
    start: usize,
    bytes: usize,
}

static KERNELS: LazyLock<HashMap<String, Kernel>> = LazyLock::new(|| {
    let rows: Vec<Kernel> = serde_json::from_str(MANIFEST).unwrap_or_default();
    rows.into_iter().map(|kernel| (kernel.name.clone(), kernel)).collect()
});

impl Kernel {
    /// The kernel of a name.
    pub fn named(name: &str) -> Result<&'static Self> {
        let kernel = KERNELS.get(name);
        kernel.ok_or_else(|| Refused::new("kernel", name, "one that was compiled"))
    }

    /// Its code, ending in a 0.
    pub fn ptx(&self) -> Result<Vec<u8>> {
        let packed = PACKED.get(self.start..self.start + self.bytes).unwrap_or_default();
        let mut ptx = Vec::new();
        let read = ZlibDecoder::new(packed).read_to_end(&mut ptx);
        read.map_err(|error| Refused::new(&self.name, error, "its code"))?;
        ptx.push(0);
        Ok(ptx)
    }
}
