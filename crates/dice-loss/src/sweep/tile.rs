//! Spans and tiles: voxels of one sample, loaded into planes.
//!
//! A span is read for what is said once a voxel: weights and labels. Its tiles are small enough for
//! the first cache, with all their classes.

use std::ops::Range;

use super::{
    geometry::{Plane, SPAN, STRIP, TILE},
    jobs::Job,
    labels::{Labels, NONE, Run, UNCOUNTED, find_runs},
    lanes::LANES,
    load,
    maps::Maps,
    merged::Merged,
    number::Number,
    pieces::Pieces,
    prefetch::prefetch,
    scratch::{SpanInput, TileInput},
    transpose,
};
use crate::{
    Instances, Logits, Result, Target,
    plan::Plan,
    tensor::{FloatSlice, Kind, LabelSlice, Layout, Map, Masks},
};

/// The caller's tensors, and what is to be done with them.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub plan: &'a Plan,
    pub logits: &'a Logits<'a>,
    pub target: &'a Target<'a>,
    /// Whether labels, dense targets and weights are checked on the way: sweep 1 does.
    pub check: bool,
    /// What the caller's weights are multiplied with; `None` to choose it for each span.
    pub scale: Option<f64>,
    /// The maps that are read: those of the target, or none.
    pub maps: &'a [Map<'a>],
    /// Those that terms look at, if any does.
    pub instances: Option<&'a Instances>,
}

/// How many voxels ahead of its use a class is prefetched.
const AHEAD: usize = 2 * TILE;

/// Class planes that lie in the caller's tensor or in scratch.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a, F> {
    data: &'a [F],
    base: usize,
    stride: usize,
    borrowed: bool,
}

impl<'a, F> Planes<'a, F> {
    #[inline(always)]
    pub fn plane(&self, class: usize) -> &'a Plane<F> {
        &self.data[self.base + class * self.stride..][..TILE].as_chunks().0[0]
    }

    /// The same for a loop that must not panic: one that could keeps its sums in memory.
    #[inline(always)]
    pub fn get(&self, class: usize) -> Option<&'a Plane<F>> {
        self.data.get(self.base + class * self.stride..)?.first_chunk()
    }

    /// Asks for what will be read of the class two tiles on, if that lies in the caller's tensor.
    #[inline(always)]
    pub fn prefetch(&self, class: usize) {
        if self.borrowed {
            let next = self.base + class * self.stride + AHEAD;
            prefetch(self.data.get(next..next + TILE).unwrap_or(&[]));
        }
    }
}

/// A run of voxels of a sample, with their weights and labels.
pub(super) struct Span<'a, F> {
    pub place: Place,
    /// Of each voxel, padded with zeros to whole strips.
    pub weight: &'a [F],
    /// Whether all of them are 1.
    pub counts_whole: bool,
    /// Of each voxel, if the reference is labels or regions.
    pub label: &'a [i32],
    runs: &'a [Run],
    ends: &'a [usize; SPAN / TILE],
    /// What the weights were multiplied with.
    pub scale: f64,
}

/// The voxels of a tile, padded to a whole one with voxels that do not count.
pub(super) struct Tile<'a, F> {
    pub sample: usize,
    pub start: usize,
    /// Voxels that are no padding.
    pub used: usize,
    pub classes: usize,
    /// Logits; 0 where the voxel does not count.
    pub logits: Planes<'a, F>,
    pub weight: &'a Plane<F>,
    pub reference: Reference<'a, F>,
    pub maps: Maps<'a, F>,
    pub pieces: Pieces<'a>,
    /// What sums of its weights are multiplied with: the span's were scaled.
    pub back: f64,
}

