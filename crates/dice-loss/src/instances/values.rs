//! What terms make of the instances: a loss for each class of each sample, which is then a sum as others.

use std::{ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Division, Instances};
use crate::{
    Absent, Pool, Result, Sum, Sums, Term,
    direction::{ByDirection, Direction},
    evaluate::Slopes,
    plan::{Plan, Planned},
    room,
    tape::{Given, Tape},
    term::Loss,
};

/// Formulas that are carried out side by side.
const SIDE_BY_SIDE: usize = 64;

/// Which loss of instances a sum is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceLoss {
    /// Its name.
    pub loss: String,
    /// Cell or blob.
    pub pool: Pool,
    /// What it makes of absent classes, and of instances without a voxel of theirs.
    pub absent: Absent,
    /// Its formula, as [`Tape`] is written.
    pub formula: String,
}

impl InstanceLoss {
    /// `None` of a term that does not look at instances.
    pub(crate) fn of(term: &Term) -> Option<Self> {
        let Loss::Overlap(formula) = &term.loss else { return None };
        let pool = term.pool.filter(|pool| pool.division().is_some())?;
        Some(Self {
            loss: term.name().to_owned(),
            pool,
            absent: term.absent.unwrap_or_default(),
            formula: serde_json::to_string(formula.tape()).unwrap_or_default(),
        })
    }
}

/// A loss of instances in a plan.
#[derive(Debug, Clone)]
pub(crate) struct Instanced {
    pub tape: Tape,
    pub division: Division,
    pub absent: Absent,
    /// The group of its activation and map, and the map.
    pub group: Option<usize>,
    pub map: Option<usize>,
    /// The columns of its loss and of how often it counts.
    pub loss: usize,
    pub count: usize,
}

/// The sums of each instance, and the derivatives of each loss of instances by them, which sweep 2 would
/// else have to measure again.
#[derive(Debug)]
pub(crate) struct Known {
    offsets: Arc<[usize]>,
    /// Row-major (row, column): the sums.
    rows: Vec<f64>,
    columns: usize,
    /// For each loss of instances, of each row.
    slopes: Vec<Vec<ByDirection<f64>>>,
}

impl Known {
    /// The sums of an instance of a (sample, class) with two or more.
    pub fn row(&self, pair: usize, number: usize) -> Option<&[f64]> {
        let mut rows = self.rows_of(pair);
        if rows.len() > 1 { rows.nth(number) } else { None }
    }

    /// The sums of all rows of a (sample, class), one after another.
    pub fn rows_of(&self, pair: usize) -> impl ExactSizeIterator<Item = &[f64]> {
        let rows = self.offsets[pair]..self.offsets[pair + 1];
        rows.map(|row| &self.rows[row * self.columns..][..self.columns])
    }

    /// Whether they are of these instances.
    pub fn is_of(&self, instances: &Instances) -> bool {
        self.offsets == *instances.offsets()
    }
}

/// Kept with moments and verdicts, and no part of what they say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(pub Option<Arc<Known>>);

impl PartialEq for Kept {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// From rows of sums (row, column), without the columns of losses of instances, to one row for each
/// (sample, class) with them.
pub(crate) fn condensed(
    plan: &Plan,
    instances: &Instances,
    valid: &[bool],
    all: Vec<f64>,
) -> Result<(Vec<f64>, Known)> {
    let (given, columns) = (plan.swept(), plan.columns());
    let pairs = valid.len();
    let of_row = size_of::<ByDirection<f64>>() * plan.instanced.len();
    room::expect(all.len() / given.max(1), of_row, "the sums of all instances")?;
    room::expect(pairs, columns * size_of::<f64>(), "the sums of all samples")?;
    let rows = Rows { plan, rows: &all, offsets: instances.offsets() };
    let mut sums = vec![0.0; pairs * columns];
    for (pair, sums) in sums.chunks_exact_mut(columns.max(1)).enumerate() {
        for (column, sum) in sums[..given].iter_mut().enumerate() {
            *sum = rows.sum(column, rows.of(pair));
        }
    }
    let mut slopes = Vec::with_capacity(plan.instanced.len());
    for loss in &plan.instanced {
        let found = rows.evaluate(loss, valid);
        for (sums, (value, count)) in sums.chunks_exact_mut(columns).zip(found.values) {
            (sums[loss.loss], sums[loss.count]) = (value, count);
        }
        slopes.push(found.slopes);
    }
    let offsets = Arc::clone(instances.offsets());
    Ok((sums, Known { offsets, rows: all, columns: given, slopes }))
}

/// Rows of sums, of which each (sample, class) has some.
struct Rows<'a> {
    plan: &'a Plan,
    rows: &'a [f64],
    offsets: &'a [usize],
}

/// An instance of a (sample, class), with all that its formula sees.
struct Seen {
    pair: usize,
    /// Its own row, and that of the background if it sees that too.
    row: usize,
    background: Option<usize>,
    sums: Sums,
    /// Whether the formula is asked, and whether it is part of the mean.
    is_asked: bool,
    counts: bool,
}

/// The loss of each (sample, class) and whether it counts, and the derivatives by each row.
struct Found {
    values: Vec<(f64, f64)>,
    slopes: Vec<ByDirection<f64>>,
}

