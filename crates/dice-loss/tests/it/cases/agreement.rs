//! Whether the engine agrees with the reference, to the precision that its arithmetic allows.

use dice_loss::{
    Logits, Moments, Objective, Output, Reduction, Result, Target, Upstream, Verdict, reference,
};
use proptest::{prelude::*, test_runner::TestCaseResult};

use super::{Arrangement, Batch, FloatKind, Floats, Rng};

/// By how much results may differ from the reference, relative to its magnitudes.
///
/// One voxel's contribution: with logits within ±6 (see [`super::batch::SPREAD`]) the argument of
/// the exponential is at most 12, and an argument's rounding becomes a relative error: 12 units.
/// The exponential and the logarithm have 4 each; the sum over C classes and the arithmetic of a
/// loss are good for C + 24; a power (1 − p)^γ, γ ≤ 3, of a base above e^−12 for 3 × (12 + 4) and
/// once more the exponential's. Together below 112 + C. Adding up a tile of 1024 in 16 lanes takes
/// 64 + 4 roundings in a row; tiles are added in f64. The reference itself adds S voxels in f64.
///
/// These are worst cases, and still far below what one forgotten voxel makes.
#[derive(Debug, Clone, Copy)]
pub struct Precision {
    /// Half an ulp of 1 in the type that is computed in.
    unit: f64,
    /// Half an ulp of 1 in the type that the gradient is written in, and the least step there.
    storage: (f64, f64),
    /// What the size of the logits adds to a contribution, in units.
    logits: f64,
}

const CONTRIBUTION: f64 = 112.0;
const SUMMATION: f64 = 68.0;

impl Precision {
    pub fn of(kind: FloatKind) -> Self {
        let (f32_unit, f64_unit) = (2f64.powi(-24), 2f64.powi(-53));
        let (unit, storage) = match kind {
            FloatKind::F32 => (f32_unit, (f32_unit, 1e-37)),
            FloatKind::F64 => (f64_unit, (f64_unit, 0.0)),
            FloatKind::F16 => (f32_unit, (2f64.powi(-11), 2f64.powi(-25))),
            FloatKind::Bf16 => (f32_unit, (2f64.powi(-8), 1e-37)),
        };
        Self { unit, storage, logits: 0.0 }
    }

    /// Of logits this large: where one is rounded beside a logarithm of a sum, four times at most,
    /// that becomes a relative error of exponentials.
    pub fn of_logits(self, largest: f64) -> Self {
        Self { logits: 4.0 * largest, ..self }
    }

    pub fn of_sum(self, [_, classes, voxels]: [usize; 3], magnitude: f64) -> f64 {
        let own = (CONTRIBUTION + SUMMATION + classes as f64) * self.unit;
        magnitude * (own + voxels as f64 * 2f64.powi(-53))
    }

    pub fn of_element(self, [_, classes, _]: [usize; 3], value: f64, magnitude: f64) -> f64 {
        let (relative, step) = self.storage;
        let own = (CONTRIBUTION + self.logits + classes as f64) * self.unit * magnitude;
        own + (value.abs() + own) * relative + step
    }
}

/// What the engine makes of a batch.
pub fn engine(objective: &Objective, batch: &Batch) -> Result<(Moments, Verdict)> {
    let moments = objective.measure(&batch.logits(), &batch.target())?;
    let verdict = objective.evaluate(&moments)?;
    Ok((moments, verdict))
}

/// The engine's gradient, in a buffer of the logits' type.
///
/// Asserts that nothing between the elements was written.
pub fn gradient_of<'u>(
    objective: &Objective,
    verdict: &Verdict,
    upstream: impl Into<Upstream<'u>>,
    batch: &Batch,
    arrangement: Arrangement,
) -> Result<Floats> {
    written(batch.logits.data.kind(), batch.shape, arrangement, |output| {
        objective.pull_back(verdict, upstream, &batch.logits(), &batch.target(), output)
    })
}

/// What is written to an output, in the order (N, C, S).
pub fn written(
    kind: FloatKind,
    shape: [usize; 3],
    arrangement: Arrangement,
    write: impl FnOnce(Output) -> Result<()>,
) -> Result<Floats> {
    const UNTOUCHED: f64 = -1024.0;
    let places = arrangement.places(shape);
    let buffer = arrangement.arrange(shape, &vec![UNTOUCHED; places.len()], UNTOUCHED);
    let mut buffer = Floats::of(kind, &buffer);
    write(buffer.output(arrangement.layout(shape)))?;
    let mut values = buffer.to_f64();
    let found = places.iter().map(|&place| std::mem::replace(&mut values[place], UNTOUCHED));
    let found: Vec<_> = found.collect();
    assert!(values.iter().all(|&value| value == UNTOUCHED), "written between the elements");
    Ok(Floats::of(kind, &found))
}

