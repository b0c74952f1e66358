//! The engine's loss, with Candle's way back to the voxels.

use candle_core::{Result, Tensor};
use dice_loss::{Prepared, Verdict};

use super::voxels::{constant, fill};
use crate::refused;

/// ∂loss/∂sums, `[N, C, K]`.
pub(super) struct Slopes {
    slopes: Tensor,
    /// Which value each (sample, class) belongs to, for reduction none.
    value_of_each: Vec<usize>,
}

impl Slopes {
    /// For sums of weights that were multiplied with `scale`.
    pub fn new(prepared: &Prepared, verdict: &Verdict, sums: &Tensor, scale: f64) -> Result<Self> {
        let (samples, classes, integrands) = sums.dims3()?;
        let mut slopes = prepared.gradient(verdict).map_err(refused)?;
        slopes.iter_mut().for_each(|slope| *slope /= scale);
        let slopes = constant(slopes, &[samples, classes, integrands], sums)?;
        Ok(Self { slopes, value_of_each: prepared.value_of_each(verdict) })
    }

    /// Slope times sum; nothing of something infinite is nothing.
    fn products(&self, sums: &Tensor) -> Result<Tensor> {
        fill(sums, &self.slopes.eq(0.0)?, 0.0)?.mul(&self.slopes)
    }

    /// A scalar.
    pub fn number(&self, sums: &Tensor, loss: f64) -> Result<Tensor> {
        let tangent = self.products(sums)?.sum_all()?;
        (&tangent - tangent.detach())? + loss
    }

    /// `[values]`
    pub fn values(&self, sums: &Tensor, values: &[f64]) -> Result<Tensor> {
        let (rows, columns) = (values.len(), self.value_of_each.len());
        let member = |index: usize| {
            f64::from(u8::from(self.value_of_each[index % columns] == index / columns))
        };
        let members = (0..rows * columns).map(member).collect();
        let members = constant(members, &[rows, columns], sums)?;
        let products = self.products(sums)?.sum(2)?.reshape((1, columns))?;
        let tangent = members.broadcast_mul(&products)?.sum(1)?;
        (&tangent - tangent.detach())? + constant(values.to_vec(), &[rows], sums)?
    }

    /// `[N, channels, S]`
    pub fn map(&self, integrands: &[Tensor], channels: usize) -> Result<Tensor> {
        let mut map = self.slopes.narrow(2, 0, 1)?.zeros_like()?;
        for (index, integrand) in integrands.iter().enumerate() {
            let slope = self.slopes.narrow(2, index, 1)?;
            let part = fill(integrand, &slope.eq(0.0)?, 0.0)?.broadcast_mul(&slope)?;
            map = map.broadcast_add(&part)?;
        }
        if channels == 1 { map.sum_keepdim(1) } else { Ok(map) }
    }
}
