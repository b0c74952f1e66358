//! How well a segmentation, as it stands, agrees with the reference.

mod centerlines;
mod counts;
mod lesions;

pub use centerlines::Centerlines;
pub use counts::Counts;
pub use lesions::Lesions;

fn ratio(part: u64, whole: u64) -> Option<f64> {
    share(part as f64, whole)
}

fn share(part: f64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part / whole as f64)
}
