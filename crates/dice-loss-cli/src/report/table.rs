//! The table of scores, for the terminal and the page alike.

use crate::record::{Comparison, Run, Score, Spread};

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
    /// Its range over seeds, where there are several.
    pub range: String,
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
        let mut values: Vec<Value> = vec![Box::new(move |run| measure.of(run.mean))];
        if any_rare {
            values.push(Box::new(move |run| run.rare.and_then(|score| measure.of(score))));
        }
        for (label, _) in classes {
            values.push(Box::new(move |run| measure.of(run.classes[label])));
        }
        if with_time {
            values.push(Box::new(|run| Some(run.milliseconds_per_iteration)));
        }
        let losses = comparison.losses();
        let mut rows: Vec<Row> = losses
            .iter()
            .map(|group| Row { title: group.loss.title.clone(), cells: vec![] })
            .collect();
        for (column, value) in columns.iter().zip(&values) {
            let numbers: Vec<Option<Spread>> =
                losses.iter().map(|group| group.over(value)).collect();
            let best = match column.kind {
                Kind::Time => vec![false; numbers.len()],
                _ => comparison.best(&numbers),
            };
            for ((row, number), best) in rows.iter_mut().zip(numbers).zip(best) {
                row.cells.push(cell(number, column.kind, best));
            }
        }
        Self { title: measure.title(), columns, rows }
    }
}

/// A run's number in a column.
type Value = Box<dyn Fn(&Run) -> Option<f64>>;

fn cell(number: Option<Spread>, kind: Kind, best: bool) -> Cell {
    let Some(Spread { mean, low, high }) = number else {
        return Cell { text: "–".into(), range: String::new(), percent: 0.0, best: false };
    };
    if kind == Kind::Time {
        return Cell { text: format!("{mean:.0}"), range: String::new(), percent: 0.0, best };
    }
    let range = if high > low { format!("{low:.3}–{high:.3}") } else { String::new() };
    Cell { text: format!("{mean:.3}"), range, percent: (mean * 100.0).clamp(0.0, 100.0), best }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_means_ranges_and_the_best() {
        let mut comparison = Comparison::example(&[[0.9, 0.6, 0.3], [0.3, 0.2, 0.1]]);
        let mut second = comparison.runs.clone();
        second[0].mean.dice = Some(0.7);
        comparison.runs.extend(second);
        let table = Table::new(&comparison, Measure::Dice);
        let titles: Vec<&str> = table.columns.iter().map(|column| column.title.as_str()).collect();
        assert_eq!(titles, ["mean", "class 1", "class 2", "class 3", "ms / iteration"]);
        let mean = |row: usize| table.rows[row].cells[0].clone();
        let texts = |cell: Cell| (cell.text, cell.range, cell.best);
        assert_eq!(texts(mean(0)), ("0.650".into(), "0.600–0.700".into(), true));
        assert_eq!(texts(mean(1)), ("0.200".into(), String::new(), false));
        assert!((mean(0).percent - 65.0).abs() < 1e-9);
        assert!(table.rows.iter().all(|row| row.cells[4].text == "1" && !row.cells[4].best));
        let iou = Table::new(&comparison, Measure::Iou);
        assert_eq!(iou.rows[0].cells[1].text, "–");
    }
}
