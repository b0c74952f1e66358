//! What the moments sum up, in words.

use dice_loss::{Activation, Decision, Integrand};
use serde_json::{Value, json};

pub(crate) fn activation(activation: Activation) -> &'static str {
    match activation {
        Activation::Softmax => "softmax",
        Activation::Sigmoid => "sigmoid",
        Activation::Probabilities => "probabilities",
    }
}

fn decision(decision: &Decision) -> Value {
    match decision {
        Decision::Argmax => "argmax".into(),
        Decision::Threshold(threshold) => (*threshold).into(),
    }
}

/// An integrand as JSON.
pub(crate) fn json(integrand: &Integrand) -> String {
    let of = |sum: &str, by: &Activation| json!({ "sum": sum, "activation": activation(*by) });
    let with = |mut value: Value, key: &str, entry: Value| {
        value[key] = entry;
        value
    };
    let value = match integrand {
        Integrand::Reference => json!({ "sum": "reference" }),
        Integrand::ReferenceSquared => json!({ "sum": "reference_squared" }),
        Integrand::Voxels => json!({ "sum": "voxels" }),
        Integrand::TruePositives(by, a) => with(of("true_positives", a), "decision", decision(by)),
        Integrand::FalsePositives(by, a) => {
            with(of("false_positives", a), "decision", decision(by))
        }
        Integrand::FalseNegatives(by, a) => {
            with(of("false_negatives", a), "decision", decision(by))
        }
        Integrand::Intersection(a) => of("intersection", a),
        Integrand::Prediction(a) => of("prediction", a),
        Integrand::PredictionSquared(a) => of("prediction_squared", a),
        Integrand::Difference(a) => of("difference", a),
        Integrand::Magnitude(a) => of("magnitude", a),
        Integrand::Transport(a, distances) => {
            let classes = distances.len().isqrt().max(1);
            let rows: Vec<_> = distances.chunks(classes).collect();
            with(of("transport", a), "distances", json!(rows))
        }
        Integrand::LogLoss(a) => of("log_loss", a),
        Integrand::LogLossOfAll(a) => of("log_loss_of_all", a),
        Integrand::Merged(a) => of("merged", a),
        Integrand::Positive(a) => of("positive", a),
        Integrand::Negative(a) => of("negative", a),
        Integrand::Focal(a, gamma) => with(of("focal", a), "gamma", json!(gamma)),
        Integrand::FocalNegative(a, gamma) => with(of("focal_negative", a), "gamma", json!(gamma)),
    };
    value.to_string()
}
