//! Connected components: runs of equal labels along rows, joined where they touch.
//!
//! Slabs of slices are done side by side. A run's parent always comes before it, so the root of a
//! component is the run of its first voxel, whatever was joined first.

use std::ops::Range;

use rayon::prelude::*;

use crate::{
    Error, Grid, Label, Result,
    error::expect_length,
    extent::Classes,
    grid::{Frame, parameter},
    interrupt::Patience,
    label::end_of_run,
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
/// - **Memory** beside the output: 40 bytes for each run of equal labels along a row, of which there
///   are at most as many as voxels; and the components.
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
    let mut runs = Runs::of(labels, &Classes::new(classes), &frame, connectivity)?;
    let (found, numbers) = runs.numbered(classes.len(), &frame, grid.shape().len())?;
    runs.write(&numbers, &frame, out);
    Ok(found)
}

/// Equal labels side by side, of a class that is listed.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    class: u32,
    /// A run of the same component that comes before, or the run itself.
    parent: u32,
}

const WHAT: &str = "runs of equal labels";

/// Rows that are worth a job of their own have so many voxels together.
const JOB: usize = 1 << 17;

/// All runs, row by row.
struct Runs {
    runs: Vec<Run>,
    /// Where the runs of each row begin, and the end of the last.
    rows: Vec<u32>,
}

impl Runs {
    fn of<L: Label>(
        labels: &[L],
        classes: &Classes<L>,
        frame: &Frame,
        connectivity: Connectivity,
    ) -> Result<Self> {
        let [_, rows, voxels] = frame.sizes;
        if voxels > u32::MAX as usize {
            return Err(too_many(voxels));
        }
        let patience = Patience::current();
        let slices = JOB.div_ceil(rows * voxels);
        let links = links(connectivity);
        let slabs: Vec<Self> = labels
            .par_chunks(slices * rows * voxels)
            .map(|labels| {
                patience.check()?;
                let mut slab = Self::found(labels, classes, voxels)?;
                let of_slab = labels.len() / (rows * voxels);
                for row in 0..of_slab * rows {
                    slab.join(row, rows, &links, 0..of_slab);
                }
                Ok(slab)
            })
            .collect::<Result<_>>()?;
        let mut all = Self::concatenated(slabs, frame)?;
        for z in (slices..frame.sizes[0]).step_by(slices) {
            patience.check()?;
            for row in z * rows..(z + 1) * rows {
                all.join_across(row, rows, &links);
            }
        }
        Ok(all)
    }

    /// The runs of some rows, each a component of its own.
    fn found<L: Label>(labels: &[L], classes: &Classes<L>, voxels: usize) -> Result<Self> {
        let mut runs = Vec::new();
        let mut rows = with_capacity(labels.len() / voxels + 1, WHAT)?;
        rows.push(0);
        for row in labels.chunks_exact(voxels) {
            let mut start = 0;
            while start < voxels {
                let end = end_of_run(row, start);
                if let Some(class) = classes.place(row[start]) {
                    let parent = u32::try_from(runs.len()).map_err(|_| too_many(runs.len()))?;
                    let run = Run { start: start as u32, end: end as u32, class, parent };
                    push(&mut runs, run, WHAT)?;
                }
                start = end;
            }
            rows.push(u32::try_from(runs.len()).map_err(|_| too_many(runs.len()))?);
        }
        Ok(Self { runs, rows })
    }

    fn concatenated(mut slabs: Vec<Self>, frame: &Frame) -> Result<Self> {
        if slabs.len() == 1
            && let Some(slab) = slabs.pop()
        {
            return Ok(slab);
        }
        let count = slabs.iter().map(|slab| slab.runs.len()).sum();
        if count > u32::MAX as usize {
            return Err(too_many(count));
        }
        let mut runs = with_capacity(count, WHAT)?;
        let mut rows = with_capacity(frame.rows() + 1, WHAT)?;
        rows.push(0);
        for slab in slabs {
            let before = runs.len() as u32;
            let moved = |run: Run| Run { parent: run.parent + before, ..run };
            runs.extend(slab.runs.into_iter().map(moved));
            rows.extend(slab.rows[1..].iter().map(|row| row + before));
        }
        Ok(Self { runs, rows })
    }

    /// Joins a row with those before it, of the slices given.
    fn join(&mut self, row: usize, rows: usize, links: &[Link], slices: Range<usize>) {
        for link in links {
            if let Some(other) = link.of(row, rows)
                && slices.contains(&(other / rows))
            {
                self.join_rows(other, row, link.reach);
            }
        }
    }

    /// Joins a row with those of the slice before.
    fn join_across(&mut self, row: usize, rows: usize, links: &[Link]) {
        for link in links.iter().filter(|link| link.slice == 1) {
            if let Some(other) = link.of(row, rows) {
                self.join_rows(other, row, link.reach);
            }
        }
    }

