//! Skeletons: thinning that keeps the topology.

use rayon::prelude::*;

use crate::{
    Grid, Label, Result,
    error::expect_length,
    extent::{Extent, extents},
    grid::{Frame, parameter},
    interrupt::Patience,
    room::{filled, push, with_capacity},
};

/// The skeleton of each class of a label map, or of a mask: its centre lines, one voxel wide.
///
/// Voxels are taken off the border, from six sides in turn, for as long as that changes neither the
/// 26-connected components, nor holes, nor cavities, and no end of a line: Lee, Kashyap and Chu
/// 1994, <https://doi.org/10.1006/cgip.1994.1042>, in the order of scikit-image, whose
/// `skeletonize(method="lee")` finds the same voxels. Classes are thinned by themselves. A map with
/// two axes, or with one slice, is thinned in the plane. The spacing does not matter.
///
/// - **Out**: a label map: voxels of a skeleton keep their label, all others are background.
/// - A class without voxels has no skeleton. One that fills the map has one, as if it were background
///   beyond the map.
/// - **Memory** beside the output: for each thread, of one class, a byte for each voxel of its bounding
///   box, and 10 for each voxel of its surface.
///
/// # Errors
///
/// Buffers of the wrong length; a bounding box of more than 2³² voxels;
/// [`Memory`](crate::Error::Memory), [`Interrupted`](crate::Error::Interrupted).
///
/// ```
/// use dice_loss_morphology::{Grid, skeletonize};
/// let grid = Grid::unit(&[3, 7])?;
/// let bar = [4u8; 21];
/// let mut out = [0; 21];
/// skeletonize(&bar, &[4], &grid, &mut out)?;
/// assert_eq!(out, [
///     0, 0, 0, 0, 0, 0, 0, //
///     4, 4, 4, 4, 4, 4, 4, //
///     0, 0, 0, 0, 0, 0, 0, //
/// ]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn skeletonize<L: Label>(
    labels: &[L],
    classes: &[L],
    grid: &Grid,
    out: &mut [L],
) -> Result<()> {
    expect_length("labels", labels.len(), grid.voxels())?;
    expect_length("output", out.len(), labels.len())?;
    out.fill(L::BACKGROUND);
    if labels.is_empty() {
        return Ok(());
    }
    // Sides are those of the axes as they are: none is left out.
    let missing = 3 - grid.shape().len();
    let sizes = std::array::from_fn(|k| if k < missing { 1 } else { grid.shape()[k - missing] });
    let frame = Frame { sizes, ..grid.frame() };
    let mut classes = classes.to_vec();
    classes.sort_unstable();
    classes.dedup();
    let boxes = extents(labels, &classes, &frame)?;
    let patience = Patience::current();
    let skeletons: Vec<_> = classes
        .par_iter()
        .zip(boxes)
        .filter_map(|(&class, extent)| Some((class, extent?)))
        .map(|(class, extent)| {
            let mut solid = Solid::of(labels, class, &frame, extent)?;
            solid.thin(&patience)?;
            Ok((class, extent, solid))
        })
        .map(|thinned: Result<_>| {
            let (class, extent, solid) = thinned?;
            Ok((class, solid.voxels(&frame, extent)?))
        })
        .collect::<Result<_>>()?;
    for (class, voxels) in skeletons {
        voxels.into_iter().for_each(|voxel| out[voxel] = class);
    }
    Ok(())
}

/// The voxel is of the class, and was not taken off.
const SOLID: u8 = 1;
/// It cannot be taken off, unless a neighbour is.
const SETTLED: u8 = 2;
/// It is in the list of the surface.
const LISTED: u8 = 4;

const WHAT: &str = "the surface of a class";

/// Voxels that are worth a job of their own.
const JOB: usize = 1 << 10;

/// One class in its bounding box, with a border of background around it.
struct Solid {
    states: Vec<u8>,
    sizes: [usize; 3],
    /// How far away each of the 26 neighbours lies, in the order of [`neighbour`].
    neighbours: [isize; 26],
    /// Voxels with a side that is background, in scan order.
    surface: Vec<u32>,
    /// How far away the neighbours across the sides lie, in the order of their turns.
    sides: Vec<isize>,
}

/// In the order of scikit-image.
const TURNS: [[isize; 3]; 6] =
    [[0, -1, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0]];

/// In a plane there is nothing above or below.
const IN_A_PLANE: usize = 4;

