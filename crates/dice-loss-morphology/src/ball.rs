//! Dilation and erosion with a ball.

use rayon::prelude::*;

use crate::{
    Distance, Grid, Label, Result,
    distance::{Set, expect_maps, to_nearest},
    extent::{Extent, extents},
    grid::{Frame, parameter},
    room::filled,
};

/// Each class of a label map, grown by a ball: the voxels no farther than `radius` from it.
///
/// - **Out**: a mask for each class, in their order. They may overlap.
/// - **Radius**: in the unit of the spacing. Voxels at that very distance belong to the ball, and so
///   do those up to a millionth farther, so that rounding decides nothing: a radius of 0.3 reaches
///   three voxels of 0.1. A radius of 0 is the class itself.
/// - A class without voxels stays so.
/// - **Memory** beside the output: an f32 for each voxel of the class's bounding box, grown by the
///   radius, one class at a time, and that of [`distance_transform`](crate::distance_transform).
///
/// # Errors
///
/// A radius that is negative or not finite; buffers of the wrong length;
/// [`Memory`](crate::Error::Memory), [`Interrupted`](crate::Error::Interrupted).
///
/// ```
/// use dice_loss_morphology::{Grid, dilate};
/// let grid = Grid::new(&[3, 5], &[3.0, 1.5])?;
/// let mut point = [0u8; 15];
/// point[7] = 1;
/// let mut out = [false; 15];
/// dilate(&point, &[1], 3.0, &grid, &mut out)?;
/// assert_eq!(out.map(u8::from), [
///     0, 0, 1, 0, 0, //
///     1, 1, 1, 1, 1, //
///     0, 0, 1, 0, 0, //
/// ]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn dilate<L: Label>(
    labels: &[L],
    classes: &[L],
    radius: f64,
    grid: &Grid,
    out: &mut [bool],
) -> Result<()> {
    let ball = Ball::of(radius)?;
    each_class(labels, classes, grid, out, |class, extent, frame, out| {
        let around = extent.grown(ball.reach(frame), frame);
        let set = Set { labels, frame, whole: around, of: |label| label == class };
        ball.write(&set, frame, true, out)
    })
}

/// Each class of a label map, worn off by a ball: its voxels farther than `radius` from all that is
/// of another class.
///
/// - **Out**: a mask for each class, in their order.
/// - **Radius** as for [`dilate`]: a voxel at that very distance goes. A radius of 0 is the class
///   itself.
/// - Beyond the map there is nothing that wears off: a class that fills the map stays as it is.
/// - **Memory** as for [`dilate`], with a box grown by one voxel.
///
/// # Errors
///
/// Those of [`dilate`].
///
/// ```
/// use dice_loss_morphology::{Grid, erode};
/// let grid = Grid::new(&[8], &[0.5])?;
/// let mask = [true, true, true, true, true, true, false, false];
/// let mut out = [false; 8];
/// erode(&mask, &[true], 1.0, &grid, &mut out)?;
/// assert_eq!(out, [true, true, true, true, false, false, false, false]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn erode<L: Label>(
    labels: &[L],
    classes: &[L],
    radius: f64,
    grid: &Grid,
    out: &mut [bool],
) -> Result<()> {
    let ball = Ball::of(radius)?;
    each_class(labels, classes, grid, out, |class, extent, frame, out| {
        let around = extent.grown([1; 3], frame);
        let set = Set { labels, frame, whole: around, of: |label| label != class };
        ball.write(&set, frame, false, out)
    })
}

fn each_class<L: Label>(
    labels: &[L],
    classes: &[L],
    grid: &Grid,
    out: &mut [bool],
    work: impl Fn(L, Extent, &Frame, &mut [bool]) -> Result<()>,
) -> Result<()> {
    expect_maps(labels.len(), classes.len(), grid, out.len())?;
    if labels.is_empty() {
        return Ok(());
    }
    let frame = grid.frame();
    let extents = extents(labels, classes, &frame)?;
    out.par_chunks_mut(1 << 20).for_each(|part| part.fill(false));
    for ((&class, extent), out) in
        classes.iter().zip(extents).zip(out.chunks_exact_mut(labels.len()))
    {
        if let Some(extent) = extent {
            work(class, extent, &frame, out)?;
        }
    }
    Ok(())
}

/// What lies no farther than the radius.
#[derive(Debug, Clone, Copy)]
struct Ball {
    radius: f64,
}

impl Ball {
    fn of(radius: f64) -> Result<Self> {
        match radius.is_finite() && radius >= 0.0 {
            true => Ok(Self { radius: radius * (1.0 + 1e-6) }),
            false => Err(parameter("radius", radius.to_string(), "0 or more, and finite")),
        }
    }

    /// How many voxels it reaches along each axis.
    fn reach(self, frame: &Frame) -> [usize; 3] {
        frame.squares.map(|square| (self.radius / (square.sqrt() * frame.unit)) as usize)
    }

    /// Sets the voxels of the set's box within the ball around one of the set, or those beyond all.
    fn write<L: Label, F: Fn(L) -> bool + Sync>(
        self,
        set: &Set<'_, L, F>,
        frame: &Frame,
        within: bool,
        out: &mut [bool],
    ) -> Result<()> {
        let inner = Frame { sizes: set.whole.sizes(), ..frame.clone() };
        let mut squared = filled(0.0, inner.voxels(), "distances around a class")?;
        to_nearest(set, &inner, Distance::Squared, &mut squared)?;
        let most = self.radius * self.radius;
        let [_, rows, voxels] = frame.sizes;
        let [_, inner_rows, inner_voxels] = inner.sizes;
        let [from, first, start] = set.whole.start;
        out.par_chunks_exact_mut(rows * voxels)
            .skip(from)
            .zip(squared.par_chunks_exact(inner_rows * inner_voxels))
            .for_each(|(out, squared)| {
                let lines = out.chunks_exact_mut(voxels).skip(first);
                for (out, squared) in lines.zip(squared.chunks_exact(inner_voxels)) {
                    for (to, &square) in out[start..].iter_mut().zip(squared) {
                        *to = (f64::from(square) <= most) == within;
                    }
                }
            });
        Ok(())
    }
}
