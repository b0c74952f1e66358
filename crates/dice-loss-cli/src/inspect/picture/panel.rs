//! What is drawn into one panel.

use std::collections::BTreeSet;

use super::{
    canvas::{Canvas, Lines, TEXT, blend},
    field::{Field, Scale},
    skeleton::Stroke,
    slice::View,
};
use crate::{
    data::Unit,
    inspect::table::number,
    report::{
        colour::{self, Rgb},
        plot,
    },
};

/// The longer side of a slice, in pixels.
const SIDE: f64 = 500.0;

/// The shorter side at least, whatever the slice's shape.
const SHORT_SIDE: u32 = 40;

/// A panel is as wide as its legend wants.
const LEAST_WIDTH: u32 = 340;

/// Below the voxels.
const GROUND: Rgb = [7, 8, 11];

/// Voxels that do not count are striped.
const STRIPES: [Rgb; 2] = [[58, 61, 70], [34, 36, 43]];
const STRIPE: u32 = 5;

/// Samples of a pixel along either side, so that edges are smooth at any scale.
const SAMPLES: usize = 3;

/// How large a voxel is before its class has an outline, in pixels.
const OUTLINED: f64 = 2.5;

/// Sizes of a panel and of the slice in its middle, in pixels and voxels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// The panel's width.
    pub width: u32,
    /// Its height, and the slice's.
    pub height: u32,
    /// The slice's width.
    inner: u32,
    /// Columns and rows.
    voxels: [usize; 2],
    /// Pixels of a voxel along a row and across.
    pixels: [f64; 2],
    /// Pixels of a unit of length.
    of_unit: f64,
}

impl Frame {
    /// A frame for so many columns and rows, so far apart.
    pub fn new(voxels: [usize; 2], steps: [f64; 2]) -> Self {
        let lengths = [voxels[0] as f64 * steps[0], voxels[1] as f64 * steps[1]];
        let of_unit = SIDE / lengths[0].max(lengths[1]);
        let [inner, height] =
            lengths.map(|length| ((length * of_unit).round() as u32).max(SHORT_SIDE));
        let pixels = [f64::from(inner) / voxels[0] as f64, f64::from(height) / voxels[1] as f64];
        Self { width: inner.max(LEAST_WIDTH), height, inner, voxels, pixels, of_unit }
    }

    /// Where the slice begins in a panel that begins there.
    fn inside(&self, [left, top]: [u32; 2]) -> [u32; 2] {
        [left + (self.width - self.inner) / 2, top]
    }

    /// Where a place in pixels lies, in voxels.
    fn place(&self, x: f64, y: f64) -> [f64; 2] {
        [x / self.pixels[0], y / self.pixels[1]]
    }

    /// The voxel there.
    fn voxel(&self, x: f64, y: f64) -> usize {
        let [column, row] = self.place(x, y);
        let [columns, rows] = self.voxels;
        (row as usize).min(rows - 1) * columns + (column as usize).min(columns - 1)
    }
}

/// A slice, and what its values mean.
pub struct Sheet<'a> {
    /// Where it goes.
    pub frame: Frame,
    /// Its values, row by row as seen.
    pub labels: &'a [u16],
    /// Values of classes.
    pub classes: &'a [u16],
    /// Values of voxels that do not count.
    pub ignored: &'a [u16],
}

