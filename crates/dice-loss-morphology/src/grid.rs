//! Where voxels lie: how many along each axis, and how far apart.

use crate::{Error, Result};

/// The shape of a map, one to three axes, and the spacing of its voxels along each.
///
/// Maps of a grid are contiguous and row-major: the last axis varies fastest, as in NumPy. An axis
/// may have no voxels, or one. The unit of the spacing is the caller's, and is that of distances.
///
/// ```
/// use dice_loss_morphology::Grid;
/// let ct = Grid::new(&[40, 512, 512], &[5.0, 0.8, 0.8])?;
/// assert_eq!(ct.voxels(), 40 * 512 * 512);
/// let found = Grid::new(&[512, 512], &[0.8, -0.8]).unwrap_err();
/// assert_eq!(
///     found.to_string(),
///     "spacing: found -0.8 along axis 1, wanted 1e-9 to 1e9, in any unit of length"
/// );
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    shape: Vec<usize>,
    spacing: Vec<f64>,
}

impl Grid {
    /// A grid of this shape, with a spacing for each axis.
    ///
    /// # Errors
    ///
    /// No axis or more than three; more voxels than memory can have; a spacing outside 1e-9 to 1e9,
    /// or more than a million times another; not as many spacings as axes.
    pub fn new(shape: &[usize], spacing: &[f64]) -> Result<Self> {
        if !(1..=3).contains(&shape.len()) {
            return Err(Error::Shape { found: shape.to_vec(), wanted: "one to three axes" });
        }
        // An empty axis beside a huge one is no map that anybody has.
        let most = shape.iter().try_fold(1usize, |all, &size| all.checked_mul(size.max(1)));
        if most.is_none_or(|voxels| voxels > isize::MAX as usize / 16) {
            let wanted = "as many voxels as memory can have";
            return Err(Error::Shape { found: shape.to_vec(), wanted });
        }
        if spacing.len() != shape.len() {
            let (found, axes) = (spacing.len(), shape.len());
            return Err(parameter(
                "spacing",
                format!("{found} numbers"),
                format!("{axes}, one for each axis"),
            ));
        }
        for (axis, &step) in spacing.iter().enumerate() {
            if !(1e-9..=1e9).contains(&step) {
                let found = format!("{step} along axis {axis}");
                return Err(parameter("spacing", found, "1e-9 to 1e9, in any unit of length"));
            }
        }
        let least = spacing.iter().copied().fold(f64::INFINITY, f64::min);
        if let Some(&step) = spacing.iter().find(|&&step| step / least > 1e6) {
            let found = format!("{step} beside {least}");
            return Err(parameter("spacing", found, "at most a million times the smallest"));
        }
        Ok(Self { shape: shape.to_vec(), spacing: spacing.to_vec() })
    }

    /// A grid whose voxels are 1 apart along every axis.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn unit(shape: &[usize]) -> Result<Self> {
        Self::new(shape, &vec![1.0; shape.len()])
    }

    /// Voxels along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The spacing along each axis.
    pub fn spacing(&self) -> &[f64] {
        &self.spacing
    }

    /// How many voxels there are.
    pub fn voxels(&self) -> usize {
        self.shape.iter().product()
    }

    /// The grid as slices of rows, whatever axes it has.
    pub(crate) fn frame(&self) -> Frame {
        Frame::new(&self.shape, &self.spacing)
    }
}

pub(crate) fn parameter(
    what: &'static str,
    found: impl Into<String>,
    wanted: impl Into<String>,
) -> Error {
    Error::Parameter { what, found: found.into(), wanted: wanted.into() }
}

/// A grid as work goes through it: slices, each of rows, each of voxels that lie side by side.
///
/// Axes of one voxel are left out, and one that is missing is the rows' or both: a picture is one
/// slice for each of its rows, so that there is work to share.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Slices, rows of a slice, voxels of a row.
    pub sizes: [usize; 3],
    /// Which axis of the grid each is; none has one voxel.
    pub axes: [Option<usize>; 3],
    /// The squared spacing along each, the smallest as the unit.
    pub squares: [f64; 3],
    /// The smallest spacing, of axes longer than one voxel.
    pub unit: f64,
    /// Whether every squared distance is an integer that f32 holds, in squared units.
    pub exact: bool,
}

