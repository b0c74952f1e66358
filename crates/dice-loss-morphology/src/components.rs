//! Connected components: runs of equal labels along rows, joined where they touch.
//!
//! Slabs of slices are done side by side: of each, what is joined within it, the parts, with their
//! sizes and boxes. Then parts are joined across slabs. A run is always joined to one before it, and
//! so is a part: the first of a component is that of its first voxel, whatever was joined first.

use std::ops::Range;

use rayon::prelude::*;

use crate::{
    Error, Grid, Label, Result,
    error::expect_length,
    extent::{Classes, Extent},
    grid::{Frame, parameter},
    interrupt::Patience,
    label,
    room::{filled, push, with_capacity},
};

/// Which voxels touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connectivity {
    /// Those that share a face: 4 neighbours in 2-D, 6 in 3-D.
    Faces,
    /// Those that share a face or an edge: 8 neighbours in 2-D, 18 in 3-D.
    Edges,
    /// Those that share as much as a corner: 8 neighbours in 2-D, 26 in 3-D.
    #[default]
    Corners,
}

impl Connectivity {
    /// By the number of neighbours: 2 in 1-D, 4 or 8 in 2-D, 6, 18 or 26 in 3-D.
    ///
    /// # Errors
    ///
    /// Any other number.
    ///
    /// ```
    /// use dice_loss_morphology::Connectivity;
    /// assert_eq!(Connectivity::of(18, 3)?, Connectivity::Edges);
    /// let found = Connectivity::of(6, 2).unwrap_err();
    /// assert_eq!(found.to_string(), "connectivity: found 6, wanted 4 or 8 in 2-D");
    /// # Ok::<(), dice_loss_morphology::Error>(())
    /// ```
    pub fn of(neighbours: usize, axes: usize) -> Result<Self> {
        Ok(match (axes, neighbours) {
            (1, 2) | (2, 4) | (3, 6) => Self::Faces,
            (3, 18) => Self::Edges,
            (2, 8) | (3, 26) => Self::Corners,
            _ => {
                let wanted = match axes {
                    1 => "2 in 1-D",
                    2 => "4 or 8 in 2-D",
                    _ => "6, 18 or 26 in 3-D",
                };
                return Err(parameter("connectivity", neighbours.to_string(), wanted));
            }
        })
    }

    /// Along how many axes neighbours may differ.
    fn reach(self) -> usize {
        match self {
            Self::Faces => 1,
            Self::Edges => 2,
            Self::Corners => 3,
        }
    }
}

/// A connected component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its class, by its place among those listed.
    pub class: usize,
    /// Its number within the class, from 1 on, in the order of their first voxels.
    pub number: u32,
    /// How many voxels it has.
    pub voxels: usize,
    bounds: [Range<usize>; 3],
    axes: usize,
}

impl Component {
    /// The smallest box that holds it: a range for each axis of the grid.
    pub fn bounds(&self) -> &[Range<usize>] {
        &self.bounds[..self.axes]
    }
}

/// The connected components of each class of a label map.
///
/// Voxels of different classes never belong together, and what is of no class listed is background.
///
/// - **Out**: for each voxel the number of its component, from 1 on within its class, 0 for
///   background. Components are numbered in the order of their first voxels, the last axis fastest.
/// - **Returns** all components, class by class and by their numbers.
/// - **Memory** beside the output, at most: 32 bytes for each run of equal labels along a row; 140
///   for each component of a slab of 2¹⁹ voxels by itself, of which there are no more than runs, 16
///   for each two of these that touch across slabs; and the components.
/// - **Time**: O(S) and nearly so for the runs.
///
/// # Errors
///
/// Buffers of the wrong length; more than 2³² − 1 runs; [`Memory`](Error::Memory),
/// [`Interrupted`](Error::Interrupted).
///
/// ```
/// use dice_loss_morphology::{Connectivity, Grid, connected_components};
/// let grid = Grid::unit(&[3, 4])?;
/// let labels = [
///     1, 0, 0, 1, //
///     0, 1, 0, 1, //
///     2, 0, 0, 1, //
/// ];
/// let mut out = [0; 12];
/// let found = connected_components(&labels, &[1, 2], &grid, Connectivity::Faces, &mut out)?;
/// assert_eq!(out, [1, 0, 0, 2, 0, 3, 0, 2, 1, 0, 0, 2]);
/// let sizes: Vec<_> = found.iter().map(|c| (c.class, c.number, c.voxels)).collect();
/// assert_eq!(sizes, [(0, 1, 1), (0, 2, 3), (0, 3, 1), (1, 1, 1)]);
/// assert_eq!(found[1].bounds(), [0..3, 3..4]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn connected_components<L: Label>(
    labels: &[L],
    classes: &[L],
    grid: &Grid,
    connectivity: Connectivity,
    out: &mut [u32],
) -> Result<Vec<Component>> {
    expect_length("labels", labels.len(), grid.voxels())?;
    expect_length("output", out.len(), labels.len())?;
    if labels.is_empty() {
        return Ok(Vec::new());
    }
    let frame = grid.frame();
    let links = links(connectivity);
    let slabs = slabs(labels, &Classes::new(classes), &frame, &links)?;
    let before = parts_before(&slabs)?;
    let pairs = pairs_across(&slabs, &before, &frame, &links)?;
    let axes = grid.shape().len();
    let (found, numbers) = numbered(&slabs, &before, &pairs, classes.len(), &frame, axes)?;
    let of_slab = slabs[0].rows() * frame.sizes[2];
    let jobs = slabs.par_iter().zip(&before).zip(out.par_chunks_mut(of_slab));
    jobs.for_each(|((slab, &before), out)| slab.write(&numbers[before as usize..], out));
    Ok(found)
}

