//! The two kinds of arithmetic, f32 and f64, and the functions that vectorise.
//!
//! For f32, exponential and logarithm are minimax polynomials in plain Rust, so that loops over
//! them become vector code. For f64 they are the standard library's.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use super::{
    isa::Instructions,
    squares::{self, Square},
};

/// f32 or f64.
pub(super) trait Number:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    const ZERO: Self;
    const ONE: Self;
    const NEG_INFINITY: Self;
    /// Sums of plain exponentials outside this range are taken again with their maximum.
    const SAFE: std::ops::Range<Self>;
    /// Weights whose products and sums over a span stay far from the ends of the type.
    const ORDINARY: std::ops::Range<f64>;
    /// The least normal number.
    const LEAST: Self;
    /// Whether every `f64` is one of them.
    const HOLDS_F64: bool;

    fn of(value: f64) -> Self;
    fn to_f64(self) -> f64;
    /// The plane itself, if its numbers are of that type.
    fn as_f32(plane: &[Self]) -> Option<&[f32]>;
    fn as_f64(plane: &[Self]) -> Option<&[f64]>;
    /// `self * a + b`, fused where that is one instruction.
    fn mul_add<I: Instructions>(self, a: Self, b: Self) -> Self;
    fn abs(self) -> Self;
    /// The square with rows and columns exchanged, and 0 in the columns whose weight is 0.
    fn turned(square: Square<Self>, weight: [Self; 4]) -> Square<Self>;
    /// e^x of a number clamped to where e^x is normal. NaN gives a huge number, as infinity does.
    fn clamped_exp<I: Instructions>(self) -> Self;
    /// e^x, with NaN propagated. Below the normal range the result is the smallest normal number
    /// or 0; above 88 (for f32) it is e^88.
    fn exp<I: Instructions>(self) -> Self;
    /// e^x of a number up to 0, with NaN propagated, and 0 below the normal range.
    #[inline(always)]
    fn exp_of_negative<I: Instructions>(self) -> Self {
        self.exp::<I>()
    }
    /// Natural logarithm: −∞ at 0, NaN below.
    fn ln<I: Instructions>(self) -> Self;

    /// The larger; the first if either is NaN, in one instruction.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// `self^exponent` for a base of at least 0, with 0^0 = 1.
    #[inline(always)]
    fn pow<I: Instructions>(self, exponent: Self) -> Self {
        let power = (exponent * self.ln::<I>()).exp::<I>();
        let at_zero = if exponent == Self::ZERO { Self::ONE } else { Self::ZERO };
        if self == Self::ZERO { at_zero } else { power }
    }

    /// ln(1 + x) for x in [0, 1], accurate near 0. NaN is propagated.
    fn ln_1p_of_fraction<I: Instructions>(self) -> Self;

    /// ln(1 + x) for x ≥ 0, accurate near 0.
    #[inline(always)]
    fn ln_1p<I: Instructions>(self) -> Self {
        let u = Self::ONE + self;
        let correction = (self - (u - Self::ONE)) / u;
        u.ln::<I>() + if u < Self::SAFE.end { correction } else { Self::ZERO }
    }
}

/// 1.5 · 2²³: adding it rounds to an integer and leaves that integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// c₀ + c₁x + c₂x² + c₃x³.
#[inline(always)]
fn cubic<I: Instructions>([c0, c1, c2, c3]: [f32; 4], x: f32, squared: f32) -> f32 {
    let (low, high) = (Number::mul_add::<I>(c1, x, c0), Number::mul_add::<I>(c3, x, c2));
    Number::mul_add::<I>(high, squared, low)
}

/// 2^f for f in [−½, ½], relative error 1.9e-7, and exactly 1 at 0.
///
/// As all polynomials here by Estrin's scheme, in pairs: term after term, each waits for the one
/// before, and a kernel does little but wait.
// The coefficient near ln 2 is the polynomial's own.
#[allow(clippy::approx_constant)]
#[inline(always)]
fn exp2_fraction<I: Instructions>(f: f32) -> f32 {
    let squared = f * f;
    let high = Number::mul_add::<I>(0.001_326_472_7, f, 0.009_671_513);
    let middle = Number::mul_add::<I>(0.055_507_336, f, 0.240_222_42);
    let rest = Number::mul_add::<I>(high, squared, middle);
    Number::mul_add::<I>(rest, squared, Number::mul_add::<I>(0.693_147, f, 1.0))
}

/// x log₂ e as a rounded integer (shifted by [`ROUND`]) and the fraction that is left.
#[inline(always)]
fn split_exponent<I: Instructions>(x: f32) -> (f32, f32) {
    let shifted = Number::mul_add::<I>(x, std::f32::consts::LOG2_E, ROUND);
    (shifted, Number::mul_add::<I>(x, std::f32::consts::LOG2_E, ROUND - shifted))
}

