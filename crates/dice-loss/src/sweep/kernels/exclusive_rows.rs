//! Kernels of classes that exclude each other, for sweeps by rows.

use super::{
    super::{
        geometry::{BLOCKS, Row},
        isa::{Instructions, Kernel, dispatch},
        lanes::LANES,
        number::Number,
    },
    CLASSES, Kernels, Measuring, PullingBack,
    exclusive::{chained, either_way, softmax},
    strip::Strip,
    sums::ByLabel,
};

/// The kernels of labels whose sums and slopes are made voxel by voxel.
pub(super) fn by_rows(classes: usize) -> Option<Kernels> {
    match classes {
        2 => Some(of::<2>()),
        3 => Some(of::<3>()),
        4 => Some(of::<4>()),
        _ => None,
    }
}

pub(super) fn of<const C: usize>() -> Kernels {
    Kernels {
        measure: Measuring::Rows(|isa, strip, has_losses, out| {
            dispatch(isa, Probabilities::<C> { strip, has_losses, out });
        }),
        pull_back: PullingBack::Rows(|isa, strip, has_losses, rows| {
            dispatch(isa, Chain::<C> { strip, has_losses, rows });
        }),
        losses: None,
    }
}

/// Leaves the probability of each class in a row, and, if asked for, the log loss of the voxel's own class in
/// the one after them.
struct Probabilities<'a, const C: usize> {
    strip: &'a Strip<'a>,
    has_losses: bool,
    out: &'a mut [Row<f32>; CLASSES],
}

impl<const C: usize> Kernel for Probabilities<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        match self.has_losses {
            true => self.leave::<I, true>(),
            false => self.leave::<I, false>(),
        }
    }
}

impl<const C: usize> Probabilities<'_, C> {
    #[inline(always)]
    fn leave<I: Instructions, const LOSSES: bool>(self) {
        let Self { strip, out, .. } = self;
        for block in 0..BLOCKS {
            let (mut p, mut losses) = ([[0.0; LANES]; C], [0.0; LANES]);
            for i in 0..LANES {
                let softmax = softmax::<I, C>(strip, block, i, strip.weight[block][i]);
                let member = ByLabel::of(strip, block, i);
                for class in 0..C {
                    p[class][i] = softmax.e[class] * softmax.inverse;
                    if LOSSES {
                        let loss = softmax.log_sum - softmax.x[class];
                        losses[i] += member.own(class, loss);
                    }
                }
            }
            for class in 0..C {
                out[class][block] = p[class];
            }
            if LOSSES {
                out[C][block] = losses;
            }
        }
    }
}

/// Makes the gradient of slopes that are in the rows: by the probability of each class, and, if there are any,
/// of the log loss of the voxel's own class.
struct Chain<'a, const C: usize> {
    strip: &'a Strip<'a>,
    has_losses: bool,
    rows: &'a mut [Row<f32>; CLASSES],
}

impl<const C: usize> Kernel for Chain<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        match self.has_losses {
            true => self.write::<I, true>(),
            false => self.write::<I, false>(),
        }
    }
}

impl<const C: usize> Chain<'_, C> {
    #[inline(always)]
    fn write<I: Instructions, const LOSSES: bool>(self) {
        let Self { strip, rows, .. } = self;
        for block in 0..BLOCKS {
            let mut gradient = [[0.0; LANES]; C];
            for i in 0..LANES {
                let weight = strip.weight[block][i];
                let softmax = softmax::<I, C>(strip, block, i, weight);
                let member = ByLabel::of(strip, block, i);
                let own = if LOSSES { rows[C][block][i] } else { 0.0 };
                let (mut p, mut q, mut h, mut common) = ([0.0; C], [0.0; C], [0.0; C], 0.0);
                for class in 0..C {
                    p[class] = softmax.e[class] * softmax.inverse;
                    q[class] = rows[class][block][i];
                    common = Number::mul_add::<I>(p[class], q[class], common);
                    if LOSSES {
                        h[class] = -member.own(class, own);
                        common += h[class];
                    }
                }
                let slopes = if C == 2 {
                    let slope = p[0] * p[1] * (q[1] - q[0]);
                    either_way(if LOSSES { slope + (h[1] * p[0] - h[0] * p[1]) } else { slope })
                } else {
                    chained::<I, C>(p, q, h, common)
                };
                for class in 0..C {
                    gradient[class][i] = if weight == 0.0 { 0.0 } else { weight * slopes[class] };
                }
            }
            for class in 0..C {
                rows[class][block] = gradient[class];
            }
        }
    }
}