/// Equal labels side by side, of a class that is listed.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    class: u32,
    /// While runs are joined, one of the same part that comes before, or the run itself; then the
    /// part, by its place in the slab.
    part: u32,
}

impl Run {
    /// Whether it overlaps one beside it, or with a reach of 1 meets it at a corner.
    #[inline(always)]
    fn touches(&self, other: &Self, reach: u32) -> bool {
        (self.start < other.end + reach)
            & (other.start < self.end + reach)
            & (self.class == other.class)
    }
}

/// What a slab has of a component, as far as its own voxels join it.
#[derive(Debug, Clone, Copy)]
struct Part {
    class: u32,
    voxels: usize,
    extent: Extent,
}

/// Some slices: their runs, row by row, and the parts that these make, in the order of their first
/// voxels.
struct Slab {
    runs: Vec<Run>,
    /// Where the runs of each row begin, and the end of the last.
    starts: Vec<u32>,
    parts: Vec<Part>,
}

const RUNS: &str = "runs of equal labels";
const PARTS: &str = "components";

/// A slab has so many voxels, and more to have whole slices.
const JOB: usize = 1 << 19;

/// The slabs of a map, each by itself.
fn slabs<L: Label>(
    labels: &[L],
    classes: &Classes<L>,
    frame: &Frame,
    links: &[Link],
) -> Result<Vec<Slab>> {
    let [_, rows, voxels] = frame.sizes;
    if voxels > u32::MAX as usize {
        return Err(too_many(voxels));
    }
    let patience = Patience::current();
    let slices = JOB.div_ceil(rows * voxels);
    let jobs = labels.par_chunks(slices * rows * voxels).enumerate();
    jobs.map(|(index, labels)| {
        patience.check()?;
        let mut slab = Slab::found(labels, classes, voxels)?;
        for z in 0..slab.rows() / rows {
            patience.check()?;
            for y in 0..rows {
                for link in links {
                    if let Some(before) = link.of(z, y, rows) {
                        slab.join(before, z * rows + y, link.reach);
                    }
                }
            }
        }
        slab.take_apart(index * slices, rows)?;
        Ok(slab)
    })
    .collect()
}

impl Slab {
    /// The runs of some rows, each a part of its own.
    fn found<L: Label>(labels: &[L], classes: &Classes<L>, voxels: usize) -> Result<Self> {
        let mut runs = Vec::new();
        let mut starts = with_capacity(labels.len() / voxels + 1, RUNS)?;
        starts.push(0);
        for row in labels.chunks_exact(voxels) {
            for (start, end) in label::Runs::of(row) {
                if let Some(class) = classes.place(row[start]) {
                    let part = runs.len() as u32;
                    let run = Run { start: start as u32, end: end as u32, class, part };
                    push(&mut runs, run, RUNS)?;
                }
            }
            starts.push(u32::try_from(runs.len()).map_err(|_| too_many(runs.len()))?);
        }
        Ok(Self { runs, starts, parts: Vec::new() })
    }

    fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    fn row(&self, row: usize) -> Range<usize> {
        self.starts[row] as usize..self.starts[row + 1] as usize
    }

