//! Text for the terminal.

use comfy_table::{Cell, CellAlignment, Row};

use super::{ClassRecord, ComponentRecord, Inspection, Part, SpacingFrom};
use crate::{data::printable, report::new_grid};

/// What stands where there is no number.
const NONE: &str = "–";

/// A table of the classes, one of their components where these were asked for, and what to know about them.
pub fn table(of: &Inspection) -> String {
    let mut text = format!("{}: {}\n", printable(&of.file), about(of));
    text += &classes(of).to_string();
    if of.classes.iter().any(|class| class.each_component.is_some()) {
        text += &format!("\n{}", components(of));
    }
    let Part { voxels, share, .. } = of.ignored;
    if voxels > 0 {
        text += &format!("\nNote: {voxels} voxels do not count, {} of all", percent(share));
    }
    if of.classes.is_empty() {
        text += "\nNote: the mask holds no class besides background";
    }
    text + "\n"
}

/// Shape, spacing, and what a component is.
fn about(of: &Inspection) -> String {
    let times = |numbers: Vec<String>| numbers.join(" × ");
    let shape = times(of.shape.iter().map(usize::to_string).collect());
    let axes = if of.shape.len() == 2 { "rows, columns" } else { "slices, rows, columns" };
    let spacing = times(of.spacing.iter().map(|&step| number(step)).collect());
    let spacing = match of.spacing_from {
        SpacingFrom::Header => format!("{spacing} {} apart as its header says", of.unit),
        SpacingFrom::Option => format!("{spacing} {} apart as asked for", of.unit),
        SpacingFrom::Nothing => "without a spacing, which --spacing gives".into(),
    };
    format!("{shape} voxels ({axes}), {spacing}; components of {} neighbours", of.connectivity)
}

fn classes(of: &Inspection) -> comfy_table::Table {
    let mut grid = new_grid();
    let volume = volume_heading(of);
    let mut headings = vec!["class", "voxels", "share"];
    headings.extend(volume.as_deref());
    let thickness = format!("thickness\n({})", of.unit);
    headings.extend([
        "components",
        "smallest\n(voxels)",
        "median\n(voxels)",
        "largest\n(voxels)",
        box_heading(of),
        thickness.as_str(),
    ]);
    grid.set_header(headings);
    let known = |part: Part| {
        let mut cells = vec![part.voxels.to_string(), percent(part.share)];
        cells.extend(volume.is_some().then(|| number(part.volume)));
        cells
    };
    let nothing = [NONE; 6].map(String::from);
    grid.add_row(row("background".into(), known(of.background).into_iter().chain(nothing)));
    for class in &of.classes {
        let sizes = class.component_voxels;
        let more = [
            class.components.to_string(),
            sizes.smallest.to_string(),
            sizes.median.to_string(),
            sizes.largest.to_string(),
            bounds(&class.bounds),
            class.thickness.map_or(NONE.into(), number),
        ];
        grid.add_row(row(name(class), known(class.part).into_iter().chain(more)));
    }
    grid
}

fn components(of: &Inspection) -> comfy_table::Table {
    let mut grid = new_grid();
    let volume = volume_heading(of);
    let mut headings = vec!["class", "component", "voxels"];
    headings.extend(volume.as_deref());
    let thickness = format!("thickness\n({})", of.unit);
    headings.extend([box_heading(of), thickness.as_str()]);
    grid.set_header(headings);
    for class in &of.classes {
        for one in class.each_component.iter().flatten() {
            let ComponentRecord { number: counted, voxels, .. } = one;
            let mut cells = vec![counted.to_string(), voxels.to_string()];
            cells.extend(volume.is_some().then(|| number(one.volume)));
            cells.extend([bounds(&one.bounds), one.thickness.map_or(NONE.into(), number)]);
            grid.add_row(row(name(class), cells.into_iter()));
        }
    }
    grid
}

