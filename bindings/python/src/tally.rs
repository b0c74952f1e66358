//! Hard counts of label maps and masks.

use dice_loss::{Error, Layout, Stop};
use rayon::prelude::*;

use crate::{
    pool,
    refused::{Refused, Result, filled},
    view::{Element, View, tuple},
};

/// Voxels that are worth a job of their own.
const JOB: usize = 1 << 18;

/// What is compared, and where.
pub(crate) struct Masks {
    pub prediction: View,
    pub reference: View,
    pub mask: Option<View>,
}

impl Masks {
    /// Which voxels count, of this shape.
    pub fn counted(&self, shape: &[usize]) -> Result<Option<&[u8]>> {
        self.mask.as_ref().map(|mask| mask.truths("mask", shape)).transpose()
    }

    /// Fails if a write to `out` could change what is read.
    pub fn keep_apart(&self, out: &View) -> Result<()> {
        let views = [Some(&self.prediction), Some(&self.reference), self.mask.as_ref()];
        views.into_iter().flatten().try_for_each(|view| view.keep_apart("counts", out))
    }
}

/// Of one class: voxels in both, in the prediction, in the reference.
#[derive(Debug, Clone, Copy, Default)]
struct Sizes {
    both: i64,
    prediction: i64,
    reference: i64,
}

/// The counted voxels, and the sizes of each class among them.
#[derive(Debug, Clone)]
struct Tally {
    voxels: i64,
    classes: Vec<Sizes>,
}

impl Tally {
    fn new(classes: usize) -> Result<Self> {
        Ok(Self { voxels: 0, classes: filled(Sizes::default(), classes, "counts of all classes")? })
    }

    fn add(mut self, other: &Self) -> Self {
        self.voxels += other.voxels;
        for (sum, other) in self.classes.iter_mut().zip(&other.classes) {
            sum.both += other.both;
            sum.prediction += other.prediction;
            sum.reference += other.reference;
        }
        self
    }

    /// True positives, false positives, false negatives and true negatives, a row of classes each.
    fn write(&self, rows: &mut [i64]) {
        let classes = self.classes.len();
        for (class, sizes) in self.classes.iter().enumerate() {
            let false_positives = sizes.prediction - sizes.both;
            let false_negatives = sizes.reference - sizes.both;
            let rest = self.voxels - sizes.both - false_positives - false_negatives;
            let counts = [sizes.both, false_positives, false_negatives, rest];
            for (row, count) in counts.into_iter().enumerate() {
                rows[row * classes + class] = count;
            }
        }
    }
}

/// Evaluates an expression with a type for the labels of both maps.
macro_rules! with_labels {
    ($masks:expr, $T:ident => $body:expr) => {
        $crate::tally::with_labels!(
            $masks,
            $T => $body,
            ["uint8" u8, "int16" i16, "int32" i32, "int64" i64, "uint64" u64]
        )
    };
    ($masks:expr, $T:ident => $body:expr, [$($name:literal $Label:ty),+]) => {
        match $masks.prediction.dtype() {
            $($name => {
                type $T = $Label;
                $body
            })+
            found => {
                let wanted = [$($name),+].join(" or ");
                Err($crate::refused::Refused::new("element type of the labels", found, wanted))
            }
        }
    };
}
pub(crate) use with_labels;

/// Of label maps `(N, spatial…)`.
pub(crate) fn of_labels(labels: &Labels, threads: usize, out: View) -> Result<()> {
    with_labels!(labels.masks, T => labels.count::<T>(threads, out))
}

/// A label as its array has it.
pub(crate) trait Label: Copy + PartialEq + ToString + TryFrom<i64> + TryInto<usize> {}
impl<T: Copy + PartialEq + ToString + TryFrom<i64> + TryInto<usize>> Label for T {}

/// Label maps, and how they are read.
pub(crate) struct Labels<'a> {
    pub masks: &'a Masks,
    pub classes: usize,
    /// Voxels with this reference label do not count.
    pub ignore_index: Option<i64>,
}

