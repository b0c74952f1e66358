//! Dice and IoU per class from counted voxels.

use crate::record::Score;

/// True positives, false positives and false negatives of every class, pooled over all slices counted so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    both: Vec<u64>,
    predicted: Vec<u64>,
    reference: Vec<u64>,
}

impl Counts {
    /// No voxel yet of any class.
    pub fn new(classes: usize) -> Self {
        let zeros = || vec![0; classes];
        Self { both: zeros(), predicted: zeros(), reference: zeros() }
    }

    /// Counts a slice; labels without a class are passed over.
    pub fn add(&mut self, predicted: &[u8], reference: &[u8]) {
        let classes = self.both.len();
        for (&p, &r) in predicted.iter().zip(reference) {
            let (p, r) = (usize::from(p), usize::from(r));
            if p < classes && r < classes {
                self.predicted[p] += 1;
                self.reference[r] += 1;
                self.both[p] += u64::from(p == r);
            }
        }
    }

    /// Dice and IoU of a class.
    pub fn score(&self, class: usize) -> Score {
        let both = self.both[class] as f64;
        let sum = (self.predicted[class] + self.reference[class]) as f64;
        if sum == 0.0 {
            return Score::default();
        }
        Score { dice: Some(2.0 * both / sum), iou: Some(both / (sum - both)) }
    }

    /// Dice and IoU of every class.
    pub fn scores(&self) -> Vec<Score> {
        (0..self.both.len()).map(|class| self.score(class)).collect()
    }
}

impl Score {
    /// Mean over the scores that there are.
    pub fn mean(scores: impl Iterator<Item = Self> + Clone) -> Self {
        let mean = |values: Vec<f64>| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            dice: mean(scores.clone().filter_map(|score| score.dice).collect()),
            iou: mean(scores.filter_map(|score| score.iou).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_by_hand() {
        let mut counts = Counts::new(4);
        counts.add(&[0, 1, 1, 2], &[0, 1, 2, 2]);
        counts.add(&[1], &[1]);
        assert_eq!(counts.score(0), Score { dice: Some(1.0), iou: Some(1.0) });
        assert_eq!(counts.score(1), Score { dice: Some(4.0 / 5.0), iou: Some(2.0 / 3.0) });
        assert_eq!(counts.score(2), Score { dice: Some(2.0 / 3.0), iou: Some(0.5) });
        assert_eq!(counts.score(3), Score::default());
    }

    #[test]
    fn means_leave_out_what_is_not_there() {
        let score = |dice| Score { dice, iou: None };
        let mean = Score::mean([score(Some(0.5)), score(None), score(Some(1.0))].into_iter());
        assert_eq!(mean, score(Some(0.75)));
        assert_eq!(Score::mean(std::iter::empty()), Score::default());
    }
}
