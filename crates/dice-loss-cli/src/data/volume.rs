//! Images and masks as they come out of a file: one slice or a stack of them.

use std::fmt;

/// Voxels that one file may hold: 512 × 512 × 1024, 1 GiB once widened to f32.
pub const MAX_VOXELS: u64 = 1 << 28;

/// A size in voxels; a plain picture has a depth of 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Columns of a slice.
    pub width: usize,
    /// Rows of a slice.
    pub height: usize,
    /// Slices.
    pub depth: usize,
}

impl Extent {
    /// Voxels in one slice.
    pub fn slice_len(&self) -> usize {
        self.width * self.height
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.width, self.height)?;
        if self.depth > 1 {
            write!(f, " × {}", self.depth)?;
        }
        Ok(())
    }
}

/// Intensities, slice after slice; within a slice channel after channel, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Size in voxels.
    pub extent: Extent,
    /// 1 for grey, 3 for colour, or as many as there are files for one mask.
    pub channels: usize,
    /// `depth × channels × height × width` intensities.
    pub values: Vec<f32>,
}

/// Mask values as the file has them, slice after slice, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Size in voxels.
    pub extent: Extent,
    /// `depth × height × width` values.
    pub values: Vec<u16>,
}

impl Scan {
    /// Shifts and scales the finite intensities to zero mean and unit variance; the others become the lowest.
    ///
    /// Returns false, and changes nothing, where no intensity is finite.
    pub fn standardise(&mut self) -> bool {
        let finite = || self.values.iter().copied().filter(|v| v.is_finite()).map(f64::from);
        let count = finite().count();
        if count == 0 {
            return false;
        }
        let mean = finite().sum::<f64>() / count as f64;
        let variance = finite().map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64;
        let lowest = finite().fold(f64::INFINITY, f64::min);
        let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        for value in &mut self.values {
            let v = if value.is_finite() { f64::from(*value) } else { lowest };
            *value = ((v - mean) / deviation) as f32;
        }
        true
    }

    /// Maps the window `low..high` to −1..1 and clamps what lies outside.
    pub fn window(&mut self, low: f32, high: f32) {
        for value in &mut self.values {
            *value = ((*value - low) / (high - low) * 2.0 - 1.0).clamp(-1.0, 1.0);
        }
    }

    /// The same with axes turned round.
    pub fn turned(self, axes: [bool; 3]) -> Self {
        let values = turned(self.values, self.extent, self.channels, axes);
        Self { values, ..self }
    }

    /// The channels of both, slice by slice; they are of one extent.
    pub fn beside(self, other: &Self) -> Self {
        let planes = |scan: &Self| (scan.channels * scan.extent.slice_len()).max(1);
        let slices = self.values.chunks_exact(planes(&self));
        let values =
            slices.zip(other.values.chunks_exact(planes(other))).flat_map(|(a, b)| [a, b].concat());
        Self {
            extent: self.extent,
            channels: self.channels + other.channels,
            values: values.collect(),
        }
    }

    /// Repeats a grey image in three channels.
    pub fn into_colour(self) -> Self {
        if self.channels != 1 {
            return self;
        }
        let planes = self.values.chunks_exact(self.extent.slice_len().max(1));
        let values = planes.flat_map(|plane| [plane; 3].concat()).collect();
        Self { channels: 3, values, ..self }
    }
}

impl Mask {
    /// The same with axes turned round.
    pub fn turned(self, axes: [bool; 3]) -> Self {
        let values = turned(self.values, self.extent, 1, axes);
        Self { values, ..self }
    }
}

fn turned<T: Copy>(values: Vec<T>, extent: Extent, channels: usize, axes: [bool; 3]) -> Vec<T> {
    let [turn_x, turn_y, turn_z] = axes;
    if axes == [false; 3] {
        return values;
    }
    let at = |turn: bool, i: usize, length: usize| if turn { length - 1 - i } else { i };
    let mut turned = Vec::with_capacity(values.len());
    for z in 0..extent.depth {
        for c in 0..channels {
            let plane = (at(turn_z, z, extent.depth) * channels + c) * extent.height;
            for y in 0..extent.height {
                let row = (plane + at(turn_y, y, extent.height)) * extent.width;
                let row = &values[row..row + extent.width];
                if turn_x {
                    turned.extend(row.iter().rev());
                } else {
                    turned.extend(row);
                }
            }
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(values: &[f32]) -> Scan {
        let extent = Extent { width: values.len(), height: 1, depth: 1 };
        Scan { extent, channels: 1, values: values.to_vec() }
    }

    #[test]
    fn standardised_intensities_have_mean_0_and_variance_1() {
        let mut image = scan(&[1.0, 3.0, f32::NAN]);
        assert!(image.standardise());
        assert_eq!(image.values, [-1.0, 1.0, -1.0]);
    }

    #[test]
    fn constant_and_empty_intensities_stay_finite() {
        let mut flat = scan(&[7.0, 7.0]);
        assert!(flat.standardise());
        assert_eq!(flat.values, [0.0, 0.0]);
        assert!(!scan(&[f32::NAN, f32::INFINITY]).standardise());
    }

    #[test]
    fn window_clamps() {
        let mut image = scan(&[-3000.0, -1000.0, -200.0, 600.0, 4000.0]);
        image.window(-1000.0, 600.0);
        assert_eq!(image.values, [-1.0, -1.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn colour_repeats_each_slice() {
        let extent = Extent { width: 1, height: 1, depth: 2 };
        let grey = Scan { extent, channels: 1, values: vec![1.0, 2.0] };
        assert_eq!(grey.into_colour().values, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn axes_are_turned_one_by_one() {
        let extent = Extent { width: 2, height: 2, depth: 2 };
        let mask = |axes| Mask { extent, values: (1..9).collect() }.turned(axes).values;
        assert_eq!(mask([false; 3]), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(mask([true, false, false]), [2, 1, 4, 3, 6, 5, 8, 7]);
        assert_eq!(mask([false, true, false]), [3, 4, 1, 2, 7, 8, 5, 6]);
        assert_eq!(mask([false, false, true]), [5, 6, 7, 8, 1, 2, 3, 4]);
        let extent = Extent { width: 2, height: 1, depth: 2 };
        let values = (1..9).map(|v| v as f32).collect();
        let scan = Scan { extent, channels: 2, values }.turned([true, false, true]);
        assert_eq!(scan.values, [6.0, 5.0, 8.0, 7.0, 2.0, 1.0, 4.0, 3.0]);
    }

    #[test]
    fn channels_lie_beside_each_other_slice_by_slice() {
        let extent = Extent { width: 1, height: 1, depth: 2 };
        let grey = |values: [f32; 2]| Scan { extent, channels: 1, values: values.to_vec() };
        let both = grey([1.0, 2.0]).beside(&grey([3.0, 4.0])).beside(&grey([5.0, 6.0]));
        assert_eq!((both.channels, both.values), (3, vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0]));
    }
}
