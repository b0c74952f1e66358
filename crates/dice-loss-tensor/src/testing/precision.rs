//! By how much results may differ from the reference.

use dice_loss::{Objective, Verdict, reference::Measured};

use crate::Element;

/// What f32 may lose of a sum or a gradient, relative to its magnitude.
///
/// In halves of an ulp: the logits of a case lie within ±4, so the argument of an exponential is at
/// most 8, and its rounding becomes 8; exponential and logarithm have 4 each; a power (1 − p)^γ, γ
/// ≤ 2, twice as much again as its base, 24; the sum over three classes, the weight and the other
/// products 9; and fifteen voxels are added up in some order, 15. Together 64. Longer sums are
/// added up in lanes and in a tree.
pub const F32: f64 = 32.0 * f32::EPSILON as f64;

/// The same of a type; in f64 the reference loses as much again.
pub fn of(element: Element) -> f64 {
    match element {
        Element::F64 => 64.0 * f64::EPSILON,
        _ => F32,
    }
}

/// How far sums that are off by a relative error can take a loss: to first order, and as much again
/// for the second.
pub fn of_loss(relative: f64, objective: &Objective, exact: &Verdict, measured: &Measured) -> f64 {
    let prepared = objective.prepare(measured.moments.classes()).expect("an objective");
    let derivatives = prepared.gradient(exact).expect("its verdict");
    let magnitudes = &measured.magnitudes;
    let each =
        derivatives.iter().zip(magnitudes).map(|(derivative, magnitude)| match *derivative {
            0.0 => 0.0,
            derivative => derivative.abs() * magnitude,
        });
    2.0 * relative * each.sum::<f64>() + relative * exact.loss().abs()
}

/// The tolerance of each element of a gradient of these magnitudes.
///
/// A difference from 1, as 1 − p, is rounded relative to 1: where it is small, that is for what the
/// largest magnitude of the batch stands.
pub fn of_gradient(relative: f64, magnitudes: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let largest = largest(magnitudes);
    magnitudes.iter().map(move |magnitude| relative * (magnitude + largest))
}

/// Of the absolute values.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}
