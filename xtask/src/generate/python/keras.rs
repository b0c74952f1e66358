//! `keras/losses.py`: every loss as a `keras.losses.Loss`.

use super::{
    Generated, choices,
    loss::{Loss, Parameter, is_of_term, losses as all_losses},
    numpy::{made, parameters},
    package,
    terms::TYPES,
    text::{all, head, imports, listed, mentioned},
    torch::about_options,
};

const ABOUT: &str = "\
The losses by name.

They differ in their formula and its options; what they have in common (shapes, targets, pooling,
absent classes, weights, masks) is said once, at `SegmentationLoss`. In the formulas p is the
probability of the class, g the reference and Σ a sum over the voxels that count, each times its
weight; s is added to the numerator and s′ to the denominator (`smoothing`: one number for both, or
a pair).
";

/// What goes before the settings, and behind them.
const BEFORE: [[&str; 4]; 1] = [["from_logits", "bool", "False", ""]];
const AXIS: [[&str; 4]; 1] = [["axis", "int", "-1", ""]];
const BEHIND: [[&str; 4]; 7] = [
    ["ignore_index", "int | None", "None", ""],
    ["regions", "Regions | None", "None", ""],
    ["sparse_y_true", "bool | None", "None", ""],
    ["reduction", "Reduction", "\"sum_over_batch_size\"", ""],
    ["native", "bool | None", "None", ""],
    ["name", "str | None", "None", ""],
    ["dtype", "Any", "None", ""],
];

fn keywords(loss: &Loss) -> Vec<Parameter> {
    [
        loss.own(),
        parameters(&BEFORE),
        vec![loss.activation()],
        parameters(&AXIS),
        loss.settings(false),
        parameters(&BEHIND),
    ]
    .concat()
}

fn class(loss: &Loss) -> String {
    let class = loss.0.short;
    let doc = loss
        .documented(4, true)
        .example(&format!("model.compile(\"adam\", {class}(from_logits=True))"))
        .section("Args", &about_options(loss, &keywords(loss), "SegmentationLoss"))
        .end();
    let mut entries = vec!["self".to_owned(), "*".to_owned()];
    entries.extend(keywords(loss).iter().map(Parameter::declared));
    let init = listed(4, "def __init__(", &entries, ") -> None:");
    let own = loss.own().len();
    let (of_term, of_loss): (Vec<_>, Vec<_>) = keywords(loss)
        .into_iter()
        .enumerate()
        .partition(|(index, option)| *index < own || is_of_term(&option.name));
    let plain = |options: Vec<(usize, Parameter)>| -> Vec<_> {
        options.into_iter().map(|(_, option)| option).collect()
    };
    let term = made(loss, &plain(of_term), 12);
    let mut passed = vec![term.trim().trim_end_matches(',').to_owned()];
    passed.extend(plain(of_loss).iter().map(Parameter::passed));
    let call = listed(8, "super().__init__(", &passed, ")");
    format!("@_serializable\nclass {class}(NamedLoss):\n{doc}\n{init}{call}")
}

/// All classes.
pub(super) fn losses() -> Generated {
    let losses = all_losses();
    let names: Vec<_> = losses.iter().map(|loss| loss.0.short.to_owned()).collect();
    let used: String =
        losses.iter().flat_map(keywords).map(|option| option.declared() + "\n").collect();
    let classes: String = losses.iter().map(|loss| format!("\n\n{}", class(loss))).collect();
    // Keras has activations and reductions of its own.
    let mut types = choices::types();
    types.retain(|name| !["Activation", "Reduction"].contains(name));
    let used = mentioned(&used);
    let text = head(ABOUT)
        + "\nfrom collections.abc import Sequence\nfrom typing import Any\n\nimport keras\n\n"
        + "from .. import compounds, terms\n"
        + &imports(".._choices", &types, &used)
        + &imports(".._terms", &TYPES, &used)
        + "from .segmentation_loss import Activation, NamedLoss, Reduction\n\n"
        + &all(&names)
        + "\n_serializable = keras.saving.register_keras_serializable(package=\"dice_loss\")\n"
        + &classes;
    Generated { path: package("keras/losses.py"), text }
}
