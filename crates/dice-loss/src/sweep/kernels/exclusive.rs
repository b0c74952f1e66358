//! Kernels of classes that exclude each other: softmax.

use std::marker::PhantomData;

use super::{
    super::{
        geometry::{BLOCKS, Row},
        isa::{Instructions, Kernel, dispatch},
        lanes::LANES,
        number::Number,
        odds::share,
    },
    CLASSES, Factors, Kernels, Measuring, PullingBack, Totals,
    asked::{Asked, AskedOfMap},
    exclusive_rows,
    strip::Strip,
    sums::{
        ByLabel, ByValue, Focal, Linear, LinearAndFocal, LinearAndLogLoss, LogLoss, Membership,
        Squared, Sums, WithErrors, WithMap,
    },
};

/// The kernels for so many classes: of five and seven those for a class more, which gets nothing.
pub(super) fn kernels(classes: usize, is_dense: bool, asked: Asked) -> Option<Kernels> {
    match (classes, is_dense) {
        (2, false) => Some(of_labels::<2>(asked)),
        (3, false) => Some(of_labels::<3>(asked)),
        (4, false) => Some(of_labels::<4>(asked)),
        (5 | 6, false) => Some(of_labels::<6>(asked)),
        (7 | 8, false) => Some(of_labels::<8>(asked)),
        (2, true) => of_values::<2>(asked),
        (3, true) => of_values::<3>(asked),
        (4, true) => of_values::<4>(asked),
        _ => None,
    }
}

/// The kernels of labels beside the sums of a map.
pub(super) fn with_map(classes: usize, asked: Asked, map: AskedOfMap) -> Option<Kernels> {
    match classes {
        2 => of_map::<2>(asked, map),
        3 => of_map::<3>(asked, map),
        4 => of_map::<4>(asked, map),
        _ => None,
    }
}

fn of_map<const C: usize>(asked: Asked, map: AskedOfMap) -> Option<Kernels> {
    use AskedOfMap::{Errors, Linear as Probabilities};
    match (asked, map) {
        (Asked::Linear, Probabilities) => Some(with_probabilities::<C, Linear>()),
        (Asked::Linear, Errors) => Some(both::<C, WithErrors<Linear>, ByLabel>()),
        (Asked::LinearAndLogLoss, Probabilities) => {
            Some(with_probabilities::<C, LinearAndLogLoss>())
        }
        (Asked::LinearAndLogLoss, Errors) => {
            Some(both::<C, WithErrors<LinearAndLogLoss>, ByLabel>())
        }
        _ => None,
    }
}

fn of_labels<const C: usize>(asked: Asked) -> Kernels {
    match asked {
        Asked::Linear => both::<C, Linear, ByLabel>(),
        Asked::Squared => both::<C, Squared, ByLabel>(),
        Asked::LinearAndLogLoss => both::<C, LinearAndLogLoss, ByLabel>(),
        Asked::LinearAndFocal => both::<C, LinearAndFocal, ByLabel>(),
        Asked::LogLoss => with_losses::<C, LogLoss, ByLabel>(),
        Asked::Focal => with_losses::<C, Focal, ByLabel>(),
    }
}

/// Focal losses of soft values are left to the tiles.
fn of_values<const C: usize>(asked: Asked) -> Option<Kernels> {
    match asked {
        Asked::Linear => Some(both::<C, Linear, ByValue<C>>()),
        Asked::Squared => Some(both::<C, Squared, ByValue<C>>()),
        Asked::LinearAndLogLoss => Some(both::<C, LinearAndLogLoss, ByValue<C>>()),
        Asked::LogLoss => Some(with_losses::<C, LogLoss, ByValue<C>>()),
        Asked::LinearAndFocal | Asked::Focal => None,
    }
}

fn both<const C: usize, S: Sums, M: Membership<C>>() -> Kernels {
    Kernels {
        measure: measuring::<C, S, M>(),
        pull_back: PullingBack::Factors(|isa, strip, factors, out| {
            dispatch(isa, PullBack::<C, S, M> { strip, factors, out, of: PhantomData });
        }),
        losses: None,
    }
}

fn measuring<const C: usize, S: Sums, M: Membership<C>>() -> Measuring {
    Measuring::Sums(|isa, strip, totals| {
        dispatch(isa, Measure::<C, S, M> { strip, totals, of: PhantomData });
    })
}

/// Sums beside Σmp of a map, whose slopes are as many as its values.
fn with_probabilities<const C: usize, S: Sums>() -> Kernels {
    let measure = measuring::<C, WithMap<S>, ByLabel>();
    Kernels { measure, ..exclusive_rows::of::<C>() }
}

