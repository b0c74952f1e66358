//! Flex tensors as the engine sees them: borrowed wherever their strides can be followed.

use burn::{
    backend::{
        Flex,
        flex::{FlexTensor, Layout as FlexLayout},
        ops::IntTensorOps,
    },
    tensor::{BoolStore, DType, IntDType, bf16, f16},
};
use dice_loss::{Error, Layout, Logits, Output, Result, Target};

/// A tensor whose strides the engine can follow.
#[derive(Debug, Clone)]
pub(crate) struct View {
    tensor: FlexTensor,
    layout: Layout,
}

/// Evaluates an expression with the elements of a view, whatever their type.
macro_rules! with_elements {
    ($view:expr, $what:literal, [$($DType:pat => $T:ty),+], |$data:ident| $body:expr) => {
        match $view.tensor.dtype() {
            $($DType => {
                let $data = from_start(&$view.tensor, $view.tensor.storage::<$T>());
                $body
            })+
            found => unsupported($what, found, stringify!($($T),+)),
        }
    };
}

macro_rules! with_floats {
    ($view:expr, $what:literal, |$data:ident| $body:expr) => {
        with_elements!(
            $view,
            $what,
            [DType::F32 => f32, DType::F64 => f64, DType::F16 => f16, DType::BF16 => bf16],
            |$data| $body
        )
    };
}

macro_rules! with_labels {
    ($view:expr, |$data:ident| $body:expr) => {
        with_elements!(
            $view,
            "labels",
            [
                DType::U8 => u8, DType::U32 => u32, DType::U64 => u64, DType::I16 => i16,
                DType::I32 => i32, DType::I64 => i64
            ],
            |$data| $body
        )
    };
}

macro_rules! with_bools {
    ($view:expr, |$data:ident| $body:expr) => {
        with_elements!(
            $view,
            "mask",
            [DType::Bool(BoolStore::Native | BoolStore::U8) => u8],
            |$data| $body
        )
    };
}

impl View {
    /// Of `[N, C, spatial…]`. Copies only what does not collapse into samples, classes, voxels.
    pub fn of_channels(tensor: FlexTensor) -> Result<Self> {
        Self::new(tensor, Layout::strided)
    }

    /// Of `[N, spatial…]` or `[N, 1, spatial…]`.
    pub fn of_voxels(tensor: FlexTensor) -> Result<Self> {
        Self::new(tensor, Layout::voxels_strided)
    }

    /// Of a label map. Integers that the engine does not read are widened, in a copy.
    pub fn of_labels(labels: FlexTensor) -> Result<Self> {
        let labels = match labels.dtype() {
            DType::U8 | DType::U32 | DType::U64 | DType::I16 | DType::I32 | DType::I64 => labels,
            _ => Flex::int_cast(labels, IntDType::I64),
        };
        Self::of_voxels(labels)
    }

    fn new(tensor: FlexTensor, layout: fn(&[usize], &[usize]) -> Result<Layout>) -> Result<Self> {
        match follow(&tensor, layout) {
            Err(Error::Strides { .. }) => {
                let tensor = tensor.to_contiguous();
                let layout = follow(&tensor, layout)?;
                Ok(Self { tensor, layout })
            }
            layout => Ok(Self { layout: layout?, tensor }),
        }
    }

    #[cfg(test)]
    pub fn tensor(&self) -> &FlexTensor {
        &self.tensor
    }

    pub fn dtype(&self) -> DType {
        self.tensor.dtype()
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    pub fn logits(&self) -> Result<Logits<'_>> {
        with_floats!(self, "logits", |data| Logits::new(data, self.layout))
    }