impl Number for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f32::NEG_INFINITY;
    const SAFE: std::ops::Range<Self> = 1e-26..1e34;
    const ORDINARY: std::ops::Range<f64> = 1e-12..1e12;
    const LEAST: Self = f32::MIN_POSITIVE;
    const HOLDS_F64: bool = false;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn as_f32(plane: &[Self]) -> Option<&[f32]> {
        Some(plane)
    }

    #[inline(always)]
    fn as_f64(_: &[Self]) -> Option<&[f64]> {
        None
    }

    #[inline(always)]
    fn mul_add<I: Instructions>(self, a: Self, b: Self) -> Self {
        if I::FMA { f32::mul_add(self, a, b) } else { self * a + b }
    }

    #[inline(always)]
    fn abs(self) -> Self {
        f32::abs(self)
    }

    #[inline(always)]
    fn turned(square: Square<Self>, weight: [Self; 4]) -> Square<Self> {
        #[cfg(target_arch = "x86_64")]
        return squares::turned_by_shuffles(square, weight);
        #[cfg(not(target_arch = "x86_64"))]
        squares::turned(square, weight)
    }

    #[inline(always)]
    fn clamped_exp<I: Instructions>(self) -> Self {
        let x = if self < 88.0 { self } else { 88.0 };
        let x = if x > -87.0 { x } else { -87.0 };
        let (shifted, fraction) = split_exponent::<I>(x);
        let y = exp2_fraction::<I>(fraction);
        f32::from_bits(y.to_bits().wrapping_add(shifted.to_bits() << 23))
    }

    #[inline(always)]
    fn exp<I: Instructions>(self) -> Self {
        let x = if self > 88.0 { 88.0 } else { self };
        let bounded = if x < -87.0 { -87.0 } else { x };
        let (shifted, fraction) = split_exponent::<I>(bounded);
        let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
        let y = exp2_fraction::<I>(fraction) * scale;
        if x < -87.0 { 0.0 } else { y }
    }

    #[inline(always)]
    fn exp_of_negative<I: Instructions>(self) -> Self {
        let bounded = if self < -87.0 { -87.0 } else { self };
        let (shifted, fraction) = split_exponent::<I>(bounded);
        let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
        let y = exp2_fraction::<I>(fraction) * scale;
        if self < -87.0 { 0.0 } else { y }
    }

    #[inline(always)]
    fn ln<I: Instructions>(self) -> Self {
        // Subnormal numbers are lifted into the normal range.
        let tiny = self < f32::MIN_POSITIVE;
        let x = if tiny { self * 16_777_216.0 } else { self };
        // The mantissa in [√½, √2), and the exponent that goes with it.
        let bits = x.to_bits().wrapping_sub(0x3f35_04f3);
        let exponent = (bits as i32 >> 23) as f32 - if tiny { 24.0 } else { 0.0 };
        let t = f32::from_bits((bits & 0x007f_ffff).wrapping_add(0x3f35_04f3)) - 1.0;
        let squared = t * t;
        let low = cubic::<I>([0.333_339_1, -0.250_013_38, 0.199_630_64, -0.165_775_85], t, squared);
        let high = Number::mul_add::<I>(-0.142_674_87, t, 0.149_147_68);
        let high = Number::mul_add::<I>(0.087_004_36, squared, high);
        let q = Number::mul_add::<I>(high, squared * squared, low);
        let series = Number::mul_add::<I>(Number::mul_add::<I>(q, t, -0.5), squared, t);
        let y = Number::mul_add::<I>(exponent, std::f32::consts::LN_2, series);
        let y = if self > f32::MAX { self } else { y };
        let y = if self == 0.0 { f32::NEG_INFINITY } else { y };
        if self >= 0.0 { y } else { f32::NAN }
    }

    /// A polynomial, relative error 1.8e-7.
    #[inline(always)]
    fn ln_1p_of_fraction<I: Instructions>(self) -> Self {
        let (x, squared) = (self, self * self);
        let low = cubic::<I>([-0.499_999, 0.333_299_64, -0.249_541_33, 0.196_759_37], x, squared);
        let high =
            cubic::<I>([-0.153_055_89, 0.106_036_484, -0.056_959_473, 0.019_851_43], x, squared);
        let fourth = squared * squared;
        let high = Number::mul_add::<I>(-0.003_244_018, fourth, high);
        Number::mul_add::<I>(Number::mul_add::<I>(high, fourth, low), squared, x)
    }
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = f64::NEG_INFINITY;
    const SAFE: std::ops::Range<Self> = 1e-200..1e200;
    const ORDINARY: std::ops::Range<f64> = 1e-150..1e150;
    const LEAST: Self = f64::MIN_POSITIVE;
    const HOLDS_F64: bool = true;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn as_f32(_: &[Self]) -> Option<&[f32]> {
        None
    }

    #[inline(always)]
    fn as_f64(plane: &[Self]) -> Option<&[f64]> {
        Some(plane)
    }

    #[inline(always)]
    fn mul_add<I: Instructions>(self, a: Self, b: Self) -> Self {
        if I::FMA { f64::mul_add(self, a, b) } else { self * a + b }
    }

    #[inline(always)]
    fn abs(self) -> Self {
        f64::abs(self)
    }

    #[inline(always)]
    fn turned(square: Square<Self>, weight: [Self; 4]) -> Square<Self> {
        squares::turned(square, weight)
    }

    #[inline(always)]
    fn clamped_exp<I: Instructions>(self) -> Self {
        if self < 700.0 { f64::exp(self) } else { f64::exp(700.0) }
    }

    #[inline(always)]
    fn exp<I: Instructions>(self) -> Self {
        f64::exp(if self > 700.0 { 700.0 } else { self })
    }

    #[inline(always)]
    fn ln<I: Instructions>(self) -> Self {
        f64::ln(self)
    }

    #[inline(always)]
    fn ln_1p<I: Instructions>(self) -> Self {
        f64::ln_1p(self)
    }

    #[inline(always)]
    fn ln_1p_of_fraction<I: Instructions>(self) -> Self {
        f64::ln_1p(self)
    }

    #[inline(always)]
    fn pow<I: Instructions>(self, exponent: Self) -> Self {
        f64::powf(self, exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::isa::Fused;
    use super::*;

    fn relative(found: f32, wanted: f64) -> f64 {
        ((f64::from(found) - wanted) / wanted).abs()
    }

    #[test]
    fn exponentials_are_good_to_an_ulp_of_result_and_argument() {
        for step in -86_000..88_000 {
            let x = step as f32 * 1e-3;
            let wanted = f64::from(x).exp();
            // One rounding of the argument's product with log₂ e, and 1e-7 of the polynomial.
            let bound = f64::from(x.abs()) * 1.5e-8 + 2.5e-7;
            assert!(relative(Number::exp::<Fused>(x), wanted) < bound, "exp({x})");
            assert!(relative(x.clamped_exp::<Fused>(), wanted) < bound, "exp({x})");
        }
    }

    #[test]
    fn exponentials_at_the_edges() {
        assert_eq!(Number::exp::<Fused>(f32::NEG_INFINITY), 0.0);
        assert!(Number::exp::<Fused>(f32::NAN).is_nan());
        assert!(Number::exp::<Fused>(f32::from_bits(0x7fc0_0001)).is_nan());
        for x in [f32::INFINITY, 1e30, 88.5, f32::NAN] {
            assert!(x.clamped_exp::<Fused>() > f32::SAFE.end, "{x}");
        }
        assert!(f32::NEG_INFINITY.clamped_exp::<Fused>() < 2e-38);
    }

    #[test]
    fn logarithms_are_good_to_two_ulps() {
        for step in 1..200_000u32 {
            let x = f32::from_bits(step * 21_000 + 1);
            if !x.is_finite() {
                break;
            }
            let wanted = f64::from(x).ln();
            let found = f64::from(Number::ln::<Fused>(x));
            assert!((found - wanted).abs() <= 2.4e-7 * wanted.abs().max(0.5), "ln({x:e})");
        }
        assert_eq!(Number::ln::<Fused>(0.0f32), f32::NEG_INFINITY);
        assert_eq!(Number::ln::<Fused>(f32::INFINITY), f32::INFINITY);
        assert!(Number::ln::<Fused>(-1.0f32).is_nan() && Number::ln::<Fused>(f32::NAN).is_nan());
        assert_eq!(Number::ln::<Fused>(1.0f32), 0.0);
    }

    #[test]
    fn small_logarithms_keep_their_digits() {
        for exponent in -30..=2 {
            let x = 10f32.powi(exponent) * 1.7;
            let found = Number::ln_1p::<Fused>(x);
            assert!(relative(found, f64::from(x).ln_1p()) < 4e-7, "ln_1p({x:e})");
        }
    }

    #[test]
    fn logarithms_of_one_and_a_fraction_keep_their_digits() {
        let fractions = (1..=40_000).map(|step| step as f32 / 40_000.0);
        for x in fractions.chain((1..=37).map(|exponent| 10f32.powi(-exponent))) {
            let found = x.ln_1p_of_fraction::<Fused>();
            assert!(relative(found, f64::from(x).ln_1p()) < 2e-7, "ln(1 + {x:e})");
        }
        assert_eq!(Number::ln_1p_of_fraction::<Fused>(0.0f32), 0.0);
        assert!(Number::ln_1p_of_fraction::<Fused>(f32::NAN).is_nan());
    }

    #[test]
    fn powers_at_the_edges() {
        assert_eq!(Number::pow::<Fused>(0.0f32, 0.0), 1.0);
        assert_eq!(Number::pow::<Fused>(0.0f32, 0.5), 0.0);
        assert!(relative(Number::pow::<Fused>(0.3f32, 2.5), f64::from(0.3f32).powf(2.5)) < 1e-6);
    }
}