/// Of voxel losses alone.
fn with_losses<const C: usize, S: Sums, M: Membership<C>>() -> Kernels {
    Kernels {
        losses: Some(|isa, strip, factors, out| {
            dispatch(isa, Losses::<C, S, M> { strip, factors, out, of: PhantomData });
        }),
        ..both::<C, S, M>()
    }
}

/// The softmax of a voxel.
pub(super) struct Softmax<const C: usize> {
    /// Logits without their maximum: 0 at the likeliest class.
    pub(super) x: [f32; C],
    /// exp(x), and their sum's inverse.
    pub(super) e: [f32; C],
    pub(super) inverse: f32,
    /// ln Σ exp(x).
    pub(super) log_sum: f32,
}

impl<const C: usize> Softmax<C> {
    /// NaN where a logit is NaN or +∞, or where all are −∞.
    #[inline(always)]
    fn new<I: Instructions>(logits: [f32; C]) -> Self {
        let mut largest = logits[0];
        for class in 1..C {
            largest = largest.larger(logits[class]);
        }
        if C == 2 {
            return Self::of_two::<I>(logits, largest);
        }
        let (mut x, mut e, mut sum) = ([0.0; C], [0.0; C], 0.0);
        for class in 0..C {
            x[class] = logits[class] - largest;
            e[class] = x[class].exp_of_negative::<I>();
            sum += e[class];
        }
        Self { x, e, inverse: 1.0 / sum, log_sum: Number::ln::<I>(sum) }
    }

    /// One exponential.
    #[allow(clippy::eq_op)]
    #[inline(always)]
    fn of_two<I: Instructions>(logits: [f32; C], largest: f32) -> Self {
        let apart = logits[1] - logits[0];
        // The difference of the maximum with itself is NaN where that is infinite.
        let far = -apart.abs() + (largest - largest);
        let tail = far.exp_of_negative::<I>();
        let (mut x, mut e) = ([0.0; C], [1.0; C]);
        (x[0], x[1]) = if apart > 0.0 { (far, 0.0) } else { (0.0, far) };
        (e[0], e[1]) = if apart > 0.0 { (tail, 1.0) } else { (1.0, tail) };
        Self { x, e, inverse: 1.0 / (1.0 + tail), log_sum: tail.ln_1p_of_fraction::<I>() }
    }

    /// The voxel as one of its own class: p, 1 − p and −ln p.
    #[inline(always)]
    fn own<I: Instructions, M: Membership<C>>(&self, member: M) -> [f32; 3] {
        let (mut e, mut others, mut x) = (0.0, 0.0, 0.0);
        for class in 0..C {
            e += member.share(class, self.e[class]);
            others += member.blend(class, 0.0, self.e[class]);
            x += member.share(class, self.x[class]);
        }
        let (p, complement) = (e * self.inverse, others * self.inverse);
        let loss = self.log_sum - x;
        // Where the class is likely its exponential is 1, and the others' sum keeps its digits.
        let near = if C == 2 { loss } else { others.ln_1p_of_fraction::<I>() };
        [p, complement, if p > 0.5 { near } else { loss }]
    }
}

/// A voxel's logits, which may be anything where it does not count.
#[inline(always)]
pub(super) fn logits<const C: usize>(
    strip: &Strip,
    block: usize,
    lane: usize,
    weight: f32,
) -> [f32; C] {
    let mut logits = [0.0; C];
    for class in 0..C {
        let x = strip.logits[class][block][lane];
        logits[class] = if weight == 0.0 { 0.0 } else { x };
    }
    logits
}

#[inline(always)]
pub(super) fn softmax<I: Instructions, const C: usize>(
    strip: &Strip,
    block: usize,
    lane: usize,
    weight: f32,
) -> Softmax<C> {
    Softmax::new::<I>(logits(strip, block, lane, weight))
}

struct Measure<'a, const C: usize, S, M> {
    strip: &'a Strip<'a>,
    totals: &'a mut Totals,
    of: PhantomData<(S, M)>,
}

