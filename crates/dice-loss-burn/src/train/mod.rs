//! For burn-train: what a step returns, and the metrics of its dashboard.

mod metric;
mod output;

pub use metric::OverlapMetric;
pub use output::{CountsInput, SegmentationOutput};
