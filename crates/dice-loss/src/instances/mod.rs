//! Instances: the components of a class, told apart, so that a loss can look at each.
//!
//! A term whose pool is [`Pool::Cell`] or [`Pool::Blob`] has a value of every instance of a class in a
//! sample. Which voxel belongs to which is said once, beside the target, and by numbers: both sweeps
//! keep one row of sums for each number, so their cost does not depend on how many there are.

mod details;
mod make;
mod values;
mod weights;

pub use details::InstanceDetails;
pub(crate) use details::details;
pub use values::InstanceLoss;
pub(crate) use values::{Instanced, Kept, Known, condensed, instanced};
pub(crate) use weights::weigh;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use half::{bf16, f16};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Label, Layout, Objective, Pool, Result, Term, Words,
    error::stated,
    room,
    tensor::{FloatSlice, LabelSlice, Map, in_words},
};

/// How the voxels of a sample belong to the instances of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Division {
    /// Every voxel belongs to the nearest instance: its cell.
    #[default]
    Cells,
    /// An instance is its own voxels, and the background is that of all: voxels of none.
    Blobs,
}

impl Words for Division {
    const TYPE: &'static str = "Division";
    const WORDS: &'static [(&'static str, Self)] =
        &[("cells", Self::Cells), ("blobs", Self::Blobs)];
}

impl Pool {
    /// How it wants the voxels divided; `None` of a pool that does not look at instances.
    pub const fn division(self) -> Option<Division> {
        match self {
            Self::Cell => Some(Division::Cells),
            Self::Blob => Some(Division::Blobs),
            Self::Sample | Self::Batch | Self::All => None,
        }
    }
}

/// Which instance of each class each voxel belongs to, in every sample of a batch.
///
/// [`Prepared::make_instances`](crate::Prepared::make_instances) finds them in a target; a loader that
/// knows them hands them in with [`new`](Self::new). The target carries them
/// ([`Target::instances`](crate::Target::instances)).
///
/// - **Memory**: 2 bytes a voxel for each class of a sample that has two instances or more (4 with
///   more than 65,535 of them), and nothing for the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Instances {
    division: Division,
    samples: usize,
    classes: usize,
    voxels: usize,
    /// (sample, class): where its rows of sums begin, and where the last one's end.
    offsets: Arc<[usize]>,
    /// (sample, class): the number of the instance of each voxel; `None` with fewer than two.
    numbers: Vec<Option<Numbers>>,
    /// (sample, class): how many instances.
    counts: Vec<usize>,
}

macro_rules! with_labels {
    ($slice:expr, $data:ident => $body:expr) => {
        match $slice {
            LabelSlice::U8($data) => $body,
            LabelSlice::U32($data) => $body,
            LabelSlice::U64($data) => $body,
            LabelSlice::I16($data) => $body,
            LabelSlice::I32($data) => $body,
            LabelSlice::I64($data) => $body,
            LabelSlice::F32($data) => $body,
            LabelSlice::F64($data) => $body,
        }
    };
}

macro_rules! with_floats {
    ($slice:expr, $data:ident => $body:expr) => {
        match $slice {
            FloatSlice::F32($data) => $body,
            FloatSlice::F64($data) => $body,
            FloatSlice::F16($data) => $body,
            FloatSlice::Bf16($data) => $body,
        }
    };
}

/// Voxels that are worth a job of their own.
const JOB: usize = 1 << 16;

/// One for each voxel; 0 is none.
#[derive(Debug, Clone, PartialEq)]
enum Numbers {
    Short(Vec<u16>),
    Long(Vec<u32>),
}

impl Numbers {
    /// Of so many voxels, from what is there and the new number of that.
    fn of<T: Copy + PartialEq>(
        voxels: usize,
        count: usize,
        at: impl Fn(usize) -> T + Sync,
        new: impl Fn(T) -> u32 + Sync,
    ) -> Result<Self> {
        let bytes = if count <= usize::from(u16::MAX) { 2 } else { 4 };
        room::expect(voxels, bytes, "the instances of a class")?;
        Ok(match bytes {
            2 => Self::Short(written(voxels, at, |found| new(found) as u16)),
            _ => Self::Long(written(voxels, at, new)),
        })
    }
}

fn written<T: Copy + PartialEq, N: Copy + Default + Send>(
    voxels: usize,
    at: impl Fn(usize) -> T + Sync,
    new: impl Fn(T) -> N + Sync,
) -> Vec<N> {
    let mut numbers = vec![N::default(); voxels];
    numbers.par_chunks_mut(JOB).enumerate().for_each(|(job, numbers)| {
        let mut known: Option<(T, N)> = None;
        for (voxel, number) in numbers.iter_mut().enumerate() {
            let found = at(job * JOB + voxel);
            *number = match known {
                Some((last, number)) if last == found => number,
                _ => new(found),
            };
            known = Some((found, *number));
        }
    });
    numbers
}

