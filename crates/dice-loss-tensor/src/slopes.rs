//! The engine's loss, with the framework's way back to the voxels.

use dice_loss::{Prepared, Verdict};

use crate::{Computed, Numbers, Operations};

/// ∂loss/∂sums of weights as they were, for sums of weights that were multiplied with `scale`.
pub(crate) struct Slopes<'a> {
    /// Row-major `[N, C, K]`.
    slopes: Vec<f64>,
    /// Which value each (sample, class) belongs to, for reduction none.
    value_of_each: Vec<usize>,
    verdict: &'a Verdict,
    scale: f64,
}

impl<'a> Slopes<'a> {
    pub fn new(
        prepared: &Prepared,
        verdict: &'a Verdict,
        scale: f64,
    ) -> Result<Self, dice_loss::Error> {
        let slopes = prepared.gradient(verdict)?;
        Ok(Self { slopes, value_of_each: prepared.value_of_each(verdict), verdict, scale })
    }

    /// `[1, 1, 1]`, of sums `[N, C, K]`.
    pub fn number<O: Operations>(self, sums: O::Numbers) -> Computed<O::Numbers, O> {
        let loss = sums.constant(vec![self.verdict.loss()], [1, 1, 1])?;
        with_slopes::<O>(loss, self.products::<O>(sums)?.sum_all()?)
    }

    /// `[1, values, 1]`, of sums `[N, C, K]`.
    pub fn values<O: Operations>(
        self,
        sums: O::Numbers,
        values: &[f64],
    ) -> Computed<O::Numbers, O> {
        let (rows, columns) = (values.len(), self.value_of_each.len());
        let member = |index: usize| {
            f64::from(u8::from(self.value_of_each[index % columns] == index / columns))
        };
        let members = (0..rows * columns).map(member).collect();
        let members = sums.constant(members, [1, rows, columns])?;
        let values = sums.constant(values.to_vec(), [1, rows, 1])?;
        let products = self.products::<O>(sums)?.sum(2)?.reshape([1, 1, columns])?;
        with_slopes::<O>(values, members.mul(products)?.sum(2)?)
    }

    /// `[N, channels, S]`, of sums `[N, C, K]` and what was summed up.
    pub fn map<O: Operations>(
        self,
        sums: &O::Numbers,
        integrands: Vec<O::Numbers>,
        channels: usize,
    ) -> Computed<O::Numbers, O> {
        let [samples, classes, columns] = sums.shape();
        let part = |(column, integrand): (usize, O::Numbers)| {
            let slopes = self.slopes.iter().skip(column).step_by(columns).copied().collect();
            let slopes = integrand.constant(slopes, [samples, classes, 1])?;
            integrand.fill(slopes.clone().equals(0.0)?, 0.0)?.mul(slopes)
        };
        let mut parts = integrands.into_iter().enumerate().map(part);
        let first = match parts.next() {
            Some(first) => first?,
            None => sums.constant(vec![0.0; samples * classes], [samples, classes, 1])?,
        };
        let map = parts.try_fold(first, |map, part| map.add(part?))?;
        if channels == 1 { map.sum(1) } else { Ok(map) }
    }

    /// Slope times sum; nothing of something infinite is nothing.
    fn products<O: Operations>(&self, sums: O::Numbers) -> Computed<O::Numbers, O> {
        let slopes = self.slopes.iter().map(|slope| slope / self.scale).collect();
        let slopes = sums.constant(slopes, sums.shape())?;
        sums.fill(slopes.clone().equals(0.0)?, 0.0)?.mul(slopes)
    }
}

/// The values, with the slopes of another tensor.
fn with_slopes<O: Operations>(values: O::Numbers, of: O::Numbers) -> Computed<O::Numbers, O> {
    of.clone().sub(of.detach())?.add(values)
}
