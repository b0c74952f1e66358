//! The engine against its reference, against arithmetic by hand, and against its own promises.

mod cases;
mod cldice;
mod differences;
mod edges;
mod errors;
mod extremes;
mod hardest;
mod instances;
mod invariance;
mod lesions;
mod losses;
mod lovasz;
mod maps;
mod masks;
mod moments;
mod published;
mod values;
