//! Which kernel serves which objective.

use super::{
    super::tile::Input,
    Kernels,
    asked::{Asked, AskedOfMap},
    exclusive, independent, merged,
};
use crate::{
    Activation,
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
    pub(super) kernels: Kernels,
}

impl Recipe {
    /// That of a sample. It follows from the objective, the shape, the kind of reference, whether
    /// the numbers are `f64`, and which classes were annotated: never from data, layout or threads.
    pub fn of(batch: &Input, sample: usize) -> Option<Self> {
        let Input { plan, logits, target, .. } = batch;
        let (group, map) = match (&plan.groups[..], &plan.maps[..]) {
            ([group], []) => (group, None),
            ([group, weighed], [map])
                if group.activation == weighed.activation && group.map.is_none() =>
            {
                (group, Some(AskedOfMap::of(weighed, map)?))
            }
            _ => return None,
        };
        if plan.division.is_some() || matches!(logits.data, FloatSlice::F64(_)) {
            return None;
        }
        let asked = Asked::of(group)?;
        if group.activation != Activation::Softmax {
            let kernels = independent::kernels(group.activation, asked, map)?;
            return Some(Self { classes: 1, is_dense: true, map, kernels });
        }
        let is_dense = !matches!(target.kind, Kind::Labels(_));
        let kernels = match (group.merged.is_some() && batch.merges(sample), map) {
            (true, None) if !is_dense => merged::kernels(plan.classes, asked)?,
            (true, _) => return None,
            (false, None) => exclusive::kernels(plan.classes, is_dense, asked)?,
            (false, Some(map)) if !is_dense => exclusive::with_map(plan.classes, asked, map)?,
            (false, Some(_)) => return None,
        };
        Some(Self { classes: plan.classes, is_dense, map, kernels })
    }
}
