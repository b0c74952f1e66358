//! Sorting by radix, in pieces that threads may share.
//!
//! From the last digit to the first, each pass leaves what has the same digit in the order that it had:
//! so what is sorted by a part of its bits keeps its order otherwise, and the result depends neither on
//! the pieces nor on the threads.

use std::{array, mem, ops::Range, slice::IterMut};

use super::spread;

/// What is sorted: by its digits, in the order of the pieces where they are all the same.
///
/// Its own order is the same one.
pub(crate) trait Key: Copy + Ord + Send + Sync {
    /// Digits that it is sorted by.
    const DIGITS: u32;

    /// One of them, from the last on.
    fn digit(self, number: u32) -> u8;
}

/// Values of a digit.
const VALUES: usize = 1 << u8::BITS;

/// Fewer keys than this are sorted by comparing them.
const FEW: usize = 1 << 11;

/// Keys of a piece, at least, and pieces, about.
const PIECE: usize = 1 << 14;
const PIECES: usize = 64;

/// How long the pieces of so many things are.
pub(crate) fn length_of_piece(count: usize) -> usize {
    count.div_ceil(PIECES).max(PIECE)
}

/// Sorts what lies in the pieces of `from`, which follow each other, and leaves it at the start of one
/// of the two, the one that is returned.
pub(crate) fn sort<'k, K: Key>(
    mut from: &'k mut [K],
    mut pieces: Vec<Range<usize>>,
    mut to: &'k mut [K],
    in_parallel: bool,
) -> &'k [K] {
    let count = pieces.iter().map(Range::len).sum();
    if count < FEW {
        let mut filled = 0;
        for piece in pieces {
            to[filled..][..piece.len()].copy_from_slice(&from[piece.clone()]);
            filled += piece.len();
        }
        to[..count].sort_unstable();
        return &to[..count];
    }
    for number in 0..K::DIGITS {
        pass(from, pieces, &mut to[..count], number, in_parallel);
        mem::swap(&mut from, &mut to);
        let length = length_of_piece(count);
        pieces = (0..count).step_by(length).map(|at| at..count.min(at + length)).collect();
    }
    &from[..count]
}

/// Sorts by one digit.
fn pass<K: Key>(
    from: &[K],
    pieces: Vec<Range<usize>>,
    to: &mut [K],
    number: u32,
    in_parallel: bool,
) {
    let pieces: Vec<_> = pieces.into_iter().map(|piece| &from[piece]).collect();
    let counts = spread(pieces.clone(), in_parallel, |keys: &[K]| {
        let mut counts = [0u32; VALUES];
        keys.iter().for_each(|key| counts[usize::from(key.digit(number))] += 1);
        counts
    });
    let places = places(to, &counts);
    let pieces: Vec<_> = pieces.into_iter().zip(places).collect();
    spread(pieces, in_parallel, |(keys, mut places)| {
        for &key in keys {
            if let Some(place) = places[usize::from(key.digit(number))].next() {
                *place = key;
            }
        }
    });
}

/// For each piece, where what has a digit goes: digit after digit, and in each, piece after piece.
fn places<'k, K>(to: &'k mut [K], counts: &[[u32; VALUES]]) -> Vec<[IterMut<'k, K>; VALUES]> {
    let mut places: Vec<[_; VALUES]> =
        counts.iter().map(|_| array::from_fn(|_| IterMut::default())).collect();
    let mut rest = to;
    for digit in 0..VALUES {
        for (places, counts) in places.iter_mut().zip(counts) {
            let (of_digit, behind) = mem::take(&mut rest).split_at_mut(counts[digit] as usize);
            (places[digit], rest) = (of_digit.iter_mut(), behind);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorted by its upper half.
    impl Key for u32 {
        const DIGITS: u32 = 2;

        fn digit(self, number: u32) -> u8 {
            (self >> (16 + 8 * number)) as u8
        }
    }

    #[test]
    fn sorts_ragged_pieces_as_comparing_does() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        for (count, spread) in [(0, 1), (1, 1), (FEW - 1, 9), (FEW, 3), (70_001, 60_000)] {
            // Many ties in the upper half; the lower one counts up, as places of voxels do.
            let mut keys: Vec<u32> =
                (0..count as u32).map(|at| (random() % spread) << 16 | (at & 0xffff)).collect();
            let mut pieces = Vec::new();
            let mut wanted = Vec::new();
            let mut at = 0;
            while at < keys.len() {
                let end = keys.len().min(at + 1 + random() as usize % 9000);
                let used = random() as usize % (end - at + 1);
                wanted.extend_from_slice(&keys[at..at + used]);
                pieces.push(at..at + used);
                at = end;
            }
            wanted.sort_by_key(|key| key >> 16);
            for in_parallel in [false, true] {
                let mut other = vec![0; keys.len()];
                let mut keys = keys.clone();
                let found = sort(&mut keys, pieces.clone(), &mut other, in_parallel);
                let halves = |keys: &[u32]| keys.iter().map(|key| key >> 16).collect::<Vec<_>>();
                assert_eq!(halves(found), halves(&wanted), "{count}");
                if count >= FEW {
                    assert_eq!(found, wanted, "{count}");
                }
            }
            keys.clear();
        }
    }
}
