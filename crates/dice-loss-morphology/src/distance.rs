//! Exact Euclidean distance transforms, and signed distances.

use rayon::prelude::*;

use crate::{
    Grid, Label, Result,
    error::expect_length,
    extent::{Extent, extents},
    grid::Frame,
    separable::{Rises, transform},
};

/// Which distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Distance {
    /// In the unit of the spacing.
    #[default]
    Euclidean,
    /// The square of it.
    Squared,
}

/// The distance of every voxel to the nearest voxel of each class.
///
/// - **Out**: one map for each class, in their order; 0 in the class, +∞ everywhere if it has no
///   voxel. Distances are those of voxel centres.
/// - **Exact**: where the spacing is the same along all axes, or a whole multiple of the smallest,
///   and the squared diagonal of the map is at most 2²⁴ in squares of the smallest, the nearest
///   voxel is found exactly, and the distance is it but for its rounding to f32. Elsewhere it is
///   within four roundings of f32.
/// - **Memory** beside the output: a few tiles for each thread, none larger than a slice (f64 where
///   the spacing asks for it), and a pointer for each row of a slice in each slice.
/// - **Time**: O(S log n) for S voxels and axes of n.
///
/// # Errors
///
/// Buffers of the wrong length; [`Memory`](crate::Error::Memory),
/// [`Interrupted`](crate::Error::Interrupted).
///
/// ```
/// use dice_loss_morphology::{Distance, Grid, distance_transform};
/// let grid = Grid::new(&[2, 3], &[2.0, 1.0])?;
/// let labels = [1u8, 0, 0, 0, 0, 2];
/// let mut out = [0.0; 12];
/// distance_transform(&labels, &[1, 2], &grid, Distance::Squared, &mut out)?;
/// assert_eq!(out[..6], [0.0, 1.0, 4.0, 4.0, 5.0, 8.0]);
/// assert_eq!(out[6..], [8.0, 5.0, 4.0, 4.0, 1.0, 0.0]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn distance_transform<L: Label>(
    labels: &[L],
    classes: &[L],
    grid: &Grid,
    distance: Distance,
    out: &mut [f32],
) -> Result<()> {
    expect_maps(labels.len(), classes.len(), grid, out.len())?;
    if labels.is_empty() {
        return Ok(());
    }
    let frame = grid.frame();
    for (&class, out) in classes.iter().zip(out.chunks_exact_mut(labels.len())) {
        let set =
            Set { labels, frame: &frame, whole: Extent::whole(&frame), of: |label| label == class };
        to_nearest(&set, &frame, distance, out)?;
    }
    Ok(())
}

/// What a signed distance is measured to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signed {
    /// To the nearest voxel of the other kind, centre to centre: +d outside, −d inside. A class
    /// without voxels is +∞ everywhere, one that fills the map −∞.
    #[default]
    Centres,
    /// As the boundary loss has it (1812.07032, and MONAI's): +d outside, −(d − u) inside, where u
    /// is the smallest spacing of an axis longer than one voxel: the voxels along the border are 0,
    /// and none inside is positive. The paper and MONAI have u = 1, the spacing of theirs. 0
    /// everywhere for a class without voxels, and for one that fills the map.
    Boundary,
}

/// The signed distance of every voxel to the border of each class: negative inside.
///
/// - **Out**: one map for each class, in their order. Empty and full classes are as
///   [`Signed`] says.
/// - **Exact** as [`distance_transform`].
/// - **Memory** beside that of [`distance_transform`]: an f32 for each voxel of the class's bounding
///   box, one class at a time.
///
/// # Errors
///
/// Those of [`distance_transform`].
///
/// ```
/// use dice_loss_morphology::{Grid, Signed, signed_distance};
/// let grid = Grid::new(&[6], &[0.5])?;
/// let mask = [false, true, true, true, true, false];
/// let mut out = [0.0; 6];
/// signed_distance(&mask, &[true], &grid, Signed::Centres, &mut out)?;
/// assert_eq!(out, [0.5, -0.5, -1.0, -1.0, -0.5, 0.5]);
/// signed_distance(&mask, &[true], &grid, Signed::Boundary, &mut out)?;
/// assert_eq!(out, [0.5, 0.0, -0.5, -0.5, 0.0, 0.5]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn signed_distance<L: Label>(
    labels: &[L],
    classes: &[L],
    grid: &Grid,
    signed: Signed,
    out: &mut [f32],
) -> Result<()> {
    expect_maps(labels.len(), classes.len(), grid, out.len())?;
    if labels.is_empty() {
        return Ok(());
    }
    let frame = grid.frame();
    let extents = extents(labels, classes, &frame)?;
    for ((&class, extent), out) in
        classes.iter().zip(extents).zip(out.chunks_exact_mut(labels.len()))
    {
        signed_distance_of(labels, class, &frame, extent, signed, out)?;
    }
    Ok(())
}

