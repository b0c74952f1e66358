//! Ranked losses: those that see the voxels in the order of their errors, and so are no function of
//! sums.
//!
//! A Lovász loss sorts the voxels of each class. It has no moments, and is no term of an
//! [`Objective`](crate::Objective): what needs sums that add up does without it. The mean over the hardest
//! voxels is one of sums: those of the voxels that are [`largest`].

mod largest;
mod lovasz;
mod sort;

pub(crate) use largest::{Ordered, largest};
pub use lovasz::Lovasz;
pub(crate) use lovasz::{Errors, HINGE, SOFTMAX};
pub(crate) use sort::{Key, length_of_piece, sort};

use rayon::prelude::*;

/// Does the same with each, on the threads of the current pool if that is wanted; results are in order.
pub(crate) fn spread<T: Send, R: Send>(
    items: Vec<T>,
    in_parallel: bool,
    work: impl Fn(T) -> R + Send + Sync,
) -> Vec<R> {
    match in_parallel {
        true => items.into_par_iter().map(work).collect(),
        false => items.into_iter().map(work).collect(),
    }
}
