//! The kernels.
//!
//! A cube takes tiles of as many voxels as it has units. First each unit looks at a voxel of its own:
//! what the voxel's label and weight are, and, under softmax, the largest logit and the sum of the
//! others. These few numbers go to shared memory.
//!
//! To measure, the units then divide the classes among them: a unit adds up one class over some voxels
//! of the tile. Its sums stay in a slot of shared memory that no other unit writes to, so nothing is
//! reduced before the last tile, and nothing is atomic. The order of every addition depends on the
//! shape alone.
//!
//! To pull back, each unit stays with its voxel: a second look at its logits gives what the classes
//! share, a third the gradient. The logits come from memory once; the later looks find them in cache.

#![allow(
    unused_assignments,
    reason = "CubeCL wants a value where a variable is declared, also where every branch assigns one"
)]
#![allow(
    clippy::collapsible_if,
    clippy::eq_op,
    clippy::manual_range_contains,
    reason = "CubeCL knows plain branches and comparisons; only what is no number differs from itself"
)]
#![allow(clippy::too_many_arguments, reason = "a kernel has its buffers one by one")]

mod contribution;
mod element;
pub mod evaluate;
pub mod join;
pub mod measure;
pub mod pull_back;
mod slope;
mod voxel;
