//! Losses for image segmentation: Dice and its family, with exact gradients, in two sweeps.
//!
//! Every loss of the Dice family sees the voxels only through a few sums per sample and class. So
//! a loss and its gradient need two sweeps over the data, and never a stored probability or a
//! one-hot target. See [`Objective`] for the three verbs and a complete example, and
//! [`catalogue()`] for everything there is.

#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

mod activation;
pub mod broadcast;
mod catalogue;
mod centerline;
mod class_values;
mod compound;
mod declaration;
mod direct;
mod direction;
mod entry;
mod error;
mod evaluate;
mod formula;
mod instances;
mod interrupt;
pub mod maps;
mod metrics;
mod moments;
mod morphology;
mod objective;
mod plan;
mod prepared;
mod ranked;
pub mod reference;
mod region;
mod room;
mod settings;
mod spec;
mod sum;
mod sweep;
mod tape;
mod tensor;
mod term;
mod voxel;

pub use activation::{Activation, Decision};
pub use catalogue::catalogue;
pub use centerline::ClDice;
pub use class_values::ClassValues;
pub use compound::*;
pub use declaration::{
    Choice, Declaration, Declare, Facts, Field, LossOption, OptionInfo, OptionKind, Options, Paper,
    PerfectMatch, Range, Slot, Words, each,
};
pub use direct::{DirectLoss, LossValues};
pub use entry::{Entry, settings};
pub use error::{Error, Result};
pub use evaluate::{LossParts, TermParts, TermVerdict, Upstream, Verdict};
pub use formula::{ClassLoss, Distances, Overlap, RowLoss, Smoothing, Sums};
pub use instances::{Division, InstanceDetails, InstanceLoss, Instances};
pub use interrupt::{Stop, interruptible};
pub use metrics::{Centerlines, Counts, Lesions};
pub use moments::Moments;
pub use objective::{Objective, Reduction};
pub use prepared::Prepared;
pub use ranked::Lovasz;
pub use region::*;
pub use settings::{Absent, Kind, Pool, Settings};
pub use sum::{Integrand, Sum};
pub use sweep::Isa;
pub use tape::{Number, Operand, Operation, Row, Tape};
pub use tensor::{Dense, Float, FloatMut, Label, Layout, Logits, Output, Target};
pub use term::Term;
pub use voxel::*;

/// How neighbouring voxels belong together, and where they lie.
pub use dice_loss_morphology::{Connectivity, Grid};
