//! The two sweeps of [`dice_loss`] as GPU kernels, written once in Rust with CubeCL.
//!
//! Two front ends run them: `dice-loss-burn` through Burn's client, on any runtime that Burn has,
//! compiled as they are needed; and the Python package on PyTorch's CUDA tensors, compiled ahead of
//! time ([`aot`]). This crate plans which kernels an objective needs ([`Passes`]), where the tensors
//! lie ([`Geometry`]), and launches them on a CubeCL client (`measure`, `pull_back`). The loss
//! between the two sweeps is the engine's for Burn, which reads the sums, and one more kernel's for
//! PyTorch, which reads nothing back ([`Program`]).
//!
//! | | |
//! |---|---|
//! | `recipe` | what is decided when a kernel is compiled: activation, kind of reference, sums |
//! | `addressing` | what is decided when it runs: strides, element types, tables |
//! | `plan` | from a [`Prepared`](dice_loss::Prepared) objective to recipes and numbers; needs no CubeCL |
//! | `program` | from an objective to the numbers by which one kernel evaluates it |
//! | `aot` | the recipes that are compiled ahead of time |
//! | `kernels` | sweep 1, the join of its partial sums, the loss between the sweeps, sweep 2 |
//! | `launch` | the kernels on a CubeCL client |
//! | `emit` | the kernels as CUDA C++ |
//!
//! # Features
//!
//! `kernels` (default) the kernels themselves; `cuda`, `rocm`, `metal`, `wgpu` a runtime for them;
//! `emit` their CUDA C++.

#![deny(missing_docs)]

mod addressing;
pub mod aot;
#[cfg(feature = "emit")]
pub mod emit;
#[cfg(feature = "kernels")]
pub(crate) mod kernels;
#[cfg(feature = "kernels")]
mod launch;
mod plan;
#[cfg_attr(not(feature = "kernels"), expect(dead_code, reason = "the kernel reads by these"))]
mod program;
mod recipe;

pub use addressing::{Addressing, Kind};
#[cfg(feature = "kernels")]
pub use launch::{Buffers, measure, pull_back};
pub use plan::{Geometry, Needs, Pass, Passes, View};
pub use program::Program;
pub use recipe::{Form, Quantity, Recipe, UNITS};
