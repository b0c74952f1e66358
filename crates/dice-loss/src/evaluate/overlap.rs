//! Overlap terms: pooling, absent classes, and the formula.

use super::unit::{Scale, Unit};
use crate::{
    Absent, Moments, Reduction, Sums, Tape,
    direction::{ByDirection, Direction},
    formula::Formula,
    plan::{Group, Plan, Planned},
    tape::Given,
};

/// An overlap term's losses and derivatives.
pub(super) struct OverlapTerm {
    /// The term's loss, not yet times its weight in the objective.
    pub loss: f64,
    /// Each class's loss, NaN where nothing counted.
    pub per_class: Vec<f64>,
    /// One value for each unit, as reduction none returns them.
    pub values: Vec<f64>,
    /// (sample, class): the derivative of the term's loss by each sum.
    pub partials: Vec<ByDirection<f64>>,
}

/// Bytes of a sample and class that are in use at once, at most: what is given back, its cell and what the
/// formula says of it. The operations of a coupled formula come on top.
pub(super) const BYTES_OF_EACH: usize = size_of::<f64>()
    + 2 * size_of::<ByDirection<f64>>()
    + size_of::<Cell>()
    + size_of::<Given>()
    + size_of::<(usize, State)>();

/// Classes of a formula that are evaluated side by side, unless it couples them.
const SIDE_BY_SIDE: usize = 64;

/// Pools the sums, evaluates the formula on each unit, and reduces.
pub(super) fn evaluate(
    Planned { term, group, map, .. }: &Planned,
    formula: &dyn Formula,
    plan: &Plan,
    moments: &Moments,
) -> OverlapTerm {
    let evaluation = Evaluation {
        tape: formula.tape(),
        group: group.map(|group| &plan.groups[group]),
        reference: plan.of_reference(*map),
        mapped: map.and_then(|map| plan.maps[map].mapped),
        moments,
        absent: term.absent.unwrap_or_default(),
        weights: term.weights(plan.classes),
        unit: Unit::of(term.pool.unwrap_or_default(), formula.is_coupled()),
    };
    evaluation.reduce(plan.reduction)
}

struct Evaluation<'a> {
    tape: &'a Tape,
    group: Option<&'a Group>,
    /// The columns of Σ w g and Σ w g², and of Σ w m: with the term's map, if it has one.
    reference: [Option<usize>; 2],
    mapped: Option<usize>,
    moments: &'a Moments,
    absent: Absent,
    weights: Vec<f64>,
    unit: Unit,
}

/// The sums of a class in a unit; of a unit that does not couple its classes there is one.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    sums: Sums,
    /// Σ w g without a map: whether the class is there.
    size: f64,
    /// Whether something of it counts.
    counts: bool,
}

/// What becomes of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Nothing: it is not part of the mean.
    Skipped,
    /// 0, and part of the mean.
    Zero,
    /// What the formula says.
    Evaluated,
}

/// What the formula says of each unit, and its derivatives by the sums of each cell.
struct Evaluated {
    values: Vec<f64>,
    derivatives: Vec<ByDirection<f64>>,
}

