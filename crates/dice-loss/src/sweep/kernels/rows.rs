//! Sweeps by rows: kernels leave each class's probabilities, or take its slopes, in rows of a strip, and
//! what is summed up or gathered voxel by voxel is done between them, once for all recipes.
//!
//! So objectives with instances are served, and those with log losses that a map weighs.

use super::{
    super::{
        Input,
        geometry::{BLOCKS, Block, LANES, Row},
        odds::share,
        pieces::Piece,
        sums::{Place as To, Sums},
    },
    CLASSES, Recipe,
    buffers::Staged,
    columns_of_loss,
    strip::{Place, Strip},
};
use crate::{
    direction::{ByDirection, Direction},
    evaluate::{Slopes, VoxelSlopes},
    plan::Plan,
};

/// A class of a strip, with its instances.
struct Class<'a> {
    class: usize,
    /// How much of the class each voxel is.
    g: &'a Row<f32>,
    /// What its map weighs each voxel, if there is one.
    map: &'a Row<f32>,
    /// Empty if all voxels have one row of sums.
    pieces: &'a [Piece],
    /// The first row of sums, counted from the first of the sample.
    first: usize,
}

/// Looks at a class of a recipe: its reference is staged, and its pieces are found.
#[inline(always)]
fn class_of<'a>(
    batch: &Input,
    (recipe, place, number): (&Recipe, Place, usize),
    strip: &Strip<'a>,
    (reference, pieces): (&'a mut Row<f32>, &'a mut Vec<Piece>),
) -> Class<'a> {
    let class = place.class + number;
    let g = if recipe.is_dense {
        strip.reference[number]
    } else {
        let own = class as i32;
        let rows = reference.as_flattened_mut().iter_mut().zip(strip.label.as_flattened());
        rows.for_each(|(g, &label)| *g = if label == own { 1.0 } else { 0.0 });
        &*reference
    };
    pieces.clear();
    let mut first = class;
    if let Some(instances) = batch.instances {
        let (sample, start) = (place.span.place.sample, place.span.place.start + place.at);
        first = instances.first_row(sample, class);
        instances.runs([sample, class], start..start + place.used(), |number, [start, end]| {
            pieces.push(Piece { row: first + number, start, end });
        });
    }
    Class { class, g, map: strip.map[number], pieces, first }
}

/// Adds a strip to the sums, from the rows that a kernel left: of each class its probabilities, and then the
/// log losses of the voxels' own classes, or of yes and no.
#[inline(always)]
pub(super) fn add(
    batch: &Input,
    (recipe, place): (&Recipe, Place),
    (strip, rows): (&Strip, &[Row<f32>; CLASSES]),
    Staged { reference, product, pieces }: &mut Staged,
    sums: &mut Sums<f32>,
) {
    let plan = batch.plan;
    let back = 1.0 / place.span.scale;
    let w = strip.weight;
    let [yes, no] = [0, 1].map(|kind| &rows[recipe.classes + kind]);
    for number in 0..recipe.classes {
        let seen = (&mut *reference, &mut *pieces);
        let seen = class_of(batch, (recipe, place, number), strip, seen);
        let (p, g, m) = (&rows[number], seen.g, seen.map);
        let mut to = Adding { seen: &seen, product: &mut *product, sums: &mut *sums, back };
        to.add_pieces(Plan::VOXELS, w);
        to.add(Some(Plan::REFERENCE), |b, i| w[b][i] * g[b][i]);
        to.add(Some(Plan::REFERENCE_SQUARED), |b, i| w[b][i] * g[b][i] * g[b][i]);
        if let [map] = &plan.maps[..] {
            to.add(map.mapped, |b, i| w[b][i] * m[b][i]);
            to.add(map.reference, |b, i| w[b][i] * m[b][i] * g[b][i]);
            to.add(map.reference_squared, |b, i| w[b][i] * m[b][i] * g[b][i] * g[b][i]);
        }
        for group in &plan.groups {
            let [intersection, prediction] =
                [Direction::Intersection, Direction::Prediction].map(|of| group.sums[of]);
            let [positive, negative] = columns_of_loss(group);
            match group.map {
                None => {
                    to.add(intersection, |b, i| w[b][i] * p[b][i] * g[b][i]);
                    to.add(prediction, |b, i| w[b][i] * p[b][i]);
                    to.add_whole(group.merged, |b, i| w[b][i] * g[b][i]);
                    to.add_whole(positive, |b, i| share(w[b][i] * g[b][i], yes[b][i]));
                    to.add_whole(negative, |b, i| share(w[b][i] * (1.0 - g[b][i]), no[b][i]));
                }
                Some(_) => {
                    to.add(prediction, |b, i| w[b][i] * m[b][i] * p[b][i]);
                    to.add_whole(group.merged, |b, i| w[b][i] * m[b][i] * g[b][i]);
                    to.add_whole(positive, |b, i| share(w[b][i] * m[b][i] * g[b][i], yes[b][i]));
                    to.add_whole(negative, |b, i| {
                        share(w[b][i] * m[b][i] * (1.0 - g[b][i]), no[b][i])
                    });
                }
            }
        }
    }
}

