//! The bodies of the fuzz targets: what must hold whatever the bytes are.
//!
//! `cargo fuzz` calls them with bytes that it searches for, the tests with a few thousand random
//! ones.

#![deny(missing_docs)]

mod buffer;
mod engine;
#[cfg(feature = "masks")]
mod masks;
mod options;
mod shape;

pub use engine::engine;
#[cfg(feature = "masks")]
pub use masks::masks;
