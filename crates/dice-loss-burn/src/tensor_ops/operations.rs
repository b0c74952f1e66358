//! Burn's tensors as what the losses are computed with on any device.

use burn::tensor::{
    Bool, DType, FloatDType, Int, Tensor, TensorData,
    activation::{log_sigmoid, log_softmax, sigmoid, softmax},
};
use dice_loss::{Error, Result};
use dice_loss_tensor::{Element, Labels, Mask, Numbers, Operations};

/// Burn as a framework. Its operations do not fail: on a device that cannot compute them they panic.
pub(crate) enum Burn {}

impl Operations for Burn {
    type Numbers = Tensor<3>;
    type Mask = Tensor<3, Bool>;
    type Labels = Tensor<3, Int>;
    type Error = Error;

    fn refused(error: Error) -> Error {
        error
    }
}

impl Numbers<Burn> for Tensor<3> {
    fn element(&self) -> Element {
        match self.dtype() {
            DType::F64 => Element::F64,
            DType::F16 => Element::F16,
            DType::BF16 => Element::BF16,
            _ => Element::F32,
        }
    }

    fn shape(&self) -> [usize; 3] {
        self.dims()
    }

    fn cast(self, element: Element) -> Result<Self> {
        Ok(Tensor::<3>::cast(self, dtype(element)))
    }

    fn constant(&self, values: Vec<f64>, shape: [usize; 3]) -> Result<Self> {
        let options = (&self.device(), self.dtype());
        Ok(Tensor::from_data(TensorData::new(values, shape), options))
    }

    fn ones(&self, shape: [usize; 3]) -> Result<Self> {
        Ok(Tensor::ones(shape, (&self.device(), self.dtype())))
    }

    fn mask(&self, values: Vec<bool>, shape: [usize; 3]) -> Result<Tensor<3, Bool>> {
        Ok(Tensor::from_data(TensorData::new(values, shape), &self.device()))
    }

    fn to_host(self) -> Result<Vec<f64>> {
        let data = self.without_autodiff().into_data().convert::<f64>();
        Ok(data.iter::<f64>().collect())
    }

    fn detach(self) -> Self {
        Tensor::detach(self)
    }

    fn reshape(self, shape: [usize; 3]) -> Result<Self> {
        Ok(Tensor::reshape(self, shape))
    }

    fn expand(self, shape: [usize; 3]) -> Result<Self> {
        Ok(if self.dims() == shape { self } else { Tensor::expand(self, shape) })
    }

    fn narrow(self, axis: usize, start: usize, length: usize) -> Result<Self> {
        Ok(Tensor::narrow(self, axis, start, length))
    }

    fn cat(parts: Vec<Self>, axis: usize) -> Result<Self> {
        Ok(Tensor::cat(parts, axis))
    }

    fn add(self, other: Self) -> Result<Self> {
        Ok(self + other)
    }

    fn sub(self, other: Self) -> Result<Self> {
        Ok(self - other)
    }

    fn mul(self, other: Self) -> Result<Self> {
        Ok(self * other)
    }

    fn div(self, other: Self) -> Result<Self> {
        Ok(self / other)
    }

    fn neg(self) -> Result<Self> {
        Ok(-self)
    }

    fn complement(self) -> Result<Self> {
        Ok(-self + 1)
    }

    fn abs(self) -> Result<Self> {
        Ok(Tensor::abs(self))
    }

    fn exp(self) -> Result<Self> {
        Ok(Tensor::exp(self))
    }

    fn ln(self) -> Result<Self> {
        Ok(self.log())
    }

    fn at_least(self, bound: f64) -> Result<Self> {
        Ok(self.clamp_min(bound))
    }

    fn clamp(self) -> Result<Self> {
        Ok(Tensor::clamp(self, 0, 1))
    }

    fn fill(self, mask: Tensor<3, Bool>, value: f64) -> Result<Self> {
        let shape = common(self.dims(), mask.dims());
        Ok(Numbers::expand(self, shape)?.mask_fill(expanded(mask, shape), value))
    }

    fn sum(self, axis: usize) -> Result<Self> {
        Ok(self.sum_dim(axis))
    }

    fn sum_all(self) -> Result<Self> {
        Ok(Tensor::sum(self).reshape([1, 1, 1]))
    }

    fn max(self, axis: usize) -> Result<Self> {
        Ok(self.max_dim(axis))
    }

    fn matmul(self, other: Self) -> Result<Self> {
        let ([matrices, rows, columns], [samples, ..]) = (self.dims(), other.dims());
        let shape = [matrices.max(samples), rows, columns];
        Ok(Tensor::matmul(Numbers::expand(self, shape)?, other))
    }

    fn softmax(self) -> Result<Self> {
        Ok(softmax(self, 1))
    }