impl Solid {
    fn of<L: Label>(labels: &[L], class: L, frame: &Frame, extent: Extent) -> Result<Self> {
        let own = extent.sizes();
        let sizes = own.map(|size| size + 2);
        let voxels = sizes.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
        let Some(voxels) = voxels.filter(|&voxels| u32::try_from(voxels).is_ok()) else {
            let found = format!("{own:?} voxels");
            return Err(parameter("bounding box of a class", found, "fewer than 2³²"));
        };
        let mut states = filled(0, voxels, "a class in its bounding box")?;
        let [_, rows, row] = frame.sizes;
        for z in 0..own[0] {
            for y in 0..own[1] {
                let from = ((extent.start[0] + z) * rows + extent.start[1] + y) * row;
                let to = ((z + 1) * sizes[1] + y + 1) * sizes[2] + 1;
                let from = &labels[from + extent.start[2]..][..own[2]];
                for (to, &label) in states[to..].iter_mut().zip(from) {
                    *to = u8::from(label == class);
                }
            }
        }
        let turns = if frame.sizes[0] == 1 { &TURNS[..IN_A_PLANE] } else { &TURNS[..] };
        let away = |[z, y, x]: [isize; 3]| (z * sizes[1] as isize + y) * sizes[2] as isize + x;
        let mut solid = Self {
            states,
            sizes,
            neighbours: std::array::from_fn(|index| away(neighbour(index))),
            surface: Vec::new(),
            sides: turns.iter().map(|&side| away(side)).collect(),
        };
        solid.find_surface()?;
        Ok(solid)
    }

    fn find_surface(&mut self) -> Result<()> {
        for voxel in 0..self.states.len() {
            if self.states[voxel] == 0 {
                continue;
            }
            if self.sides.iter().any(|&side| self.states[voxel.wrapping_add_signed(side)] == 0) {
                push(&mut self.surface, voxel as u32, WHAT)?;
                self.states[voxel] |= LISTED;
            }
        }
        Ok(())
    }

    fn thin(&mut self, patience: &Patience) -> Result<()> {
        let mut unchanged = 0;
        while unchanged < self.sides.len() {
            unchanged = 0;
            for turn in 0..self.sides.len() {
                patience.check()?;
                unchanged += usize::from(!self.take_off(self.sides[turn])?);
            }
        }
        Ok(())
    }

    /// Takes off what can be from one side; whether there was any.
    fn take_off(&mut self, side: isize) -> Result<bool> {
        let mut verdicts = filled(Verdict::Not, self.surface.len(), WHAT)?;
        verdicts
            .par_iter_mut()
            .zip(&self.surface)
            .with_min_len(JOB)
            .for_each(|(verdict, &voxel)| *verdict = self.verdict(voxel as usize, side));
        for (&voxel, _) in
            self.surface.iter().zip(&verdicts).filter(|(_, verdict)| **verdict == Verdict::Never)
        {
            self.states[voxel as usize] |= SETTLED;
        }
        // Neighbours may not go together: each is asked again, one after the other.
        let mut uncovered = Vec::new();
        let mut changed = false;
        for (index, _) in
            verdicts.iter().enumerate().filter(|(_, verdict)| **verdict == Verdict::Off)
        {
            let voxel = self.surface[index] as usize;
            if !can_go(self.around(voxel)) {
                self.states[voxel] |= SETTLED;
                continue;
            }
            changed = true;
            self.states[voxel] = 0;
            for away in self.neighbours {
                self.states[voxel.wrapping_add_signed(away)] &= !SETTLED;
            }
            for &side in &self.sides {
                let beside = voxel.wrapping_add_signed(side);
                if self.states[beside] & (SOLID | LISTED) == SOLID {
                    self.states[beside] |= LISTED;
                    push(&mut uncovered, beside as u32, WHAT)?;
                }
            }
        }
        if changed {
            self.renew_surface(uncovered)?;
        }
        Ok(changed)
    }

    /// Without what was taken off, and with what that uncovered.
    fn renew_surface(&mut self, mut uncovered: Vec<u32>) -> Result<()> {
        let states = &self.states;
        let solid = |voxel: &u32| states[*voxel as usize] & SOLID != 0;
        uncovered.retain(solid);
        uncovered.sort_unstable();
        let mut merged = with_capacity(self.surface.len() + uncovered.len(), WHAT)?;
        let mut more = uncovered.into_iter().peekable();
        for &voxel in self.surface.iter().filter(|voxel| solid(voxel)) {
            while let Some(before) = more.next_if(|&other| other < voxel) {
                merged.push(before);
            }
            merged.push(voxel);
        }
        merged.extend(more);
        self.surface = merged;
        Ok(())
    }

