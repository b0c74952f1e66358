//! Sweeps by rows: kernels leave each class's probabilities, or take its slopes, in rows of a strip, and
//! what is summed up or gathered voxel by voxel is done between them, once for all recipes.
//!
//! So objectives with instances are served, and those with log losses that a map weighs.

use std::ops::Range;

use super::{
    super::{
        Input,
        geometry::{Block, LANES, Row, STRIP},
        lanes,
        odds::share,
        pieces::Piece,
        sums::Sums,
    },
    CLASSES, Recipe,
    buffers::{Staged, flat, flat_mut},
    columns_of_loss,
    strip::{Place, Strip},
};
use crate::{
    direction::{ByDirection, Direction},
    evaluate::{Slopes, VoxelSlopes},
    plan::Plan,
};

/// A row, voxel by voxel.
type Flat = [f32; STRIP];

/// A class of a strip, with its instances.
struct Class<'a> {
    class: usize,
    /// How much of the class each voxel is.
    g: &'a Flat,
    /// What its map weighs each voxel, if there is one.
    map: &'a Flat,
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
        flat(strip.reference[number])
    } else {
        let (own, g, label) = (class as i32, flat_mut(reference), flat(strip.label));
        for i in 0..STRIP {
            g[i] = if label[i] == own { 1.0 } else { 0.0 };
        }
        &*g
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
    Class { class, g, map: flat(strip.map[number]), pieces, first }
}

/// Adds a strip to the sums, from the rows that a kernel left: of each class its probabilities, and then the
/// log losses of the voxels' own classes, or of yes and no.
#[inline(always)]
pub(super) fn add(
    batch: &Input,
    (recipe, place): (&Recipe, Place),
    (strip, rows): (&Strip, &[Row<f32>; CLASSES]),
    Staged { reference, pieces }: &mut Staged,
    sums: &mut Sums<f32>,
) {
    let plan = batch.plan;
    let back = 1.0 / place.span.scale;
    let w = flat(strip.weight);
    let [yes, no] = [0, 1].map(|kind| flat(&rows[recipe.classes + kind]));
    for number in 0..recipe.classes {
        let seen = (&mut *reference, &mut *pieces);
        let seen = class_of(batch, (recipe, place, number), strip, seen);
        let (p, g, m) = (flat(&rows[number]), seen.g, seen.map);
        let mut to = Adding { seen: &seen, sums: &mut *sums, back };
        to.add_pieces(Plan::VOXELS, w);
        to.add_reference(!recipe.is_dense, |i| w[i] * g[i], |i| w[i] * g[i] * g[i]);
        if let [map] = &plan.maps[..] {
            to.add(map.mapped, |i| w[i] * m[i]);
            to.add(map.reference, |i| w[i] * m[i] * g[i]);
            to.add(map.reference_squared, |i| w[i] * m[i] * g[i] * g[i]);
        }
        for group in &plan.groups {
            let [intersection, prediction] =
                [Direction::Intersection, Direction::Prediction].map(|of| group.sums[of]);
            let [positive, negative] = columns_of_loss(group);
            match group.map {
                None => {
                    to.add(intersection, |i| w[i] * p[i] * g[i]);
                    to.add(prediction, |i| w[i] * p[i]);
                    to.add_whole(group.merged, |i| w[i] * g[i]);
                    to.add_whole(positive, |i| share(w[i] * g[i], yes[i]));
                    to.add_whole(negative, |i| share(w[i] * (1.0 - g[i]), no[i]));
                }
                Some(_) => {
                    to.add(prediction, |i| w[i] * m[i] * p[i]);
                    to.add_whole(group.merged, |i| w[i] * m[i] * g[i]);
                    to.add_whole(positive, |i| share(w[i] * m[i] * g[i], yes[i]));
                    to.add_whole(negative, |i| share(w[i] * m[i] * (1.0 - g[i]), no[i]));
                }
            }
        }
    }
}

/// Where products of a class go.
struct Adding<'a, 'c> {
    seen: &'a Class<'c>,
    sums: &'a mut Sums<f32>,
    back: f64,
}

impl Adding<'_, '_> {
    /// Σ of a product, over the class and over each of its instances.
    #[inline(always)]
    fn add(&mut self, column: Option<usize>, product: impl Fn(usize) -> f32) {
        let Some(column) = column else { return };
        let product = self.sum_up(column, product);
        self.add_pieces(column, &product);
    }

    /// Σ of a product over the class.
    #[inline(always)]
    fn add_whole(&mut self, column: Option<usize>, product: impl Fn(usize) -> f32) {
        if let Some(column) = column {
            self.sum_up(column, product);
        }
    }

