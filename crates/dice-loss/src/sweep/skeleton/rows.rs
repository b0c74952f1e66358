//! Soft morphology, row by row: minima and maxima of neighbours, and where their derivatives go.
//!
//! Beyond the border there is nothing: a window ends there. Of numbers in a window that are the same the
//! first has the derivative, in the order of memory, and of minima along two axes that are the same each
//! has half of it: so it is with `max_pool` and `minimum` of PyTorch.
//!
//! A maximum over a window of several axes is taken along one after the other, the last first. Going back
//! the first row in which it is found has the derivative, then the first voxel of that: which is the first
//! in the order of memory.
//!
//! Derivatives are gathered, not scattered: each voxel looks at the windows that it is in. So rows do not
//! depend on each other, and what is added up has one order.

use super::{
    super::{isa::Instructions, number::Number},
    grid::{Axis, Grid, Pass},
};

/// Voxels of a row that are taken at once.
const BLOCK: usize = 256;

/// Whether the first number takes the place of the second in a window: as a minimum or a maximum.
#[inline(always)]
fn beats<const MIN: bool, F: Number>(one: F, other: F) -> bool {
    if MIN { one < other } else { one > other }
}

/// Whether it keeps its place against one that comes later.
#[inline(always)]
fn holds<const MIN: bool, F: Number>(one: F, later: F) -> bool {
    if MIN { one <= later } else { one >= later }
}

#[inline(always)]
fn better<const MIN: bool, F: Number>(one: F, other: F) -> F {
    if beats::<MIN, F>(other, one) { other } else { one }
}

/// What no number of a window loses against.
#[inline(always)]
fn worst<const MIN: bool, F: Number>() -> F {
    F::of(if MIN { f64::INFINITY } else { f64::NEG_INFINITY })
}

#[inline(always)]
fn positive<F: Number>(value: F) -> F {
    if value > F::ZERO { value } else { F::ZERO }
}

/// A part of a row with `HALO` voxels on either side, `fill` beyond its ends.
#[inline(always)]
fn with_halo<const HALO: usize, F: Number>(
    row: &[F],
    start: usize,
    len: usize,
    fill: F,
    out: &mut [F],
) {
    let out = &mut out[..len + 2 * HALO];
    let first = start.saturating_sub(HALO);
    let end = row.len().min(start + len + HALO);
    let before = first + HALO - start;
    out[..before].fill(fill);
    out[before..][..end - first].copy_from_slice(&row[first..end]);
    out[before + end - first..].fill(fill);
}

/// Parts of a row.
#[inline(always)]
fn blocks(len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..len).step_by(BLOCK).map(move |start| (start, BLOCK.min(len - start)))
}

/// The best of a voxel and its neighbours along the row, in place of `out` where it is better.
#[inline(always)]
fn along_row<const MIN: bool, F: Number>(row: &[F], out: &mut [F]) {
    let mut near = [F::ZERO; BLOCK + 2];
    for (start, len) in blocks(row.len()) {
        with_halo::<1, F>(row, start, len, worst::<MIN, F>(), &mut near);
        let out = &mut out[start..][..len];
        for i in 0..len {
            let best = better::<MIN, F>(better::<MIN, F>(near[i], near[i + 1]), near[i + 2]);
            out[i] = better::<MIN, F>(out[i], best);
        }
    }
}

/// Erosion: the minimum of a voxel and its neighbours along each axis.
pub(super) struct Erode<'a, F> {
    pub grid: Grid,
    pub from: &'a [F],
}

impl<F: Number> Pass<F, 1> for Erode<'_, F> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, [out]: [&mut [F]; 1]) {
        let Self { grid, from } = *self;
        let centre = grid.row(from, row);
        out.copy_from_slice(centre);
        for axis in [Axis::Slabs, Axis::Lines] {
            for beside in [-1, 1].into_iter().filter_map(|steps| grid.beside(row, axis, steps)) {
                for (out, &x) in out.iter_mut().zip(grid.row(from, beside)) {
                    *out = better::<true, F>(*out, x);
                }
            }
        }
        along_row::<true, F>(centre, out);
    }
}

