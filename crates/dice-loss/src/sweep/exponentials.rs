//! The softmax of a tile.

use super::{
    aligned::Aligned,
    geometry::{Plane, TILE},
    isa::Instructions,
    merged::Merged,
    number::Number,
    tile::{Planes, Tile},
};

/// The exponentials of a tile's logits: exp(x − shift) in class planes, and their sum.
///
/// There is no shift, and no sweep for the maximum, where the plain sum stays well within range.
pub(super) struct Exponentials<'a, F> {
    pub planes: &'a mut [Plane<F>],
    pub sum: &'a mut Plane<F>,
    /// The maximum where it was taken out, else 0.
    pub shift: &'a mut Plane<F>,
}

impl<'a, F: Number> Exponentials<'a, F> {
    #[inline(always)]
    pub fn new<I: Instructions>(
        tile: &Tile<F>,
        planes: &'a mut [Plane<F>],
        sum: &'a mut Plane<F>,
        shift: &'a mut Plane<F>,
    ) -> Self {
        let planes = &mut planes[..tile.classes];
        // Local, so that it stays in registers.
        let mut total = Aligned([F::ZERO; TILE]);
        for (class, e) in planes.iter_mut().enumerate() {
            tile.logits.prefetch(class);
            let Some(x) = tile.logits.get(class) else { break };
            add_exponentials::<I, F>(x, e, &mut total);
        }
        (*sum, *shift) = (*total, [F::ZERO; TILE]);
        if !is_safe(sum) {
            take_maximum_out::<I, F>(tile, planes, sum, shift);
        }
        Self { planes, sum, shift }
    }

    /// Also leaves Σ_k slope_k exp(x_k − shift) in `dot`.
    #[inline(always)]
    pub fn weighed<I: Instructions>(
        tile: &Tile<F>,
        planes: &'a mut [Plane<F>],
        [sum, shift]: [&'a mut Plane<F>; 2],
        slope: impl Fn(usize) -> F,
        dot: &mut Plane<F>,
    ) -> Self {
        let planes = &mut planes[..tile.classes];
        let zeros = Aligned([F::ZERO; TILE]);
        let (mut total, mut products) = (zeros, zeros);
        for (class, e) in planes.iter_mut().enumerate() {
            tile.logits.prefetch(class);
            let (Some(x), slope) = (tile.logits.get(class), slope(class)) else { break };
            add_weighed_exponentials::<I, F>(x, e, &mut total, slope, &mut products);
        }
        (*sum, *shift, *dot) = (*total, [F::ZERO; TILE], *products);
        if !is_safe(sum) {
            take_maximum_out::<I, F>(tile, planes, sum, shift);
            *dot = [F::ZERO; TILE];
            for (class, e) in planes.iter().enumerate() {
                let slope = slope(class);
                for i in 0..TILE {
                    dot[i] = e[i].mul_add::<I>(slope, dot[i]);
                }
            }
        }
        Self { planes, sum, shift }
    }

    /// Turns the exponentials into probabilities and the sum into its inverse.
    #[inline(always)]
    pub fn normalise(&mut self) {
        for i in 0..TILE {
            self.sum[i] = F::ONE / self.sum[i];
        }
        for plane in self.planes.iter_mut() {
            for i in 0..TILE {
                plane[i] = plane[i] * self.sum[i];
            }
        }
    }

    /// ln Σ exp(x − shift), while the sum is still there.
    #[inline(always)]
    pub fn log_sum<I: Instructions>(&self, out: &mut Plane<F>) {
        for i in 0..TILE {
            out[i] = self.sum[i].ln::<I>();
        }
    }

    /// The largest plane value of each voxel and the sum of the others, so that 1 − p of the
    /// likeliest class need not be a difference.
    #[inline(always)]
    pub fn split(&self, largest: &mut Plane<F>, others: &mut Plane<F>) {
        (*largest, *others) = ([F::ZERO; TILE], [F::ZERO; TILE]);
        for e in self.planes.iter() {
            for i in 0..TILE {
                others[i] += if e[i] > largest[i] { largest[i] } else { e[i] };
                largest[i] = largest[i].larger(e[i]);
            }
        }
    }
}

/// One class. A function of its own, whose arguments are known to lie apart: otherwise the compiler
/// adds a loop for the case that they do not, and keeps the sum in memory for it.
#[inline(always)]
fn add_exponentials<I: Instructions, F: Number>(
    x: &Plane<F>,
    e: &mut Plane<F>,
    total: &mut Plane<F>,
) {
    for i in 0..TILE {
        let exponential = x[i].clamped_exp::<I>();
        e[i] = exponential;
        total[i] += exponential;
    }
}

#[inline(always)]
fn add_weighed_exponentials<I: Instructions, F: Number>(
    x: &Plane<F>,
    e: &mut Plane<F>,
    total: &mut Plane<F>,
    slope: F,
    products: &mut Plane<F>,
) {
    for i in 0..TILE {
        let exponential = x[i].clamped_exp::<I>();
        e[i] = exponential;
        total[i] += exponential;
        products[i] = exponential.mul_add::<I>(slope, products[i]);
    }
}

#[inline(always)]
fn is_safe<F: Number>(sum: &Plane<F>) -> bool {
    let mut safe = true;
    for i in 0..TILE {
        safe &= (sum[i] > F::SAFE.start) & (sum[i] < F::SAFE.end);
    }
    safe
}

/// The exponentials with the maximum taken out first: for large logits, and for NaN.
#[inline(always)]
fn take_maximum_out<I: Instructions, F: Number>(
    tile: &Tile<F>,
    planes: &mut [Plane<F>],
    sum: &mut Plane<F>,
    shift: &mut Plane<F>,
) {
    maximum(&tile.logits, 0..tile.classes, shift);
    *sum = [F::ZERO; TILE];
    for (class, e) in planes.iter_mut().enumerate() {
        let x = tile.logits.plane(class);
        for i in 0..TILE {
            e[i] = (x[i] - shift[i]).exp::<I>();
            sum[i] += e[i];
        }
    }
}

#[inline(always)]
fn maximum<F: Number>(
    logits: &Planes<F>,
    mut classes: impl Iterator<Item = usize>,
    out: &mut Plane<F>,
) {
    let Some(first) = classes.next() else { return };
    *out = *logits.plane(first);
    for class in classes {
        let x = logits.plane(class);
        // Not where it lies, which would be stored in part (see `load`).
        let mut larger = [F::ZERO; TILE];
        for i in 0..TILE {
            larger[i] = out[i].larger(x[i]);
        }
        *out = larger;
    }
}

/// ln Σ exp(x − shift) over the merged classes.
#[inline(always)]
pub(super) fn log_sum_of_merged<I: Instructions, F: Number>(
    merged: Merged,
    logits: &Planes<F>,
    shift: &Plane<F>,
    out: &mut Plane<F>,
) {
    let mut largest = [F::ZERO; TILE];
    maximum(logits, merged.classes(), &mut largest);
    *out = [F::ZERO; TILE];
    for class in merged.classes() {
        let x = logits.plane(class);
        for i in 0..TILE {
            out[i] += (x[i] - largest[i]).exp::<I>();
        }
    }
    for i in 0..TILE {
        out[i] = (largest[i] - shift[i]) + out[i].ln::<I>();
    }
}