impl Instances {
    /// The name of the map that front ends hand them over in.
    pub const MAP: &str = "instances";

    /// Of numbers `(N, C, S)`: for each class, 1 and up for the voxels of an instance, 0 for those of
    /// none.
    ///
    /// Numbers need not be without gaps, and may be of any size: a patch may hold some of the instances
    /// of an image. In cells a voxel of number 0 belongs to no cell; in blobs it is background.
    ///
    /// Fails for numbers below 0, and for floats that are no integers.
    ///
    /// ```
    /// use dice_loss::{Dice, Division, Instances, Layout, Logits, Objective, Pool, Target};
    /// let layout = Layout::channels_first(&[1, 1, 6])?;
    /// let cells = Instances::new(Division::Cells, &[1u8, 1, 1, 7, 7, 7], layout)?;
    /// assert_eq!(cells.count(0, 0), 2);
    ///
    /// let objective = Objective::new().term(1.0, Dice::default().sigmoid().pool(Pool::Cell));
    /// let logits = Logits::new(&[9.0f32, 9.0, -9.0, -9.0, -9.0, -9.0], layout)?;
    /// let target = Target::labels(&[1u8, 1, 0, 0, 1, 0], layout)?.instances(&cells);
    /// // The large one is found and the small one is missed.
    /// let loss = objective.evaluate(&objective.measure(&logits, &target)?)?.loss();
    /// assert!((loss - 0.5).abs() < 1e-3);
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn new<T: Label>(division: Division, numbers: &[T], layout: Layout) -> Result<Self> {
        layout.check(Self::MAP, numbers.len())?;
        let [samples, classes, voxels] = layout.shape();
        let pairs: Vec<_> = (0..samples * classes).collect();
        let of_pair =
            |pair| with_labels!(T::erase(numbers), data => renumbered(data, layout, pair));
        Self::of_pairs(division, [samples, classes, voxels], &pairs, of_pair)
    }

    /// The same of a map, `(N, C, S)` or `(N, 1, S)`, for the classes that are looked at.
    pub(crate) fn of_map(
        division: Division,
        map: &Map,
        logits: Layout,
        is_seen: &[bool],
    ) -> Result<Self> {
        let [samples, classes, voxels] = logits.shape();
        let pairs: Vec<_> = (0..samples * classes).filter(|pair| is_seen[pair % classes]).collect();
        let of_pair = |pair: usize| {
            let of_all = map.layout.shape()[1] == 1;
            let pair = if of_all { pair / classes } else { pair };
            with_floats!(map.data, data => renumbered(data, map.layout, pair))
        };
        Self::of_pairs(division, [samples, classes, voxels], &pairs, of_pair)
    }

    /// Of the numbers of some (sample, class), without gaps, and how many there are.
    fn of_pairs(
        division: Division,
        shape: [usize; 3],
        pairs: &[usize],
        of_pair: impl Fn(usize) -> Result<(Numbers, usize)>,
    ) -> Result<Self> {
        let mut instances = Self::without(division, shape)?;
        for &pair in pairs {
            instances.put(pair, of_pair(pair)?);
        }
        instances.lay_out();
        Ok(instances)
    }

    /// Without any.
    fn without(division: Division, [samples, classes, voxels]: [usize; 3]) -> Result<Self> {
        let pairs = samples.saturating_mul(classes);
        room::expect(pairs, size_of::<Option<Numbers>>() + 2 * size_of::<usize>(), "instances")?;
        let mut instances = Self {
            division,
            samples,
            classes,
            voxels,
            offsets: Arc::new([]),
            numbers: vec![None; pairs],
            counts: vec![0; pairs],
        };
        instances.lay_out();
        Ok(instances)
    }

    /// Gives a (sample, class) its numbers, which are 0 to a count.
    fn put(&mut self, pair: usize, (numbers, count): (Numbers, usize)) {
        self.counts[pair] = count;
        self.numbers[pair] = (count > 1).then_some(numbers);
    }

    fn lay_out(&mut self) {
        let mut end = 0;
        let ends = self.counts.iter().map(|&count| {
            end += if count > 1 { count + 1 } else { 1 };
            end
        });
        self.offsets = std::iter::once(0).chain(ends).collect();
    }

    /// How the voxels belong to them.
    pub fn division(&self) -> Division {
        self.division
    }

    /// Samples, classes and voxels of a sample.
    pub fn shape(&self) -> [usize; 3] {
        [self.samples, self.classes, self.voxels]
    }

    /// How many instances a class has in a sample; 0 if there is no such class or sample.
    pub fn count(&self, sample: usize, class: usize) -> usize {
        match sample < self.samples && class < self.classes {
            true => self.counts[sample * self.classes + class],
            false => 0,
        }
    }

