//! The largest of many numbers, without sorting them.
//!
//! Digit by digit, from the first, it is counted how many numbers have each; so all digits of the least
//! of the largest are known. Counts of pieces add up to the same whatever the threads.

use rayon::prelude::*;

use super::{length_of_piece, spread};

/// A number with an order that is that of its bits.
pub(crate) trait Ordered: Copy + Send + Sync {
    /// Digits that tell two of them apart.
    const DIGITS: u32;

    /// Its bits, the larger the larger it is, from the highest on. NaN is the largest, and zeros are one.
    fn ordered(self) -> u64;
}

macro_rules! ordered {
    ($F:ty, $Bits:ty) => {
        impl Ordered for $F {
            const DIGITS: u32 = <$Bits>::BITS.div_ceil(BITS);

            #[inline(always)]
            fn ordered(self) -> u64 {
                let bits = (self + 0.0).to_bits();
                let sign = 1 << (<$Bits>::BITS - 1);
                let ordered = match (self.is_nan(), bits & sign) {
                    (true, _) => <$Bits>::MAX,
                    (_, 0) => bits | sign,
                    _ => !bits,
                };
                u64::from(ordered) << (u64::BITS - <$Bits>::BITS)
            }
        }
    };
}
ordered!(f32, u32);
ordered!(f64, u64);

/// Bits of a digit.
const BITS: u32 = 11;

/// Fewer numbers than this stay on the thread that asks.
const WORTH_THREADS: usize = 1 << 15;

/// A digit, and the bits before it.
#[derive(Clone, Copy)]
struct Digit {
    before: u64,
    /// How far it is from the last bit.
    shift: u32,
}

impl Digit {
    fn new(number: u32) -> Self {
        let start = BITS * number;
        Self { before: !(u64::MAX >> start), shift: u64::BITS - (start + BITS).min(u64::BITS) }
    }

    #[inline(always)]
    fn of(self, ordered: u64) -> usize {
        ((ordered & !self.before) >> self.shift) as usize
    }
}

/// 1 for the `count` largest numbers, else 0; of equal ones the first are taken.
pub(crate) fn largest<F: Ordered>(numbers: &[F], count: usize) -> Vec<f32> {
    let mut marks = vec![0.0; numbers.len()];
    if count == 0 {
        return marks;
    }
    let in_parallel = numbers.len() >= WORTH_THREADS;
    let length = length_of_piece(numbers.len());
    let pieces: Vec<_> = numbers.chunks(length).collect();
    // What is equal to the least of them is taken as far as there are some left.
    let (least, mut left) = least(&pieces, count.min(numbers.len()), in_parallel);
    let equal = spread(pieces, in_parallel, |piece| {
        piece.iter().filter(|number| number.ordered() == least).count()
    });
    let taken: Vec<_> = equal
        .into_iter()
        .map(|equal| {
            let taken = equal.min(left);
            left -= taken;
            taken
        })
        .collect();
    let mark = |((marks, numbers), mut left): ((&mut [f32], &[F]), usize)| {
        for (mark, number) in marks.iter_mut().zip(numbers) {
            let ordered = number.ordered();
            let is_taken = ordered > least || (ordered == least && left > 0);
            left -= usize::from(ordered == least && left > 0);
            *mark = f32::from(u8::from(is_taken));
        }
    };
    let pieces = marks.chunks_mut(length).zip(numbers.chunks(length)).zip(taken);
    match in_parallel {
        true => pieces.par_bridge().for_each(mark),
        false => pieces.for_each(mark),
    }
    marks
}

/// The least of the `count` largest, and how many of those are equal to it.
fn least<F: Ordered>(pieces: &[&[F]], count: usize, in_parallel: bool) -> (u64, usize) {
    let (mut found, mut left) = (0, count);
    for digit in (0..F::DIGITS).map(Digit::new) {
        let counts = spread(pieces.to_vec(), in_parallel, |piece: &[F]| {
            let mut counts = vec![0usize; 1 << BITS];
            for number in piece {
                let ordered = number.ordered();
                counts[digit.of(ordered)] += usize::from(ordered & digit.before == found);
            }
            counts
        });
        let of_value = |value: usize| counts.iter().map(|counts| counts[value]).sum::<usize>();
        let mut value = (1 << BITS) - 1;
        while value > 0 && of_value(value) < left {
            left -= of_value(value);
            value -= 1;
        }
        found |= (value as u64) << digit.shift;
    }
    (found, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By sorting.
    fn expected(numbers: &[f64], count: usize) -> Vec<f32> {
        let mut order: Vec<_> = (0..numbers.len()).collect();
        order.sort_by(|&a, &b| {
            let is_nan = |at: usize| numbers[at].is_nan();
            let by_value = || numbers[b].partial_cmp(&numbers[a]).expect("no NaN");
            match (is_nan(a), is_nan(b)) {
                (false, false) => by_value().then(a.cmp(&b)),
                (a_is, b_is) => b_is.cmp(&a_is).then(a.cmp(&b)),
            }
        });
        let mut marks = vec![0.0; numbers.len()];
        order.into_iter().take(count).for_each(|at| marks[at] = 1.0);
        marks
    }

    fn agrees(numbers: &[f64]) {
        let len = numbers.len();
        let narrow: Vec<_> = numbers.iter().map(|&x| x as f32).collect();
        for count in [0, 1, 2, len / 10, len / 2, len.saturating_sub(1), len] {
            let count = count.min(len);
            assert_eq!(largest(numbers, count), expected(numbers, count), "{count} of {len}");
            assert_eq!(largest(&narrow, count), expected(numbers, count), "{count} of {len}");
        }
    }

    #[test]
    fn takes_what_sorting_takes() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        for (len, spread) in [(1, 1), (7, 3), (1000, 1 << 20), (1000, 5), (70_001, 300)] {
            let numbers: Vec<_> =
                (0..len).map(|_| f64::from(random() % spread) / 8.0 - 1.0).collect();
            agrees(&numbers);
        }
        agrees(&[]);
    }

    #[test]
    fn nan_is_the_largest_and_zeros_are_equal() {
        agrees(&[0.0, -0.0, f64::INFINITY, f64::NAN, f64::NEG_INFINITY, -1e-30, -f64::NAN, 1e-40]);
    }
}
