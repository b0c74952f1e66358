//! Where a volume's voxels lie in the body, and whether a mask's lie on its image's.

use std::fmt;

use super::volume::Extent;

/// How far voxels may lie apart that belong together, in voxels.
const TOLERANCE: f64 = 0.5;

/// Where voxels lie, in millimetres to the right, to the front and to the head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// From a voxel to the next along each axis.
    pub axes: [[f64; 3]; 3],
    /// The first voxel.
    pub origin: [f64; 3],
}

impl Geometry {
    /// A geometry, where the numbers are one: finite, with axes that lead somewhere.
    pub fn new(axes: [[f64; 3]; 3], origin: [f64; 3]) -> Option<Self> {
        let finite = axes.iter().flatten().chain(&origin).all(|v| v.is_finite());
        let lead = axes[..2].iter().all(|axis| length(*axis) > 0.0);
        (finite && lead).then_some(Self { axes, origin })
    }

    /// How far voxels lie apart along each axis, in millimetres.
    pub fn steps(&self) -> [f64; 3] {
        self.axes.map(length)
    }

    /// Which axes to turn round so that a slice stands upright: the first from the body's right, the second from its
    /// front.
    pub fn upright(&self) -> [bool; 3] {
        [self.axes[0][0] > 0.0, self.axes[1][1] > 0.0, false]
    }

    /// Which of this mask's axes to turn round so that its voxels lie in the order of the image's.
    ///
    /// # Errors
    /// The largest distance of a corner from the image's in millimetres, where that is more than half a voxel.
    pub fn onto(&self, image: &Self, extent: Extent) -> Result<[bool; 3], f64> {
        let lengths = [extent.width, extent.height, extent.depth];
        let last = lengths.map(|length| length.saturating_sub(1) as f64);
        let turned: [bool; 3] =
            std::array::from_fn(|j| lengths[j] > 1 && dot(self.axes[j], image.axes[j]) < 0.0);
        let apart = (0..8).map(|corner| {
            let far = [0, 1, 2].map(|j| corner >> j & 1 == 1);
            let theirs = image.position([0, 1, 2].map(|j| if far[j] { last[j] } else { 0.0 }));
            let mine =
                self.position([0, 1, 2].map(|j| if far[j] != turned[j] { last[j] } else { 0.0 }));
            length([0, 1, 2].map(|k| mine[k] - theirs[k]))
        });
        let apart = apart.fold(0.0, f64::max);
        let spacing = image.axes.map(length).into_iter().filter(|&length| length > 0.0);
        if apart <= TOLERANCE * spacing.fold(f64::INFINITY, f64::min) {
            Ok(turned)
        } else {
            Err(apart)
        }
    }

    fn position(&self, voxel: [f64; 3]) -> [f64; 3] {
        let along = |k: usize| (0..3).map(|j| voxel[j] * self.axes[j][k]).sum::<f64>();
        [0, 1, 2].map(|k| self.origin[k] + along(k))
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.steps();
        let [right, front, head] = self.origin;
        let steps = self.axes.map(toward).join("");
        write!(
            f,
            "voxels of {x:.4} × {y:.4} × {z:.4} mm towards {steps}, the first at ({right:.2}, {front:.2}, {head:.2}) mm"
        )
    }
}

/// The side of the body that an axis leads to: right or left, anterior or posterior, superior or inferior.
fn toward(axis: [f64; 3]) -> &'static str {
    let main = (0..3).max_by(|&a, &b| axis[a].abs().total_cmp(&axis[b].abs())).unwrap_or(0);
    [["L", "R"], ["P", "A"], ["I", "S"]][main][usize::from(axis[main] > 0.0)]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(axis: [f64; 3]) -> f64 {
    dot(axis, axis).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { width: 11, height: 21, depth: 3 };

    fn diagonal(steps: [f64; 3], origin: [f64; 3]) -> Geometry {
        let axis = |j: usize| std::array::from_fn(|k| if j == k { steps[j] } else { 0.0 });
        Geometry::new([0, 1, 2].map(axis), origin).unwrap()
    }

    #[test]
    fn a_mask_stored_the_other_way_round_is_turned() {
        let image = diagonal([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]);
        let mask = diagonal([-1.0, 2.0, -3.0], [15.0, 5.0, 11.0]);
        assert_eq!(mask.onto(&image, EXTENT), Ok([true, false, true]));
        assert_eq!(image.onto(&image, EXTENT), Ok([false; 3]));
    }

    #[test]
    fn a_mask_that_lies_elsewhere_is_refused_with_its_distance() {
        let image = diagonal([1.0, 2.0, 3.0], [0.0; 3]);
        let near = diagonal([1.0, 2.0, 3.0], [0.4, 0.0, 0.0]);
        assert_eq!(near.onto(&image, EXTENT), Ok([false; 3]));
        let moved = diagonal([1.0, 2.0, 3.0], [3.0, 4.0, 0.0]);
        assert_eq!(moved.onto(&image, EXTENT), Err(5.0));
        let stretched = diagonal([1.0, 2.5, 3.0], [0.0; 3]);
        assert_eq!(stretched.onto(&image, EXTENT), Err(10.0), "20 steps, each 0.5 mm too long");
        let swapped =
            Geometry { axes: [[0.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 3.0]], ..image };
        assert!(swapped.onto(&image, EXTENT).is_err());
    }

    #[test]
    fn numbers_that_lead_nowhere_are_no_geometry() {
        assert!(Geometry::new([[0.0; 3]; 3], [0.0; 3]).is_none());
        assert!(Geometry::new([[1.0, 0.0, 0.0]; 3], [f64::NAN, 0.0, 0.0]).is_none());
    }

    #[test]
    fn it_reads_as_spacing_sides_and_origin() {
        assert_eq!(
            diagonal([1.0, -2.0, 3.0], [0.0, 1.0, -2.5]).to_string(),
            "voxels of 1.0000 × 2.0000 × 3.0000 mm towards RPS, the first at (0.00, 1.00, -2.50) mm"
        );
    }
}
