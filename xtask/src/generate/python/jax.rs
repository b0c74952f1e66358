//! `jax/losses.py`: every loss as a function of JAX arrays.

use super::{
    Generated, choices,
    loss::{Parameter, losses as all_losses},
    numpy::{arguments, made, of_data, of_loss, parameters, reduction, said, signature},
    package,
    terms::TYPES,
    text::{all, head, imports, listed, mentioned},
};

const ABOUT: &str = "\
Every loss as a function of logits and target, under its name in the catalogue.

The functions take the options of those in `dice_loss.losses`, and return the loss alone: the
gradient is `jax.grad`'s to take. Beside them, all take `channel_axis`, `axis_name` and `reference`;
see `segmentation_loss` for these, for shapes, types and errors.
";

const LOGITS: &str = "logits: (N, C, spatial…): float32, float64, float16 or bfloat16.";
const OWN: [[&str; 4]; 3] = [
    ["channel_axis", "int", "1", "1, or -1 for channels last."],
    ["axis_name", "AxisName | None", "None", "axes of `shard_map` over which the batch is spread."],
    [
        "reference",
        "bool",
        "False",
        "compute in plain `jax.numpy`, for forward mode and higher derivatives.",
    ],
];
const RETURNS: &str = "The loss. See `dice_loss.jax.segmentation_loss` for its shape and type, and \
    for errors.";

/// All functions.
pub(super) fn losses() -> Generated {
    let mut functions = String::new();
    let mut used = String::new();
    for loss in all_losses() {
        let options = of_loss(&loss);
        let of_call = [vec![reduction()], parameters(&of_data(&loss)), parameters(&OWN)].concat();
        let keywords = [&options[..], &of_call].concat();
        let tensors = ["logits: ArrayLike", "target: ArrayLike"];
        let head = signature(loss.0.name, &tensors, &keywords, "Array");
        used += &head;
        let arguments = [arguments(&loss, LOGITS), said(&OWN)].concat();
        let doc = loss.documented(4, true).section("Args", &arguments).returns(RETURNS).end();
        let passed: Vec<_> = of_call.iter().map(Parameter::passed).collect();
        let term = made(&loss, &options, 8);
        let call = [term.trim().trim_end_matches(','), "logits", "target"].map(str::to_owned);
        let call = listed(4, "return named_loss(", &[&call[..], &passed].concat(), ")");
        functions += &format!("\n\n{head}{doc}{call}");
    }
    let used = mentioned(&used);
    let names: Vec<_> = all_losses().iter().map(|loss| loss.0.name.to_owned()).collect();
    let text = head(ABOUT)
        + "\n"
        + &imports("collections.abc", &["Mapping", "Sequence"], &used)
        + "\nfrom jax import Array\nfrom jax.typing import ArrayLike\n\n"
        + "from .. import compounds, terms\n"
        + &imports(".._choices", &choices::types(), &used)
        + &imports(".._terms", &TYPES, &used)
        + "from ._devices import AxisName\nfrom .segmentation_loss import named_loss\n\n"
        + &all(&names)
        + &functions;
    Generated { path: package("jax/losses.py"), text }
}
