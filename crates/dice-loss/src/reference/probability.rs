//! From the logits of a voxel to the probabilities of its classes.

use crate::Activation;

/// A probability, with its complement and both logarithms, none of them by cancellation.
#[derive(Debug, Clone, Copy)]
pub struct Probability {
    pub p: f64,
    /// 1 − p.
    pub complement: f64,
    pub ln_p: f64,
    pub ln_complement: f64,
}

impl Probability {
    /// σ(z) of the log-odds z = ln(p / (1 − p)).
    pub fn of_log_odds(z: f64) -> Self {
        Self {
            p: sigmoid(z),
            complement: sigmoid(-z),
            ln_p: -softplus(-z),
            ln_complement: -softplus(z),
        }
    }

    /// p as it is given, in [0, 1] or not.
    pub fn given(p: f64) -> Self {
        Self { p, complement: 1.0 - p, ln_p: p.ln(), ln_complement: (1.0 - p).ln() }
    }

    /// The probability of the opposite.
    pub fn opposite(self) -> Self {
        let Self { p, complement, ln_p, ln_complement } = self;
        Self { p: complement, complement: p, ln_p: ln_complement, ln_complement: ln_p }
    }
}

/// "The voxel belongs to one of these classes": its probability, and how that depends on the
/// voxel's logits.
#[derive(Debug, Clone)]
pub struct Event {
    pub probability: Probability,
    /// The derivative by each logit: of the log-odds, or of p if the input holds probabilities.
    pub derivatives: Vec<f64>,
}

impl Event {
    /// One class, or several classes together.
    pub fn of(activation: Activation, logits: &[f64], members: &[usize]) -> Self {
        let is_member = |class: &usize| members.contains(class);
        let of_members = |derivative: f64| {
            (0..logits.len())
                .map(|class| if is_member(&class) { derivative } else { 0.0 })
                .collect()
        };
        match activation {
            Activation::Softmax => Self::softmax(logits, is_member),
            Activation::Sigmoid => Self {
                probability: Probability::of_log_odds(members.iter().map(|&k| logits[k]).sum()),
                derivatives: of_members(1.0),
            },
            Activation::Probabilities => Self {
                probability: Probability::given(members.iter().map(|&k| logits[k]).sum()),
                derivatives: of_members(1.0),
            },
        }
    }

    /// p = Σ_inside exp(x) / Σ exp(x), so the log-odds are ln Σ_inside exp(x) − ln Σ_outside exp(x).
    fn softmax(logits: &[f64], is_member: impl Fn(&usize) -> bool) -> Self {
        let (inside, outside): (Vec<_>, Vec<_>) = (0..logits.len()).partition(is_member);
        let (of_inside, of_outside) = (log_sum_exp(logits, &inside), log_sum_exp(logits, &outside));
        let mut derivatives = vec![0.0; logits.len()];
        for class in inside {
            derivatives[class] = share(logits[class], of_inside);
        }
        for class in outside {
            derivatives[class] = -share(logits[class], of_outside);
        }
        Self { probability: Probability::of_log_odds(of_inside - of_outside), derivatives }
    }

    /// The opposite event.
    pub fn opposite(self) -> Self {
        Self {
            probability: self.probability.opposite(),
            derivatives: self.derivatives.into_iter().map(|derivative| -derivative).collect(),
        }
    }
}

/// What the activation makes of each class of a voxel.
pub fn probabilities(activation: Activation, logits: &[f64]) -> Vec<Probability> {
    (0..logits.len()).map(|class| Event::of(activation, logits, &[class]).probability).collect()
}

/// ∂p_i/∂x_j, row-major (i, j).
pub fn jacobian(activation: Activation, p: &[Probability]) -> Vec<f64> {
    let classes = p.len();
    let entry = |index: usize| {
        let (i, j) = (index / classes, index % classes);
        match (activation, i == j) {
            (Activation::Softmax | Activation::Sigmoid, true) => p[i].p * p[i].complement,
            (Activation::Softmax, false) => -p[i].p * p[j].p,
            (Activation::Sigmoid, false) => 0.0,
            (Activation::Probabilities, diagonal) => f64::from(u8::from(diagonal)),
        }
    };
    (0..classes * classes).map(entry).collect()
}

/// ln Σ exp(x) over some classes; −∞ if none has any probability.
fn log_sum_exp(logits: &[f64], classes: &[usize]) -> f64 {
    let largest = classes.iter().map(|&k| logits[k]).fold(f64::NEG_INFINITY, maximum);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + classes.iter().map(|&k| (logits[k] - largest).exp()).sum::<f64>().ln()
}

/// exp(x) as a share of a sum of such; 0 of nothing.
fn share(logit: f64, log_sum: f64) -> f64 {
    if log_sum == f64::NEG_INFINITY { 0.0 } else { (logit - log_sum).exp() }
}

/// `f64::max` that keeps NaN.
fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn sigmoid(z: f64) -> f64 {
    if z < 0.0 { z.exp() / (1.0 + z.exp()) } else { 1.0 / (1.0 + (-z).exp()) }
}

/// ln(1 + exp(z)).
fn softplus(z: f64) -> f64 {
    maximum(z, 0.0) + (-z.abs()).exp().ln_1p()
}
