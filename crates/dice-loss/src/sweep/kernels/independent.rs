//! Kernels of a channel that stands by itself: sigmoid, and probabilities taken as they are.

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
    strip::Strip,
    sums::{
        Focal, Linear, LinearAndFocal, LinearAndLogLoss, LogLoss, Squared, Sums, WithErrors,
        WithMap,
    },
};
use crate::Activation;

/// The kernels for a channel. Log losses of probabilities are left to the tiles.
pub(super) fn kernels(
    activation: Activation,
    asked: Asked,
    map: Option<AskedOfMap>,
) -> Option<Kernels> {
    if let Some(map) = map {
        return if activation == Activation::Sigmoid { with_map(asked, map) } else { None };
    }
    if activation == Activation::Probabilities {
        return match asked {
            Asked::Linear => Some(both::<Linear, Given>()),
            Asked::Squared => Some(both::<Squared, Given>()),
            _ => None,
        };
    }
    Some(match asked {
        Asked::Linear => both::<Linear, Sigmoid>(),
        Asked::Squared => both::<Squared, Sigmoid>(),
        Asked::LinearAndLogLoss => both::<LinearAndLogLoss, Sigmoid>(),
        Asked::LinearAndFocal => both::<LinearAndFocal, Sigmoid>(),
        Asked::LogLoss => with_losses::<LogLoss>(),
        Asked::Focal => with_losses::<Focal>(),
    })
}

/// Beside the sums of a map.
fn with_map(asked: Asked, map: AskedOfMap) -> Option<Kernels> {
    use AskedOfMap::{Errors, Linear as Probabilities};
    match (asked, map) {
        (Asked::Linear, Probabilities) => Some(with_probabilities::<Linear>()),
        (Asked::Linear, Errors) => Some(both::<WithErrors<Linear>, Sigmoid>()),
        (Asked::LinearAndLogLoss, Probabilities) => Some(with_probabilities::<LinearAndLogLoss>()),
        (Asked::LinearAndLogLoss, Errors) => Some(both::<WithErrors<LinearAndLogLoss>, Sigmoid>()),
        _ => None,
    }
}

fn both<S: Sums, A: Activated>() -> Kernels {
    Kernels {
        measure: measuring::<S, A>(),
        pull_back: PullingBack::Factors(|isa, strip, factors, out| {
            dispatch(isa, PullBack::<S, A> { strip, factors, out, of: PhantomData });
        }),
        losses: None,
    }
}

fn measuring<S: Sums, A: Activated>() -> Measuring {
    Measuring::Sums(|isa, strip, totals| {
        dispatch(isa, Measure::<S, A> { strip, totals, of: PhantomData });
    })
}

/// Sums beside Σmp of a map, whose slopes are as many as its values.
fn with_probabilities<S: Sums>() -> Kernels {
    Kernels { measure: measuring::<WithMap<S>, Sigmoid>(), ..of_rows() }
}

/// The kernels whose sums and slopes are made voxel by voxel.
pub(super) fn by_rows(activation: Activation) -> Option<Kernels> {
    (activation == Activation::Sigmoid).then(of_rows)
}

fn of_rows() -> Kernels {
    Kernels {
        measure: Measuring::Rows(|isa, strip, has_losses, out| {
            dispatch(isa, Probabilities { strip, has_losses, out });
        }),
        pull_back: PullingBack::Rows(|isa, strip, has_losses, rows| {
            dispatch(isa, Chain { strip, has_losses, rows });
        }),
        losses: None,
    }
}

/// Of voxel losses alone.
fn with_losses<S: Sums>() -> Kernels {
    Kernels {
        losses: Some(|isa, strip, factors, out| {
            dispatch(isa, Losses::<S> { strip, factors, out, of: PhantomData });
        }),
        ..both::<S, Sigmoid>()
    }
}

/// What is known of a voxel's probability.
trait Activated {
    fn new<I: Instructions>(x: f32) -> Self;
    fn p(&self) -> f32;
    /// 1 − p.
    fn complement(&self) -> f32;
    /// −ln p and −ln (1 − p).
    fn losses<I: Instructions>(&self) -> [f32; 2];
    /// dp / dx times a slope by p.
    fn chain(&self, slope: f32) -> f32;
}

/// Of a logit.
struct Sigmoid {
    /// exp(−|x|).
    tail: f32,
    size: f32,
    p: f32,
    complement: f32,
    is_positive: bool,
}

