//! The slice that is shown, and how it is turned.

/// Which slice of a map is seen, and from which side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Slices, rows, columns.
    pub sizes: [usize; 3],
    /// The slice.
    pub slice: usize,
    /// Whether columns and rows run the other way round.
    pub turned: [bool; 2],
}

impl View {
    /// The slice with the most voxels that `counts` says yes to; the first of equals.
    pub fn fullest(
        sizes: [usize; 3],
        turned: [bool; 2],
        values: &[u16],
        counts: impl Fn(u16) -> bool,
    ) -> Self {
        let [_, height, width] = sizes;
        let filled: Vec<usize> = (values.chunks_exact((width * height).max(1)))
            .map(|slice| slice.iter().filter(|&&value| counts(value)).count())
            .collect();
        let most = filled.iter().max();
        let slice = filled.iter().position(|count| Some(count) == most).unwrap_or(0);
        Self { sizes, slice, turned }
    }

    /// The slice of a map, row by row as it is seen.
    pub fn of<T: Copy>(&self, map: &[T]) -> Vec<T> {
        let [_, height, width] = self.sizes;
        let slice = &map[self.slice * width * height..][..width * height];
        let seen = |at: usize| {
            let [x, y] = self.place([at % width, at / width]);
            slice[y * width + x]
        };
        (0..width * height).map(seen).collect()
    }

    /// Where a column and a row are seen; and the other way round.
    pub fn place(&self, [x, y]: [usize; 2]) -> [usize; 2] {
        let [_, height, width] = self.sizes;
        let [turn_x, turn_y] = self.turned;
        [if turn_x { width - 1 - x } else { x }, if turn_y { height - 1 - y } else { y }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_slice_is_seen_from_the_side_asked_for() {
        let values = [0, 0, 0, 9, 9, 9, 0, 2, 1, 1, 1, 0];
        let view = View::fullest([3, 1, 4], [true, false], &values, |v| v == 1 || v == 2);
        assert_eq!(view.slice, 2);
        assert_eq!(view.of(&values), [0, 1, 1, 1]);
        assert_eq!(view.place([1, 0]), [2, 0]);
        let flat = View::fullest([1, 2, 2], [false, true], &[1, 2, 3, 4], |_| true);
        assert_eq!(flat.of(&[1, 2, 3, 4]), [3, 4, 1, 2]);
    }
}
