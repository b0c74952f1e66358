//! The `dice-loss` program: trains one small network once per loss on real images and measures what came out.
#![deny(missing_docs)]

pub mod data;
pub mod record;
pub mod report;
pub mod train;
