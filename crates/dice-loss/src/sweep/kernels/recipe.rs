//! Which kernel serves which objective.

use super::{super::tile::Batch, Kernels, exclusive, independent, merged};
use crate::{
    Activation,
    direction::Direction,
    plan::Group,
    tensor::{FloatSlice, Kind},
};

/// The kernels of an objective, for a kind of reference.
pub(in super::super) struct Recipe {
    /// Classes of a strip: all of them, or one channel.
    pub(super) classes: usize,
    /// Whether the reference is staged class by class; otherwise it is labels.
    pub(super) is_dense: bool,
    pub(super) kernels: Kernels,
}

/// The sums that there are kernels for, beside those of the reference.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// Σpg and Σp: Dice, IoU, Tversky and all else that is linear in p.
    Linear,
    /// Σp² too: the same with squares in the denominator.
    Squared,
    /// An overlap loss and cross-entropy, binary of channels.
    LinearAndLogLoss,
    /// An overlap loss and focal loss.
    LinearAndFocal,
    /// Cross-entropy alone.
    LogLoss,
    /// Focal loss alone.
    Focal,
}

/// The exponent that focal kernels know: the paper's, and everyone's default.
const GAMMA: f64 = 2.0;

impl Asked {
    /// `None` if a group asks for more, or for something else.
    fn of(group: &Group) -> Option<Self> {
        use Direction::{Intersection, Prediction, PredictionSquared};
        let served = [Intersection, Prediction, PredictionSquared];
        let asks = |direction: Direction| group.sums[direction].is_some();
        if Direction::ALL.into_iter().any(|other| asks(other) && !served.contains(&other)) {
            return None;
        }
        let log_loss = match (group.log_loss, group.binary) {
            (Some(columns), _) if columns.of_all.is_some() => return None,
            (log_loss, binary) => log_loss.is_some() || binary.is_some(),
        };
        let focal = match &group.focal[..] {
            [] => false,
            [focal] if focal.gamma.iter().all(|&gamma| gamma == GAMMA) => true,
            _ => return None,
        };
        match (group.has_sums(), asks(PredictionSquared), log_loss, focal) {
            (true, false, false, false) => Some(Self::Linear),
            (true, true, false, false) => Some(Self::Squared),
            (true, false, true, false) => Some(Self::LinearAndLogLoss),
            (true, false, false, true) => Some(Self::LinearAndFocal),
            (false, _, true, false) => Some(Self::LogLoss),
            (false, _, false, true) => Some(Self::Focal),
            _ => None,
        }
    }
}

impl Recipe {
    /// That of a sample. It follows from the objective, the shape, the kind of reference, whether
    /// the numbers are `f64`, and which classes were annotated: never from data, layout or threads.
    pub fn of(batch: &Batch, sample: usize) -> Option<Self> {
        let Batch { plan, logits, target, .. } = batch;
        let [group] = &plan.groups[..] else { return None };
        if matches!(logits.data, FloatSlice::F64(_)) {
            return None;
        }
        let asked = Asked::of(group)?;
        if group.activation != Activation::Softmax {
            let kernels = independent::kernels(group.activation, asked)?;
            return Some(Self { classes: 1, is_dense: true, kernels });
        }
        let is_dense = !matches!(target.kind, Kind::Labels(_));
        let kernels = match group.merged.is_some() && batch.merges(sample) {
            true if is_dense => return None,
            true => merged::kernels(plan.classes, asked)?,
            false => exclusive::kernels(plan.classes, is_dense, asked)?,
        };
        Some(Self { classes: plan.classes, is_dense, kernels })
    }
}