impl Sheet<'_> {
    /// The colour of a class.
    pub fn colour(&self, label: u16) -> Rgb {
        self.classes.binary_search(&label).map_or([0; 3], |place| colour::class(place + 1))
    }

    /// Classes in their colours.
    pub fn classes(&self, canvas: &mut Canvas, place: [u32; 2]) {
        self.paint(canvas, place, 0.72);
        self.outlines(1.0).over(canvas, self.frame.inside(place));
    }

    /// Signed distances, where there are any; gives their scale.
    pub fn distances(
        &self,
        canvas: &mut Canvas,
        place: [u32; 2],
        distances: &[f32],
    ) -> Option<Scale> {
        let frame = self.frame;
        let Some(scale) = Scale::of(distances) else {
            self.paint(canvas, place, 0.2);
            return None;
        };
        self.ground(canvas, place);
        let [width, height] = frame.voxels;
        let field = Field { width, height, values: distances };
        let at = |x: u32, y: u32| field.at(frame.place(f64::from(x) + 0.5, f64::from(y) + 0.5));
        let [left, top] = frame.inside(place);
        for y in 0..frame.height {
            for x in 0..frame.inner {
                let here = at(x, y);
                let back = |v: u32| if v == 0 { 1 } else { v - 1 };
                let slope = (at(back(x), y) - here).hypot(at(x, back(y)) - here);
                canvas.blend(left + x, top + y, scale.pixel(here, slope), 1.0);
                if self.is_ignored(frame.voxel(f64::from(x) + 0.5, f64::from(y) + 0.5)) {
                    canvas.blend(left + x, top + y, stripe(x, y), 0.75);
                }
            }
        }
        Some(scale)
    }

    /// Skeletons over faint classes.
    pub fn skeletons(&self, canvas: &mut Canvas, place: [u32; 2], strokes: &[Stroke], view: &View) {
        self.paint(canvas, place, 0.2);
        self.outlines(0.5).over(canvas, self.frame.inside(place));
        let [across, down] = self.frame.pixels;
        let thickness = (0.4 * across.min(down)).clamp(1.8, 5.0);
        let mut lines = Lines::new(self.frame.inner, self.frame.height);
        let joined: BTreeSet<[usize; 2]> = (strokes.iter())
            .filter(|stroke| stroke.here && stroke.ends[0] != stroke.ends[1])
            .flat_map(|stroke| stroke.ends)
            .collect();
        for stroke in strokes {
            let [from, to] = stroke.ends.map(|end| {
                let [x, y] = view.place(end).map(|v| v as f64 + 0.5);
                [x * across, y * down]
            });
            let own = self.colour(stroke.label);
            let alone = stroke.here && !joined.contains(&stroke.ends[0]);
            match (stroke.here, alone) {
                (true, true) => {
                    lines.line(from, to, thickness + 2.4, blend(own, [255; 3], 0.45), 1.0)
                }
                (true, false) => lines.line(from, to, thickness, blend(own, [255; 3], 0.45), 1.0),
                (false, _) => lines.line(from, to, 0.7 * thickness, own, 0.28),
            }
        }
        lines.over(canvas, self.frame.inside(place));
    }

    /// A round length at the lower left.
    pub fn scale_bar(&self, canvas: &mut Canvas, place: [u32; 2], unit: Unit) {
        let frame = self.frame;
        let longest = 0.4 * f64::from(frame.inner) / frame.of_unit;
        let length = round_below(longest);
        let pixels = (length * frame.of_unit).round() as u32;
        let text = unit.length(length);
        let of_text = text.chars().count() as u32 * TEXT.width();
        if pixels < 8 || frame.height < 60 || of_text + 24 > frame.inner {
            return;
        }
        let [left, top] = frame.inside(place);
        let (left, bottom) = (left + 12, top + frame.height - 12);
        for y in bottom - 27..bottom + 4 {
            for x in left - 6..left + pixels.max(of_text) + 6 {
                canvas.blend(x, y, GROUND, 0.6);
            }
        }
        canvas.write(&text, [left, bottom - 23], TEXT, [255; 3]);
        canvas.fill([left, bottom - 3], [pixels, 3], [255; 3]);
    }

    /// The colours of distances with round numbers below them.
    pub fn bar(&self, canvas: &mut Canvas, [left, top]: [u32; 2], scale: Scale, ink: Rgb) {
        const HEIGHT: u32 = 14;
        let half = self.frame.width / 2;
        for x in 0..2 * half {
            let share = (f64::from(x) + 0.5) / f64::from(half) - 1.0;
            let most = if share < 0.0 { scale.inside } else { scale.outside };
            let colour = scale.colour(share * most);
            canvas.fill([left + x, top], [1, HEIGHT], colour);
        }
        canvas.fill([left + half - 1, top], [2, HEIGHT], [255; 3]);
        canvas.write_centred("0", [left + half, top + HEIGHT + 5], TEXT, ink);
        let [inside, outside] = scale.steps();
        for (most, step, sign) in [(scale.inside, inside, -1.0), (scale.outside, outside, 1.0)] {
            for mark in (1..).map(|k| f64::from(k) * step).take_while(|mark| *mark <= most) {
                let x = f64::from(half) * (1.0 + sign * mark / most);
                let x = left + (x.round() as u32).min(2 * half - 1);
                canvas.fill([x, top + HEIGHT], [1, 3], ink);
                let text = number(sign * mark);
                let of_text = text.chars().count() as u32 * TEXT.width() / 2;
                let middle = x.clamp(left + of_text, left + 2 * half - of_text);
                canvas.write_centred(&text, [middle, top + HEIGHT + 5], TEXT, ink);
            }
        }
        canvas.write("negative inside; lines at the numbers", [left, top + HEIGHT + 28], TEXT, ink);
    }

    /// Each voxel in its class's colour, so opaque.
    fn paint(&self, canvas: &mut Canvas, place: [u32; 2], opacity: f32) {
        self.ground(canvas, place);
        let [left, top] = self.frame.inside(place);
        let share = 1.0 / (SAMPLES * SAMPLES) as f32;
        for y in 0..self.frame.height {
            for x in 0..self.frame.inner {
                let mut mixed = [0f32; 3];
                for sample in 0..SAMPLES * SAMPLES {
                    let of = |v: u32, k: usize| f64::from(v) + (k as f64 + 0.5) / SAMPLES as f64;
                    let voxel = self.frame.voxel(of(x, sample % SAMPLES), of(y, sample / SAMPLES));
                    let colour = self.voxel_colour(voxel, [x, y], opacity);
                    (0..3).for_each(|c| mixed[c] += share * f32::from(colour[c]));
                }
                canvas.blend(left + x, top + y, mixed.map(|v| v.round() as u8), 1.0);
            }
        }
    }

    fn voxel_colour(&self, voxel: usize, [x, y]: [u32; 2], opacity: f32) -> Rgb {
        if self.is_ignored(voxel) {
            return stripe(x, y);
        }
        match self.labels[voxel] {
            0 => GROUND,
            label => blend(GROUND, self.colour(label), opacity),
        }
    }

    fn ground(&self, canvas: &mut Canvas, place: [u32; 2]) {
        canvas.fill(place, [self.frame.width, self.frame.height], GROUND);
    }

    fn is_ignored(&self, voxel: usize) -> bool {
        self.ignored.contains(&self.labels[voxel])
    }

    /// Lines along the edges of voxels of a class beside which another begins.
    fn outlines(&self, opacity: f32) -> Lines {
        let frame = self.frame;
        let mut lines = Lines::new(frame.inner, frame.height);
        let [across, down] = frame.pixels;
        if across.min(down) < OUTLINED {
            return lines;
        }
        let [columns, rows] = frame.voxels;
        for (at, &label) in self.labels.iter().enumerate() {
            if self.classes.binary_search(&label).is_err() {
                continue;
            }
            let (x, y) = (at % columns, at / columns);
            let other = |inside: bool, at: usize| inside && self.labels[at] != label;
            let corner = |dx: usize, dy: usize| [(x + dx) as f64 * across, (y + dy) as f64 * down];
            let sides = [
                (other(x > 0, at.wrapping_sub(1)), corner(0, 0), corner(0, 1)),
                (other(x + 1 < columns, at + 1), corner(1, 0), corner(1, 1)),
                (other(y > 0, at.wrapping_sub(columns)), corner(0, 0), corner(1, 0)),
                (other(y + 1 < rows, at + columns), corner(0, 1), corner(1, 1)),
            ];
            for (_, from, to) in sides.into_iter().filter(|(ends, ..)| *ends) {
                lines.line(from, to, 1.5, self.colour(label), opacity);
            }
        }
        lines
    }
}

