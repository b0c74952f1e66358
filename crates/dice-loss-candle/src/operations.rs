//! Candle's tensors as what the losses are computed with on any device.
//!
//! Candle has no booleans: a mask is a tensor of u8, 0 or 1.

use candle_core::{DType, Device, Error, Result, Tensor};
use dice_loss_tensor::{Element, Labels, Mask, Numbers, Operations, operations};

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
    operations! {
        cast(x, element: Element) -> Self = x.to_dtype(dtype(element));
        to_host(x) -> Vec<f64> =
            x.flatten_all()?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1();
        reshape(x, shape: [usize; 3]) -> Self = Tensor::reshape(&x, &shape);
        expand(x, shape: [usize; 3]) -> Self = x.broadcast_as(&shape);
        narrow(x, axis: usize, start: usize, length: usize) -> Self =
            Tensor::narrow(&x, axis, start, length);
        add(x, other: Self) -> Self = x.broadcast_add(&other);
        sub(x, other: Self) -> Self = x.broadcast_sub(&other);
        mul(x, other: Self) -> Self = x.broadcast_mul(&other);
        div(x, other: Self) -> Self = x.broadcast_div(&other);
        neg(x) -> Self = Tensor::neg(&x);
        complement(x) -> Self = x.affine(-1.0, 1.0);
        // Candle's own has a slope of −1 at 0.
        abs(x) -> Self = Tensor::mul(&x, &Tensor::detach(&x).sign()?);
        exp(x) -> Self = Tensor::exp(&x);
        ln(x) -> Self = x.log();
        at_least(x, bound: f64) -> Self = x.maximum(bound);
        clamp(x) -> Self = Tensor::clamp(&x, 0.0, 1.0);
        sum(x, axis: usize) -> Self = x.sum_keepdim(axis);
        sum_all(x) -> Self = Tensor::sum_all(&x)?.reshape([1, 1, 1]);
        max(x, axis: usize) -> Self = x.max_keepdim(axis);
        matmul(x, other: Self) -> Self = x.broadcast_matmul(&other);
        softmax(x) -> Self = Tensor::exp(&x.log_softmax()?);
        sigmoid(x) -> Self = Tensor::exp(&x.log_sigmoid()?);
        equals(x, value: f64) -> Tensor = x.eq(value);
        ge(x, bound: f64) -> Tensor = Tensor::ge(&x, bound);
        le(x, bound: f64) -> Tensor = Tensor::le(&x, bound);
    }

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

    fn detach(self) -> Self {
        Tensor::detach(&self)
    }

    fn cat(parts: Vec<Self>, axis: usize) -> Result<Self> {
        Tensor::cat(&parts, axis)
    }

    fn fill(self, mask: Tensor, value: f64) -> Result<Self> {
        let shape = Tensor::shape(&self);
        let shape = shape.broadcast_shape_binary_op(Tensor::shape(&mask), "fill")?;
        let value = Tensor::new(value as f32, self.device())?.to_dtype(self.dtype())?;
        mask.broadcast_as(&shape)?
            .where_cond(&value.broadcast_as(&shape)?, &self.broadcast_as(&shape)?)
    }

    fn log_softmax(self) -> Result<Self> {
        let shifted = self.broadcast_sub(&Tensor::detach(&self).max_keepdim(1)?)?;
        shifted.broadcast_sub(&Tensor::exp(&shifted)?.sum_keepdim(1)?.log()?)
    }

    /// min(x, 0) − ln(1 + exp(−|x|)).
    fn log_sigmoid(self) -> Result<Self> {
        let negative = self.lt(0.0)?;
        let least = negative.where_cond(&self, &self.zeros_like()?)?;
        let towards = negative.where_cond(&self, &Tensor::neg(&self)?)?;
        least - Tensor::exp(&towards)?.affine(1.0, 1.0)?.log()?
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
    operations! {
        and(x, other: Self) -> Self = x.broadcast_mul(&other);
        or(x, other: Self) -> Self = x.broadcast_maximum(&other);
        not(x) -> Self = x.eq(0u8);
        narrow(x, axis: usize, start: usize, length: usize) -> Self =
            Tensor::narrow(&x, axis, start, length);
        numbers(x, element: Element) -> Tensor = x.to_dtype(dtype(element));
        any(x) -> bool = Ok(Tensor::sum_all(&x.to_dtype(DType::F32)?)?.to_scalar::<f32>()? > 0.0);
    }
}

impl Labels<Candle> for Tensor {
    operations! {
        signed(x) -> Self = x.to_dtype(DType::I64);
        equals(x, label: i64) -> Tensor = x.eq(label);
        outside(x, limit: usize) -> Tensor = x.lt(0i64)?.maximum(&Tensor::ge(&x, limit as i64)?);
        without(x, mask: Tensor) -> Self = x.fill(mask, 0.0);
    }

    /// They are compared in 64 bits, whatever their type.
    fn holds(&self, _: i64) -> bool {
        true
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