impl Evaluation<'_> {
    fn reduce(&self, reduction: Reduction) -> OverlapTerm {
        let (samples, classes) = (self.moments.samples(), self.weights.len());
        let cells = self.cells();
        let units = self.unit.count(samples, classes);
        let states: Vec<_> = (0..units).map(|unit| self.state(unit, &cells)).collect();
        let Evaluated { values, derivatives } = self.evaluated(&cells, &states);
        let weight = |unit: usize| match states[unit] {
            State::Skipped => 0.0,
            State::Zero | State::Evaluated => self.weight(unit),
        };
        let factor = Scale { reduction, total: (0..units).map(weight).sum() }.factor();
        let mut outcome = OverlapTerm {
            loss: 0.0,
            per_class: vec![f64::NAN; classes],
            values: vec![0.0; units],
            partials: vec![ByDirection::default(); samples * classes],
        };
        let mut class_totals = vec![(0.0, 0.0); classes];
        for unit in (0..units).filter(|unit| states[*unit] != State::Skipped) {
            outcome.values[unit] = weight(unit) * values[unit];
            outcome.loss += factor * weight(unit) * values[unit];
            if let Some(class) = self.unit.class(unit, classes)
                && weight(unit) > 0.0
            {
                class_totals[class].0 += values[unit];
                class_totals[class].1 += 1.0;
            }
        }
        for (value, (sum, count)) in outcome.per_class.iter_mut().zip(class_totals) {
            *value = sum / count;
        }
        for (sample, class) in self.counted() {
            let cell = self.cell(sample, class);
            let scale = factor * weight(cell / self.width()) * self.share(class);
            let partials = derivatives[cell].map(|derivative| scale * derivative);
            outcome.partials[sample * classes + class] = partials;
        }
        outcome
    }

    /// The samples and classes that count.
    fn counted(&self) -> impl Iterator<Item = (usize, usize)> {
        let all = (0..self.moments.samples())
            .flat_map(|sample| (0..self.weights.len()).map(move |class| (sample, class)));
        all.filter(|&(sample, class)| {
            self.weights[class] > 0.0 && self.moments.is_valid(sample, class)
        })
    }

    /// Cells of a unit.
    fn width(&self) -> usize {
        if self.tape.is_coupled() { self.weights.len() } else { 1 }
    }

    /// The cell that a sample and class is part of.
    fn cell(&self, sample: usize, class: usize) -> usize {
        let unit = self.unit.index(sample, class, self.weights.len());
        unit * self.width() + if self.tape.is_coupled() { class } else { 0 }
    }

    /// How much the sums of a class enter those of its cell: where one formula goes over the sums of all
    /// classes, by the class's weight.
    fn share(&self, class: usize) -> f64 {
        match self.unit {
            Unit::One { coupled: false } => self.weights[class],
            _ => 1.0,
        }
    }

    /// How much a unit weighs in the mean.
    fn weight(&self, unit: usize) -> f64 {
        self.unit.class(unit, self.weights.len()).map_or(1.0, |class| self.weights[class])
    }

    /// The sums, pooled.
    fn cells(&self) -> Vec<Cell> {
        let units = self.unit.count(self.moments.samples(), self.weights.len());
        let mut cells = vec![Cell::default(); units * self.width()];
        for (sample, class) in self.counted() {
            let cell = &mut cells[self.cell(sample, class)];
            let share = self.share(class);
            cell.sums.add(share, self.sums(sample, class));
            cell.size += share * self.moments.at(Plan::REFERENCE, sample, class);
            cell.counts = true;
        }
        cells
    }

    fn state(&self, unit: usize, cells: &[Cell]) -> State {
        let cells = &cells[unit * self.width()..][..self.width()];
        if cells.iter().any(|cell| self.takes_part(cell)) {
            return State::Evaluated;
        }
        let is_zero = self.absent == Absent::Zero && cells.iter().any(|cell| cell.counts);
        if is_zero { State::Zero } else { State::Skipped }
    }

    /// Whether the formula sees a cell: an absent class may take no part.
    fn takes_part(&self, cell: &Cell) -> bool {
        let is_absent = cell.size <= 0.0;
        cell.counts && (self.absent == Absent::Formula || !is_absent)
    }

    fn evaluated(&self, cells: &[Cell], states: &[State]) -> Evaluated {
        let mut evaluated = Evaluated {
            values: vec![0.0; states.len()],
            derivatives: vec![ByDirection::default(); cells.len()],
        };
        let chosen = (0..states.len()).filter(|unit| states[*unit] == State::Evaluated);
        match self.tape.is_coupled() {
            true => chosen.for_each(|unit| {
                let row: Vec<_> =
                    (0..self.width()).map(|class| unit * self.width() + class).collect();
                self.replay(cells, &row, &mut evaluated);
            }),
            false => {
                let chosen: Vec<_> = chosen.collect();
                chosen
                    .chunks(SIDE_BY_SIDE)
                    .for_each(|units| self.replay(cells, units, &mut evaluated));
            }
        }
        evaluated
    }

    /// The formula on some cells side by side.
    fn replay(&self, cells: &[Cell], chosen: &[usize], evaluated: &mut Evaluated) {
        let given = |&cell: &usize| match self.tape.is_coupled() {
            true => self.of_row(cell % self.width(), cells[cell]),
            false => Given::alone(cells[cell].sums),
        };
        let replay = self.tape.replay(&chosen.iter().map(given).collect::<Vec<_>>());
        for direction in Direction::ALL {
            let Some(slopes) = replay.slopes(direction.sum()) else { continue };
            for (&cell, &slope) in chosen.iter().zip(slopes) {
                evaluated.derivatives[cell][direction] = slope;
            }
        }
        for (&cell, &value) in chosen.iter().zip(replay.values()) {
            evaluated.values[cell / self.width()] = value;
        }
    }

    /// What a coupled formula is given of a class.
    fn of_row(&self, class: usize, cell: Cell) -> Given {
        let weight = if self.takes_part(&cell) { self.weights[class] } else { 0.0 };
        Given { sums: cell.sums, weight, foreground: class > 0 }
    }

    fn sums(&self, sample: usize, class: usize) -> Sums {
        let at = |column: usize| self.moments.at(column, sample, class);
        let [g, gg, mapped] = [self.reference[0], self.reference[1], self.mapped]
            .map(|column| column.map_or(0.0, at));
        let mut sums = Sums { g, gg, n: at(Plan::VOXELS), mapped, ..Sums::default() };
        if let Some(group) = self.group {
            for (direction, column) in group.sums.each() {
                if let Some(column) = column {
                    sums.set(direction, at(column));
                }
            }
        }
        sums
    }
}
