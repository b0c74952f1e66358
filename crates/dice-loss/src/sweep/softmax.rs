//! The softmax of a tile, and the log losses of its classes.

use super::{
    isa::Instructions,
    labels::Labels,
    lanes::{LANES, blocks, blocks_mut},
    number::Number,
    prefetch::prefetch,
    scratch::TILE,
    tile::{Planes, Tile},
};

/// Numbers between two stops to prefetch what comes next.
const STRETCH: usize = 256;

/// The exponentials of a tile's logits: exp(x − shift) in class planes, and their sum.
///
/// There is no shift, and no sweep for the maximum, where the plain sum stays well within range.
pub(super) struct Exponentials<'a, F> {
    pub planes: &'a mut [F],
    pub sum: &'a mut [F],
    /// The maximum where it was taken out, else 0.
    pub shift: &'a mut [F],
}

impl<'a, F: Number> Exponentials<'a, F> {
    /// Also leaves Σ_k slope_k exp(x_k − shift) in `dot`, if there are slopes.
    #[inline(always)]
    pub fn new<I: Instructions>(
        tile: &Tile<F>,
        planes: &'a mut [F],
        sum: &'a mut [F],
        shift: &'a mut [F],
        mut with: Option<(&[F], &mut [F])>,
    ) -> Self {
        let len = tile.len;
        let (sum, shift) = (&mut sum[..len], &mut shift[..len]);
        shift.fill(F::ZERO);
        sum.fill(F::ZERO);
        if let Some((_, dot)) = &mut with {
            dot[..len].fill(F::ZERO);
        }
        for class in 0..tile.classes {
            let (x, e) = (tile.logits.plane(class), &mut planes[class * TILE..][..len]);
            let ahead = tile.logits.ahead(class, tile.classes);
            let (sum, e) = (&mut sum[..x.len()], &mut e[..x.len()]);
            for start in (0..x.len()).step_by(STRETCH) {
                let end = len.min(start + STRETCH);
                prefetch(ahead.get(start..end.min(ahead.len())).unwrap_or(&[]));
                let (x, e, sum) = (&x[start..end], &mut e[start..end], &mut sum[start..end]);
                match &mut with {
                    None => add_exponentials::<I, F>(x, e, sum),
                    Some((slopes, dot)) => {
                        let dot = &mut dot[start..end];
                        add_weighed_exponentials::<I, F>(x, e, sum, slopes[class], dot);
                    }
                }
            }
        }
        let mut unsafe_sums = false;
        for sum in sum.iter() {
            unsafe_sums |= !(*sum > F::SAFE.start && *sum < F::SAFE.end);
        }
        if unsafe_sums {
            take_maximum_out::<I, F>(tile, planes, sum, shift, with);
        }
        Self { planes, sum, shift }
    }

    #[inline(always)]
    pub fn plane(&self, class: usize) -> &[F] {
        &self.planes[class * TILE..][..self.sum.len()]
    }

    /// Turns the exponentials into probabilities and the sum into its inverse.
    #[inline(always)]
    pub fn normalise(&mut self, classes: usize) {
        let len = self.sum.len();
        self.sum.iter_mut().for_each(|sum| *sum = F::ONE / *sum);
        for class in 0..classes {
            let plane = &mut self.planes[class * TILE..][..len];
            plane.iter_mut().zip(&*self.sum).for_each(|(p, &inverse)| *p = *p * inverse);
        }
    }

    /// ln Σ exp x, while the sum is still there.
    #[inline(always)]
    pub fn log_sum<I: Instructions>(&self, out: &mut [F]) {
        for ((out, &sum), &shift) in out.iter_mut().zip(&*self.sum).zip(&*self.shift) {
            *out = shift + sum.ln::<I>();
        }
    }

