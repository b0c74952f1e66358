//! Kernels of partial labels under softmax: to cross-entropy, the background and the classes that were
//! not annotated are one class.
//!
//! The exponentials of those are taken beside their own largest logit, so that their joint logarithm is
//! as good as any, however unlikely they are.

use std::marker::PhantomData;

use super::{
    super::{
        geometry::{BLOCKS, Row},
        isa::{Instructions, Kernel, dispatch},
        lanes::LANES,
        number::Number,
    },
    CLASSES, Factors, Kernels, Measuring, PullingBack, Totals,
    asked::Asked,
    exclusive::{linear, logits},
    strip::Strip,
    sums::{ByLabel, LinearAndLogLoss, LogLoss, Membership, Sums},
};

/// The kernels for so many classes, of labels. Focal loss is left to the tiles, and so are more classes,
/// of which the compiler makes no vector code.
pub(super) fn kernels(classes: usize, asked: Asked) -> Option<Kernels> {
    match classes {
        2 => of_asked::<2>(asked),
        3 => of_asked::<3>(asked),
        4 => of_asked::<4>(asked),
        5 | 6 => of_asked::<6>(asked),
        _ => None,
    }
}

fn of_asked<const C: usize>(asked: Asked) -> Option<Kernels> {
    match asked {
        Asked::LinearAndLogLoss => Some(both::<C, LinearAndLogLoss>()),
        Asked::LogLoss => Some(both::<C, LogLoss>()),
        _ => None,
    }
}

fn both<const C: usize, S: Sums>() -> Kernels {
    Kernels {
        measure: Measuring::Sums(|isa, strip, totals| {
            dispatch(isa, Measure::<C, S> { strip, totals, of: PhantomData });
        }),
        pull_back: PullingBack::Factors(|isa, strip, factors, out| {
            dispatch(isa, PullBack::<C, S> { strip, factors, out, of: PhantomData });
        }),
        losses: None,
    }
}

/// A number that leaves a logit beside it no exponential, and is no infinity.
const FAR: f32 = -1e30;

/// The softmax of a voxel.
struct Softmax<const C: usize> {
    p: [f32; C],
    /// −ln p of the voxel's own class, or of all that are merged if that is one of them.
    loss: f32,
    /// Whether it is one of them, and the part of each in their joint probability.
    is_merged: bool,
    part: [f32; C],
}

impl<const C: usize> Softmax<C> {
    #[inline(always)]
    fn new<I: Instructions>(logits: [f32; C], member: ByLabel, merged: &[f32; C]) -> Self {
        let mut largest = logits[0];
        for class in 1..C {
            largest = largest.larger(logits[class]);
        }
        let (mut x, mut most) = ([0.0; C], FAR);
        for class in 0..C {
            x[class] = logits[class] - largest;
            // Products instead of choices, which would make a loop for each set of classes.
            most = most.larger(x[class] + (1.0 - merged[class]) * FAR);
        }
        let (mut e, mut joint, mut others) = ([0.0; C], 0.0, 0.0);
        for class in 0..C {
            let beside = Number::mul_add::<I>(-merged[class], most, x[class]);
            e[class] = beside.exp_of_negative::<I>();
            joint += merged[class] * e[class];
            others += (1.0 - merged[class]) * e[class];
        }
        let scale = most.exp_of_negative::<I>();
        let sum = Number::mul_add::<I>(scale, joint, others);
        let (inverse, of_joint) = (1.0 / sum, 1.0 / joint);
        let (mut p, mut part, mut own, mut own_merged) = ([0.0; C], [0.0; C], 0.0, 0.0);
        for class in 0..C {
            let is = merged[class];
            p[class] = e[class] * inverse * Number::mul_add::<I>(is, scale, 1.0 - is);
            part[class] = is * e[class] * of_joint;
            own += share_of::<C>(member, class, x[class]);
            own_merged += share_of::<C>(member, class, is);
        }
        let (is_merged, log_sum) = (own_merged > 0.0, Number::ln::<I>(sum));
        let together = log_sum - (most + Number::ln::<I>(joint));
        let together = if together < 0.0 { 0.0 } else { together };
        let loss = if is_merged { together } else { log_sum - own };
        Self { p, loss, is_merged, part }
    }
}

