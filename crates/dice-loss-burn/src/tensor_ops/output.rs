//! The engine's loss, with Burn's way back to the voxels.

use burn::tensor::{Tensor, TensorData};
use dice_loss::{Prepared, Result, Verdict};

/// ∂loss/∂sums, `[N, C, K]`.
pub(super) struct Slopes {
    slopes: Tensor<3>,
    /// Which value each (sample, class) belongs to, for reduction none.
    value_of_each: Vec<usize>,
}

impl Slopes {
    /// For sums of weights that were multiplied with `scale`.
    pub fn new(
        prepared: &Prepared,
        verdict: &Verdict,
        sums: &Tensor<3>,
        scale: f64,
    ) -> Result<Self> {
        let [samples, classes, integrands] = sums.dims();
        let mut slopes = prepared.gradient(verdict)?;
        slopes.iter_mut().for_each(|slope| *slope /= scale);
        let slopes = TensorData::new(slopes, [samples, classes, integrands]);
        let options = (&sums.device(), sums.dtype());
        let slopes = Tensor::<3>::from_data(slopes, options);
        Ok(Self { slopes, value_of_each: prepared.value_of_each(verdict) })
    }

    /// Slope times sum; nothing of something infinite is nothing.
    fn products(self, sums: Tensor<3>) -> Tensor<3> {
        sums.mask_fill(self.slopes.clone().equal_scalar(0), 0) * self.slopes
    }

    /// `[1]`
    pub fn number(self, sums: Tensor<3>, loss: f64) -> Tensor<1> {
        let tangent = self.products(sums).sum();
        tangent.clone() - tangent.detach() + loss
    }

    /// `[values]`
    pub fn values(self, sums: Tensor<3>, values: &[f64]) -> Tensor<1> {
        let [samples, classes, _] = sums.dims();
        let options = (&sums.device(), sums.dtype());
        let (rows, columns) = (values.len(), self.value_of_each.len());
        let member = |index: usize| {
            let (value, of) = (index / columns, index % columns);
            f64::from(u8::from(self.value_of_each[of] == value))
        };
        let members: Vec<_> = (0..rows * columns).map(member).collect();
        let members = TensorData::new(members, [rows, samples * classes]);
        let members = Tensor::<2>::from_data(members, options);
        let values = Tensor::<1>::from_data(TensorData::new(values.to_vec(), [rows]), options);
        let sums = self.products(sums).sum_dim(2).reshape([samples * classes, 1]);
        let tangent = members.matmul(sums).reshape([rows]);
        tangent.clone() - tangent.detach() + values
    }

    /// `[N, channels, S]`
    pub fn map(self, integrands: Vec<Tensor<3>>, channels: usize) -> Tensor<3> {
        let mut map = None;
        for (index, integrand) in integrands.into_iter().enumerate() {
            let slope = self.slopes.clone().narrow(2, index, 1);
            let [samples, classes, _] = slope.dims();
            let shape = [samples, classes, integrand.dims()[2]];
            let unused = slope.clone().equal_scalar(0).expand(shape);
            let part = integrand.expand(shape).mask_fill(unused, 0) * slope;
            map = Some(match map {
                Some(map) => map + part,
                None => part,
            });
        }
        let map: Tensor<3> = map.unwrap_or(self.slopes);
        if channels == 1 { map.sum_dim(1) } else { map }
    }
}