    /// Joins the runs of two rows that touch.
    fn join(&mut self, before: usize, row: usize, reach: u32) {
        let (before, row) = (self.row(before), self.row(row));
        let runs = &mut self.runs[..row.end];
        side_by_side(before, row, reach, |a, b| {
            let (one, other) = (runs[a], runs[b]);
            if one.touches(&other, reach) & (one.part != other.part) {
                let (one, other) = (first_run(runs, one.part), first_run(runs, other.part));
                runs[one.max(other) as usize].part = one.min(other);
            }
            (one.end, other.end)
        });
    }

    /// Lists the parts, and tells each run its own.
    fn take_apart(&mut self, first: usize, rows: usize) -> Result<()> {
        for row in 0..self.rows() {
            let (z, y) = (first + row / rows, row % rows);
            for index in self.row(row) {
                let run = self.runs[index];
                let voxels = run.start as usize..run.end as usize;
                let extent =
                    Extent { start: [z, y, voxels.start], end: [z + 1, y + 1, voxels.end] };
                let part = if run.part as usize == index {
                    let part = Part { class: run.class, voxels: voxels.len(), extent };
                    push(&mut self.parts, part, PARTS)?;
                    self.parts.len() as u32 - 1
                } else {
                    // The run that comes before knows it by now.
                    let own = self.runs[run.part as usize].part;
                    let part = &mut self.parts[own as usize];
                    part.voxels += voxels.len();
                    part.extent = part.extent.joined(&extent);
                    own
                };
                self.runs[index].part = part;
            }
        }
        Ok(())
    }

    /// Writes the number of each part.
    fn write(&self, numbers: &[u32], out: &mut [u32]) {
        for (row, out) in out.chunks_exact_mut(out.len() / self.rows()).enumerate() {
            let mut done = 0;
            for run in &self.runs[self.row(row)] {
                let (start, end) = (run.start as usize, run.end as usize);
                fill(out, done..start, 0);
                fill(out, start..end, numbers[run.part as usize]);
                done = end;
            }
            out[done..].fill(0);
        }
    }
}

/// Goes through two rows and joins all that may touch: those that overlap, and with a reach of 1
/// those that meet at a corner. `join` returns where the two end.
#[inline(always)]
fn side_by_side(
    before: Range<usize>,
    row: Range<usize>,
    reach: u32,
    mut join: impl FnMut(usize, usize) -> (u32, u32),
) {
    let (mut a, mut b) = (before.start, row.start);
    while a < before.end && b < row.end {
        let (one, other) = join(a, b);
        if reach > 0 && one == other {
            // Either may meet the next of the other row at a corner.
            for (a, b) in [(a + 1, b), (a, b + 1)] {
                if a < before.end && b < row.end {
                    join(a, b);
                }
            }
        }
        a += usize::from(one <= other);
        b += usize::from(other <= one);
    }
}

fn first_run(runs: &mut [Run], mut of: u32) -> u32 {
    loop {
        let before = runs[of as usize].part;
        if before == of {
            return of;
        }
        let next = runs[before as usize].part;
        runs[of as usize].part = next;
        of = next;
    }
}

/// Fills a range, and perhaps what comes after, which is to be filled later: short ranges take one
/// store of fixed length.
#[inline(always)]
fn fill(out: &mut [u32], range: Range<usize>, number: u32) {
    match out[range.start..].first_chunk_mut::<16>() {
        Some(block) if range.len() <= block.len() => *block = [number; 16],
        _ => out[range].fill(number),
    }
}

/// How many parts come before those of each slab, and how many there are.
fn parts_before(slabs: &[Slab]) -> Result<Vec<u32>> {
    let runs = slabs.iter().map(|slab| slab.runs.len()).sum();
    if runs > u32::MAX as usize {
        return Err(too_many(runs));
    }
    let mut before = with_capacity(slabs.len() + 1, PARTS)?;
    before.push(0);
    for slab in slabs {
        before.push(before[before.len() - 1] + slab.parts.len() as u32);
    }
    Ok(before)
}