/// Where products of a class go.
struct Adding<'a, 'c> {
    seen: &'a Class<'c>,
    product: &'a mut Row<f32>,
    sums: &'a mut Sums<f32>,
    back: f64,
}

impl Adding<'_, '_> {
    /// Σ of a product, over the class and over each of its instances.
    #[inline(always)]
    fn add(&mut self, column: Option<usize>, product: impl Fn(usize, usize) -> f32) {
        let Some(column) = column else { return };
        self.add_whole(Some(column), product);
        let Self { seen, product, sums, back } = self;
        add_pieces(seen, column, product, *back, sums);
    }

    /// Σ of a product over the class.
    #[inline(always)]
    fn add_whole(&mut self, column: Option<usize>, product: impl Fn(usize, usize) -> f32) {
        let Some(column) = column else { return };
        let mut total: Block<f32> = [0.0; LANES];
        for block in 0..BLOCKS {
            for i in 0..LANES {
                let found = product(block, i);
                self.product[block][i] = found;
                total[i] += found;
            }
        }
        self.sums.add_span(column, self.seen.class, &total, self.back);
    }

    /// Σ of a row over each of the instances.
    #[inline(always)]
    fn add_pieces(&mut self, column: usize, row: &Row<f32>) {
        add_pieces(self.seen, column, row, self.back, self.sums);
    }
}

#[inline(always)]
fn add_pieces(seen: &Class, column: usize, row: &Row<f32>, back: f64, sums: &mut Sums<f32>) {
    for piece in seen.pieces {
        let found = sum_within(row, [piece.start, piece.end]);
        sums.add_to(Some(column), To::Row(piece.row, back), found);
    }
}

/// The sum over some of a strip's voxels, in lanes.
#[inline(always)]
fn sum_within(row: &Row<f32>, [start, end]: [usize; 2]) -> Block<f32> {
    let mut total = [0.0; LANES];
    for block in start / LANES..end.div_ceil(LANES).min(BLOCKS) {
        for i in 0..LANES {
            let is_inside = is_within(block, i, [start, end]);
            total[i] += if is_inside { row[block][i] } else { 0.0 };
        }
    }
    total
}

#[inline(always)]
fn is_within(block: usize, lane: usize, [start, end]: [usize; 2]) -> bool {
    let at = (block * LANES + lane) as i32;
    (start as i32 <= at) & (at < end as i32)
}

