//! Hard metrics of lesions, one by one.

use std::{collections::HashMap, ops::AddAssign};

use dice_loss_morphology::{
    Component, Connectivity, Grid, connected_components, nearest_component,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Counts, ratio, share};
use crate::{Error, Result, error::stated, morphology::stoppable};

/// Voxels that are worth a job of their own.
const JOB: usize = 1 << 16;

/// Lesions of a class that a hard prediction finds, misses and invents.
///
/// A lesion is a connected component, of the reference or of the prediction; cells, nuclei and
/// vehicles are as good. Everything adds up over samples. Every metric is `None` where it is 0 / 0,
/// nothing there and nothing found.
///
/// Three ways of counting lie side by side, since no two benchmarks have the same:
///
/// - **by overlap**: [`recall`](Self::recall), [`precision`](Self::precision), [`f1`](Self::f1). A
///   lesion of the reference is found, and one of the prediction is right, if as large a share of its
///   voxels as was asked for lies in the other mask, in whatever lesions of it.
/// - **one to one**: [`panoptic_quality`](Self::panoptic_quality) (Kirillov et al., 2019,
///   arXiv:1801.00868). Two lesions match if their intersection over union is above ½, so each
///   has one match at most.
/// - **by cells**: [`cc_dice`](Self::cc_dice) (Jaus et al., 2024, arXiv:2410.18684), the mean Dice
///   coefficient over the Voronoi cells of the reference's lesions, large and small alike.
///
/// ```
/// use dice_loss::{Connectivity, Grid, Lesions};
/// let grid = Grid::unit(&[3, 6])?;
/// let mask = |rows: [&str; 3]| rows.concat().bytes().map(|b| b == b'#').collect::<Vec<_>>();
/// let reference = mask(["##...#", "##....", "......"]);
/// let prediction = mask(["##....", "#.....", ".....#"]);
/// let lesions = Lesions::of(&prediction, &reference, &grid, Connectivity::Corners, 0.0)?;
/// // The large one is found; the small one is missed, and one is invented below it.
/// assert_eq!((lesions.recall(), lesions.precision()), (Some(0.5), Some(0.5)));
/// assert_eq!((lesions.missed(), lesions.false_positives()), (1, 1));
/// assert_eq!(lesions.panoptic_quality(), Some(2.0 * 0.75 / 4.0));
/// assert_eq!(lesions.cc_dice(), Some((6.0 / 7.0 + 0.0) / 2.0));
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Lesions {
    /// Lesions of the reference.
    pub reference: u64,
    /// Those of them that the prediction found.
    pub found: u64,
    /// Lesions of the prediction.
    pub predicted: u64,
    /// Those of them that the reference confirms.
    pub right: u64,
    /// Pairs with an intersection over union above ½.
    pub matched: u64,
    /// The sum of theirs.
    pub matched_iou: f64,
    /// Cells: one for each lesion of the reference, or one in all where there is none and something
    /// was predicted.
    pub cells: u64,
    /// The sum of their Dice coefficients.
    pub cell_dice: f64,
}

impl Lesions {
    /// Of two masks on one grid. A voxel that does not count is in neither.
    ///
    /// - **Overlap**: the share of a lesion's voxels, 0 to 1, that must be in the other mask for it
    ///   to be found, or right; 0 is one voxel.
    /// - **Cells**: a voxel belongs to the nearest lesion of the reference, in the grid's spacing; of
    ///   equally near ones to the first.
    /// - **Memory**: 20 bytes a voxel, and what
    ///   [`connected_components`] takes.
    ///
    /// Fails for masks that are not the grid's, for an overlap out of range, and as the morphology does.
    pub fn of(
        prediction: &[bool],
        reference: &[bool],
        grid: &Grid,
        connectivity: Connectivity,
        overlap: f64,
    ) -> Result<Self> {
        for (what, mask) in [("prediction", prediction), ("reference", reference)] {
            if mask.len() != grid.voxels() {
                return Err(Error::Shape {
                    what,
                    found: vec![mask.len()],
                    wanted: format!("{} voxels, as the grid", grid.voxels()),
                });
            }
        }
        if !(0.0..=1.0).contains(&overlap) {
            return stated("overlap", overlap.to_string(), "0 to 1, a share of a lesion's voxels");
        }
        let own = Map::of(reference, grid, connectivity)?;
        let predicted = Map::of(prediction, grid, connectivity)?;
        let shared = Shared::of(&own, &predicted)?;
        let is_met = |shared: u64, lesion: &Component| {
            shared > 0 && shared as f64 >= overlap * lesion.voxels as f64
        };
        let met = |lesions: &[Component], shared: &[u64]| {
            lesions.iter().zip(shared).filter(|&(lesion, &shared)| is_met(shared, lesion)).count()
        };
        let mut lesions = Self {
            reference: own.lesions.len() as u64,
            found: met(&own.lesions, &shared.of_reference) as u64,
            predicted: predicted.lesions.len() as u64,
            right: met(&predicted.lesions, &shared.of_prediction) as u64,
            ..Self::default()
        };
        for &((one, other), both) in &shared.pairs {
            let size = |map: &Map, number: u32| map.lesions[number as usize - 1].voxels as u64;
            let either = size(&own, one) + size(&predicted, other) - both;
            if 2 * both > either {
                lesions.matched += 1;
                lesions.matched_iou += both as f64 / either as f64;
            }
        }
        let cells = cells(prediction, reference, &own, grid)?;
        let dice: Vec<_> = cells.iter().filter_map(Counts::dice).collect();
        lesions.cells = dice.len() as u64;
        lesions.cell_dice = dice.iter().sum();
        Ok(lesions)
    }

