//! Pixels, lines and letters.

use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::report::colour;

/// A picture that is drawn on.
pub struct Canvas(pub RgbImage);

/// Letters of one size and weight.
#[derive(Debug, Clone, Copy)]
pub struct Letters {
    weight: FontWeight,
    size: RasterHeight,
}

/// What a picture is.
pub const TITLE: Letters = Letters { weight: FontWeight::Bold, size: RasterHeight::Size24 };

/// What a part of it is.
pub const HEADING: Letters = Letters { weight: FontWeight::Bold, size: RasterHeight::Size20 };

/// Everything else.
pub const TEXT: Letters = Letters { weight: FontWeight::Regular, size: RasterHeight::Size16 };

/// What stands for a letter that the font lacks.
const UNKNOWN: char = '?';

impl Letters {
    /// Width of a letter, in pixels; all are as wide.
    pub fn width(self) -> u32 {
        get_raster_width(self.weight, self.size) as u32
    }

    /// Height of a line, in pixels.
    pub fn height(self) -> u32 {
        self.size.val() as u32
    }

    /// The text, or its beginning where there is no room for all of it.
    pub fn fitted(self, text: &str, width: u32) -> String {
        let room = (width / self.width()) as usize;
        if text.chars().count() <= room {
            return text.into();
        }
        text.chars().take(room.saturating_sub(3)).chain("...".chars()).collect()
    }
}

impl Canvas {
    /// A canvas of one colour.
    pub fn new(width: u32, height: u32, colour: colour::Rgb) -> Self {
        Self(RgbImage::from_pixel(width, height, Rgb(colour)))
    }

    /// Lays a colour over a pixel, if there is one there.
    pub fn blend(&mut self, x: u32, y: u32, colour: colour::Rgb, opacity: f32) {
        if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
            *pixel = Rgb(blend(pixel.0, colour, opacity));
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, [left, top]: [u32; 2], [width, height]: [u32; 2], colour: colour::Rgb) {
        for y in top..top + height {
            for x in left..left + width {
                self.blend(x, y, colour, 1.0);
            }
        }
    }

    /// Writes to the right of a place, whose height is that of the letters' tops; gives where they end.
    pub fn write(
        &mut self,
        text: &str,
        [left, top]: [u32; 2],
        letters: Letters,
        colour: colour::Rgb,
    ) -> u32 {
        let mut x = left;
        for letter in text.chars() {
            let raster = get_raster(letter, letters.weight, letters.size)
                .or_else(|| get_raster(UNKNOWN, letters.weight, letters.size));
            for (dy, row) in raster.iter().flat_map(|raster| raster.rows()).enumerate() {
                for (dx, &ink) in row.iter().enumerate() {
                    self.blend(x + dx as u32, top + dy as u32, colour, f32::from(ink) / 255.0);
                }
            }
            x += letters.width();
        }
        x
    }

    /// Writes with the middle of the text at a place.
    pub fn write_centred(
        &mut self,
        text: &str,
        [middle, top]: [u32; 2],
        letters: Letters,
        colour: colour::Rgb,
    ) {
        let width = text.chars().count() as u32 * letters.width();
        self.write(text, [middle.saturating_sub(width / 2), top], letters, colour);
    }
}

/// Two colours over each other.
pub fn blend(below: colour::Rgb, above: colour::Rgb, opacity: f32) -> colour::Rgb {
    let opacity = opacity.clamp(0.0, 1.0);
    std::array::from_fn(|c| {
        (f32::from(below[c]) * (1.0 - opacity) + f32::from(above[c]) * opacity).round() as u8
    })
}

/// Lines of several colours that do not darken where they meet: of each pixel the most opaque is kept.
pub struct Lines {
    width: usize,
    height: usize,
    drawn: Vec<(f32, colour::Rgb)>,
}