fn row(name: String, cells: impl Iterator<Item = String>) -> Row {
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    Row::from(std::iter::once(Cell::new(name)).chain(cells.map(right)).collect::<Vec<_>>())
}

/// A volume in voxels would say twice how many there are.
fn volume_heading(of: &Inspection) -> Option<String> {
    let what = if of.shape.len() == 2 { "area" } else { "volume" };
    (of.spacing_from != SpacingFrom::Nothing).then(|| format!("{what}\n({})", of.volume_unit))
}

fn box_heading(of: &Inspection) -> &'static str {
    if of.shape.len() == 2 { "box\n(rows, columns)" } else { "box\n(slices, rows, columns)" }
}

/// The value, or the colour that it stands for.
fn name(class: &ClassRecord) -> String {
    class.colour.clone().unwrap_or_else(|| class.label.to_string())
}

/// A box as a slice of an array: from the first index to the one behind the last.
fn bounds(of: &[[usize; 2]]) -> String {
    let along: Vec<String> = of.iter().map(|[start, end]| format!("{start}:{end}")).collect();
    along.join(", ")
}

pub(super) fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if percent > 0.0 && percent < 0.01 => "< 0.01 %".into(),
        percent => format!("{percent:.2} %"),
    }
}

/// A number with four digits or more, without zeros behind the last.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == value.round() && size < 1e15 {
        return format!("{value:.0}");
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = (3.0 - size.log10().floor()).max(0.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Sizes;

    fn inspection() -> Inspection {
        let part = |voxels, share| Part { voxels, share, volume: 2.5 * voxels as f64 };
        Inspection {
            file: "a\u{1b}.nii".into(),
            shape: vec![3, 10, 20],
            spacing: vec![2.5, 1.0, 1.0],
            unit: "mm".into(),
            volume_unit: "mm³".into(),
            spacing_from: SpacingFrom::Header,
            connectivity: 26,
            ignored: part(6, 0.01),
            background: part(590, 0.9933),
            classes: vec![ClassRecord {
                label: 7,
                colour: None,
                part: part(4, 0.000_05),
                components: 2,
                component_voxels: Sizes { smallest: 1, median: 2.0, largest: 3 },
                bounds: vec![[0, 2], [4, 5], [6, 9]],
                thickness: Some(2.0),
                each_component: None,
            }],
        }
    }

    #[test]
    fn a_row_holds_what_was_measured() {
        let text = table(&inspection());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "a\\u{1b}.nii: 3 × 10 × 20 voxels (slices, rows, columns), 2.5 × 1 × 1 mm apart as its header says; \
             components of 26 neighbours"
        );
        let cells = |line: &str| -> Vec<String> {
            line.split(['│', '┆'])
                .map(|cell| cell.trim().to_owned())
                .filter(|c| !c.is_empty())
                .collect()
        };
        let row = lines.iter().find(|line| line.contains("0:2")).unwrap();
        let wanted = ["7", "4", "< 0.01 %", "10", "2", "1", "2", "3", "0:2, 4:5, 6:9", "2"]
            .map(String::from);
        assert_eq!(cells(row), wanted);
        let background = lines.iter().find(|line| line.contains("background")).unwrap();
        assert_eq!(cells(background)[..4], ["background", "590", "99.33 %", "1475"]);
        assert!(text.contains("Note: 6 voxels do not count, 1.00 % of all"), "{text}");
    }

    #[test]
    fn without_a_spacing_there_is_no_volume() {
        let found = Inspection { spacing_from: SpacingFrom::Nothing, ..inspection() };
        let text = table(&found);
        assert!(!text.contains("mm³") && text.contains("without a spacing"), "{text}");
    }

    #[test]
    fn numbers_keep_four_digits() {
        let said = [0.5, 12.0, 1234.56, 3.17259, 0.012346, 2.5e-7, 99.999].map(number);
        assert_eq!(said, ["0.5", "12", "1235", "3.173", "0.01235", "2.500e-7", "100"]);
    }
}
