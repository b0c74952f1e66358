//! Pieces of a tile: runs of voxels that belong to one instance of a class.

use super::{
    geometry::{Plane, TILE},
    number::Number,
    tile::{Input, Place},
};
use crate::{Result, room};

/// Voxels of a tile side by side that have one row of sums.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// The row, counted from the first of the sample.
    pub row: usize,
    pub start: usize,
    pub end: usize,
}

impl Piece {
    /// Leaves the weights of its voxels in `out`, and 0 of the others.
    #[inline(always)]
    pub fn cut<F: Number>(self, weight: &Plane<F>, out: &mut Plane<F>) {
        for i in 0..TILE {
            out[i] = if (self.start <= i) & (i < self.end) { weight[i] } else { F::ZERO };
        }
    }
}

/// What the pieces of all classes are kept in.
#[derive(Debug, Default)]
pub(super) struct PieceInput {
    pieces: Vec<Piece>,
    /// Of each class: where its pieces end.
    ends: Vec<usize>,
    /// Of each class: its first row, counted from the first of the sample.
    rows: Vec<usize>,
}

/// The pieces of a tile, class by class. A class with one row in all has none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces<'a>(&'a PieceInput);

impl<'a> Pieces<'a> {
    /// Those of a class.
    #[inline(always)]
    pub fn of(self, class: usize) -> &'a [Piece] {
        let Some(&end) = self.0.ends.get(class) else { return &[] };
        let start = if class == 0 { 0 } else { self.0.ends[class - 1] };
        &self.0.pieces[start..end]
    }

    /// Whether any class has some.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.0.pieces.is_empty()
    }

    /// The first row of a class, counted from the first of the sample.
    #[inline(always)]
    pub fn row(self, class: usize) -> usize {
        self.0.rows.get(class).copied().unwrap_or(class)
    }
}

impl Input<'_> {
    /// Finds the pieces of a tile.
    #[inline(always)]
    pub(super) fn read_pieces<'s>(
        &self,
        place: Place,
        input: &'s mut PieceInput,
    ) -> Result<Pieces<'s>> {
        let PieceInput { pieces, ends, rows } = &mut *input;
        pieces.clear();
        ends.clear();
        rows.clear();
        if let Some(instances) = self.instances {
            let classes = self.plan.classes;
            if ends.capacity() < classes {
                room::expect(classes, TILE * size_of::<Piece>(), "the instances of a tile")?;
            }
            let Place { sample, start, used } = place;
            for (class, first) in instances.rows_of(sample).take(classes).enumerate() {
                instances.runs([sample, class], start..start + used, |number, [start, end]| {
                    pieces.push(Piece { row: first + number, start, end });
                });
                ends.push(pieces.len());
                rows.push(first);
            }
        }
        Ok(Pieces(input))
    }
}