    /// The number of the instance of a voxel, counted from 1 in the order of their first voxels or of
    /// the numbers they were given; 0 of a voxel of none, and of all where a class has fewer than two.
    pub fn number(&self, sample: usize, class: usize, voxel: usize) -> usize {
        if self.count(sample, class) < 2 || voxel >= self.voxels {
            return 0;
        }
        match &self.numbers[sample * self.classes + class] {
            Some(Numbers::Short(numbers)) => numbers[voxel].into(),
            Some(Numbers::Long(numbers)) => numbers[voxel] as usize,
            None => 0,
        }
    }

    /// Where the rows of each (sample, class) begin, and where the last one's end. With two instances
    /// or more the first row is that of number 0; otherwise there is one row, of all voxels.
    pub(crate) fn offsets(&self) -> &Arc<[usize]> {
        &self.offsets
    }

    /// Where the rows of a class begin, counted from the first of its sample.
    pub(crate) fn first_row(&self, sample: usize, class: usize) -> usize {
        let at = sample * self.classes;
        self.offsets[at + class] - self.offsets[at]
    }

    /// Where the rows of each class of a sample begin, from its first row on, and where the last ends.
    pub(crate) fn rows_of(&self, sample: usize) -> impl Iterator<Item = usize> + Clone {
        let offsets = &self.offsets[sample * self.classes..][..=self.classes];
        offsets.iter().map(|offset| offset - offsets[0])
    }

    /// Calls back for each run of one number among some voxels of a sample and class: with the number,
    /// and where it begins and ends. Of fewer than two instances there are none.
    #[inline(always)]
    pub(crate) fn runs(
        &self,
        [sample, class]: [usize; 2],
        voxels: std::ops::Range<usize>,
        mut run: impl FnMut(usize, [usize; 2]),
    ) {
        match &self.numbers[sample * self.classes + class] {
            Some(Numbers::Short(numbers)) => runs(&numbers[voxels], |n, at| run(n.into(), at)),
            Some(Numbers::Long(numbers)) => runs(&numbers[voxels], |n, at| run(n as usize, at)),
            None => {}
        }
    }

    /// Fails unless they are of logits of this shape.
    pub(crate) fn check(&self, logits: Layout) -> Result<()> {
        if logits.shape() == self.shape() {
            return Ok(());
        }
        Err(Error::Shape {
            what: "instances",
            found: self.shape().to_vec(),
            wanted: format!("{:?} (samples, channels, voxels), as the logits", logits.shape()),
        })
    }
}

#[inline(always)]
fn runs<T: Copy + PartialEq>(numbers: &[T], mut run: impl FnMut(T, [usize; 2])) {
    let mut start = 0;
    while let Some(&first) = numbers.get(start) {
        let others = &numbers[start..];
        let end = start + others.iter().position(|&n| n != first).unwrap_or(others.len());
        run(first, [start, end]);
        start = end;
    }
}

/// A number that an instance may have.
trait Numbered: Copy + PartialEq + Sync {
    /// `Err` of what is none, in words.
    fn number(self) -> std::result::Result<u64, String>;
}

macro_rules! integers {
    ($($T:ty),+) => {$(impl Numbered for $T {
        fn number(self) -> std::result::Result<u64, String> {
            u64::try_from(self).map_err(|_| self.to_string())
        }
    })+};
}
integers!(u8, u32, u64, i16, i32, i64);

macro_rules! floats {
    ($($T:ty),+) => {$(impl Numbered for $T {
        fn number(self) -> std::result::Result<u64, String> {
            let found = f64::from(self);
            // Up to 2⁵³ a float may hold every integer.
            match found.fract() == 0.0 && (0.0..=9e15).contains(&found) {
                true => Ok(found as u64),
                false => Err(in_words(self)),
            }
        }
    })+};
}
floats!(f32, f64, f16, bf16);

/// Numbers that there are: nearly all are small, and come again and again.
struct Present {
    /// A bit for each of those below [`Self::SMALL`].
    small: Vec<u64>,
    large: BTreeSet<u64>,
}

impl Present {
    const SMALL: u64 = 1 << 16;

    fn insert(&mut self, number: u64) {
        match number < Self::SMALL {
            true => self.small[(number / 64) as usize] |= 1 << (number % 64),
            false => drop(self.large.insert(number)),
        }
    }

    fn into_numbers(self) -> impl Iterator<Item = u64> {
        let Self { small, large } = self;
        let words = (0u64..).zip(small).filter(|(_, word)| *word != 0);
        let bits = words.flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| 64 * at + bit)
        });
        bits.chain(large)
    }
}