    /// The largest plane value of each voxel and the sum of the others, so that 1 − p of the
    /// likeliest class need not be a difference.
    #[inline(always)]
    pub fn split(&self, classes: usize, largest: &mut [F], others: &mut [F]) {
        largest.fill(F::ZERO);
        others.fill(F::ZERO);
        for class in 0..classes {
            for ((largest, others), &e) in
                largest.iter_mut().zip(others.iter_mut()).zip(self.plane(class))
            {
                *others += if e > *largest { *largest } else { e };
                *largest = largest.larger(e);
            }
        }
    }
}

/// What softmax voxel terms know of each voxel's own class.
pub(super) struct Own<'a, F> {
    pub probability: &'a mut [F],
    pub complement: &'a mut [F],
    pub log_loss: &'a mut [F],
}

impl<'a, F: Number> Own<'a, F> {
    /// Without a class, the probability is 0.
    #[inline(always)]
    pub fn new<I: Instructions>(
        softmax: &Exponentials<F>,
        tile: &Tile<F>,
        labels: &Labels,
        [probability, complement, log_loss, largest]: [&'a mut [F]; 4],
    ) -> Self {
        labels.gather(softmax.planes, probability);
        labels.gather_from(|class| tile.logits.plane(class), log_loss);
        softmax.split(tile.classes, largest, complement);
        let half = F::of(0.5);
        for (i, p) in probability.iter_mut().enumerate() {
            let (e, inverse) = (*p, F::ONE / softmax.sum[i]);
            let (others, x) = (complement[i], log_loss[i]);
            *p = e * inverse;
            complement[i] = if e == largest[i] { others * inverse } else { F::ONE - *p };
            // Where a class is likely, its log loss is the logarithm of almost 1.
            let near = (complement[i] / *p).ln_1p::<I>();
            let far = softmax.shift[i] + softmax.sum[i].ln::<I>() - x;
            log_loss[i] = if *p > half { near } else { far };
        }
        Self { probability, complement, log_loss }
    }
}

/// The power of every number of a plane; all are at least 0.
#[inline(always)]
pub(super) fn raise<I: Instructions, F: Number>(base: &[F], exponent: f64, out: &mut [F]) {
    let pairs = out.iter_mut().zip(base);
    if exponent == 0.0 {
        pairs.for_each(|(out, _)| *out = F::ONE);
    } else if exponent == 1.0 {
        pairs.for_each(|(out, &base)| *out = base);
    } else if exponent == 2.0 {
        pairs.for_each(|(out, &base)| *out = base * base);
    } else {
        let exponent = F::of(exponent);
        pairs.for_each(|(out, &base)| *out = base.pow::<I>(exponent));
    }
}

/// The same with the exponent of each voxel's class.
#[inline(always)]
pub(super) fn raise_by_label<I: Instructions, F: Number>(
    labels: &Labels,
    base: &[F],
    exponents: &[f64],
    out: &mut [F],
) {
    let first = exponents.first().copied().unwrap_or(0.0);
    if exponents.iter().all(|&exponent| exponent == first) {
        return raise::<I, F>(base, first, out);
    }
    let table: Vec<_> = exponents.iter().map(|&exponent| F::of(exponent)).collect();
    labels.look_up(&table, out);
    out.iter_mut().zip(base).for_each(|(out, &base)| *out = base.pow::<I>(*out));
}

#[inline(always)]
fn add_exponentials<I: Instructions, F: Number>(x: &[F], e: &mut [F], sum: &mut [F]) {
    for ((x, e), sum) in x.iter().zip(e.iter_mut()).zip(sum.iter_mut()) {
        *e = x.clamped_exp::<I>();
        *sum += *e;
    }
}

#[inline(always)]
fn add_weighed_exponentials<I: Instructions, F: Number>(
    x: &[F],
    e: &mut [F],
    sum: &mut [F],
    slope: F,
    dot: &mut [F],
) {
    for (((x, e), sum), dot) in x.iter().zip(e.iter_mut()).zip(sum.iter_mut()).zip(dot.iter_mut()) {
        *e = x.clamped_exp::<I>();
        *sum += *e;
        *dot = e.mul_add::<I>(slope, *dot);
    }
}

/// The same with the maximum taken out first: for large logits, and for NaN.
#[inline(never)]
fn take_maximum_out<I: Instructions, F: Number>(
    tile: &Tile<F>,
    planes: &mut [F],
    sum: &mut [F],
    shift: &mut [F],
    mut with: Option<(&[F], &mut [F])>,
) {
    maximum(&tile.logits, 0..tile.classes, shift);
    sum.fill(F::ZERO);
    if let Some((_, dot)) = &mut with {
        dot.fill(F::ZERO);
    }
    for class in 0..tile.classes {
        let x = tile.logits.plane(class);
        let e = &mut planes[class * TILE..][..tile.len];
        for (((x, e), sum), shift) in x.iter().zip(e.iter_mut()).zip(sum.iter_mut()).zip(&*shift) {
            *e = (*x - *shift).exp::<I>();
            *sum += *e;
        }
        if let Some((slopes, dot)) = &mut with {
            for (dot, &e) in dot.iter_mut().zip(&*e) {
                *dot = e.mul_add::<I>(slopes[class], *dot);
            }
        }
    }
}

fn maximum<F: Number>(logits: &Planes<F>, mut classes: impl Iterator<Item = usize>, out: &mut [F]) {
    let Some(first) = classes.next() else { return };
    out.copy_from_slice(logits.plane(first));
    for class in classes {
        for (out, &x) in out.iter_mut().zip(logits.plane(class)) {
            *out = out.larger(x);
        }
    }
}

/// The background together with the classes that were not annotated in a sample: one class to
/// softmax cross-entropy and focal loss (the marginal loss).
pub(super) struct Merged {
    /// Whether a class is among them; class 0 always is.
    pub members: Vec<bool>,
}

impl Merged {
    /// `None` if every class but the background was annotated.
    pub fn new(valid: Option<&[bool]>) -> Option<Self> {
        let valid = valid?;
        let members: Vec<_> =
            valid.iter().enumerate().map(|(class, valid)| class == 0 || !valid).collect();
        members.iter().skip(1).any(|&member| member).then_some(Self { members })
    }