    fn verdict(&self, voxel: usize, side: isize) -> Verdict {
        let covered = self.states[voxel.wrapping_add_signed(side)] & SOLID != 0;
        if covered || self.states[voxel] & SETTLED != 0 {
            Verdict::Not
        } else if can_go(self.around(voxel)) {
            Verdict::Off
        } else {
            Verdict::Never
        }
    }

    /// Which of the 26 neighbours are there, a bit for each.
    fn around(&self, voxel: usize) -> u32 {
        let neighbours = self.neighbours.iter().enumerate();
        neighbours.fold(0, |all, (index, &away)| {
            let there = self.states[voxel.wrapping_add_signed(away)] & SOLID;
            all | u32::from(there) << index
        })
    }

    /// What is left, as voxels of the label map.
    fn voxels(&self, frame: &Frame, extent: Extent) -> Result<Vec<usize>> {
        let mut voxels = Vec::new();
        for (index, _) in self.states.iter().enumerate().filter(|(_, state)| **state & SOLID != 0) {
            let [_, rows, row] = self.sizes;
            let at = [index / row / rows, index / row % rows, index % row];
            let [z, y, x]: [usize; 3] =
                std::array::from_fn(|axis| extent.start[axis] + at[axis] - 1);
            push(&mut voxels, (z * frame.sizes[1] + y) * frame.sizes[2] + x, "skeletons")?;
        }
        Ok(voxels)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Not in this turn.
    Not,
    /// Not until a neighbour goes.
    Never,
    /// It can go.
    Off,
}

/// Whether a voxel with these neighbours can be taken off.
fn can_go(around: u32) -> bool {
    let end_of_a_line = around.count_ones() == 1;
    !end_of_a_line && keeps_euler_characteristic(around) && in_one_piece(around)
}

/// The step to a neighbour: the 26 in scan order, without the voxel itself.
const fn neighbour(index: usize) -> [isize; 3] {
    let index = if index < 13 { index } else { index + 1 };
    [index as isize / 9 - 1, index as isize / 3 % 3 - 1, index as isize % 3 - 1]
}

/// For each of the 26 directions those neighbours that share the corner, edge or side of the voxel
/// which lies there.
const SHARING: [u32; 26] = {
    let mut all = [0; 26];
    let mut part = 0;
    while part < 26 {
        let mut other = 0;
        while other < 26 {
            let (p, o) = (neighbour(part), neighbour(other));
            let mut shared = true;
            let mut axis = 0;
            while axis < 3 {
                shared &= o[axis] == 0 || o[axis] == p[axis];
                axis += 1;
            }
            if shared {
                all[part] |= 1 << other;
            }
            other += 1;
        }
        part += 1;
    }
    all
};

/// For each of the 26 neighbours those that touch it.
const TOUCHING: [u32; 26] = {
    let mut all = [0; 26];
    let mut one = 0;
    while one < 26 {
        let mut other = 0;
        while other < 26 {
            let (a, b) = (neighbour(one), neighbour(other));
            let mut touch = true;
            let mut axis = 0;
            while axis < 3 {
                touch &= (a[axis] - b[axis]).abs() < 2;
                axis += 1;
            }
            if touch {
                all[one] |= 1 << other;
            }
            other += 1;
        }
        one += 1;
    }
    all
};

/// What each corner, edge and side of a voxel adds to the Euler characteristic of a union of cubes.
const SIGNS: [i32; 26] = {
    let mut all = [0; 26];
    let mut part = 0;
    while part < 26 {
        let [z, y, x] = neighbour(part);
        let axes = z.abs() + y.abs() + x.abs();
        all[part] = if axes == 2 { -1 } else { 1 };
        part += 1;
    }
    all
};

/// Whether the union of cubes keeps its Euler characteristic without this one: the corners, edges and
/// sides that are of no other cube must add up to what the cube itself takes away, 1. The table of
/// Lee and others has the same by octants.
fn keeps_euler_characteristic(around: u32) -> bool {
    let own = SHARING.iter().zip(SIGNS).filter(|(sharing, _)| around & **sharing == 0);
    own.map(|(_, sign)| sign).sum::<i32>() == 1
}

/// Whether the neighbours are connected without the voxel.
fn in_one_piece(around: u32) -> bool {
    let mut piece = around & around.wrapping_neg();
    let mut front = piece;
    while front != 0 {
        let one = front.trailing_zeros() as usize;
        front &= front - 1;
        let reached = TOUCHING[one] & around & !piece;
        piece |= reached;
        front |= reached;
    }
    piece == around
}