impl Activated for Sigmoid {
    #[inline(always)]
    fn new<I: Instructions>(x: f32) -> Self {
        let size = x.abs();
        let tail = (-size).exp_of_negative::<I>();
        let large = 1.0 / (1.0 + tail);
        let small = tail * large;
        let is_positive = x > 0.0;
        let (p, complement) = if is_positive { (large, small) } else { (small, large) };
        Self { tail, size, p, complement, is_positive }
    }

    #[inline(always)]
    fn p(&self) -> f32 {
        self.p
    }

    #[inline(always)]
    fn complement(&self) -> f32 {
        self.complement
    }

    #[inline(always)]
    fn losses<I: Instructions>(&self) -> [f32; 2] {
        let near = self.tail.ln_1p_of_fraction::<I>();
        let far = near + self.size;
        if self.is_positive { [near, far] } else { [far, near] }
    }

    #[inline(always)]
    fn chain(&self, slope: f32) -> f32 {
        slope * self.p * self.complement
    }
}

/// A probability as it is given; nobody asks for its losses.
struct Given(f32);

impl Activated for Given {
    #[inline(always)]
    fn new<I: Instructions>(x: f32) -> Self {
        Self(x)
    }

    #[inline(always)]
    fn p(&self) -> f32 {
        self.0
    }

    #[inline(always)]
    fn complement(&self) -> f32 {
        1.0 - self.0
    }

    #[inline(always)]
    fn losses<I: Instructions>(&self) -> [f32; 2] {
        [-Number::ln::<I>(self.0), -Number::ln::<I>(1.0 - self.0)]
    }

    #[inline(always)]
    fn chain(&self, slope: f32) -> f32 {
        slope
    }
}

/// Reads a voxel, which may be anything where it does not count.
#[inline(always)]
fn activated<I: Instructions, A: Activated>(x: f32, weight: f32) -> A {
    A::new::<I>(if weight == 0.0 { 0.0 } else { x })
}

struct Measure<'a, S, A> {
    strip: &'a Strip<'a>,
    totals: &'a mut Totals,
    of: PhantomData<(S, A)>,
}

impl<S: Sums, A: Activated> Kernel for Measure<'_, S, A> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, totals, .. } = self;
        // Local, so that they stay in registers.
        let mut sums = totals.of_first::<1>();
        let [[pg], [ps], [pp], [gs], [gg], [yes], [no]] = &mut sums;
        let mut of_map = totals.of_map_of_first::<1>();
        let [[ms], [mp]] = &mut of_map;
        for block in 0..BLOCKS {
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let voxel = activated::<I, A>(strip.logits[0][block][i], weight);
                let g = strip.reference[0][block][i];
                let weighed = weight * g;
                if S::OVERLAP {
                    let p = weight * voxel.p();
                    pg[i] = Number::mul_add::<I>(p, g, pg[i]);
                    ps[i] += p;
                    if S::SQUARES {
                        pp[i] = Number::mul_add::<I>(p, voxel.p(), pp[i]);
                    }
                }
                gs[i] += weighed;
                gg[i] = Number::mul_add::<I>(weighed, g, gg[i]);
                if S::LOG_LOSS || S::FOCAL {
                    let [mut of_yes, mut of_no] = voxel.losses::<I>();
                    if S::FOCAL {
                        of_yes = of_yes * voxel.complement() * voxel.complement();
                        of_no = of_no * voxel.p() * voxel.p();
                    }
                    yes[i] += share(weighed, of_yes);
                    no[i] += share(weight * (1.0 - g), of_no);
                }
                if S::MAP || S::MAP_OF_ERRORS {
                    let error = voxel.p() - g;
                    let factor = if S::MAP { voxel.p() } else { error * error };
                    let weighed = weight * strip.map[0][block][i];
                    ms[i] += weighed;
                    mp[i] = Number::mul_add::<I>(weighed, factor, mp[i]);
                }
            }
        }
        totals.set_first(&sums);
        if S::MAP || S::MAP_OF_ERRORS {
            totals.set_of_map_of_first(&of_map);
        }
    }
}

struct Losses<'a, S> {
    strip: &'a Strip<'a>,
    factors: &'a Factors,
    out: &'a mut [Row<f32>; CLASSES],
    of: PhantomData<S>,
}

