//! The table of scores, for the terminal and the page alike.

use crate::record::{Comparison, Run, Score};

/// Which overlap a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Dice coefficient.
    Dice,
    /// Intersection over union.
    Iou,
}

/// Losses by columns of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What the numbers are.
    pub title: &'static str,
    /// Headings, without that of the first column.
    pub columns: Vec<Column>,
    /// One per loss.
    pub rows: Vec<Row>,
}

/// A heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What stands below.
    pub title: String,
    /// What kind of column it is.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A mean over classes.
    Mean,
    /// A class.
    Class {
        /// Whether it is rare.
        rare: bool,
    },
    /// Milliseconds per iteration.
    Time,
}

/// A loss's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The loss.
    pub title: String,
    /// One per column.
    pub cells: Vec<Cell>,
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The number as shown.
    pub text: String,
    /// The number in percent of its range, for a bar behind it.
    pub percent: f64,
    /// Whether it is the best of its column.
    pub best: bool,
}

impl Measure {
    /// The measure's value in a score.
    pub fn of(self, score: Score) -> Option<f64> {
        match self {
            Self::Dice => score.dice,
            Self::Iou => score.iou,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Dice => "Dice",
            Self::Iou => "IoU",
        }
    }
}

impl Kind {
    /// Whether it is a mean over classes.
    pub fn is_mean(self) -> bool {
        self == Self::Mean
    }

    /// Whether it belongs to one class.
    pub fn is_class(self) -> bool {
        matches!(self, Self::Class { .. })
    }

    /// Whether it belongs to a rare class.
    pub fn is_rare(self) -> bool {
        self == Self::Class { rare: true }
    }
}

impl Table {
    /// Means, then classes, then for Dice the time.
    pub fn new(comparison: &Comparison, measure: Measure) -> Self {
        let classes = comparison.data.classes.iter().enumerate().skip(1);
        let any_rare = comparison.data.has_rare();
        let means =
            [("mean", true), ("mean of rare", any_rare)].into_iter().filter(|(_, shown)| *shown);
        let mut columns: Vec<Column> =
            means.map(|(title, _)| Column { title: title.into(), kind: Kind::Mean }).collect();
        columns.extend(
            classes
                .clone()
                .map(|(_, c)| Column { title: c.name.clone(), kind: Kind::Class { rare: c.rare } }),
        );
        let with_time = measure == Measure::Dice;
        if with_time {
            columns.push(Column { title: "ms / iteration".into(), kind: Kind::Time });
        }
        let values = |run: &Run| {
            let mut values = vec![measure.of(run.mean)];
            values.extend(any_rare.then(|| run.rare.and_then(|score| measure.of(score))));
            values.extend(classes.clone().map(|(label, _)| measure.of(run.classes[label])));
            values.extend(with_time.then_some(Some(run.milliseconds_per_iteration)));
            values
        };
        let numbers: Vec<Vec<Option<f64>>> = comparison.runs.iter().map(values).collect();
        let rows = (comparison.runs.iter().zip(&numbers))
            .map(|(run, row)| Row {
                title: run.loss.title.clone(),
                cells: (0..columns.len())
                    .map(|c| cell(row[c], columns[c].kind, numbers.iter().map(|r| r[c])))
                    .collect(),
            })
            .collect();
        Self { title: measure.title(), columns, rows }
    }
}

fn cell(value: Option<f64>, kind: Kind, column: impl Iterator<Item = Option<f64>>) -> Cell {
    let Some(value) = value else { return Cell { text: "–".into(), percent: 0.0, best: false } };
    let others: Vec<f64> = column.flatten().collect();
    if kind == Kind::Time {
        return Cell { text: format!("{value:.0}"), percent: 0.0, best: false };
    }
    // Best as shown: numbers that read alike are alike.
    let shown = |value: f64| (value * 1000.0).round();
    let best = others.iter().all(|&other| shown(other) <= shown(value))
        && others.iter().any(|&other| shown(other) < shown(value));
    Cell { text: format!("{value:.3}"), percent: (value * 100.0).clamp(0.0, 100.0), best }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[Option<f64>]) -> Vec<(String, bool)> {
        values
            .iter()
            .map(|&value| cell(value, Kind::Mean, values.iter().copied()))
            .map(|cell| (cell.text, cell.best))
            .collect()
    }

    #[test]
    fn the_best_are_marked_as_they_read() {
        let marked = texts(&[Some(0.5), Some(0.81249), Some(0.8121), None]);
        assert_eq!(
            marked,
            [
                ("0.500".into(), false),
                ("0.812".into(), true),
                ("0.812".into(), true),
                ("–".into(), false)
            ]
        );
    }

    #[test]
    fn nothing_is_best_alone_or_among_equals() {
        assert!(!texts(&[Some(0.5)])[0].1);
        assert!(texts(&[Some(0.5), Some(0.5)]).iter().all(|(_, best)| !best));
        assert!(texts(&[Some(0.0), Some(0.0), None]).iter().all(|(_, best)| !best));
    }
}