/// The maximum along one axis.
pub(super) struct Largest<'a, F> {
    pub grid: Grid,
    pub axis: Axis,
    pub from: &'a [F],
}

impl<F: Number> Pass<F, 1> for Largest<'_, F> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, [out]: [&mut [F]; 1]) {
        let Self { grid, axis, from } = *self;
        out.copy_from_slice(grid.row(from, row));
        if axis == Axis::Row {
            return along_row::<false, F>(grid.row(from, row), out);
        }
        for beside in [-1, 1].into_iter().filter_map(|steps| grid.beside(row, axis, steps)) {
            for (out, &x) in out.iter_mut().zip(grid.row(from, beside)) {
                *out = better::<false, F>(*out, x);
            }
        }
    }
}

/// Dilation of a part of a row: the maximum over all neighbours.
#[inline(always)]
fn dilated<F: Number>(grid: Grid, from: &[F], row: usize, start: usize, out: &mut [F]) {
    let len = out.len();
    let mut near = [F::ZERO; BLOCK + 2];
    let near = &mut near[..len + 2];
    near.fill(worst::<false, F>());
    let first = start.saturating_sub(1);
    let end = grid.len.min(start + len + 1);
    let before = first + 1 - start;
    for slab in [-1, 0, 1].into_iter().filter_map(|steps| grid.beside(row, Axis::Slabs, steps)) {
        for line in [-1, 0, 1].into_iter().filter_map(|steps| grid.beside(slab, Axis::Lines, steps))
        {
            let from = &grid.row(from, line)[first..end];
            for (near, &x) in near[before..].iter_mut().zip(from) {
                *near = better::<false, F>(*near, x);
            }
        }
    }
    for i in 0..len {
        out[i] = better::<false, F>(better::<false, F>(near[i], near[i + 1]), near[i + 2]);
    }
}

/// A step of the skeleton: what of a map its opening takes away joins what earlier steps left of it.
pub(super) struct Thin<'a, F> {
    pub grid: Grid,
    pub map: &'a [F],
    /// The erosion of the map.
    pub eroded: &'a [F],
    /// Whether there is no skeleton yet.
    pub is_first: bool,
}

impl<F: Number> Pass<F, 1> for Thin<'_, F> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, [skeleton]: [&mut [F]; 1]) {
        let Self { grid, map, eroded, is_first } = *self;
        let map = grid.row(map, row);
        let mut open = [F::ZERO; BLOCK];
        for (start, len) in blocks(grid.len) {
            let open = &mut open[..len];
            dilated(grid, eroded, row, start, open);
            let (map, skeleton) = (&map[start..][..len], &mut skeleton[start..][..len]);
            for i in 0..len {
                let delta = positive(map[i] - open[i]);
                skeleton[i] = match is_first {
                    true => delta,
                    false => skeleton[i] + positive(delta - skeleton[i] * delta),
                };
            }
        }
    }
}

/// The derivative by a skeleton whose sums with the reference, and by itself, have these.
pub(super) struct Begin<'a, F> {
    pub grid: Grid,
    pub reference: &'a [F],
    pub by_inside: F,
    pub by_all: F,
}

impl<F: Number> Pass<F, 1> for Begin<'_, F> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, [out]: [&mut [F]; 1]) {
        for (out, &g) in out.iter_mut().zip(self.grid.row(self.reference, row)) {
            *out = self.by_inside * g + self.by_all;
        }
    }
}

/// A step of the skeleton backwards: from the derivative by the skeleton to that by what there was of it
/// before, and by the map, where it is not through the opening: by that it is the same with the other
/// sign.
pub(super) struct Unthin<'a, F> {
    pub grid: Grid,
    pub map: &'a [F],
    pub eroded: &'a [F],
    /// The skeleton before the step; none before the first.
    pub skeleton: Option<&'a [F]>,
}