fn stripe(x: u32, y: u32) -> Rgb {
    STRIPES[((x + y) / STRIPE % 2) as usize]
}

/// The largest of 1, 2, 5, 10, 20, … that is not above `most`.
fn round_below(most: f64) -> f64 {
    let above = plot::step(most);
    let ratios = [1.0, 0.5, 0.4, 0.2, 0.1];
    let candidates = ratios.map(|ratio| above * ratio);
    let is_round = |v: &f64| (plot::step(*v) / v - 1.0).abs() < 1e-6;
    candidates.into_iter().find(|v| *v <= most * (1.0 + 1e-9) && is_round(v)).unwrap_or(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_has_the_shape_of_its_slice() {
        let frame = Frame::new([100, 50], [1.0, 4.0]);
        assert_eq!((frame.inner, frame.height, frame.width), (250, 500, LEAST_WIDTH));
        assert_eq!(frame.pixels, [2.5, 10.0]);
        assert_eq!(frame.voxel(249.9, 499.9), 4999);
        assert_eq!(frame.inside([10, 20]), [10 + (LEAST_WIDTH - 250) / 2, 20]);
        assert_eq!(Frame::new([1, 4000], [1.0, 1.0]).inner, SHORT_SIDE);
    }

    #[test]
    fn scale_bars_are_round_and_fit() {
        let below = [1.0, 1.9, 4.9, 5.0, 7.3, 99.0, 0.31].map(round_below);
        for (found, wanted) in below.into_iter().zip([1.0, 1.0, 2.0, 5.0, 5.0, 50.0, 0.2]) {
            assert!((found / wanted - 1.0).abs() < 1e-9, "{found} {wanted}");
        }
    }

    #[test]
    fn voxels_have_the_colour_of_their_class_and_stripes_where_they_do_not_count() {
        let frame = Frame::new([3, 1], [1.0, 1.0]);
        let sheet = Sheet { frame, labels: &[0, 4, 9], classes: &[4], ignored: &[9] };
        let mut canvas = Canvas::new(frame.width, frame.height, [255; 3]);
        sheet.classes(&mut canvas, [0, 0]);
        let middle = |voxel: u32| canvas.0.get_pixel(83 + 166 * voxel, 80).0;
        assert_eq!(middle(0), GROUND);
        assert_eq!(middle(1), blend(GROUND, colour::class(1), 0.72));
        assert!(STRIPES.contains(&middle(2)), "{:?}", middle(2));
        assert_eq!(canvas.0.get_pixel(166, 80).0, colour::class(1), "the outline");
    }
}
