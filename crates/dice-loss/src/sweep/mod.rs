//! The two sweeps over the voxels: the only place that knows instruction sets and memory layout.

mod isa;

pub use isa::Isa;

use crate::{Logits, Moments, Output, Result, Target, evaluate::Slopes, plan::Plan};

pub(crate) fn measure(_: Isa, plan: &Plan, logits: &Logits, _: &Target) -> Result<Moments> {
    let [n, c, _] = logits.layout.shape();
    Ok(Moments::new(
        &plan.identity,
        &plan.columns,
        c,
        vec![0.0; n * c * plan.columns.len()],
        vec![true; n * c],
    ))
}
pub(crate) fn pull_back(
    _: Isa,
    _: &Plan,
    _: &Slopes,
    _: &Logits,
    _: &Target,
    _: Output,
) -> Result<()> {
    Ok(())
}
pub(crate) fn voxel_losses(_: Isa, _: &Plan, _: &Logits, _: &Target, _: Output) -> Result<()> {
    Ok(())
}
