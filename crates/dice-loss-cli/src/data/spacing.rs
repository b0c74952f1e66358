//! How far apart the voxels of a mask lie.

use std::fmt;

/// The spacing of voxels and its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// Between slices, between rows, between columns.
    pub steps: [f64; 3],
    /// What they are measured in.
    pub unit: Unit,
}

/// A unit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Metres.
    Metre,
    /// Millimetres.
    Millimetre,
    /// Micrometres.
    Micrometre,
    /// Voxels, where nothing says how large they are.
    Voxel,
}

impl Spacing {
    /// That of a file which says nothing of it.
    pub const UNKNOWN: Self = Self { steps: [1.0; 3], unit: Unit::Voxel };

    /// Spacings of a header, where all are lengths; that of an axis of one voxel need not be.
    pub fn new(steps: [f64; 3], unit: Unit, flat: bool) -> Option<Self> {
        let is_length = |step: f64| step.is_finite() && step > 0.0;
        let [slices, rows, columns] = steps;
        let slices = if flat && !is_length(slices) { 1.0 } else { slices };
        let steps = [slices, rows, columns];
        steps.into_iter().all(is_length).then_some(Self { steps, unit })
    }
}

impl Unit {
    /// The unit of what it measures along so many axes: `mm²`.
    pub fn power(self, axes: usize) -> String {
        let power = match (self, axes) {
            (Self::Voxel, _) | (_, 0 | 1) => "",
            (_, 2) => "²",
            _ => "³",
        };
        format!("{self}{power}")
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metre => "m",
            Self::Millimetre => "mm",
            Self::Micrometre => "µm",
            Self::Voxel => "voxels",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_length_is_no_spacing() {
        let spacing = |steps, flat| Spacing::new(steps, Unit::Millimetre, flat).map(|s| s.steps);
        assert_eq!(spacing([3.0, 2.0, 1.0], false), Some([3.0, 2.0, 1.0]));
        assert_eq!(spacing([0.0, 2.0, 1.0], false), None);
        assert_eq!(spacing([0.0, 2.0, 1.0], true), Some([1.0, 2.0, 1.0]));
        assert_eq!(spacing([1.0, f64::NAN, 1.0], true), None);
    }

    #[test]
    fn areas_and_volumes_have_their_power() {
        assert_eq!(Unit::Millimetre.power(3), "mm³");
        assert_eq!(Unit::Micrometre.power(2), "µm²");
        assert_eq!(Unit::Voxel.power(3), "voxels");
    }
}
