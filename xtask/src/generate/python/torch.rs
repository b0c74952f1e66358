//! `torch/losses.py` and `torch/functional.py`: every loss as a module, and as its function.

use super::{
    Generated, choices,
    loss::{Loss, Parameter, is_of_term, losses as all_losses},
    numpy::{made, parameters},
    package,
    terms::TYPES,
    text::{Docstring, all, head, imports, listed, mentioned},
};

const MODULES: &str = "\
The losses as modules.

They differ in their formula and its options; what they have in common (shapes, targets, pooling,
absent classes, masks, devices, errors) is said once, at `SegmentationLoss`. In the formulas
p is the probability that the activation gives the class, g the reference and Σ a sum over the
voxels that count, each times its weight; s is added to the numerator and s′ to the denominator
(`smoothing`: one number for both, or a pair).
";
const FUNCTIONS: &str = "\
Every loss as a function: `dice_loss(logits, target, background=False)`.

A function takes what the forward of its module takes, and the module's options by keyword. Losses
beside the objective, such as the Lovász losses, have functions in a file of their own.
";

/// Functions of losses beside the objective, written by hand, by their files.
const BESIDE: [(&str, &[&str]); 2] =
    [("centerline", &["cldice_loss"]), ("ranked", &["lovasz_hinge_loss", "lovasz_softmax_loss"])];

/// What modules take beside the options and settings of their loss.
const OF_MODULE: [[&str; 4]; 5] = [
    ["reduction", "Reduction", "\"mean\"", ""],
    ["ignore_index", "int | None", "None", ""],
    ["regions", "Regions | None", "None", ""],
    ["target_kind", "str | None", "None", ""],
    ["process_group", "ProcessGroup | None", "None", ""],
];
const OF_FORWARD: [[&str; 4]; 5] = [
    ["mask", "Tensor | None", "None", ""],
    ["voxel_weight", "Tensor | None", "None", ""],
    ["class_valid", "Tensor | None", "None", ""],
    ["maps", "Mapping[str, Tensor] | None", "None", ""],
    ["details", "bool", "False", ""],
];

/// What the term is told, and what the module is.
fn split(loss: &Loss) -> (Vec<Parameter>, Vec<Parameter>) {
    let mut settings = loss.settings(false);
    for setting in settings.iter_mut().filter(|setting| setting.name == "class_weights") {
        setting.annotation = "ClassWeights | Tensor | None".to_owned();
    }
    let (of_term, of_module): (Vec<_>, Vec<_>) =
        settings.into_iter().partition(|setting| is_of_term(&setting.name));
    let of_module = [vec![loss.activation()], of_module, parameters(&OF_MODULE)].concat();
    ([loss.own(), of_term].concat(), of_module)
}

/// All that a module takes, in the order of its signature.
fn keywords(loss: &Loss) -> Vec<Parameter> {
    let (of_term, of_module) = split(loss);
    let (classes, own): (Vec<_>, Vec<_>) =
        of_term.into_iter().partition(|option| is_of_term(&option.name));
    let at = of_module.iter().position(|option| option.name == "class_weights");
    let (before, after) = of_module.split_at(at.unwrap_or(of_module.len()));
    [&own[..], before, &classes, after].concat()
}

/// What is said of the options; those that all losses have are said at `see`.
pub(super) fn about_options(loss: &Loss, keywords: &[Parameter], see: &str) -> Vec<String> {
    let mut said = loss.about_own();
    said.push(loss.about_activation());
    let own: Vec<_> = loss.own().into_iter().map(|option| option.name).collect();
    let mut shared = Vec::new();
    for Parameter { name, .. } in keywords {
        // A sum keeps the background of its voxel terms; a voxel loss by itself drops it.
        let of_its_own = is_of_term(name) || (name == "background" && loss.is_of_voxels());
        match loss.about_setting(name) {
            Some(about) if of_its_own => said.push(about),
            _ if name == "activation" || own.contains(name) => {}
            _ => shared.push(name.as_str()),
        }
    }
    said.push(format!("{}: see `{see}`.", shared.join(", ")));
    said
}

