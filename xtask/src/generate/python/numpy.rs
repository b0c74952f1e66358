//! `losses.py`: every loss as a function of NumPy arrays.

use super::{
    Generated, choices,
    loss::{Loss, Parameter, losses as all_losses},
    package,
    terms::TYPES,
    text::{all, head, imports, listed, mentioned},
};

const ABOUT: &str = "\
Every loss as a function: logits and target in, value and gradient out.

One for each loss of the engine's catalogue, under its name there. Each builds an `Objective` of one
term and calls its `loss_and_gradient`; for several terms in one sweep, for sums that add up over
batches and for what each class contributes, use `Objective` itself.
";

const LOGITS: &str =
    "logits: (N, C, spatial…): float32, float64, float16, or bfloat16 of `ml_dtypes`.";
const TARGET: &str = "target: labels (N, spatial…) or (N, 1, spatial…), integers; or dense (N, C, \
    spatial…), one-hot, multilabel or soft, in [0, 1], of any type. For one channel labels are 0 \
    and 1.";
const RETURNS: &str = "The loss, a float (an array for reduction \"none\"), and its gradient in the \
    shape, type and order of axes of the logits; 0 at voxels that do not count, whatever the logits \
    hold there.";
const RAISES: [&str; 2] = [
    "TypeError: an array or option of the wrong type.",
    "ValueError: shapes that do not fit, labels outside the classes, dense targets outside [0, 1], \
     options out of their range, an activation that is not among those above.",
];
const SEE: &str = "See `Objective.loss_and_gradient` for what is accepted and what is copied.";

/// What the functions of arrays take beside their loss's options and settings: name, type, default,
/// documentation.
const OF_DATA: [[&str; 4]; 5] = [
    ["ignore_index", "int | None", "None", "voxels with this label do not count."],
    [
        "mask",
        "ArrayLike | None",
        "None",
        "(N, spatial…); voxels where it is False or 0 do not count.",
    ],
    [
        "voxel_weight",
        "ArrayLike | None",
        "None",
        "(N, spatial…), at least 0: how much each voxel counts.",
    ],
    [
        "class_valid",
        "ArrayLike | None",
        "None",
        "(N, C) or (C,) bool: which classes were annotated.",
    ],
    [
        "regions",
        "Regions | None",
        "None",
        "for labels 0, 1, …, the channels that each belongs to, or a mapping by label; the target is \
         a label map.",
    ],
];

const MAPS: [&str; 4] = [
    "maps",
    "Mapping[str, ArrayLike] | None",
    "None",
    "by name, (N, 1, spatial…), (N, spatial…) or (N, C, spatial…): the map that `map` names.",
];

/// What a loss's function of arrays takes beside its options and settings.
pub(super) fn of_data(loss: &Loss) -> Vec<[&'static str; 4]> {
    let maps = loss.takes("map").then_some(MAPS);
    OF_DATA.into_iter().chain(maps).collect()
}

/// Parameters of a table.
pub(super) fn parameters(table: &[[&str; 4]]) -> Vec<Parameter> {
    table.iter().map(|[name, kind, default, _]| Parameter::new(name, kind, default)).collect()
}

/// What a table says of them.
pub(super) fn said(table: &[[&str; 4]]) -> Vec<String> {
    table.iter().map(|[name, _, _, about]| format!("{name}: {about}")).collect()
}

/// Everything that a term or compound is told.
pub(super) fn of_loss(loss: &Loss) -> Vec<Parameter> {
    [vec![loss.activation()], loss.own(), loss.settings(true)].concat()
}

pub(super) fn reduction() -> Parameter {
    Parameter::new("reduction", "Reduction", "\"mean\"")
}

/// What is said of the reduction.
pub(super) fn about_reduction(loss: &Loss) -> String {
    match loss.unreduced() {
        Some(shape) => {
            format!("reduction: `\"mean\"` over what counts, or `\"sum\"`; or `\"none\"`: {shape}.")
        }
        None => "reduction: `\"mean\"` over what counts, or `\"sum\"`.".to_owned(),
    }
}

/// What is said of all arguments but those of a front end alone.
pub(super) fn arguments(loss: &Loss, logits: &str) -> Vec<String> {
    let first = [logits.to_owned(), TARGET.to_owned(), loss.about_activation()];
    let shared = [loss.about_settings(), vec![about_reduction(loss)], said(&of_data(loss))];
    [&first[..], &loss.about_own(), &shared.concat()].concat()
}

/// The head of a function, up to its docstring.
pub(super) fn signature(
    name: &str,
    of_data: &[&str],
    keywords: &[Parameter],
    gives: &str,
) -> String {
    let mut entries: Vec<_> = of_data.iter().map(ToString::to_string).collect();
    entries.push("*".to_owned());
    entries.extend(keywords.iter().map(Parameter::declared));
    listed(0, &format!("def {name}("), &entries, &format!(") -> {gives}:"))
}

/// `open` with arguments by keyword, as lines of a call within a call.
pub(super) fn made(loss: &Loss, parameters: &[Parameter], indent: usize) -> String {
    let open = format!("{}.{}(", loss.module(), loss.0.class);
    let passed: Vec<_> = parameters.iter().map(Parameter::passed).collect();
    listed(indent, &open, &passed, "),")
}

/// All functions.
pub(super) fn losses() -> Generated {
    let mut functions = String::new();
    let mut used = String::new();
    for loss in all_losses() {
        let options = of_loss(&loss);
        let of_call = [vec![reduction()], parameters(&of_data(&loss))].concat();
        let keywords = [&options[..], &of_call].concat();
        let tensors = ["logits: ArrayLike", "target: ArrayLike"];
        let head = signature(loss.0.name, &tensors, &keywords, "tuple[Value, Array]");
        used += &head;
        let raises = RAISES.map(str::to_owned);
        let doc = loss
            .documented(4, true)
            .section("Args", &arguments(&loss, LOGITS))
            .returns(RETURNS)
            .section("Raises", &raises)
            .paragraph(SEE)
            .end();
        let passed: Vec<_> = of_call.iter().map(Parameter::passed).collect();
        let term = made(&loss, &options, 8);
        let call = [term.trim().trim_end_matches(','), "logits", "target"].map(str::to_owned);
        let call = listed(4, "return evaluated(", &[&call[..], &passed].concat(), ")");
        functions += &format!("\n\n{head}{doc}{call}");
    }
    let used = mentioned(&used);
    let names: Vec<_> = all_losses().iter().map(|loss| loss.0.name.to_owned()).collect();
    let text = head(ABOUT)
        + "\n"
        + &imports("collections.abc", &["Mapping", "Sequence"], &used)
        + "\nfrom numpy.typing import ArrayLike\n\nfrom . import compounds, terms\n"
        + "from ._arrays import Array\n"
        + &imports("._choices", &choices::types(), &used)
        + "from ._functions import evaluated\n"
        + &imports("._terms", &TYPES, &used)
        + "from .objective import Value\n\n"
        + &all(&names)
        + &functions;
    Generated { path: package("losses.py"), text }
}
