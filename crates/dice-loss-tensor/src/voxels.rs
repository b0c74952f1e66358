//! A batch as three tensors of one shape, whatever the targets were.

use std::cell::OnceCell;

use dice_loss::{Activation, maps::Named};

use crate::{Computed, Element, Labels, Mask, Numbers, Operations, Reference, Rules, Tensors};

/// The largest value of a map, as in the engine.
const LARGEST_IN_MAP: f64 = 1e12;

/// `[N, C, S]`: samples, classes, voxels. What does not count is 0 everywhere.
pub(crate) struct Voxels<O: Operations> {
    pub logits: O::Numbers,
    /// g, of all classes, annotated or not.
    pub target: O::Numbers,
    /// w, `[N, 1, S]`.
    pub weights: O::Numbers,
    /// w m of each map m, `[N, 1, S]` or `[N, C, S]`.
    mapped: Vec<(String, O::Numbers)>,
    /// `[N, C, 1]`, where only part of the classes was annotated.
    pub annotated: Option<O::Mask>,
    invalid: O::Mask,
    probabilities: [OnceCell<O::Numbers>; Activation::ALL.len()],
}

impl<O: Operations> Voxels<O> {
    pub fn new(batch: Tensors<O>, rules: &Rules, named: &[Named]) -> Computed<Self, O> {
        let Tensors { logits, reference, mask, weights, maps } = batch;
        let shape = logits.shape();
        let computed_in = logits.element().computed_in();
        let logits = logits.cast(computed_in)?;
        let ignored = match rules.ignore_index {
            Some(label) => ignored(&reference, label)?,
            None => None,
        };
        let left_out = match (mask.map(Mask::not).transpose()?, ignored) {
            (Some(masked), Some(ignored)) => Some(masked.or(ignored)?),
            (masked, ignored) => masked.or(ignored),
        };
        let Weighted { skipped, weights, mut invalid } = weigh::<O>(left_out, weights, &logits)?;
        let target = match reference {
            Reference::Labels(labels) => {
                let labels = labels.signed()?;
                let limit = rules.regions.as_ref().map_or(shape[1].max(2), Vec::len);
                let outside = labels.clone().outside(limit)?.and(skipped.clone().not()?)?;
                let labels = labels.without(skipped.clone().or(outside.clone())?)?;
                invalid = invalid.or(outside)?;
                memberships::<O>(labels, rules, shape[1], computed_in)?
            }
            Reference::Dense(target) => {
                let slack = target.element().slack();
                let target = target.cast(computed_in)?;
                let inside = target.clone().ge(-slack)?.and(target.clone().le(1.0 + slack)?)?;
                invalid = invalid.or(inside.not()?.and(skipped.clone().not()?)?)?;
                target.clamp()?
            }
            Reference::Multilabel(target) => target.numbers(computed_in)?,
        };
        let annotated = match &rules.class_valid {
            Some(valid) => Some(logits.mask(valid.clone(), [shape[0], shape[1], 1])?),
            None => None,
        };
        let mut mapped = Vec::with_capacity(maps.len());
        for (name, map) in maps {
            let map = map.cast(computed_in)?;
            let is_signed = named.iter().any(|known| known.name == name && known.is_signed);
            let least = if is_signed { -LARGEST_IN_MAP } else { 0.0 };
            let inside = map.clone().ge(least)?.and(map.clone().le(LARGEST_IN_MAP)?)?;
            invalid = invalid.or(inside.not()?.and(skipped.clone().not()?)?)?;
            mapped.push((name, map.fill(skipped.clone(), 0.0)?.mul(weights.clone())?));
        }
        Ok(Self {
            logits: logits.fill(skipped.clone(), 0.0)?,
            target: target.fill(skipped, 0.0)?,
            weights,
            mapped,
            annotated,
            invalid,
            probabilities: Default::default(),
        })
    }

    /// What a voxel weighs where this map is named, or none.
    pub fn weights(&self, map: Option<&str>) -> O::Numbers {
        let named = map.and_then(|map| self.mapped.iter().find(|(name, _)| name == map));
        named.map_or_else(|| self.weights.clone(), |(_, weights)| weights.clone())
    }

    /// Whether a voxel that counts has a label, value or weight outside its range. Waits for the
    /// device.
    pub fn any_invalid(&self) -> Computed<bool, O> {
        self.invalid.clone().any()
    }

    /// p, computed once for each activation.
    pub fn probabilities(&self, activation: Activation) -> Computed<O::Numbers, O> {
        let computed = &self.probabilities[activation as usize];
        if let Some(p) = computed.get() {
            return Ok(p.clone());
        }
        let logits = self.logits.clone();
        let p = match activation {
            Activation::Softmax => logits.softmax()?,
            Activation::Sigmoid => logits.sigmoid()?,
            Activation::Probabilities => logits,
        };
        Ok(computed.get_or_init(|| p).clone())
    }
}

/// What masks and weights leave, each `[N, 1, S]`.
struct Weighted<O: Operations> {
    skipped: O::Mask,
    weights: O::Numbers,
    /// Weights out of range.
    invalid: O::Mask,
}

fn weigh<O: Operations>(
    left_out: Option<O::Mask>,
    weights: Option<O::Numbers>,
    logits: &O::Numbers,
) -> Computed<Weighted<O>, O> {
    let [samples, _, voxels] = logits.shape();
    let mut weights = match weights {
        None => logits.ones([samples, 1, voxels])?,
        Some(weights) => weights.cast(logits.element())?,
    };
    if let Some(left_out) = left_out {
        weights = weights.fill(left_out, 0.0)?;
    }
    let valid = weights.clone().ge(0.0)?.and(weights.clone().le(f64::from(f32::MAX))?)?;
    let skipped = weights.clone().equals(0.0)?;
    Ok(Weighted { skipped, weights, invalid: valid.not()? })
}

/// Where the reference has the ignored label; `None` where its type has not: there it is nowhere, and
/// must not wrap or round to what is.
fn ignored<O: Operations>(reference: &Reference<O>, label: i64) -> Computed<Option<O::Mask>, O> {
    Ok(match reference {
        Reference::Labels(labels) if labels.holds(label) => {
            Some(labels.clone().signed()?.equals(label)?)
        }
        Reference::Dense(target) if target.element().holds(label) => {
            Some(target.clone().equals(label as f64)?)
        }
        Reference::Multilabel(target) if label == 1 => Some(target.clone()),
        Reference::Multilabel(target) if label == 0 => Some(target.clone().not()?),
        _ => None,
    })
}

/// `[N, C, S]` of labels `[N, 1, S]`, all of which name a class or a row of the table.
fn memberships<O: Operations>(
    labels: O::Labels,
    rules: &Rules,
    classes: usize,
    element: Element,
) -> Computed<O::Numbers, O> {
    if let Some(table) = &rules.regions {
        let row = |channels: &Vec<usize>| -> Vec<f32> {
            (0..classes).map(|class| f32::from(u8::from(channels.contains(&class)))).collect()
        };
        let table = table.iter().flat_map(row).collect();
        return labels.rows(table, classes)?.cast(element);
    }
    match classes {
        1 => labels.equals(1)?.numbers(element),
        _ => labels.one_hot(classes)?.numbers(element),
    }
}
