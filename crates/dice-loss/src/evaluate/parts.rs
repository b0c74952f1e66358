//! What [`evaluate`](super::evaluate) does, as plain data, for who does it elsewhere.

use super::voxel::{counted, unreduced};
use crate::{
    Absent, Pool, Sum, Tape,
    plan::{Plan, Planned},
    term::Loss,
};

/// A term of an objective, for one number of classes.
#[derive(Debug, Clone)]
pub struct TermParts<'a> {
    /// Its weight in the objective.
    pub weight: f64,
    /// The weight of each class; 0 takes no part.
    pub class_weights: Vec<f64>,
    /// Whether they were said for this term or the objective; otherwise each is 1 or 0.
    pub is_weighted: bool,
    /// What it makes of the sums.
    pub loss: LossParts<'a>,
}

/// What a term makes of the sums.
#[derive(Debug, Clone)]
pub enum LossParts<'a> {
    /// A formula, for each class or for each row of classes.
    Overlap {
        /// The formula.
        tape: &'a Tape,
        /// What it is computed over.
        pool: Pool,
        /// What it makes of absent classes.
        absent: Absent,
        /// The columns of the sums that it reads, with its map if it names one. Whether a class is
        /// absent is for the sum of the reference without a map to say, the first column of all.
        columns: Vec<(Sum, usize)>,
    },
    /// A weighted sum of log losses, over a sum of weights.
    Voxel {
        /// Columns, and what each class's sum is multiplied with: its weight is part of that.
        log_losses: Vec<(usize, Vec<f64>)>,
        /// The column whose sums, times the weights of the classes, a mean divides by.
        counted: usize,
    },
}

impl Plan {
    pub(crate) fn parts(&self) -> impl Iterator<Item = TermParts<'_>> {
        self.terms.iter().map(|planned| TermParts {
            weight: planned.weight,
            class_weights: planned.term.weights(self.classes),
            is_weighted: planned.term.class_weights.is_some(),
            loss: self.loss_parts(planned),
        })
    }

    fn loss_parts<'a>(
        &'a self,
        Planned { term, group, map, place, .. }: &'a Planned,
    ) -> LossParts<'a> {
        match &term.loss {
            Loss::Overlap(formula) => {
                let [reference, reference_squared] = self.of_reference(*map);
                let of_data = [
                    (Sum::Reference, reference),
                    (Sum::ReferenceSquared, reference_squared),
                    (Sum::Voxels, Some(Self::VOXELS)),
                    (Sum::Mapped, map.and_then(|map| self.maps[map].mapped)),
                ];
                let of_data = of_data.into_iter().filter_map(|(sum, column)| Some((sum, column?)));
                let of_prediction = group.iter().flat_map(|group| {
                    let sums = self.groups[*group].sums.each();
                    sums.filter_map(|(direction, column)| Some((direction.sum(), column?)))
                });
                let tape = formula.tape();
                let is_read = |(sum, _): &(Sum, usize)| tape.reads(*sum);
                LossParts::Overlap {
                    tape,
                    pool: term.pool.unwrap_or_default(),
                    absent: term.absent.unwrap_or_default(),
                    columns: of_data.chain(of_prediction).filter(is_read).collect(),
                }
            }
            Loss::Voxel(loss) => {
                let factors = unreduced(term, loss, self.classes);
                let factors = [factors.positive, factors.negative, factors.all];
                let group = place.map(|place| (&self.groups[place.group], place.losses));
                let columns = group.map_or([None; 3], |(group, losses)| group.columns(losses));
                let log_losses = columns.into_iter().zip(factors);
                LossParts::Voxel {
                    log_losses: log_losses
                        .filter_map(|(column, factors)| Some((column?, factors)))
                        .filter(|(_, factors)| !factors.is_empty())
                        .collect(),
                    counted: group.map_or(Self::VOXELS, |(group, _)| counted(self, group, loss)),
                }
            }
        }
    }
}
