//! The derivatives that sweep 2 pulls back, with the upstream gradient folded in.

use std::sync::Arc;

use super::{
    Verdict,
    voxel::{Factors, unreduced},
};
use crate::{
    Error, Layout, Logits, Result,
    direction::ByDirection,
    instances::Instanced,
    plan::{FocalPlan, Group, LogLosses, Place, Plan, Planned},
    room,
    term::Loss,
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
    /// For each loss of instances, (sample, class): ∂loss/∂its loss.
    pub instanced: Vec<Vec<f64>>,
    /// Where the rows of each (sample, class) begin, and the last one's end, where it may have several.
    pub offsets: Option<Arc<[usize]>>,
    /// For a map of voxel losses: the gradient by each voxel's own.
    pub map: Option<Logits<'u>>,
}

/// The slopes of the terms of one activation.
#[derive(Debug)]
pub(crate) struct GroupSlopes {
    /// (sample, class), or of each row: ∂loss/∂sum for each direction; empty without overlap terms.
    pub partials: Vec<ByDirection<f64>>,
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
    /// Focal terms, for each of the group's exponents.
    focal: Vec<Option<Factors>>,
}

impl VoxelSlopes {
    /// Sorts the factors of voxel terms into the group they belong to, which has this number.
    fn new(plan: &Plan, index: usize, factors: &[(Place, Factors)]) -> Self {
        let focal = vec![None; plan.groups[index].focal.len()];
        let mut slopes = Self { focal, ..Self::default() };
        for (place, factors) in factors.iter().filter(|(place, _)| place.group == index) {
            match place.losses {
                LogLosses::CrossEntropy => add(&mut slopes.cross_entropy, factors),
                LogLosses::Binary => add(&mut slopes.binary, factors),
                LogLosses::Focal(exponents) => add(&mut slopes.focal[exponents], factors),
            }
        }
        slopes
    }

    /// Of derivatives by the columns themselves.
    fn of_columns(group: &Group, classes: usize, column: impl Fn(usize) -> Vec<f64>) -> Self {
        let factors = |losses| {
            let of = |index: Option<usize>| index.map_or_else(|| vec![0.0; classes], &column);
            let [positive, negative, all] = group.columns(losses).map(of);
            Factors { positive, negative, all }
        };
        let focal = 0..group.focal.len();
        Self {
            cross_entropy: group.log_loss.map(|_| factors(LogLosses::CrossEntropy)),
            binary: group.binary.map(|_| factors(LogLosses::Binary)),
            focal: focal.map(|index| Some(factors(LogLosses::Focal(index)))).collect(),
        }
    }

    /// For a map of voxel losses: no mean is taken.
    pub fn unreduced(plan: &Plan, index: usize) -> Self {
        let of_term = |planned: &Planned| match &planned.term.loss {
            Loss::Voxel(loss) => {
                let mut factors = unreduced(&planned.term, loss, plan.classes);
                factors.scale(planned.weight);
                planned.place.map(|place| (place, factors))
            }
            Loss::Overlap(_) => None,
        };
        let factors: Vec<_> = plan.terms.iter().filter_map(of_term).collect();
        Self::new(plan, index, &factors)
    }

    fn factors(&self) -> impl Iterator<Item = &Factors> {
        [&self.cross_entropy, &self.binary].into_iter().chain(&self.focal).flatten()
    }

    fn factors_mut(&mut self) -> impl Iterator<Item = &mut Factors> {
        [&mut self.cross_entropy, &mut self.binary].into_iter().chain(&mut self.focal).flatten()
    }

    /// Whether some focal term has slopes.
    pub fn has_focal(&self) -> bool {
        self.focal.iter().any(Option::is_some)
    }

