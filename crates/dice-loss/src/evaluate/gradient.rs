//! The derivatives of the loss by the moments, in the moments' own shape.

use super::{Verdict, voxel};
use crate::{plan::Plan, term::Loss};

impl Verdict {
    /// ∂loss/∂moments, row-major (row, column, class).
    pub(crate) fn gradient(&self, plan: &Plan) -> Vec<f64> {
        let (columns, classes) = (plan.columns.len(), self.classes);
        let mut gradient = vec![0.0; self.rows * columns * classes];
        let mut add = |row: usize, column: usize, class: usize, derivative: f64| {
            gradient[(row * columns + column) * classes + class] += derivative;
        };
        for (group, partials) in plan.groups.iter().zip(&self.partials) {
            for (index, partials) in partials.iter().enumerate() {
                for (column, partial) in group.sums.iter().zip(partials) {
                    if let Some(column) = column {
                        add(index / classes, *column, index % classes, *partial);
                    }
                }
            }
        }
        for factors in &self.factors {
            let (_, term) = &plan.terms[factors.term];
            let (Loss::Voxel(loss), Some(group)) = (&term.loss, plan.group(term.activation)) else {
                continue;
            };
            let of_columns = [&factors.positive, &factors.negative, &factors.all];
            let columns = voxel::columns(factors.term, loss, group);
            for (column, factors) in columns.into_iter().zip(of_columns) {
                let Some(column) = column else { continue };
                for row in 0..self.rows {
                    for (class, factor) in factors.iter().enumerate() {
                        add(row, column, class, *factor);
                    }
                }
            }
        }
        gradient
    }

    /// The value that each (row, class) is part of.
    pub(crate) fn cell_of_each(&self) -> Vec<usize> {
        (0..self.rows * self.classes)
            .map(|index| self.cells.index(index / self.classes, index % self.classes, self.classes))
            .collect()
    }
}
