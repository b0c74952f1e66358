//! What was measured of each instance: for logging.

use super::Division;
use crate::{
    Counts, Moments, Sum,
    direction::Direction,
    plan::{Group, Plan},
};

/// One instance of a class, and how well it was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstanceDetails {
    /// The sample it lies in.
    pub sample: usize,
    /// Its class.
    pub class: usize,
    /// Which of its class's instances in the sample it is, counted from 1.
    pub number: usize,
    /// Hard counts of the voxels of its cell; of blobs, of its own voxels and the background. `None`
    /// without a [`decision`](crate::Objective::decision).
    pub counts: Option<Counts>,
    /// 2Σpg / (Σp + Σg) of the same voxels, under the first term's activation; `None` if these sums were
    /// not asked for.
    pub soft_dice: Option<f64>,
}

/// All instances of the classes that are looked at of which a voxel counts, sample by sample and class by
/// class; `None` of moments that were not measured just so.
pub(crate) fn details(plan: &Plan, moments: &Moments) -> Option<Vec<InstanceDetails>> {
    let known = moments.kept().0.as_deref()?;
    let first = plan.instanced.first()?;
    let is_seen = plan.classes_with_instances();
    let columns = Columns::new(plan);
    let mut found = Vec::new();
    for sample in 0..moments.samples() {
        for class in (0..moments.classes()).filter(|class| is_seen[*class]) {
            let mut rows = known.rows_of(sample * moments.classes() + class);
            let background = if rows.len() > 1 { rows.next() } else { None };
            let seen = background.filter(|_| first.division == Division::Blobs);
            for (number, row) in (1..).zip(rows) {
                let sum = |column: usize| row[column] + seen.map_or(0.0, |seen| seen[column]);
                if moments.is_valid(sample, class) && row[Plan::REFERENCE] > 0.0 {
                    let (counts, soft_dice) = (columns.counts(sum), columns.soft_dice(sum));
                    found.push(InstanceDetails { sample, class, number, counts, soft_dice });
                }
            }
        }
    }
    Some(found)
}

/// Where the sums are that are told of.
struct Columns {
    counts: Option<[usize; 3]>,
    /// Σpg and Σp.
    overlap: Option<[usize; 2]>,
}

impl Columns {
    fn new(plan: &Plan) -> Self {
        let count = |sum| plan.integrands.iter().position(|integrand| integrand.sum == sum);
        let counts = || {
            let sums = [Sum::TruePositives, Sum::FalsePositives, Sum::FalseNegatives];
            let [tp, fp, misses] = sums.map(count);
            Some([tp?, fp?, misses?])
        };
        let overlap = || {
            let activation = plan.terms.first()?.term.activation;
            let is_its = |group: &&Group| group.activation == activation && group.map.is_none();
            let sums = &plan.groups.iter().find(is_its)?.sums;
            Some([sums[Direction::Intersection]?, sums[Direction::Prediction]?])
        };
        Self { counts: counts(), overlap: overlap() }
    }

    fn counts(&self, sum: impl Fn(usize) -> f64) -> Option<Counts> {
        let [true_positives, false_positives, false_negatives] =
            self.counts?.map(|column| sum(column) as u64);
        Some(Counts { true_positives, false_positives, false_negatives })
    }

    fn soft_dice(&self, sum: impl Fn(usize) -> f64) -> Option<f64> {
        let [pg, p] = self.overlap?.map(&sum);
        Some(2.0 * pg / (p + sum(Plan::REFERENCE)))
    }
}