    fn log_softmax(self) -> Result<Self> {
        Ok(log_softmax(self, 1))
    }

    fn sigmoid(self) -> Result<Self> {
        Ok(sigmoid(self))
    }

    fn log_sigmoid(self) -> Result<Self> {
        Ok(log_sigmoid(self))
    }

    fn equals(self, value: f64) -> Result<Tensor<3, Bool>> {
        Ok(self.equal_scalar(value))
    }

    fn ge(self, bound: f64) -> Result<Tensor<3, Bool>> {
        Ok(self.greater_equal_scalar(bound))
    }

    fn le(self, bound: f64) -> Result<Tensor<3, Bool>> {
        Ok(self.lower_equal_scalar(bound))
    }

    fn largest(self) -> Result<Tensor<3, Bool>> {
        // Which of equal ones argmax finds, Burn does not promise.
        let largest = self.clone().max_dim(1).expand(self.dims()).equal(self);
        let rank = largest.clone().int().cumsum(1);
        Ok(largest.bool_and(rank.equal_scalar(1)))
    }
}

impl Mask<Burn> for Tensor<3, Bool> {
    fn and(self, other: Self) -> Result<Self> {
        let shape = common(self.dims(), other.dims());
        Ok(expanded(self, shape).bool_and(expanded(other, shape)))
    }

    fn or(self, other: Self) -> Result<Self> {
        let shape = common(self.dims(), other.dims());
        Ok(expanded(self, shape).bool_or(expanded(other, shape)))
    }

    fn not(self) -> Result<Self> {
        Ok(self.bool_not())
    }

    fn narrow(self, axis: usize, start: usize, length: usize) -> Result<Self> {
        Ok(Tensor::narrow(self, axis, start, length))
    }

    fn numbers(self, element: Element) -> Result<Tensor<3>> {
        Ok(self.float().cast(dtype(element)))
    }

    fn any(self) -> Result<bool> {
        Ok(Tensor::any(self).into_data().iter::<bool>().any(|any| any))
    }
}

impl Labels<Burn> for Tensor<3, Int> {
    fn holds(&self, label: i64) -> bool {
        match self.dtype() {
            DType::I64 | DType::U32 => true,
            // Read as with a sign: what is negative then is no label.
            DType::U64 => label >= 0,
            _ => i32::try_from(label).is_ok(),
        }
    }

    fn signed(self) -> Result<Self> {
        Ok(match self.dtype() {
            DType::I32 | DType::I64 => self,
            DType::U32 | DType::U64 => self.cast(DType::I64),
            _ => self.cast(DType::I32),
        })
    }

    fn equals(self, label: i64) -> Result<Tensor<3, Bool>> {
        Ok(self.equal_scalar(label))
    }

    fn outside(self, limit: usize) -> Result<Tensor<3, Bool>> {
        let below = self.clone().lower_scalar(0);
        Ok(below.bool_or(self.greater_equal_scalar(limit as i64)))
    }

    fn without(self, mask: Tensor<3, Bool>) -> Result<Self> {
        Ok(self.mask_fill(mask, 0))
    }

    fn one_hot(self, classes: usize) -> Result<Tensor<3, Bool>> {
        let [samples, _, voxels] = self.dims();
        let shape = [samples, classes, voxels];
        let names = Tensor::arange(0..classes as i64, &self.device()).cast(self.dtype());
        Ok(self.expand(shape).equal(names.reshape([1, classes, 1]).expand(shape)))
    }

    fn rows(self, table: Vec<f32>, classes: usize) -> Result<Tensor<3>> {
        let [samples, _, voxels] = self.dims();
        let shape = [table.len() / classes, classes];
        let table = TensorData::new(table, shape);
        let rows = Tensor::<2>::from_data(table, &self.device())
            .select(0, self.reshape([samples * voxels]))
            .reshape([samples, voxels, classes]);
        Ok(rows.swap_dims(1, 2))
    }
}

fn dtype(element: Element) -> FloatDType {
    match element {
        Element::F64 => FloatDType::F64,
        Element::F16 => FloatDType::F16,
        Element::BF16 => FloatDType::BF16,
        // Burn's floats have no integers.
        Element::F32 | Element::U8 => FloatDType::F32,
    }
}

/// The shape of two tensors together, where an axis of 1 stands for as many as the other has.
fn common(one: [usize; 3], other: [usize; 3]) -> [usize; 3] {
    [0, 1, 2].map(|axis| if one[axis] == 1 { other[axis] } else { one[axis] })
}

fn expanded(mask: Tensor<3, Bool>, shape: [usize; 3]) -> Tensor<3, Bool> {
    if mask.dims() == shape { mask } else { mask.expand(shape) }
}
