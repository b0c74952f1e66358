//! Derivatives of the sums by what a class of a voxel adds to them.

use cubecl::prelude::*;

use dice_loss::{Activation, Sum};

use super::{
    contribution::{Chance, Merged, exponent_of, power, share},
    voxel::{Voxel, valid_in_map},
};
use crate::recipe::{Form, Quantity, Recipe};

/// The slope of a sum, times the map where that weighs it.
#[cube]
fn slope_at(slopes: &[f32], at: u32, m: f32, #[comptime] quantity: Quantity) -> f32 {
    let slope = slopes[at as usize];
    if comptime!(quantity.mapped) { slope * m } else { slope }
}

/// ∂/∂p of the overlap sums of a class.
#[cube]
pub(super) fn by_probability(
    slopes: &[f32],
    class: u32,
    p: f32,
    g: f32,
    m: f32,
    #[comptime] recipe: Recipe,
) -> f32 {
    let mut total = 0.0f32;
    #[unroll]
    for column in 0..comptime!(recipe.columns.len()) {
        let quantity = comptime!(recipe.columns[column]);
        let at = comptime!(column as u32 * recipe.classes_at_most()) + class;
        let slope = slope_at(slopes, at, m, quantity);
        if comptime!(quantity.sum == Sum::Intersection) {
            total += slope * g;
        } else if comptime!(quantity.sum == Sum::Prediction) {
            total += slope;
        } else if comptime!(quantity.sum == Sum::PredictionSquared) {
            total += 2.0 * slope * p;
        } else if comptime!(quantity.sum == Sum::Difference) {
            total += slope * sign(p - g);
        } else if comptime!(quantity.sum == Sum::Magnitude) {
            total += slope * sign(p);
        } else if comptime!(quantity.sum == Sum::SensitivityError) {
            total += 2.0 * slope * g * (p - g);
        } else if comptime!(quantity.sum == Sum::SpecificityError) {
            total += 2.0 * slope * (1.0 - g) * (p - g);
        } else if comptime!(quantity.sum == Sum::SquaredError) {
            total += 2.0 * slope * (p - g);
        }
    }
    total
}

/// ∂/∂p of what it costs to move a class to where the reference is.
#[cube]
pub(super) fn by_transport(slopes: &[f32], voxel: &Voxel, class: u32) -> f32 {
    let recipe = comptime!(voxel.recipe.clone());
    let batch = voxel.batch;
    let mut total = 0.0f32;
    if comptime!(recipe.has(Sum::Transport)) {
        let quantity = comptime!(recipe.quantity(Sum::Transport));
        let column = comptime!(recipe.column(quantity) as u32 * recipe.classes_at_most());
        let mut from = 0u32;
        let mut to = select(batch.transports != 0, batch.classes, 0u32);
        if comptime!(recipe.form == Form::Labels) {
            from = min(voxel.label, batch.classes);
            to = min(from + 1, to);
        }
        for other in from..to {
            if voxel.has_annotated(other) {
                let g = voxel.membership(other);
                let at = batch.distances + other * batch.classes + class;
                let m = valid_in_map(voxel, other);
                let slope = slope_at(slopes, column + other, m, quantity);
                total += slope * g * voxel.tables[at as usize];
            }
        }
    }
    total
}

/// The log losses of a merged class: what −∂/∂(ln p) of them comes to, p being the class's share.
#[cube]
pub(super) fn by_log(
    slopes: &[f32],
    voxel: &Voxel,
    class: u32,
    merged: &Merged,
    m: f32,
    even: f32,
) -> f32 {
    let recipe = comptime!(voxel.recipe.clone());
    let (g, log_loss, complement) = (merged.g, merged.log_loss, merged.complement);
    let mut total = 0.0f32;
    #[unroll]
    for column in 0..comptime!(recipe.columns.len()) {
        let quantity = comptime!(recipe.columns[column]);
        let at = comptime!(column as u32 * recipe.classes_at_most()) + class;
        let slope = slope_at(slopes, at, m, quantity);
        if comptime!(quantity.sum == Sum::LogLoss) {
            total += slope * g;
        } else if comptime!(quantity.sum == Sum::LogLossOfAll) {
            total += slope * even;
        } else if comptime!(quantity.sum == Sum::Focal && recipe.activation == Activation::Softmax)
        {
            if g != 0.0 {
                // (1 − p)^γ (1 − γ p ln p / (1 − p)); the quotient is 1 at p = 1.
                let exponent = exponent_of(voxel.tables, voxel.batch, class, quantity);
                let quotient = select(complement == 0.0, 1.0f32, log_loss / complement);
                let rise = 1.0 + exponent * (-log_loss).exp() * quotient;
                total += slope * g * power(complement, exponent) * rise;
            }
        }
    }
    total
}

/// ∂/∂x of the binary and focal losses of a channel: of its logit, or of its probability.
#[cube]
pub(super) fn of_channel(
    slopes: &[f32],
    voxel: &Voxel,
    class: u32,
    g: f32,
    chance: &Chance,
    m: f32,
) -> f32 {
    let recipe = comptime!(voxel.recipe.clone());
    let sigmoid = comptime!(recipe.activation == Activation::Sigmoid);
    let mut total = 0.0f32;
    #[unroll]
    for column in 0..comptime!(recipe.columns.len()) {
        let quantity = comptime!(recipe.columns[column]);
        let at = comptime!(column as u32 * recipe.classes_at_most()) + class;
        let slope = slope_at(slopes, at, m, quantity);
        if comptime!(quantity.sum == Sum::Positive) {
            if comptime!(sigmoid) {
                total -= slope * g * chance.complement;
            } else {
                total -= share(slope * g, 1.0 / chance.p);
            }
        } else if comptime!(quantity.sum == Sum::Negative) {
            if comptime!(sigmoid) {
                total += slope * (1.0 - g) * chance.p;
            } else {
                total += share(slope * (1.0 - g), 1.0 / chance.complement);
            }
        } else if comptime!(quantity.sum == Sum::Focal && sigmoid) {
            let exponent = exponent_of(voxel.tables, voxel.batch, class, quantity);
            let rise = chance.complement + exponent * share(chance.p, chance.log_loss);
            total -= slope * g * power(chance.complement, exponent) * rise;
        } else if comptime!(quantity.sum == Sum::FocalNegative && sigmoid) {
            let exponent = exponent_of(voxel.tables, voxel.batch, class, quantity);
            let fall = chance.p + exponent * share(chance.complement, chance.log_loss_against);
            total += slope * (1.0 - g) * power(chance.p, exponent) * fall;
        }
    }
    total
}

#[cube]
fn sign(x: f32) -> f32 {
    select(x > 0.0, 1.0f32, select(x < 0.0, -1.0f32, x))
}
