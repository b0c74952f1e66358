//! A mask as a picture: its classes, how far each voxel lies from their border, and their skeletons, side by side.

mod canvas;
mod field;
mod panel;
mod skeleton;
mod slice;

use std::io::Cursor;

use dice_loss_morphology::{Signed, signed_distance, skeletonize};
use image::ImageFormat;

use self::{
    canvas::{Canvas, HEADING, TEXT, TITLE},
    panel::{Frame, Sheet},
    slice::View,
};
use super::{
    Inspected, SpacingFrom,
    measure::room,
    table::{number, percent},
};
use crate::{
    data::{Problem, Unit, printable},
    report::colour::Rgb,
};

const PAGE: Rgb = [19, 20, 25];
const INK: Rgb = [236, 238, 242];
const SOFT: Rgb = [162, 167, 179];

const MARGIN: u32 = 32;
const GAP: u32 = 28;

/// Rows of a legend.
const ENTRIES: usize = 5;
const ENTRY_HEIGHT: u32 = 24;

/// As many as are as high as the distances' bar with its numbers.
const BAR_ROWS: usize = 3;

/// Draws the slice with the most foreground as a PNG.
///
/// # Errors
/// No memory for distances and skeletons, or for the picture.
pub fn draw(mask: &Inspected) -> Result<Vec<u8>, Problem> {
    let values = &mask.file.mask.values;
    let extent = mask.file.mask.extent;
    let sizes = [extent.depth, extent.height, extent.width];
    if sizes.contains(&0) {
        return Err(Problem::NothingToDraw);
    }
    let [turn_x, turn_y, _] = mask.file.lies.map_or([false; 3], |lies| lies.upright());
    let is_class = |value: u16| mask.classes.binary_search(&value).is_ok();
    let view = View::fullest(sizes, [turn_x, turn_y], values, is_class);

    let distances = view.of(&distances(mask)?);
    let mut skeletons = room(values.len(), 0)?;
    skeletonize(values, &mask.classes, &mask.grid, &mut skeletons)?;
    let strokes = skeleton::strokes(&skeletons, &view);
    drop(skeletons);

    let steps = mask.grid.spacing();
    let frame =
        Frame::new([extent.width, extent.height], [steps[steps.len() - 1], steps[steps.len() - 2]]);
    let sheet =
        Sheet { frame, labels: &view.of(values), classes: &mask.classes, ignored: &mask.ignored };
    let heading = MARGIN + TITLE.height() + 10 + TEXT.height() + 26;
    let top = heading + HEADING.height() + 12;
    let legend = top + frame.height + 18;
    let width = 2 * MARGIN + 3 * frame.width + 2 * GAP;
    let height = legend + legend_height(mask) + MARGIN - 8;
    let mut canvas = Canvas::new(width, height, PAGE);
    let room = width - 2 * MARGIN;
    let title = TITLE.fitted(&printable(&mask.name), room);
    canvas.write(&title, [MARGIN, MARGIN], TITLE, INK);
    let below = MARGIN + TITLE.height() + 10;
    canvas.write(&TEXT.fitted(&about(mask, &view), room), [MARGIN, below], TEXT, SOFT);

    let unit = mask.unit;
    let headings = ["Classes".into(), format!("Signed distance ({unit})"), "Skeletons".into()];
    let left = |panel: u32| MARGIN + panel * (frame.width + GAP);
    for (panel, text) in (0..).zip(&headings) {
        canvas.write(text, [left(panel), heading], HEADING, INK);
    }
    sheet.classes(&mut canvas, [left(0), top]);
    sheet.scale_bar(&mut canvas, [left(0), top], unit);
    legend_of_classes(mask, &sheet, &mut canvas, [left(0), legend]);
    let scale = sheet.distances(&mut canvas, [left(1), top], &distances);
    match scale {
        Some(scale) => sheet.bar(&mut canvas, [left(1), legend], scale, SOFT),
        None => _ = canvas.write(none(mask), [left(1), legend], TEXT, SOFT),
    }
    sheet.skeletons(&mut canvas, [left(2), top], &strokes, &view);
    if extent.depth > 1 && !strokes.is_empty() {
        canvas.write("bright: in this slice", [left(2), legend], TEXT, INK);
        let dim = "dim: in the other slices, seen through";
        canvas.write(dim, [left(2), legend + ENTRY_HEIGHT], TEXT, SOFT);
    }
    let mut bytes = Cursor::new(vec![]);
    let written = canvas.0.write_to(&mut bytes, ImageFormat::Png);
    written.map_err(|error| Problem::Memory { reason: error.to_string() })?;
    Ok(bytes.into_inner())
}

