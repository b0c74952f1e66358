//! The voxels of a sample as rows, and the work that is done row by row.

use super::super::{
    geometry::LANES,
    ieee::Ieee,
    isa::{Instructions, Isa, Kernel, dispatch},
    number::Number,
};
use crate::{Error, Result, Stop, ranked::spread};

/// Voxels that are taken at once: a piece of work, whatever the number of threads.
const PIECE: usize = 1 << 14;

/// One to three axes, the last of which is that of the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub axes: usize,
    slabs: usize,
    lines: usize,
    pub len: usize,
}

impl Grid {
    /// Of the sizes of the spatial axes, if they are one to three.
    pub fn new(spatial: &[usize]) -> Option<Self> {
        let [slabs, lines, len] = match *spatial {
            [len] => [1, 1, len],
            [lines, len] => [1, lines, len],
            [slabs, lines, len] => [slabs, lines, len],
            _ => return None,
        };
        Some(Self { axes: spatial.len(), slabs, lines, len })
    }

    fn rows(self) -> usize {
        self.slabs * self.lines
    }

    pub fn voxels(self) -> usize {
        self.rows() * self.len
    }

    /// The row so many steps on along the axis, the second before the rows' own being 0 and the one
    /// before them 1; none beyond the border.
    #[inline(always)]
    pub fn beside(self, row: usize, axis: Axis, steps: isize) -> Option<usize> {
        let (line, slab) = (row % self.lines, row / self.lines);
        match axis {
            Axis::Slabs => {
                let slab = slab.checked_add_signed(steps).filter(|&slab| slab < self.slabs)?;
                Some(slab * self.lines + line)
            }
            Axis::Lines => {
                let line = line.checked_add_signed(steps).filter(|&line| line < self.lines)?;
                Some(slab * self.lines + line)
            }
            Axis::Row => None,
        }
    }

    /// A row of a plane.
    #[inline(always)]
    pub fn row<F>(self, plane: &[F], row: usize) -> &[F] {
        &plane[row * self.len..][..self.len]
    }

    /// The axes, the first of them first.
    pub fn all_axes(self) -> &'static [Axis] {
        &Axis::ALL[Axis::ALL.len() - self.axes..]
    }
}

/// An axis of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    Slabs,
    Lines,
    Row,
}

impl Axis {
    const ALL: [Self; 3] = [Self::Slabs, Self::Lines, Self::Row];
}

/// How work is done.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub isa: Isa,
    pub grid: Grid,
    /// Whether threads share it.
    pub in_parallel: bool,
    pub stop: Option<&'a Stop>,
}

/// What writes one row of each of `M` planes, and reads others.
pub(super) trait Pass<F, const M: usize>: Sync {
    fn row<I: Instructions>(&self, row: usize, out: [&mut [F]; M]);
}

impl Work<'_> {
    /// Fails once it is to stop.
    pub fn go_on(self) -> Result<()> {
        match self.stop {
            Some(stop) if stop.is_set() => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }

    /// Writes all rows.
    pub fn run<F: Number, const M: usize>(self, planes: [&mut [F]; M], pass: &impl Pass<F, M>) {
        let Self { isa, grid, in_parallel, .. } = self;
        let rows = (PIECE / grid.len).max(1);
        let mut chunks = planes.map(|plane| plane.chunks_mut(rows * grid.len));
        let pieces: Vec<_> = (0..grid.rows())
            .step_by(rows)
            .map(|first| (first, chunks.each_mut().map(|of| of.next().unwrap_or_default())))
            .collect();
        spread(pieces, in_parallel, |(first, out)| {
            let _ieee = Ieee::enter();
            dispatch(isa, Rows { pass, first, len: grid.len, out });
        });
    }

    /// The sums of products of two planes, or of one if the other is none; the planes all have the
    /// grid's voxels. They are added up piece by piece, in the order of the pieces.
    pub fn sums<F: Number, const M: usize>(self, factors: [[Option<&[F]>; 2]; M]) -> [f64; M] {
        let starts: Vec<_> = (0..self.grid.voxels()).step_by(PIECE).collect();
        let of_piece = |start: usize| {
            let _ieee = Ieee::enter();
            let end = self.grid.voxels().min(start + PIECE);
            let factors = factors.map(|both| both.map(|plane| Some(&plane?[start..end])));
            dispatch(self.isa, Products { factors, len: end - start })
        };
        let sums = spread(starts, self.in_parallel, of_piece);
        sums.into_iter()
            .fold([0.0; M], |all, of_piece| std::array::from_fn(|i| all[i] + of_piece[i]))
    }
}

struct Rows<'a, F, P, const M: usize> {
    pass: &'a P,
    first: usize,
    len: usize,
    out: [&'a mut [F]; M],
}

impl<F, P: Pass<F, M>, const M: usize> Kernel for Rows<'_, F, P, M> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { pass, first, len, out } = self;
        let rows = out.first().map_or(0, |plane| plane.len() / len);
        let mut out = out.map(|plane| plane.chunks_exact_mut(len));
        for row in first..first + rows {
            pass.row::<I>(row, out.each_mut().map(|rows| rows.next().unwrap_or_default()));
        }
    }
}

struct Products<'a, F, const M: usize> {
    factors: [[Option<&'a [F]>; 2]; M],
    len: usize,
}

impl<F: Number, const M: usize> Kernel for Products<'_, F, M> {
    type Output = [f64; M];

    #[inline(always)]
    fn run<I: Instructions>(self) -> [f64; M] {
        self.factors.map(|both| match both {
            [Some(one), Some(other)] => sum(self.len, |i| (one[i] * other[i]).to_f64()),
            [Some(one), None] | [None, Some(one)] => sum(self.len, |i| one[i].to_f64()),
            [None, None] => 0.0,
        })
    }
}

/// Side by side in lanes, which are added up in their order.
#[inline(always)]
fn sum(len: usize, value: impl Fn(usize) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let whole = len / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            lanes[lane] += value(start + lane);
        }
    }
    for i in whole..len {
        lanes[i - whole] += value(i);
    }
    lanes.into_iter().sum()
}
