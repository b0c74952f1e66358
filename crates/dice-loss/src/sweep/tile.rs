//! A tile: a run of voxels of one sample, loaded into planes.

use super::{
    isa::Instructions,
    labels::{Labels, NONE},
    lanes::{self, LANES},
    load,
    number::Number,
    scratch::{Input, TILE},
};
use crate::{
    Error, Logits, Result, Target,
    plan::Plan,
    tensor::{FloatSlice, Kind, LabelSlice, Layout},
};

/// The caller's tensors, and what is to be done with them.
pub(super) struct Batch<'a> {
    pub plan: &'a Plan,
    pub logits: &'a Logits<'a>,
    pub target: &'a Target<'a>,
    /// Whether labels, dense targets and weights are checked on the way: sweep 1 does.
    pub check: bool,
}

/// How many planes ahead of its use a plane is prefetched.
const AHEAD: usize = 2;

/// Class planes that lie in the caller's tensor or in scratch.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a, F> {
    data: &'a [F],
    base: usize,
    stride: usize,
    len: usize,
    borrowed: bool,
}

impl<'a, F> Planes<'a, F> {
    #[inline(always)]
    pub fn plane(&self, class: usize) -> &'a [F] {
        &self.data[self.base + class * self.stride..][..self.len]
    }

    /// What a sweep over the classes, and then over the next tile's, reads [`AHEAD`] planes after
    /// a class's: empty where it lies in scratch, which is in cache.
    #[inline(always)]
    pub fn ahead(&self, class: usize, classes: usize) -> &'a [F] {
        if !self.borrowed {
            return &[];
        }
        let next = class + AHEAD;
        let (class, tile) = if next < classes { (next, 0) } else { (next - classes, self.len) };
        let rest = self.data.get(self.base + class * self.stride + tile..).unwrap_or(&[]);
        &rest[..rest.len().min(self.len)]
    }
}

/// The voxels of a tile, padded to whole blocks with voxels that do not count.
pub(super) struct Tile<'a, F> {
    pub sample: usize,
    pub start: usize,
    /// Voxels.
    pub used: usize,
    /// Voxels and padding.
    pub len: usize,
    pub classes: usize,
    /// Logits; 0 where the voxel does not count.
    pub logits: Planes<'a, F>,
    pub weight: &'a [F],
    pub reference: Reference<'a, F>,
}