impl<F: Number> Pass<F, 2> for Unthin<'_, F> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, [by_skeleton, by_map]: [&mut [F]; 2]) {
        let Self { grid, map, eroded, skeleton } = *self;
        let map = grid.row(map, row);
        let skeleton = skeleton.map(|skeleton| grid.row(skeleton, row));
        let mut open = [F::ZERO; BLOCK];
        for (start, len) in blocks(grid.len) {
            let open = &mut open[..len];
            dilated(grid, eroded, row, start, open);
            let map = &map[start..][..len];
            let by_skeleton = &mut by_skeleton[start..][..len];
            let by_map = &mut by_map[start..][..len];
            let Some(skeleton) = skeleton.map(|skeleton| &skeleton[start..][..len]) else {
                for i in 0..len {
                    by_map[i] = if map[i] > open[i] { by_skeleton[i] } else { F::ZERO };
                }
                continue;
            };
            for i in 0..len {
                let delta = positive(map[i] - open[i]);
                let joins = delta - skeleton[i] * delta > F::ZERO;
                let by_delta = (F::ONE - skeleton[i]) * by_skeleton[i];
                by_map[i] = if joins & (map[i] > open[i]) { by_delta } else { F::ZERO };
                let kept = (F::ONE - delta) * by_skeleton[i];
                by_skeleton[i] = if joins { kept } else { by_skeleton[i] };
            }
        }
    }
}

/// What a voxel has of the derivatives of the three windows along an axis that it is in: `x` are the
/// numbers from two before it to two after it, `slopes` the derivatives by the windows of the voxel before
/// it, of itself and of the one after it.
#[inline(always)]
fn gathered<const MIN: bool, F: Number>(x: [F; 5], slopes: [F; 3]) -> F {
    let is_last = beats::<MIN, F>(x[2], x[1]) & beats::<MIN, F>(x[2], x[0]);
    let is_middle = beats::<MIN, F>(x[2], x[1]) & holds::<MIN, F>(x[2], x[3]);
    let is_first = holds::<MIN, F>(x[2], x[3]) & holds::<MIN, F>(x[2], x[4]);
    let share = |has: bool, slope: F| if has { slope } else { F::ZERO };
    share(is_last, slopes[0]) + share(is_middle, slopes[1]) + share(is_first, slopes[2])
}

/// Where rows beyond the border are read from.
pub(super) struct Beyond<F> {
    least: Vec<F>,
    most: Vec<F>,
    none: Vec<F>,
}

impl<F: Number> Beyond<F> {
    pub fn new(grid: Grid) -> Self {
        let row = |value: F| vec![value; grid.len];
        Self { least: row(worst::<false, F>()), most: row(worst::<true, F>()), none: row(F::ZERO) }
    }
}

/// Adds, `sign` times, what the windows along an axis give to a row.
#[inline(always)]
fn gather<const MIN: bool, F: Number>(
    (grid, axis, beyond): (Grid, Axis, &Beyond<F>),
    row: usize,
    x: &[F],
    slopes: &[F],
    sign: F,
    out: &mut [F],
) {
    if axis == Axis::Row {
        let (x, slopes) = (grid.row(x, row), grid.row(slopes, row));
        let (mut near, mut of_near) = ([F::ZERO; BLOCK + 4], [F::ZERO; BLOCK + 2]);
        for (start, len) in blocks(grid.len) {
            with_halo::<2, F>(x, start, len, worst::<MIN, F>(), &mut near);
            with_halo::<1, F>(slopes, start, len, F::ZERO, &mut of_near);
            let out = &mut out[start..][..len];
            for i in 0..len {
                let x = [near[i], near[i + 1], near[i + 2], near[i + 3], near[i + 4]];
                let slopes = [of_near[i], of_near[i + 1], of_near[i + 2]];
                out[i] += sign * gathered::<MIN, F>(x, slopes);
            }
        }
        return;
    }
    let none = if MIN { &beyond.most } else { &beyond.least };
    let row_of = |plane, steps, none| match grid.beside(row, axis, steps) {
        Some(row) => grid.row(plane, row),
        None => none,
    };
    let x: [&[F]; 5] = [-2, -1, 0, 1, 2].map(|steps| row_of(x, steps, none));
    let slopes: [&[F]; 3] = [-1, 0, 1].map(|steps| row_of(slopes, steps, &beyond.none));
    let x = x.map(|row| &row[..grid.len]);
    let slopes = slopes.map(|row| &row[..grid.len]);
    let out = &mut out[..grid.len];
    for i in 0..grid.len {
        let x = [x[0][i], x[1][i], x[2][i], x[3][i], x[4][i]];
        let slopes = [slopes[0][i], slopes[1][i], slopes[2][i]];
        out[i] += sign * gathered::<MIN, F>(x, slopes);
    }
}

