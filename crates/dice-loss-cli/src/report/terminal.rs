//! Text for the terminal.

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table as Grid, presets,
};

use super::{
    said::{of_slices, ranking},
    table::{Measure, Table},
};
use crate::record::{Comparison, LossRecord, Settings};

/// Classes that a table on the terminal has room for.
const CLASSES: usize = 10;

/// Width where the output is no terminal that would say its own.
const WIDTH: u16 = 140;

/// Tables of Dice and IoU, and what to know about them.
pub fn summary(comparison: &Comparison) -> String {
    let mut text = String::new();
    for measure in [Measure::Dice, Measure::Iou] {
        let table = Table::new(comparison, measure);
        text += &format!("\n{} on {}\n", table.title, of_slices(comparison));
        text += &grid(&table).to_string();
        text.push('\n');
    }
    if let Some(ranking) = ranking(comparison) {
        text += &format!("{ranking}\n");
    }
    if comparison.data.classes.len() > CLASSES + 1 {
        text += "The scores of each class stand in results.csv and report.html.\n";
    }
    text += &format!("\n{}: {}\n", comparison.data.title, comparison.data.statement);
    for note in &comparison.data.notes {
        text += &format!("Note: {note}\n");
    }
    let not_found = comparison.not_found();
    if !not_found.is_empty() {
        text += &format!("Note: no loss found any voxel of {}\n", not_found.join(", "));
    }
    let Settings { iterations, seeds, .. } = comparison.settings;
    for run in comparison.runs.iter().filter(|run| run.iterations < iterations) {
        let why = if run.diverged.is_some() {
            "its loss was no longer finite"
        } else {
            "interrupted, or out of time"
        };
        let seed = if seeds > 1 { format!(", seed {},", run.seed) } else { String::new() };
        text += &format!(
            "Note: {}{seed} ended after {} iterations: {why}\n",
            run.loss.title, run.iterations
        );
    }
    text
}

/// Names, formulas and papers of losses.
pub fn list(losses: &[LossRecord]) -> String {
    let mut grid = new_grid();
    grid.set_header(["name", "loss", "formula", "paper"]);
    for loss in losses {
        grid.add_row([&loss.name, &loss.title, &loss.formula, &loss.reference]);
    }
    grid.to_string()
}

fn grid(table: &Table) -> Grid {
    let classes = table.columns.iter().filter(|column| column.kind.is_class()).count();
    let shown: Vec<usize> = (0..table.columns.len())
        .filter(|&c| classes <= CLASSES || !table.columns[c].kind.is_class())
        .collect();
    let mut grid = new_grid();
    let heading = |c: usize| {
        let column = &table.columns[c];
        if column.kind.is_rare() {
            format!("{} (rare)", column.title)
        } else {
            column.title.clone()
        }
    };
    let headings = std::iter::once("loss".to_owned()).chain(shown.iter().map(|&c| heading(c)));
    grid.set_header(headings);
    grid.set_constraints([ColumnConstraint::ContentWidth]);
    for row in &table.rows {
        let cells = shown.iter().map(|&c| {
            let cell = &row.cells[c];
            let star = if cell.best { "*" } else { "" };
            // Broken where a reader would, not where the column ends.
            let range = cell.range.replace('–', "–\n");
            let text = format!("{star}{}\n{range}", cell.text);
            let text = text.trim_end();
            let styled = Cell::new(text).set_alignment(CellAlignment::Right);
            if cell.best { styled.add_attribute(Attribute::Bold) } else { styled }
        });
        let title = row.title.replace(" (", "\n(").replace(", ", ",\n ");
        grid.add_row(std::iter::once(Cell::new(title)).chain(cells));
    }
    grid
}

/// A table that is as wide as the terminal, or as what reads it in its place has room for.
pub fn new_grid() -> Grid {
    let mut grid = Grid::new();
    grid.load_style(presets::UTF8_FULL_CONDENSED);
    grid.set_content_arrangement(ContentArrangement::Dynamic);
    if !grid.is_tty() {
        grid.set_width(WIDTH);
    }
    grid
}