    pub fn labels(&self) -> Result<Target<'_>> {
        with_labels!(self, |data| Target::labels(data, self.layout))
    }

    pub fn regions<'a>(&'a self, table: &'a [Vec<usize>]) -> Result<Target<'a>> {
        with_labels!(self, |data| Target::regions(data, self.layout, table))
    }

    pub fn dense(&self) -> Result<Target<'_>> {
        with_floats!(self, "dense target", |data| Target::dense(data, self.layout))
    }

    pub fn multilabel(&self) -> Result<Target<'_>> {
        with_bools!(self, |data| Target::dense(data, self.layout))
    }

    pub fn mask<'a>(&'a self, target: Target<'a>) -> Result<Target<'a>> {
        with_bools!(self, |data| target.mask(data, self.layout))
    }

    pub fn weigh<'a>(&'a self, target: Target<'a>) -> Result<Target<'a>> {
        with_floats!(self, "voxel weights", |data| target.voxel_weights(data, self.layout))
    }

    pub fn map<'a>(&'a self, name: &str, target: Target<'a>) -> Result<Target<'a>> {
        with_floats!(self, "map", |data| target.map(name, data, self.layout))
    }

    /// A fresh tensor of the same shape and type, and the same order of axes where that is dense;
    /// zeroed lazily by the allocator, written once by `fill`. With it, what that returns.
    pub fn filled_alike<R>(
        &self,
        fill: impl FnOnce(Output) -> Result<R>,
    ) -> Result<(FlexTensor, R)> {
        let shape = self.tensor.layout().shape().clone();
        let zeros = FlexTensor::zeros(shape.clone(), self.tensor.dtype());
        let strides = match is_dense(self.tensor.layout()) {
            true => self.tensor.layout().strides().to_vec(),
            false => zeros.layout().strides().to_vec(),
        };
        let mut view = Self::of_channels(zeros.with_layout(FlexLayout::new(shape, strides, 0)))?;
        let returned = view.fill(fill)?;
        Ok((view.tensor, returned))
    }

    /// Has a tensor written that nothing else shares.
    pub fn fill<R>(&mut self, fill: impl FnOnce(Output) -> Result<R>) -> Result<R> {
        let layout = self.layout;
        let output = match self.tensor.dtype() {
            DType::F32 => Output::new(self.tensor.storage_mut::<f32>(), layout),
            DType::F64 => Output::new(self.tensor.storage_mut::<f64>(), layout),
            DType::F16 => Output::new(self.tensor.storage_mut::<f16>(), layout),
            DType::BF16 => Output::new(self.tensor.storage_mut::<bf16>(), layout),
            found => unsupported("output", found, "f32, f64, f16, bf16"),
        };
        fill(output?)
    }

    pub fn into_tensor(self) -> FlexTensor {
        self.tensor
    }
}

/// The engine's layout of the tensor as it lies in memory.
fn follow(tensor: &FlexTensor, layout: fn(&[usize], &[usize]) -> Result<Layout>) -> Result<Layout> {
    let shape = tensor.layout().shape();
    let strides: Result<Vec<usize>, _> =
        tensor.layout().strides().iter().map(|&stride| usize::try_from(stride)).collect();
    match strides {
        Ok(strides) => layout(shape, &strides),
        Err(_) => Err(Error::Strides {
            shape: shape.to_vec(),
            strides: Vec::new(),
            wanted: "strides that are not negative",
        }),
    }
}

/// Whether the elements fill a buffer without gaps, in whatever order of axes.
fn is_dense(layout: &FlexLayout) -> bool {
    let mut axes: Vec<_> = layout.strides().iter().zip(layout.shape().iter()).collect();
    axes.sort_by_key(|(stride, _)| **stride);
    let mut next = 1;
    axes.into_iter().filter(|(_, size)| **size != 1).all(|(&stride, &size)| {
        let fits = stride == next;
        next *= size as isize;
        fits
    })
}

/// Views of a larger buffer start somewhere in it.
fn from_start<'a, T>(tensor: &FlexTensor, storage: &'a [T]) -> &'a [T] {
    storage.get(tensor.layout().start_offset()..).unwrap_or_default()
}

fn unsupported<T>(what: &str, found: DType, wanted: &str) -> Result<T> {
    Err(Error::Parameter {
        what: format!("{what}: element type"),
        found: format!("{found:?}"),
        wanted: format!("one of {wanted}"),
    })
}
