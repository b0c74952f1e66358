//! The derivatives that sweep 2 pulls back, with the upstream gradient folded in.

use super::{
    Verdict,
    voxel::{Factors, unreduced},
};
use crate::{
    Error, Layout, Logits, Result,
    plan::{Group, Plan},
    real::DIRECTIONS,
    term::Loss,
    voxel::VoxelLoss,
};

/// The gradient by the output, which [`pull_back`](crate::Objective::pull_back) multiplies with.
#[derive(Debug, Clone, Copy)]
pub enum Upstream<'a> {
    /// By a loss that is a number. For [`Reduction::None`](crate::Reduction::None): by every value
    /// alike.
    Scalar(f64),
    /// By the [values](crate::Verdict::values) of overlap terms, in their shape.
    Values(&'a [f64]),
    /// By a map of voxel losses, in its shape.
    Map(Logits<'a>),
}

impl From<f64> for Upstream<'_> {
    fn from(scalar: f64) -> Self {
        Self::Scalar(scalar)
    }
}

impl<'a> From<&'a [f64]> for Upstream<'a> {
    fn from(values: &'a [f64]) -> Self {
        Self::Values(values)
    }
}

impl<'a> From<Logits<'a>> for Upstream<'a> {
    fn from(map: Logits<'a>) -> Self {
        Self::Map(map)
    }
}

/// What sweep 2 multiplies with.
#[derive(Debug)]
pub(crate) struct Slopes<'u> {
    pub groups: Vec<GroupSlopes>,
    /// For a map of voxel losses: the gradient by each voxel's own.
    pub map: Option<Logits<'u>>,
}

/// The slopes of the terms of one activation.
#[derive(Debug)]
pub(crate) struct GroupSlopes {
    /// (sample, class): ∂loss/∂sum for each direction; empty without overlap terms.
    pub partials: Vec<[f64; DIRECTIONS]>,
    /// Of the voxel terms: of each sample, or of all alike.
    voxel: Vec<VoxelSlopes>,
}

impl GroupSlopes {
    /// The slopes of the voxel terms in a sample.
    pub fn voxel(&self, sample: usize) -> &VoxelSlopes {
        &self.voxel[if self.voxel.len() == 1 { 0 } else { sample }]
    }
}

/// What each class's log losses are multiplied with.
#[derive(Debug, Default)]
pub(crate) struct VoxelSlopes {
    /// Cross-entropy, by class: t_k = positive g + all.
    pub cross_entropy: Option<Factors>,
    /// Binary cross-entropy, by class.
    pub binary: Option<Factors>,
    /// Focal terms, in the order of the plan.
    pub focal: Vec<Factors>,
}

impl VoxelSlopes {
    /// Sorts the factors of voxel terms into the group they belong to.
    fn new(plan: &Plan, group: &Group, factors: &[Factors]) -> Self {
        let mut slopes = Self::default();
        for factors in factors {
            let term = &plan.terms[factors.term].1;
            let Loss::Voxel(loss) = &term.loss else { continue };
            if term.activation != group.activation {
                continue;
            }
            match loss {
                VoxelLoss::CrossEntropy(_) => add(&mut slopes.cross_entropy, factors),
                VoxelLoss::BinaryCrossEntropy(_) => add(&mut slopes.binary, factors),
                VoxelLoss::Focal(_) => slopes.focal.push(factors.clone()),
            }
        }
        slopes
    }

    /// Of derivatives by the columns themselves.
    fn of_columns<'c>(group: &Group, classes: usize, column: impl Fn(usize) -> &'c [f64]) -> Self {
        let of = |index: Option<usize>| index.map_or(vec![0.0; classes], |i| column(i).to_vec());
        let factors = |[positive, negative, all]: [Option<usize>; 3]| Factors {
            positive: of(positive),
            negative: of(negative),
            all: of(all),
            ..Factors::default()
        };
        Self {
            cross_entropy: group
                .log_loss
                .map(|columns| factors([Some(columns.of_reference), None, columns.of_all])),
            binary: group.binary.map(|[yes, no]| factors([Some(yes), Some(no), None])),
            focal: group
                .focal
                .iter()
                .map(|focal| Factors {
                    term: focal.term,
                    ..factors([Some(focal.positive), focal.negative, None])
                })
                .collect(),
        }
    }

    /// For a map of voxel losses: no mean is taken.
    pub fn unreduced(plan: &Plan, group: &Group) -> Self {
        let factors: Vec<_> = plan
            .terms
            .iter()
            .enumerate()
            .filter_map(|(index, (weight, term))| match &term.loss {
                Loss::Voxel(loss) => {
                    let mut factors = unreduced(index, term, loss, plan.classes);
                    factors.scale(*weight);
                    Some(factors)
                }
                Loss::Overlap(_) => None,
            })
            .collect();
        Self::new(plan, group, &factors)
    }
}

/// Terms with the same log losses differ only in their factors, which add up.
fn add(sum: &mut Option<Factors>, factors: &Factors) {
    let Some(sum) = sum else {
        *sum = Some(factors.clone());
        return;
    };
    let pairs = [
        (&mut sum.positive, &factors.positive),
        (&mut sum.negative, &factors.negative),
        (&mut sum.all, &factors.all),
    ];
    for (sum, factors) in pairs {
        sum.iter_mut().zip(factors).for_each(|(sum, factor)| *sum += factor);
    }
}

