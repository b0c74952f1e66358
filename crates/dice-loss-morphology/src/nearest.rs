//! The nearest components of every voxel: which it is, and how far the two nearest are.
//!
//! A squared distance and the number of a component are one key: the distance in whole units above,
//! the number below. Keys of a component are parabolas along an axis as distances are, and the least
//! key is the nearest component, the smallest number where distances are equal. As whole numbers below
//! 2⁵² keys are exact in f64.

use rayon::prelude::*;

use crate::{
    Grid, Label, Result,
    error::expect_length,
    grid::{Frame, parameter},
    label::{Runs, labels_present},
    room::filled,
    separable::{Finish, Rises, transform},
    two_nearest::{Two, transform_two},
};

/// For every voxel the nearest component: the Voronoi cells of the components.
///
/// - **Components**: a map of their numbers, as
///   [`connected_components`](crate::connected_components) writes it; any label but background is one.
/// - **Out**: the number of the nearest component, the smallest where several are equally far; a
///   voxel of a component keeps its own. Background everywhere if there is no component.
/// - **Exact**: where all squared spacings are whole multiples of the smallest. Others are taken to as
///   many binary places of it as keys of 52 bits leave: 20 for a CT of 300 × 512 × 512 voxels with
///   1,000 components, 10 at least. With those spacings ties are exact, too; who is nearer by less
///   than their rounding is not told apart.
/// - **Memory** beside the output: 8 bytes for each voxel, and tiles as for
///   [`distance_transform`](crate::distance_transform).
/// - **Time**: O(S log n) for S voxels and axes of n.
///
/// # Errors
///
/// Buffers of the wrong length; more components in a larger map than keys can tell apart: where all
/// squared spacings are whole, the components times the squared diagonal, in voxels, must be below
/// 2⁵⁰; [`Memory`](crate::Error::Memory), [`Interrupted`](crate::Error::Interrupted).
///
/// ```
/// use dice_loss_morphology::{Grid, nearest_component};
/// let grid = Grid::unit(&[7])?;
/// let mut out = [0; 7];
/// nearest_component(&[0, 2, 0, 0, 0, 1, 0], &grid, &mut out)?;
/// assert_eq!(out, [2, 2, 2, 1, 1, 1, 1]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn nearest_component<L: Label>(components: &[L], grid: &Grid, out: &mut [L]) -> Result<()> {
    expect_length("components", components.len(), grid.voxels())?;
    expect_length("output", out.len(), components.len())?;
    if components.is_empty() {
        return Ok(());
    }
    let frame = grid.frame();
    let numbers = labels_present(components)?;
    let keys = Keys::new(&frame, numbers.len())?;
    let voxels = frame.sizes[2];
    let mut nearest = filled(f64::INFINITY, components.len(), "keys of the nearest component")?;
    let [slices, rows, _] = keys.squares;
    let first = |row: usize, out: &mut [f64]| {
        keys.along_row(&components[row * voxels..][..voxels], &numbers, out)
    };
    let found = transform(&frame, Rises { rows, slices }, &first, Finish::none(), &mut nearest)?;
    if !found {
        out.fill(L::BACKGROUND);
        return Ok(());
    }
    out.par_iter_mut()
        .zip(&nearest)
        .with_min_len(JOB)
        .for_each(|(to, &key)| *to = numbers[keys.number(key)]);
    Ok(())
}

/// The distances of every voxel to the nearest component and to the nearest other one.
///
/// - **Components**: a map of their numbers; any label but background is one.
/// - **Out**: `first` is 0 within a component; +∞ everywhere without components. `second` is the
///   distance to the nearest component but the one that `first` is of; +∞ with fewer than two.
///   Where two are equally near, both are that distance.
/// - **Exact** and **errors** as for [`nearest_component`].
/// - **Memory** beside the output: 16 bytes for each voxel, and a line for each thread.
///
/// ```
/// use dice_loss_morphology::{Grid, two_nearest};
/// let grid = Grid::new(&[7], &[0.5])?;
/// let (mut first, mut second) = ([0.0; 7], [0.0; 7]);
/// two_nearest(&[0, 2, 0, 0, 0, 1, 0], &grid, &mut first, &mut second)?;
/// assert_eq!(first, [0.5, 0.0, 0.5, 1.0, 0.5, 0.0, 0.5]);
/// assert_eq!(second, [2.5, 2.0, 1.5, 1.0, 1.5, 2.0, 2.5]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn two_nearest<L: Label>(
    components: &[L],
    grid: &Grid,
    first: &mut [f32],
    second: &mut [f32],
) -> Result<()> {
    expect_length("first distances", first.len(), grid.voxels())?;
    expect_length("second distances", second.len(), grid.voxels())?;
    let write = |keys: &Keys, two: &[Two]| {
        let all = first.par_iter_mut().zip(second.par_iter_mut()).zip(two);
        all.with_min_len(JOB).for_each(|((first, second), two)| {
            (*first, *second) = (keys.distance(two[0]) as f32, keys.distance(two[1]) as f32);
        });
    };
    with_two_nearest(components, grid, write)
}