    pub fn classes(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        (0..self.members.len()).filter(|&class| self.members[class])
    }

    /// ln Σ exp x over the members.
    pub fn log_sum<I: Instructions, F: Number>(&self, logits: &Planes<F>, out: &mut [F]) {
        let mut largest = [F::ZERO; TILE];
        let largest = &mut largest[..out.len()];
        maximum(logits, self.classes(), largest);
        out.fill(F::ZERO);
        for class in self.classes() {
            for ((out, &largest), &x) in out.iter_mut().zip(&*largest).zip(logits.plane(class)) {
                *out += (x - largest).exp::<I>();
            }
        }
        for (out, &largest) in out.iter_mut().zip(&*largest) {
            *out = largest + out.ln::<I>();
        }
    }
}

/// Classes that a softmax voxel term tells apart in a sample.
pub(super) fn distinct(merged: Option<&Merged>, classes: usize) -> Vec<usize> {
    (0..classes)
        .filter(|&class| class == 0 || merged.is_none_or(|merged| !merged.members[class]))
        .collect()
}

/// What softmax voxel terms know of a class: its share of the reference, its log loss, its
/// probability, and one minus that.
pub(super) struct Outcome<'a, F> {
    pub reference: &'a mut [F],
    pub log_loss: &'a mut [F],
    pub probability: &'a mut [F],
    pub complement: &'a mut [F],
}

impl<'a, F> Outcome<'a, F> {
    /// In four planes of a length; the fifth is for what is made of it.
    #[inline(always)]
    pub fn new(planes: &'a mut [Vec<F>; 5], len: usize) -> (Self, &'a mut [F]) {
        let [reference, log_loss, probability, complement, rest] =
            planes.each_mut().map(|plane| &mut plane[..len]);
        (Self { reference, log_loss, probability, complement }, rest)
    }
}

