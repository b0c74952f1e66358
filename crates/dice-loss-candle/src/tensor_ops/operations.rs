//! Candle's tensors as what the losses are computed with on any device.
//!
//! Candle has no booleans: a mask is a tensor of u8, 0 or 1.

use candle_core::{DType, Device, Error, Result, Tensor};
use dice_loss_tensor::{Element, Labels, Mask, Numbers, Operations};

/// Candle as a framework.
pub(crate) enum Candle {}

impl Operations for Candle {
    type Numbers = Tensor;
    type Mask = Tensor;
    type Labels = Tensor;
    type Error = Error;

    fn refused(error: dice_loss::Error) -> Error {
        crate::refused(error)
    }
}

impl Numbers<Candle> for Tensor {
    fn element(&self) -> Element {
        match self.dtype() {
            DType::F64 => Element::F64,
            DType::F16 => Element::F16,
            DType::BF16 => Element::BF16,
            DType::U8 => Element::U8,
            _ => Element::F32,
        }
    }

    fn shape(&self) -> [usize; 3] {
        axes(self)
    }

    fn cast(self, element: Element) -> Result<Self> {
        self.to_dtype(dtype(element))
    }

    fn constant(&self, values: Vec<f64>, shape: [usize; 3]) -> Result<Self> {
        // Not every device has f64.
        let values = Tensor::from_vec(values, &shape, &Device::Cpu)?;
        values.to_dtype(self.dtype())?.to_device(self.device())
    }

    fn ones(&self, shape: [usize; 3]) -> Result<Self> {
        Tensor::ones(&shape, self.dtype(), self.device())
    }

    fn mask(&self, values: Vec<bool>, shape: [usize; 3]) -> Result<Tensor> {
        let values = values.into_iter().map(u8::from).collect();
        Tensor::from_vec(values, &shape, self.device())
    }

    fn to_host(self) -> Result<Vec<f64>> {
        self.flatten_all()?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1()
    }

    fn detach(self) -> Self {
        Tensor::detach(&self)
    }

    fn reshape(self, shape: [usize; 3]) -> Result<Self> {
        Tensor::reshape(&self, &shape)
    }

    fn expand(self, shape: [usize; 3]) -> Result<Self> {
        self.broadcast_as(&shape)
    }

    fn narrow(self, axis: usize, start: usize, length: usize) -> Result<Self> {
        Tensor::narrow(&self, axis, start, length)
    }

    fn cat(parts: Vec<Self>, axis: usize) -> Result<Self> {
        Tensor::cat(&parts, axis)
    }

    fn add(self, other: Self) -> Result<Self> {
        self.broadcast_add(&other)
    }

    fn sub(self, other: Self) -> Result<Self> {
        self.broadcast_sub(&other)
    }

    fn mul(self, other: Self) -> Result<Self> {
        self.broadcast_mul(&other)
    }

    fn div(self, other: Self) -> Result<Self> {
        self.broadcast_div(&other)
    }

    fn neg(self) -> Result<Self> {
        Tensor::neg(&self)
    }

    fn complement(self) -> Result<Self> {
        self.affine(-1.0, 1.0)
    }

    fn abs(self) -> Result<Self> {
        // Candle's own has a slope of −1 at 0.
        Tensor::mul(&self, &Tensor::detach(&self).sign()?)
    }

    fn exp(self) -> Result<Self> {
        Tensor::exp(&self)
    }

    fn ln(self) -> Result<Self> {
        self.log()
    }

    fn at_least(self, bound: f64) -> Result<Self> {
        self.maximum(bound)
    }

    fn clamp(self) -> Result<Self> {
        Tensor::clamp(&self, 0.0, 1.0)
    }

    fn fill(self, mask: Tensor, value: f64) -> Result<Self> {
        let shape = Tensor::shape(&self);
        let shape = shape.broadcast_shape_binary_op(Tensor::shape(&mask), "fill")?;
        let value = Tensor::new(value as f32, self.device())?.to_dtype(self.dtype())?;
        mask.broadcast_as(&shape)?
            .where_cond(&value.broadcast_as(&shape)?, &self.broadcast_as(&shape)?)
    }

    fn sum(self, axis: usize) -> Result<Self> {
        self.sum_keepdim(axis)
    }

    fn sum_all(self) -> Result<Self> {
        Tensor::sum_all(&self)?.reshape([1, 1, 1])
    }

    fn max(self, axis: usize) -> Result<Self> {
        self.max_keepdim(axis)
    }

