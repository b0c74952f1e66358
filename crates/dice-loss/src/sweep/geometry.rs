//! How many voxels are taken at once.

/// Voxels of a tile: as few as keep the exponentials of a hundred classes in the first cache, and
/// as many as the registers can sum up side by side.
pub(super) const TILE: usize = 64;

/// Voxels of a span.
pub(super) const SPAN: usize = 1024;

/// One number for each voxel of a tile.
pub(super) type Plane<F> = [F; TILE];

/// Sums that run side by side: one AVX-512 register of f32.
pub(super) const LANES: usize = 16;

/// As many numbers as there are lanes.
pub(super) type Block<F> = [F; LANES];

/// Voxels of a strip: few enough that all its classes stay in the first cache.
pub(super) const STRIP: usize = 256;

/// Blocks of a strip.
pub(super) const BLOCKS: usize = STRIP / LANES;

/// One number for each voxel of a strip.
pub(super) type Row<T> = [Block<T>; BLOCKS];
