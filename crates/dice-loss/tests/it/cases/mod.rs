//! Random batches of every kind that the engine takes, and objectives to try them with.

mod agreement;
mod batch;
mod objectives;
mod recipe;
mod tensors;

pub use agreement::{
    Precision, agrees, engine, gradient_agrees, gradient_of, loss_tolerance, written,
};
pub use batch::Batch;
pub use objectives::{Moved, Trial, declared, options, own, trials};
pub use recipe::{Recipe, Rng, Softness, TargetKind, check};
pub use tensors::{Arrangement, FloatKind, Floats};
use tensors::{DenseKind, Denses, LabelKind, Labels};
