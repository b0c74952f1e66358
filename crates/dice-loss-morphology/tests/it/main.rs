//! Everything beside a version that looks at all pairs of voxels.

mod components;
mod distances;
mod maps;
mod naive;
