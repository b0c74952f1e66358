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

fn word<T: Words>(u: &mut Unstructured) -> Result<T> {
    Ok(u.choose(T::WORDS)?.1)
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

fn optional<T>(
    u: &mut Unstructured,
    value: impl FnOnce(&mut Unstructured) -> Result<T>,
) -> Result<Option<T>> {
    if u.arbitrary()? { value(u).map(Some) } else { Ok(None) }
}

/// Any value for an option, whichever it is.
fn tell(u: &mut Unstructured, slot: Slot, classes: usize) -> Result<()> {
    match slot {
        Slot::Flag(flag) => *flag = u.arbitrary()?,
        Slot::OptionalFlag(flag) => *flag = u.arbitrary()?,
        Slot::Number(value) => *value = number(u)?,
        Slot::Count(count) => *count = u.int_in_range(0..=64)?,
        Slot::Choice(choice) => {
            let chosen = *u.choose(&choice.words())?;
            choice.choose(chosen);
        }
        Slot::Smoothing(smoothing) => {
            *smoothing = Smoothing { numerator: number(u)?, denominator: number(u)? };
        }
        Slot::ClassValues(values) => *values = class_values(u, classes)?,
        Slot::OptionalClassValues(values) => {
            *values = optional(u, |u| class_values(u, classes))?;
        }
        Slot::Distances(place) => *place = distances(u, classes)?,
        Slot::OptionalIndices(indices) => {
            *indices = optional(u, |u| Ok(vec![u.int_in_range(0..=classes)?, 0]))?;
        }
        Slot::OptionalNumbers(values) => *values = optional(u, |u| numbers(u, classes))?,
        Slot::Spacing(values) => *values = optional(u, |u| numbers(u, 3))?,
        Slot::OptionalName(name) => {
            *name = optional(u, |u| Ok((*u.choose(&["a", ""])?).to_owned()))?
        }
        // Its options are shown by themselves.
        Slot::Part(_) => {}
    }
    Ok(())
}

/// The terms of a loss of the catalogue, few of its options away from their defaults.
fn terms(u: &mut Unstructured, activation: Activation, classes: usize) -> Result<Vec<(f64, Term)>> {
    let catalogue = catalogue();
    let entry = u.choose(&catalogue)?;
    // Mostly one that it has.
    let activation = if u.ratio(7, 8)? { *u.choose(entry.activations)? } else { activation };
    let mut result = Ok(());
    let terms = entry.terms(activation, &mut |facts, slot| {
        // The caller has chosen.
        if facts.name != "activation" && result.is_ok() {
            result =
                u.ratio(1, 4).and_then(|told| if told { tell(u, slot, classes) } else { Ok(()) });
        }
    });
    result?;
    // A compound may have refused its options; that is as it should be.
    Ok(terms.unwrap_or_default())
}

/// An objective of any terms.
pub fn objective(u: &mut Unstructured, classes: usize) -> Result<Objective> {
    let mut objective = Objective::new();
    for _ in 0..u.int_in_range(0..=3)? {
        let weight = number(u)?;
        let activation = *u.choose(&Activation::ALL)?;
        for (share, term) in terms(u, activation, classes)? {
            objective = objective.term(weight * share, term);
        }
    }
    // Losses that couple the classes refuse instances, so those are not for all terms at every turn.
    let pool =
        if u.ratio(1, 4)? { word(u)? } else { *u.choose(&[Pool::Sample, Pool::Batch, Pool::All])? };
    objective = objective.pool(pool).absent(word(u)?);
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
    Ok(objective.reduction(word(u)?).isa(*u.choose(&Isa::available())?))
}
