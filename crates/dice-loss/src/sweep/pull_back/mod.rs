//! Sweep 2: from derivatives by the sums to the gradient by the logits.

mod jacobian;
mod logit;

use std::ops::Range;

use super::{
    geometry::{Plane, TILE},
    isa::Instructions,
    load,
    maps::Weighing,
    number::Number,
    scratch::Work,
    tile::{Borrow, Input, Tile},
};
use crate::{
    Activation, Logits,
    direction::{ByDirection, Direction},
    evaluate::{GroupSlopes, Slopes, VoxelSlopes},
    plan::Group,
};

/// A group's slopes by the sums, for one sample: of each row in every direction. Unless classes have
/// instances, each has one row.
#[derive(Clone, Copy)]
struct Partials<'a>(&'a [ByDirection<f64>]);

impl<'a> Partials<'a> {
    /// From the first row of the sample on; `None` if no overlap term reaches it.
    fn new(slopes: &'a GroupSlopes, first: usize) -> Option<Self> {
        let rows = slopes.partials.get(first..)?;
        (!rows.is_empty()).then_some(Self(rows))
    }

    #[inline(always)]
    fn of<F: Number>(self, direction: Direction, row: usize) -> F {
        F::of(self.0[row][direction])
    }
}

/// What a group's gradient is made of, in one sample.
#[derive(Clone, Copy)]
struct Pulled<'a> {
    group: &'a Group,
    /// By the log losses.
    slopes: &'a VoxelSlopes,
    /// By the sums of overlap losses.
    partials: Option<Partials<'a>>,
}

/// The groups of an activation: their derivatives by the probabilities add up.
#[derive(Clone, Copy)]
struct Family<'a> {
    groups: &'a [Group],
    slopes: &'a [GroupSlopes],
    sample: usize,
    /// The first row of the sample.
    first: usize,
    valid: Option<&'a [bool]>,
}

impl<'a> Family<'a> {
    #[inline(always)]
    fn pulled(self) -> impl Iterator<Item = Pulled<'a>> {
        self.groups.iter().zip(self.slopes).map(move |(group, slopes)| Pulled {
            group,
            slopes: slopes.voxel(self.sample),
            partials: Partials::new(slopes, self.first),
        })
    }
}

/// Leaves a tile's gradient in the class planes of `work.slopes`.
#[inline(always)]
pub(super) fn tile<I: Instructions, F: Borrow>(
    batch: &Input,
    slopes: &Slopes,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let valid = batch.valid(tile.sample);
    let first_row = batch.rows_of(tile.sample).start;
    if batch.plan.groups.is_empty() {
        work.slopes[..tile.classes].fill([F::ZERO; TILE]);
    }
    let mut first = 0;
    for groups in batch.plan.families() {
        if first > 0 {
            std::mem::swap(&mut work.slopes, &mut work.gradient);
        }
        let slopes = &slopes.groups[first..][..groups.len()];
        let family = Family { groups, slopes, sample: tile.sample, first: first_row, valid };
        match groups[0].activation {
            Activation::Softmax => jacobian::pull_back::<I, F>(family, tile, work),
            _ => logit::pull_back::<I, F>(family, tile, work),
        }
        if first > 0 {
            let planes = work.slopes.iter_mut().zip(work.gradient.iter());
            for (sum, gradient) in planes.take(tile.classes) {
                for i in 0..TILE {
                    sum[i] += gradient[i];
                }
            }
        }
        first += groups.len();
    }
}

/// Leaves the derivatives by the probabilities of a class in `out`: those of all groups.
#[inline(always)]
fn slopes_of_family<I: Instructions, F: Number>(
    family: Family,
    class: usize,
    (tile, reference): (&Tile<F>, &[Plane<F>]),
    p: &Plane<F>,
    piece: &mut Plane<F>,
    out: &mut Plane<F>,
) {
    let g = &reference[class];
    *out = [F::ZERO; TILE];
    let is_annotated = family.valid.is_none_or(|valid| valid[class]);
    for (number, Pulled { group, partials, .. }) in family.pulled().enumerate() {
        let Some(partials) = partials else { continue };
        let map = tile.maps.of(group.map);
        if !is_annotated {
            // Of what was not annotated there are no slopes, but for what transport has.
        } else if number == 0 && group.map.is_none() {
            slopes_by_row::<I, F>(group, partials, class, tile, [p, g], out);
        } else {
            slopes_by_row::<I, F>(group, partials, class, tile, [p, g], piece);
            map.add(class, piece, out);
        }
        add_transport::<I, F>(group, partials, class, tile, (reference, map), out);
    }
}

