//! What a thread stages strips in.

use super::super::{
    geometry::{BLOCKS, LANES, Row, STRIP},
    pieces::Piece,
};

/// The most classes of a strip.
pub(super) const CLASSES: usize = 8;

/// Zeros.
const NOTHING: Row<f32> = [[0.0; LANES]; BLOCKS];

/// What strips are staged in, and their gradient.
#[repr(C, align(64))]
pub(in super::super) struct Buffers {
    pub(super) logits: [Row<f32>; CLASSES],
    pub(super) reference: [Row<f32>; CLASSES],
    pub(super) weight: Row<f32>,
    pub(super) map: [Row<f32>; CLASSES],
    pub(super) gradient: [Row<f32>; CLASSES],
    pub(super) staged: Staged,
}

/// What is computed with between the kernels that leave rows.
#[repr(C, align(64))]
pub(super) struct Staged {
    pub(super) reference: Row<f32>,
    pub(super) pieces: Vec<Piece>,
}

impl Default for Buffers {
    fn default() -> Self {
        let rows = [NOTHING; CLASSES];
        let staged = Staged { reference: NOTHING, pieces: Vec::new() };
        Self { logits: rows, reference: rows, weight: NOTHING, map: rows, gradient: rows, staged }
    }
}

/// A row as one array: loops over it are long enough to become vector code.
#[inline(always)]
pub(super) fn flat<T>(row: &Row<T>) -> &[T; STRIP] {
    row.as_flattened().first_chunk().unwrap_or_else(|| unreachable!())
}

/// The same, to write to.
#[inline(always)]
pub(super) fn flat_mut<T>(row: &mut Row<T>) -> &mut [T; STRIP] {
    row.as_flattened_mut().first_chunk_mut().unwrap_or_else(|| unreachable!())
}
