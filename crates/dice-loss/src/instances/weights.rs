//! Weights under which every instance counts the same.

use dice_loss_morphology::{Connectivity, Grid};
use rayon::prelude::*;

use super::{Division, make::numbered};
use crate::Result;

/// Leaves in `out` what each voxel weighs: of several classes the mean over those with instances.
///
/// The insides of the classes, and which voxels count; others weigh nothing.
pub(crate) fn weigh(
    inside: &[&[bool]],
    counted: &[bool],
    grid: &Grid,
    division: Division,
    out: &mut [f32],
) -> Result<()> {
    let mut all = Vec::new();
    for inside in inside {
        let (numbers, count) = numbered(inside, grid, Connectivity::Corners, division)?;
        if count > 0 {
            all.push((numbers, count));
        }
    }
    out.fill(0.0);
    if all.is_empty() {
        all.push((vec![0; out.len()], 1));
    }
    let classes = all.len() as f64;
    for (numbers, count) in all {
        let weights = of_each(&numbers, count, counted, division);
        let numbers = out.par_iter_mut().zip(&numbers).zip(counted);
        numbers
            .with_min_len(1 << 16)
            .filter(|(_, counted)| **counted)
            .for_each(|((out, &number), _)| *out += (weights[number as usize] / classes) as f32);
    }
    Ok(())
}

/// The weight of the voxels of each number.
fn of_each(numbers: &[u32], count: usize, counted: &[bool], division: Division) -> Vec<f64> {
    let mut sizes = vec![0u64; count + 1];
    for (&number, _) in numbers.iter().zip(counted).filter(|(_, counted)| **counted) {
        sizes[number as usize] += 1;
    }
    let whole: u64 = sizes.iter().sum();
    if count == 1 {
        return vec![1.0 / whole as f64; 2];
    }
    let background = if division == Division::Blobs { sizes[0] } else { 0 };
    // An instance without a voxel that counts is none.
    let present = sizes[1..].iter().filter(|size| **size > 0).count() as f64;
    let mut weights: Vec<_> =
        sizes.iter().map(|&size| 1.0 / (present * (size + background) as f64)).collect();
    weights[0] = match division {
        Division::Cells => 0.0,
        Division::Blobs => {
            let others = sizes[1..].iter().zip(&weights[1..]).filter(|(size, _)| **size > 0);
            others.map(|(_, weight)| weight).sum()
        }
    };
    weights
}
