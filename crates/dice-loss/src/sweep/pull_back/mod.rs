//! Sweep 2: from derivatives by the sums to the gradient by the logits.

mod channel;
mod softmax;

use super::{
    isa::Instructions,
    load,
    number::Number,
    scratch::{TILE, Work},
    tile::{Batch, Borrow, Tile},
};
use crate::{
    Activation, Logits,
    evaluate::{GroupSlopes, Slopes},
    plan::Group,
    real::DIRECTIONS,
};

/// A group's slopes by the sums, for one sample: a row of classes for each direction.
struct Partials<F> {
    rows: [Vec<F>; DIRECTIONS],
}

impl<F: Number> Partials<F> {
    /// `None` if no overlap term reaches the sample. What was not annotated has no slope.
    fn new(
        slopes: &GroupSlopes,
        sample: usize,
        classes: usize,
        valid: Option<&[bool]>,
    ) -> Option<Self> {
        if slopes.partials.is_empty() {
            return None;
        }
        let row = &slopes.partials[sample * classes..][..classes];
        let annotated = |class: usize| valid.is_none_or(|valid| valid[class]);
        let of = |direction: usize| {
            row.iter()
                .enumerate()
                .map(|(class, partials)| match annotated(class) {
                    true => F::of(partials[direction]),
                    false => F::ZERO,
                })
                .collect()
        };
        Some(Self { rows: std::array::from_fn(of) })
    }
}

/// Leaves a tile's gradient in the class planes of `work.slopes`.
#[inline(always)]
pub(super) fn tile<I: Instructions, F: Borrow>(
    batch: &Batch,
    slopes: &Slopes,
    tile: &Tile<F>,
    work: &mut Work<F>,
) {
    let valid = batch.valid(tile.sample);
    if batch.plan.groups.is_empty() {
        (0..tile.classes).for_each(|class| work.slopes[class * TILE..][..tile.len].fill(F::ZERO));
    }
    for (index, (group, slopes)) in batch.plan.groups.iter().zip(&slopes.groups).enumerate() {
        if index > 0 {
            std::mem::swap(&mut work.slopes, &mut work.gradient);
        }
        let partials = Partials::new(slopes, tile.sample, tile.classes, valid);
        let slopes = slopes.voxel(tile.sample);
        match group.activation {
            Activation::Softmax => {
                softmax::pull_back::<I, F>(group, slopes, partials.as_ref(), valid, tile, work);
            }
            _ => channel::pull_back::<I, F>(group, slopes, partials.as_ref(), valid, tile, work),
        }
        if index > 0 {
            for class in 0..tile.classes {
                let gradient = &work.gradient[class * TILE..][..tile.len];
                let sum = &mut work.slopes[class * TILE..][..tile.len];
                sum.iter_mut().zip(gradient).for_each(|(sum, &value)| *sum += value);
            }
        }
    }
}

/// Reads the upstream gradient of one class of a tile's voxels, 0 where a voxel does not count.
#[inline(always)]
pub(super) fn read_upstream<F: Number>(map: &Logits, class: usize, tile: &Tile<F>, out: &mut [F]) {
    let [sn, sc, ss] = map.layout.strides;
    let at = tile.sample * sn + class * sc + tile.start * ss;
    load::floats(map.data, at, ss, &mut out[..tile.used]);
    out[tile.used..].fill(F::ZERO);
    for (out, &weight) in out.iter_mut().zip(tile.weight) {
        *out = if weight == F::ZERO { F::ZERO } else { *out };
    }
}

/// Derivatives by the probabilities of a class: a g + b + 2 c p + d sign(p − g) + e sign(p), the
/// slopes being those of its sums.
#[inline(always)]
fn slopes_by_probability<I: Instructions, F: Number>(
    partials: &Partials<F>,
    class: usize,
    p: &[F],
    g: &[F],
    out: &mut [F],
) {
    let [a, b, c, d, e, _] = std::array::from_fn(|direction| partials.rows[direction][class]);
    let two_c = c + c;
    for ((out, &p), &g) in out.iter_mut().zip(p).zip(g) {
        let smooth = g.mul_add::<I>(a, p.mul_add::<I>(two_c, b));
        *out = smooth + sign(p - g) * d + sign(p) * e;
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
    partials: &Partials<F>,
    to: usize,
    reference: &[F],
    out: &mut [F],
) {
    let Some(distances) = &group.distances else { return };
    let slopes = &partials.rows[5];
    for (class, &slope) in slopes.iter().enumerate() {
        let factor = slope * F::of(distances[class * slopes.len() + to]);
        if factor == F::ZERO {
            continue;
        }
        let g = &reference[class * TILE..][..out.len()];
        out.iter_mut().zip(g).for_each(|(out, &g)| *out = g.mul_add::<I>(factor, *out));
    }
}
