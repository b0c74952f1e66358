//! The lower envelope of parabolas, for many lines side by side.
//!
//! Squared distances along one axis follow from those along the axes before: at `z` it is the least
//! of h_j + s² (z − p_j)² over the places p_j of a line. The place that is least moves only forwards
//! as z does, so the one found in the middle of a line halves what either side has to look at. Lines
//! that lie side by side share a look at all that is least for one of them; in a map that is rarely
//! much more than for each, and every look is one instruction for several lines. Where it is much
//! more, the lines go one by one: no map costs more than O(n log n) for a line of n voxels.

use std::ops::{Add, Mul, Sub};

use crate::isa::{Kernel, dispatch};

/// Lines that go together.
pub(crate) const LANES: usize = 16;

/// What squared distances are computed in.
pub(crate) trait Height:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Send
    + Sync
    + 'static
{
    const INFINITY: Self;
    /// A number of voxels; no line is longer than what the type counts.
    fn count(voxels: u32) -> Self;
    fn index(self) -> usize;
}

macro_rules! heights {
    ($($T:ty),+) => {$(
        impl Height for $T {
            const INFINITY: Self = <$T>::INFINITY;
            #[inline(always)]
            fn count(voxels: u32) -> Self {
                voxels as Self
            }
            #[inline(always)]
            fn index(self) -> usize {
                self as usize
            }
        }
    )+};
}

heights!(f32, f64);

/// Parabolas over lines side by side.
#[derive(Clone, Copy)]
pub(crate) struct Parabolas<'a, T, const W: usize> {
    /// Their least values, one for each line.
    pub heights: &'a [[T; W]],
    /// Where along the axis they have those, rising.
    pub places: &'a [u32],
    /// How fast they rise: the squared spacing.
    pub square: T,
}

/// Writes the least value at each place from 0 on. Wants one parabola at least.
pub(crate) fn lower_envelope<T: Height>(
    parabolas: Parabolas<'_, T, LANES>,
    out: &mut [[T; LANES]],
) {
    let looks = 24 * (parabolas.places.len() + out.len());
    if !dispatch(Together { parabolas, out: &mut *out, looks }) {
        one_by_one(parabolas, out);
    }
}

/// All lines with each look shared; false where that takes more looks than it may.
struct Together<'a, 'o, T, const W: usize> {
    parabolas: Parabolas<'a, T, W>,
    out: &'o mut [[T; W]],
    looks: usize,
}

/// Places of the line, from the first up to the second, where one of the parabolas from the third up
/// to and with the fourth is least.
type Part = (usize, usize, usize, usize);

/// Halves of halves of a line, as deep as an address has bits.
const DEEPEST: usize = 64;

/// Parabolas so few that a look at each is less work than to find out which is least.
const FEW: usize = 3;

impl<T: Height, const W: usize> Kernel for Together<'_, '_, T, W> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Self { parabolas, out, mut looks } = self;
        let mut parts: [Part; DEEPEST] = [(0, 0, 0, 0); DEEPEST];
        parts[0] = (0, out.len(), 0, parabolas.places.len() - 1);
        let mut count = 1;
        while count > 0 {
            count -= 1;
            let (start, end, first, last) = parts[count];
            if end <= start {
                continue;
            }
            if last - first < FEW || end - start == 1 {
                for place in start..end {
                    out[place] = parabolas.least(place, first, last);
                }
                continue;
            }
            let wanted = last - first + 1;
            if looks < wanted {
                return false;
            }
            looks -= wanted;
            let middle = start + (end - start) / 2;
            let (least, of) = parabolas.least_and_which(middle, first, last);
            out[middle] = least;
            let (lowest, highest) = range(&of);
            parts[count] = (middle + 1, end, lowest, last);
            parts[count + 1] = (start, middle, first, highest);
            count += 2;
        }
        true
    }
}

impl<T: Height, const W: usize> Parabolas<'_, T, W> {
    /// What a parabola has risen by.
    #[inline(always)]
    fn risen(&self, place: usize, of: usize) -> T {
        let steps = T::count((place as u32).abs_diff(self.places[of]));
        steps * steps * self.square
    }

    #[inline(always)]
    fn least(&self, place: usize, first: usize, last: usize) -> [T; W] {
        let mut least = [T::INFINITY; W];
        for of in first..=last {
            let risen = self.risen(place, of);
            let heights = &self.heights[of];
            for lane in 0..W {
                let value = heights[lane] + risen;
                least[lane] = if value < least[lane] { value } else { least[lane] };
            }
        }
        least
    }

    /// The first of the parabolas that are least, too.
    #[inline(always)]
    fn least_and_which(&self, place: usize, first: usize, last: usize) -> ([T; W], [T; W]) {
        let mut least = [T::INFINITY; W];
        let mut which = [T::count(first as u32); W];
        for of in first..=last {
            let risen = self.risen(place, of);
            let heights = &self.heights[of];
            let this = T::count(of as u32);
            for lane in 0..W {
                let value = heights[lane] + risen;
                let less = value < least[lane];
                least[lane] = if less { value } else { least[lane] };
                which[lane] = if less { this } else { which[lane] };
            }
        }
        (least, which)
    }
}

