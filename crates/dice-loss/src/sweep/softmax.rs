//! The softmax of a tile, and the log losses of its classes.

use super::{
    aligned::Aligned,
    geometry::{Plane, TILE},
    isa::Instructions,
    labels::Labels,
    lanes::{self, Block},
    merged::Merged,
    number::Number,
    tile::{Planes, Tile},
};
use crate::plan::Group;

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

/// What softmax voxel terms know of each voxel's own class.
pub(super) struct Own<'a, F> {
    pub probability: &'a mut Plane<F>,
    pub complement: &'a mut Plane<F>,
    pub log_loss: &'a mut Plane<F>,
}

impl<'a, F: Number> Own<'a, F> {
    /// Without a class, the probability is 0.
    #[inline(always)]
    pub fn new<I: Instructions>(
        softmax: &Exponentials<F>,
        tile: &Tile<F>,
        labels: &Labels,
        [probability, complement, loss, largest]: [&'a mut Plane<F>; 4],
    ) -> Self {
        labels.gather(|class| &softmax.planes[class], probability);
        labels.gather(|class| tile.logits.plane(class), loss);
        softmax.split(largest, complement);
        for i in 0..TILE {
            let (e, inverse) = (probability[i], F::ONE / softmax.sum[i]);
            let p = e * inverse;
            probability[i] = p;
            complement[i] = if e == largest[i] { complement[i] * inverse } else { F::ONE - p };
            let far = softmax.sum[i].ln::<I>() - (loss[i] - softmax.shift[i]);
            loss[i] = log_loss::<I, F>(p, complement[i], far);
        }
        Self { probability, complement, log_loss: loss }
    }
}

/// The power of every number of a plane; all are at least 0.
#[inline(always)]
pub(super) fn raise<I: Instructions, F: Number>(
    base: &Plane<F>,
    exponent: f64,
    out: &mut Plane<F>,
) {
    if exponent == 0.0 {
        *out = [F::ONE; TILE];
    } else if exponent == 1.0 {
        *out = *base;
    } else if exponent == 2.0 {
        for i in 0..TILE {
            out[i] = base[i] * base[i];
        }
    } else {
        let exponent = F::of(exponent);
        for i in 0..TILE {
            out[i] = base[i].pow::<I>(exponent);
        }
    }
}

/// The same with the exponent of each voxel's class.
#[inline(always)]
pub(super) fn raise_by_label<I: Instructions, F: Number>(
    labels: &Labels,
    base: &Plane<F>,
    exponents: &[f64],
    out: &mut Plane<F>,
) {
    let first = exponents.first().copied().unwrap_or(0.0);
    if exponents.iter().all(|&exponent| exponent == first) {
        return raise::<I, F>(base, first, out);
    }
    labels.look_up(|class| F::of(exponents[class]), out);
    for i in 0..TILE {
        out[i] = base[i].pow::<I>(out[i]);
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

/// Whether hard labels are taken by runs, and not written out: where only sums linear in p are wanted,
/// and of merged classes no focal loss and no label smoothing.
#[inline(always)]
pub(super) fn goes_by_label(group: &Group, merged: Option<Merged>) -> bool {
    let smooths = group.log_loss.is_some_and(|columns| columns.of_all.is_some());
    group.is_linear && (merged.is_none() || (group.focal.is_empty() && !smooths))
}

/// What softmax voxel terms know of a class: its share of the reference, its log loss, its
/// probability, and one minus that.
pub(super) struct Outcome<'a, F> {
    pub reference: &'a mut Plane<F>,
    pub log_loss: &'a mut Plane<F>,
    pub probability: &'a mut Plane<F>,
    pub complement: &'a mut Plane<F>,
}

impl<'a, F> Outcome<'a, F> {
    /// In four planes; the fifth is for what is made of it.
    #[inline(always)]
    pub fn new(planes: &'a mut [Plane<F>; 5]) -> (Self, &'a mut Plane<F>) {
        let [reference, log_loss, probability, complement, rest] = planes;
        (Self { reference, log_loss, probability, complement }, rest)
    }
}

/// The planes that outcomes are made from, after the exponentials were normalised.
pub(super) struct Outcomes<'a, F> {
    pub logits: Planes<'a, F>,
    pub reference: &'a [Plane<F>],
    pub probability: &'a [Plane<F>],
    /// What was taken out of the logits, and ln Σ exp of what is left.
    pub shift: &'a Plane<F>,
    pub log_sum: &'a Plane<F>,
    /// Largest probability and the sum of the others.
    pub largest: &'a Plane<F>,
    pub others: &'a Plane<F>,
    pub merged: Option<Merged<'a>>,
    pub merged_log_sum: &'a Plane<F>,
    pub classes: usize,
}

impl<F: Number> Outcomes<'_, F> {
    /// Fills the planes of an outcome for one of the [`distinct`] classes.
    #[inline(always)]
    pub fn fill<I: Instructions>(&self, class: usize, out: &mut Outcome<F>) {
        match self.merged {
            Some(merged) if class == 0 => self.fill_merged::<I>(merged, out),
            _ => self.fill_plain::<I>(class, out),
        }
    }

