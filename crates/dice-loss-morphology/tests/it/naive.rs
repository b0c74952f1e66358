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
