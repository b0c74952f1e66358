//! Lovász losses, from their definition.

use super::{
    Gradient,
    probability::{Probability, jacobian, probabilities},
    voxels::{Voxel, Voxels},
};
use crate::{
    Absent, Activation, Logits, Lovasz, Objective, Pool, Reduction, Result, Target, ranked::Errors,
};

/// The loss of a batch, and its gradient.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// What [`Lovasz::loss`] is to return.
    pub loss: f64,
    /// The magnitude of the loss.
    pub magnitude: f64,
    /// What [`Lovasz::loss_and_gradient`] is to write, for an upstream gradient of 1.
    pub gradient: Gradient,
}

/// A voxel of a class.
struct Error {
    /// Its number among those that count.
    voxel: usize,
    inside: bool,
    error: f64,
    /// The derivative of the error by the logit or probability.
    slope: f64,
}

/// A Lovász loss, as [`Lovasz::loss_and_gradient`], with the same errors but for those of soft targets
/// and of voxel weights, which it does not look for.
pub fn lovasz(lovasz: &Lovasz, logits: &Logits, target: &Target) -> Result<Ranked> {
    let [samples, classes, voxels] = logits.layout.shape();
    lovasz.check(classes)?;
    let prepared = Objective::new().prepare(classes)?;
    prepared.check_tensors(logits, target)?;
    let batch = Voxels::read(prepared.plan(), logits, target, None)?;
    let counted: Vec<_> = batch.counted().collect();
    let is_pooled = lovasz.told.settings.pool == Some(Pool::Batch);
    let by_default = match lovasz.errors {
        Errors::Hinge => Absent::Formula,
        _ => Absent::Skip,
    };
    let absent = lovasz.told.settings.absent.unwrap_or(by_default);
    let weights = lovasz.told.settings.weights(classes);
    let rows = if is_pooled { 1 } else { samples };
    let (mut sum, mut total) = (0.0, 0.0);
    // (counted voxel, class): the derivative by the logit or probability.
    let mut slopes = vec![vec![0.0; classes]; counted.len()];
    for (row, class) in (0..rows).flat_map(|row| (0..classes).map(move |class| (row, class))) {
        let is_in_row = |sample: usize| is_pooled || sample == row;
        let annotated =
            |sample: &usize| is_in_row(*sample) && batch.annotated[*sample * classes + class];
        if weights[class] == 0.0 || !(0..samples).any(|sample| annotated(&sample)) {
            continue;
        }
        let members = counted.iter().enumerate().filter(|(_, (sample, ..))| annotated(sample));
        let errors: Vec<_> = members
            .map(|(index, (_, _, voxel))| error(lovasz.errors, index, voxel, class))
            .collect();
        let is_absent = !errors.iter().any(|error| error.inside);
        if is_absent && absent == Absent::Skip {
            continue;
        }
        total += weights[class];
        if is_absent && absent == Absent::Zero {
            continue;
        }
        for (error, increment) in increments(errors) {
            sum += weights[class] * error.error * increment;
            slopes[error.voxel][class] = weights[class] * error.slope * increment;
        }
    }
    let scale = match lovasz.told.reduction {
        Reduction::Mean if total > 0.0 => 1.0 / total,
        Reduction::Mean => 0.0,
        Reduction::Sum | Reduction::None => 1.0,
    };
    let size = samples * classes * voxels;
    let mut gradient = Gradient { values: vec![0.0; size], magnitudes: vec![0.0; size] };
    for ((sample, index, voxel), slopes) in counted.into_iter().zip(slopes) {
        let of_class = pulled(lovasz.errors, voxel, &slopes);
        for (class, (value, magnitude)) in of_class.into_iter().enumerate() {
            let at = (sample * classes + class) * voxels + index;
            gradient.values[at] = scale * value;
            gradient.magnitudes[at] = scale * magnitude;
        }
    }
    // No error is subtracted; those of probabilities are off by the rounding of 1.
    Ok(Ranked { loss: scale * sum, magnitude: scale * (sum + total), gradient })
}

fn error(errors: Errors, voxel: usize, of: &Voxel, class: usize) -> Error {
    let (x, inside) = (of.logits[class], of.target[class] == 1.0);
    let sign = if inside { 1.0 } else { -1.0 };
    let (error, slope) = match errors {
        Errors::Hinge if 1.0 - sign * x > 0.0 => (1.0 - sign * x, -sign),
        Errors::Hinge => (0.0, 0.0),
        Errors::Softmax => {
            let Probability { p, complement, .. } =
                probabilities(Activation::Softmax, &of.logits)[class];
            (if inside { complement } else { p }, -sign)
        }
        Errors::Probabilities => {
            let g = f64::from(u8::from(inside));
            let falls = if x == g { 0.0 } else { (x - g).signum() };
            ((g - x).abs(), falls)
        }
    };
    Error { voxel, inside, error, slope }
}

/// Each error with the increment of the Jaccard loss where it joins those before it.
///
/// J = 1 − |intersection| / |union| of a prediction that is wrong in the first voxels alone: what is left
/// of the class, and the class with the others among them. The difference of two such fractions is taken
/// over their common denominator.
fn increments(mut errors: Vec<Error>) -> Vec<(Error, f64)> {
    // Stable: ties stay in the order of the voxels.
    errors.sort_by(|a, b| b.error.total_cmp(&a.error));
    let size = errors.iter().filter(|error| error.inside).count() as f64;
    let (mut intersection, mut union) = (size, size);
    let increment = |error: Error| {
        let before = (intersection, union);
        intersection -= f64::from(u8::from(error.inside));
        union += f64::from(u8::from(!error.inside));
        let increment = match before {
            // Of an absent class the first voxel makes the union, which nothing meets.
            (_, 0.0) => 1.0,
            _ => (before.0 * union - intersection * before.1) / (before.1 * union),
        };
        (error, increment)
    };
    errors.into_iter().map(increment).collect()
}

/// From derivatives by a voxel's probabilities to those by its logits, each with its magnitude.
fn pulled(errors: Errors, voxel: &Voxel, slopes: &[f64]) -> Vec<(f64, f64)> {
    if errors != Errors::Softmax {
        return slopes.iter().map(|slope| (*slope, slope.abs())).collect();
    }
    let p = probabilities(Activation::Softmax, &voxel.logits);
    let jacobian = jacobian(Activation::Softmax, &p);
    let classes = slopes.len();
    let common: f64 = p.iter().zip(slopes).map(|(p, slope)| p.p * slope.abs()).sum();
    let by_logit = |class: usize| {
        let products = (0..classes).map(|of| slopes[of] * jacobian[of * classes + class]);
        // The magnitude is that of p_k (q_k − Σ_j p_j q_j).
        (products.sum(), p[class].p * (slopes[class].abs() + common))
    };
    (0..classes).map(by_logit).collect()
}
