//! Sweep 2: from derivatives by the sums to the gradient by the logits.

mod jacobian;
mod logit;

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

/// A group's slopes by the sums, for one sample: of each class in every direction.
#[derive(Clone, Copy)]
struct Partials<'a>(&'a [ByDirection<f64>]);

impl<'a> Partials<'a> {
    /// `None` if no overlap term reaches the sample.
    fn new(slopes: &'a GroupSlopes, sample: usize, classes: usize) -> Option<Self> {
        let rows = slopes.partials.get(sample * classes..)?;
        (!rows.is_empty()).then(|| Self(&rows[..classes]))
    }

    #[inline(always)]
    fn of<F: Number>(self, direction: Direction, class: usize) -> F {
        F::of(self.0[class][direction])
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
    classes: usize,
    valid: Option<&'a [bool]>,
}

impl<'a> Family<'a> {
    #[inline(always)]
    fn pulled(self) -> impl Iterator<Item = Pulled<'a>> {
        self.groups.iter().zip(self.slopes).map(move |(group, slopes)| Pulled {
            group,
            slopes: slopes.voxel(self.sample),
            partials: Partials::new(slopes, self.sample, self.classes),
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
    if batch.plan.groups.is_empty() {
        work.slopes[..tile.classes].fill([F::ZERO; TILE]);
    }
    let mut first = 0;
    for groups in batch.plan.families() {
        if first > 0 {
            std::mem::swap(&mut work.slopes, &mut work.gradient);
        }
        let slopes = &slopes.groups[first..][..groups.len()];
        let (sample, classes) = (tile.sample, tile.classes);
        let family = Family { groups, slopes, sample, classes, valid };
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
            slopes_by_probability::<I, F>(group, partials, class, p, g, out);
        } else {
            slopes_by_probability::<I, F>(group, partials, class, p, g, piece);
            map.add(class, piece, out);
        }
        add_transport::<I, F>(group, partials, class, (reference, map), out);
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

/// Derivatives by the probabilities of a class: a g + b + 2 c p + d sign(p − g) + e sign(p), and
/// 2 (p − g) (f g + h (1 − g) + r) of the squared errors, the slopes being those of its sums. a and b
/// may all but cancel, so their sum is taken before they are rounded.
#[inline(always)]
fn slopes_by_probability<I: Instructions, F: Number>(
    group: &Group,
    partials: Partials,
    class: usize,
    p: &Plane<F>,
    g: &Plane<F>,
    out: &mut Plane<F>,
) {
    let slope = |direction| partials.of::<F>(direction, class);
    let (b, c) = (slope(Direction::Prediction), slope(Direction::PredictionSquared));
    let (d, e) = (slope(Direction::Difference), slope(Direction::Magnitude));
    let exact = &partials.0[class];
    let a_and_b = F::of(exact[Direction::Intersection] + exact[Direction::Prediction]);
    let two_c = c + c;
    for i in 0..TILE {
        let linear = g[i].mul_add::<I>(a_and_b, (F::ONE - g[i]) * b);
        let smooth = p[i].mul_add::<I>(two_c, linear);
        out[i] = smooth + sign(p[i] - g[i]) * d + sign(p[i]) * e;
    }
    let errors =
        [Direction::SensitivityError, Direction::SpecificityError, Direction::SquaredError];
    if errors.iter().any(|error| group.sums[*error].is_some()) {
        let [inside, outside, all] = errors.map(slope);
        let (inside, outside) = (inside + all, outside + all);
        for i in 0..TILE {
            let slope = g[i].mul_add::<I>(inside, (F::ONE - g[i]) * outside);
            let error = p[i] - g[i];
            out[i] = (error + error).mul_add::<I>(slope, out[i]);
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
    (reference, map): (&[Plane<F>], Weighing<F>),
    out: &mut Plane<F>,
) {
    let Some(distances) = &group.distances else { return };
    let classes = partials.0.len();
    for (class, g) in reference[..classes].iter().enumerate() {
        let factor =
            partials.of::<F>(Direction::Transport, class) * F::of(distances[class * classes + to]);
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
