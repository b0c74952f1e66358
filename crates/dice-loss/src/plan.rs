//! What an objective needs from the voxels: which sums, of which activation, in which column.

use std::{cmp::Ordering, sync::Arc};

use crate::{
    Activation, ClassValues, Decision, Integrand, Isa, Objective, Reduction, Result, Sum, Term,
    direction::{ByDirection, Direction},
    error::stated,
    instances::{Division, InstanceLoss, Instanced, instanced},
    maps::Recipe,
    term::Loss,
    voxel::VoxelLoss,
};

/// Cross-entropy's columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogLoss {
    pub of_reference: usize,
    pub of_all: Option<usize>,
}

/// The columns of a focal loss.
#[derive(Debug, Clone)]
pub(crate) struct FocalPlan {
    /// Each class's exponent.
    pub gamma: Vec<f64>,
    pub positive: usize,
    /// Under sigmoid.
    pub negative: Option<usize>,
}

/// A map that something reads, and the columns of what it says of the reference alone.
#[derive(Debug, Clone)]
pub(crate) struct MapPlan {
    pub name: String,
    /// What reads it first: a term or a sum.
    pub by: &'static str,
    /// Whether its values may be negative.
    pub is_signed: bool,
    /// How it is made, if a loss says so, and the activation that goes with that.
    pub recipe: Option<Recipe>,
    pub activation: Activation,
    /// Σ w m, Σ w m g and Σ w m g².
    pub mapped: Option<usize>,
    pub reference: Option<usize>,
    pub reference_squared: Option<usize>,
}

/// All that is summed up under one activation, with the weights of one map or of none.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub activation: Activation,
    /// The number of its map.
    pub map: Option<usize>,
    /// Whether it is all that is summed up under its activation, and has no map and no instances: what
    /// most people train with, and the sweeps have shorter ways for.
    pub is_plain: bool,
    /// The column of each direction that some formula reads.
    pub sums: ByDirection<Option<usize>>,
    /// Whether those read are all linear in p; kept, since every tile asks.
    pub is_linear: bool,
    /// Row-major C × C, if transport is summed up.
    pub distances: Option<Vec<f64>>,
    pub log_loss: Option<LogLoss>,
    /// Σ w g with unannotated classes merged: the normaliser of softmax voxel terms.
    pub merged: Option<usize>,
    /// Binary cross-entropy's columns.
    pub binary: Option<[usize; 2]>,
    pub focal: Vec<FocalPlan>,
}

/// The log losses that a voxel term is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLosses {
    CrossEntropy,
    Binary,
    /// With these of the group's exponents.
    Focal(usize),
}

/// Where a voxel term's sums are: the same for every objective with the same integrands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub group: usize,
    pub losses: LogLosses,
}

/// A term of the objective.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub weight: f64,
    /// With the objective's defaults filled in.
    pub term: Term,
    /// The group of its activation and map, if it reads any sum of the prediction.
    pub group: Option<usize>,
    /// The number of its map.
    pub map: Option<usize>,
    /// For a voxel term.
    pub place: Option<Place>,
    /// The number of its loss of instances, if it looks at those.
    pub instanced: Option<usize>,
}

/// What the sweeps do for an objective, and what the sums become.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub classes: usize,
    /// The columns: first what the reference alone decides, then counts, then what it decides with
    /// maps, then group by group, then the losses of instances.
    pub integrands: Arc<[Integrand]>,
    /// In the order of their names, as the target has them.
    pub maps: Vec<MapPlan>,
    /// Those of an activation follow each other, first the one without a map.
    pub groups: Vec<Group>,
    pub decision: Option<(Decision, Activation)>,
    /// How the voxels are divided among instances, if a term looks at those, and what does first.
    pub division: Option<(Division, &'static str)>,
    /// The losses of instances, each once.
    pub instanced: Vec<Instanced>,
    pub terms: Vec<Planned>,
    pub reduction: Reduction,
    pub isa: Isa,
}