/// Compares sums, gradients and voxel losses.
pub fn agrees(
    objective: &Objective,
    reduction: Reduction,
    batch: &Batch,
    seed: u64,
) -> TestCaseResult {
    let (logits, target) = (batch.logits(), batch.target());
    let precision = Precision::of(batch.logits.data.kind());
    let wanted = reference::measure(objective, &logits, &target).expect("a valid batch");
    let moments = objective.measure(&logits, &target).expect("a valid batch");
    let tolerance = |_, magnitude| precision.of_sum(batch.shape, magnitude);
    let of_sums = (wanted.moments.as_slice(), &wanted.magnitudes[..]);
    compare("sum", moments.as_slice(), of_sums, tolerance)?;

    // Both pull the same derivatives back, so that only the sweep is compared.
    let verdict = objective.evaluate(&wanted.moments).expect("moments of this objective");
    let tolerance = |value, magnitude| precision.of_element(batch.shape, value, magnitude);
    let mut rng = Rng(seed);
    let arrangement = Arrangement::ALL[rng.below(Arrangement::ALL.len())];
    let map = reference::voxel_losses(objective, &logits, &target).ok();
    if let Some(map) = &map {
        let shape = map_shape(batch, map.values.len());
        let found = written(FloatKind::F64, shape, arrangement, |output| {
            objective.voxel_losses(&logits, &target, output)
        });
        let found = found.expect("a map of its shape").to_f64();
        compare("voxel loss", &found, (&map.values, &map.magnitudes), tolerance)?;
    }
    let upstream_values: Vec<_>;
    let upstream_map: Floats;
    let upstream = match (verdict.values(), map) {
        (Some(values), _) => {
            upstream_values = values.iter().map(|_| rng.between(-1.0, 2.0)).collect();
            Upstream::Values(&upstream_values)
        }
        (None, Some(map)) if reduction == Reduction::None => {
            let shape = map_shape(batch, map.values.len());
            let values: Vec<_> = map.values.iter().map(|_| rng.between(-1.0, 2.0)).collect();
            upstream_map = Floats::of(FloatKind::F32, &arrangement.arrange(shape, &values, 0.0));
            Upstream::Map(upstream_map.logits(arrangement.layout(shape)))
        }
        _ => Upstream::Scalar(0.7),
    };
    let found = gradient_of(objective, &verdict, upstream, batch, arrangement);
    let found = found.expect("a valid batch").to_f64();
    let verdict = (objective, &verdict, upstream);
    gradient_agrees(precision, verdict, (&logits, &target), &found)
}

/// Compares a gradient with what the reference pulls back of the same verdict.
pub fn gradient_agrees(
    precision: Precision,
    (objective, verdict, upstream): (&Objective, &Verdict, Upstream),
    (logits, target): (&Logits, &Target),
    found: &[f64],
) -> TestCaseResult {
    let wanted = reference::pull_back(objective, verdict, upstream, logits, target);
    let wanted = wanted.expect("a valid batch");
    let shape = logits.layout().shape();
    let tolerance = |value, magnitude| precision.of_element(shape, value, magnitude);
    compare("derivative", found, (&wanted.values, &wanted.magnitudes), tolerance)
}

/// How far the rounding of the sums can take the loss: each sum's error times the derivative by it.
pub fn loss_tolerance(objective: &Objective, verdict: &Verdict, batch: &Batch) -> f64 {
    let prepared = objective.prepare(batch.shape[1]).expect("a valid objective");
    let derivatives = prepared.gradient(verdict).expect("its verdict");
    let measured = reference::measure(objective, &batch.logits(), &batch.target());
    let magnitudes = measured.expect("a batch").magnitudes;
    let precision = Precision::of(batch.logits.data.kind());
    let of_sum = |(derivative, &magnitude): (&f64, &f64)| match *derivative {
        // What the loss does not depend on may be NaN.
        0.0 => 0.0,
        derivative => derivative.abs() * precision.of_sum(batch.shape, magnitude),
    };
    derivatives.iter().zip(&magnitudes).map(of_sum).sum::<f64>() + 1e-15
}

fn map_shape(batch: &Batch, length: usize) -> [usize; 3] {
    let [n, _, s] = batch.shape;
    [n, length / (n * s).max(1), s]
}

fn compare(
    what: &str,
    found: &[f64],
    (wanted, magnitudes): (&[f64], &[f64]),
    tolerance: impl Fn(f64, f64) -> f64,
) -> TestCaseResult {
    prop_assert_eq!(found.len(), wanted.len());
    for (index, (&found, &wanted)) in found.iter().zip(wanted).enumerate() {
        let tolerance = tolerance(wanted, magnitudes[index]);
        prop_assert!(
            (found - wanted).abs() <= tolerance || found == wanted,
            "{what} {index} of {}: found {found:e}, wanted {wanted:e} ± {tolerance:e}",
            magnitudes.len(),
        );
    }
    Ok(())
}
