//! For the tests of the Rust front ends: each loss by its configuration, with each option away from
//! its default, beside the same value as JSON.

use super::{rust::Loss, values::expression};

/// Of the batches that the tests try options on.
const CLASSES: usize = 3;

const HEAD: &str = "\
// Written by `cargo xtask generate` from the options of the losses; do not edit.

//! Each loss by its configuration, with each option away from its default.

use dice_loss::{
    Absent, Activation, ClassValues, Distances, Overlap, Pool, Smoothing, TransportWeight,
    VolumeWeight,
};

use crate::*;

/// An option, its value as JSON, and the loss that has it.
pub type Trial = (&'static str, &'static str, SegmentationLoss);

";

/// The file of tables. `plain` declares the closures that a table uses; `set` is a loss with an option
/// set.
pub(super) fn tables(
    losses: &[Loss],
    plain: impl Fn(&str) -> String,
    set: impl Fn(&str, &str, &str) -> String,
) -> String {
    let arm = |loss: &Loss| format!("\"{0}\" => {0}(activation),\n", loss.entry.name);
    let arms: String = losses.iter().map(arm).collect();
    let index = format!(
        "/// The loss of this name with each of its options set.\n\
         pub fn of(name: &str, activation: Activation) -> Vec<Trial> {{\n\
             match name {{ {arms} _ => panic!(\"{{name}} has no configuration\") }}\n\
         }}\n\n"
    );
    let table = |loss: &Loss| {
        let (name, class) = (loss.entry.name, loss.class());
        let rows: String = rows(loss, |option, value| set(class, option, value)).concat();
        let plain = plain(class);
        format!("fn {name}(activation: Activation) -> Vec<Trial> {{ {plain} vec![{rows}] }}\n\n")
    };
    [HEAD.to_owned(), index].into_iter().chain(losses.iter().map(table)).collect()
}

fn rows(loss: &Loss, set: impl Fn(&str, &str) -> String) -> Vec<String> {
    let mut rows = Vec::new();
    for option in loss.options() {
        let name = option.facts.name;
        for value in option.trials(CLASSES) {
            let made = set(name, &expression(&option.kind, &value));
            let json = match value.to_string() {
                json if json.contains('"') => format!("r#\"{json}\"#"),
                json => format!("\"{json}\""),
            };
            rows.push(format!("(\"{name}\", {json}, {made}),\n"));
        }
    }
    rows
}
