//! For the tests of the Rust front ends: each loss by its configuration, with each option away from
//! its default, beside the same value as JSON.

use super::{
    Generated,
    rust::{Loss, formatted},
    values::expression,
};

/// Of the batches that the tests try options on.
const CLASSES: usize = 3;

const HEAD: &str = "\
// Written by `cargo xtask generate` from the options of the losses; do not edit.

//! Each loss by its configuration, with each option away from its default.

/// Writes `trials`: the loss of a name with each of its options set.
///
/// `$made!(activation, Loss, Configuration, [(option, JSON, value), …])` is the list of what a front end
/// makes of the configuration under the activation, with each option in turn.
#[macro_export]
macro_rules! trials {
    ($made:ident) => {
        pub fn trials(
            name: &str,
            activation: $crate::dice_loss::Activation,
        ) -> Vec<$crate::testing::Trial> {
            use $crate::dice_loss::{
                Absent, Activation, ClassValues, Distances, Division, Overlap, Pool, Smoothing,
                TransportWeight, VolumeWeight,
            };
            match name {
";

const TAIL: &str = "\
                _ => panic!(\"{name} has no configuration\"),
            }
        }
    };
}
";

/// The table, as a macro that each front end writes its own configurations into.
pub(super) fn files() -> Result<Vec<Generated>, String> {
    let arm = |loss: &Loss| {
        let (name, class, rows) = (loss.entry.name, loss.class(), rows(loss).concat());
        format!("\"{name}\" => $made!(activation, {class}Loss, {class}LossConfig, [{rows}]),\n")
    };
    let arms: String = Loss::all().iter().map(arm).collect();
    Ok(vec![Generated {
        path: "crates/dice-loss-tensor/src/testing/trials.rs".to_owned(),
        text: formatted(&[HEAD, &arms, TAIL].concat())?,
    }])
}

fn rows(loss: &Loss) -> Vec<String> {
    let mut rows = Vec::new();
    for option in loss.options() {
        let name = option.facts.name;
        for value in option.trials(CLASSES) {
            let set = expression(&option.kind, &value);
            let json = match value.to_string() {
                json if json.contains('"') => format!("r#\"{json}\"#"),
                json => format!("\"{json}\""),
            };
            rows.push(format!("({name}, {json}, {set}),\n"));
        }
    }
    rows
}