fn signed_distance_of<L: Label>(
    labels: &[L],
    class: L,
    frame: &Frame,
    extent: Option<Extent>,
    signed: Signed,
    out: &mut [f32],
) -> Result<()> {
    let (empty, full) = match signed {
        Signed::Centres => (f32::INFINITY, f32::NEG_INFINITY),
        Signed::Boundary => (0.0, 0.0),
    };
    let Some(extent) = extent else {
        out.fill(empty);
        return Ok(());
    };
    let set = Set { labels, frame, whole: Extent::whole(frame), of: |label| label == class };
    to_nearest(&set, frame, Distance::Euclidean, out)?;
    // What is nearest to a voxel inside lies in the box around the class, or beside that.
    let around = extent.grown([1; 3], frame);
    let inner = Frame { sizes: around.sizes(), ..frame.clone() };
    let mut depth = crate::room::filled(0.0, inner.voxels(), "distances inside of a class")?;
    let rest = Set { labels, frame, whole: around, of: |label| label != class };
    if !to_nearest(&rest, &inner, Distance::Euclidean, &mut depth)? {
        out.fill(full);
        return Ok(());
    }
    let less = match signed {
        Signed::Centres => 0.0,
        Signed::Boundary => frame.unit as f32,
    };
    let [_, rows, voxels] = frame.sizes;
    let [_, inner_rows, inner_voxels] = inner.sizes;
    let [from, first, start] = around.start;
    out.par_chunks_exact_mut(rows * voxels)
        .skip(from)
        .zip(depth.par_chunks_exact(inner_rows * inner_voxels))
        .for_each(|(out, depth)| {
            let lines = out.chunks_exact_mut(voxels).skip(first);
            for (out, depth) in lines.zip(depth.chunks_exact(inner_voxels)) {
                for (to, &d) in out[start..].iter_mut().zip(depth) {
                    *to = if d > 0.0 { less - d } else { *to };
                }
            }
        });
    Ok(())
}

/// Voxels of a label map that distances are measured to, within a box.
pub(crate) struct Set<'a, L, F> {
    pub labels: &'a [L],
    /// Of the label map.
    pub frame: &'a Frame,
    /// The box.
    pub whole: Extent,
    /// Whether a label is one of them.
    pub of: F,
}

impl<L: Label, F: Fn(L) -> bool + Sync> Set<'_, L, F> {
    /// The labels of a row of the box.
    fn row(&self, index: usize) -> &[L] {
        let [_, rows, voxels] = self.frame.sizes;
        let [_, own_rows, own_voxels] = self.whole.sizes();
        let [z, y, x] = self.whole.start;
        let row = (z + index / own_rows) * rows + y + index % own_rows;
        &self.labels[row * voxels + x..][..own_voxels]
    }
}

/// Distances to the nearest voxel of a set; whether it has one, otherwise they are infinite.
///
/// `frame` is that of the set's box.
pub(crate) fn to_nearest<L: Label, F: Fn(L) -> bool + Sync>(
    set: &Set<'_, L, F>,
    frame: &Frame,
    distance: Distance,
    out: &mut [f32],
) -> Result<bool> {
    let (squares, unit) = (frame.squares, frame.unit);
    let found = if frame.exact {
        let [slices, rows, voxels] = squares.map(|square| square as f32);
        let first = |index, out: &mut [f32]| {
            along_row(set.row(index), &set.of, out, |steps| steps * steps * voxels)
        };
        let rises = Rises { rows, slices };
        let (unit, square) = (unit as f32, (unit * unit) as f32);
        match distance {
            Distance::Euclidean if unit == 1.0 => transform(frame, rises, &first, &f32::sqrt, out),
            Distance::Euclidean => transform(frame, rises, &first, &|d| d.sqrt() * unit, out),
            Distance::Squared => transform(frame, rises, &first, &|d| d * square, out),
        }
    } else {
        let [slices, rows, voxels] = squares;
        let first = |index, out: &mut [f64]| {
            along_row(set.row(index), &set.of, out, |steps| steps * steps * voxels)
        };
        let rises = Rises { rows, slices };
        match distance {
            Distance::Euclidean => transform(frame, rises, &first, &|d| d.sqrt() * unit, out),
            Distance::Squared => transform(frame, rises, &first, &|d| d * unit * unit, out),
        }
    }?;
    if !found {
        out.par_chunks_mut(1 << 16).for_each(|part| part.fill(f32::INFINITY));
    }
    Ok(found)
}

/// Squared distances along one row; false where nothing is set.
#[inline(always)]
fn along_row<L: Label, T: crate::envelope::Height>(
    row: &[L],
    set: &impl Fn(L) -> bool,
    out: &mut [T],
    squared: impl Fn(T) -> T,
) -> bool {
    if !row.iter().fold(false, |any, &label| any | set(label)) {
        return false;
    }
    let mut steps = T::INFINITY;
    let one = T::count(1);
    for (to, &label) in out.iter_mut().zip(row) {
        steps = if set(label) { T::count(0) } else { steps + one };
        *to = steps;
    }
    let mut steps = T::INFINITY;
    for to in out.iter_mut().rev() {
        steps = if *to < steps + one { *to } else { steps + one };
        *to = steps;
    }
    out.iter_mut().for_each(|to| *to = squared(*to));
    true
}

/// Fails unless there is a map for each class.
pub(crate) fn expect_maps(labels: usize, classes: usize, grid: &Grid, out: usize) -> Result<()> {
    expect_length("labels", labels, grid.voxels())?;
    expect_length("output", out, labels.saturating_mul(classes))
}