/// What the reference says of a tile's voxels.
#[derive(Clone, Copy)]
pub(super) enum Reference<'a, F> {
    /// One class each.
    Labels(Labels<'a>),
    /// Class planes; 0 where the voxel does not count.
    Dense(&'a [Plane<F>]),
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
pub(super) fn run_of(layout: Layout, sample: usize, class: usize, voxel: usize) -> (usize, usize) {
    let [sn, sc, ss] = layout.strides;
    (sample * sn + class * sc + voxel * ss, ss)
}

impl<'a> Input<'a> {
    /// Of tensors that fit the plan's number of classes and each other, without instances.
    pub fn new(plan: &'a Plan, logits: &'a Logits, target: &'a Target) -> Self {
        Self {
            plan,
            logits,
            target,
            check: false,
            scale: Some(1.0),
            maps: &target.maps,
            instances: None,
        }
    }

    /// The same, but for the maps, which are not there yet.
    pub fn without_maps(plan: &'a Plan, logits: &'a Logits, target: &'a Target) -> Self {
        Self { maps: &[], ..Self::new(plan, logits, target) }
    }
}

impl Input<'_> {
    /// Loads what is said once for each of a span's voxels; for tiles, labels without a class are
    /// marked and runs are found.
    #[inline(always)]
    pub(super) fn span<'s, F: Number>(
        &self,
        Job { sample, start, end }: Job,
        input: &'s mut SpanInput<F>,
        in_tiles: bool,
    ) -> Result<Span<'s, F>> {
        let used = end - start;
        let len = used.next_multiple_of(STRIP);
        let place = Place { sample, start, used };
        let SpanInput { ones, weight, given, label, known, runs, ends } = input;
        let (weight, label, known) = (&mut weight[..len], &mut label[..len], &mut known[..len]);
        let counts_whole = used == len && self.counts_all();
        let mut scale = 1.0;
        if !counts_whole {
            weight[..used].fill(F::ONE);
            weight[used..].fill(F::ZERO);
            self.drop_uncounted(place, weight);
        }
        if let Kind::Labels(data) | Kind::Regions { labels: data, .. } = &self.target.kind {
            self.read_labels(*data, place, label, weight, counts_whole);
            if !counts_whole {
                scale = self.weigh(place, weight, &mut given[..used])?;
            }
            let labels = match &self.target.kind {
                Kind::Regions { table, .. } => table.len(),
                _ => self.plan.classes.max(2),
            };
            let weight = if counts_whole { &ones[..len] } else { &*weight };
            self.check_labels(place, *data, label, weight, labels)?;
            if in_tiles {
                for ((known, &label), &weight) in known.iter_mut().zip(&*label).zip(weight) {
                    let label = if (label as u32 as usize) < labels { label } else { NONE };
                    *known = if weight == F::ZERO { UNCOUNTED } else { label };
                }
                if self.has_labels() || matches!(self.target.kind, Kind::Regions { .. }) {
                    find_runs(known, runs, ends);
                }
            }
        } else if !counts_whole {
            scale = self.weigh(place, weight, &mut given[..used])?;
        }
        let weight = if counts_whole { &ones[..len] } else { weight };
        let label = if in_tiles { known } else { label };
        Ok(Span { place, weight, counts_whole, label, runs, ends, scale })
    }

    /// Whether every voxel counts, and counts the same.
    pub(super) fn counts_all(&self) -> bool {
        let Masks { ignore_index, mask, weights, .. } = &self.target.masks;
        ignore_index.is_none() && mask.is_none() && weights.is_none()
    }

    /// Takes the weight of voxels that the mask leaves out, and of unknown values of a dense target.
    #[inline(always)]
    fn drop_uncounted<F: Number>(&self, place: Place, weight: &mut [F]) {
        let Place { sample, start, used } = place;
        if let Some((mask, layout)) = self.target.masks.mask {
            let (at, stride) = run_of(layout, sample, 0, start);
            load::drop_dense(mask, at, stride, 0, &mut weight[..used]);
        }
        if let (Kind::Dense(data), Some(ignored)) =
            (&self.target.kind, self.target.masks.ignore_index)
        {
            // Of one channel: `Target::check` has seen to that.
            let (at, stride) = run_of(self.target.layout, sample, 0, start);
            load::drop_dense(*data, at, stride, ignored, &mut weight[..used]);
        }
    }

    /// Loads a tile of a span, from its voxel `at` on.
    #[inline(always)]
    pub(super) fn tile<'s, F: Borrow>(
        &'s self,
        span: &Span<'s, F>,
        at: usize,
        input: &'s mut TileInput<F>,
    ) -> Result<Tile<'s, F>> {
        let classes = self.plan.classes;
        let place = Place {
            start: span.place.start + at,
            used: TILE.min(span.place.used - at),
            ..span.place
        };
        let weight = &span.weight[at..][..TILE].as_chunks().0[0];
        let TileInput { logits, beside, reference, maps, pieces } = input;
        // Once a thread has room for them, this is a comparison.
        maps.grow(self.planes_of_maps())?;
        let planes = &mut reference[..classes];
        let reference = match &self.target.kind {
            Kind::Dense(data) => {
                for (class, plane) in planes.iter_mut().enumerate() {
                    let (at, stride) = run_of(self.target.layout, place.sample, class, place.start);
                    load::counted_dense(*data, at, stride, weight, &mut plane[..place.used]);
                    plane[place.used..].fill(F::ZERO);
                }
                self.clamp_dense(place, data.slack(), planes)?;
                Reference::Dense(planes)
            }
            Kind::Labels(_) if !self.has_labels() => {
                for (g, &label) in planes[0].iter_mut().zip(&span.label[at..][..TILE]) {
                    *g = if label == 1 { F::ONE } else { F::ZERO };
                }
                Reference::Dense(planes)
            }
            Kind::Labels(_) => Reference::Labels(span.labels(at)),
            Kind::Regions { table, .. } => {
                span.labels(at).write_out_regions(table, planes);
                Reference::Dense(planes)
            }
        };
        let maps = self.read_maps(place, weight, maps)?;
        let pieces = self.read_pieces(place, pieces)?;
        let logits = self.read_logits(place, [logits, beside], weight);
        let Place { sample, start, used } = place;
        let back = 1.0 / span.scale;
        Ok(Tile { sample, start, used, classes, logits, weight, reference, maps, pieces, back })
    }

    /// Reads labels, and takes the weight of those that are ignored.
    #[inline(always)]
    fn read_labels<F: Number>(
        &self,
        data: LabelSlice,
        place: Place,
        label: &mut [i32],
        weight: &mut [F],
        counts_whole: bool,
    ) {
        let used = place.used;
        let (at, stride) = run_of(self.target.layout, place.sample, 0, place.start);
        load::labels(data, at, stride, &mut label[..used]);
        if counts_whole {
            return;
        }
        label[used..].fill(NONE);
        let Some(ignored) = self.target.masks.ignore_index else { return };
        match i32::try_from(ignored) {
            Ok(ignored) if ignored != load::NO_LABEL => load::drop_where(weight, label, ignored),
            _ => {
                for (i, weight) in weight[..used].iter_mut().enumerate() {
                    if load::is_label(data, at + i * stride, ignored) {
                        *weight = F::ZERO;
                    }
                }
            }
        }
    }

    /// Multiplies the caller's weights in, where the voxel counts so far, and says by what they
    /// were scaled for that: a power of two, so that their products neither overflow nor vanish.
    #[inline(always)]
    fn weigh<F: Number>(&self, place: Place, weight: &mut [F], given: &mut [f64]) -> Result<f64> {
        let Some((data, layout)) = self.target.masks.weights else { return Ok(1.0) };
        let (at, stride) = run_of(layout, place.sample, 0, place.start);
        if self.weigh_ordinary(data, at, stride, &mut weight[..place.used]) {
            return Ok(1.0);
        }
        load::floats(data, at, stride, given);
        let good = |given: f64| (given >= 0.0) & (given <= f64::from(f32::MAX));
        let mut largest = 0.0;
        let mut bad = false;
        for (&weight, given) in weight.iter().zip(&mut *given) {
            let counts = weight != F::ZERO;
            bad |= counts & !good(*given);
            *given = if counts { *given } else { 0.0 };
            largest = if *given > largest { *given } else { largest };
        }
        if self.check && bad {
            let i = given.iter().position(|&given| !good(given)).unwrap_or(0);
            return Err(Target::misweighed(self.logits.layout, place.at(i), given[i]));
        }
        let scale = self.scale.unwrap_or_else(|| scale_of::<F>(largest));
        for (weight, &given) in weight.iter_mut().zip(&*given) {
            let scaled = F::of(given * scale);
            // What counts keeps a weight, be it ever so small beside the others'.
            let scaled = if scaled == F::ZERO { F::LEAST } else { scaled };
            *weight = if (given > 0.0) & good(given) { scaled } else { F::ZERO };
        }
        Ok(scale)
    }

    /// The same for weights of ordinary size that the sweep's numbers hold as they are, which is
    /// nearly all; `false`, with nothing done, for others.
    #[inline(always)]
    fn weigh_ordinary<F: Number>(
        &self,
        data: FloatSlice,
        at: usize,
        stride: usize,
        weight: &mut [F],
    ) -> bool {
        let is_held = F::HOLDS_F64 || !matches!(data, FloatSlice::F64(_));
        if !is_held || self.scale.is_some_and(|scale| scale != 1.0) {
            return false;
        }
        let mut given = [F::ZERO; SPAN];
        load::counted_floats(data, at, stride, weight, &mut given[..weight.len()]);
        // Side by side: one maximum of floats does not become vector code.
        let (mut largest, mut good) = ([F::ZERO; LANES], [true; LANES]);
        for block in given.as_chunks::<LANES>().0 {
            for i in 0..LANES {
                good[i] &= block[i] >= F::ZERO;
                largest[i] = largest[i].larger(block[i]);
            }
        }
        let largest = largest.into_iter().fold(F::ZERO, F::larger);
        let good = good.into_iter().all(|good| good);
        let is_ordinary = largest == F::ZERO || F::ORDINARY.contains(&largest.to_f64());
        if !(good & is_ordinary) {
            return false;
        }
        weight.copy_from_slice(&given[..weight.len()]);
        true
    }

    /// Makes 0 and 1 of values that lie outside by no more than the slack, after the uncounted
    /// were silenced, and complains about those that lie farther.
    #[inline(always)]
    fn clamp_dense<F: Number>(
        &self,
        place: Place,
        slack: f64,
        planes: &mut [Plane<F>],
    ) -> Result<()> {
        if self.check {
            let inside = |g: F| (g >= F::ZERO) & (g <= F::ONE);
            if planes.iter().all(|plane| plane.iter().all(|&g| inside(g))) {
                return Ok(());
            }
            self.check_dense(place, F::of(slack), planes)?;
        } else if slack == 0.0 {
            return Ok(());
        }
        for g in planes.as_flattened_mut() {
            let low = if *g < F::ZERO { F::ZERO } else { *g };
            *g = if low > F::ONE { F::ONE } else { low };
        }
        Ok(())
    }

    #[inline(always)]
    fn check_dense<F: Number>(&self, place: Place, slack: F, planes: &[Plane<F>]) -> Result<()> {
        let good = |g: F| (g >= -slack) & (g <= F::ONE + slack);
        if planes.iter().all(|plane| plane.iter().all(|&g| good(g))) {
            return Ok(());
        }
        for i in 0..TILE {
            if let Some(plane) = planes.iter().find(|plane| !good(plane[i])) {
                let (logits, found) = (self.logits.layout, plane[i].to_f64());
                return Err(self.target.misfilled(logits, place.at(i), found));
            }
        }
        Ok(())
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
        let mut largest = 0;
        for (&label, &weight) in labels.iter().zip(weight) {
            let label = if weight == F::ZERO { 0 } else { label as u32 };
            largest = if label > largest { label } else { largest };
        }
        if (largest as usize) < wanted {
            return Ok(());
        }
        let outside = |i: &usize| labels[*i] as u32 as usize >= wanted && weight[*i] != F::ZERO;
        let i = (0..place.used).find(outside).unwrap_or(0);
        let (at, stride) = run_of(self.target.layout, place.sample, 0, place.start);
        let found = load::label_text(data, at + i * stride);
        Err(self.target.mislabelled(self.logits.layout, place.at(i), found, wanted))
    }

    /// Reads the logits where they are, if they can be computed with as they are.
    #[inline(always)]
    fn read_logits<'s, F: Borrow>(
        &'s self,
        place: Place,
        [planes, beside]: [&'s mut [Plane<F>]; 2],
        weight: &Plane<F>,
    ) -> Planes<'s, F> {
        let Place { sample, start, used } = place;
        let layout = self.logits.layout;
        let (base, stride) = run_of(layout, sample, 0, start);
        let mut holes = false;
        for &weight in weight {
            holes |= weight == F::ZERO;
        }
        if let Some(data) = F::borrow(self.logits.data)
            && stride == 1
            && !holes
        {
            return Planes { data, base, stride: layout.strides[1], borrowed: true };
        }
        let classes = self.plan.classes;
        if layout.strides[1..] == [1, classes] && used == TILE && transpose::fits(classes) {
            let voxels = base..base + TILE * classes;
            let voxels = match F::borrow(self.logits.data) {
                Some(data) => &data[voxels],
                None => {
                    let out = &mut beside.as_flattened_mut()[..TILE * classes];
                    load::floats(self.logits.data, base, 1, out);
                    &*out
                }
            };
            transpose::to_planes(voxels, weight, &mut planes[..classes]);
            return Planes { data: planes.as_flattened(), base: 0, stride: TILE, borrowed: false };
        }
        for (class, plane) in planes[..classes].iter_mut().enumerate() {
            let at = base + class * layout.strides[1];
            if holes {
                load::counted_floats(self.logits.data, at, stride, weight, &mut plane[..used]);
                plane[used..].fill(F::ZERO);
            } else {
                load::floats(self.logits.data, at, stride, plane);
            }
            load::prefetch_floats(self.logits.data, at + AHEAD * stride, TILE);
        }
        Planes { data: planes.as_flattened(), base: 0, stride: TILE, borrowed: false }
    }

    /// (sample, class): whether it was annotated.
    pub(super) fn annotated(&self) -> impl Iterator<Item = bool> {
        let [samples, classes, _] = self.logits.layout.shape();
        let valid = self.target.masks.class_valid;
        (0..samples * classes).map(move |index| valid.is_none_or(|valid| valid[index]))
    }

    /// Rows of sums: of all samples.
    pub(super) fn rows(&self) -> usize {
        self.logits.layout.shape()[0].checked_sub(1).map_or(0, |last| self.rows_of(last).end)
    }

    /// The rows of sums of a sample.
    pub(super) fn rows_of(&self, sample: usize) -> Range<usize> {
        let classes = self.plan.classes;
        let at = |sample: usize| match self.instances {
            Some(instances) => instances.offsets()[sample * classes],
            None => sample.saturating_mul(classes),
        };
        at(sample)..at(sample + 1)
    }

    /// Whether the reference of a tile is labels: one class for each voxel.
    pub fn has_labels(&self) -> bool {
        matches!(self.target.kind, Kind::Labels(_)) && self.plan.classes > 1
    }

    /// Whether classes of a sample that were not annotated are one with the background, to softmax
    /// voxel terms.
    pub fn merges(&self, sample: usize) -> bool {
        Merged::new(self.valid(sample)).is_some()
    }

    /// Whether a class of a sample was annotated.
    pub fn is_valid(&self, sample: usize, class: usize) -> bool {
        self.valid(sample).is_none_or(|valid| valid[class])
    }

    /// For each class of a sample, whether it was annotated.
    pub fn valid(&self, sample: usize) -> Option<&[bool]> {
        let classes = self.plan.classes;
        self.target.masks.class_valid.map(|valid| &valid[sample * classes..][..classes])
    }
}