impl<'u> Slopes<'u> {
    /// Without slopes by the sums of what was not annotated: (sample, class), row-major.
    pub fn of_annotated(mut self, valid: &[bool]) -> Self {
        for group in &mut self.groups {
            let unannotated = group.partials.iter_mut().zip(valid).filter(|(_, valid)| !**valid);
            unannotated.for_each(|(partials, _)| *partials = [0.0; DIRECTIONS]);
        }
        self
    }

    /// Of derivatives by the moments themselves, row-major (row, column, class): a row for each
    /// sample, or one for all.
    pub fn of_moments(plan: &Plan, gradient: &[f64], logits: Layout) -> Result<Self> {
        let [samples, classes, voxels] = logits.shape();
        let row = plan.columns.len() * classes;
        if classes != plan.classes || ![row, samples * row].contains(&gradient.len()) {
            return Err(Error::Shape {
                what: "derivatives by the sums, logits",
                found: vec![gradient.len(), samples, classes, voxels],
                wanted: format!(
                    "{} classes, and {} × {} derivatives for each sample or for all",
                    plan.classes,
                    plan.columns.len(),
                    plan.classes
                ),
            });
        }
        let rows = if gradient.len() == row { 1 } else { samples };
        let at = |sample: usize, column: usize| {
            let start = if rows == 1 { 0 } else { sample * row };
            &gradient[start + column * classes..][..classes]
        };
        let groups = plan.groups.iter().map(|group| GroupSlopes {
            partials: match group.sums.iter().any(Option::is_some) {
                true => (0..samples * classes)
                    .map(|index| {
                        group.sums.map(|column| {
                            column.map_or(0.0, |c| at(index / classes, c)[index % classes])
                        })
                    })
                    .collect(),
                false => Vec::new(),
            },
            voxel: (0..rows)
                .map(|sample| VoxelSlopes::of_columns(group, classes, |c| at(sample, c)))
                .collect(),
        });
        Ok(Self { groups: groups.collect(), map: None })
    }
}

impl Verdict {
    /// Folds the upstream gradient in and lays the rows out for the samples of a batch.
    pub(crate) fn slopes<'u>(
        &self,
        upstream: &Upstream<'u>,
        plan: &Plan,
        logits: Layout,
    ) -> Result<Slopes<'u>> {
        let [samples, classes, voxels] = logits.shape();
        if classes != self.classes || !(self.pooled || samples == self.rows) {
            return Err(Error::Shape {
                what: "logits",
                found: vec![samples, classes, voxels],
                wanted: format!(
                    "the {} samples and {} classes of the verdict",
                    self.rows, self.classes
                ),
            });
        }
        let (scalar, values, map) = match *upstream {
            Upstream::Scalar(scalar) => (scalar, None, None),
            Upstream::Values(values) => (1.0, Some(self.check_values(values)?), None),
            Upstream::Map(map) => (1.0, None, Some(self.check_map(map, plan, logits)?)),
        };
        let mut factors = self.factors.clone();
        factors.iter_mut().for_each(|factors| factors.scale(scalar));
        let groups = plan.groups.iter().zip(&self.partials).map(|(group, partials)| {
            let voxel = vec![VoxelSlopes::new(plan, group, &factors)];
            let mut slopes = GroupSlopes { partials: Vec::new(), voxel };
            if group.sums.iter().any(Option::is_some) {
                slopes.partials = (0..samples * classes)
                    .map(|index| {
                        let (sample, class) = (index / classes, index % classes);
                        let row = if self.pooled { 0 } else { sample };
                        let cell = self.cells.index(row, class, classes);
                        let upstream = scalar * values.map_or(1.0, |values| values[cell]);
                        partials[row * classes + class].map(|partial| times(upstream, partial))
                    })
                    .collect();
            }
            slopes
        });
        Ok(Slopes { groups: groups.collect(), map })
    }

    fn check_values<'u>(&self, values: &'u [f64]) -> Result<&'u [f64]> {
        let wanted = self.values().map_or(0, <[f64]>::len);
        if values.len() == wanted {
            return Ok(values);
        }
        Err(Error::Shape {
            what: "upstream gradient",
            found: vec![values.len()],
            wanted: match self.values() {
                Some(_) => format!("{:?}, as the values", self.shape()),
                None => "a number: only overlap terms with reduction none have values".into(),
            },
        })
    }

    fn check_map<'u>(&self, map: Logits<'u>, plan: &Plan, logits: Layout) -> Result<Logits<'u>> {
        let [n, c, s] = logits.shape();
        let per_voxel = plan.terms.iter().all(|(_, term)| match &term.loss {
            Loss::Voxel(loss) => loss.is_per_voxel(term.activation),
            Loss::Overlap(_) => false,
        });
        let wanted = [n, if per_voxel { 1 } else { c }, s];
        let found = map.layout.shape();
        let has_map = self.has_map;
        if found == wanted && has_map {
            return Ok(map);
        }
        Err(Error::Shape {
            what: "upstream gradient",
            found: found.to_vec(),
            wanted: if has_map {
                format!("{wanted:?}, as the map of voxel losses")
            } else {
                "a number: only voxel terms with reduction none have a map".into()
            },
        })
    }
}

/// An infinite derivative of something that has no upstream gradient is no gradient.
fn times(upstream: f64, partial: f64) -> f64 {
    if upstream == 0.0 { 0.0 } else { upstream * partial }
}
