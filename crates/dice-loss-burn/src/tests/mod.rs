//! Every loss against the engine called directly and against its reference.

mod case;
#[cfg(feature = "wgpu")]
mod kernels;
mod layouts;
mod modules;
mod native;
mod precision;
mod refused;
mod tensor_ops;
mod unreduced;

use case::Case;