/// The signed distance to the border of everything that is of a class.
fn distances(mask: &Inspected) -> Result<Vec<f32>, Problem> {
    let values = &mask.file.mask.values;
    let mut is_class = vec![false; usize::from(u16::MAX) + 1];
    mask.classes.iter().for_each(|&class| is_class[usize::from(class)] = true);
    let mut inside = room(values.len(), false)?;
    inside.iter_mut().zip(values).for_each(|(inside, &v)| *inside = is_class[usize::from(v)]);
    let mut distances = room(values.len(), 0.0)?;
    signed_distance(&inside, &[true], &mask.grid, Signed::Centres, &mut distances)?;
    Ok(distances)
}

/// Why there is no distance to a border.
fn none(mask: &Inspected) -> &'static str {
    if mask.classes.is_empty() { "no voxel is of a class" } else { "every voxel is of a class" }
}

/// Which slice it is, of how many voxels, how far apart.
fn about(mask: &Inspected, view: &View) -> String {
    let [depth, height, width] = view.sizes;
    let steps = mask.grid.spacing();
    let apart = match mask.spacing_from {
        SpacingFrom::Nothing => String::new(),
        _ => {
            let steps: Vec<String> = steps.iter().map(|&step| number(step)).collect();
            format!(", {} {} apart", steps.join(" × "), mask.unit)
        }
    };
    if depth == 1 {
        return format!("{height} × {width} voxels{apart}");
    }
    format!(
        "slice {}, counted from 0, of {depth}: the one with the most foreground · {depth} × {height} × {width} \
         voxels{apart}",
        view.slice
    )
}

/// That of the classes, or of the distances if that is higher.
fn legend_height(mask: &Inspected) -> u32 {
    mask.classes.len().clamp(BAR_ROWS, ENTRIES) as u32 * ENTRY_HEIGHT
}

fn legend_of_classes(mask: &Inspected, sheet: &Sheet, canvas: &mut Canvas, [left, top]: [u32; 2]) {
    let counts = mask.counts();
    let all: u64 = counts.iter().sum::<u64>()
        - mask.ignored.iter().map(|&value| counts[usize::from(value)]).sum::<u64>();
    let columns = (sheet.frame.width / 250).max(1) as usize;
    let width = sheet.frame.width / columns as u32;
    let mut entries: Vec<(Option<u16>, String)> = (mask.classes.iter())
        .map(|&class| {
            let name = mask.file.names.get(&class).cloned().unwrap_or(class.to_string());
            let voxels = counts[usize::from(class)];
            let share = percent(voxels as f64 / all as f64);
            (Some(class), format!("{name}  {voxels} voxels  {share}"))
        })
        .collect();
    let shown = ENTRIES * columns;
    if entries.len() > shown {
        let more = entries.len() - (shown - 1);
        entries.truncate(shown - 1);
        entries.push((None, format!("and {more} more")));
    }
    for (place, (class, text)) in entries.iter().enumerate() {
        let x = left + (place / ENTRIES) as u32 * width;
        let y = top + (place % ENTRIES) as u32 * ENTRY_HEIGHT;
        if let Some(class) = class {
            canvas.fill([x, y + 1], [14, 14], sheet.colour(*class));
        }
        let text = TEXT.fitted(text, width - 24);
        canvas.write(&text, [x + 22, y], TEXT, SOFT);
    }
}

impl Unit {
    /// A length in it, as a scale bar says it.
    fn length(self, length: f64) -> String {
        format!("{} {self}", number(length))
    }
}

#[cfg(test)]
mod tests;