#[inline(always)]
fn range<T: Height, const W: usize>(which: &[T; W]) -> (usize, usize) {
    let (mut lowest, mut highest) = (which[0], which[0]);
    for &one in which {
        lowest = if one < lowest { one } else { lowest };
        highest = if one > highest { one } else { highest };
    }
    (lowest.index(), highest.index())
}

/// Lines that have little to do with each other.
#[cold]
fn one_by_one<T: Height>(parabolas: Parabolas<'_, T, LANES>, out: &mut [[T; LANES]]) {
    let Parabolas { heights, places, square } = parabolas;
    let mut own_heights = vec![[T::INFINITY]; heights.len()];
    let mut own_out = vec![[T::INFINITY]; out.len()];
    for lane in 0..LANES {
        own_heights.iter_mut().zip(heights).for_each(|(to, from)| to[0] = from[lane]);
        let parabolas = Parabolas { heights: &own_heights, places, square };
        Together { parabolas, out: &mut own_out, looks: usize::MAX }.run();
        out.iter_mut().zip(&own_out).for_each(|(to, from)| to[lane] = from[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines whose heights are whole numbers, so that nothing rounds.
    fn heights(count: usize, of: impl Fn(usize, usize) -> u32) -> Vec<[f64; LANES]> {
        (0..count).map(|j| std::array::from_fn(|lane| f64::from(of(j, lane)))).collect()
    }

    fn by_hand(
        heights: &[[f64; LANES]],
        places: &[u32],
        square: f64,
        length: usize,
    ) -> Vec<[f64; LANES]> {
        let least = |z: usize, lane: usize| {
            let values = heights.iter().zip(places).map(|(h, &p)| {
                let steps = z as f64 - f64::from(p);
                h[lane] + square * steps * steps
            });
            values.fold(f64::INFINITY, f64::min)
        };
        (0..length).map(|z| std::array::from_fn(|lane| least(z, lane))).collect()
    }

    fn check(heights: &[[f64; LANES]], places: &[u32], square: f64, length: usize) {
        let wanted = by_hand(heights, places, square, length);
        let mut found = vec![[f64::NAN; LANES]; length];
        let parabolas = Parabolas { heights, places, square };
        lower_envelope(parabolas, &mut found);
        assert_eq!(found, wanted);
        one_by_one(parabolas, &mut found);
        assert_eq!(found, wanted);
        let narrow: Vec<_> = heights.iter().map(|row| row.map(|h| h as f32)).collect();
        let mut found = vec![[f32::NAN; LANES]; length];
        let parabolas = Parabolas { heights: &narrow, places, square: square as f32 };
        lower_envelope(parabolas, &mut found);
        let wanted: Vec<_> = wanted.iter().map(|row| row.map(|h| h as f32)).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_least_of_all_parabolas() {
        let mut state = 7u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        for length in [1usize, 2, 3, 7, 40, 130] {
            for some in 1..4 {
                let places: Vec<u32> = (0..length as u32)
                    .filter(|p| some == 1 || p % some == 1 || length < 3)
                    .collect();
                for high in [1, 50, 4000] {
                    let numbers: Vec<u32> =
                        (0..places.len() * LANES).map(|_| random() % high).collect();
                    let heights = heights(places.len(), |j, lane| numbers[j * LANES + lane]);
                    check(&heights, &places, f64::from(some), length);
                }
            }
        }
    }

    #[test]
    fn lines_that_have_nothing_in_common() {
        // Each line has its own deep place.
        let places: Vec<u32> = (0..200).collect();
        let heights = heights(200, |j, lane| if j == lane * 12 { 0 } else { 100_000 });
        check(&heights, &places, 1.0, 200);
        let mut out = vec![[0.0; LANES]; 200];
        let parabolas = Parabolas { heights: &heights, places: &places, square: 1.0 };
        assert!(!Together { parabolas, out: &mut out, looks: 1000 }.run());
    }
}
