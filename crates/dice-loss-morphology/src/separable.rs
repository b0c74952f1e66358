//! Axis after axis: rows first, then the rows of a slice, then the slices.
//!
//! What is least is gathered in blocks of [`LANES`] lines that fit into the caches. Rows and slices
//! in which nothing is set are left out until the last axis writes them, once.

use rayon::prelude::*;

use crate::{
    Error, Result,
    envelope::{Height, LANES, Parabolas, lower_envelope},
    grid::Frame,
    interrupt::Patience,
    room::filled,
};

/// How the values between the axes lie in the output, and what becomes of them at the end.
pub(crate) trait Stored<T>: Copy + Send + Sync {
    fn load(self) -> T;
    fn store(value: T) -> Self;
}

impl Stored<f32> for f32 {
    #[inline(always)]
    fn load(self) -> f32 {
        self
    }
    #[inline(always)]
    fn store(value: f32) -> Self {
        value
    }
}

impl Stored<f64> for f32 {
    #[inline(always)]
    fn load(self) -> f64 {
        self.into()
    }
    #[inline(always)]
    fn store(value: f64) -> Self {
        value as Self
    }
}

impl Stored<f64> for f64 {
    #[inline(always)]
    fn load(self) -> f64 {
        self
    }
    #[inline(always)]
    fn store(value: f64) -> Self {
        value
    }
}

/// Bytes of a tile that fit into the second cache, beside another.
const TILE: usize = 96 << 10;

/// Voxels that are worth a job of their own.
const JOB: usize = 1 << 14;

/// How much the squared spacing along each axis is, in the type computed in.
pub(crate) struct Rises<T> {
    pub rows: T,
    pub slices: T,
}

/// Fills `out` with the least values over all that is set.
///
/// `first` writes those along one row, of which it is given the number, or says that nothing is set
/// there. `finish` is applied to each value at the end. Where nothing is set at all, the output is
/// untouched and false returned.
pub(crate) fn transform<T, S>(
    frame: &Frame,
    rises: Rises<T>,
    first: &(impl Fn(usize, &mut [T]) -> bool + Sync),
    finish: &(impl Fn(T) -> T + Sync),
    out: &mut [S],
) -> Result<bool>
where
    T: Height,
    S: Stored<T>,
{
    let [slices, rows, voxels] = frame.sizes;
    let patience = Patience::current();
    let slice = rows * voxels;
    let occupied: Vec<bool> = out
        .par_chunks_mut(slice)
        .with_min_len(JOB.div_ceil(slice))
        .enumerate()
        .map_init(
            || Tiles::new(rows, rows, voxels),
            |tiles, (z, out)| {
                patience.check()?;
                let tiles = tiles.as_mut().map_err(|error| error.clone())?;
                Ok(within_slice(
                    tiles,
                    [rows, voxels],
                    rises.rows,
                    |y, row| first(z * rows + y, row),
                    out,
                ))
            },
        )
        .collect::<Result<_>>()?;
    let places: Vec<u32> = (0u32..).zip(&occupied).filter(|(_, is)| **is).map(|(z, _)| z).collect();
    if places.is_empty() {
        return Ok(false);
    }
    if slices == 1 {
        out.par_chunks_mut(JOB).for_each(|part| finish_all(part, finish));
        return Ok(true);
    }
    let chunk = (TILE / (slices * size_of::<T>()) / LANES).max(1) * LANES;
    let mut lines = regrouped(out, [slices, rows, voxels], chunk)?;
    lines.par_iter_mut().with_min_len(JOB.div_ceil(slices * chunk.min(voxels))).try_for_each_init(
        || Tiles::new(places.len(), slices, chunk.min(voxels)),
        |tiles, rows| {
            patience.check()?;
            let tiles = tiles.as_mut().map_err(|error| error.clone())?;
            for (index, &z) in places.iter().enumerate() {
                tiles.load(index, rows[z as usize].iter().map(|value| value.load()));
            }
            tiles.solve(&places, rises.slices);
            for (z, row) in rows.iter_mut().enumerate() {
                tiles.store(z, row, finish);
            }
            Ok::<_, Error>(())
        },
    )?;
    Ok(true)
}

