//! Burn's tensors as what the losses are computed with on any device.

use burn::tensor::{
    Bool, DType, FloatDType, Int, Tensor, TensorData,
    activation::{log_sigmoid, log_softmax, sigmoid, softmax},
};
use dice_loss::{Error, Result};
use dice_loss_tensor::{Element, Labels, Mask, Numbers, Operations, operations};

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
    operations! {
        cast(x, element: Element) -> Self = Ok(Tensor::<3>::cast(x, dtype(element)));
        reshape(x, shape: [usize; 3]) -> Self = Ok(Tensor::reshape(x, shape));
        expand(x, shape: [usize; 3]) -> Self =
            Ok(if x.dims() == shape { x } else { Tensor::expand(x, shape) });
        narrow(x, axis: usize, start: usize, length: usize) -> Self =
            Ok(Tensor::narrow(x, axis, start, length));
        add(x, other: Self) -> Self = Ok(x + other);
        sub(x, other: Self) -> Self = Ok(x - other);
        mul(x, other: Self) -> Self = Ok(x * other);
        div(x, other: Self) -> Self = Ok(x / other);
        neg(x) -> Self = Ok(-x);
        complement(x) -> Self = Ok(-x + 1);
        abs(x) -> Self = Ok(Tensor::abs(x));
        exp(x) -> Self = Ok(Tensor::exp(x));
        ln(x) -> Self = Ok(x.log());
        at_least(x, bound: f64) -> Self = Ok(x.clamp_min(bound));
        clamp(x) -> Self = Ok(Tensor::clamp(x, 0, 1));
        sum(x, axis: usize) -> Self = Ok(x.sum_dim(axis));
        sum_all(x) -> Self = Ok(Tensor::sum(x).reshape([1, 1, 1]));
        max(x, axis: usize) -> Self = Ok(x.max_dim(axis));
        softmax(x) -> Self = Ok(softmax(x, 1));
        log_softmax(x) -> Self = Ok(log_softmax(x, 1));
        sigmoid(x) -> Self = Ok(sigmoid(x));
        log_sigmoid(x) -> Self = Ok(log_sigmoid(x));
        equals(x, value: f64) -> Tensor<3, Bool> = Ok(x.equal_scalar(value));
        ge(x, bound: f64) -> Tensor<3, Bool> = Ok(x.greater_equal_scalar(bound));
        le(x, bound: f64) -> Tensor<3, Bool> = Ok(x.lower_equal_scalar(bound));
    }

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

    fn cat(parts: Vec<Self>, axis: usize) -> Result<Self> {
        Ok(Tensor::cat(parts, axis))
    }

    fn fill(self, mask: Tensor<3, Bool>, value: f64) -> Result<Self> {
        let shape = common(self.dims(), mask.dims());
        Ok(Numbers::expand(self, shape)?.mask_fill(expanded(mask, shape), value))
    }

    fn matmul(self, other: Self) -> Result<Self> {
        let ([matrices, rows, columns], [samples, ..]) = (self.dims(), other.dims());
        let shape = [matrices.max(samples), rows, columns];
        Ok(Tensor::matmul(Numbers::expand(self, shape)?, other))
    }

    fn largest(self) -> Result<Tensor<3, Bool>> {
        // Which of equal ones argmax finds, Burn does not promise.
        let largest = self.clone().max_dim(1).expand(self.dims()).equal(self);
        let rank = largest.clone().int().cumsum(1);
        Ok(largest.bool_and(rank.equal_scalar(1)))
    }
}

impl Mask<Burn> for Tensor<3, Bool> {
    operations! {
        not(x) -> Self = Ok(x.bool_not());
        narrow(x, axis: usize, start: usize, length: usize) -> Self =
            Ok(Tensor::narrow(x, axis, start, length));
        numbers(x, element: Element) -> Tensor<3> = Ok(x.float().cast(dtype(element)));
        any(x) -> bool = Ok(Tensor::any(x).into_data().iter::<bool>().any(|any| any));
    }

    fn and(self, other: Self) -> Result<Self> {
        let shape = common(self.dims(), other.dims());
        Ok(expanded(self, shape).bool_and(expanded(other, shape)))
    }

    fn or(self, other: Self) -> Result<Self> {
        let shape = common(self.dims(), other.dims());
        Ok(expanded(self, shape).bool_or(expanded(other, shape)))
    }
}

impl Labels<Burn> for Tensor<3, Int> {
    operations! {
        signed(x) -> Self = Ok(match x.dtype() {
            DType::I32 | DType::I64 => x,
            DType::U32 | DType::U64 => x.cast(DType::I64),
            _ => x.cast(DType::I32),
        });
        equals(x, label: i64) -> Tensor<3, Bool> = Ok(x.equal_scalar(label));
        without(x, mask: Tensor<3, Bool>) -> Self = Ok(x.mask_fill(mask, 0));
    }

    fn holds(&self, label: i64) -> bool {
        match self.dtype() {
            DType::I64 | DType::U32 => true,
            // Read as with a sign: what is negative then is no label.
            DType::U64 => label >= 0,
            _ => i32::try_from(label).is_ok(),
        }
    }

    fn outside(self, limit: usize) -> Result<Tensor<3, Bool>> {
        let below = self.clone().lower_scalar(0);
        Ok(below.bool_or(self.greater_equal_scalar(limit as i64)))
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