impl Rows<'_> {
    fn of(&self, pair: usize) -> Range<usize> {
        self.offsets[pair]..self.offsets[pair + 1]
    }

    fn sum(&self, column: usize, rows: Range<usize>) -> f64 {
        rows.map(|row| self.rows[row * self.plan.swept() + column]).sum()
    }

    /// All that a formula may read of a row.
    fn sums(&self, loss: &Instanced, row: usize) -> Sums {
        let at = |column: usize| self.sum(column, row..row + 1);
        let [g, gg] = self.plan.of_reference(loss.map).map(|column| column.map_or(0.0, at));
        let mapped = loss.map.and_then(|map| self.plan.maps[map].mapped).map_or(0.0, at);
        let mut sums = Sums { g, gg, n: at(Plan::VOXELS), mapped, ..Sums::default() };
        for (direction, column) in
            loss.group.iter().flat_map(|group| self.plan.groups[*group].sums.each())
        {
            if let Some(column) = column {
                sums.set(direction, at(column));
            }
        }
        sums
    }

    /// The instances of a (sample, class). One without any is a whole, as is one with one.
    fn seen(&self, loss: &Instanced, pair: usize) -> Vec<Seen> {
        let rows = self.of(pair);
        let is_whole = rows.len() == 1;
        let none = rows.start;
        let background = (!is_whole && loss.division == Division::Blobs).then_some(none);
        let instances = if is_whole { rows } else { rows.start + 1..rows.end };
        let of_row = |row: usize| {
            let mut sums = self.sums(loss, row);
            let is_there = is_whole || sums.n > 0.0;
            if let Some(background) = background {
                sums.add(1.0, self.sums(loss, background));
            }
            let has_it = self.sum(Plan::REFERENCE, row..row + 1) > 0.0;
            let is_asked = has_it || (loss.absent == Absent::Formula && is_there);
            let counts = is_asked || (loss.absent == Absent::Zero && is_there);
            Seen { pair, row, background, sums, is_asked, counts }
        };
        instances.map(of_row).collect()
    }

    fn evaluate(&self, loss: &Instanced, valid: &[bool]) -> Found {
        let rows = self.offsets[valid.len()];
        let mut found = Found {
            values: vec![(0.0, 0.0); valid.len()],
            slopes: vec![ByDirection::default(); rows],
        };
        let mut asked = Vec::new();
        let mut shares = vec![0.0; valid.len()];
        for pair in (0..valid.len()).filter(|pair| valid[*pair]) {
            let seen = self.seen(loss, pair);
            let count = seen.iter().filter(|seen| seen.counts).count();
            if count > 0 {
                (shares[pair], found.values[pair].1) = (1.0 / count as f64, 1.0);
            }
            asked.extend(seen.into_iter().filter(|seen| seen.is_asked));
        }
        for seen in asked.chunks(SIDE_BY_SIDE) {
            let given: Vec<_> = seen.iter().map(|seen| Given::alone(seen.sums)).collect();
            let replay = loss.tape.replay(&given);
            for (seen, value) in seen.iter().zip(replay.values()) {
                found.values[seen.pair].0 += shares[seen.pair] * value;
            }
            for direction in Direction::ALL {
                let Some(slopes) = replay.slopes(direction.sum()) else { continue };
                for (seen, slope) in seen.iter().zip(slopes) {
                    let slope = shares[seen.pair] * slope;
                    found.slopes[seen.row][direction] += slope;
                    if let Some(background) = seen.background {
                        found.slopes[background][direction] += slope;
                    }
                }
            }
        }
        found
    }
}

impl Slopes<'_> {
    /// With derivatives by each row of sums, from those by each (sample, class).
    pub(crate) fn in_rows(mut self, plan: &Plan, known: &Known) -> Self {
        let pairs = known.offsets.len().saturating_sub(1);
        for (number, group) in self.groups.iter_mut().enumerate() {
            if group.partials.is_empty() {
                continue;
            }
            let mut rows = vec![ByDirection::default(); known.offsets[pairs]];
            for pair in 0..pairs {
                rows[known.offsets[pair]..known.offsets[pair + 1]].fill(group.partials[pair]);
            }
            let its = plan.instanced.iter().zip(&known.slopes).zip(&self.instanced);
            for ((_, slopes), by_loss) in its.filter(|((loss, _), _)| loss.group == Some(number)) {
                for (pair, &by_loss) in by_loss.iter().enumerate().filter(|(_, by)| **by != 0.0) {
                    for row in known.offsets[pair]..known.offsets[pair + 1] {
                        rows[row] = rows[row].zip(slopes[row], |sum, slope| sum + by_loss * slope);
                    }
                }
            }
            group.partials = rows;
        }
        self.offsets = Some(Arc::clone(&known.offsets));
        self
    }
}

/// The losses of instances that terms want, each once, where their columns are; and the number of each
/// term's.
pub(crate) fn instanced(plan: &Plan) -> (Vec<Instanced>, Vec<Option<usize>>) {
    let mut all: Vec<Instanced> = Vec::new();
    let mut number_of = |planned: &Planned| {
        let Loss::Overlap(formula) = &planned.term.loss else { return None };
        let of = InstanceLoss::of(&planned.term)?;
        let map = planned.map.map(|map| &*plan.maps[map].name);
        let column = |sum: Sum| {
            plan.integrands.iter().position(|integrand| {
                integrand.sum == sum
                    && integrand.activation == Some(planned.term.activation)
                    && integrand.map.as_deref() == map
                    && integrand.instances.as_ref() == Some(&of)
            })
        };
        let (loss, count) = (column(Sum::InstanceLoss)?, column(Sum::InstanceCount)?);
        let known = all.iter().position(|known| known.loss == loss);
        Some(known.unwrap_or_else(|| {
            all.push(Instanced {
                tape: formula.tape().clone(),
                division: of.pool.division().unwrap_or(Division::Cells),
                absent: of.absent,
                group: planned.group,
                map: planned.map,
                loss,
                count,
            });
            all.len() - 1
        }))
    };
    let of_terms = plan.terms.iter().map(&mut number_of).collect();
    (all, of_terms)
}