impl Plan {
    pub const REFERENCE: usize = Sum::Reference as usize;
    pub const REFERENCE_SQUARED: usize = Sum::ReferenceSquared as usize;
    pub const VOXELS: usize = Sum::Voxels as usize;
    pub const TRUE_POSITIVES: usize = Sum::TruePositives as usize;
    pub const FALSE_POSITIVES: usize = Sum::FalsePositives as usize;
    pub const FALSE_NEGATIVES: usize = Sum::FalseNegatives as usize;

    /// Of an objective that has been checked for this number of classes.
    pub fn new(objective: &Objective, classes: usize) -> Result<Self> {
        let terms = objective.resolved();
        let integrands = wanted(objective, &terms, classes)?;
        let maps = maps(objective, &integrands)?;
        let division = objective.division()?;
        let numbers = || std::iter::once(None).chain((0..maps.len()).map(Some));
        let of_activation = |activation| {
            let of_map = |map: Option<usize>| {
                Group::new(activation, (map, map.map(|map| &*maps[map].name)), &integrands)
            };
            let mut groups: Vec<_> = numbers().filter_map(of_map).collect();
            if let [alone] = &mut groups[..] {
                alone.is_plain = alone.map.is_none() && division.is_none();
            }
            groups
        };
        let groups: Vec<_> = Activation::ALL.into_iter().flat_map(of_activation).collect();
        let planned = |(weight, term): (f64, Term)| {
            let map = term.map_name().and_then(|name| maps.iter().position(|map| map.name == name));
            let is_its = |group: &Group| group.activation == term.activation && group.map == map;
            let group = groups.iter().position(is_its);
            let place = group.and_then(|group| groups[group].place(group, &term, classes));
            Planned { weight, term, group, map, place, instanced: None }
        };
        let count = integrands.iter().find(|integrand| integrand.sum.is_count());
        let decision = count.and_then(|count| count.decision.zip(count.activation));
        let mut plan = Self {
            classes,
            terms: terms.into_iter().map(planned).collect(),
            integrands: integrands.into(),
            maps,
            groups,
            decision,
            division,
            instanced: Vec::new(),
            reduction: objective.reduced_by(),
            isa: objective.isa_of(),
        };
        let (all, of_terms) = instanced(&plan);
        plan.instanced = all;
        for (planned, number) in plan.terms.iter_mut().zip(of_terms) {
            planned.instanced = number;
        }
        Ok(plan)
    }

    /// The columns of the moments.
    pub fn columns(&self) -> usize {
        self.integrands.len()
    }

    /// Those that the sweeps add up: all but the losses of instances, which come last.
    pub fn swept(&self) -> usize {
        self.columns() - 2 * self.instanced.len()
    }

    /// The groups of each activation.
    pub fn families(&self) -> impl Iterator<Item = &[Group]> {
        self.groups.chunk_by(|a, b| a.activation == b.activation)
    }

    /// Whether some term that names this map looks at each class.
    pub fn classes_of_map(&self, name: &str) -> Vec<bool> {
        self.classes_of(|planned| planned.map.is_some_and(|map| self.maps[map].name == name))
    }

    /// Whether some term looks at the instances of each class.
    pub fn classes_with_instances(&self) -> Vec<bool> {
        self.classes_of(|planned| planned.instanced.is_some())
    }

    /// Whether some of these terms looks at each class.
    fn classes_of(&self, is_one: impl Fn(&Planned) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.classes];
        for planned in self.terms.iter().filter(|planned| is_one(planned)) {
            let weights = planned.term.weights(self.classes);
            seen.iter_mut().zip(weights).for_each(|(seen, weight)| *seen |= weight > 0.0);
        }
        seen
    }

    /// The columns of Σ w g and Σ w g² with the weights of a map or of none; of a map those that are
    /// read.
    pub fn of_reference(&self, map: Option<usize>) -> [Option<usize>; 2] {
        match map.map(|map| &self.maps[map]) {
            Some(map) => [map.reference, map.reference_squared],
            None => [Some(Self::REFERENCE), Some(Self::REFERENCE_SQUARED)],
        }
    }
}