    fn matmul(self, other: Self) -> Result<Self> {
        self.broadcast_matmul(&other)
    }

    fn softmax(self) -> Result<Self> {
        Tensor::exp(&self.log_softmax()?)
    }

    fn log_softmax(self) -> Result<Self> {
        let shifted = self.broadcast_sub(&Tensor::detach(&self).max_keepdim(1)?)?;
        shifted.broadcast_sub(&Tensor::exp(&shifted)?.sum_keepdim(1)?.log()?)
    }

    fn sigmoid(self) -> Result<Self> {
        Tensor::exp(&self.log_sigmoid()?)
    }

    /// min(x, 0) − ln(1 + exp(−|x|)).
    fn log_sigmoid(self) -> Result<Self> {
        let negative = self.lt(0.0)?;
        let least = negative.where_cond(&self, &self.zeros_like()?)?;
        let towards = negative.where_cond(&self, &Tensor::neg(&self)?)?;
        least - Tensor::exp(&towards)?.affine(1.0, 1.0)?.log()?
    }

    fn equals(self, value: f64) -> Result<Tensor> {
        self.eq(value)
    }

    fn ge(self, bound: f64) -> Result<Tensor> {
        Tensor::ge(&self, bound)
    }

    fn le(self, bound: f64) -> Result<Tensor> {
        Tensor::le(&self, bound)
    }

    fn largest(self) -> Result<Tensor> {
        // Which of equal ones argmax finds, Candle does not promise.
        let values = Tensor::detach(&self);
        let classes = values.dim(1)?;
        let names: Vec<_> = (0..classes).map(|class| class as f32).collect();
        let names = Tensor::from_vec(names, (1, classes, 1), values.device())?;
        let lesser = values.broadcast_lt(&values.max_keepdim(1)?)?;
        let candidates = names.fill(lesser, classes as f64)?;
        candidates.broadcast_eq(&candidates.min_keepdim(1)?)
    }
}

impl Mask<Candle> for Tensor {
    fn and(self, other: Self) -> Result<Self> {
        self.broadcast_mul(&other)
    }

    fn or(self, other: Self) -> Result<Self> {
        self.broadcast_maximum(&other)
    }

    fn not(self) -> Result<Self> {
        self.eq(0u8)
    }

    fn narrow(self, axis: usize, start: usize, length: usize) -> Result<Self> {
        Tensor::narrow(&self, axis, start, length)
    }

    fn numbers(self, element: Element) -> Result<Tensor> {
        self.to_dtype(dtype(element))
    }

    fn any(self) -> Result<bool> {
        Ok(Tensor::sum_all(&self.to_dtype(DType::F32)?)?.to_scalar::<f32>()? > 0.0)
    }
}

impl Labels<Candle> for Tensor {
    /// They are compared in 64 bits, whatever their type.
    fn holds(&self, _: i64) -> bool {
        true
    }

    fn signed(self) -> Result<Self> {
        self.to_dtype(DType::I64)
    }

    fn equals(self, label: i64) -> Result<Tensor> {
        self.eq(label)
    }

    fn outside(self, limit: usize) -> Result<Tensor> {
        self.lt(0i64)?.maximum(&Tensor::ge(&self, limit as i64)?)
    }

    fn without(self, mask: Tensor) -> Result<Self> {
        self.fill(mask, 0.0)
    }

    fn one_hot(self, classes: usize) -> Result<Tensor> {
        let names: Vec<_> = (0..classes as i64).collect();
        self.broadcast_eq(&Tensor::from_vec(names, (1, classes, 1), self.device())?)
    }

    fn rows(self, table: Vec<f32>, classes: usize) -> Result<Tensor> {
        let [samples, _, voxels] = axes(&self);
        let shape = (table.len() / classes, classes);
        Tensor::from_vec(table, shape, self.device())?
            .index_select(&self.flatten_all()?, 0)?
            .reshape([samples, voxels, classes])?
            .transpose(1, 2)?
            .contiguous()
    }
}

fn dtype(element: Element) -> DType {
    match element {
        Element::F64 => DType::F64,
        Element::F32 => DType::F32,
        Element::F16 => DType::F16,
        Element::BF16 => DType::BF16,
        Element::U8 => DType::U8,
    }
}

/// All tensors here have been made with three axes.
fn axes(tensor: &Tensor) -> [usize; 3] {
    match *tensor.dims() {
        [samples, classes, voxels] => [samples, classes, voxels],
        _ => [1, 1, tensor.elem_count()],
    }
}