/// Parts of slabs that touch those of the slab before, for each slab but the first.
fn pairs_across(
    slabs: &[Slab],
    before: &[u32],
    frame: &Frame,
    links: &[Link],
) -> Result<Vec<Vec<[u32; 2]>>> {
    let patience = Patience::current();
    let rows = frame.sizes[1];
    let borders = slabs.par_windows(2).zip(before.par_windows(2));
    borders
        .map(|(pair, before)| {
            patience.check()?;
            let [above, below] = [&pair[0], &pair[1]];
            let last = above.rows() / rows - 1;
            let mut found = Vec::new();
            let mut room = Ok(());
            for y in 0..rows {
                for link in links.iter().filter(|link| link.slice == 1) {
                    let Some(to) = link.of(last + 1, y, rows) else { continue };
                    side_by_side(above.row(to), below.row(y), link.reach, |a, b| {
                        let (one, other) = (above.runs[a], below.runs[b]);
                        let pair = [before[0] + one.part, before[1] + other.part];
                        if one.touches(&other, link.reach) && found.last() != Some(&pair) {
                            let pushed = push(&mut found, pair, PARTS);
                            room = std::mem::replace(&mut room, Ok(())).and(pushed);
                        }
                        (one.end, other.end)
                    });
                }
            }
            room.map(|()| found)
        })
        .collect()
}

/// All components, and for each part the number of its own.
fn numbered(
    slabs: &[Slab],
    before: &[u32],
    pairs: &[Vec<[u32; 2]>],
    classes: usize,
    frame: &Frame,
    axes: usize,
) -> Result<(Vec<Component>, Vec<u32>)> {
    let count = before[slabs.len()];
    let mut parents = with_capacity(count as usize, PARTS)?;
    parents.extend(0..count);
    for &[one, other] in pairs.iter().flatten() {
        let (one, other) = (first_part(&mut parents, one), first_part(&mut parents, other));
        parents[one.max(other) as usize] = one.min(other);
    }
    let mut numbers = filled(0, count as usize, PARTS)?;
    // Where the component of a first part lies in the list.
    let mut places = filled(0u32, count as usize, PARTS)?;
    let mut of_class = filled(0, classes, PARTS)?;
    let mut found: Vec<Component> = Vec::new();
    for (index, part) in (0..).zip(slabs.iter().flat_map(|slab| &slab.parts)) {
        let first = first_part(&mut parents, index);
        if first == index {
            let number: &mut u32 = &mut of_class[part.class as usize];
            *number += 1;
            places[index as usize] = found.len() as u32;
            push(&mut found, Component::beginning(part, *number, frame, axes), PARTS)?;
        } else {
            found[places[first as usize] as usize].add(part, frame);
        }
        numbers[index as usize] = found[places[first as usize] as usize].number;
    }
    found.sort_by_key(|component| component.class);
    Ok((found, numbers))
}

fn first_part(parents: &mut [u32], mut of: u32) -> u32 {
    while parents[of as usize] != of {
        let next = parents[parents[of as usize] as usize];
        parents[of as usize] = next;
        of = next;
    }
    of
}

impl Component {
    fn beginning(part: &Part, number: u32, frame: &Frame, axes: usize) -> Self {
        let mut bounds = [0..1, 0..1, 0..1];
        for (k, axis) in frame.axes.into_iter().enumerate() {
            if let Some(axis) = axis {
                bounds[axis] = part.extent.start[k]..part.extent.end[k];
            }
        }
        Self { class: part.class as usize, number, voxels: part.voxels, bounds, axes }
    }

    fn add(&mut self, part: &Part, frame: &Frame) {
        self.voxels += part.voxels;
        for (k, axis) in frame.axes.into_iter().enumerate() {
            if let Some(axis) = axis {
                let bounds = &mut self.bounds[axis];
                bounds.start = bounds.start.min(part.extent.start[k]);
                bounds.end = bounds.end.max(part.extent.end[k]);
            }
        }
    }
}

/// A row before this one whose voxels may touch its.
#[derive(Debug, Clone, Copy)]
struct Link {
    /// How many slices before.
    slice: usize,
    /// How many rows further on in that slice, or back.
    row: isize,
    /// How far apart along the row voxels may lie: 0 or 1.
    reach: u32,
}

impl Link {
    /// The other row, if there is one, from the first slice's first on.
    #[inline(always)]
    fn of(&self, z: usize, y: usize, rows: usize) -> Option<usize> {
        let z = z.checked_sub(self.slice)?;
        let y = y.checked_add_signed(self.row).filter(|&y| y < rows)?;
        Some(z * rows + y)
    }
}

fn links(connectivity: Connectivity) -> Vec<Link> {
    let before = [(0, -1), (1, -1), (1, 0), (1, 1)];
    let linked = before.into_iter().filter_map(|(slice, row): (usize, isize)| {
        let left = connectivity.reach().checked_sub(slice + row.unsigned_abs())?;
        Some(Link { slice, row, reach: u32::from(left > 0) })
    });
    linked.collect()
}

fn too_many(found: usize) -> Error {
    parameter(RUNS, format!("{found} or more"), "at most 4294967295")
}