/// From derivatives by maxima along one axis to those by what they are the maxima of.
pub(super) struct Shrink<'a, F> {
    pub grid: Grid,
    pub axis: Axis,
    pub beyond: &'a Beyond<F>,
    pub from: &'a [F],
    pub slopes: &'a [F],
    /// Whether they are taken from what is there; otherwise they are written in its place.
    pub subtracts: bool,
}

impl<F: Number> Pass<F, 1> for Shrink<'_, F> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, [out]: [&mut [F]; 1]) {
        let Self { grid, axis, beyond, from, slopes, subtracts } = *self;
        if !subtracts {
            out.fill(F::ZERO);
        }
        let sign = if subtracts { -F::ONE } else { F::ONE };
        gather::<false, F>((grid, axis, beyond), row, from, slopes, sign, out);
    }
}

/// Shares the derivative by an erosion out among the minima along its `M` axes.
pub(super) struct Share<'a, F> {
    pub grid: Grid,
    pub map: &'a [F],
    pub by_eroded: &'a [F],
}

impl<F: Number, const M: usize> Pass<F, M> for Share<'_, F> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, mut out: [&mut [F]; M]) {
        let Self { grid, map, by_eroded } = *self;
        let (centre, by_eroded) = (grid.row(map, row), grid.row(by_eroded, row));
        // The minima first, where the shares will be.
        for (out, &axis) in out.iter_mut().zip(grid.all_axes()) {
            out.copy_from_slice(centre);
            if axis == Axis::Row {
                along_row::<true, F>(centre, out);
            }
            for beside in [-1, 1].into_iter().filter_map(|steps| grid.beside(row, axis, steps)) {
                for (out, &x) in out.iter_mut().zip(grid.row(map, beside)) {
                    *out = better::<true, F>(*out, x);
                }
            }
        }
        let out = out.map(|out| &mut out[..grid.len]);
        for i in 0..grid.len {
            let mut minima = [F::ZERO; M];
            for axis in 0..M {
                minima[axis] = out[axis][i];
            }
            let shares = shared_out(minima, by_eroded[i]);
            for axis in 0..M {
                out[axis][i] = shares[axis];
            }
        }
    }
}

/// The smallest has all of it, the last axis being compared with the smallest of those before it; two
/// that are the same have half each.
#[inline(always)]
fn shared_out<F: Number, const M: usize>(minima: [F; M], slope: F) -> [F; M] {
    let half = F::of(0.5);
    let mut shares = [F::ZERO; M];
    let mut best = minima[0];
    shares[0] = F::ONE;
    for axis in 1..M {
        let (wins, ties) = (minima[axis] < best, minima[axis] == best);
        let (of_axis, of_others) = match (wins, ties) {
            (true, _) => (F::ONE, F::ZERO),
            (_, true) => (half, half),
            _ => (F::ZERO, F::ONE),
        };
        for share in &mut shares[..axis] {
            *share = *share * of_others;
        }
        shares[axis] = of_axis;
        best = better::<true, F>(best, minima[axis]);
    }
    shares.map(|share| share * slope)
}

/// Adds what the minima along all axes give to what they are the minima of.
pub(super) struct Grow<'a, F, const M: usize> {
    pub grid: Grid,
    pub beyond: &'a Beyond<F>,
    pub map: &'a [F],
    /// The derivatives by the minima along each axis.
    pub slopes: [&'a [F]; M],
}

impl<F: Number, const M: usize> Pass<F, 1> for Grow<'_, F, M> {
    #[inline(always)]
    fn row<I: Instructions>(&self, row: usize, [out]: [&mut [F]; 1]) {
        let Self { grid, beyond, map, slopes } = *self;
        for (slopes, &axis) in slopes.into_iter().zip(grid.all_axes()) {
            gather::<true, F>((grid, axis, beyond), row, map, slopes, F::ONE, out);
        }
    }
}
