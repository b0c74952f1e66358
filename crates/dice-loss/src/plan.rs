//! What an objective needs from the voxels: which sums, of which activation, in which column.

use serde::{Deserialize, Serialize};

use crate::{
    Activation, Decision, Objective, Result,
    error::parameter,
    real::{DIRECTIONS, Uses},
    term::Loss,
    voxel::VoxelLoss,
};

/// One column of the moments: a sum that every class of every sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Column {
    /// Σ w g.
    Reference,
    /// Σ w g².
    ReferenceSquared,
    /// Σ w.
    Voxels,
    /// True positives, voxels not weighted; false positives and negatives follow.
    TruePositives,
    FalsePositives,
    FalseNegatives,
    /// The sum of a direction of [`Sums`](crate::Sums).
    Sum(Activation, usize),
    /// Σ w g (−ln p), unannotated classes merged into the background.
    LogLoss(Activation),
    /// Σ w (−ln p) over all voxels: label smoothing.
    LogLossOfAll(Activation),
    /// Σ w g, unannotated classes merged into the background.
    Merged(Activation),
    /// Σ w g (−ln p) and Σ w (1 − g)(−ln(1 − p)), each class by itself.
    Positive(Activation),
    Negative(Activation),
    /// The same with the focal factor of a term.
    Focal(usize),
    FocalNegative(usize),
}

/// Cross-entropy's columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogLoss {
    pub of_reference: usize,
    pub of_all: Option<usize>,
}

/// A focal term's columns.
#[derive(Debug, Clone)]
pub(crate) struct FocalPlan {
    pub term: usize,
    /// Each class's exponent.
    pub gamma: Vec<f64>,
    pub positive: usize,
    /// Under sigmoid.
    pub negative: Option<usize>,
}

/// All that the terms of one activation need.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub activation: Activation,
    /// The column of each direction that some formula reads.
    pub sums: [Option<usize>; DIRECTIONS],
    /// Row-major C × C, largest entry 1, if some formula reads transport.
    pub distances: Option<Vec<f64>>,
    pub log_loss: Option<LogLoss>,
    /// Σ w g with unannotated classes merged: the normaliser of softmax voxel terms.
    pub merged: Option<usize>,
    /// Binary cross-entropy's columns.
    pub binary: Option<[usize; 2]>,
    pub focal: Vec<FocalPlan>,
}

/// What the sweeps do for an objective.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub identity: String,
    pub classes: usize,
    pub columns: Vec<Column>,
    pub groups: Vec<Group>,
    pub decision: Option<(Decision, Activation)>,
    pub terms: Vec<(f64, crate::Term)>,
}

impl Plan {
    pub const REFERENCE: usize = 0;
    pub const REFERENCE_SQUARED: usize = 1;
    pub const VOXELS: usize = 2;
    /// Where the counts start, if there are any.
    pub const COUNTS: usize = 3;

    pub fn new(objective: &Objective, classes: usize) -> Result<Self> {
        let mut plan = Self {
            identity: objective.identity(),
            classes,
            columns: vec![Column::Reference, Column::ReferenceSquared, Column::Voxels],
            groups: Vec::new(),
            decision: objective.decided_by().zip(objective.first_activation()),
            terms: objective.resolved(),
        };
        if plan.decision.is_some() {
            plan.columns.extend([
                Column::TruePositives,
                Column::FalsePositives,
                Column::FalseNegatives,
            ]);
        }
        for activation in Activation::ALL {
            plan.add_group(activation)?;
        }
        Ok(plan)
    }

    /// The group of an activation that some term has.
    pub fn group(&self, activation: Activation) -> Option<&Group> {
        self.groups.iter().find(|group| group.activation == activation)
    }

    fn column(&mut self, column: Column) -> usize {
        self.columns.push(column);
        self.columns.len() - 1
    }

    fn add_group(&mut self, activation: Activation) -> Result<()> {
        let terms: Vec<_> = (0..self.terms.len())
            .filter(|&term| self.terms[term].1.activation == activation)
            .map(|term| (term, self.terms[term].1.loss.clone()))
            .collect();
        if terms.is_empty() {
            return Ok(());
        }
        let mut group = Group {
            activation,
            sums: [None; DIRECTIONS],
            distances: None,
            log_loss: None,
            merged: None,
            binary: None,
            focal: Vec::new(),
        };
        for (term, loss) in &terms {
            match loss {
                Loss::Overlap(formula) => {
                    self.add_sums(&mut group, formula.uses());
                    if let Some(distances) = formula.distances() {
                        let matrix = distances.normalised(self.classes);
                        if group.distances.as_ref().is_some_and(|other| *other != matrix) {
                            return parameter(
                                format!("{}: distances", formula.name()),
                                "two different matrices",
                                "one matrix of distances for each activation",
                            );
                        }
                        group.distances = Some(matrix);
                    }
                }
                Loss::Voxel(loss) => self.add_voxel_loss(&mut group, *term, loss),
            }
        }
        self.groups.push(group);
        Ok(())
    }

    fn add_sums(&mut self, group: &mut Group, uses: Uses) {
        for direction in 0..DIRECTIONS {
            if uses.contains(direction) && group.sums[direction].is_none() {
                group.sums[direction] = Some(self.column(Column::Sum(group.activation, direction)));
            }
        }
    }

    fn add_voxel_loss(&mut self, group: &mut Group, term: usize, loss: &VoxelLoss) {
        let activation = group.activation;
        match loss {
            VoxelLoss::CrossEntropy(loss) => {
                self.add_merged(group);
                let mut columns = group.log_loss.unwrap_or_else(|| LogLoss {
                    of_reference: self.column(Column::LogLoss(activation)),
                    of_all: None,
                });
                if loss.label_smoothing > 0.0 && columns.of_all.is_none() {
                    columns.of_all = Some(self.column(Column::LogLossOfAll(activation)));
                }
                group.log_loss = Some(columns);
            }
            VoxelLoss::BinaryCrossEntropy(_) => {
                if group.binary.is_none() {
                    group.binary = Some([
                        self.column(Column::Positive(activation)),
                        self.column(Column::Negative(activation)),
                    ]);
                }
            }
            VoxelLoss::Focal(loss) => {
                let positive = self.column(Column::Focal(term));
                let negative = match activation {
                    Activation::Softmax => {
                        self.add_merged(group);
                        None
                    }
                    _ => Some(self.column(Column::FocalNegative(term))),
                };
                let gamma = (0..self.classes).map(|class| loss.gamma.at(class)).collect();
                group.focal.push(FocalPlan { term, gamma, positive, negative });
            }
        }
    }

    fn add_merged(&mut self, group: &mut Group) {
        if group.merged.is_none() {
            group.merged = Some(self.column(Column::Merged(group.activation)));
        }
    }
}