/// Reads the upstream gradient of one class of a tile's voxels, 0 where a voxel does not count.
#[inline(always)]
pub(super) fn read_upstream<F: Number>(
    map: &Logits,
    class: usize,
    tile: &Tile<F>,
    out: &mut Plane<F>,
) {
    let [sn, sc, ss] = map.layout.strides;
    let at = tile.sample * sn + class * sc + tile.start * ss;
    load::counted_floats(map.data, at, ss, tile.weight, &mut out[..tile.used]);
    out[tile.used..].fill(F::ZERO);
}

/// The derivatives by the probabilities of a class, or of each of its instances in the tile.
#[inline(always)]
fn slopes_by_row<I: Instructions, F: Number>(
    group: &Group,
    partials: Partials,
    class: usize,
    tile: &Tile<F>,
    [p, g]: [&Plane<F>; 2],
    out: &mut Plane<F>,
) {
    let pieces = tile.pieces.of(class);
    if pieces.is_empty() {
        let row = tile.pieces.row(class);
        return slopes_by_probability::<I, F>(group, partials, row, 0..TILE, [p, g], out);
    }
    // What is padding counts nowhere.
    *out = [F::ZERO; TILE];
    for piece in pieces {
        let voxels = piece.start..piece.end.min(TILE);
        slopes_by_probability::<I, F>(group, partials, piece.row, voxels, [p, g], out);
    }
}

/// Derivatives by the probabilities of some voxels of a class: a g + b + 2 c p + d sign(p − g) + e sign(p), and
/// 2 (p − g) (f g + h (1 − g) + r) of the squared errors, the slopes being those of its sums. a and b
/// may all but cancel, so their sum is taken before they are rounded.
#[inline(always)]
fn slopes_by_probability<I: Instructions, F: Number>(
    group: &Group,
    partials: Partials,
    row: usize,
    voxels: Range<usize>,
    [p, g]: [&Plane<F>; 2],
    out: &mut Plane<F>,
) {
    let slope = |direction| partials.of::<F>(direction, row);
    let (b, c) = (slope(Direction::Prediction), slope(Direction::PredictionSquared));
    let (d, e) = (slope(Direction::Difference), slope(Direction::Magnitude));
    let exact = &partials.0[row];
    let a_and_b = F::of(exact[Direction::Intersection] + exact[Direction::Prediction]);
    let two_c = c + c;
    let (p, g, out) = (&p[voxels.clone()], &g[voxels.clone()], &mut out[voxels]);
    for ((out, &p), &g) in out.iter_mut().zip(p).zip(g) {
        let linear = g.mul_add::<I>(a_and_b, (F::ONE - g) * b);
        let smooth = p.mul_add::<I>(two_c, linear);
        *out = smooth + sign(p - g) * d + sign(p) * e;
    }
    let errors =
        [Direction::SensitivityError, Direction::SpecificityError, Direction::SquaredError];
    if errors.iter().any(|error| group.sums[*error].is_some()) {
        let [inside, outside, all] = errors.map(slope);
        let (inside, outside) = (inside + all, outside + all);
        for ((out, &p), &g) in out.iter_mut().zip(p).zip(g) {
            let slope = g.mul_add::<I>(inside, (F::ONE - g) * outside);
            let error = p - g;
            *out = (error + error).mul_add::<I>(slope, *out);
        }
    }
}

#[inline(always)]
fn sign<F: Number>(x: F) -> F {
    let positive = if x > F::ZERO { F::ONE } else { F::ZERO };
    let negative = if x < F::ZERO { F::ONE } else { F::ZERO };
    positive - negative
}

/// Adds Σ_k g_k slope_k M_kl: what moving class l's probability costs.
#[inline(always)]
fn add_transport<I: Instructions, F: Number>(
    group: &Group,
    partials: Partials,
    to: usize,
    tile: &Tile<F>,
    (reference, map): (&[Plane<F>], Weighing<F>),
    out: &mut Plane<F>,
) {
    let Some(distances) = &group.distances else { return };
    let classes = tile.classes;
    for (class, g) in reference[..classes].iter().enumerate() {
        let slope = partials.of::<F>(Direction::Transport, tile.pieces.row(class));
        let factor = slope * F::of(distances[class * classes + to]);
        if factor == F::ZERO {
            continue;
        }
        if let Some(map) = map.of(class) {
            for i in 0..TILE {
                out[i] = (map[i] * g[i]).mul_add::<I>(factor, out[i]);
            }
            continue;
        }
        for i in 0..TILE {
            out[i] = g[i].mul_add::<I>(factor, out[i]);
        }
    }
}
