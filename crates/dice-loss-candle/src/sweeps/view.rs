//! Candle's tensors as the engine sees them: borrowed wherever their strides can be followed.

use candle_core::{
    CpuStorage, DType, Result, Shape, Storage, StorageRef, Tensor, backend::BackendStorage,
    op::BackpropOp,
};
use dice_loss::{Error, Layout, Logits, Output, Target};

use crate::refused;

type Axes = fn(&[usize], &[usize]) -> dice_loss::Result<Layout>;

/// A tensor on the CPU whose strides the engine can follow.
#[derive(Debug, Clone)]
pub(crate) struct View {
    tensor: Tensor,
    layout: Layout,
}

/// The elements of a view, for as long as nobody writes them.
pub(super) struct Lent<'a> {
    storage: StorageRef<'a>,
    start: usize,
    layout: Layout,
}

/// Evaluates an expression with the elements of a storage, whatever their type.
macro_rules! with_elements {
    ($storage:expr, $start:expr, $what:literal, [$($Variant:ident),+], |$data:ident| $body:expr) => {
        match $storage {
            $(CpuStorage::$Variant(all) => {
                let $data = all.get($start..).unwrap_or_default();
                $body.map_err(refused)
            })+
            found => Err(unsupported($what, found.dtype(), stringify!($($Variant),+))),
        }
    };
}

macro_rules! with_floats {
    ($storage:expr, $start:expr, $what:literal, |$data:ident| $body:expr) => {
        with_elements!($storage, $start, $what, [F32, F64, F16, BF16], |$data| $body)
    };
}

macro_rules! with_labels {
    ($storage:expr, $start:expr, |$data:ident| $body:expr) => {
        with_elements!($storage, $start, "labels", [U8, U32, I16, I32, I64], |$data| $body)
    };
}

impl View {
    /// Of `[N, C, spatial…]`. Copies only what does not collapse into samples, classes, voxels.
    pub fn of_channels(tensor: &Tensor) -> Result<Self> {
        Self::new(tensor, Layout::strided)
    }

    /// Of `[N, spatial…]` or `[N, 1, spatial…]`.
    pub fn of_voxels(tensor: &Tensor) -> Result<Self> {
        Self::new(tensor, Layout::voxels_strided)
    }

    fn new(tensor: &Tensor, axes: Axes) -> Result<Self> {
        match axes(tensor.dims(), tensor.stride()) {
            Err(Error::Strides { .. }) => {
                let tensor = tensor.contiguous()?;
                let layout = axes(tensor.dims(), tensor.stride()).map_err(refused)?;
                Ok(Self { tensor, layout })
            }
            layout => Ok(Self { layout: layout.map_err(refused)?, tensor: tensor.clone() }),
        }
    }

    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    pub(super) fn lend(&self) -> Lent<'_> {
        let (storage, layout) = self.tensor.storage_and_layout();
        Lent { storage, start: layout.start_offset(), layout: self.layout }
    }
}

impl Lent<'_> {
    pub fn logits(&self) -> Result<Logits<'_>> {
        logits(self.elements()?, self.start, self.layout)
    }

    pub fn labels(&self) -> Result<Target<'_>> {
        with_labels!(self.elements()?, self.start, |data| Target::labels(data, self.layout))
    }

    pub fn regions<'a>(&'a self, table: &'a [Vec<usize>]) -> Result<Target<'a>> {
        with_labels!(self.elements()?, self.start, |data| {
            Target::regions(data, self.layout, table)
        })
    }

    pub fn dense(&self) -> Result<Target<'_>> {
        with_elements!(
            self.elements()?,
            self.start,
            "dense target",
            [U8, F32, F64, F16, BF16],
            |data| Target::dense(data, self.layout)
        )
    }

    pub fn mask<'a>(&'a self, target: Target<'a>) -> Result<Target<'a>> {
        with_elements!(self.elements()?, self.start, "mask", [U8], |data| {
            target.mask(data, self.layout)
        })
    }

    pub fn weigh<'a>(&'a self, target: Target<'a>) -> Result<Target<'a>> {
        with_floats!(self.elements()?, self.start, "voxel weights", |data| {
            target.voxel_weights(data, self.layout)
        })
    }

    pub fn map<'a>(&'a self, name: &str, target: Target<'a>) -> Result<Target<'a>> {
        with_floats!(self.elements()?, self.start, "map", |data| {
            target.map(name, data, self.layout)
        })
    }

    fn elements(&self) -> Result<&CpuStorage> {
        match &*self.storage {
            Storage::Cpu(elements) => Ok(elements),
            Storage::Cuda(_) | Storage::Metal(_) => Err(refused(Error::Parameter {
                what: "device".into(),
                found: format!("{:?}", self.storage.device().location()),
                wanted: "Cpu".into(),
            })),
        }
    }
}

/// Logits in a storage that Candle has lent.
pub(super) fn logits(elements: &CpuStorage, start: usize, layout: Layout) -> Result<Logits<'_>> {
    with_floats!(elements, start, "logits", |data| Logits::new(data, layout))
}

/// A fresh, contiguous `[N, C, spatial…]`: zeroed lazily by the allocator where it can, then
/// written once by `fill`; and what that returns.
pub(super) fn filled<R>(
    dtype: DType,
    shape: &Shape,
    fill: impl FnOnce(Output) -> dice_loss::Result<R>,
) -> Result<(CpuStorage, R)> {
    let layout = Layout::channels_first(shape.dims()).map_err(refused)?;
    macro_rules! filled {
        ($($Variant:ident),+) => {
            match dtype {
                $(DType::$Variant => {
                    let mut data = vec![Default::default(); shape.elem_count()];
                    let output = Output::new(&mut data, layout).map_err(refused)?;
                    let returned = fill(output).map_err(refused)?;
                    Ok((CpuStorage::$Variant(data), returned))
                })+
                found => Err(unsupported("output", found, stringify!($($Variant),+))),
            }
        };
    }
    filled!(F32, F64, F16, BF16)
}

/// A tensor without a graph.
pub(super) fn constant(elements: CpuStorage, shape: &Shape) -> Tensor {
    Tensor::from_storage(Storage::Cpu(elements), shape, BackpropOp::none(), false)
}

fn unsupported(what: &str, found: DType, wanted: &str) -> candle_core::Error {
    refused(Error::Parameter {
        what: format!("{what}: element type"),
        found: found.as_str().into(),
        wanted: format!("one of {}", wanted.to_lowercase()),
    })
}