impl<'a, F> Span<'a, F> {
    #[inline(always)]
    fn labels(&self, at: usize) -> Labels<'a> {
        let tile = at / TILE;
        let start = if tile == 0 { 0 } else { self.ends[tile - 1] };
        Labels { voxels: &self.label[at..][..TILE], runs: &self.runs[start..self.ends[tile]] }
    }
}

/// The power of two that makes a number of this size ordinary; 1 for one that is.
pub(super) fn scale_of<F: Number>(size: f64) -> f64 {
    if size == 0.0 || F::ORDINARY.contains(&size) || !size.is_finite() {
        return 1.0;
    }
    // Of what is subnormal even in f64 the inverse would be infinite.
    2f64.powi(-(size.max(f64::MIN_POSITIVE).log2().floor() as i32))
}

/// Where voxels lie.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub sample: usize,
    pub start: usize,
    pub used: usize,
}

impl Place {
    /// The sample, and where in it a voxel lies.
    fn at(self, i: usize) -> [usize; 2] {
        [self.sample, self.start + i]
    }
}

impl<F: Number> Tile<'_, F> {
    /// Writes out what the reference says of each class, if it is labels; else there it is.
    #[inline(always)]
    pub fn dense<'o>(&'o self, planes: &'o mut [Plane<F>]) -> &'o [Plane<F>] {
        match &self.reference {
            Reference::Dense(planes) => planes,
            Reference::Labels(labels) => {
                labels.write_out(&mut planes[..self.classes]);
                planes
            }
        }
    }
}
