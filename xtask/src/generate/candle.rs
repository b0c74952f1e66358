//! The losses of dice-loss-candle: each a configuration and a struct with `forward`.

use dice_loss::OptionInfo;

use super::{
    Generated,
    rust::{Loss, modules, without_its_name},
    values::{expression, type_of},
};

const FOLDER: &str = "crates/dice-loss-candle/src/losses";

const INDEX: &str = "\
//! The losses by name, each a configuration and a struct with `forward`: what candle-nn's layers look
//! like.
";

/// What the configuration has after the options of the engine.
const REST: &str = "\
/// Voxels with this label do not count, unless the targets name another.
pub ignore_index: Option<i64>,
/// How the values become the loss. `Mean` by default.
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
/// - output: a scalar; without reduction what
///   [`SegmentationLoss::forward`](SegmentationLoss::forward) lists
///
/// # Errors
///
/// Shapes that do not fit, a label that names no class, an option outside its range.
pub fn forward(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Tensor> {
    self.loss.forward(logits, targets)
}

/// The loss with all that its sweep over the voxels found out: each class's loss and, with a
/// decision, the counts that metrics need. Fails as [`forward`](Self::forward) does.
pub fn evaluate(&self, logits: &Tensor, targets: impl Into<Targets>) -> Result<Evaluation> {
    self.loss.evaluate(logits, targets)
}
";

/// All losses.
pub(super) fn files() -> Result<Vec<Generated>, String> {
    modules(FOLDER, INDEX, module)
}

fn module(loss: &Loss) -> String {
    let class = loss.class();
    let others = ["Activation", "Decision", "Reduction"];
    [
        loss.origin(),
        format!("//! {} on Candle's tensors.\n\n", loss.entry.title),
        "use candle_core::{Result, Tensor};\n".to_owned(),
        format!("use dice_loss::{{{}}};\n\n", loss.imports(&others)),
        "use crate::{Evaluation, SegmentationLoss, Targets, named};\n\n".to_owned(),
        format!("/// The options of [`{class}Loss`].\n#[derive(Debug, Clone, PartialEq)]\n"),
        format!("pub struct {class}LossConfig {{ {} {REST} }}\n\n", fields(loss)),
        defaults(loss),
        loss.documentation(&more(loss)),
        "#[derive(Debug, Clone)]\n".to_owned(),
        format!(
            "pub struct {class}Loss {{ config: {class}LossConfig, loss: SegmentationLoss }}\n\n"
        ),
        format!("impl {class}Loss {{ {} {FORWARD} }}\n\n", new(loss)),
        without_its_name(class),
    ]
    .concat()
}

fn fields(loss: &Loss) -> String {
    let mut fields = format!("{}pub activation: Activation,\n", loss.about_activation());
    for option in loss.options() {
        let (name, type_name) = (option.facts.name, type_of(&option.kind));
        fields += &format!("{}pub {name}: {type_name},\n", loss.about(option));
    }
    fields
}

fn defaults(loss: &Loss) -> String {
    let default = |option: &OptionInfo| {
        format!("{}: {}", option.facts.name, expression(&option.kind, &option.default))
    };
    let options: Vec<_> = loss.options().map(default).collect();
    let options = options.join(",\n");
    format!(
        "impl {}LossConfig {{
            /// The defaults under an activation, for `..` to fill in what is not set.
            pub fn new(activation: Activation) -> Self {{
                Self {{
                    activation,
                    {options},
                    ignore_index: None,
                    reduction: Reduction::Mean,
                    decision: None,
                }}
            }}
        }}\n\n",
        loss.class()
    )
}

fn new(loss: &Loss) -> String {
    let class = loss.class();
    format!(
        "/// Of these options.
        ///
        /// Options that do not fit each other or the number of classes are reported when the loss is
        /// used.
        pub fn new(config: {class}LossConfig) -> Self {{
            let objective = {};
            let loss =
                named::reduced(objective, config.ignore_index, config.reduction, config.decision);
            Self {{ config, loss }}
        }}

        /// The options.
        pub fn config(&self) -> &{class}LossConfig {{
            &self.config
        }}\n\n",
        loss.objective("config"),
    )
}

/// What is said after the formula: whose it is, and an example.
fn more(loss: &Loss) -> String {
    let class = loss.class();
    let activation = format!("{:?}", loss.entry.activations[0]);
    let (imported, targets, given) = match loss.example_map() {
        Some((name, values)) => (
            "Targets, ",
            format!(
                "let map = Tensor::new(&{}, &Device::Cpu)?;\n\
                 let targets = Targets::labels(&labels).map(\"{name}\", &map);\n",
                values.replacen("1.0", "1f32", 1)
            ),
            "targets",
        ),
        None => ("", String::new(), "&labels"),
    };
    format!(
        "Its options are a [`{class}LossConfig`]; [`dice_loss::{class}`] is its formula.\n\n\
         ```\n\
         use candle_core::{{Device, Tensor}};\n\
         use dice_loss_candle::{{{class}Loss, {class}LossConfig, {imported}dice_loss::Activation}};\n\n\
         let config = {class}LossConfig {{\n    \
             background: false,\n    \
             ..{class}LossConfig::new(Activation::{activation})\n\
         }};\n\
         let logits = Tensor::new(&[[[[-20f32, 20.0]], [[20.0, -20.0]]]], &Device::Cpu)?;\n\
         let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;\n\
         {targets}\
         let loss = {class}Loss::new(config).forward(&logits, {given})?.to_scalar::<f32>()?;\n\
         assert!(loss.abs() < 1e-4);\n\
         # Ok::<(), candle_core::Error>(())\n\
         ```"
    )
}
