//! Strips: voxels of one sample, staged so that one kernel fits all tensors.

use super::{
    super::{
        geometry::{BLOCKS, Block, LANES, Row, STRIP, TILE},
        load,
        merged::Merged,
        scratch::TileInput,
        tile::{Input, Span, run_of},
    },
    Recipe,
    buffers::{Buffers, CLASSES, Staged},
};
use crate::{
    Logits, Result,
    tensor::{DenseSlice, FloatSlice, Kind, Map},
};

/// The logits of a class that there is not: they leave it no probability.
static NEVER: Row<f32> = [[f32::NEG_INFINITY; LANES]; BLOCKS];

/// Voxels, padded to a whole strip with voxels that do not count.
pub(super) struct Strip<'a> {
    /// Anything where the voxel does not count.
    pub logits: [&'a Row<f32>; CLASSES],
    pub weight: &'a Row<f32>,
    /// Each voxel's class, if the reference is labels.
    pub label: &'a Row<i32>,
    /// How much of each class a voxel is, otherwise; a number in [0, 1] where it does not count.
    pub reference: [&'a Row<f32>; CLASSES],
    /// What a map weighs the voxel in each class, if the recipe reads one; 0 where it does not count.
    pub map: [&'a Row<f32>; CLASSES],
    /// 1 for the background and each class that was not annotated in the sample.
    pub merged: [f32; CLASSES],
}

/// Where a strip begins: after how many voxels of a span, and with which class; and the gradient by
/// each voxel's own loss, for a map of them.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub span: &'a Span<'a, f32>,
    pub at: usize,
    pub class: usize,
    pub upstream: Option<Logits<'a>>,
}

impl<'a> Strip<'a> {
    /// Stages the classes of a recipe; with the rows of a kernel's output, and what to compute with
    /// beside.
    #[inline(always)]
    pub fn new(
        batch: &'a Input,
        recipe: &Recipe,
        place: Place<'a>,
        buffers: &'a mut Buffers,
    ) -> Result<(Self, &'a mut [Row<f32>; CLASSES], &'a mut Staged)> {
        let Buffers { logits, reference, weight, map, gradient, staged } = buffers;
        let Place { span, at, .. } = place;
        let mut strip = Self {
            logits: [&NEVER; CLASSES],
            weight: row(span.weight, at),
            label: row(span.label, at),
            reference: [&NEVER; CLASSES],
            map: [&NEVER; CLASSES],
            merged: [0.0; CLASSES],
        };
        if let Some(merged) = Merged::new(batch.valid(span.place.sample)) {
            for (class, is) in strip.merged.iter_mut().enumerate().take(recipe.classes) {
                *is = if merged.has(class) { 1.0 } else { 0.0 };
            }
        }
        if recipe.is_dense {
            let mut good = true;
            for (class, row) in reference.iter_mut().enumerate().take(recipe.classes) {
                let (row, is_good) = place.after(class).read_reference(batch, row);
                strip.reference[class] = row;
                good &= is_good;
            }
            if batch.check && !good {
                place.complain(batch)?;
            }
        }
        if let (Some(_), [values]) = (recipe.map, batch.maps) {
            place.read_map(batch, values, &mut map[..recipe.classes])?;
            // Of one channel all classes have the first row.
            let is_shared = values.layout.classes == 1;
            for (class, staged) in strip.map.iter_mut().enumerate().take(recipe.classes) {
                *staged = &map[if is_shared { 0 } else { class }];
            }
        }
        if let Some(map) = place.upstream {
            strip.weight = place.weigh_by(&map, weight);
        }
        if place.separate(batch, recipe.classes, logits) {
            for (staged, row) in strip.logits.iter_mut().zip(logits).take(recipe.classes) {
                *staged = row;
            }
        } else {
            for (class, row) in logits.iter_mut().enumerate().take(recipe.classes) {
                strip.logits[class] = place.after(class).read_logits(batch, row);
            }
        }
        Ok((strip, gradient, staged))
    }
}

#[inline(always)]
fn separate<const C: usize>(data: FloatSlice, at: usize, rows: &mut [Row<f32>; CLASSES]) {
    if let Some(rows) = rows.first_chunk_mut::<C>() {
        load::side_by_side(data, at, rows);
    }
}

/// The strip of a span's plane that starts there.
#[inline(always)]
fn row<T>(plane: &[T], at: usize) -> &Row<T> {
    let blocks = plane[at..][..STRIP].as_chunks().0;
    blocks.first_chunk().unwrap_or_else(|| unreachable!())
}

impl<'a> Place<'a> {
    #[inline(always)]
    fn after(self, classes: usize) -> Self {
        Self { class: self.class + classes, ..self }
    }

    /// Voxels that are no padding.
    #[inline(always)]
    pub(super) fn used(self) -> usize {
        STRIP.min(self.span.place.used - self.at)
    }

    /// The weights times the gradient by each voxel's own loss.
    #[inline(always)]
    fn weigh_by<'s>(self, map: &Logits, staged: &'s mut Row<f32>) -> &'s Row<f32> {
        let (place, out) = (self.span.place, staged.as_flattened_mut());
        let [_, classes, _] = map.layout.shape();
        let class = self.class.min(classes - 1);
        let (at, stride) = run_of(map.layout, place.sample, class, place.start + self.at);
        let (used, weight) = (self.used(), row(self.span.weight, self.at).as_flattened());
        load::counted_floats(map.data, at, stride, weight, &mut out[..used]);
        out[used..].fill(0.0);
        for (out, &weight) in out.iter_mut().zip(weight) {
            *out *= weight;
        }
        staged
    }

    /// Reads whole strips of a few classes that lie side by side; says whether they do.
    #[inline(always)]
    fn separate(self, batch: &Input, classes: usize, rows: &mut [Row<f32>; CLASSES]) -> bool {
        let (place, layout) = (self.span.place, batch.logits.layout);
        let [_, of_class, of_voxel] = layout.strides();
        if of_class != 1 || of_voxel != classes || classes == 1 || self.used() != STRIP {
            return false;
        }
        let (at, _) = run_of(layout, place.sample, self.class, place.start + self.at);
        match classes {
            2 => separate::<2>(batch.logits.data, at, rows),
            3 => separate::<3>(batch.logits.data, at, rows),
            4 => separate::<4>(batch.logits.data, at, rows),
            5 => separate::<5>(batch.logits.data, at, rows),
            6 => separate::<6>(batch.logits.data, at, rows),
            7 => separate::<7>(batch.logits.data, at, rows),
            _ => separate::<8>(batch.logits.data, at, rows),
        }
        true
    }

    #[inline(always)]
    fn read_logits<'s>(self, batch: &'s Input, staged: &'s mut Row<f32>) -> &'s Row<f32> {
        let (place, layout) = (self.span.place, batch.logits.layout);
        let (at, stride) = run_of(layout, place.sample, self.class, place.start + self.at);
        let used = self.used();
        if let FloatSlice::F32(data) = batch.logits.data
            && stride == 1
            && used == STRIP
        {
            return row(data, at);
        }
        load::floats(batch.logits.data, at, stride, &mut staged.as_flattened_mut()[..used]);
        staged
    }

    /// Reads what the reference says of a class, where it lies if it can be taken as it is; and says
    /// whether all of it is in range.
    #[inline(always)]
    fn read_reference<'s>(
        self,
        batch: &'s Input,
        staged: &'s mut Row<f32>,
    ) -> (&'s Row<f32>, bool) {
        let Self { span, at, class, .. } = self;
        let label = row(span.label, at).as_flattened();
        let out = staged.as_flattened_mut();
        match &batch.target.kind {
            Kind::Dense(data) => return self.read_dense(batch, *data, staged),
            Kind::Labels(_) => {
                // One channel is class 1 of a binary segmentation.
                let class = if batch.plan.classes == 1 { 1 } else { class as i32 };
                for (g, &label) in out.iter_mut().zip(label) {
                    *g = if label == class { 1.0 } else { 0.0 };
                }
            }
            Kind::Regions { table, .. } => {
                out.fill(0.0);
                let rows = table.iter().enumerate();
                for (named, _) in rows.filter(|(_, channels)| channels.contains(&class)) {
                    for (g, &label) in out.iter_mut().zip(label) {
                        *g += if label == named as i32 { 1.0 } else { 0.0 };
                    }
                }
            }
        }
        (staged, true)
    }

    #[inline(always)]
    fn read_dense<'s>(
        self,
        batch: &'s Input,
        data: DenseSlice<'s>,
        staged: &'s mut Row<f32>,
    ) -> (&'s Row<f32>, bool) {
        let Self { span, at, class, .. } = self;
        let (place, layout) = (span.place, batch.target.layout);
        let (start, stride) = run_of(layout, place.sample, class, place.start + at);
        let used = self.used();
        if let DenseSlice::F32(data) = data
            && stride == 1
            && used == STRIP
            && is_within(row(data, start).as_flattened(), 0.0)
        {
            return (row(data, start), true);
        }
        let (weight, out) = (row(span.weight, at).as_flattened(), staged.as_flattened_mut());
        load::counted_dense(data, start, stride, weight, &mut out[..used]);
        out[used..].fill(0.0);
        let slack = data.slack() as f32;
        let good = is_within(out, slack);
        for g in out {
            let low = if *g < 0.0 { 0.0 } else { *g };
            *g = if low > 1.0 { 1.0 } else { low };
        }
        (staged, good)
    }

    /// Reads what a map weighs the voxels in each class, or in all: 0 where they do not count.
    #[inline(always)]
    fn read_map(self, batch: &Input, map: &Map, rows: &mut [Row<f32>]) -> Result<()> {
        let (place, used) = (self.span.place, self.used());
        let weight = row(self.span.weight, self.at).as_flattened();
        let channels = map.layout.classes;
        let largest = Map::LARGEST as f32;
        let least = if batch.plan.maps[0].is_signed { -largest } else { 0.0 };
        let mut good = true;
        for (class, out) in rows.iter_mut().enumerate().take(channels) {
            let channel = if channels == 1 { 0 } else { self.class + class };
            let (at, stride) = run_of(map.layout, place.sample, channel, place.start + self.at);
            let out = out.as_flattened_mut();
            load::counted_floats(map.data, at, stride, weight, &mut out[..used]);
            out[used..].fill(0.0);
            for &m in &*out {
                good &= (m >= least) & (m <= largest);
            }
        }
        if batch.check && !good { self.complain(batch) } else { Ok(()) }
    }

    /// The error of the first dense value, or value of a map, that is out of range: tiles find and name
    /// it.
    #[cold]
    fn complain(self, batch: &Input) -> Result<()> {
        let mut buffers = TileInput::default();
        buffers.logits.grow(batch.plan.classes)?;
        buffers.beside.grow(batch.plan.classes)?;
        buffers.reference.grow(batch.plan.classes)?;
        let end = self.at + self.used();
        (self.at..end)
            .step_by(TILE)
            .try_for_each(|at| batch.tile::<f32>(self.span, at, &mut buffers).map(drop))
    }
}

/// Whether all values are in [0, 1], or outside by no more than the slack.
#[inline(always)]
fn is_within(values: &[f32], slack: f32) -> bool {
    let mut good = true;
    for &g in values {
        good &= (g >= -slack) & (g <= 1.0 + slack);
    }
    good
}

/// Σ w, of all voxels of a span.
#[inline(always)]
pub(super) fn voxels(span: &Span<f32>) -> Block<f32> {
    let mut sum = [0.0; LANES];
    if span.counts_whole {
        sum[0] = span.weight.len() as f32;
        return sum;
    }
    for block in span.weight.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            sum[i] += block[i];
        }
    }
    sum
}