fn module(loss: &Loss) -> String {
    let class = loss.module_class();
    let doc = loss
        .documented(4, true)
        .example(&format!("{class}(ignore_index=255)(logits, target).backward()"))
        .section("Args", &about_options(loss, &keywords(loss), "SegmentationLoss"))
        .end();
    let mut entries = vec!["self".to_owned(), "*".to_owned()];
    entries.extend(keywords(loss).iter().map(Parameter::declared));
    let init = listed(4, "def __init__(", &entries, ") -> None:");
    let (of_term, of_module) = split(loss);
    let term = made(loss, &of_term, 12);
    let mut passed = vec![term.trim().trim_end_matches(',').to_owned()];
    passed.extend(of_module.iter().map(Parameter::passed));
    let call = listed(8, "super().__init__(", &passed, ")");
    let function = loss.module_function();
    format!("class {class}(NamedLoss):\n{doc}\n    function = \"{function}\"\n\n{init}{call}")
}

/// The modules.
pub(super) fn losses() -> Generated {
    let losses = all_losses();
    let names: Vec<_> = losses.iter().map(Loss::module_class).collect();
    let used: String =
        losses.iter().flat_map(keywords).map(|option| option.declared() + "\n").collect();
    let classes: String = losses.iter().map(|loss| format!("\n\n{}", module(loss))).collect();
    let text = head(MODULES)
        + "\nfrom collections.abc import Sequence\n\nfrom torch import Tensor\n\n"
        + "from .. import compounds, terms\n"
        + &types(&mentioned(&used))
        + "from ._ranks import ProcessGroup\nfrom .segmentation_loss import NamedLoss\n\n"
        + &all(&names)
        + &classes;
    Generated { path: package("torch/losses.py"), text }
}

fn types(used: &std::collections::BTreeSet<String>) -> String {
    imports(".._choices", &choices::types(), used) + &imports(".._terms", &TYPES, used)
}

fn function(loss: &Loss) -> String {
    let (name, class) = (loss.module_function(), loss.module_class());
    let keywords = keywords(loss);
    let mut of_forward = parameters(&OF_FORWARD);
    of_forward.retain(|option| option.name != "maps" || loss.takes("map"));
    let mut entries: Vec<_> =
        ["logits: Tensor", "target: Tensor", "*"].iter().map(ToString::to_string).collect();
    entries.extend(of_forward.iter().chain(&keywords).map(Parameter::declared));
    let head = listed(0, &format!("def {name}("), &entries, ") -> Any:");
    let names: Vec<_> = of_forward.iter().map(|option| option.name.as_str()).collect();
    let mut arguments = vec![format!(
        "logits, target, {}: see the forward of `SegmentationLoss`.",
        names.join(", ")
    )];
    arguments.extend(about_options(loss, &keywords, "SegmentationLoss"));
    let summary =
        format!("{} loss, as `dice_loss.torch.{class}`: {}.", loss.0.title, loss.0.summary);
    let doc = Docstring::new(4, &summary)
        .section("Args", &arguments)
        .returns("The loss; for `details` the pair `(loss, LossDetails)`.")
        .end();
    let options: Vec<_> =
        keywords.iter().map(|option| format!("\"{0}\": {0}", option.name)).collect();
    let options = listed(8, "{", &options, "}");
    let mut passed = vec![format!("losses.{class}"), options.trim().to_owned()];
    passed.extend(["logits", "target"].map(str::to_owned));
    passed.extend(of_forward.iter().map(Parameter::passed));
    format!("{head}{doc}{}", listed(4, "return evaluated(", &passed, ")"))
}

/// The functions.
pub(super) fn functional() -> Generated {
    let losses = all_losses();
    let mut names: Vec<_> = losses.iter().map(Loss::module_function).collect();
    names.extend(BESIDE.iter().flat_map(|(_, names)| *names).map(ToString::to_string));
    let beside = BESIDE.map(|(file, names)| format!("from .{file} import {}\n", names.join(", ")));
    let used: String =
        losses.iter().flat_map(keywords).map(|option| option.declared() + "\n").collect();
    let functions: String = losses.iter().map(|loss| format!("\n\n{}", function(loss))).collect();
    let text = head(FUNCTIONS)
        + "\nfrom collections.abc import Mapping, Sequence\nfrom typing import Any\n\n"
        + "from torch import Tensor\n\n"
        + &types(&mentioned(&used))
        + "from . import losses\nfrom ._functions import evaluated\n"
        + "from ._ranks import ProcessGroup\n"
        + &beside.concat()
        + "\n"
        + &all(&names)
        + &functions;
    Generated { path: package("torch/functional.py"), text }
}
