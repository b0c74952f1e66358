//! The sums that overlap losses ask for.

use super::super::{
    geometry::{Plane, TILE},
    isa::Instructions,
    lanes::{self, Block},
    number::Number,
    sums::{Place, Sums},
    tile::Tile,
};
use crate::{direction::Direction, plan::Group};

/// Class planes whose overlap is summed up.
#[derive(Clone, Copy)]
pub(super) struct Overlaps<'a, F> {
    pub probability: &'a [Plane<F>],
    pub reference: &'a [Plane<F>],
    pub weight: &'a Plane<F>,
}

/// The sums of an overlap loss for one class, or for each of its instances in the tile.
#[inline(always)]
pub(super) fn add_overlaps<I: Instructions, F: Number>(
    group: &Group,
    class: usize,
    tile: &Tile<F>,
    planes: Overlaps<F>,
    [cost, cut]: [&mut Plane<F>; 2],
    sums: &mut Sums<F>,
) {
    let pieces = tile.pieces.of(class);
    for number in 0..pieces.len().max(1) {
        let (weight, to) = match pieces.get(number) {
            None => (planes.weight, Place::Class(class)),
            Some(piece) => {
                piece.cut(planes.weight, cut);
                (&*cut, Place::Row(piece.row, tile.back))
            }
        };
        add_overlap::<I, F>(group, class, to, Overlaps { weight, ..planes }, sums);
    }
    add_transport::<I, F>(group, class, planes, cost, sums);
}

#[inline(always)]
fn add_overlap<I: Instructions, F: Number>(
    group: &Group,
    class: usize,
    to: Place,
    Overlaps { probability, reference, weight }: Overlaps<F>,
    sums: &mut Sums<F>,
) {
    let (p, g) = (&probability[class], &reference[class]);
    let of = |direction: Direction| group.sums[direction];
    let [pg, p_sum] = [of(Direction::Intersection), of(Direction::Prediction)];
    let [pp, l1] = [of(Direction::PredictionSquared), of(Direction::Difference)];
    let abs = of(Direction::Magnitude);
    if pp.is_some() || l1.is_some() || abs.is_some() {
        let columns = [pg, p_sum, pp, l1, abs];
        let found = columns.into_iter().zip(five_sums::<I, F>(p, g, weight));
        found.for_each(|(column, sum)| sums.add_to(column, to, sum));
    } else if pg.is_some() || p_sum.is_some() {
        let found = [pg, p_sum].into_iter().zip(two_sums::<I, F>(p, g, weight));
        found.for_each(|(column, sum)| sums.add_to(column, to, sum));
    }
    let errors = [of(Direction::SensitivityError), of(Direction::SpecificityError)];
    if errors.iter().any(Option::is_some) {
        let found = lanes::folds(p, g, weight, |[inside, outside], p, g, w| {
            let error = w * (p - g) * (p - g);
            [error.mul_add::<I>(g, inside), error.mul_add::<I>(F::ONE - g, outside)]
        });
        errors.into_iter().zip(found).for_each(|(column, sum)| sums.add_to(column, to, sum));
    }
    if let Some(column) = of(Direction::SquaredError) {
        let [found] =
            lanes::folds(p, g, weight, |[sum], p, g, w| [(w * (p - g)).mul_add::<I>(p - g, sum)]);
        sums.add_to(Some(column), to, found);
    }
}

/// Of all instances alike: a loss that couples the classes has no value of one.
#[inline(always)]
fn add_transport<I: Instructions, F: Number>(
    group: &Group,
    class: usize,
    Overlaps { probability, reference, weight }: Overlaps<F>,
    cost: &mut Plane<F>,
    sums: &mut Sums<F>,
) {
    let (column, g) = (group.sums[Direction::Transport], &reference[class]);
    if let (Some(column), Some(distances)) = (column, &group.distances) {
        transport::<I, F>(distances, class, probability, cost);
        let [found] = lanes::folds(cost, g, weight, |[sum], cost, g, w| [sum + w * g * cost]);
        sums.add(column, class, found);
    }
}

/// Σ w f(p, g) of the five sums that overlap losses may ask for: pg, p, pp, |p − g|, |p|.
#[inline(always)]
fn five_sums<I: Instructions, F: Number>(
    p: &Plane<F>,
    g: &Plane<F>,
    w: &Plane<F>,
) -> [Block<F>; 5] {
    lanes::folds(p, g, w, |[pg, sum, pp, l1, abs], p, g, w| {
        let weighed = w * p;
        [
            weighed.mul_add::<I>(g, pg),
            sum + weighed,
            weighed.mul_add::<I>(p, pp),
            w.mul_add::<I>((p - g).abs(), l1),
            w * p.abs() + abs,
        ]
    })
}

/// The first two of them: all that most losses ask for.
#[inline(always)]
fn two_sums<I: Instructions, F: Number>(p: &Plane<F>, g: &Plane<F>, w: &Plane<F>) -> [Block<F>; 2] {
    lanes::folds(p, g, w, |[pg, sum], p, g, w| {
        let weighed = w * p;
        [weighed.mul_add::<I>(g, pg), sum + weighed]
    })
}

/// Of each voxel, Σ_l M_kl p_l: what it costs to take its prediction to class k.
#[inline(always)]
fn transport<I: Instructions, F: Number>(
    distances: &[f64],
    class: usize,
    probability: &[Plane<F>],
    out: &mut Plane<F>,
) {
    *out = [F::ZERO; TILE];
    let row = &distances[class * probability.len()..];
    for (p, &distance) in probability.iter().zip(row) {
        let distance = F::of(distance);
        if distance == F::ZERO {
            continue;
        }
        for i in 0..TILE {
            out[i] = p[i].mul_add::<I>(distance, out[i]);
        }
    }
}
