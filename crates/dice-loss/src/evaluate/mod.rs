//! From sums to the loss and its derivatives by them: a few lines of f64 arithmetic a class.

mod gradient;
mod instances;
mod overlap;
mod parts;
mod slopes;
mod unit;
mod verdict;
mod voxel;

pub use parts::{LossParts, TermParts};
pub use slopes::Upstream;
pub(crate) use slopes::{GroupSlopes, Slopes, VoxelSlopes};
pub use verdict::{TermVerdict, Verdict};
pub(crate) use voxel::Factors;

use crate::{
    Layout, Moments, Pool, Result, Term, Words,
    direction::ByDirection,
    error::{parameter, stated},
    plan::Plan,
    room,
    term::Loss,
};
use unit::Unit;

/// Evaluates every term.
pub(crate) fn evaluate(plan: &Plan, moments: &Moments) -> Result<Verdict> {
    let has_overlap = plan.terms.iter().any(|p| matches!(p.term.loss, Loss::Overlap(_)));
    let of_overlap = if has_overlap { overlap::BYTES_OF_EACH } else { 0 };
    let of_verdict = plan.groups.len() * size_of::<ByDirection<f64>>();
    let what = "the derivatives by all sums";
    room::expect(moments.samples() * plan.classes, of_overlap + of_verdict, what)?;
    room::expect(plan.classes, plan.terms.len() * OF_CLASS, what)?;
    let mut verdict = Verdict::new(plan, moments);
    for planned in &plan.terms {
        match &planned.term.loss {
            Loss::Overlap(formula) => {
                if formula.is_coupled() {
                    room::expect(plan.classes, formula.tape().bytes_of_class(), what)?;
                }
                let pool = planned.term.pool.unwrap_or_default();
                if moments.is_pooled() && pool == Pool::Sample {
                    return stated(
                        format!("{}: pool", planned.term.name()),
                        format!("{} of pooled moments", pool.word()),
                        "moments that still have their samples, or a pool over the batch",
                    );
                }
                if let Some(number) = planned.instanced {
                    let outcome =
                        instances::evaluate(planned, &plan.instanced[number], plan, moments);
                    verdict.add_instances(planned, number, outcome, plan.reduction);
                    continue;
                }
                let outcome = overlap::evaluate(planned, formula.as_ref(), plan, moments);
                verdict.add_overlap(planned, outcome, plan.reduction);
            }
            Loss::Voxel(loss) => {
                let outcome = voxel::evaluate(planned, loss, plan, moments);
                verdict.add_voxel(planned, outcome, plan.reduction);
            }
        }
    }
    Ok(verdict)
}

/// Bytes of a term that are in use for each class: its weights, values and factors.
const OF_CLASS: usize = 8 * size_of::<f64>();

/// For reduction none, all terms must have outputs of one shape.
pub(crate) fn check_one_shape(terms: &[(f64, Term)]) -> Result<()> {
    let shape = |term: &Term| match &term.loss {
        Loss::Overlap(formula) => {
            match Unit::of(term.pool.unwrap_or_default(), formula.is_coupled()) {
                Unit::SampleAndClass => "(N, C)",
                Unit::Class => "(C)",
                Unit::Sample => "(N)",
                Unit::One { .. } => "a number",
            }
        }
        Loss::Voxel(loss) if loss.is_per_voxel(term.activation) => "(N, 1, spatial…)",
        Loss::Voxel(_) => "(N, C, spatial…)",
    };
    let shapes: Vec<_> = terms.iter().map(|(_, term)| shape(term)).collect();
    match shapes.iter().find(|shape| **shape != shapes[0]) {
        Some(_) => stated(
            "reduction none",
            format!("terms of shapes {}", shapes.join(" and ")),
            "terms whose outputs have one shape: take one loss at a time",
        ),
        None => Ok(()),
    }
}

/// The shape of the map of voxel losses.
pub(crate) fn map_shape<'t>(
    terms: impl Iterator<Item = &'t Term>,
    logits: Layout,
) -> Result<[usize; 3]> {
    let [n, c, s] = logits.shape();
    let mut per_voxel = Vec::new();
    for term in terms {
        match &term.loss {
            Loss::Voxel(loss) => per_voxel.push(loss.is_per_voxel(term.activation)),
            Loss::Overlap(_) => {
                return parameter("voxel losses", term.name(), "voxel terms only");
            }
        }
    }
    match per_voxel.first() {
        Some(&first) if per_voxel.iter().all(|&one| one == first) => {
            Ok([n, if first { 1 } else { c }, s])
        }
        Some(_) => parameter(
            "voxel losses",
            "terms with one value a voxel beside terms with one a voxel and class",
            "terms whose outputs have one shape",
        ),
        None => parameter("voxel losses", "no terms", "a voxel term or more"),
    }
}