/// The planes that outcomes are made from, after the exponentials were normalised.
pub(super) struct Outcomes<'a, F> {
    pub logits: Planes<'a, F>,
    pub reference: &'a [F],
    pub probability: &'a [F],
    pub log_sum: &'a [F],
    /// Largest probability and the sum of the others.
    pub largest: &'a [F],
    pub others: &'a [F],
    pub merged: Option<&'a Merged>,
    pub merged_log_sum: &'a [F],
    pub classes: usize,
}

impl<F: Number> Outcomes<'_, F> {
    /// Fills the planes of an outcome for one of the [`distinct`] classes.
    #[inline(always)]
    pub fn fill<I: Instructions>(&self, class: usize, out: &mut Outcome<F>) {
        match self.merged {
            Some(merged) if class == 0 => self.fill_merged::<I>(merged, out),
            _ => self.fill_plain(class, out),
        }
        // Where a class is likely, its log loss is the logarithm of almost 1.
        let half = F::of(0.5);
        for ((log_loss, &p), &complement) in
            out.log_loss.iter_mut().zip(&*out.probability).zip(&*out.complement)
        {
            *log_loss = if p > half { (complement / p).ln_1p::<I>() } else { *log_loss };
        }
    }

    fn plane<'p>(&self, planes: &'p [F], class: usize) -> &'p [F] {
        &planes[class * TILE..][..self.log_sum.len()]
    }

    #[inline(always)]
    fn fill_plain(&self, class: usize, out: &mut Outcome<F>) {
        out.reference.copy_from_slice(self.plane(self.reference, class));
        out.probability.copy_from_slice(self.plane(self.probability, class));
        let x = self.logits.plane(class);
        for ((log_loss, &log_sum), &x) in out.log_loss.iter_mut().zip(self.log_sum).zip(x) {
            *log_loss = log_sum - x;
        }
        for (((complement, &p), &largest), &others) in
            out.complement.iter_mut().zip(&*out.probability).zip(self.largest).zip(self.others)
        {
            *complement = if p == largest { others } else { F::ONE - p };
        }
    }

    #[inline(always)]
    fn fill_merged<I: Instructions>(&self, merged: &Merged, out: &mut Outcome<F>) {
        out.reference.fill(F::ZERO);
        out.complement.fill(F::ZERO);
        for class in 0..self.classes {
            let (sum, planes) = if merged.members[class] {
                (&mut *out.reference, self.reference)
            } else {
                (&mut *out.complement, self.probability)
            };
            let plane = self.plane(planes, class);
            sum.iter_mut().zip(plane).for_each(|(sum, &value)| *sum += value);
        }
        for (((log_loss, p), &log_sum), &merged) in out
            .log_loss
            .iter_mut()
            .zip(out.probability.iter_mut())
            .zip(self.log_sum)
            .zip(self.merged_log_sum)
        {
            let loss = log_sum - merged;
            *log_loss = if loss < F::ZERO { F::ZERO } else { loss };
            *p = (-*log_loss).exp::<I>();
        }
    }
}

/// Σ w f(p, g) of the five sums that overlap losses may ask for: pg, p, pp, |p − g|, |p|.
#[inline(always)]
pub(super) fn five_sums<I: Instructions, F: Number>(p: &[F], g: &[F], w: &[F]) -> [f64; 5] {
    super::lanes::folds(p, g, w, |[pg, sum, pp, l1, abs], p, g, w| {
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

/// Of each voxel, Σ_l M_kl p_l: what it costs to take its prediction to class k.
#[inline(always)]
pub(super) fn transport<I: Instructions, F: Number>(
    distances: &[f64],
    class: usize,
    classes: usize,
    probability: &[F],
    out: &mut [F],
) {
    out.fill(F::ZERO);
    for other in 0..classes {
        let distance = F::of(distances[class * classes + other]);
        if distance == F::ZERO {
            continue;
        }
        let p = &probability[other * TILE..][..out.len()];
        for (out, p) in blocks_mut(out).iter_mut().zip(blocks(p)) {
            for i in 0..LANES {
                out[i] = p[i].mul_add::<I>(distance, out[i]);
            }
        }
    }
}
