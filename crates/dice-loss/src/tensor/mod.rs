//! Borrowed views of the caller's tensors: the seam between the engine and every front end.

mod element;

mod layout;
mod logits;
mod output;
mod target;

pub use element::{Dense, Float, FloatMut, Label};

pub use layout::Layout;
pub use logits::Logits;
pub use output::Output;
pub use target::Target;

pub(crate) use element::{DenseSlice, FloatSlice, FloatSliceMut, LabelSlice, in_words};
pub(crate) use target::{Kind, Map, Masks};