/// The maps that something reads.
fn maps(objective: &Objective, integrands: &[Integrand]) -> Result<Vec<MapPlan>> {
    let named = objective.maps()?;
    let plan = |(name, by): (String, &'static str)| {
        let at = |sum| {
            let is_it = |integrand: &Integrand| {
                integrand.sum == sum && integrand.map.as_ref() == Some(&name)
            };
            integrands.iter().position(is_it)
        };
        // What only further sums read may be anything.
        let of_terms = named.iter().find(|map| map.name == name);
        MapPlan {
            by,
            is_signed: of_terms.is_none_or(|map| map.is_signed),
            recipe: of_terms.and_then(|map| map.recipe.clone()),
            activation: of_terms.map_or(Activation::Probabilities, |map| map.activation),
            mapped: at(Sum::Mapped),
            reference: at(Sum::Reference),
            reference_squared: at(Sum::ReferenceSquared),
            name,
        }
    };
    Ok(objective.maps_read().into_iter().map(plan).collect())
}

/// All sums that are wanted, each once, in the order of the columns.
fn wanted(objective: &Objective, terms: &[(f64, Term)], classes: usize) -> Result<Vec<Integrand>> {
    let mut wanted = Wanted(Vec::new());
    for sum in [Sum::Reference, Sum::ReferenceSquared, Sum::Voxels] {
        wanted.add(sum.word(), Integrand::new(sum, None))?;
    }
    if let Some((decision, activation)) = objective.decided_by().zip(objective.first_activation()) {
        let count = Integrand::new(Sum::TruePositives, activation).decision(decision);
        wanted.add_with_companions("decision", count)?;
    }
    for (_, term) in terms {
        for integrand in of_term(term, classes) {
            wanted.add_with_companions(term.name(), integrand)?;
        }
    }
    for integrand in objective.further_sums() {
        wanted.add_with_companions(integrand.sum.word(), integrand.clone())?;
    }
    let Wanted(mut integrands) = wanted;
    let place = |integrand: &Integrand| {
        let of_group = |activation| !integrand.sum.is_count() && integrand.activation == activation;
        let group = Activation::ALL.into_iter().position(|a| of_group(Some(a)));
        (integrand.sum.is_of_terms(), group, integrand.sum)
    };
    // By exponents too, so that the order of the terms does not show.
    integrands.sort_by(|a, b| {
        let ((a_last, a_group, a_sum), (b_last, b_group, b_sum)) = (place(a), place(b));
        let by_exponents = || a.gamma.partial_cmp(&b.gamma).unwrap_or(Ordering::Equal);
        let by_instances = || {
            let said =
                |integrand: &Integrand| integrand.instances.as_ref().map(|of| format!("{of:?}"));
            said(a).cmp(&said(b))
        };
        let by_map = (a_last, a_group).cmp(&(b_last, b_group)).then_with(|| a.map.cmp(&b.map));
        let by_sum = by_map.then_with(|| a_sum.cmp(&b_sum));
        by_sum.then_with(by_exponents).then_with(by_instances)
    });
    Ok(integrands)
}