#[inline(always)]
fn share_of<const C: usize>(member: ByLabel, class: usize, of: f32) -> f32 {
    <ByLabel as Membership<C>>::share(member, class, of)
}

/// The voxel's class and softmax.
#[inline(always)]
fn voxel<I: Instructions, const C: usize>(
    strip: &Strip,
    merged: &[f32; C],
    [block, lane]: [usize; 2],
    weight: f32,
) -> (ByLabel, Softmax<C>) {
    let member = <ByLabel as Membership<C>>::read(strip, block, lane);
    let logits = logits::<C>(strip, block, lane, weight);
    (member, Softmax::new::<I>(logits, member, merged))
}

struct Measure<'a, const C: usize, S> {
    strip: &'a Strip<'a>,
    totals: &'a mut Totals,
    of: PhantomData<S>,
}

impl<const C: usize, S: Sums> Kernel for Measure<'_, C, S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, totals, .. } = self;
        // A copy: what may change under the loop makes no vector code.
        let merged = *strip.merged.first_chunk::<C>().unwrap_or(&[0.0; C]);
        let mut sums = totals.of_first::<C>();
        let [pg, ps, _, gs, _, losses, _] = &mut sums;
        for block in 0..BLOCKS {
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let (member, softmax) = voxel::<I, C>(strip, &merged, [block, i], weight);
                let loss = weight * softmax.loss;
                for class in 0..C {
                    let share = |of| share_of::<C>(member, class, of);
                    if S::OVERLAP {
                        let weighed = weight * softmax.p[class];
                        pg[class][i] += share(weighed);
                        ps[class][i] += weighed;
                    }
                    gs[class][i] += share(weight);
                    losses[class][i] += share(loss);
                }
            }
        }
        totals.set_first(&sums);
    }
}

struct PullBack<'a, const C: usize, S> {
    strip: &'a Strip<'a>,
    factors: &'a Factors,
    out: &'a mut [Row<f32>; CLASSES],
    of: PhantomData<S>,
}

impl<const C: usize, S: Sums> Kernel for PullBack<'_, C, S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { strip, factors, out, .. } = self;
        let factors = *factors;
        // A copy: what may change under the loop makes no vector code.
        let merged = *strip.merged.first_chunk::<C>().unwrap_or(&[0.0; C]);
        for block in 0..BLOCKS {
            let mut gradient = [[0.0; LANES]; C];
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let (member, softmax) = voxel::<I, C>(strip, &merged, [block, i], weight);
                let slopes = slopes::<I, C, S>(&softmax, member, &factors);
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

/// p_k (q_k − Σ_j p_j q_j) + h_k − p_k Σ_j h_j, where each merged class has its part of their joint h.
#[inline(always)]
fn slopes<I: Instructions, const C: usize, S: Sums>(
    softmax: &Softmax<C>,
    member: ByLabel,
    factors: &Factors,
) -> [f32; C] {
    let (mut q, mut h, mut common) = ([0.0; C], [0.0; C], 0.0);
    for class in 0..C {
        let own = share_of::<C>(member, class, factors.positive[class]);
        // A part is a number: a choice here would be a branch, and the loop no vector code.
        let together = factors.positive[0] * softmax.part[class];
        h[class] = if softmax.is_merged { -together } else { -own };
        common += h[class];
        if S::OVERLAP {
            q[class] = linear::<C, ByLabel>(class, member, factors);
            common = Number::mul_add::<I>(softmax.p[class], q[class], common);
        }
    }
    for class in 0..C {
        q[class] = Number::mul_add::<I>(softmax.p[class], q[class] - common, h[class]);
    }
    q
}