impl Lines {
    /// Lines on a sheet of this size.
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { width, height, drawn: vec![(0.0, [0; 3]); width * height] }
    }

    /// Draws a line with round ends; one without a length is a dot.
    pub fn line(
        &mut self,
        from: [f64; 2],
        to: [f64; 2],
        thickness: f64,
        colour: colour::Rgb,
        opacity: f32,
    ) {
        let radius = thickness / 2.0;
        let along = |axis: usize, size: usize| {
            let low = from[axis].min(to[axis]) - radius - 1.0;
            let high = from[axis].max(to[axis]) + radius + 1.0;
            (low.max(0.0) as usize).min(size)..(high.max(0.0).ceil() as usize).min(size)
        };
        for y in along(1, self.height) {
            for x in along(0, self.width) {
                let apart = apart([x as f64 + 0.5, y as f64 + 0.5], from, to);
                let covered = (radius + 0.5 - apart).clamp(0.0, 1.0) as f32 * opacity;
                let pixel = &mut self.drawn[y * self.width + x];
                if covered > pixel.0 {
                    *pixel = (covered, colour);
                }
            }
        }
    }

    /// Lays the sheet over a canvas.
    pub fn over(&self, canvas: &mut Canvas, [left, top]: [u32; 2]) {
        for (at, &(opacity, colour)) in self.drawn.iter().enumerate() {
            if opacity > 0.0 {
                let (x, y) = (at % self.width, at / self.width);
                canvas.blend(left + x as u32, top + y as u32, colour, opacity);
            }
        }
    }
}

/// How far a point lies from a line between two others.
fn apart(point: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let minus = |a: [f64; 2], b: [f64; 2]| [a[0] - b[0], a[1] - b[1]];
    let dot = |a: [f64; 2], b: [f64; 2]| a[0] * b[0] + a[1] * b[1];
    let (whole, part) = (minus(to, from), minus(point, from));
    let length = dot(whole, whole);
    let share = if length > 0.0 { (dot(part, whole) / length).clamp(0.0, 1.0) } else { 0.0 };
    let rest = minus(part, [share * whole[0], share * whole[1]]);
    dot(rest, rest).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_thick_as_said_and_do_not_darken_where_they_meet() {
        let mut lines = Lines::new(9, 5);
        lines.line([0.0, 2.5], [9.0, 2.5], 3.0, [200, 100, 0], 0.5);
        lines.line([4.5, 0.0], [4.5, 5.0], 1.0, [0, 0, 200], 0.5);
        let mut canvas = Canvas::new(9, 5, [0; 3]);
        lines.over(&mut canvas, [0, 0]);
        let column: Vec<_> = (0..5).map(|y| canvas.0.get_pixel(1, y).0).collect();
        assert_eq!(column, [[0; 3], [100, 50, 0], [100, 50, 0], [100, 50, 0], [0; 3]]);
        assert_eq!(canvas.0.get_pixel(4, 2).0, [100, 50, 0], "the first of equals");
        assert_eq!(canvas.0.get_pixel(4, 0).0, [0, 0, 100]);
    }

    #[test]
    fn text_is_cut_where_there_is_no_room() {
        let width = TEXT.width();
        assert_eq!(TEXT.fitted("abcdef", 6 * width), "abcdef");
        assert_eq!(TEXT.fitted("abcdef", 6 * width - 1), "ab...");
        let mut canvas = Canvas::new(4 * width, TEXT.height(), [0; 3]);
        assert_eq!(
            canvas.write("a²µ\u{4e00}e", [0, 0], TEXT, [255; 3]),
            5 * width,
            "beyond the edge"
        );
        let ink = |letter: u32| {
            let columns = letter * width..(letter + 1) * width;
            let pixels = columns.flat_map(|x| (0..TEXT.height()).map(move |y| (x, y)));
            pixels.map(|(x, y)| u32::from(canvas.0.get_pixel(x, y).0[0])).sum::<u32>()
        };
        assert!((0..3).all(|letter| ink(letter) > 0), "{:?}", [ink(0), ink(1), ink(2)]);
    }
}