impl<const C: usize, S: Sums, M: Membership<C>> Kernel for Measure<'_, C, S, M> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, totals, .. } = self;
        // Local, so that they stay in registers.
        let mut sums = totals.of_first::<C>();
        let [pg, ps, pp, gs, gg, losses, _] = &mut sums;
        let mut of_map = totals.of_map_of_first::<C>();
        let [ms, mp] = &mut of_map;
        for block in 0..BLOCKS {
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let softmax = softmax::<I, C>(strip, block, i, weight);
                let member = M::read(strip, block, i);
                let focal = if S::FOCAL {
                    let [_, complement, loss] = softmax.own::<I, M>(member);
                    weight * (complement * complement * loss)
                } else {
                    0.0
                };
                for class in 0..C {
                    if S::OVERLAP {
                        let p = softmax.e[class] * softmax.inverse;
                        let weighed = weight * p;
                        pg[class][i] += member.share(class, weighed);
                        ps[class][i] += weighed;
                        if S::SQUARES {
                            pp[class][i] = Number::mul_add::<I>(weighed, p, pp[class][i]);
                        }
                    }
                    let g = member.share(class, weight);
                    gs[class][i] += g;
                    if !M::IS_WHOLE {
                        gg[class][i] += member.share(class, g);
                    }
                    if S::LOG_LOSS {
                        let loss = weight * (softmax.log_sum - softmax.x[class]);
                        losses[class][i] += member.share(class, loss);
                    }
                    if S::FOCAL {
                        losses[class][i] += member.share(class, focal);
                    }
                    if S::MAP || S::MAP_OF_ERRORS {
                        let p = softmax.e[class] * softmax.inverse;
                        let error = p - member.share(class, 1.0);
                        let factor = if S::MAP { p } else { error * error };
                        let weighed = weight * strip.map[class][block][i];
                        ms[class][i] += weighed;
                        mp[class][i] = Number::mul_add::<I>(weighed, factor, mp[class][i]);
                    }
                }
            }
        }
        totals.set_first(&sums);
        if S::MAP || S::MAP_OF_ERRORS {
            totals.set_of_map_of_first(&of_map);
        }
    }
}

struct Losses<'a, const C: usize, S, M> {
    strip: &'a Strip<'a>,
    factors: &'a Factors,
    out: &'a mut [Row<f32>; CLASSES],
    of: PhantomData<(S, M)>,
}

impl<const C: usize, S: Sums, M: Membership<C>> Kernel for Losses<'_, C, S, M> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, factors, out, .. } = self;
        let factors = factors.positive;
        for block in 0..BLOCKS {
            let mut losses = [0.0; LANES];
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let softmax = softmax::<I, C>(strip, block, i, weight);
                let member = M::read(strip, block, i);
                let mut sum = 0.0;
                if S::FOCAL {
                    let [_, complement, loss] = softmax.own::<I, M>(member);
                    let focal = complement * complement * loss;
                    for class in 0..C {
                        sum += share(factors[class], member.share(class, focal));
                    }
                } else {
                    for class in 0..C {
                        let loss = softmax.log_sum - softmax.x[class];
                        sum += share(factors[class], member.share(class, loss));
                    }
                }
                losses[i] = share(weight, sum);
            }
            out[0][block] = losses;
        }
    }
}

struct PullBack<'a, const C: usize, S, M> {
    strip: &'a Strip<'a>,
    factors: &'a Factors,
    out: &'a mut [Row<f32>; CLASSES],
    of: PhantomData<(S, M)>,
}

impl<const C: usize, S: Sums, M: Membership<C>> Kernel for PullBack<'_, C, S, M> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, factors, out, .. } = self;
        let factors = *factors;
        for block in 0..BLOCKS {
            let mut gradient = [[0.0; LANES]; C];
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let softmax = softmax::<I, C>(strip, block, i, weight);
                let member = M::read(strip, block, i);
                let map = of_strip::<C, S>(strip, block, i);
                let slopes = if C == 2 {
                    of_two::<I, C, S, M>(&softmax, member, map, &factors)
                } else {
                    of_many::<I, C, S, M>(&softmax, member, map, &factors)
                };
                for class in 0..C {
                    let slope = weight * slopes[class];
                    gradient[class][i] = if weight == 0.0 { 0.0 } else { slope };
                }
            }
            for class in 0..C {
                out[class][block] = gradient[class];
            }
        }
    }
}

/// What a map weighs a voxel in each class; nothing if its errors are not asked for.
#[inline(always)]
fn of_strip<const C: usize, S: Sums>(strip: &Strip, block: usize, lane: usize) -> [f32; C] {
    let mut map = [0.0; C];
    if S::MAP_OF_ERRORS {
        for class in 0..C {
            map[class] = strip.map[class][block][lane];
        }
    }
    map
}