impl Default for Present {
    fn default() -> Self {
        Self { small: vec![0; (Self::SMALL / 64) as usize], large: BTreeSet::new() }
    }
}

/// What a job finds: the numbers that there are, and which one all its voxels have.
struct Found {
    present: Present,
    /// Whether all were small enough to be written down.
    is_short: bool,
    /// `None` if it has more than one.
    only: Option<u16>,
}

/// The numbers of a (sample, class) of this layout without gaps, in their order, and how many there are
/// but 0.
fn renumbered<T: Numbered>(data: &[T], layout: Layout, pair: usize) -> Result<(Numbers, usize)> {
    let ([_, classes, voxels], [sn, sc, sv]) = (layout.shape(), layout.strides);
    let (sample, class) = (pair / classes, pair % classes);
    let data = &data[(sample * sn + class * sc).min(data.len())..];
    let at = |voxel: usize| data[voxel * sv];
    let refused = |voxel: usize, found: String| Error::Parameter {
        what: format!(
            "instances, sample {sample}, class {class}, voxel {:?}",
            layout.coordinates(voxel)
        ),
        found,
        wanted: "0 for voxels of none, or the number of an instance, 1 and up".into(),
    };
    room::expect(voxels, size_of::<u16>(), "the instances of a class")?;
    // Zeros, which take no memory before something is written.
    let mut numbers = vec![0u16; voxels];
    let read = |(job, out): (usize, &mut [u16])| {
        let first = job * JOB;
        let mut found = Found { present: Present::default(), is_short: true, only: None };
        let mut start = 0;
        while start < out.len() {
            let value = at(first + start);
            let is_other = |i: &usize| at(first + i) != value;
            let end = (start + 1..out.len()).find(is_other).unwrap_or(out.len());
            let number = value.number().map_err(|found| refused(first + start, found))?;
            found.present.insert(number);
            let short = u16::try_from(number).unwrap_or_default();
            found.is_short &= u64::from(short) == number;
            if end - start == out.len() {
                // Only written if another job has another.
                found.only = Some(short);
                return Ok(found);
            }
            out[start..end].fill(short);
            start = end;
        }
        Ok(found)
    };
    let found: Vec<Result<Found>> = numbers.par_chunks_mut(JOB).enumerate().map(read).collect();
    let mut present = BTreeSet::from([0]);
    let (mut is_short, mut only) = (true, Vec::new());
    for found in found {
        let found = found?;
        present.extend(found.present.into_numbers());
        is_short &= found.is_short;
        only.push(found.only);
    }
    let count = present.len() - 1;
    if count < 2 {
        return Ok((Numbers::Short(Vec::new()), count));
    }
    let has_gaps = present.last().is_some_and(|&last| last != count as u64);
    if is_short && !has_gaps {
        let jobs = numbers.par_chunks_mut(JOB).zip(only);
        jobs.for_each(|(out, only)| only.into_iter().for_each(|only| out.fill(only)));
        return Ok((Numbers::Short(numbers), count));
    }
    drop(numbers);
    let places: BTreeMap<u64, u32> = match has_gaps {
        true => present.into_iter().zip(0..).collect(),
        false => BTreeMap::new(),
    };
    let new = |found: T| {
        let number = found.number().unwrap_or(0);
        if has_gaps { places[&number] } else { number as u32 }
    };
    Ok((Numbers::of(voxels, count, at, new)?, count))
}

impl Objective {
    /// How its terms want the voxels divided, and the first of them that does; `None` if none looks at
    /// instances.
    ///
    /// Fails where one term wants cells and another blobs.
    ///
    /// ```
    /// use dice_loss::{Dice, Division, Objective, Pool};
    /// let objective = Objective::new().term(1.0, Dice::default().sigmoid().pool(Pool::Blob));
    /// assert_eq!(objective.division()?, Some((Division::Blobs, "dice")));
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn division(&self) -> Result<Option<(Division, &'static str)>> {
        let mut terms = self.terms_with_instances();
        let Some((division, first)) = terms.next() else { return Ok(None) };
        match terms.find(|(other, _)| *other != division) {
            None => Ok(Some((division, first.name()))),
            Some((other, term)) => stated(
                "pools",
                format!(
                    "{} of {} and {} of {}",
                    division.word(),
                    first.name(),
                    other.word(),
                    term.name()
                ),
                "one kind of instances for all terms: cells or blobs",
            ),
        }
    }

    /// The terms that look at instances, and how each wants the voxels divided.
    pub(crate) fn terms_with_instances(&self) -> impl Iterator<Item = (Division, &Term)> {
        self.terms().filter_map(|(_, term)| {
            let pool = term.is_overlap().then(|| term.pool.unwrap_or(self.default_pool()));
            Some((pool?.division()?, term))
        })
    }
}
