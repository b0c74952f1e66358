//! Overlap terms: pooling, absent classes, and the formula.

use super::{Scale, verdict::Cells};
use crate::{
    Absent, Moments, Reduction, Sums, Term,
    plan::{Group, Plan},
    real::DIRECTIONS,
    region::Formula,
};

/// An overlap term's losses and derivatives.
pub(super) struct Outcome {
    /// The term's loss, not yet times its weight in the objective.
    pub loss: f64,
    /// Each class's loss, NaN where nothing counted.
    pub per_class: Vec<f64>,
    /// One value for each cell, as reduction none returns them.
    pub cells: Vec<f64>,
    /// (row, class): the derivative of the term's loss by each sum.
    pub partials: Vec<[f64; DIRECTIONS]>,
}

/// Pools the sums into cells, evaluates the formula on each, and reduces.
pub(super) fn evaluate(
    term: &Term,
    formula: &dyn Formula,
    plan: &Plan,
    moments: &Moments,
    reduction: Reduction,
) -> Outcome {
    let pool = term.pool.unwrap_or_default();
    let evaluation = Evaluation {
        formula,
        group: plan.group(term.activation),
        moments,
        absent: term.absent.unwrap_or_default(),
        weights: term.weights(plan.classes),
        cells: Cells::of(pool, formula.is_coupled()),
    };
    evaluation.reduce(reduction)
}

struct Evaluation<'a> {
    formula: &'a dyn Formula,
    group: Option<&'a Group>,
    moments: &'a Moments,
    absent: Absent,
    weights: Vec<f64>,
    cells: Cells,
}

/// What a cell contributes: its weight in the mean, its value, and by which factor each member's
/// derivative enters.
struct Cell {
    weight: f64,
    value: f64,
    /// (row, class, factor, derivatives).
    members: Vec<(usize, usize, f64, [f64; DIRECTIONS])>,
}

impl Evaluation<'_> {
    fn reduce(&self, reduction: Reduction) -> Outcome {
        let (rows, classes) = (self.moments.rows(), self.weights.len());
        let mut outcome = Outcome {
            loss: 0.0,
            per_class: vec![f64::NAN; classes],
            cells: vec![0.0; self.cells.count(rows, classes)],
            partials: vec![[0.0; DIRECTIONS]; rows * classes],
        };
        let cells: Vec<_> =
            (0..outcome.cells.len()).map(|index| self.cell(index, rows, classes)).collect();
        let total = cells.iter().flatten().map(|cell| cell.weight).sum();
        let factor = Scale { reduction, total }.factor();
        let mut class_totals = vec![(0.0, 0.0); classes];
        for (index, cell) in cells.iter().enumerate() {
            let Some(cell) = cell else { continue };
            outcome.cells[index] = cell.weight * cell.value;
            outcome.loss += factor * cell.weight * cell.value;
            if let Some(class) = self.cells.class(index, classes)
                && cell.weight > 0.0
            {
                class_totals[class].0 += cell.value;
                class_totals[class].1 += 1.0;
            }
            for (row, class, share, derivatives) in &cell.members {
                let partials = &mut outcome.partials[row * classes + class];
                for (partial, derivative) in partials.iter_mut().zip(derivatives) {
                    *partial += factor * cell.weight * share * derivative;
                }
            }
        }
        for (value, (sum, count)) in outcome.per_class.iter_mut().zip(class_totals) {
            *value = sum / count;
        }
        outcome
    }

    /// `None` where nothing in the cell counts.
    fn cell(&self, index: usize, rows: usize, classes: usize) -> Option<Cell> {
        match self.cells {
            Cells::SampleAndClass => {
                let (row, class) = (index / classes, index % classes);
                self.of_class(row..row + 1, class..class + 1)
            }
            Cells::Class => self.of_class(0..rows, index..index + 1),
            Cells::One { coupled: false } => self.of_class(0..rows, 0..classes),
            Cells::Sample => self.of_row(index..index + 1),
            Cells::One { coupled: true } => self.of_row(0..rows),
        }
    }

    fn counts(&self, row: usize, class: usize) -> bool {
        self.weights[class] > 0.0 && self.moments.is_valid(row, class)
    }

    /// One formula over the sums of some rows and classes, added up.
    fn of_class(
        &self,
        rows: std::ops::Range<usize>,
        classes: std::ops::Range<usize>,
    ) -> Option<Cell> {
        // A cell of one class weighs in the mean; one of all classes weighs their sums.
        let alone = classes.len() == 1 && self.cells != Cells::One { coupled: false };
        let members: Vec<_> = rows
            .flat_map(|row| classes.clone().map(move |class| (row, class)))
            .filter(|&(row, class)| self.counts(row, class))
            .collect();
        let (_, first) = *members.first()?;
        let share = |class: usize| if alone { 1.0 } else { self.weights[class] };
        let mut sums = Sums::default();
        for &(row, class) in &members {
            sums.add(share(class), self.sums(row, class));
        }
        let weight = if alone { self.weights[first] } else { 1.0 };
        if sums.g <= 0.0 && self.absent != Absent::Formula {
            return (self.absent == Absent::Zero).then(|| Cell {
                weight,
                value: 0.0,
                members: Vec::new(),
            });
        }
        let outcome = self.formula.evaluate(&[sums], &[1.0]);
        let derivatives = outcome.derivatives[0];
        let members = members
            .into_iter()
            .map(|(row, class)| (row, class, share(class), derivatives))
            .collect();
        Some(Cell { weight, value: outcome.value, members })
    }

    /// One formula over the row of all classes' sums, added up over some samples.
    fn of_row(&self, rows: std::ops::Range<usize>) -> Option<Cell> {
        let classes = self.weights.len();
        let mut row_sums = vec![Sums::default(); classes];
        let mut weights = vec![0.0; classes];
        let mut any = false;
        for (class, sums) in row_sums.iter_mut().enumerate() {
            for row in rows.clone().filter(|&row| self.counts(row, class)) {
                sums.add(1.0, self.sums(row, class));
                weights[class] = self.weights[class];
                any = true;
            }
            if sums.g <= 0.0 && self.absent != Absent::Formula {
                weights[class] = 0.0;
            }
        }
        if weights.iter().all(|&weight| weight == 0.0) {
            let zero = Cell { weight: 1.0, value: 0.0, members: Vec::new() };
            return (any && self.absent == Absent::Zero).then_some(zero);
        }
        let outcome = self.formula.evaluate(&row_sums, &weights);
        let members = rows
            .flat_map(|row| (0..classes).map(move |class| (row, class)))
            .filter(|&(row, class)| self.counts(row, class))
            .map(|(row, class)| (row, class, 1.0, outcome.derivatives[class]))
            .collect();
        Some(Cell { weight: 1.0, value: outcome.value, members })
    }

    fn sums(&self, row: usize, class: usize) -> Sums {
        let mut sums = Sums {
            g: self.moments.at(Plan::REFERENCE, row, class),
            gg: self.moments.at(Plan::REFERENCE_SQUARED, row, class),
            n: self.moments.at(Plan::VOXELS, row, class),
            ..Sums::default()
        };
        if let Some(group) = self.group {
            for (direction, column) in group.sums.iter().enumerate() {
                if let Some(column) = column {
                    sums.set(direction, self.moments.at(*column, row, class));
                }
            }
        }
        sums
    }
}
