//! A class of one sample, or of the batch: whether it counts, and what it adds.

use super::{LossValues, Told};
use crate::{Absent, Error, Pool, Reduction, Result, Upstream};

/// How many voxels that count each class has in each sample, row-major.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub sizes: Vec<u64>,
}

/// What becomes of a class of one sample, or of the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Whether its formula is asked; otherwise its loss is 0.
    pub is_asked: bool,
    /// Voxels of the class.
    pub size: u64,
    /// The derivative of the outcome by its loss.
    pub factor: f64,
    /// Of the class; 0 where it does not count.
    weight: f64,
}

/// All of them, row-major, and what their sum is divided by.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    cells: Vec<Cell>,
    shape: Vec<usize>,
    scale: f64,
}

impl Cells {
    /// What counts of a batch of this shape, (N, C), whose classes have these sizes: those that were
    /// annotated, and of absent ones what the settings say, or by default `absent`.
    ///
    /// `upstream` is as [`upstreams`](Told::upstreams) has it.
    pub fn new(
        told: &Told,
        [samples, classes]: [usize; 2],
        sizes: &Sizes,
        valid: Option<&[bool]>,
        absent: Absent,
        upstream: &[f64],
    ) -> Self {
        let weights = told.settings.weights(classes);
        let absent = told.settings.absent.unwrap_or(absent);
        let is_one = told.pool() == Pool::All;
        // Whether anything was annotated, and voxels.
        let mut found = vec![(false, 0); upstream.len()];
        for (at, &size) in sizes.sizes.iter().enumerate() {
            let [sample, class] = [at / classes, at % classes];
            if valid.is_none_or(|valid| valid[at]) && !(is_one && weights[class] == 0.0) {
                let (any, total) = &mut found[told.cell_of([sample, class], classes)];
                (*any, *total) = (true, *total + size);
            }
        }
        let cell = |(index, (any, size)): (usize, (bool, u64))| {
            let counts = any && (size > 0 || absent != Absent::Skip);
            let weight = match counts {
                true if is_one => 1.0,
                true => weights[index % classes],
                false => 0.0,
            };
            let is_asked = weight > 0.0 && (size > 0 || absent == Absent::Formula);
            Cell { is_asked, size, factor: 0.0, weight }
        };
        let mut cells: Vec<_> = found.into_iter().enumerate().map(cell).collect();
        let mut scale = 1.0;
        if told.reduction == Reduction::Mean {
            let total: f64 = cells.iter().map(|cell| cell.weight).sum();
            scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        }
        for (cell, upstream) in cells.iter_mut().zip(upstream) {
            cell.factor = scale * cell.weight * upstream;
        }
        Self { cells, shape: told.shape(samples, classes), scale }
    }

    /// Each of them.
    pub fn as_slice(&self) -> &[Cell] {
        &self.cells
    }

    /// What is made of their losses.
    pub fn values(self, losses: &[f64]) -> LossValues {
        let Self { cells, shape, scale } = self;
        let weighed = |(cell, loss): (&Cell, &f64)| match cell.weight > 0.0 {
            true => cell.weight * loss,
            false => 0.0,
        };
        let values: Vec<_> = cells.iter().zip(losses).map(weighed).collect();
        let classes = shape.last().copied().unwrap_or_default();
        let per_class = |class: usize| {
            let of_class = cells.iter().zip(losses).skip(class).step_by(classes);
            let counted = of_class.filter(|(cell, _)| cell.weight > 0.0);
            let (sum, count) =
                counted.fold((0.0, 0.0), |(sum, n), (_, loss)| (sum + loss, n + 1.0));
            sum / count
        };
        LossValues {
            loss: scale * values.iter().sum::<f64>(),
            per_class: (0..classes).map(per_class).collect(),
            values,
            shape,
        }
    }
}

impl Told {
    /// What has one value: each class of each sample, unless something else was said.
    pub fn pool(&self) -> Pool {
        self.settings.pool.unwrap_or_default()
    }

    /// Which value a class of a sample is part of.
    pub fn cell_of(&self, [sample, class]: [usize; 2], classes: usize) -> usize {
        match self.pool() {
            Pool::All => 0,
            Pool::Batch => class,
            _ => sample * classes + class,
        }
    }

    /// Whether each class has one value over the voxels of the batch, and not of each sample.
    pub fn is_pooled(&self) -> bool {
        self.settings.pool == Some(Pool::Batch)
    }

    /// The shape of the values.
    pub fn shape(&self, samples: usize, classes: usize) -> Vec<usize> {
        match self.pool() {
            Pool::All => vec![],
            Pool::Batch => vec![classes],
            _ => vec![samples, classes],
        }
    }

    /// The upstream gradient of each value.
    pub fn upstreams(
        &self,
        upstream: &Upstream,
        [samples, classes]: [usize; 2],
    ) -> Result<Vec<f64>> {
        let count = self.shape(samples, classes).iter().product();
        match *upstream {
            Upstream::Scalar(scalar) => Ok(vec![scalar; count]),
            Upstream::Values(values)
                if self.reduction == Reduction::None && values.len() == count =>
            {
                Ok(values.to_vec())
            }
            Upstream::Values(values) => Err(Error::Shape {
                what: "upstream gradient",
                found: vec![values.len()],
                wanted: match self.reduction {
                    Reduction::None => format!("{count} values, or a number"),
                    _ => "a number".into(),
                },
            }),
            Upstream::Map(map) => Err(Error::Shape {
                what: "upstream gradient",
                found: map.layout.shape().to_vec(),
                wanted: "a number, or values: there is no map of voxel losses".into(),
            }),
        }
    }
}
