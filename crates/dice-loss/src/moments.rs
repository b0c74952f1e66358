//! What sweep 1 leaves: sums that add up.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Activation, Error, Integrand, Result, Sum, Sums,
    direction::Direction,
    error::stated,
    instances::{Kept, Known},
    metrics::Counts,
    room,
};

/// The version of the moments that are written. What is written under another is not read.
const VERSION: u32 = 1;

/// The sums of a batch, for each sample and class: all that a loss ever sees of the voxels.
///
/// They add up: samples of several batches with [`append`](Self::append) (gradient accumulation),
/// and, where only the whole batch matters, over samples with [`pooled`](Self::pooled) and across
/// processes with [`add`](Self::add). What they are is said by their
/// [`integrands`](Self::integrands), not by the objective that they were measured for: any other
/// with the same integrands can evaluate them, whatever its weights, pools and reduction. Moments
/// of other integrands are refused.
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
#[serde(into = "Written", try_from = "Written")]
pub struct Moments {
    integrands: Arc<[Integrand]>,
    samples: usize,
    classes: usize,
    pooled: bool,
    /// Row-major (sample, class, integrand).
    rows: Vec<f64>,
    /// (sample, class): annotated.
    valid: Vec<bool>,
    /// Of the instances, for sweep 2.
    kept: Kept,
}

/// As they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    integrands: Vec<Integrand>,
    samples: usize,
    classes: usize,
    pooled: bool,
    rows: Vec<f64>,
    valid: Vec<bool>,
}

impl From<Moments> for Written {
    fn from(moments: Moments) -> Self {
        let Moments { integrands, samples, classes, pooled, rows, valid, kept: _ } = moments;
        let integrands = integrands.to_vec();
        Self { version: VERSION, integrands, samples, classes, pooled, rows, valid }
    }
}

impl TryFrom<Written> for Moments {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let Written { version, integrands, samples, classes, pooled, rows, valid } = written;
        if version != VERSION {
            return stated("version of the moments", version.to_string(), VERSION.to_string());
        }
        let fits = samples.checked_mul(classes) == Some(valid.len())
            && valid.len().checked_mul(integrands.len()) == Some(rows.len())
            && (!pooled || samples == 1);
        if !fits {
            return Err(Error::Shape {
                what: "samples, classes, validity, sums of the moments",
                found: vec![samples, classes, valid.len(), rows.len()],
                wanted: format!("{} sums for each sample and class", integrands.len()),
            });
        }
        let (integrands, kept) = (integrands.into(), Kept::default());
        Ok(Self { integrands, samples, classes, pooled, rows, valid, kept })
    }
}

impl Moments {
    /// With one row for each (sample, class).
    pub(crate) fn new(
        integrands: &Arc<[Integrand]>,
        [samples, classes]: [usize; 2],
        rows: Vec<f64>,
        valid: Vec<bool>,
    ) -> Self {
        debug_assert_eq!(rows.len(), samples * classes * integrands.len());
        Self {
            integrands: Arc::clone(integrands),
            samples,
            classes,
            pooled: false,
            rows,
            valid,
            kept: Kept::default(),
        }
    }

    /// With what sweep 1 knows of the instances.
    pub(crate) fn with(mut self, known: Known) -> Self {
        self.kept = Kept(Some(Arc::new(known)));
        self
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What the sums of a row are.
    pub fn integrands(&self) -> &[Integrand] {
        &self.integrands
    }

    /// Classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Samples, or 1 after pooling.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The sums of a (sample, class), in the order of the [`integrands`](Self::integrands).
    ///
    /// Empty if there is no such class or sample.
    pub fn row(&self, sample: usize, class: usize) -> &[f64] {
        if sample >= self.samples || class >= self.classes {
            return &[];
        }
        let index = sample * self.classes + class;
        &self.rows[index * self.integrands.len()..][..self.integrands.len()]
    }

    /// The same sums of the voxels of one instance of a class, counted from 1, or of the voxels of none:
    /// number 0. What no instance has a share of, as the sums of voxel losses, is 0.
    ///
    /// `None` if there is no such instance; of a class with fewer than two instances in a sample; and of
    /// moments that were not measured just so, with instances.
    pub fn row_of_instance(&self, sample: usize, class: usize, number: usize) -> Option<&[f64]> {
        if sample >= self.samples || class >= self.classes {
            return None;
        }
        self.kept.0.as_ref()?.row(sample * self.classes + class, number)
    }

    /// Whether the samples have been added up.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Adds the samples up: one row for each class is left.
    ///
    /// All that a term pooled over the batch, and every voxel term, needs; a term that is computed
    /// per sample can no longer be evaluated.
    pub fn pooled(mut self) -> Self {
        let columns = self.integrands.len();
        let mut sums = vec![0.0; columns * self.classes];
        let mut valid = vec![false; self.classes];
        for sample in 0..self.samples {
            for class in 0..self.classes {
                let sums = &mut sums[class * columns..][..columns];
                let row = self.row(sample, class);
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                valid[class] |= self.valid[sample * self.classes + class];
            }
        }
        self.kept = Kept::default();
        (self.rows, self.valid, self.samples, self.pooled) = (sums, valid, 1, true);
        self
    }

    /// Adds pooled moments: of another batch, or of another process.
    ///
    /// Fails for other integrands, another number of classes, or if either is not pooled.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        self.expect_alike(other)?;
        if !(self.pooled && other.pooled) {
            return stated(
                "moments to add",
                format!("those of {} and {} samples", self.samples, other.samples),
                "pooled moments; append adds samples",
            );
        }
        self.rows.iter_mut().zip(&other.rows).for_each(|(sum, value)| *sum += value);
        self.valid.iter_mut().zip(&other.valid).for_each(|(any, &one)| *any |= one);
        Ok(())
    }