    /// Σ w g and Σ w g², which are one of labels.
    #[inline(always)]
    fn add_reference(
        &mut self,
        is_whole: bool,
        once: impl Fn(usize) -> f32,
        squared: impl Fn(usize) -> f32,
    ) {
        if !is_whole {
            self.add(Some(Plan::REFERENCE), once);
            return self.add(Some(Plan::REFERENCE_SQUARED), squared);
        }
        // Of the class it is copied with all others when the job ends.
        let product = self.sum_up(Plan::REFERENCE, once);
        self.add_pieces(Plan::REFERENCE, &product);
        self.add_pieces(Plan::REFERENCE_SQUARED, &product);
    }

    #[inline(always)]
    fn sum_up(&mut self, column: usize, of: impl Fn(usize) -> f32) -> Flat {
        let mut product = [0.0; STRIP];
        for i in 0..STRIP {
            product[i] = of(i);
        }
        self.sums.add_span(column, self.seen.class, &in_lanes(&product), self.back);
        product
    }

    /// Σ of a row over each of the instances.
    #[inline(always)]
    fn add_pieces(&mut self, column: usize, row: &Flat) {
        for piece in self.seen.pieces {
            let found = self.back * sum_within(row, [piece.start, piece.end]);
            self.sums.add_to_row(column, piece.row, found);
        }
    }
}

/// Sums side by side.
#[inline(always)]
fn in_lanes(row: &[f32]) -> Block<f32> {
    let mut total = [0.0; LANES];
    for block in row.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            total[i] += block[i];
        }
    }
    total
}

/// The sum over some voxels: most instances have few side by side.
#[inline(always)]
fn sum_within(row: &Flat, [start, end]: [usize; 2]) -> f64 {
    let few = |voxels: &[f32]| voxels.iter().fold(0.0, |sum, &value| sum + f64::from(value));
    let (first, last) = (start.next_multiple_of(LANES), end / LANES * LANES);
    if first >= last {
        return few(&row[start..end]);
    }
    few(&row[start..first]) + lanes::sum(in_lanes(&row[first..last])) + few(&row[last..end])
}

/// Leaves the slopes of a strip in rows, for a kernel that makes the gradient of them: of each class those by
/// its probabilities, and then those of the log losses of the voxels' own classes, or of yes and no.
#[inline(always)]
pub(super) fn gather(
    batch: &Input,
    (recipe, place): (&Recipe, Place),
    slopes: &Slopes,
    strip: &Strip,
    Staged { reference, pieces }: &mut Staged,
    rows: &mut [Row<f32>; CLASSES],
) {
    let sample = place.span.place.sample;
    let first = batch.rows_of(sample).start;
    let (of_classes, of_losses) = rows.split_at_mut(recipe.classes);
    let [yes, no, ..] = of_losses else { return };
    let (yes, no) = (flat_mut(yes), flat_mut(no));
    let mut is_first = true;
    for (number, q) in of_classes.iter_mut().enumerate() {
        let seen = (&mut *reference, &mut *pieces);
        let seen = class_of(batch, (recipe, place, number), strip, seen);
        let groups = || batch.plan.groups.iter().zip(&slopes.groups);
        let (q, g, map) = (flat_mut(q), seen.g, seen.map);
        *q = [0.0; STRIP];
        for (group, slopes) in groups() {
            let Some(partials) = slopes.partials.get(first..).filter(|rows| !rows.is_empty())
            else {
                continue;
            };
            if seen.pieces.is_empty() {
                let slope = Linear::of(&partials[seen.first]);
                slope.add(group.map.is_some(), 0..STRIP, (g, map), q);
            }
            for piece in seen.pieces {
                let slope = Linear::of(&partials[piece.row]);
                slope.add(group.map.is_some(), piece.start..piece.end, (g, map), q);
            }
        }
        for (group, slopes) in groups() {
            let Some([positive, negative]) = factors(slopes.voxel(sample), seen.class) else {
                continue;
            };
            if is_first {
                (*yes, *no) = ([0.0; STRIP], [0.0; STRIP]);
                is_first = false;
            }
            match group.map {
                None => {
                    for i in 0..STRIP {
                        yes[i] += positive * g[i];
                        no[i] += negative * (1.0 - g[i]);
                    }
                }
                Some(_) => {
                    for i in 0..STRIP {
                        yes[i] += positive * map[i] * g[i];
                        no[i] += negative * map[i] * (1.0 - g[i]);
                    }
                }
            }
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

    /// Adds them to those of some voxels, each times what a map weighs it if they are of one.
    #[inline(always)]
    fn add(&self, is_mapped: bool, voxels: Range<usize>, (g, map): (&Flat, &Flat), q: &mut Flat) {
        let (g, map, q) = (&g[voxels.clone()], &map[voxels.clone()], &mut q[voxels]);
        if is_mapped {
            for ((q, &g), &m) in q.iter_mut().zip(g).zip(map) {
                *q += m * self.at(g);
            }
        } else {
            for (q, &g) in q.iter_mut().zip(g) {
                *q += self.at(g);
            }
        }
    }

    #[inline(always)]
    fn at(&self, g: f32) -> f32 {
        g * self.inside + (1.0 - g) * self.outside
    }
}
