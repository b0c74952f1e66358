//! The `dice-loss` program: trains one small network once per loss on real images and measures what came out;
//! and looks into masks.
//!
//! ```text
//! args ─▶ app ─▶ data ──▶ train ──▶ record ──▶ report
//!                losses ──┘  └▶ progress
//!                data ──▶ inspect
//! ```
#![deny(missing_docs)]

pub mod app;
pub mod args;
pub mod data;
pub mod inspect;
pub mod losses;
pub mod progress;
pub mod record;
pub mod report;
pub mod train;
