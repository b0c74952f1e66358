//! From the partial sums of all cubes to the moments.

use cubecl::prelude::*;

/// Units that share a sum.
pub const JOINING: u32 = 64;

/// Adds the partial sums up in a fixed order, without loss: each sum in two numbers.
///
/// The grid is (wanted columns × classes, samples). `columns` holds, for each wanted column, its
/// place among the partial sums and its place among the moments.
#[cube(launch_unchecked, create_dummy_kernel)]
pub fn join<O: Float>(
    partials: &[f32],
    columns: &[u32],
    moments: &mut [O],
    first: u32,
    cubes: u32,
    classes: u32,
    summed: u32,
    columns_of_moments: u32,
) {
    let mut sums = Shared::<[f32]>::new_slice(JOINING as usize);
    let mut losses = Shared::<[f32]>::new_slice(JOINING as usize);
    let column = CUBE_POS_X / classes;
    let class = CUBE_POS_X % classes;
    let sample = CUBE_POS_Y;
    let from = columns[(2 * column) as usize];
    let to = columns[(2 * column + 1) as usize];
    let mut sum = 0.0f32;
    let mut lost = 0.0f32;
    let mut cube = UNIT_POS;
    while cube < cubes {
        let value =
            partials[(((sample * cubes + cube) * summed + from) * classes + class) as usize];
        let total = sum + value;
        lost += rounding(sum, value, total);
        sum = total;
        cube += comptime!(JOINING);
    }
    sums[UNIT_POS as usize] = sum;
    losses[UNIT_POS as usize] = lost;
    sync_cube();
    if UNIT_POS == 0 {
        for unit in 1..comptime!(JOINING) {
            let value = sums[unit as usize];
            let total = sum + value;
            lost += rounding(sum, value, total) + losses[unit as usize];
            sum = total;
        }
        let at = ((first + sample) * columns_of_moments + to) * classes + class;
        // What is infinite has lost nothing.
        let exact = select(lost == lost, O::cast_from(sum) + O::cast_from(lost), O::cast_from(sum));
        moments[at as usize] = exact;
    }
}

/// What a + b lost when it was rounded to `total`.
#[cube]
fn rounding(a: f32, b: f32, total: f32) -> f32 {
    let of_b = total - a;
    let of_a = total - of_b;
    (a - of_a) + (b - of_b)
}