    /// Adds the samples of another batch.
    ///
    /// Fails for other integrands, another number of classes, or if either is pooled.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        self.expect_alike(other)?;
        if self.pooled || other.pooled {
            return stated(
                "moments to append",
                "pooled moments",
                "moments that still have their samples; add adds pooled ones",
            );
        }
        let of_each = size_of::<bool>() + self.integrands.len() * size_of::<f64>();
        let count = (self.samples + other.samples) * self.classes;
        room::expect(count, of_each, "the sums of all samples")?;
        self.kept = Kept::default();
        self.rows.extend_from_slice(&other.rows);
        self.valid.extend_from_slice(&other.valid);
        self.samples += other.samples;
        Ok(())
    }

    /// The raw sums, row-major (sample, class, integrand): what an all-reduce adds up across
    /// processes.
    ///
    /// Only [`pooled`](Self::pooled) moments of equal integrands may be added in this way.
    pub fn as_slice(&self) -> &[f64] {
        &self.rows
    }

    /// The raw sums, to write an all-reduced row back.
    pub fn as_mut_slice(&mut self) -> &mut [f64] {
        &mut self.rows
    }

    /// The hard counts of a (sample, class), if the objective names a
    /// [`decision`](crate::Objective::decision). Voxel weights do not enter them, masks do.
    pub fn counts(&self, sample: usize, class: usize) -> Option<Counts> {
        let count = |sum| {
            let column = self.integrands.iter().position(|integrand| integrand.sum == sum)?;
            Some(self.find(column, sample, class)? as u64)
        };
        Some(Counts {
            true_positives: count(Sum::TruePositives)?,
            false_positives: count(Sum::FalsePositives)?,
            false_negatives: count(Sum::FalseNegatives)?,
        })
    }

    /// The sums of a (sample, class) under an activation, without a map; those that no term asked for
    /// are 0.
    pub fn sums(&self, activation: Activation, sample: usize, class: usize) -> Sums {
        let find = |sum: Sum| {
            let by = (!sum.activations().is_empty()).then_some(activation);
            let is = |integrand: &Integrand| {
                integrand.sum == sum && integrand.activation == by && integrand.map.is_none()
            };
            let column = self.integrands.iter().position(is);
            column.and_then(|column| self.find(column, sample, class)).unwrap_or(0.0)
        };
        let mut sums = Sums {
            g: find(Sum::Reference),
            gg: find(Sum::ReferenceSquared),
            n: find(Sum::Voxels),
            ..Sums::default()
        };
        for direction in Direction::ALL {
            sums.set(direction, find(direction.sum()));
        }
        sums
    }

    /// Whether the class was annotated in this sample.
    pub fn is_valid(&self, sample: usize, class: usize) -> bool {
        sample < self.samples && class < self.classes && self.valid[sample * self.classes + class]
    }

    /// A sum of a (sample, class).
    pub(crate) fn at(&self, column: usize, sample: usize, class: usize) -> f64 {
        self.rows[(sample * self.classes + class) * self.integrands.len() + column]
    }

    fn find(&self, column: usize, sample: usize, class: usize) -> Option<f64> {
        (sample < self.samples && class < self.classes).then(|| self.at(column, sample, class))
    }

    /// Fails unless the sums are these.
    pub(crate) fn expect(&self, integrands: &[Integrand], classes: usize) -> Result<()> {
        expect_sums("moments", &self.integrands, integrands)?;
        if self.classes == classes {
            return Ok(());
        }
        Err(Error::Shape {
            what: "moments",
            found: vec![self.samples, self.classes],
            wanted: format!("{classes} classes"),
        })
    }

    fn expect_alike(&self, other: &Self) -> Result<()> {
        other.expect(&self.integrands, self.classes)
    }
}

/// Fails at the first sum that is not the one wanted.
pub(crate) fn expect_sums(
    what: &'static str,
    found: &[Integrand],
    wanted: &[Integrand],
) -> Result<()> {
    if std::ptr::eq(found, wanted) || found == wanted {
        return Ok(());
    }
    let differs = |index: &usize| found.get(*index) != wanted.get(*index);
    let index = (0..found.len().max(wanted.len())).find(differs).unwrap_or(0);
    let say = |sums: &[Integrand]| sums.get(index).map_or("none".into(), Integrand::to_string);
    Err(Error::Sums { what, index, found: say(found), wanted: say(wanted) })
}