/// What the reference says of a tile's voxels.
#[derive(Clone, Copy)]
pub(super) enum Reference<'a, F> {
    /// One class each.
    Labels(Labels<'a>),
    /// Class planes; 0 where the voxel does not count.
    Dense(&'a [F]),
}

/// A number type that logits may be read in without a copy.
pub(super) trait Borrow: Number {
    fn borrow(data: FloatSlice<'_>) -> Option<&[Self]>;
}

impl Borrow for f32 {
    fn borrow(data: FloatSlice<'_>) -> Option<&[Self]> {
        if let FloatSlice::F32(data) = data { Some(data) } else { None }
    }
}

impl Borrow for f64 {
    fn borrow(data: FloatSlice<'_>) -> Option<&[Self]> {
        if let FloatSlice::F64(data) = data { Some(data) } else { None }
    }
}

/// The first voxel of a run in a tensor, and the stride from voxel to voxel.
fn run_of(layout: Layout, sample: usize, class: usize, voxel: usize) -> (usize, usize) {
    let [sn, sc, ss] = layout.strides;
    (sample * sn + class * sc + voxel * ss, ss)
}

impl Batch<'_> {
    /// Loads the voxels `start..start + used` of a sample.
    #[inline(always)]
    pub fn load<'s, I: Instructions, F: Borrow>(
        &'s self,
        sample: usize,
        start: usize,
        used: usize,
        input: &'s mut Input<F>,
    ) -> Result<Tile<'s, F>> {
        let classes = self.plan.classes;
        let len = used.next_multiple_of(LANES);
        let place = Place { sample, start, used, len };
        let Input { logits, reference, weight, staging, label, block_label } = input;
        let (weight, label) = (&mut weight[..len], &mut label[..len]);
        weight[..used].fill(F::ONE);
        weight[used..].fill(F::ZERO);
        if let Some((mask, layout)) = self.target.masks.mask {
            let (at, stride) = run_of(layout, sample, 0, start);
            load::dense(mask, at, stride, &mut staging[..used]);
            for (weight, mask) in weight.iter_mut().zip(&staging[..used]) {
                *weight = if *mask == F::ZERO { F::ZERO } else { *weight };
            }
        }
        match &self.target.kind {
            Kind::Dense(_) => {
                self.read_dense(place, reference);
                if let Some(ignored) = self.target.masks.ignore_index {
                    drop_where(weight, &reference[..len], F::of(ignored as f64));
                }
            }
            Kind::Labels(data) | Kind::Regions { labels: data, .. } => {
                let (at, stride) = run_of(self.target.layout, sample, 0, start);
                load::labels(*data, at, stride, &mut label[..used]);
                label[used..].fill(NONE);
                match self
                    .target
                    .masks
                    .ignore_index
                    .map(|ignored| (ignored, i32::try_from(ignored)))
                {
                    Some((_, Ok(ignored))) if ignored != load::NO_LABEL => {
                        drop_where(weight, label, ignored);
                    }
                    Some((ignored, _)) => {
                        for (i, weight) in weight[..used].iter_mut().enumerate() {
                            if load::is_label(*data, at + i * stride, ignored) {
                                *weight = F::ZERO;
                            }
                        }
                    }
                    None => {}
                }
            }
        }
        self.weigh(place, weight, &mut staging[..used])?;
        let weight = &*weight;
        let reference = match &self.target.kind {
            Kind::Dense(_) => {
                self.check_dense(place, reference, weight)?;
                Reference::Dense(&*reference)
            }
            Kind::Labels(data) => {
                let labels = if classes == 1 { 2 } else { classes };
                self.check_labels(place, *data, label, weight, labels)?;
                if classes == 1 {
                    let plane = &mut reference[..len];
                    for (g, label) in plane.iter_mut().zip(&*label) {
                        *g = if *label == 1 { F::ONE } else { F::ZERO };
                    }
                    silence(plane, weight);
                    Reference::Dense(&*reference)
                } else {
                    let blocks = &mut block_label[..len / LANES];
                    Reference::Labels(Labels::new(label, blocks, classes))
                }
            }
            Kind::Regions { labels: data, table } => {
                self.check_labels(place, *data, label, weight, table.len())?;
                for class in 0..classes {
                    let plane = &mut reference[class * TILE..][..len];
                    for (g, &label) in plane.iter_mut().zip(&*label) {
                        let channels = usize::try_from(label).ok().and_then(|l| table.get(l));
                        let member = channels.is_some_and(|channels| channels.contains(&class));
                        *g = if member { F::ONE } else { F::ZERO };
                    }
                    silence(plane, weight);
                }
                Reference::Dense(&*reference)
            }
        };
        let logits = self.read_logits(place, logits, weight);
        Ok(Tile { sample, start, used, len, classes, logits, weight, reference })
    }

    #[inline(always)]
    fn read_dense<F: Number>(&self, place: Place, planes: &mut [F]) {
        let Kind::Dense(data) = self.target.kind else { return };
        for class in 0..self.plan.classes {
            let plane = &mut planes[class * TILE..][..place.len];
            let (at, stride) = run_of(self.target.layout, place.sample, class, place.start);
            load::dense(data, at, stride, &mut plane[..place.used]);
            plane[place.used..].fill(F::ZERO);
        }
    }

    /// Multiplies the caller's weights in, where the voxel counts so far.
    #[inline(always)]
    fn weigh<F: Number>(&self, place: Place, weight: &mut [F], given: &mut [F]) -> Result<()> {
        let Some((data, layout)) = self.target.masks.weights else { return Ok(()) };
        let (at, stride) = run_of(layout, place.sample, 0, place.start);
        load::floats(data, at, stride, given);
        let good = |given: F| given >= F::ZERO && given.to_f64() < f64::INFINITY;
        let bad = |(weight, given): (&F, &F)| *weight != F::ZERO && !good(*given);
        if self.check
            && let Some(i) = weight.iter().zip(&*given).position(bad)
        {
            return Err(Error::Value {
                what: "voxel weight",
                sample: place.sample,
                voxel: place.start + i,
                found: given[i].to_f64(),
                wanted: "a finite weight of at least 0",
            });
        }
        for (weight, &given) in weight.iter_mut().zip(&*given) {
            *weight = if *weight != F::ZERO && good(given) { given } else { F::ZERO };
        }
        Ok(())
    }

    /// Silences uncounted voxels, and complains about the first of the others with a wrong value.
    #[inline(always)]
    fn check_dense<F: Number>(&self, place: Place, planes: &mut [F], weight: &[F]) -> Result<()> {
        let mut first: Option<(usize, F)> = None;
        for class in 0..self.plan.classes {
            let plane = &mut planes[class * TILE..][..place.len];
            silence(plane, weight);
            let good = |g: &F| *g >= F::ZERO && *g <= F::ONE;
            if self.check
                && let Some(i) = plane.iter().position(|g| !good(g))
                && first.is_none_or(|(voxel, _)| i < voxel)
            {
                first = Some((i, plane[i]));
            }
        }
        let Some((i, found)) = first else { return Ok(()) };
        Err(Error::Value {
            what: "target",
            sample: place.sample,
            voxel: place.start + i,
            found: found.to_f64(),
            wanted: "0 to 1",
        })
    }

    #[inline(always)]
    fn check_labels<F: Number>(
        &self,
        place: Place,
        data: LabelSlice,
        labels: &[i32],
        weight: &[F],
        wanted: usize,
    ) -> Result<()> {
        if !self.check {
            return Ok(());
        }
        let mut bad = 0u32;
        for (&label, &weight) in labels.iter().zip(weight) {
            let outside = label as u32 >= u32::try_from(wanted).unwrap_or(u32::MAX);
            bad |= u32::from(outside & (weight != F::ZERO));
        }
        if bad == 0 {
            return Ok(());
        }
        let outside = |i: &usize| labels[*i] as u32 as usize >= wanted && weight[*i] != F::ZERO;
        let i = (0..place.used).find(outside).unwrap_or(0);
        let (at, stride) = run_of(self.target.layout, place.sample, 0, place.start);
        Err(Error::Label {
            sample: place.sample,
            voxel: place.start + i,
            found: load::label_text(data, at + i * stride),
            wanted: match self.target.masks.ignore_index {
                Some(ignored) => format!("0 to {}, or {ignored} to ignore", wanted - 1),
                None => format!("0 to {}", wanted.saturating_sub(1)),
            },
        })
    }

    /// Reads the logits where they are, if they can be computed with as they are.
    #[inline(always)]
    fn read_logits<'s, F: Borrow>(
        &'s self,
        place: Place,
        planes: &'s mut [F],
        weight: &[F],
    ) -> Planes<'s, F> {
        let Place { sample, start, used, len } = place;
        let layout = self.logits.layout;
        let (base, stride) = run_of(layout, sample, 0, start);
        let holes = weight[..used].contains(&F::ZERO);
        if let Some(data) = F::borrow(self.logits.data)
            && stride == 1
            && used == len
            && !holes
        {
            return Planes { data, base, stride: layout.strides[1], len, borrowed: true };
        }
        for class in 0..self.plan.classes {
            let plane = &mut planes[class * TILE..][..len];
            let at = base + class * layout.strides[1];
            load::floats(self.logits.data, at, stride, &mut plane[..used]);
            plane[used..].fill(F::ZERO);
            if holes {
                silence(plane, weight);
            }
        }
        Planes { data: planes, base: 0, stride: TILE, len, borrowed: false }
    }

    /// For each class of a sample, whether it was annotated.
    pub fn valid(&self, sample: usize) -> Option<&[bool]> {
        let classes = self.plan.classes;
        self.target.masks.class_valid.map(|valid| &valid[sample * classes..][..classes])
    }
}