impl Frame {
    pub fn new(shape: &[usize], spacing: &[f64]) -> Self {
        let long: Vec<_> = (0..shape.len()).filter(|&axis| shape[axis] != 1).collect();
        let axes = match long[..] {
            [] => [None; 3],
            [x] => [None, None, Some(x)],
            [z, x] => [Some(z), None, Some(x)],
            [z, y, x, ..] => [Some(z), Some(y), Some(x)],
        };
        let sizes = axes.map(|axis| axis.map_or(1, |axis| shape[axis]));
        let steps = axes.map(|axis| axis.map(|axis| spacing[axis]));
        let least = steps.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let unit = if least.is_finite() { least } else { spacing[spacing.len() - 1] };
        let ratios = steps.map(|step| step.map_or(1.0, |step| nearly_whole(step / unit)));
        let farthest: f64 =
            (0..3).map(|k| (sizes[k].saturating_sub(1) as f64 * ratios[k]).powi(2)).sum();
        let exact = ratios.iter().all(|ratio| ratio.fract() == 0.0) && farthest <= EXACT;
        Self { sizes, axes, squares: ratios.map(|ratio| ratio * ratio), unit, exact }
    }

    pub fn voxels(&self) -> usize {
        self.sizes.iter().product()
    }
}

/// Up to here f32 holds every integer.
const EXACT: f64 = 16_777_216.0;

/// 0.6 / 0.2 is 3, whatever is lost to rounding.
fn nearly_whole(ratio: f64) -> f64 {
    let whole = ratio.round();
    if (ratio - whole).abs() <= 4.0 * f64::EPSILON * ratio { whole } else { ratio }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_axes_are_left_out() {
        let frame = Grid::new(&[1, 5, 7], &[0.1, 0.6, 0.2]).unwrap().frame();
        assert_eq!(frame.sizes, [5, 1, 7]);
        assert_eq!(frame.axes, [Some(1), None, Some(2)]);
        assert_eq!((frame.squares, frame.unit, frame.exact), ([9.0, 1.0, 1.0], 0.2, true));
        assert_eq!(Grid::unit(&[1]).unwrap().frame().sizes, [1, 1, 1]);
        assert_eq!(Grid::unit(&[4, 0, 1]).unwrap().frame().sizes, [4, 1, 0]);
    }

    #[test]
    fn only_whole_squares_below_2_to_the_24_are_exact() {
        let exact =
            |shape: &[usize], spacing: &[f64]| Grid::new(shape, spacing).unwrap().frame().exact;
        assert!(exact(&[256, 256, 256], &[2.0, 1.0, 1.0]));
        assert!(!exact(&[256, 256, 256], &[1.5, 1.0, 1.0]));
        assert!(exact(&[4097], &[0.3]) && !exact(&[4098], &[0.3]));
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        let message =
            |shape: &[usize], spacing: &[f64]| Grid::new(shape, spacing).unwrap_err().to_string();
        assert_eq!(message(&[], &[]), "shape: found [], wanted one to three axes");
        assert_eq!(
            message(&[1; 4], &[1.0; 4]),
            "shape: found [1, 1, 1, 1], wanted one to three axes"
        );
        assert_eq!(
            message(&[0, 1 << 40, 1 << 40], &[1.0; 3]),
            "shape: found [0, 1099511627776, 1099511627776], wanted as many voxels as memory can have"
        );
        assert_eq!(
            message(&[2, 2], &[1.0]),
            "spacing: found 1 numbers, wanted 2, one for each axis"
        );
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let found = message(&[2], &[wrong]);
            assert_eq!(
                found,
                format!(
                    "spacing: found {wrong} along axis 0, wanted 1e-9 to 1e9, in any unit of length"
                )
            );
        }
        assert_eq!(
            message(&[2, 2], &[1e-3, 1e4]),
            "spacing: found 10000 beside 0.001, wanted at most a million times the smallest"
        );
    }
}
