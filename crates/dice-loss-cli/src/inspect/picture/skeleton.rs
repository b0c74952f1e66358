//! Skeletons as lines from voxel to voxel.

use super::slice::View;

/// A line between neighbours of a skeleton, or a voxel that has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// The class.
    pub label: u16,
    /// Where it begins and ends: column and row of a slice.
    pub ends: [[usize; 2]; 2],
    /// Whether it lies in the slice that is shown.
    pub here: bool,
}

/// The strokes of all skeletons of a map, seen along its slices.
///
/// A line across a corner is left out where voxels of the skeleton lie on the way round it.
pub fn strokes(skeletons: &[u16], view: &View) -> Vec<Stroke> {
    let [depth, height, width] = view.sizes;
    let label = |[z, y, x]: [usize; 3]| skeletons[(z * height + y) * width + x];
    let mut strokes = vec![];
    for (at, &own) in skeletons.iter().enumerate() {
        if own == 0 {
            continue;
        }
        let from = [at / (width * height), at / width % height, at % width];
        let dot = Stroke { label: own, ends: [[from[2], from[1]]; 2], here: from[0] == view.slice };
        strokes.push(dot);
        for step in FORWARD {
            let Some(to) = moved(from, step, [depth, height, width]) else { continue };
            if label(to) == own && !is_shortcut(from, to, |place| label(place) == own) {
                let here = from[0] == view.slice && to[0] == view.slice;
                strokes.push(Stroke { ends: [[from[2], from[1]], [to[2], to[1]]], here, ..dot });
            }
        }
    }
    strokes
}

/// Half of the 26 neighbours: those that come later.
const FORWARD: [[isize; 3]; 13] = [
    [0, 0, 1],
    [0, 1, -1],
    [0, 1, 0],
    [0, 1, 1],
    [1, -1, -1],
    [1, -1, 0],
    [1, -1, 1],
    [1, 0, -1],
    [1, 0, 0],
    [1, 0, 1],
    [1, 1, -1],
    [1, 1, 0],
    [1, 1, 1],
];

fn moved(from: [usize; 3], step: [isize; 3], sizes: [usize; 3]) -> Option<[usize; 3]> {
    let mut to = [0; 3];
    for axis in 0..3 {
        to[axis] = from[axis].checked_add_signed(step[axis]).filter(|&at| at < sizes[axis])?;
    }
    Some(to)
}

/// Whether the skeleton also leads from one to the other by a voxel between them.
fn is_shortcut(from: [usize; 3], to: [usize; 3], belongs: impl Fn([usize; 3]) -> bool) -> bool {
    (1..7).any(|corner| {
        let place: [usize; 3] =
            std::array::from_fn(|axis| if corner >> axis & 1 == 1 { to[axis] } else { from[axis] });
        place != from && place != to && belongs(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(skeletons: &[u16], sizes: [usize; 3], slice: usize) -> Vec<([[usize; 2]; 2], bool)> {
        let view = View { sizes, slice, turned: [false; 2] };
        let lines = strokes(skeletons, &view).into_iter();
        lines.filter(|s| s.ends[0] != s.ends[1]).map(|s| (s.ends, s.here)).collect()
    }

    #[test]
    fn a_corner_is_not_cut_short() {
        let corner = [5, 5, 0, 0, 5, 0, 0, 0, 5];
        let wanted = [[[0, 0], [1, 0]], [[1, 0], [1, 1]], [[1, 1], [2, 2]]];
        assert_eq!(ends(&corner, [1, 3, 3], 0), wanted.map(|ends| (ends, true)));
    }

    #[test]
    fn classes_do_not_join_and_other_slices_are_told() {
        let skeletons = [1, 2, 0, 0, 0, 1, 0, 0, 2];
        assert!(ends(&skeletons, [3, 1, 3], 0).is_empty(), "apart, or of another class");
        let skeletons = [1, 0, 0, 0, 1, 1, 0, 0, 0];
        let wanted = [([[0, 0], [1, 0]], false), ([[1, 0], [2, 0]], true)];
        assert_eq!(ends(&skeletons, [3, 1, 3], 1), wanted);
        let dots = strokes(&skeletons, &View { sizes: [3, 1, 3], slice: 0, turned: [false; 2] });
        assert_eq!(dots.iter().filter(|s| s.here).count(), 1, "the first voxel");
    }
}