/// The slope of the errors with a map by a class's probability.
#[inline(always)]
fn by_map<const C: usize, M: Membership<C>>(
    class: usize,
    member: M,
    (map, p): (f32, f32),
    factors: &Factors,
) -> f32 {
    map * factors.of_map[class] * (p - member.share(class, 1.0))
}

/// −d/d ln p of the voxel losses, by which each class's share of them is multiplied.
#[inline(always)]
fn of_loss<I: Instructions, const C: usize, S: Sums, M: Membership<C>>(
    softmax: &Softmax<C>,
    member: M,
) -> f32 {
    if !S::FOCAL {
        return 1.0;
    }
    let [p, complement, loss] = softmax.own::<I, M>(member);
    complement * Number::mul_add::<I>(2.0, share(p, loss), complement)
}

/// p_k (q_k − Σ_j p_j q_j) of the overlap's slopes q, and h_k − p_k Σ_j h_j of the voxel losses'
/// slopes h by ln p.
#[inline(always)]
fn of_many<I: Instructions, const C: usize, S: Sums, M: Membership<C>>(
    softmax: &Softmax<C>,
    member: M,
    map: [f32; C],
    factors: &Factors,
) -> [f32; C] {
    let (mut p, mut q, mut h, mut common) = ([0.0; C], [0.0; C], [0.0; C], 0.0);
    let of_loss = of_loss::<I, C, S, M>(softmax, member);
    for class in 0..C {
        p[class] = softmax.e[class] * softmax.inverse;
        if S::OVERLAP {
            q[class] = linear::<C, M>(class, member, factors);
            if S::SQUARES {
                q[class] = Number::mul_add::<I>(p[class], factors.of_squares[class], q[class]);
            }
            if S::MAP_OF_ERRORS {
                q[class] += by_map::<C, M>(class, member, (map[class], p[class]), factors);
            }
            common = Number::mul_add::<I>(p[class], q[class], common);
        }
        if S::LOG_LOSS || S::FOCAL {
            h[class] = -member.share(class, factors.positive[class]) * of_loss;
            common += h[class];
        }
    }
    chained::<I, C>(p, q, h, common)
}

/// p_k (q_k − common) + h_k, common being Σ_j (p_j q_j + h_j).
#[inline(always)]
pub(super) fn chained<I: Instructions, const C: usize>(
    p: [f32; C],
    mut q: [f32; C],
    h: [f32; C],
    common: f32,
) -> [f32; C] {
    for class in 0..C {
        q[class] = Number::mul_add::<I>(p[class], q[class] - common, h[class]);
    }
    q
}

/// The same of two classes, without a difference that cancels: ±(p₀ p₁ (q₁ − q₀) + h₁ p₀ − h₀ p₁).
#[inline(always)]
fn of_two<I: Instructions, const C: usize, S: Sums, M: Membership<C>>(
    softmax: &Softmax<C>,
    member: M,
    map: [f32; C],
    factors: &Factors,
) -> [f32; C] {
    let p = [softmax.e[0] * softmax.inverse, softmax.e[1] * softmax.inverse];
    let mut slope = 0.0;
    if S::OVERLAP {
        let mut difference = if M::IS_WHOLE {
            member.blend(1, factors.difference[1], factors.difference[0])
        } else {
            let [no, yes] = [0, 1].map(|class| linear::<C, M>(class, member, factors));
            yes - no
        };
        if S::SQUARES {
            let squares = factors.of_squares;
            difference += squares[1] * p[1] - squares[0] * p[0];
        }
        if S::MAP_OF_ERRORS {
            let of = |class| by_map::<C, M>(class, member, (map[class], p[class]), factors);
            difference += of(1) - of(0);
        }
        slope = p[0] * p[1] * difference;
    }
    if S::LOG_LOSS || S::FOCAL {
        let of_loss = of_loss::<I, C, S, M>(softmax, member);
        let [no, yes] = [0, 1].map(|class| member.share(class, factors.positive[class]) * of_loss);
        slope += no * p[1] - yes * p[0];
    }
    either_way(slope)
}

/// The gradient of two classes: what the one gets the other loses.
#[inline(always)]
pub(super) fn either_way<const C: usize>(slope: f32) -> [f32; C] {
    let mut slopes = [0.0; C];
    (slopes[0], slopes[1]) = (-slope, slope);
    slopes
}

/// The overlap's slope by a class's probability, but for that of Σp².
#[inline(always)]
pub(super) fn linear<const C: usize, M: Membership<C>>(
    class: usize,
    member: M,
    factors: &Factors,
) -> f32 {
    member.blend(class, factors.of_both[class], factors.of_prediction[class])
}