    #[inline(always)]
    fn fill_plain<I: Instructions>(&self, class: usize, out: &mut Outcome<F>) {
        *out.reference = self.reference[class];
        *out.probability = self.probability[class];
        let x = self.logits.plane(class);
        for i in 0..TILE {
            let loss = self.log_sum[i] - (x[i] - self.shift[i]);
            let p = out.probability[i];
            let complement = if p == self.largest[i] { self.others[i] } else { F::ONE - p };
            out.log_loss[i] = log_loss::<I, F>(p, complement, loss);
            out.complement[i] = complement;
        }
    }

    #[inline(always)]
    fn fill_merged<I: Instructions>(&self, merged: Merged, out: &mut Outcome<F>) {
        *out.reference = [F::ZERO; TILE];
        *out.complement = [F::ZERO; TILE];
        for class in 0..self.classes {
            let (sum, plane) = if merged.has(class) {
                (&mut *out.reference, &self.reference[class])
            } else {
                (&mut *out.complement, &self.probability[class])
            };
            for i in 0..TILE {
                sum[i] += plane[i];
            }
        }
        for i in 0..TILE {
            let loss = self.log_sum[i] - self.merged_log_sum[i];
            let loss = if loss < F::ZERO { F::ZERO } else { loss };
            let p = (-loss).exp::<I>();
            out.log_loss[i] = log_loss::<I, F>(p, out.complement[i], loss);
            out.probability[i] = p;
        }
    }
}

/// −ln p of p, 1 − p and −ln p as a difference. Where a class is likely, it is the logarithm of
/// almost 1.
#[inline(always)]
fn log_loss<I: Instructions, F: Number>(p: F, complement: F, far: F) -> F {
    let near = (complement / p).ln_1p::<I>();
    if p > F::of(0.5) { near } else { far }
}

/// Σ w f(p, g) of the five sums that overlap losses may ask for: pg, p, pp, |p − g|, |p|.
#[inline(always)]
pub(super) fn five_sums<I: Instructions, F: Number>(
    p: &Plane<F>,
    g: &Plane<F>,
    w: &Plane<F>,
) -> [Block<F>; 5] {
    lanes::folds(p, g, w, |[pg, sum, pp, l1, abs], p, g, w| {
        let weighed = w * p;
        [
            weighed.mul_add::<I>(g, pg),
            sum + weighed,
            weighed.mul_add::<I>(p, pp),
            w.mul_add::<I>((p - g).abs(), l1),
            weighed.abs() + abs,
        ]
    })
}

/// The first two of them: all that most losses ask for.
#[inline(always)]
pub(super) fn two_sums<I: Instructions, F: Number>(
    p: &Plane<F>,
    g: &Plane<F>,
    w: &Plane<F>,
) -> [Block<F>; 2] {
    lanes::folds(p, g, w, |[pg, sum], p, g, w| {
        let weighed = w * p;
        [weighed.mul_add::<I>(g, pg), sum + weighed]
    })
}

/// Of each voxel, Σ_l M_kl p_l: what it costs to take its prediction to class k.
#[inline(always)]
pub(super) fn transport<I: Instructions, F: Number>(
    distances: &[f64],
    class: usize,
    probability: &[Plane<F>],
    out: &mut Plane<F>,
) {
    *out = [F::ZERO; TILE];
    let row = &distances[class * probability.len()..];
    for (p, &distance) in probability.iter().zip(row) {
        let distance = F::of(distance);
        if distance == F::ZERO {
            continue;
        }
        for i in 0..TILE {
            out[i] = p[i].mul_add::<I>(distance, out[i]);
        }
    }
}
