//! Losses of centrelines: soft clDice, which sees the skeletons of prediction and reference.
//!
//! A skeleton is no function of sums: the loss has no moments, and is no term of an
//! [`Objective`](crate::Objective). What is made of the skeletons is said here; they themselves are made in
//! `sweep/skeleton`.

mod cldice;
mod formula;

pub use cldice::ClDice;
pub(crate) use cldice::NAME;
pub(crate) use formula::{Formula, Lines};
