//! Everything beside a version that looks at all pairs of voxels.

mod balls;
mod components;
mod distances;
mod maps;
mod naive;
mod nearest;
mod skeletons;
