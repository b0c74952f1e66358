//! Hard metrics, from counts.

use serde::{Deserialize, Serialize};

use super::ratio;

/// Voxels of a class that a hard prediction gets right and wrong.
///
/// Every metric is `None` where it is 0 / 0: nothing there and nothing found, in the case of
/// [`dice`](Self::dice). Leave such classes out of a mean, or take them as 1 with
/// `unwrap_or(1.0)`.
///
/// ```
/// use dice_loss::Counts;
/// let counts = Counts { true_positives: 6, false_positives: 2, false_negatives: 4 };
/// assert_eq!(counts.dice(), Some(12.0 / 18.0));
/// assert_eq!(counts.iou(), Some(0.5));
/// assert_eq!(counts.precision(), Some(0.75));
/// assert_eq!(counts.recall(), Some(0.6));
/// assert_eq!(counts.specificity(100), Some(88.0 / 90.0));
/// assert_eq!(Counts::default().dice(), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// In the class, and predicted so.
    pub true_positives: u64,
    /// Predicted, but not in the class.
    pub false_positives: u64,
    /// In the class, but not predicted.
    pub false_negatives: u64,
}

impl Counts {
    /// Of two masks of the same length, in which every voxel counts.
    ///
    /// Fails if the lengths differ.
    pub fn of(prediction: &[bool], reference: &[bool]) -> crate::Result<Self> {
        if prediction.len() != reference.len() {
            return Err(crate::Error::Shape {
                what: "prediction",
                found: vec![prediction.len()],
                wanted: format!("{} voxels, as the reference", reference.len()),
            });
        }
        let mut counts = Self::default();
        for pair in prediction.iter().zip(reference) {
            match pair {
                (true, true) => counts.true_positives += 1,
                (true, false) => counts.false_positives += 1,
                (false, true) => counts.false_negatives += 1,
                (false, false) => {}
            }
        }
        Ok(counts)
    }

    /// Dice coefficient, or F1: 2 TP / (2 TP + FP + FN).
    pub fn dice(&self) -> Option<f64> {
        let found = 2 * self.true_positives;
        ratio(found, found + self.false_positives + self.false_negatives)
    }

    /// Intersection over union, or Jaccard index: TP / (TP + FP + FN).
    pub fn iou(&self) -> Option<f64> {
        let found = self.true_positives;
        ratio(found, found + self.false_positives + self.false_negatives)
    }

    /// TP / (TP + FP).
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Sensitivity: TP / (TP + FN).
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// TN / (TN + FP), of so many voxels in all; `None` if there are fewer than were counted.
    pub fn specificity(&self, voxels: u64) -> Option<f64> {
        let Self { true_positives, false_positives, false_negatives } = *self;
        let others = true_positives + false_positives + false_negatives;
        let true_negatives = voxels.checked_sub(others)?;
        ratio(true_negatives, true_negatives + false_positives)
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut all, counts| {
            all += counts;
            all
        })
    }
}