/// Rows, and the rows of a slice; whether anything is set there.
fn within_slice<T: Height, S: Stored<T>>(
    tiles: &mut Tiles<T>,
    [rows, voxels]: [usize; 2],
    square: T,
    first: impl Fn(usize, &mut [T]) -> bool,
    out: &mut [S],
) -> bool {
    let mut row = std::mem::take(&mut tiles.row);
    let mut places = std::mem::take(&mut tiles.places);
    places.clear();
    for y in 0..rows {
        if !first(y, &mut row) {
            continue;
        }
        if rows > 1 {
            tiles.load(places.len(), row.iter().copied());
        }
        places.push(y as u32);
    }
    if !places.is_empty() {
        if rows > 1 {
            tiles.solve(&places, square);
            for (y, row) in out.chunks_exact_mut(voxels).enumerate() {
                tiles.store(y, row, &|value| value);
            }
        } else {
            out.iter_mut().zip(&row).for_each(|(to, &from)| *to = S::store(from));
        }
    }
    let occupied = !places.is_empty();
    (tiles.row, tiles.places) = (row, places);
    occupied
}

fn finish_all<T, S: Stored<T>>(part: &mut [S], finish: &impl Fn(T) -> T) {
    part.iter_mut().for_each(|value| *value = S::store(finish(value.load())));
}

/// For each row of a slice and chunk of its voxels, that of every slice.
pub(crate) fn regrouped<S>(
    out: &mut [S],
    [slices, rows, voxels]: [usize; 3],
    chunk: usize,
) -> Result<Vec<Vec<&mut [S]>>> {
    let chunks = voxels.div_ceil(chunk);
    let what = "the lines across slices";
    let mut lines = crate::room::with_capacity(rows * chunks, what)?;
    for _ in 0..rows * chunks {
        lines.push(crate::room::with_capacity(slices, what)?);
    }
    for slice in out.chunks_exact_mut(rows * voxels) {
        for (y, row) in slice.chunks_exact_mut(voxels).enumerate() {
            for (line, part) in lines[y * chunks..].iter_mut().zip(row.chunks_mut(chunk)) {
                line.push(part);
            }
        }
    }
    Ok(lines)
}

/// Blocks of lines: what is known of each, and what is least.
struct Tiles<T> {
    /// Of each block, its rows of lanes one after the other.
    heights: Vec<[T; LANES]>,
    least: Vec<[T; LANES]>,
    /// Rows that a block has, at most, of either.
    sizes: [usize; 2],
    row: Vec<T>,
    places: Vec<u32>,
}

impl<T: Height> Tiles<T> {
    fn new(heights: usize, least: usize, voxels: usize) -> Result<Self> {
        let blocks = voxels.div_ceil(LANES);
        let what = "tiles of lines";
        let mut places = crate::room::with_capacity(heights, what)?;
        places.clear();
        Ok(Self {
            heights: filled([T::INFINITY; LANES], blocks * heights, what)?,
            least: filled([T::INFINITY; LANES], blocks * least, what)?,
            sizes: [heights, least],
            row: filled(T::INFINITY, voxels, what)?,
            places,
        })
    }

    /// Puts a row down at its index among those that are known. Lanes past its end repeat the last.
    #[inline(always)]
    fn load(&mut self, index: usize, mut row: impl ExactSizeIterator<Item = T>) {
        let rows = self.sizes[0];
        let mut block = index;
        while row.len() >= LANES {
            for lane in &mut self.heights[block] {
                *lane = row.next().unwrap_or(T::INFINITY);
            }
            block += rows;
        }
        if row.len() > 0 {
            let mut last = T::INFINITY;
            for lane in &mut self.heights[block] {
                last = row.next().unwrap_or(last);
                *lane = last;
            }
        }
    }

    fn solve(&mut self, places: &[u32], square: T) {
        let [rows, targets] = self.sizes;
        for (heights, least) in
            self.heights.chunks_exact(rows).zip(self.least.chunks_exact_mut(targets))
        {
            lower_envelope(Parabolas { heights: &heights[..places.len()], places, square }, least);
        }
    }

    /// Takes a row of what is least.
    #[inline(always)]
    fn store<S: Stored<T>>(&self, index: usize, row: &mut [S], finish: &impl Fn(T) -> T) {
        for (part, block) in row.chunks_mut(LANES).zip(self.least.chunks_exact(self.sizes[1])) {
            for (to, &from) in part.iter_mut().zip(&block[index]) {
                *to = S::store(finish(from));
            }
        }
    }
}