/// The weights of U-Net's loss, which make it learn the borders between components that touch or
/// nearly so: w = 1 + w₀ exp(−(d₁ + d₂)² / 2σ²), with the distances d₁ and d₂ of a voxel to the nearest
/// component and the nearest other one.
///
/// Ronneberger and others 2015, <https://arxiv.org/abs/1505.04597>, with w₀ = 10 and σ = 5 voxels. What
/// balances classes there is a matter of class weights here. Within a component d₁ is 0.
///
/// - **Components**: a map of their numbers; any label but background is one.
/// - **Sigma** in the unit of the spacing.
/// - **Out**: 1 everywhere with fewer than two components.
/// - **Exact**, **memory** as for [`two_nearest`].
///
/// # Errors
///
/// Those of [`nearest_component`]; `w0` not finite, a `sigma` that is not above 0 and finite.
///
/// ```
/// use dice_loss_morphology::{Grid, border_weights};
/// let grid = Grid::unit(&[5])?;
/// let mut out = [0.0; 5];
/// border_weights(&[1, 0, 2, 0, 0], &grid, 10.0, 5.0, &mut out)?;
/// let of_2 = 1.0 + 10.0 * f64::exp(-4.0 / 50.0);
/// assert_eq!(out[..3], [of_2 as f32; 3]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn border_weights<L: Label>(
    components: &[L],
    grid: &Grid,
    w0: f64,
    sigma: f64,
    out: &mut [f32],
) -> Result<()> {
    if !w0.is_finite() {
        return Err(parameter("w0", w0.to_string(), "a finite number"));
    }
    if !(sigma > 0.0 && sigma.is_finite()) {
        return Err(parameter("sigma", sigma.to_string(), "above 0, and finite"));
    }
    expect_length("output", out.len(), grid.voxels())?;
    with_two_nearest(components, grid, |keys, two| {
        out.par_iter_mut().zip(two).with_min_len(JOB).for_each(|(to, &[first, second])| {
            let distance = (keys.distance(first) + keys.distance(second)) / sigma;
            *to = (1.0 + w0 * (-0.5 * distance * distance).exp()) as f32;
        });
    })
}

/// Voxels that are worth a job of their own.
const JOB: usize = 1 << 14;

fn with_two_nearest<L: Label>(
    components: &[L],
    grid: &Grid,
    write: impl FnOnce(&Keys, &[Two]),
) -> Result<()> {
    expect_length("components", components.len(), grid.voxels())?;
    if components.is_empty() {
        return Ok(());
    }
    let frame = grid.frame();
    let numbers = labels_present(components)?;
    let keys = Keys::new(&frame, numbers.len())?;
    let what = "keys of the two nearest components";
    let mut two = filled([f64::INFINITY; 2], components.len(), what)?;
    two.par_iter_mut().zip(components).with_min_len(JOB).for_each(|(two, &component)| {
        if component != L::BACKGROUND {
            two[0] = keys.of(&numbers, component);
        }
    });
    transform_two(&frame, &keys, &mut two)?;
    write(&keys, &two);
    Ok(())
}

/// Squared distances and places among the numbers, each pair as one number.
pub(crate) struct Keys {
    /// 2 to the bits of a place.
    places: f64,
    /// What a key's distance is in squares of the grid's unit, by multiplication.
    unit: f64,
    /// What a step along each axis adds, squared.
    pub squares: [f64; 3],
}

/// Parts that the smallest squared spacing is divided into at least, where not all are whole.
const COARSEST: f64 = 1024.0;

/// Below this f64 holds every integer, and twice as many.
const EXACT: f64 = 4_503_599_627_370_496.0;

impl Keys {
    fn new(frame: &Frame, components: usize) -> Result<Self> {
        let places = components.next_power_of_two() as f64;
        let farthest: f64 = (0..3)
            .map(|k| (frame.sizes[k].saturating_sub(1) as f64).powi(2) * frame.squares[k])
            .sum();
        // Half of what there is room for: rounding up must not leave it.
        let room = (0.5 * EXACT / (farthest * places)).log2().floor().exp2();
        let whole = frame.squares.iter().all(|square| square.fract() == 0.0);
        if room < if whole { 1.0 } else { COARSEST } {
            let found = format!("{components} in a map of {farthest:.0} squared voxels across");
            return Err(parameter("components", found, "fewer, or in a smaller map"));
        }
        let finer = if whole { 1.0 } else { room };
        let squares = frame.squares.map(|square| (square * finer).round() * places);
        Ok(Self { places, unit: frame.unit * frame.unit / finer, squares })
    }

    /// The key of a voxel of the component itself.
    fn of<L: Label>(&self, numbers: &[L], component: L) -> f64 {
        numbers.partition_point(|&number| number < component) as f64
    }

    /// The place of its component among the numbers.
    #[inline(always)]
    pub fn number(&self, key: f64) -> usize {
        (key as u64 & (self.places as u64 - 1)) as usize
    }

    fn distance(&self, key: f64) -> f64 {
        if key.is_finite() { ((key / self.places).floor() * self.unit).sqrt() } else { key }
    }

    /// The least keys along a row; false where there is no component.
    fn along_row<L: Label>(&self, row: &[L], numbers: &[L], out: &mut [f64]) -> bool {
        let square = self.squares[2];
        let mut any = false;
        // What is to the left of what is looked at: where it ends, and its key.
        let mut before: Option<(usize, f64)> = None;
        let mut gap = 0;
        for (start, end) in Runs::of(row) {
            if row[start] != L::BACKGROUND {
                let key = self.of(numbers, row[start]);
                fill_gap(&mut out[gap..start], before, Some(key), square);
                out[start..end].fill(key);
                (before, gap, any) = (Some((end, key)), end, true);
            }
        }
        fill_gap(&mut out[gap..], before, None, square);
        any
    }
}

/// Keys between two components of a row.
fn fill_gap(out: &mut [f64], before: Option<(usize, f64)>, after: Option<f64>, square: f64) {
    let length = out.len();
    let key = |key: Option<f64>, steps: usize| {
        key.map_or(f64::INFINITY, |key| key + (steps * steps) as f64 * square)
    };
    for (x, to) in out.iter_mut().enumerate() {
        *to = key(before.map(|(_, key)| key), x + 1).min(key(after, length - x));
    }
}
