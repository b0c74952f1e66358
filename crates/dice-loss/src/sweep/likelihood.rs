//! What softmax voxel terms know of a tile: how likely the classes are, and their log losses.

use super::{
    exponentials::Exponentials,
    geometry::{Plane, TILE},
    isa::Instructions,
    labels::Labels,
    merged::Merged,
    number::Number,
    tile::{Planes, Tile},
};

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

/// What softmax voxel terms know of a class: its share of the reference, its log loss, its
/// probability, and one minus that.
pub(super) struct Likelihood<'a, F> {
    pub reference: &'a mut Plane<F>,
    pub log_loss: &'a mut Plane<F>,
    pub probability: &'a mut Plane<F>,
    pub complement: &'a mut Plane<F>,
}

impl<'a, F> Likelihood<'a, F> {
    /// In four planes; the fifth is for what is made of it.
    #[inline(always)]
    pub fn new(planes: &'a mut [Plane<F>; 5]) -> (Self, &'a mut Plane<F>) {
        let [reference, log_loss, probability, complement, rest] = planes;
        (Self { reference, log_loss, probability, complement }, rest)
    }
}

/// The planes that likelihoods are made from, after the exponentials were normalised.
pub(super) struct Likelihoods<'a, F> {
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

impl<F: Number> Likelihoods<'_, F> {
    /// Fills the planes of a likelihood for one of the [`distinct`] classes.
    #[inline(always)]
    pub fn fill<I: Instructions>(&self, class: usize, out: &mut Likelihood<F>) {
        match self.merged {
            Some(merged) if class == 0 => self.fill_merged::<I>(merged, out),
            _ => self.fill_plain::<I>(class, out),
        }
    }

    #[inline(always)]
    fn fill_plain<I: Instructions>(&self, class: usize, out: &mut Likelihood<F>) {
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
    fn fill_merged<I: Instructions>(&self, merged: Merged, out: &mut Likelihood<F>) {
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