impl Labels<'_> {
    fn count<T: Element + Label + Sync>(&self, threads: usize, mut out: View) -> Result<()> {
        let shape = self.masks.prediction.shape();
        let Some((&samples, spatial)) = shape.split_first() else {
            return Err(self.masks.prediction.misshapen("prediction", "(N, spatial…)"));
        };
        let prediction = self.masks.prediction.dense::<T>("prediction", shape)?;
        let reference = self.masks.reference.dense::<T>("reference", shape)?;
        let mask = self.masks.counted(shape)?;
        self.masks.keep_apart(&out)?;
        let voxels: usize = spatial.iter().product();
        let places = Layout::voxels(shape)?;
        let out = out.dense_mut::<i64>("counts", &[samples, 4, self.classes])?;
        pool::run(threads, prediction.len(), || {
            for (sample, rows) in out.chunks_mut((4 * self.classes).max(1)).enumerate() {
                let start = sample * voxels;
                let job = |first: usize| {
                    let range = start + first..start + voxels.min(first + JOB);
                    let mask = mask.map(|mask| &mask[range.clone()]);
                    let none = Tally::new(self.classes)?;
                    self.tally(none, &prediction[range.clone()], &reference[range], mask)
                        .map_err(|(voxel, fault)| fault.at(sample, &places, first + voxel))
                };
                add_up(voxels, self.classes, job)?.write(rows);
            }
            Ok(())
        })
    }

    /// What the type does not have is nowhere.
    pub fn ignored<T: Label>(&self) -> Option<T> {
        self.ignore_index.and_then(|label| T::try_from(label).ok())
    }

    /// Fails if the label of a voxel of this sample that counts names no class.
    pub fn expect_classes<T: Label>(
        &self,
        sample: usize,
        prediction: &[T],
        reference: &[T],
        mask: Option<&[u8]>,
    ) -> Result<()> {
        let places = Layout::voxels(self.masks.prediction.shape())?;
        let tally = self.tally(Tally::new(self.classes)?, prediction, reference, mask);
        tally.map(drop).map_err(|(voxel, fault)| fault.at(sample, &places, voxel))
    }

    /// The counts, from none on, or the voxel whose label names no class.
    fn tally<T: Label>(
        &self,
        mut tally: Tally,
        prediction: &[T],
        reference: &[T],
        mask: Option<&[u8]>,
    ) -> Result<Tally, (usize, Fault)> {
        let class = |what, label: T| {
            let class = label.try_into().ok().filter(|&class| class < self.classes);
            class.ok_or_else(|| Fault {
                what,
                label: label.to_string(),
                classes: self.classes,
                ignores: self.ignore_index.is_some(),
            })
        };
        let ignored = self.ignored();
        for (voxel, (&p, &g)) in prediction.iter().zip(reference).enumerate() {
            if ignored == Some(g) || mask.is_some_and(|mask| mask[voxel] == 0) {
                continue;
            }
            let p = class("prediction", p).map_err(|fault| (voxel, fault))?;
            let g = class("reference", g).map_err(|fault| (voxel, fault))?;
            tally.voxels += 1;
            tally.classes[p].prediction += 1;
            tally.classes[g].reference += 1;
            tally.classes[p].both += i64::from(p == g);
        }
        Ok(tally)
    }
}

/// A label that names no class.
struct Fault {
    what: &'static str,
    label: String,
    classes: usize,
    ignores: bool,
}

impl Fault {
    fn at(self, sample: usize, places: &Layout, voxel: usize) -> Refused {
        let Self { what, label, classes, ignores } = self;
        let voxel = match *places.coordinates(voxel) {
            [along_one_axis] => along_one_axis.to_string(),
            ref along => tuple(along),
        };
        // What stands for "unknown" in many data sets.
        let hint = match &*label {
            "255" | "-1" | "-100" if what == "reference" && !ignores => {
                format!("; ignore_index={label} if it means unknown")
            }
            _ => String::new(),
        };
        Refused::new(
            &format!("{what}, sample {sample}, voxel {voxel}"),
            format!("label {label}"),
            format!("0 to {}, or an ignored or masked voxel{hint}", classes.saturating_sub(1)),
        )
    }
}

/// Of masks `(N, C, spatial…)`.
pub(crate) fn of_masks(masks: &Masks, threads: usize, mut out: View) -> Result<()> {
    let shape = masks.prediction.shape();
    let &[samples, classes, ref spatial @ ..] = shape else {
        return Err(masks.prediction.misshapen("prediction", "(N, C, spatial…)"));
    };
    let prediction = masks.prediction.truths("prediction", shape)?;
    let reference = masks.reference.truths("reference", shape)?;
    let mask = masks.counted(&[&[samples], spatial].concat())?;
    masks.keep_apart(&out)?;
    let voxels: usize = spatial.iter().product();
    let out = out.dense_mut::<i64>("counts", &[samples, 4, classes])?;
    pool::run(threads, prediction.len(), || {
        for (sample, rows) in out.chunks_mut((4 * classes).max(1)).enumerate() {
            let mut all = Tally::new(classes)?;
            for class in 0..classes {
                let job = |first: usize| {
                    let last = voxels.min(first + JOB);
                    let plane = (sample * classes + class) * voxels;
                    let mask = mask.map(|mask| &mask[sample * voxels..][first..last]);
                    let range = plane + first..plane + last;
                    compare(&prediction[range.clone()], &reference[range], mask)
                };
                let one = add_up(voxels, 1, job)?;
                all.voxels = one.voxels;
                all.classes[class] = one.classes[0];
            }
            all.write(rows);
        }
        Ok(())
    })
}

fn compare(prediction: &[u8], reference: &[u8], mask: Option<&[u8]>) -> Result<Tally> {
    let mut tally = Tally::new(1)?;
    for (voxel, (&p, &g)) in prediction.iter().zip(reference).enumerate() {
        let (p, g) = (p != 0, g != 0);
        let counts = mask.is_none_or(|mask| mask[voxel] != 0);
        tally.voxels += i64::from(counts);
        tally.classes[0].both += i64::from(counts & p & g);
        tally.classes[0].prediction += i64::from(counts & p);
        tally.classes[0].reference += i64::from(counts & g);
    }
    Ok(tally)
}

/// Runs the jobs of a sample, each from its first voxel on, until it is stopped. In which order
/// they are added up is no matter: they are integers.
fn add_up(
    voxels: usize,
    classes: usize,
    job: impl Fn(usize) -> Result<Tally> + Sync,
) -> Result<Tally> {
    let stop = Stop::current();
    let job = |first| match &stop {
        Some(stop) if stop.is_set() => Err(Error::Interrupted.into()),
        _ => job(first),
    };
    if voxels <= JOB {
        return job(0);
    }
    let parts = (0..voxels.div_ceil(JOB)).into_par_iter().map(|index| job(index * JOB));
    let sum = parts.try_reduce_with(|sum, part| Ok(sum.add(&part)));
    sum.unwrap_or_else(|| Tally::new(classes))
}
