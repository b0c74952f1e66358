//! The losses of dice-loss-burn: each a configuration and a module.

use super::{
    Generated,
    rust::{Loss, modules, without_its_name},
    values::{expression, type_of},
};

const FOLDER: &str = "crates/dice-loss-burn/src/losses";

const INDEX: &str = "\
//! The losses by name, each a configuration and a module: what burn-nn's losses look like.
";

const IMPORTS: &str = "\
use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    nn::loss::Reduction,
    tensor::Tensor,
};
";

/// What the configuration has after the options of the engine.
const REST: &str = "\
/// Voxels with this label do not count, unless the targets name another.
pub ignore_index: Option<i64>,
/// How the values become the loss. `Auto` is the mean; `BatchMean` is the sum divided by the
/// number of samples. `Mean` by default.
#[config(default = \"Reduction::Mean\")]
pub reduction: Reduction,
/// Also counts the true and false positives and negatives of this hard decision, for metrics.
pub decision: Option<Decision>,
";

const FORWARD: &str = "\
/// The loss, in f32 or, for logits in f64, in f64.
///
/// # Shapes
///
/// - logits: `[batch_size, classes, spatial…]`
/// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a dense target
///   like the logits; see [`Targets`]
/// - output: `[1]`
///
/// # Panics
///
/// With the message of [`try_forward`](Self::try_forward)'s error.
pub fn forward<const D: usize>(&self, logits: Tensor<D>, targets: impl Into<Targets>) -> Tensor<1> {
    self.loss.forward(logits, targets)
}

/// The loss, or what is wrong: shapes that do not fit, a label that names no class, an option
/// outside its range.
pub fn try_forward<const D: usize>(
    &self,
    logits: Tensor<D>,
    targets: impl Into<Targets>,
) -> Result<Tensor<1>> {
    self.loss.try_forward(logits, targets)
}

/// The loss with all that its sweep over the voxels found out: each class's loss and, with a
/// decision, the counts that metrics need. Fails as [`try_forward`](Self::try_forward) does.
pub fn evaluate<const D: usize>(
    &self,
    logits: Tensor<D>,
    targets: impl Into<Targets>,
) -> Result<Evaluation> {
    self.loss.evaluate(logits, targets)
}

/// The values before any reduction, in the shapes that
/// [`SegmentationLoss`](SegmentationLoss::forward_no_reduction) lists.
///
/// # Panics
///
/// With the message of [`try_forward`](Self::try_forward)'s error; if the values do not have
/// `R` axes; for a compound whose terms' values differ in shape.
pub fn forward_no_reduction<const D: usize, const R: usize>(
    &self,
    logits: Tensor<D>,
    targets: impl Into<Targets>,
) -> Tensor<R> {
    self.loss.forward_no_reduction(logits, targets)
}
";

/// The modules of all losses.
pub(super) fn files() -> Result<Vec<Generated>, String> {
    modules(FOLDER, INDEX, module)
}

fn module(loss: &Loss) -> String {
    let class = loss.class();
    let others = ["Activation", "Decision", "Result"];
    [
        loss.origin(),
        format!("//! {} as a module of Burn.\n\n", loss.entry.title),
        IMPORTS.to_owned(),
        format!("use dice_loss::{{{}}};\n\n", loss.imports(&others)),
        "use crate::{Evaluation, SegmentationLoss, Targets, named};\n\n".to_owned(),
        format!("/// The options of [`{class}Loss`].\n#[derive(Config, Debug)]\n"),
        format!("pub struct {class}LossConfig {{ {} {REST} }}\n\n", fields(loss)),
        init(loss),
        loss.documentation(&more(loss)),
        "#[derive(Module, Debug)]\n#[module(custom_display)]\n".to_owned(),
        format!("pub struct {class}Loss {{\n#[module(skip)] config: {class}LossConfig,\n"),
        "#[module(skip)] loss: SegmentationLoss,\n}\n\n".to_owned(),
        format!("impl {class}Loss {{ {FORWARD} }}\n\n"),
        without_its_name(class),
        display(loss),
    ]
    .concat()
}

fn fields(loss: &Loss) -> String {
    let mut fields = format!("{}pub activation: Activation,\n", loss.about_activation());
    for option in loss.options() {
        let (name, kind) = (option.facts.name, &option.kind);
        fields += &loss.about(option);
        if !type_of(kind).starts_with("Option<") {
            let default = expression(kind, &option.default);
            let is_literal = option.default.is_boolean() || option.default.is_number();
            fields += &match is_literal && ["bool", "f64"].contains(&type_of(kind)) {
                true => format!("#[config(default = {default})]\n"),
                false => format!("#[config(default = \"{default}\")]\n"),
            };
        }
        fields += &format!("pub {name}: {},\n", type_of(kind));
    }
    fields
}

fn init(loss: &Loss) -> String {
    let class = loss.class();
    format!(
        "impl {class}LossConfig {{
            /// Makes the loss.
            ///
            /// Options that do not fit each other or the number of classes are reported when it is used.
            pub fn init(&self) -> {class}Loss {{
                let objective = {};
                let loss =
                    named::reduced(objective, self.ignore_index, &self.reduction, self.decision);
                {class}Loss {{ config: self.clone(), loss }}
            }}
        }}\n\n",
        loss.objective("self"),
    )
}

/// What is said after the formula: who makes it, and an example.
fn more(loss: &Loss) -> String {
    let class = loss.class();
    let activation = format!("{:?}", loss.entry.activations[0]);
    let (imported, targets, given) = match loss.example_map() {
        Some((name, values)) => (
            "Targets, ",
            format!(
                "let map = Tensor::<4>::from_data({values}, &device);\n\
                 let targets = Targets::labels(labels).map(\"{name}\", map);\n"
            ),
            "targets",
        ),
        None => ("", String::new(), "labels"),
    };
    format!(
        "Created by [`{class}LossConfig`]; [`dice_loss::{class}`] is its formula.\n\n\
         ```\n\
         use burn::tensor::{{Device, Int, Tensor}};\n\
         use dice_loss_burn::{{{class}LossConfig, {imported}dice_loss::Activation}};\n\n\
         let config = {class}LossConfig::new(Activation::{activation});\n\
         let loss = config.with_background(false).init();\n\n\
         let device = Device::flex();\n\
         let logits = Tensor::<4>::from_data([[[[-20.0, 20.0]], [[20.0, -20.0]]]], &device);\n\
         let labels = Tensor::<3, Int>::from_data([[[1, 0]]], &device);\n\
         {targets}\
         assert!(loss.forward(logits, {given}).into_scalar::<f32>().abs() < 1e-4);\n\
         ```"
    )
}

fn display(loss: &Loss) -> String {
    let rest = ["ignore_index", "reduction", "decision"];
    let options = loss.options().map(|option| option.facts.name);
    let shown: String = ["activation"]
        .into_iter()
        .chain(options)
        .chain(rest)
        .map(|name| format!(".add_debug_attribute(\"{name}\", &self.config.{name})\n"))
        .collect();
    format!(
        "impl ModuleDisplay for {}Loss {{
            fn custom_settings(&self) -> Option<DisplaySettings> {{
                DisplaySettings::new().with_new_line_after_attribute(false).optional()
            }}

            fn custom_content(&self, content: Content) -> Option<Content> {{
                content{shown}.optional()
            }}
        }}\n",
        loss.class()
    )
}