    /// Lesions of the reference that were not found.
    pub fn missed(&self) -> u64 {
        self.reference.saturating_sub(self.found)
    }

    /// Lesions of the prediction that the reference does not confirm.
    pub fn false_positives(&self) -> u64 {
        self.predicted.saturating_sub(self.right)
    }

    /// Lesion-wise sensitivity: found / reference.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.found, self.reference)
    }

    /// Lesion-wise precision: right / predicted.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.right, self.predicted)
    }

    /// The harmonic mean of lesion-wise recall and precision. 0 where one of them is 0, or where only
    /// one of the masks has lesions.
    pub fn f1(&self) -> Option<f64> {
        match (self.recall(), self.precision()) {
            (None, None) => None,
            (Some(recall), Some(precision)) if recall + precision > 0.0 => {
                Some(2.0 * recall * precision / (recall + precision))
            }
            _ => Some(0.0),
        }
    }

    /// Panoptic quality: Σ IoU of the matches / (TP + ½ FP + ½ FN), which is
    /// [`segmentation_quality`](Self::segmentation_quality) times
    /// [`recognition_quality`](Self::recognition_quality).
    pub fn panoptic_quality(&self) -> Option<f64> {
        share(2.0 * self.matched_iou, self.reference + self.predicted)
    }

    /// The mean intersection over union of the matches; `None` without one.
    pub fn segmentation_quality(&self) -> Option<f64> {
        share(self.matched_iou, self.matched)
    }

    /// F1 of the matches: TP / (TP + ½ FP + ½ FN).
    pub fn recognition_quality(&self) -> Option<f64> {
        ratio(2 * self.matched, self.reference + self.predicted)
    }

    /// The mean Dice coefficient over the cells of all lesions of the reference. Where there is none,
    /// the whole volume is one cell: 0 if something was predicted, `None` if not.
    pub fn cc_dice(&self) -> Option<f64> {
        share(self.cell_dice, self.cells)
    }
}

impl AddAssign for Lesions {
    fn add_assign(&mut self, other: Self) {
        self.reference += other.reference;
        self.found += other.found;
        self.predicted += other.predicted;
        self.right += other.right;
        self.matched += other.matched;
        self.matched_iou += other.matched_iou;
        self.cells += other.cells;
        self.cell_dice += other.cell_dice;
    }
}

impl std::iter::Sum for Lesions {
    fn sum<I: Iterator<Item = Self>>(lesions: I) -> Self {
        lesions.fold(Self::default(), |mut all, lesions| {
            all += lesions;
            all
        })
    }
}

/// The lesions of a mask, and which of them each voxel belongs to.
struct Map {
    numbers: Vec<u32>,
    lesions: Vec<Component>,
}

impl Map {
    fn of(mask: &[bool], grid: &Grid, connectivity: Connectivity) -> Result<Self> {
        let mut numbers = zeros(mask.len())?;
        let lesions =
            stoppable(|| connected_components(mask, &[true], grid, connectivity, &mut numbers))?;
        Ok(Self { numbers, lesions })
    }
}

/// Voxels that lie in both masks.
struct Shared {
    /// Of a lesion of the reference and one of the prediction, in the order of their numbers.
    pairs: Vec<((u32, u32), u64)>,
    /// Of each lesion of the reference.
    of_reference: Vec<u64>,
    /// Of each lesion of the prediction.
    of_prediction: Vec<u64>,
}

impl Shared {
    fn of(reference: &Map, prediction: &Map) -> Result<Self> {
        let parts = reference.numbers.par_chunks(JOB).zip(prediction.numbers.par_chunks(JOB));
        let pairs = parts
            .map(|(reference, prediction)| {
                let mut pairs = HashMap::new();
                for (&one, &other) in reference.iter().zip(prediction) {
                    if one != 0 && other != 0 {
                        *pairs.entry((one, other)).or_insert(0) += 1;
                    }
                }
                pairs
            })
            .reduce(HashMap::new, |mut all, part| {
                part.into_iter().for_each(|(pair, count)| *all.entry(pair).or_insert(0) += count);
                all
            });
        let mut pairs: Vec<((u32, u32), u64)> = pairs.into_iter().collect();
        pairs.sort_unstable();
        let mut of_reference = vec![0; reference.lesions.len()];
        let mut of_prediction = vec![0; prediction.lesions.len()];
        for &((one, other), both) in &pairs {
            of_reference[one as usize - 1] += both;
            of_prediction[other as usize - 1] += both;
        }
        Ok(Self { pairs, of_reference, of_prediction })
    }
}

/// The counts of each cell.
fn cells(prediction: &[bool], reference: &[bool], own: &Map, grid: &Grid) -> Result<Vec<Counts>> {
    if own.lesions.len() < 2 {
        return Ok(vec![Counts::of(prediction, reference)?]);
    }
    let mut nearest = zeros(own.numbers.len())?;
    stoppable(|| nearest_component(&own.numbers, grid, &mut nearest))?;
    let mut cells = vec![Counts::default(); own.lesions.len()];
    for ((&cell, &p), &g) in nearest.iter().zip(prediction).zip(reference) {
        let counts = &mut cells[cell as usize - 1];
        counts.true_positives += u64::from(p && g);
        counts.false_positives += u64::from(p && !g);
        counts.false_negatives += u64::from(g && !p);
    }
    Ok(cells)
}

fn zeros(voxels: usize) -> Result<Vec<u32>> {
    let mut zeros = Vec::new();
    let bytes = voxels.saturating_mul(4);
    let room = zeros.try_reserve_exact(voxels);
    room.map_err(|_| Error::Memory { what: "numbers of the lesions", bytes })?;
    zeros.resize(voxels, 0);
    Ok(zeros)
}
