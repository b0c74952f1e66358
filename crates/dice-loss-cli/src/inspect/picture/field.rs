//! Colours of signed distances: warm inside, cool outside, lines where the distance is round.

use std::ops::Range;

use super::canvas::blend;
use crate::report::{colour::Rgb, plot};

/// From the border to the innermost voxel.
const INSIDE: [Rgb; 5] =
    [[58, 14, 84], [150, 38, 110], [226, 82, 70], [252, 162, 56], [255, 240, 170]];

/// From the border to the farthest voxel.
const OUTSIDE: [Rgb; 4] = [[118, 188, 216], [56, 112, 168], [30, 58, 104], [14, 20, 44]];

/// The border itself.
const BORDER: Rgb = [255, 255, 255];

/// Lines on one side, at least as many as fit.
const LINES: f64 = 4.0;

/// Half the thickness of the border, and of a line, in pixels.
const OF_BORDER: f64 = 1.0;
const OF_LINE: f64 = 0.5;

/// How far distances go on both sides of a border, and where the lines are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The largest distance inside.
    pub inside: f64,
    /// The largest distance outside.
    pub outside: f64,
}

impl Scale {
    /// The scale of some signed distances, of which at least one is on each side.
    pub fn of(distances: &[f32]) -> Option<Self> {
        let most = |sign: f32| distances.iter().fold(0f32, |most, &d| most.max(sign * d));
        let scale = Self { inside: most(-1.0).into(), outside: most(1.0).into() };
        let is_length = |v: f64| v.is_finite() && v > 0.0;
        (is_length(scale.inside) && is_length(scale.outside)).then_some(scale)
    }

    /// Distances between lines inside and outside.
    pub fn steps(self) -> [f64; 2] {
        [self.inside, self.outside].map(|most| plot::step(most / LINES))
    }

    /// The colour of a distance, without lines.
    pub fn colour(self, distance: f64) -> Rgb {
        if distance < 0.0 {
            ramp(&INSIDE, -distance / self.inside)
        } else {
            ramp(&OUTSIDE, distance / self.outside)
        }
    }

    /// The colour of a pixel over which the distance changes by `slope`.
    pub fn pixel(self, distance: f64, slope: f64) -> Rgb {
        let plain = self.colour(distance);
        let slope = slope.max(f64::MIN_POSITIVE);
        let covered = |apart: f64, half: f64| (half + 0.5 - apart / slope).clamp(0.0, 1.0) as f32;
        let [inside, outside] = self.steps();
        let step = if distance < 0.0 { inside } else { outside };
        let nearest = (distance / step).round();
        let line = if nearest == 0.0 {
            plain
        } else {
            let apart = (distance - nearest * step).abs();
            let over = if distance < 0.0 { [40, 8, 40] } else { [190, 214, 236] };
            blend(plain, over, 0.34 * covered(apart, OF_LINE))
        };
        blend(line, BORDER, covered(distance.abs(), OF_BORDER))
    }
}

fn ramp(colours: &[Rgb], share: f64) -> Rgb {
    let place = share.clamp(0.0, 1.0) * (colours.len() - 1) as f64;
    let below = (place as usize).min(colours.len() - 2);
    blend(colours[below], colours[below + 1], (place - below as f64) as f32)
}

/// A map between whose voxels values are found in proportion.
pub struct Field<'a> {
    /// Voxels along a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The values, row by row.
    pub values: &'a [f32],
}

impl Field<'_> {
    /// The value at a place in voxels, whose centres lie at halves.
    pub fn at(&self, [x, y]: [f64; 2]) -> f64 {
        let (columns, across) = between(x, self.width);
        let (rows, down) = between(y, self.height);
        let value = |row: usize, column: usize| f64::from(self.values[row * self.width + column]);
        let along = |row: usize| {
            value(row, columns.start) * (1.0 - across) + value(row, columns.end) * across
        };
        along(rows.start) * (1.0 - down) + along(rows.end) * down
    }
}

/// The voxels on both sides of a place, and how far it lies towards the second.
fn between(place: f64, size: usize) -> (Range<usize>, f64) {
    let from_first = (place - 0.5).clamp(0.0, size.saturating_sub(1) as f64);
    let below = from_first as usize;
    (below..(below + 1).min(size - 1), from_first - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_voxels_are_in_proportion() {
        let field = Field { width: 2, height: 2, values: &[0.0, 1.0, 2.0, 3.0] };
        assert_eq!(field.at([0.5, 0.5]), 0.0);
        assert_eq!(field.at([1.0, 1.0]), 1.5);
        assert_eq!(field.at([9.0, -9.0]), 1.0, "the last column of the first row");
        assert_eq!(field.at([1.25, 1.5]), 2.75);
    }

    #[test]
    fn the_border_is_white_and_each_side_has_its_ends() {
        let scale = Scale::of(&[-2.0, 1.0, 12.0]).unwrap();
        assert_eq!((scale.inside, scale.outside, scale.steps()), (2.0, 12.0, [0.5, 5.0]));
        assert_eq!(scale.pixel(0.0, 0.1), BORDER);
        assert_eq!(scale.colour(-2.0), INSIDE[4]);
        assert_eq!(scale.colour(12.0), OUTSIDE[3]);
        assert_eq!(scale.pixel(-1.8, 0.01), scale.colour(-1.8), "no line there");
        assert_ne!(scale.pixel(-1.5, 0.01), scale.colour(-1.5), "a line there");
        assert_eq!(Scale::of(&[f32::INFINITY, 1.0]), None);
        assert_eq!(Scale::of(&[3.0, 1.0]), None, "nothing inside");
    }
}
