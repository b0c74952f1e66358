//! `terms.py` and `compounds.py`: the losses as frozen dataclasses.

use dice_loss::{Kind, OptionInfo, OptionKind};

use super::{
    Generated, choices,
    loss::{Loss, annotation, losses},
    package,
    text::{all, head, imports, literal, mentioned, name, words},
};

const TERMS: &str = "\
The losses themselves, as values: which formula, with which options, over what.

A term says nothing about arrays or frameworks. `dice_loss.Objective` takes a weighted list of them
for NumPy arrays, `dice_loss.torch.SegmentationLoss` the same list for tensors::

    from dice_loss.terms import CrossEntropy, Dice

    [(1.0, Dice(squared=True, background=False)), (0.5, CrossEntropy(class_weights=[0.1, 1, 1]))]

Terms are frozen, compare by value and hash. All options are keyword-only. What a term leaves at
`None` is the objective's default. In the formulas, p is the probability that the activation gives
a class, g the reference and Σ a sum over the voxels, each times its weight.
";

const COMPOUNDS: &str = "\
Weighted sums of terms that have names of their own.

A compound can stand wherever a term can: `Objective([(0.5, DiceCrossEntropy(pool=\"batch\"))])`. Its
settings hold for its parts: pool, absent and background for the overlap term (the voxel term keeps
the background), class weights for both.
";

const BASES: [&str; 4] = ["BackgroundForeground", "OverlapTerm", "Term", "VoxelTerm"];
const METADATA: [&str; 11] = [
    "CLASS_VALUES",
    "CLASS_WEIGHTS",
    "COUNT",
    "DISTANCES",
    "FLAG",
    "INDICES",
    "NAME",
    "NUMBER",
    "SMOOTHING",
    "SPACING",
    "Compound",
];

/// The types of options that are more than a number or a word.
pub(super) const TYPES: [&str; 4] = ["ClassValues", "ClassWeights", "Regions", "Smoothing"];

/// The terms.
pub(super) fn terms() -> Generated {
    let terms: Vec<_> = losses().into_iter().filter(|loss| !loss.is_compound()).collect();
    let classes = terms.iter().map(class).collect::<Vec<_>>().join("\n\n");
    let used = mentioned(&code(&terms));
    let mut names: Vec<_> = terms.iter().map(|loss| loss.0.class.to_owned()).collect();
    names.extend(BASES.map(str::to_owned));
    let mut text = head(TERMS) + "\n" + &standard(&used);
    text += &imports("._choices", &constants(), &used);
    text += &reexported("._choices", &choices::types());
    text += "from ._options import BackgroundForeground\n";
    let from_terms = [&METADATA[..], &["OverlapTerm", "Term", "VoxelTerm"]].concat();
    let mut wanted = used;
    wanted.extend(BASES.map(str::to_owned));
    text += &imports("._terms", &from_terms, &wanted);
    text += &reexported("._terms", &TYPES);
    text += &format!("\n{}\n\n{classes}", all(&names));
    Generated { path: package("terms.py"), text }
}

/// The compounds.
pub(super) fn compounds() -> Generated {
    let compounds: Vec<_> = losses().into_iter().filter(Loss::is_compound).collect();
    let classes = compounds.iter().map(class).collect::<Vec<_>>().join("\n\n");
    let used = mentioned(&code(&compounds));
    let mut names: Vec<_> = compounds.iter().map(|loss| loss.0.class.to_owned()).collect();
    names.push("Compound".to_owned());
    let mut text = head(COMPOUNDS) + "\n" + &standard(&used);
    let types = choices::types().into_iter().map(str::to_owned).collect();
    text += &imports("._choices", &[constants(), types].concat(), &used);
    text += &imports("._terms", &[&METADATA[..], &TYPES].concat(), &used);
    text += &format!("\n{}\n\n{classes}", all(&names));
    Generated { path: package("compounds.py"), text }
}

fn standard(used: &std::collections::BTreeSet<String>) -> String {
    imports("collections.abc", &["Sequence"], used)
        + "from dataclasses import dataclass, field\nfrom typing import ClassVar\n\n"
}

fn constants() -> Vec<String> {
    choices::types().into_iter().map(choices::constant).collect()
}

/// Names that are imported from here, which strict type checkers want said.
fn reexported(module: &str, names: &[&str]) -> String {
    names.iter().map(|name| format!("from {module} import {name} as {name}\n")).collect()
}

fn base(loss: &Loss) -> &'static str {
    match loss.0.kind() {
        Kind::Overlap { .. } => "OverlapTerm",
        Kind::Voxel => "VoxelTerm",
        Kind::Compound => "Compound",
    }
}

/// What the classes need names for.
fn code(losses: &[Loss]) -> String {
    losses.iter().map(|loss| format!("{}\n{}", base(loss), body(loss))).collect()
}

fn class(loss: &Loss) -> String {
    let class = loss.0.class;
    let head = "@dataclass(frozen=True, kw_only=True, repr=False)";
    let doc = loss.documented(4, false).section("Args", &loss.about_own()).end();
    format!("{head}\nclass {class}({}):\n{doc}\n{}", base(loss), body(loss))
}

fn body(loss: &Loss) -> String {
    let activations = words(&loss.activations());
    let mut body = format!("    loss: ClassVar[str] = \"{}\"\n", loss.0.name);
    body += &format!("    short: ClassVar[str] = \"{}\"\n", loss.0.short);
    body += &format!("    activations: ClassVar[tuple[Activation, ...]] = {activations}\n");
    match (loss.0.kind(), loss.unreduced()) {
        // Said of all that do not couple the classes at their base.
        (Kind::Overlap { coupled: false }, _) | (_, None) => {}
        (_, Some(shape)) => body += &format!("    unreduced: ClassVar[str] = \"{shape}\"\n"),
    }
    for option in loss.0.options() {
        let default = literal(&option.default);
        let (name, kind, metadata) =
            (name(option.facts.name), annotation(&option), metadata(&option));
        body += &format!("    {name}: {kind} = field(default={default}, metadata={metadata})\n");
    }
    body
}

/// What makes a value of the option plain.
fn metadata(option: &OptionInfo) -> String {
    match &option.kind {
        OptionKind::Flag => "FLAG",
        OptionKind::Number => "NUMBER",
        OptionKind::Count => "COUNT",
        OptionKind::Choice { type_name, .. } => return choices::constant(type_name),
        OptionKind::Smoothing => "SMOOTHING",
        OptionKind::ClassValues { .. } => "CLASS_VALUES",
        OptionKind::Distances => "DISTANCES",
        OptionKind::Indices => "INDICES",
        OptionKind::Numbers => "CLASS_WEIGHTS",
        OptionKind::Spacing => "SPACING",
        OptionKind::Name => "NAME",
    }
    .to_owned()
}