    /// Joins the runs of two rows that overlap, or with a reach of 1, that meet at a corner.
    fn join_rows(&mut self, before: usize, row: usize, reach: u32) {
        let mut a = self.rows[before] as usize;
        let mut b = self.rows[row] as usize;
        let (a_end, b_end) = (self.rows[before + 1] as usize, self.rows[row + 1] as usize);
        while a < a_end && b < b_end {
            self.join_runs(a, b, reach);
            let (one, other) = (self.runs[a].end, self.runs[b].end);
            if reach > 0 && one == other {
                // Either may meet the next of the other row at a corner.
                if a + 1 < a_end {
                    self.join_runs(a + 1, b, reach);
                }
                if b + 1 < b_end {
                    self.join_runs(a, b + 1, reach);
                }
            }
            a += usize::from(one <= other);
            b += usize::from(other <= one);
        }
    }

    #[inline]
    fn join_runs(&mut self, a: usize, b: usize, reach: u32) {
        let (one, other) = (self.runs[a], self.runs[b]);
        let touch = one.start < other.end + reach && other.start < one.end + reach;
        if touch && one.class == other.class && one.parent != other.parent {
            self.unite(a as u32, b as u32);
        }
    }

    fn root(&mut self, mut of: u32) -> u32 {
        loop {
            let parent = self.runs[of as usize].parent;
            if parent == of {
                return of;
            }
            let next = self.runs[parent as usize].parent;
            self.runs[of as usize].parent = next;
            of = next;
        }
    }

    fn unite(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        self.runs[one.max(other) as usize].parent = one.min(other);
    }

    /// All components, and for each run the number of its own.
    fn numbered(
        &mut self,
        classes: usize,
        frame: &Frame,
        axes: usize,
    ) -> Result<(Vec<Component>, Vec<u32>)> {
        let mut numbers = filled(0, self.runs.len(), WHAT)?;
        // Where the component of a root lies in the list.
        let mut places = filled(0u32, self.runs.len(), WHAT)?;
        let mut of_class = filled(0, classes, "components")?;
        let mut found: Vec<Component> = Vec::new();
        for row in 0..frame.rows() {
            let at = [row / frame.sizes[1], row % frame.sizes[1]];
            for index in self.rows[row]..self.rows[row + 1] {
                let run = self.runs[index as usize];
                let root = self.root(index);
                if root == index {
                    let count: &mut u32 = &mut of_class[run.class as usize];
                    *count += 1;
                    places[index as usize] = found.len() as u32;
                    let one = Component::beginning(run.class, *count, axes);
                    push(&mut found, one, "components")?;
                }
                let component = &mut found[places[root as usize] as usize];
                component.add(at, run.start..run.end, frame);
                numbers[index as usize] = component.number;
            }
        }
        found.sort_by_key(|component| component.class);
        Ok((found, numbers))
    }

    fn write(&self, numbers: &[u32], frame: &Frame, out: &mut [u32]) {
        let voxels = frame.sizes[2];
        out.par_chunks_exact_mut(voxels).with_min_len(JOB.div_ceil(voxels)).enumerate().for_each(
            |(row, out)| {
                let own = self.rows[row] as usize..self.rows[row + 1] as usize;
                let mut done = 0;
                for (run, &number) in self.runs[own.clone()].iter().zip(&numbers[own]) {
                    out[done..run.start as usize].fill(0);
                    out[run.start as usize..run.end as usize].fill(number);
                    done = run.end as usize;
                }
                out[done..].fill(0);
            },
        );
    }
}

impl Component {
    fn beginning(class: u32, number: u32, axes: usize) -> Self {
        Self { class: class as usize, number, voxels: 0, bounds: [0..1, 0..1, 0..1], axes }
    }

    fn add(&mut self, [z, y]: [usize; 2], run: Range<u32>, frame: &Frame) {
        let run = run.start as usize..run.end as usize;
        let first = self.voxels == 0;
        self.voxels += run.len();
        for (axis, range) in frame.axes.into_iter().zip([z..z + 1, y..y + 1, run]) {
            let Some(axis) = axis else { continue };
            let bounds = &mut self.bounds[axis];
            *bounds = match first {
                true => range,
                false => bounds.start.min(range.start)..bounds.end.max(range.end),
            };
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
    /// The other row, if there is one.
    fn of(&self, row: usize, rows: usize) -> Option<usize> {
        let z = (row / rows).checked_sub(self.slice)?;
        let y = (row % rows).checked_add_signed(self.row).filter(|&y| y < rows)?;
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
    parameter(WHAT, format!("{found} or more"), "at most 4294967295")
}
