//! What a class of a voxel adds to each sum.

use cubecl::prelude::*;

use dice_loss::{Activation, Sum};

use crate::{addressing::Addressing, recipe::Quantity};

/// Of one class of one voxel.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Chance {
    /// The probability of the class, and of not being it.
    pub p: f32,
    pub complement: f32,
    /// −ln of both.
    pub log_loss: f32,
    pub log_loss_against: f32,
}

/// The probability of a class by itself.
#[cube]
pub(super) fn chance_of_channel(x: f32, #[comptime] activation: Activation) -> Chance {
    let mut p = x;
    let mut complement = 1.0 - x;
    let mut log_loss = 0.0f32;
    let mut log_loss_against = 0.0f32;
    if comptime!(activation == Activation::Sigmoid) {
        let small = (-x.abs()).exp();
        let large_share = 1.0 / (1.0 + small);
        let small_share = small * large_share;
        let yes = x >= 0.0;
        p = select(yes, large_share, small_share);
        complement = select(yes, small_share, large_share);
        let rest = ln_one_plus(small);
        log_loss = rest + select(yes, 0.0f32, -x);
        log_loss_against = rest + select(yes, x, 0.0f32);
        // A comparison does not see what is no number.
        if x != x {
            p = x;
            complement = x;
            log_loss = x;
            log_loss_against = x;
        }
    } else {
        log_loss = -p.ln();
        log_loss_against = -complement.ln();
    }
    Chance { p, complement, log_loss, log_loss_against }
}

/// What the classes of a voxel share under softmax.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Common {
    /// The largest logit.
    pub shift: f32,
    /// 1 / Σ exp(x − shift).
    pub inverse: f32,
    /// ln Σ exp(x − shift).
    pub log_sum: f32,
    /// The probability of all classes but the first largest.
    pub rest: f32,
}

/// The probability of a class among others.
#[cube]
pub(super) fn chance_of_class(x: f32, common: &Common) -> Chance {
    let above = x - common.shift;
    let p = above.exp() * common.inverse;
    // Near 1, what is left is the sum of the others: 1 − p would lose its digits.
    let complement = select(x == common.shift, common.rest, 1.0 - p);
    Chance { p, complement, log_loss: common.log_sum - above, log_loss_against: 0.0f32 }
}

/// base^exponent for base ≥ 0; 1 for an exponent of 0.
#[cube]
pub(super) fn power(base: f32, exponent: f32) -> f32 {
    let mut value = 1.0f32;
    if exponent == 1.0 {
        value = base;
    } else if exponent == 2.0 {
        value = base * base;
    } else if exponent != 0.0 {
        value = select(base > 0.0, base.powf(exponent), base);
    }
    value
}

/// ln(1 + x) for x ≥ 0, with all digits of a small one.
///
/// CubeCL's `log1p` is ln of the rounded sum, and what rounding took cannot be had back from a
/// compiler that reorders sums. So small ones go by 2 artanh(x / (2 + x)), as a series.
#[cube]
pub(super) fn ln_one_plus(x: f32) -> f32 {
    let z = x / (2.0 + x);
    let square = z * z;
    let ninth = square * comptime!(1.0f32 / 9.0);
    let seventh = square * (comptime!(1.0f32 / 7.0) + ninth);
    let series = comptime!(1.0f32 / 3.0) + square * (comptime!(1.0f32 / 5.0) + seventh);
    let small = 2.0 * z * (1.0 + square * series);
    select(x <= 0.5, small, (1.0 + x).ln())
}

/// A product in which a factor of 0 wins, as in 0 ln 0.
#[cube]
pub(super) fn share(factor: f32, value: f32) -> f32 {
    select(factor == 0.0, 0.0f32, factor * value)
}

/// What a sum takes of a value, by what a voxel and the map weigh.
#[cube]
pub(super) fn weighed(weight: f32, m: f32, value: f32, #[comptime] quantity: Quantity) -> f32 {
    if comptime!(quantity.mapped) { share(weight * m, value) } else { weight * value }
}

/// The exponent of a focal term for a class.
#[cube]
pub(super) fn exponent_of(
    tables: &[f32],
    batch: &Addressing,
    class: u32,
    #[comptime] quantity: Quantity,
) -> f32 {
    let mut exponent = 0.0f32;
    if comptime!(matches!(quantity.sum, Sum::Focal | Sum::FocalNegative)) {
        let table = comptime!(quantity.table);
        exponent = tables[(batch.exponents + table * batch.classes + class) as usize];
    }
    exponent
}

/// What an overlap or binary sum gains, w left out; the class was annotated.
#[cube]
pub(super) fn of_class(
    g: f32,
    chance: &Chance,
    exponent: f32,
    #[comptime] quantity: Quantity,
) -> f32 {
    let mut value = 0.0f32;
    if comptime!(quantity.sum == Sum::Reference) {
        value = g;
    } else if comptime!(quantity.sum == Sum::ReferenceSquared) {
        value = g * g;
    } else if comptime!(matches!(quantity.sum, Sum::Voxels | Sum::Mapped)) {
        value = 1.0f32;
    } else if comptime!(quantity.sum == Sum::Intersection) {
        value = chance.p * g;
    } else if comptime!(quantity.sum == Sum::Prediction) {
        value = chance.p;
    } else if comptime!(quantity.sum == Sum::PredictionSquared) {
        value = chance.p * chance.p;
    } else if comptime!(quantity.sum == Sum::Difference) {
        value = (chance.p - g).abs();
    } else if comptime!(quantity.sum == Sum::Magnitude) {
        value = chance.p.abs();
    } else if comptime!(quantity.sum == Sum::SensitivityError) {
        value = g * (chance.p - g) * (chance.p - g);
    } else if comptime!(quantity.sum == Sum::SpecificityError) {
        value = (1.0 - g) * (chance.p - g) * (chance.p - g);
    } else if comptime!(quantity.sum == Sum::SquaredError) {
        value = (chance.p - g) * (chance.p - g);
    } else if comptime!(quantity.sum == Sum::Positive) {
        value = share(g, chance.log_loss);
    } else if comptime!(quantity.sum == Sum::Negative) {
        value = share(1.0 - g, chance.log_loss_against);
    } else if comptime!(quantity.sum == Sum::Focal) {
        value = share(g, share(power(chance.complement, exponent), chance.log_loss));
    } else if comptime!(quantity.sum == Sum::FocalNegative) {
        value = share(1.0 - g, share(power(chance.p, exponent), chance.log_loss_against));
    }
    value
}

/// A class as log losses see it, for which those that were not annotated are part of class 0.
#[derive(CubeType, Clone, Copy)]
pub(super) struct Merged {
    /// Whether it is still one.
    pub is_there: bool,
    pub g: f32,
    pub log_loss: f32,
    pub complement: f32,
}

/// What a log loss over merged classes gains, w left out.
#[cube]
pub(super) fn of_merged(
    merged: &Merged,
    even: f32,
    exponent: f32,
    #[comptime] quantity: Quantity,
) -> f32 {
    let (g, log_loss) = (merged.g, merged.log_loss);
    let mut value = 0.0f32;
    if comptime!(quantity.sum == Sum::LogLoss) {
        value = share(g, log_loss);
    } else if comptime!(quantity.sum == Sum::LogLossOfAll) {
        value = even * log_loss;
    } else if comptime!(quantity.sum == Sum::Merged) {
        value = g;
    } else {
        value = share(g, share(power(merged.complement, exponent), log_loss));
    }
    value
}
