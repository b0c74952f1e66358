//! The specification: every voxel beside every other, in f64.

use dice_loss_morphology::{Connectivity, Grid};

use crate::maps::coordinates;

/// Where voxels lie, and how far they are from each other.
pub struct Places {
    at: Vec<Vec<usize>>,
    spacing: Vec<f64>,
}

impl Places {
    pub fn of(grid: &Grid) -> Self {
        let at = (0..grid.voxels()).map(|index| coordinates(index, grid.shape())).collect();
        Self { at, spacing: grid.spacing().to_vec() }
    }

    pub fn squared(&self, a: usize, b: usize) -> f64 {
        let each = self.at[a].iter().zip(&self.at[b]).zip(&self.spacing);
        each.map(|((&a, &b), step)| (a.abs_diff(b) as f64 * step).powi(2)).sum()
    }

    /// The squared distance of every voxel to the nearest that is set.
    pub fn to_nearest(&self, set: &[bool]) -> Vec<f64> {
        let of = |v| {
            let set = (0..set.len()).filter(|&u| set[u]);
            set.map(|u| self.squared(v, u)).fold(f64::INFINITY, f64::min)
        };
        (0..set.len()).map(of).collect()
    }

    fn touch(&self, a: usize, b: usize, connectivity: Connectivity) -> bool {
        let steps: Vec<_> =
            self.at[a].iter().zip(&self.at[b]).map(|(&a, &b)| a.abs_diff(b)).collect();
        let differ = steps.iter().filter(|&&step| step > 0).count();
        let most = match connectivity {
            Connectivity::Faces => 1,
            Connectivity::Edges => 2,
            Connectivity::Corners => 3,
        };
        steps.iter().all(|&step| step < 2) && differ <= most
    }

    /// For each voxel of a class the number of its component within the class, by flooding.
    pub fn components(&self, labels: &[u8], class: u8, connectivity: Connectivity) -> Vec<u32> {
        let mut numbers = vec![0; labels.len()];
        let mut count = 0;
        for first in 0..labels.len() {
            if labels[first] != class || numbers[first] != 0 {
                continue;
            }
            count += 1;
            numbers[first] = count;
            let mut front = vec![first];
            while let Some(v) = front.pop() {
                for u in 0..labels.len() {
                    if labels[u] == class && numbers[u] == 0 && self.touch(u, v, connectivity) {
                        numbers[u] = count;
                        front.push(u);
                    }
                }
            }
        }
        numbers
    }
}

/// Thinning as the paper has it: all voxels in turn, octant by octant.
pub fn thinned(solid: &[bool], shape: &[usize]) -> Vec<bool> {
    let missing = 3 - shape.len();
    let sizes: [usize; 3] =
        std::array::from_fn(|k| if k < missing { 1 } else { shape[k - missing] });
    let mut map = solid.to_vec();
    let at = |map: &[bool], place: [isize; 3]| {
        let inside = (0..3).all(|axis| (0..sizes[axis] as isize).contains(&place[axis]));
        let index = || (place[0] as usize * sizes[1] + place[1] as usize) * sizes[2];
        inside && map[index() + place[2] as usize]
    };
    let cube = |map: &[bool], index: usize| -> [bool; 27] {
        let place = coordinates(index, &sizes);
        std::array::from_fn(|k| {
            let step = coordinates(k, &[3; 3]);
            at(map, std::array::from_fn(|axis| place[axis] as isize + step[axis] as isize - 1))
        })
    };
    // Places in the cube of the sides: y before and after, x after and before, z after and before.
    let sides = [10, 16, 14, 12, 22, 4];
    let turns = if sizes[0] == 1 { 4 } else { 6 };
    loop {
        let mut changed = false;
        for side in &sides[..turns] {
            let candidates: Vec<_> = (0..map.len())
                .filter(|&v| map[v] && !cube(&map, v)[*side] && can_go(&cube(&map, v)))
                .collect();
            for v in candidates {
                if can_go(&cube(&map, v)) {
                    map[v] = false;
                    changed = true;
                }
            }
        }
        if !changed {
            return map;
        }
    }
}

const CENTRE: usize = 13;

fn can_go(cube: &[bool; 27]) -> bool {
    let neighbours = cube.iter().filter(|there| **there).count() - 1;
    let euler: i32 = octants().iter().map(|octant| octant_change(octant, cube)).sum();
    neighbours != 1 && euler == 0 && pieces_without_centre(cube) <= 1
}

/// The eight cubes of 2 × 2 × 2 around the centre.
fn octants() -> Vec<Vec<usize>> {
    let corners = (0..8).map(|index| coordinates(index, &[2; 3]));
    let voxels = |corner: Vec<usize>| {
        let each = (0..8).map(|index| coordinates(index, &[2; 3]));
        each.map(|step| (0..3).fold(0, |all, axis| all * 3 + corner[axis] + step[axis])).collect()
    };
    corners.map(voxels).collect()
}

/// What the centre adds to eight times an octant's Euler characteristic: the table δG₂₆ of Lee.
fn octant_change(octant: &[usize], cube: &[bool; 27]) -> i32 {
    let with = octant_characteristic(octant, &|voxel| cube[voxel]);
    with - octant_characteristic(octant, &|voxel| voxel != CENTRE && cube[voxel])
}

/// Of what meets in the middle of an octant: the corner, an eighth of each cube, a quarter of each
/// side and half of each edge, eight times.
fn octant_characteristic(octant: &[usize], there: &dyn Fn(usize) -> bool) -> i32 {
    let bits: Vec<_> = octant.iter().map(|&voxel| there(voxel)).collect();
    let any = |mask: usize, value: usize| (0..8).any(|k| k & mask == value && bits[k]);
    let (mut edges, mut sides, mut cubes) = (0, 0, 0);
    for k in 0..8 {
        cubes += i32::from(bits[k]);
        for axis in 0..3 {
            let bit = 1 << axis;
            if k & bit == 0 {
                // The side between two voxels.
                sides += i32::from(bits[k] || bits[k | bit]);
            }
            if k == 0 {
                // The edges along an axis: either half has four voxels around it.
                edges += i32::from(any(bit, 0)) + i32::from(any(bit, bit));
            }
        }
    }
    8 * i32::from(any(0, 0)) - 4 * edges + 2 * sides - cubes
}

fn pieces_without_centre(cube: &[bool; 27]) -> usize {
    let mut left: Vec<_> = (0..27).filter(|&k| k != CENTRE && cube[k]).collect();
    let mut pieces = 0;
    while let Some(first) = left.pop() {
        pieces += 1;
        let mut front = vec![first];
        while let Some(one) = front.pop() {
            let own = coordinates(one, &[3; 3]);
            let near = |other: &usize| {
                let other = coordinates(*other, &[3; 3]);
                own.iter().zip(&other).all(|(a, b)| a.abs_diff(*b) < 2)
            };
            front.extend(left.iter().copied().filter(near));
            left.retain(|other| !near(other));
        }
    }
    pieces
}