/// What a term makes its loss of.
fn of_term(term: &Term, classes: usize) -> Vec<Integrand> {
    let map = term.map_name();
    let named = |integrand: Integrand| match &map {
        Some(name) => integrand.map(&**name),
        None => integrand,
    };
    let of = |sum| named(Integrand::new(sum, term.activation));
    // Without a map these are there anyway.
    let of_map = |sum| map.as_ref().map(|_| named(Integrand::new(sum, None)));
    match &term.loss {
        Loss::Overlap(formula) => {
            let of_data = [Sum::Mapped, Sum::Reference, Sum::ReferenceSquared];
            let of_data = of_data.into_iter().filter(|sum| formula.tape().reads(*sum));
            let is_read = |direction: &Direction| formula.tape().reads(direction.sum());
            let used = Direction::ALL.into_iter().filter(is_read);
            used.map(|direction| match (direction, formula.distances()) {
                (Direction::Transport, Some(distances)) => {
                    of(Sum::Transport).distances(distances.normalised(classes))
                }
                _ => of(direction.sum()),
            })
            .chain(of_data.filter_map(of_map))
            .chain(InstanceLoss::of(term).into_iter().flat_map(|instances| {
                [Sum::InstanceLoss, Sum::InstanceCount]
                    .map(|sum| Integrand { instances: Some(instances.clone()), ..of(sum) })
            }))
            .collect()
        }
        Loss::Voxel(VoxelLoss::CrossEntropy(loss)) => match loss.label_smoothing > 0.0 {
            true => vec![of(Sum::LogLoss), of(Sum::LogLossOfAll)],
            false => vec![of(Sum::LogLoss)],
        },
        Loss::Voxel(VoxelLoss::BorderCrossEntropy(_) | VoxelLoss::InstanceCrossEntropy(_))
            if term.activation == Activation::Softmax =>
        {
            vec![of(Sum::LogLoss)]
        }
        Loss::Voxel(
            VoxelLoss::BinaryCrossEntropy(_)
            | VoxelLoss::BorderCrossEntropy(_)
            | VoxelLoss::InstanceCrossEntropy(_),
        ) => [of(Sum::Positive)].into_iter().chain(of_map(Sum::Mapped)).collect(),
        Loss::Voxel(VoxelLoss::Focal(loss)) => {
            let gamma = each(&loss.gamma, classes);
            match term.activation {
                Activation::Softmax => vec![of(Sum::Focal).gamma(gamma)],
                _ => {
                    let losses = of(Sum::FocalNegative).gamma(gamma);
                    [losses].into_iter().chain(of_map(Sum::Mapped)).collect()
                }
            }
        }
    }
}

fn each(values: &ClassValues, classes: usize) -> Vec<f64> {
    (0..classes).map(|class| values.at(class)).collect()
}

/// Sums that a sweep makes in one go with a sum.
fn companions(integrand: &Integrand) -> &'static [Sum] {
    match (integrand.sum, integrand.activation) {
        (Sum::TruePositives | Sum::FalsePositives | Sum::FalseNegatives, _) => {
            &[Sum::TruePositives, Sum::FalsePositives, Sum::FalseNegatives]
        }
        (Sum::LogLoss | Sum::LogLossOfAll, _) | (Sum::Merged, Some(Activation::Probabilities)) => {
            &[Sum::LogLoss, Sum::Merged]
        }
        (Sum::Positive | Sum::Negative, _) => &[Sum::Positive, Sum::Negative],
        (Sum::Focal, Some(Activation::Softmax)) => &[Sum::Merged],
        (Sum::FocalNegative, _) => &[Sum::Focal],
        _ => &[],
    }
}

struct Wanted(Vec<Integrand>);

impl Wanted {
    fn add_with_companions(&mut self, name: &str, integrand: Integrand) -> Result<()> {
        for &sum in companions(&integrand) {
            let plain = Integrand {
                map: integrand.map.clone(),
                ..Integrand::new(sum, integrand.activation)
            };
            let companion = match sum {
                Sum::Merged | Sum::LogLoss => plain,
                _ => Integrand { sum, ..integrand.clone() },
            };
            self.add(name, companion)?;
        }
        self.add(name, integrand)
    }

    /// `name` is what it is wanted for.
    fn add(&mut self, name: &str, integrand: Integrand) -> Result<()> {
        if self.0.contains(&integrand) {
            return Ok(());
        }
        let is_second = |other: &Integrand| other.sum == integrand.sum;
        if integrand.sum.is_count() && self.0.iter().any(is_second) {
            let wanted = "one hard decision, of one activation";
            return stated(name, "two different decisions", wanted);
        }
        let of_one = |other: &Integrand| {
            other.activation == integrand.activation && other.map == integrand.map
        };
        if integrand.sum == Sum::Transport && self.0.iter().any(|o| is_second(o) && of_one(o)) {
            return stated(
                format!("{name}: distances"),
                "two different matrices",
                "one matrix of distances for each activation",
            );
        }
        self.0.push(integrand);
        Ok(())
    }
}

