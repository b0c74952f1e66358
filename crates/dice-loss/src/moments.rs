//! What sweep 1 leaves: sums that add up.

use serde::{Deserialize, Serialize};

use crate::{Activation, Error, Result, Sums, metrics::Counts, plan::Column, real::DIRECTIONS};

/// The sums of a batch, for each sample and class: all that a loss ever sees of the voxels.
///
/// They add up: samples of several batches with [`append`](Self::append) (gradient accumulation),
/// and, where only the whole batch matters, over samples with [`pooled`](Self::pooled) and across
/// processes with [`add`](Self::add). Moments of different objectives are refused.
///
/// ```
/// use dice_loss::{Dice, Layout, Logits, Objective, Pool, Target};
/// let objective = Objective::new().term(1.0, Dice::default().sigmoid().pool(Pool::Batch));
/// let measure = |x: &[f32], g: &[u8]| {
///     let layout = Layout::channels_first(&[1, 1, x.len()])?;
///     objective.measure(&Logits::new(x, layout)?, &Target::labels(g, layout)?)
/// };
/// let mut half = measure(&[2.0, -1.0], &[1, 0])?.pooled();
/// half.add(&measure(&[0.5, 1.0], &[1, 1])?.pooled())?;
/// let whole = measure(&[2.0, -1.0, 0.5, 1.0], &[1, 0, 1, 1])?;
/// let (a, b) = (objective.evaluate(&half)?.loss(), objective.evaluate(&whole)?.loss());
/// assert!((a - b).abs() < 1e-6);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    objective: String,
    classes: usize,
    rows: usize,
    pooled: bool,
    columns: Vec<Column>,
    /// Row-major (row, column, class).
    data: Vec<f64>,
    /// (row, class): annotated.
    valid: Vec<bool>,
}

impl Moments {
    pub(crate) fn new(
        objective: &str,
        columns: &[Column],
        [rows, classes]: [usize; 2],
        data: Vec<f64>,
        valid: Vec<bool>,
    ) -> Self {
        debug_assert_eq!(data.len(), rows * columns.len() * classes);
        Self {
            objective: objective.into(),
            classes,
            rows,
            pooled: false,
            columns: columns.to_vec(),
            data,
            valid,
        }
    }

    /// Classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Rows: samples, or 1 after pooling.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the samples have been added up.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Adds the samples up into one row.
    ///
    /// All that a term pooled over the batch, and every voxel term, needs; a term that is computed
    /// per sample can no longer be evaluated.
    pub fn pooled(mut self) -> Self {
        let row = self.columns.len() * self.classes;
        let mut sums = vec![0.0; row];
        let mut valid = vec![false; self.classes];
        for sample in 0..self.rows {
            let data = &self.data[sample * row..][..row];
            sums.iter_mut().zip(data).for_each(|(sum, value)| *sum += value);
            let annotated = &self.valid[sample * self.classes..][..self.classes];
            valid.iter_mut().zip(annotated).for_each(|(any, &one)| *any |= one);
        }
        (self.data, self.valid, self.rows, self.pooled) = (sums, valid, 1, true);
        self
    }

    /// Adds pooled moments: of another batch, or of another process.
    ///
    /// Fails for another objective, another number of classes, or if either is not pooled.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        self.expect_alike(other)?;
        if !(self.pooled && other.pooled) {
            return crate::error::parameter(
                "moments to add",
                format!("rows {} and {}", self.rows, other.rows),
                "pooled moments; append adds samples",
            );
        }
        self.data.iter_mut().zip(&other.data).for_each(|(sum, value)| *sum += value);
        self.valid.iter_mut().zip(&other.valid).for_each(|(any, &one)| *any |= one);
        Ok(())
    }

    /// Adds the samples of another batch as further rows.
    ///
    /// Fails for another objective, another number of classes, or if either is pooled.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        self.expect_alike(other)?;
        if self.pooled || other.pooled {
            return crate::error::parameter(
                "moments to append",
                "pooled moments",
                "moments that still have their samples; add adds pooled ones",
            );
        }
        self.data.extend_from_slice(&other.data);
        self.valid.extend_from_slice(&other.valid);
        self.rows += other.rows;
        Ok(())
    }

    /// The raw sums, row-major (row, sum, class): what an all-reduce adds up across processes.
    ///
    /// Only [`pooled`](Self::pooled) moments of equal objectives may be added in this way.
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// The raw sums, to write an all-reduced row back.
    pub fn as_mut_slice(&mut self) -> &mut [f64] {
        &mut self.data
    }

    /// The hard counts of a (row, class), if the objective names a
    /// [`decision`](crate::Objective::decision). Voxel weights do not enter them, masks do.
    pub fn counts(&self, row: usize, class: usize) -> Option<Counts> {
        let count = |column| Some(self.find(column, row, class)? as u64);
        Some(Counts {
            true_positives: count(Column::TruePositives)?,
            false_positives: count(Column::FalsePositives)?,
            false_negatives: count(Column::FalseNegatives)?,
        })
    }

    /// The sums of a (row, class) under an activation; those that no term asked for are 0.
    pub fn sums(&self, activation: Activation, row: usize, class: usize) -> Sums {
        let find = |column| self.find(column, row, class).unwrap_or(0.0);
        let mut sums = Sums {
            g: find(Column::Reference),
            gg: find(Column::ReferenceSquared),
            n: find(Column::Voxels),
            ..Sums::default()
        };
        for direction in 0..DIRECTIONS {
            sums.set(direction, find(Column::Sum(activation, direction)));
        }
        sums
    }

    /// Whether the class was annotated in this row.
    pub fn is_valid(&self, row: usize, class: usize) -> bool {
        row < self.rows && class < self.classes && self.valid[row * self.classes + class]
    }

    pub(crate) fn at(&self, column: usize, row: usize, class: usize) -> f64 {
        self.data[(row * self.columns.len() + column) * self.classes + class]
    }

    fn find(&self, column: Column, row: usize, class: usize) -> Option<f64> {
        let column = self.columns.iter().position(|other| *other == column)?;
        (row < self.rows && class < self.classes).then(|| self.at(column, row, class))
    }

    /// Also guards against a hand-made serialisation whose parts do not fit.
    pub(crate) fn expect_objective(&self, wanted: &str, columns: &[Column]) -> Result<()> {
        let cells = self.rows.checked_mul(self.classes);
        let fits = cells == Some(self.valid.len())
            && cells.and_then(|cells| cells.checked_mul(columns.len())) == Some(self.data.len());
        if self.objective == wanted && self.columns == columns && fits {
            return Ok(());
        }
        Err(Error::Objective { found: self.objective.clone(), wanted: wanted.into() })
    }

    fn expect_alike(&self, other: &Self) -> Result<()> {
        self.expect_objective(&self.objective, &self.columns)?;
        other.expect_objective(&self.objective, &self.columns)?;
        if other.classes != self.classes {
            return Err(Error::Shape {
                what: "moments",
                found: vec![other.rows, other.classes],
                wanted: format!("{} classes", self.classes),
            });
        }
        Ok(())
    }
}
