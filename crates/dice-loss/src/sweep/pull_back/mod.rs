//! Sweep 2: from derivatives by the sums to the gradient by the logits.

mod jacobian;
mod logit;

use super::{
    geometry::{Plane, TILE},
    isa::Instructions,
    load,
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
    valid: Option<&'a [bool]>,
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
    for (index, (group, slopes)) in batch.plan.groups.iter().zip(&slopes.groups).enumerate() {
        if index > 0 {
            std::mem::swap(&mut work.slopes, &mut work.gradient);
        }
        let pulled = Pulled {
            group,
            slopes: slopes.voxel(tile.sample),
            partials: Partials::new(slopes, tile.sample, tile.classes),
            valid,
        };
        match group.activation {
            Activation::Softmax => jacobian::pull_back::<I, F>(pulled, tile, work),
            _ => logit::pull_back::<I, F>(pulled, tile, work),
        }
        if index > 0 {
            let planes = work.slopes.iter_mut().zip(work.gradient.iter());
            for (sum, gradient) in planes.take(tile.classes) {
                for i in 0..TILE {
                    sum[i] += gradient[i];
                }
            }
        }
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
/// 2 (p − g) (f g + h (1 − g)) of the squared errors, the slopes being those of its sums. a and b may
/// all but cancel, so their sum is taken before they are rounded.
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
    let errors = [Direction::SensitivityError, Direction::SpecificityError];
    if errors.iter().any(|error| group.sums[*error].is_some()) {
        let [inside, outside] = errors.map(slope);
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
    reference: &[Plane<F>],
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
        for i in 0..TILE {
            out[i] = g[i].mul_add::<I>(factor, out[i]);
        }
    }
}