impl Group {
    /// `None` if nothing is summed up under the activation and with the map but counts.
    fn new(
        activation: Activation,
        (map, name): (Option<usize>, Option<&str>),
        integrands: &[Integrand],
    ) -> Option<Self> {
        let here = |integrand: &Integrand| {
            integrand.activation == Some(activation)
                && integrand.map.as_deref() == name
                && !integrand.sum.is_count()
                && !integrand.sum.is_of_terms()
        };
        integrands.iter().find(|integrand| here(integrand))?;
        let position = |of: &dyn Fn(&Integrand) -> bool| {
            integrands.iter().position(|integrand| here(integrand) && of(integrand))
        };
        let at = |sum| position(&|integrand| integrand.sum == sum);
        let matrix = at(Sum::Transport).and_then(|column| integrands[column].distances.as_ref());
        let focal = integrands.iter().enumerate().filter_map(|(positive, integrand)| {
            let gamma = integrand.gamma.as_ref().filter(|_| here(integrand))?;
            let negative = |other: &Integrand| {
                other.sum == Sum::FocalNegative && other.gamma.as_ref() == Some(gamma)
            };
            (integrand.sum == Sum::Focal).then(|| FocalPlan {
                gamma: gamma.clone(),
                positive,
                negative: position(&negative),
            })
        });
        let sums = ByDirection::new(|direction| at(direction.sum()));
        let is_linear =
            sums.each().all(|(direction, column)| column.is_none() || direction.is_linear());
        Some(Self {
            activation,
            map,
            is_plain: false,
            sums,
            is_linear,
            distances: matrix.map(|rows| rows.concat()),
            log_loss: at(Sum::LogLoss)
                .map(|of_reference| LogLoss { of_reference, of_all: at(Sum::LogLossOfAll) }),
            merged: at(Sum::Merged),
            binary: at(Sum::Positive).zip(at(Sum::Negative)).map(<[usize; 2]>::from),
            focal: focal.collect(),
        })
    }

    /// Where the sums of a voxel term are; `group` is the number of this one.
    fn place(&self, group: usize, term: &Term, classes: usize) -> Option<Place> {
        let Loss::Voxel(loss) = &term.loss else { return None };
        let losses = match loss {
            VoxelLoss::CrossEntropy(_) => LogLosses::CrossEntropy,
            VoxelLoss::BinaryCrossEntropy(_) => LogLosses::Binary,
            VoxelLoss::BorderCrossEntropy(_) | VoxelLoss::InstanceCrossEntropy(_) => {
                match term.activation {
                    Activation::Softmax => LogLosses::CrossEntropy,
                    _ => LogLosses::Binary,
                }
            }
            VoxelLoss::Focal(loss) => {
                let gamma = each(&loss.gamma, classes);
                let alike = |focal: &FocalPlan| focal.gamma == gamma;
                LogLosses::Focal(self.focal.iter().position(alike)?)
            }
        };
        Some(Place { group, losses })
    }

    /// The columns of log losses: of voxels of a class, of voxels outside it, and of all voxels.
    pub fn columns(&self, losses: LogLosses) -> [Option<usize>; 3] {
        match losses {
            LogLosses::CrossEntropy => {
                let columns = self.log_loss;
                [columns.map(|c| c.of_reference), None, columns.and_then(|c| c.of_all)]
            }
            LogLosses::Binary => [self.binary.map(|c| c[0]), self.binary.map(|c| c[1]), None],
            LogLosses::Focal(index) => {
                let focal = self.focal.get(index);
                [focal.map(|f| f.positive), focal.and_then(|f| f.negative), None]
            }
        }
    }

    /// Whether some formula reads a sum of the prediction.
    pub fn has_sums(&self) -> bool {
        self.sums.each().any(|(_, column)| column.is_some())
    }
}
