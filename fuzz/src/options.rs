//! Objectives, most of which make sense.

use arbitrary::{Result, Unstructured};
use dice_loss::*;

const TAME: [f64; 8] = [0.0, 1e-5, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0];
const WILD: [f64; 6] = [-1.0, f64::NAN, f64::INFINITY, 1e300, f64::MIN_POSITIVE, -0.0];

fn number(u: &mut Unstructured) -> Result<f64> {
    Ok(match u.ratio(1, 64)? {
        true => *u.choose(&WILD)?,
        false => *u.choose(&TAME)?,
    })
}

fn numbers(u: &mut Unstructured, classes: usize) -> Result<Vec<f64>> {
    let length = if u.ratio(1, 32)? { classes + 1 } else { classes };
    (0..length).map(|_| number(u)).collect()
}

fn class_values(u: &mut Unstructured, classes: usize) -> Result<ClassValues> {
    Ok(match u.int_in_range(0..=2)? {
        0 => ClassValues::Same(number(u)?),
        1 => ClassValues::Each(numbers(u, classes)?),
        _ => ClassValues::Background { background: number(u)?, foreground: number(u)? },
    })
}

fn smoothing(u: &mut Unstructured) -> Result<Smoothing> {
    Ok(Smoothing { numerator: number(u)?, denominator: number(u)? })
}

fn dice(u: &mut Unstructured) -> Result<Dice> {
    Ok(Dice { squared: u.arbitrary()?, overlap: overlap(u)?, smoothing: smoothing(u)? })
}

fn tversky(u: &mut Unstructured) -> Result<Tversky> {
    let (alpha, beta) = (number(u)?, number(u)?);
    let (squared, overlap, smoothing) = (u.arbitrary()?, overlap(u)?, smoothing(u)?);
    Ok(Tversky { squared, alpha, beta, overlap, smoothing })
}

fn overlap(u: &mut Unstructured) -> Result<Overlap> {
    Ok(*u.choose(&[Overlap::Product, Overlap::L1])?)
}

fn volume(u: &mut Unstructured) -> Result<VolumeWeight> {
    Ok(*u.choose(&[VolumeWeight::InverseSquare, VolumeWeight::Inverse, VolumeWeight::Uniform])?)
}

fn distances(u: &mut Unstructured, classes: usize) -> Result<Distances> {
    if u.arbitrary()? {
        return Ok(Distances::Uniform);
    }
    let mut rows = (0..classes).map(|_| numbers(u, classes)).collect::<Result<Vec<_>>>()?;
    for (class, row) in rows.iter_mut().enumerate() {
        row[class] = 0.0;
    }
    Ok(Distances::Matrix(rows))
}

/// A term with settings of its own.
fn term(u: &mut Unstructured, activation: Activation, classes: usize) -> Result<Term> {
    let term = match u.int_in_range(0..=11)? {
        0 => dice(u)?.with(activation),
        1 => IoU { squared: u.arbitrary()?, overlap: overlap(u)?, smoothing: smoothing(u)? }
            .with(activation),
        2 => tversky(u)?.with(activation),
        3 => FocalTversky { tversky: tversky(u)?, gamma: number(u)? }.with(activation),
        4 => LogDice { dice: dice(u)?, gamma: number(u)? }.with(activation),
        5 => LogCoshDice { dice: dice(u)? }.with(activation),
        6 => {
            let (weight, overlap) = (volume(u)?, overlap(u)?);
            GeneralizedDice { weight, overlap, smoothing: smoothing(u)? }.with(activation)
        }
        7 => {
            let weight = match u.arbitrary()? {
                true => TransportWeight::Foreground,
                false => TransportWeight::Volume(volume(u)?),
            };
            let (distances, smoothing) = (distances(u, classes)?, smoothing(u)?);
            GeneralizedWassersteinDice { distances, weight, smoothing }.with(activation)
        }
        8 => MatthewsCorrelation { smoothing: number(u)? }.with(activation),
        9 => {
            let loss = CrossEntropy { label_smoothing: number(u)? };
            return voxel_settings(u, loss.with(activation), classes);
        }
        10 => {
            let loss = BinaryCrossEntropy { pos_weight: class_values(u, classes)? };
            return voxel_settings(u, loss.with(activation), classes);
        }
        _ => {
            let alpha = if u.arbitrary()? { Some(class_values(u, classes)?) } else { None };
            let loss = Focal { gamma: class_values(u, classes)?, alpha };
            return voxel_settings(u, loss.with(activation), classes);
        }
    };
    let mut term = voxel_settings(u, term, classes)?;
    if u.ratio(1, 4)? {
        term = term.pool(pool(u)?);
    }
    if u.ratio(1, 4)? {
        term = term.absent(absent(u)?);
    }
    Ok(term)
}

/// The settings that voxel terms have too.
fn voxel_settings(u: &mut Unstructured, mut term: Term, classes: usize) -> Result<Term> {
    if u.ratio(1, 4)? {
        term = term.background(u.arbitrary()?);
    }
    if u.ratio(1, 4)? {
        term = term.class_weights(numbers(u, classes)?);
    }
    if u.ratio(1, 8)? {
        term = term.classes([u.int_in_range(0..=classes)?, 0]);
    }
    Ok(term)
}

fn pool(u: &mut Unstructured) -> Result<Pool> {
    Ok(*u.choose(&[Pool::Sample, Pool::Batch, Pool::All])?)
}

fn absent(u: &mut Unstructured) -> Result<Absent> {
    Ok(*u.choose(&[Absent::Skip, Absent::Formula, Absent::Zero])?)
}

/// An objective of the catalogue, or of any terms.
pub fn objective(u: &mut Unstructured, classes: usize) -> Result<Objective> {
    let mut objective = if u.ratio(1, 4)? {
        let catalogue = catalogue();
        let entry = u.choose(&catalogue)?;
        entry.objective(*u.choose(entry.activations)?)
    } else {
        let activation = *u.choose(&Activation::ALL)?;
        let mut objective = Objective::new();
        for _ in 0..u.int_in_range(0..=3)? {
            let activation = if u.ratio(1, 4)? { *u.choose(&Activation::ALL)? } else { activation };
            objective = objective.term(number(u)?, term(u, activation, classes)?);
        }
        objective
    };
    objective = objective.pool(pool(u)?).absent(absent(u)?);
    if u.arbitrary()? {
        objective = objective.background(u.arbitrary()?);
    }
    let decision = match u.int_in_range(0..=2)? {
        0 => None,
        1 => Some(Decision::Argmax),
        _ => Some(Decision::Threshold(number(u)?)),
    };
    if let Some(decision) = decision {
        objective = objective.decision(decision);
    }
    let reduction =
        *u.choose(&[Reduction::Mean, Reduction::Mean, Reduction::Sum, Reduction::None])?;
    Ok(objective.reduction(reduction).isa(*u.choose(&Isa::available())?))
}