impl<S: Sums> Kernel for Losses<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, factors, out, .. } = self;
        let (yes, no) = (factors.positive[0], factors.negative[0]);
        let [x, g] = [strip.logits[0], strip.reference[0]].map(|row| row.as_flattened());
        let (weight, out) = (strip.weight.as_flattened(), out[0].as_flattened_mut());
        for (((out, &x), &g), &weight) in out.iter_mut().zip(x).zip(g).zip(weight) {
            let voxel = activated::<I, Sigmoid>(x, weight);
            let [mut of_yes, mut of_no] = voxel.losses::<I>();
            if S::FOCAL {
                of_yes = of_yes * voxel.complement() * voxel.complement();
                of_no = of_no * voxel.p() * voxel.p();
            }
            let loss = share(yes * g, of_yes) + share(no * (1.0 - g), of_no);
            *out = share(weight, loss);
        }
    }
}

/// Leaves the probability of a channel in a row, and, if asked for, the log losses of yes and no in the two
/// after it.
struct Probabilities<'a> {
    strip: &'a Strip<'a>,
    has_losses: bool,
    out: &'a mut [Row<f32>; CLASSES],
}

impl Kernel for Probabilities<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, has_losses, out: [p, yes, no, ..] } = self;
        for block in 0..BLOCKS {
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let voxel = activated::<I, Sigmoid>(strip.logits[0][block][i], weight);
                p[block][i] = voxel.p();
                if has_losses {
                    [yes[block][i], no[block][i]] = voxel.losses::<I>();
                }
            }
        }
    }
}

/// Makes the gradient of slopes that are in the rows: by the probability, and, if there are any, of the log
/// losses of yes and no.
struct Chain<'a> {
    strip: &'a Strip<'a>,
    has_losses: bool,
    rows: &'a mut [Row<f32>; CLASSES],
}

impl Kernel for Chain<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, has_losses, rows: [slope, yes, no, ..] } = self;
        for block in 0..BLOCKS {
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let voxel = activated::<I, Sigmoid>(strip.logits[0][block][i], weight);
                let mut of_voxel = voxel.chain(slope[block][i]);
                if has_losses {
                    of_voxel += no[block][i] * voxel.p() - yes[block][i] * voxel.complement();
                }
                slope[block][i] = if weight == 0.0 { 0.0 } else { weight * of_voxel };
            }
        }
    }
}

struct PullBack<'a, S, A> {
    strip: &'a Strip<'a>,
    factors: &'a Factors,
    out: &'a mut [Row<f32>; CLASSES],
    of: PhantomData<(S, A)>,
}

impl<S: Sums, A: Activated> Kernel for PullBack<'_, S, A> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, factors, out, .. } = self;
        let (of_both, of_prediction) = (factors.of_both[0], factors.of_prediction[0]);
        let of_squares = factors.of_squares[0];
        let (of_yes, of_no) = (factors.positive[0], factors.negative[0]);
        let [x, g] = [strip.logits[0], strip.reference[0]].map(|row| row.as_flattened());
        let (weight, out) = (strip.weight.as_flattened(), out[0].as_flattened_mut());
        let (of_errors, map) = (factors.of_map[0], strip.map[0].as_flattened());
        // One long loop: a short one is unrolled before it could become vector code.
        for ((((out, &x), &g), &weight), &m) in out.iter_mut().zip(x).zip(g).zip(weight).zip(map) {
            let voxel = activated::<I, A>(x, weight);
            let (p, complement) = (voxel.p(), voxel.complement());
            let mut slope = 0.0;
            if S::OVERLAP {
                slope = Number::mul_add::<I>(g, of_both, (1.0 - g) * of_prediction);
                if S::SQUARES {
                    slope = Number::mul_add::<I>(p, of_squares, slope);
                }
                if S::MAP_OF_ERRORS {
                    slope = Number::mul_add::<I>(m * of_errors, p - g, slope);
                }
                slope = voxel.chain(slope);
            }
            let (yes, no) = (of_yes * g, of_no * (1.0 - g));
            if S::LOG_LOSS {
                slope += no * p - yes * complement;
            }
            if S::FOCAL {
                let [of_yes, of_no] = voxel.losses::<I>();
                // d/dx of −(1 − p)² ln p is −(1 − p)² (1 − p − 2 p ln p).
                let rise = Number::mul_add::<I>(2.0, share(p, of_yes), complement);
                let fall = Number::mul_add::<I>(2.0, share(complement, of_no), p);
                slope += no * (p * p * fall) - yes * (complement * complement * rise);
            }
            *out = if weight == 0.0 { 0.0 } else { weight * slope };
        }
    }
}
