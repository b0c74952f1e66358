//! What is sorted: the error of a voxel, and where it lies.

use super::super::number::Number;
use crate::ranked::Key;

/// A number whose errors can be ranked.
///
/// A key is the error, from the largest down, then the place of the voxel, from the first on: so ties
/// are in the order of the voxels. The last bits say whether the error falls where the number grows, and
/// whether the voxel is inside the class.
pub(crate) trait Rank: Number {
    type Key: Key + Default;
    /// Bits that there are for a place.
    const PLACES: u32;

    /// Of an error of at least 0, or NaN, which comes first.
    fn key(error: Self, ranked: Ranked) -> Self::Key;
    /// The error of a key.
    fn error(key: Self::Key) -> f64;
    /// What else it says.
    fn ranked(key: Self::Key) -> Ranked;
}

/// A voxel with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ranked {
    pub place: u64,
    /// Whether the error falls where the logit or probability grows.
    pub falls: bool,
    /// Whether it is in the class.
    pub inside: bool,
}

impl Ranked {
    #[inline(always)]
    fn bits(self) -> u64 {
        self.place << 2 | u64::from(self.falls) << 1 | u64::from(self.inside)
    }

    #[inline(always)]
    fn of_bits(bits: u64) -> Self {
        Self { place: bits >> 2, falls: bits & 2 != 0, inside: bits & 1 != 0 }
    }
}

macro_rules! rank {
    ($F:ty, $Half:ty, $Key:ty) => {
        impl Key for $Key {
            const DIGITS: u32 = size_of::<$Half>() as u32;

            #[inline(always)]
            fn digit(self, number: u32) -> u8 {
                (self >> (<$Half>::BITS + u8::BITS * number)) as u8
            }
        }

        impl Rank for $F {
            type Key = $Key;
            const PLACES: u32 = <$Half>::BITS - 2;

            #[inline(always)]
            fn key(error: Self, ranked: Ranked) -> $Key {
                let of_error = !Number::abs(error).to_bits();
                <$Key>::from(of_error) << <$Half>::BITS | ranked.bits() as $Key
            }

            #[inline(always)]
            fn error(key: $Key) -> f64 {
                <$F>::from_bits(!((key >> <$Half>::BITS) as $Half)).into()
            }

            #[inline(always)]
            fn ranked(key: $Key) -> Ranked {
                Ranked::of_bits((key as $Half).into())
            }
        }
    };
}
rank!(f32, u32, u64);
rank!(f64, u64, u128);

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_all<F: Rank>() {
        let last = (1u64 << F::PLACES) - 1;
        for error in [0.0, 0.25, 1.0, 1e30, f64::INFINITY] {
            for (place, falls, inside) in [(0, false, true), (last, true, false)] {
                let ranked = Ranked { place, falls, inside };
                let key = F::key(F::of(error), ranked);
                assert_eq!(F::error(key), F::of(error).to_f64());
                assert_eq!(F::ranked(key), ranked);
            }
        }
    }

    fn comes_first<F: Rank>() {
        let key = |error: f64, place| {
            F::key(F::of(error), Ranked { place, falls: place % 2 == 0, inside: place % 3 == 0 })
        };
        let order = [
            key(f64::NAN, 7),
            key(f64::INFINITY, 6),
            key(2.0, 9),
            key(0.5, 3),
            key(0.5, 4),
            key(1e-9, 1),
        ];
        assert!(order.is_sorted());
    }

    #[test]
    fn a_key_keeps_error_and_place() {
        keeps_all::<f32>();
        keeps_all::<f64>();
    }

    #[test]
    fn the_largest_error_comes_first_and_of_ties_the_first_voxel() {
        comes_first::<f32>();
        comes_first::<f64>();
    }
}