/// Where a tile lies.
#[derive(Clone, Copy)]
struct Place {
    sample: usize,
    start: usize,
    used: usize,
    len: usize,
}

/// Drops the voxels whose value says so.
#[inline(always)]
fn drop_where<F: Number, T: PartialEq + Copy>(weight: &mut [F], values: &[T], value: T) {
    for (weight, &other) in weight.iter_mut().zip(values) {
        *weight = if other == value { F::ZERO } else { *weight };
    }
}

/// Writes 0 where a voxel does not count, over a NaN too.
#[inline(always)]
fn silence<F: Number>(plane: &mut [F], weight: &[F]) {
    for (value, &weight) in plane.iter_mut().zip(weight) {
        *value = if weight == F::ZERO { F::ZERO } else { *value };
    }
}

impl<F: Number> Tile<'_, F> {
    /// Writes out what the reference says of each class, if it is labels; else there it is.
    #[inline(always)]
    pub fn dense<'o>(&'o self, planes: &'o mut [F]) -> &'o [F] {
        match &self.reference {
            Reference::Dense(planes) => planes,
            Reference::Labels(labels) => {
                for class in 0..self.classes {
                    let plane = &mut planes[class * TILE..][..self.len];
                    for (g, &label) in plane.iter_mut().zip(labels.voxels()) {
                        *g = if label == class as i32 { F::ONE } else { F::ZERO };
                    }
                    silence(plane, self.weight);
                }
                planes
            }
        }
    }

    /// Σ w over the tile.
    #[inline(always)]
    pub fn voxels(&self) -> f64 {
        lanes::fold(self.weight, self.weight, |sum, weight, _| sum + weight)
    }
}
