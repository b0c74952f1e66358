//! Each channel by itself: sigmoid, and probabilities taken as they are.

use super::{
    geometry::{Plane, TILE},
    isa::Instructions,
    number::Number,
};
use crate::Activation;

/// A probability, one minus it, and the log losses of saying yes and no.
#[derive(Clone, Copy)]
pub(super) struct Odds<F> {
    pub p: F,
    pub complement: F,
    /// −ln p.
    pub yes: F,
    /// −ln(1 − p).
    pub no: F,
}

impl<F: Number> Odds<F> {
    /// Of a logit, without overflow or cancellation.
    #[inline(always)]
    pub fn of_logit<I: Instructions>(x: F) -> Self {
        let (small, large, tail) = sigmoid::<I, F>(x);
        let positive = x > F::ZERO;
        let log = tail.ln_1p_of_fraction::<I>();
        let far = log + x.abs();
        Self {
            p: if positive { large } else { small },
            complement: if positive { small } else { large },
            yes: if positive { log } else { far },
            no: if positive { far } else { log },
        }
    }

    /// Of a probability.
    #[inline(always)]
    pub fn of_probability<I: Instructions>(p: F) -> Self {
        let complement = F::ONE - p;
        Self { p, complement, yes: -p.ln::<I>(), no: -complement.ln::<I>() }
    }

    #[inline(always)]
    pub fn new<I: Instructions>(activation: Activation, x: F) -> Self {
        match activation {
            Activation::Probabilities => Self::of_probability::<I>(x),
            _ => Self::of_logit::<I>(x),
        }
    }
}

/// The smaller and the larger of sigmoid(x) and sigmoid(−x), and exp(−|x|).
#[inline(always)]
fn sigmoid<I: Instructions, F: Number>(x: F) -> (F, F, F) {
    let tail = (-x.abs()).exp::<I>();
    let large = F::ONE / (F::ONE + tail);
    (tail * large, large, tail)
}

/// Σ without 0 · ∞: a share of 0 has no loss, however large the loss.
#[inline(always)]
pub(super) fn share<F: Number>(share: F, loss: F) -> F {
    if share == F::ZERO { F::ZERO } else { share * loss }
}

/// The probability of a channel's logit.
#[inline(always)]
pub(super) fn probability<I: Instructions, F: Number>(activation: Activation, x: F) -> F {
    if activation == Activation::Probabilities {
        return x;
    }
    let (small, large, _) = sigmoid::<I, F>(x);
    if x > F::ZERO { large } else { small }
}

/// p (1 − p) of a logit: the derivative of its probability.
#[inline(always)]
pub(super) fn slope<I: Instructions, F: Number>(x: F) -> F {
    let (small, large, _) = sigmoid::<I, F>(x);
    small * large
}

/// The probabilities of a channel.
#[inline(always)]
pub(super) fn probabilities<I: Instructions, F: Number>(
    activation: Activation,
    x: &Plane<F>,
    p: &mut Plane<F>,
) {
    for i in 0..TILE {
        p[i] = probability::<I, F>(activation, x[i]);
    }
}

/// The probabilities of a channel, and one minus them.
#[inline(always)]
pub(super) fn both_probabilities<I: Instructions, F: Number>(
    activation: Activation,
    x: &Plane<F>,
    [p, complement]: [&mut Plane<F>; 2],
) {
    if activation == Activation::Probabilities {
        *p = *x;
        for i in 0..TILE {
            complement[i] = F::ONE - x[i];
        }
        return;
    }
    for i in 0..TILE {
        let (small, large, _) = sigmoid::<I, F>(x[i]);
        p[i] = if x[i] > F::ZERO { large } else { small };
        complement[i] = if x[i] > F::ZERO { small } else { large };
    }
}

/// The odds of a channel, in planes: p, 1 − p, −ln p, −ln(1 − p).
#[inline(always)]
pub(super) fn odds_of<I: Instructions, F: Number>(
    activation: Activation,
    x: &Plane<F>,
    [p, complement, yes, no]: [&mut Plane<F>; 4],
) {
    if activation == Activation::Probabilities {
        for i in 0..TILE {
            let odds = Odds::of_probability::<I>(x[i]);
            (p[i], complement[i], yes[i], no[i]) = (odds.p, odds.complement, odds.yes, odds.no);
        }
    } else {
        for i in 0..TILE {
            let odds = Odds::of_logit::<I>(x[i]);
            (p[i], complement[i], yes[i], no[i]) = (odds.p, odds.complement, odds.yes, odds.no);
        }
    }
}