    /// The focal terms that have slopes, with the group's exponents.
    #[inline(always)]
    pub fn focal<'a>(
        &'a self,
        group: &'a Group,
    ) -> impl Iterator<Item = (&'a FocalPlan, &'a Factors)> {
        let both = group.focal.iter().zip(&self.focal);
        both.filter_map(|(focal, factors)| Some((focal, factors.as_ref()?)))
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
        for group in self.groups.iter_mut().filter(|group| !group.partials.is_empty()) {
            for (index, _) in valid.iter().enumerate().filter(|(_, valid)| !**valid) {
                let rows = match &self.offsets {
                    Some(offsets) => offsets[index]..offsets[index + 1],
                    None => index..index + 1,
                };
                group.partials[rows].fill(ByDirection::default());
            }
        }
        self
    }

    /// The largest, without its sign. What is no number is none.
    pub fn largest(&self) -> f64 {
        let of_group = |group: &GroupSlopes| {
            let sums = group.partials.iter().flat_map(|partials| partials.each().map(|(_, by)| by));
            let largest = sums.map(f64::abs).fold(0.0, f64::max);
            group.voxel.iter().flat_map(VoxelSlopes::factors).fold(largest, |largest, factors| {
                factors.each().map(|factor| factor.abs()).fold(largest, f64::max)
            })
        };
        self.groups.iter().map(of_group).fold(0.0, f64::max)
    }

    /// All of them times a number.
    pub fn scaled(mut self, by: f64) -> Self {
        for group in &mut self.groups {
            for partials in &mut group.partials {
                *partials = partials.map(|partial| partial * by);
            }
            for factors in group.voxel.iter_mut().flat_map(VoxelSlopes::factors_mut) {
                factors.scale(by);
            }
        }
        self
    }

    /// Of derivatives by the moments themselves, row-major (sample, class, column): of each sample,
    /// or once for all.
    pub fn of_moments(plan: &Plan, gradient: &[f64], logits: Layout) -> Result<Self> {
        let [samples, classes, voxels] = logits.shape();
        let columns = plan.columns();
        let all = classes * columns;
        if classes != plan.classes || ![all, samples * all].contains(&gradient.len()) {
            return Err(Error::Shape {
                what: "derivatives by the sums, logits",
                found: vec![gradient.len(), samples, classes, voxels],
                wanted: format!(
                    "{0} classes, and {0} × {columns} derivatives for each sample or for all",
                    plan.classes,
                ),
            });
        }
        let given = if gradient.len() == all { 1 } else { samples };
        expect_room(plan, samples, given)?;
        let at = |sample: usize, class: usize, column: usize| {
            let sample = if given == 1 { 0 } else { sample };
            gradient[(sample * classes + class) * columns + column]
        };
        let groups = plan.groups.iter().map(|group| GroupSlopes {
            partials: match group.has_sums() {
                true => (0..samples * classes)
                    .map(|index| {
                        let of = |column| at(index / classes, index % classes, column);
                        group.sums.map(|column| column.map_or(0.0, of))
                    })
                    .collect(),
                false => Vec::new(),
            },
            voxel: (0..given)
                .map(|sample| {
                    let column =
                        |column| (0..classes).map(|class| at(sample, class, column)).collect();
                    VoxelSlopes::of_columns(group, classes, column)
                })
                .collect(),
        });
        let by_loss = |loss: &Instanced| {
            let of = |index: usize| at(index / classes, index % classes, loss.loss);
            (0..samples * classes).map(of).collect()
        };
        let instanced = plan.instanced.iter().map(by_loss).collect();
        Ok(Self { groups: groups.collect(), instanced, offsets: None, map: None })
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
        if classes != self.classes || !(self.pooled || samples == self.samples) {
            return Err(Error::Shape {
                what: "logits",
                found: vec![samples, classes, voxels],
                wanted: format!(
                    "the {} samples and {} classes of the verdict",
                    self.samples, self.classes
                ),
            });
        }
        let (scalar, values, map) = match *upstream {
            Upstream::Scalar(scalar) => (scalar, None, None),
            Upstream::Values(values) => (1.0, Some(self.check_values(values)?), None),
            Upstream::Map(map) => (1.0, None, Some(self.check_map(map, logits)?)),
        };
        expect_room(plan, samples, 1)?;
        let mut factors = self.factors.clone();
        factors.iter_mut().for_each(|(_, factors)| factors.scale(scalar));
        // Where the derivatives of a (sample, class) are, and the upstream gradient of its value.
        let places: Vec<_> = (0..samples * classes)
            .map(|index| {
                let (sample, class) = (index / classes, index % classes);
                let sample = if self.pooled { 0 } else { sample };
                let value = self.unit.index(sample, class, classes);
                let upstream = scalar * values.map_or(1.0, |values| values[value]);
                (sample * classes + class, upstream)
            })
            .collect();
        let partials = plan.groups.iter().zip(&self.partials).enumerate();
        let groups = partials.map(|(index, (group, partials))| {
            let voxel = vec![VoxelSlopes::new(plan, index, &factors)];
            let mut slopes = GroupSlopes { partials: Vec::new(), voxel };
            if group.has_sums() {
                let of = |&(at, upstream): &(usize, f64)| {
                    partials[at].map(|partial| times(upstream, partial))
                };
                slopes.partials = places.iter().map(of).collect();
            }
            slopes
        });
        let of_instances = |partials: &Vec<f64>| {
            places.iter().map(|&(at, upstream)| times(upstream, partials[at])).collect()
        };
        let instanced = self.instanced.iter().map(of_instances).collect();
        Ok(Slopes { groups: groups.collect(), instanced, offsets: None, map })
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

    fn check_map<'u>(&self, map: Logits<'u>, logits: Layout) -> Result<Logits<'u>> {
        let [n, c, s] = logits.shape();
        let wanted = [n, if self.is_per_voxel { 1 } else { c }, s];
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

/// Fails unless there is room for the slopes of so many samples, of which so many have factors of
/// their own.
fn expect_room(plan: &Plan, samples: usize, given: usize) -> Result<()> {
    let classes = plan.classes;
    let summed = plan.groups.iter().filter(|group| group.has_sums()).count();
    let of_sums = summed * size_of::<ByDirection<f64>>();
    room::expect(samples * classes, of_sums, "the slopes of all samples")?;
    let logged = |group: &Group| {
        usize::from(group.log_loss.is_some())
            + usize::from(group.binary.is_some())
            + group.focal.len()
    };
    let lists = 3 * plan.groups.iter().map(logged).sum::<usize>();
    let of_sample = plan.groups.len() * size_of::<VoxelSlopes>()
        + lists * (classes * size_of::<f64>() + room::PIECE + size_of::<Factors>());
    room::expect(given, of_sample, "the slopes of all samples")
}

/// An infinite derivative of something that has no upstream gradient is no gradient.
fn times(upstream: f64, partial: f64) -> f64 {
    if upstream == 0.0 { 0.0 } else { upstream * partial }
}
