//! Hard metrics of centrelines.

use std::ops::AddAssign;

use dice_loss_morphology::{Grid, skeletonize};
use serde::{Deserialize, Serialize};

use super::ratio;
use crate::{Error, Result, morphology::stoppable, room};

/// How much of the centrelines of a hard prediction and of a reference lies in the other mask: clDice
/// (Shit et al. 2021, <https://arxiv.org/abs/2003.07311>).
///
/// Centrelines are skeletons, one voxel wide, of masks thinned as
/// [`skeletonize`] has it. Everything adds up over samples. Every metric is `None` where it is 0 / 0.
///
/// ```
/// use dice_loss::{Centerlines, Grid};
/// let grid = Grid::unit(&[3, 6])?;
/// let mask = |rows: [&str; 3]| rows.concat().bytes().map(|b| b == b'#').collect::<Vec<_>>();
/// let reference = mask(["......", "######", "......"]);
/// let prediction = mask(["......", "##.###", "......"]);
/// let lines = Centerlines::of(&prediction, &reference, &grid)?;
/// assert_eq!((lines.precision(), lines.sensitivity()), (Some(1.0), Some(5.0 / 6.0)));
/// assert_eq!(lines.cldice(), Some(2.0 * (5.0 / 6.0) / (1.0 + 5.0 / 6.0)));
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Centerlines {
    /// Voxels of the reference's skeleton.
    pub reference: u64,
    /// Those of them that were predicted.
    pub found: u64,
    /// Voxels of the prediction's skeleton.
    pub predicted: u64,
    /// Those of them that lie in the reference.
    pub right: u64,
}

impl Centerlines {
    /// Of two masks on one grid, whose spacing does not matter. A voxel that does not count is in neither.
    ///
    /// Takes a byte for each voxel, and what [`skeletonize`] takes. Fails for masks that are not the grid's,
    /// and as the morphology does.
    pub fn of(prediction: &[bool], reference: &[bool], grid: &Grid) -> Result<Self> {
        for (what, mask) in [("prediction", prediction), ("reference", reference)] {
            if mask.len() != grid.voxels() {
                return Err(Error::Shape {
                    what,
                    found: vec![mask.len()],
                    wanted: format!("{} voxels, as the grid", grid.voxels()),
                });
            }
        }
        room::expect(grid.voxels(), size_of::<bool>(), "the skeleton of a mask")?;
        let mut skeleton = vec![false; grid.voxels()];
        let mut of = |mask: &[bool], other: &[bool]| {
            stoppable(|| skeletonize(mask, &[true], grid, &mut skeleton))?;
            let inside = skeleton.iter().zip(other).filter(|(line, _)| **line);
            let (all, both) =
                inside.fold((0, 0), |(all, both), (_, other)| (all + 1, both + u64::from(*other)));
            Ok::<_, Error>((all, both))
        };
        let (reference_voxels, found) = of(reference, prediction)?;
        let (predicted, right) = of(prediction, reference)?;
        Ok(Self { reference: reference_voxels, found, predicted, right })
    }

    /// Topology precision: the share of the prediction's centrelines that lies in the reference.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.right, self.predicted)
    }

    /// Topology sensitivity: the share of the reference's centrelines that was predicted.
    pub fn sensitivity(&self) -> Option<f64> {
        ratio(self.found, self.reference)
    }

    /// The harmonic mean of both. 0 where one of them is 0, or where only one of the masks has voxels.
    pub fn cldice(&self) -> Option<f64> {
        match (self.precision(), self.sensitivity()) {
            (None, None) => None,
            (Some(precision), Some(sensitivity)) if precision + sensitivity > 0.0 => {
                Some(2.0 * precision * sensitivity / (precision + sensitivity))
            }
            _ => Some(0.0),
        }
    }
}

impl AddAssign for Centerlines {
    fn add_assign(&mut self, other: Self) {
        self.reference += other.reference;
        self.found += other.found;
        self.predicted += other.predicted;
        self.right += other.right;
    }
}

impl std::iter::Sum for Centerlines {
    fn sum<I: Iterator<Item = Self>>(lines: I) -> Self {
        lines.fold(Self::default(), |mut all, lines| {
            all += lines;
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thick_tube_is_thinned_first() {
        // The middle row of three; and a prediction of the upper two, whose skeleton is one row.
        let grid = Grid::unit(&[5, 12]).unwrap();
        let mask = |rows: std::ops::Range<usize>| -> Vec<bool> {
            (0..60).map(|at| rows.contains(&(at / 12))).collect()
        };
        let lines = Centerlines::of(&mask(1..3), &mask(1..4), &grid).unwrap();
        assert_eq!(lines.precision(), Some(1.0));
        assert_eq!(lines.sensitivity(), Some(1.0));
        // Two rows off, nothing meets.
        let lines = Centerlines::of(&mask(0..1), &mask(2..5), &grid).unwrap();
        assert_eq!((lines.right, lines.found, lines.cldice()), (0, 0, Some(0.0)));
    }

    #[test]
    fn nothing_is_no_number_and_half_of_nothing_is_0() {
        let grid = Grid::unit(&[2, 2, 2]).unwrap();
        let (none, all) = ([false; 8], [true; 8]);
        assert_eq!(Centerlines::of(&none, &none, &grid).unwrap().cldice(), None);
        assert_eq!(Centerlines::of(&none, &all, &grid).unwrap().cldice(), Some(0.0));
        assert_eq!(Centerlines::of(&all, &none, &grid).unwrap().cldice(), Some(0.0));
        let sum: Centerlines = [(&all, &all), (&all, &none)]
            .iter()
            .map(|(p, g)| Centerlines::of(*p, *g, &grid).unwrap())
            .sum();
        assert_eq!(sum.predicted, 2 * sum.reference);
        assert!(Centerlines::of(&all, &[true; 7], &grid).is_err());
    }
}