/// Leaves the slopes of a strip in rows, for a kernel that makes the gradient of them: of each class those by
/// its probabilities, and then those of the log losses of the voxels' own classes, or of yes and no.
#[inline(always)]
pub(super) fn gather(
    batch: &Input,
    (recipe, place): (&Recipe, Place),
    slopes: &Slopes,
    strip: &Strip,
    Staged { reference, pieces, .. }: &mut Staged,
    rows: &mut [Row<f32>; CLASSES],
) {
    let sample = place.span.place.sample;
    let first = batch.rows_of(sample).start;
    let (of_classes, of_losses) = rows.split_at_mut(recipe.classes);
    let [yes, no, ..] = of_losses else { return };
    let mut is_first = true;
    for (number, q) in of_classes.iter_mut().enumerate() {
        let seen = (&mut *reference, &mut *pieces);
        let seen = class_of(batch, (recipe, place, number), strip, seen);
        let groups = || batch.plan.groups.iter().zip(&slopes.groups);
        *q = [[0.0; LANES]; BLOCKS];
        for (group, slopes) in groups() {
            let Some(partials) = slopes.partials.get(first..).filter(|rows| !rows.is_empty())
            else {
                continue;
            };
            if group.map.is_some() {
                let slope = partials[seen.first][Direction::Prediction] as f32;
                for_each(q, |q, b, i| *q += slope * seen.map[b][i]);
            } else if seen.pieces.is_empty() {
                let slope = Linear::of(&partials[seen.first]);
                for_each(q, |q, b, i| *q = slope.at(seen.g[b][i]));
            } else {
                for piece in seen.pieces {
                    slope_within(&Linear::of(&partials[piece.row]), piece, seen.g, q);
                }
            }
        }
        for (group, slopes) in groups() {
            let Some([positive, negative]) = factors(slopes.voxel(sample), seen.class) else {
                continue;
            };
            let is_mapped = group.map.is_some();
            let weight = |b: usize, i: usize| if is_mapped { seen.map[b][i] } else { 1.0 };
            add_slopes(yes, is_first, |b, i| positive * weight(b, i) * seen.g[b][i]);
            add_slopes(no, is_first, |b, i| negative * weight(b, i) * (1.0 - seen.g[b][i]));
            is_first = false;
        }
    }
}

/// The factors of a log loss of a class: of its voxels and of those outside it.
fn factors(slopes: &VoxelSlopes, class: usize) -> Option<[f32; 2]> {
    let of = slopes.cross_entropy.as_ref().or(slopes.binary.as_ref())?;
    let negative = of.negative.get(class).copied().unwrap_or_default();
    Some([of.positive[class], negative].map(|factor| factor as f32))
}

/// Slopes that are linear in g. Those by Σpg and Σp may all but cancel, so their sum is taken before it is
/// rounded.
struct Linear {
    inside: f32,
    outside: f32,
}

impl Linear {
    fn of(by: &ByDirection<f64>) -> Self {
        let outside = by[Direction::Prediction];
        Self { inside: (by[Direction::Intersection] + outside) as f32, outside: outside as f32 }
    }

    #[inline(always)]
    fn at(&self, g: f32) -> f32 {
        g * self.inside + (1.0 - g) * self.outside
    }
}

#[inline(always)]
fn slope_within(slope: &Linear, piece: &Piece, g: &Row<f32>, q: &mut Row<f32>) {
    let range = [piece.start, piece.end];
    for block in piece.start / LANES..piece.end.div_ceil(LANES).min(BLOCKS) {
        for i in 0..LANES {
            let found = slope.at(g[block][i]);
            q[block][i] = if is_within(block, i, range) { found } else { q[block][i] };
        }
    }
}

#[inline(always)]
fn for_each(row: &mut Row<f32>, change: impl Fn(&mut f32, usize, usize)) {
    for block in 0..BLOCKS {
        for i in 0..LANES {
            change(&mut row[block][i], block, i);
        }
    }
}

/// Adds to slopes that others may have added to.
#[inline(always)]
fn add_slopes(row: &mut Row<f32>, is_first: bool, slope: impl Fn(usize, usize) -> f32) {
    match is_first {
        true => for_each(row, |sum, b, i| *sum = slope(b, i)),
        false => for_each(row, |sum, b, i| *sum += slope(b, i)),
    }
}
