//! The derivatives of the loss by the moments, in the moments' own shape.

use super::Verdict;
use crate::{Result, plan::Plan, room};

impl Verdict {
    /// ∂loss/∂moments, row-major (sample, class, column).
    pub(crate) fn gradient(&self, plan: &Plan) -> Result<Vec<f64>> {
        let columns = plan.columns();
        let count = self.samples * self.classes;
        room::expect(count, columns * size_of::<f64>(), "the derivatives by all sums")?;
        let mut gradient = vec![0.0; count * columns];
        for (group, partials) in plan.groups.iter().zip(&self.partials) {
            for (row, partials) in gradient.chunks_exact_mut(columns).zip(partials) {
                for (direction, column) in group.sums.each() {
                    if let Some(column) = column {
                        row[column] += partials[direction];
                    }
                }
            }
        }
        for (loss, partials) in plan.instanced.iter().zip(&self.instanced) {
            for (row, partial) in gradient.chunks_exact_mut(columns).zip(partials) {
                row[loss.loss] += partial;
            }
        }
        for (place, factors) in &self.factors {
            let of_columns = [&factors.positive, &factors.negative, &factors.all];
            let columns_of_place = plan.groups[place.group].columns(place.losses);
            for (column, factors) in columns_of_place.into_iter().zip(of_columns) {
                let Some(column) = column else { continue };
                // Each class has its factor, in every sample.
                let rows = gradient.chunks_exact_mut(columns);
                rows.zip(factors.iter().cycle()).for_each(|(row, factor)| row[column] += factor);
            }
        }
        Ok(gradient)
    }

    /// The value that each (sample, class) is part of.
    pub(crate) fn value_of_each(&self) -> Vec<usize> {
        let of = |index| self.unit.index(index / self.classes, index % self.classes, self.classes);
        (0..self.samples * self.classes).map(of).collect()
    }
}
