//! Which kernel serves which objective.

use super::{
    super::tile::Input,
    Kernels,
    asked::{Asked, AskedOfMap},
    exclusive, exclusive_rows, independent, merged,
};
use crate::{
    Activation,
    plan::Plan,
    tensor::{FloatSlice, Kind},
};

/// The kernels of an objective, for a kind of reference.
pub(in super::super) struct Recipe {
    /// Classes of a strip: all of them, or one channel.
    pub(super) classes: usize,
    /// Whether the reference is staged class by class; otherwise it is labels.
    pub(super) is_dense: bool,
    /// What is asked of the plan's one map, if it has one.
    pub(super) map: Option<AskedOfMap>,
    /// Whether log losses are asked for, with a map or without.
    pub(super) has_log_losses: bool,
    pub(super) kernels: Kernels,
}

impl Recipe {
    /// That of a sample. It follows from the objective, the shape, the kind of reference, whether
    /// the numbers are `f64`, and which classes were annotated: never from data, layout or threads.
    pub fn of(batch: &Input, sample: usize) -> Option<Self> {
        let Input { plan, logits, target, .. } = batch;
        if matches!(logits.data, FloatSlice::F64(_)) {
            return None;
        }
        let asked = Wanted::of(plan)?;
        let has_log_losses = asked.has_log_losses();
        let Wanted { activation, alone, map, .. } = asked;
        if activation != Activation::Softmax {
            let kernels = match asked.goes_by_rows() {
                true => independent::by_rows(activation)?,
                false => independent::kernels(activation, alone?, map)?,
            };
            return Some(Self { classes: 1, is_dense: true, map, has_log_losses, kernels });
        }
        let is_dense = !matches!(target.kind, Kind::Labels(_));
        let merges = plan.groups.iter().any(|g| g.merged.is_some()) && batch.merges(sample);
        let kernels = match (merges, map) {
            (true, None) if !is_dense && !asked.goes_by_rows() => {
                merged::kernels(plan.classes, alone?)?
            }
            (true, _) => return None,
            _ if asked.goes_by_rows() && is_dense => return None,
            _ if asked.goes_by_rows() => exclusive_rows::by_rows(plan.classes)?,
            (false, None) => exclusive::kernels(plan.classes, is_dense, alone?)?,
            (false, Some(map)) if !is_dense => exclusive::with_map(plan.classes, alone?, map)?,
            (false, Some(_)) => return None,
        };
        Some(Self { classes: plan.classes, is_dense, map, has_log_losses, kernels })
    }
}

/// What an objective asks for, as far as there are kernels for it.
#[derive(Clone, Copy)]
struct Wanted {
    activation: Activation,
    /// Without a map.
    alone: Option<Asked>,
    /// With one.
    map: Option<AskedOfMap>,
    of_instances: bool,
}

impl Wanted {
    fn of(plan: &Plan) -> Option<Self> {
        let (alone, weighed) = match (&plan.groups[..], &plan.maps[..]) {
            ([group], []) => (Some(group), None),
            ([group], [map]) if group.map.is_some() => (None, Some((group, map))),
            ([group, weighed], [map])
                if group.activation == weighed.activation && group.map.is_none() =>
            {
                (Some(group), Some((weighed, map)))
            }
            _ => return None,
        };
        let wanted = Self {
            activation: plan.groups[0].activation,
            alone: match alone {
                Some(group) => Some(Asked::of(group)?),
                None => None,
            },
            map: match weighed {
                Some((group, map)) => Some(AskedOfMap::of(group, map)?),
                None => None,
            },
            of_instances: plan.division.is_some(),
        };
        (!wanted.goes_by_rows() || wanted.fits_rows()).then_some(wanted)
    }

    fn has_log_losses(self) -> bool {
        matches!(self.alone, Some(Asked::LinearAndLogLoss | Asked::LogLoss))
            || self.map == Some(AskedOfMap::LogLoss)
    }

    /// Whether sums and slopes are made voxel by voxel, between kernels.
    fn goes_by_rows(self) -> bool {
        self.of_instances || self.map == Some(AskedOfMap::LogLoss)
    }

    /// Whether all that is asked for can be made so.
    fn fits_rows(self) -> bool {
        matches!(self.alone, None | Some(Asked::Linear | Asked::LinearAndLogLoss | Asked::LogLoss))
            && self.map != Some(AskedOfMap::Errors)
    }
}
