//! Squares of numbers, turned in registers.

/// Voxels and classes of a square.
pub(super) const SIDE: usize = 4;

/// Four numbers of each of four voxels, or of each of four classes.
pub(super) type Square<F> = [[F; SIDE]; SIDE];

/// A square turned, without the columns whose weight is 0, as plain code.
#[inline(always)]
pub(super) fn turned<F: Copy + Default + PartialEq>(
    square: Square<F>,
    weight: [F; SIDE],
) -> Square<F> {
    let zero = F::default();
    let mut turned = [[zero; SIDE]; SIDE];
    for row in 0..SIDE {
        for column in 0..SIDE {
            let value = square[column][row];
            turned[row][column] = if weight[column] == zero { zero } else { value };
        }
    }
    turned
}

/// The same with the shuffles that every x86-64 has: the compiler finds none.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn turned_by_shuffles(square: Square<f32>, weight: [f32; SIDE]) -> Square<f32> {
    use std::arch::x86_64::{
        __m128, _mm_and_ps, _mm_cmpneq_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_setr_ps,
        _mm_setzero_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
    };
    // SAFETY: SSE is part of every x86-64, and a vector is four numbers.
    unsafe {
        let vector = |[a, b, c, d]: [f32; SIDE]| _mm_setr_ps(a, b, c, d);
        let counts = _mm_cmpneq_ps(vector(weight), _mm_setzero_ps());
        let [a, b, c, d] = square.map(vector);
        let (low, high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (low_2, high_2) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        let rows = [
            _mm_movelh_ps(low, low_2),
            _mm_movehl_ps(low_2, low),
            _mm_movelh_ps(high, high_2),
            _mm_movehl_ps(high_2, high),
        ];
        let numbers = |row| std::mem::transmute::<__m128, [f32; SIDE]>(row);
        rows.map(|row| numbers(_mm_and_ps(row, counts)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::number::Number, *};

    #[test]
    fn shuffles_turn_as_plain_code_does() {
        let square = std::array::from_fn(|i| std::array::from_fn(|k| (4 * i + k) as f32));
        for weight in [[1.0, 0.0, 2.0, -0.0], [f32::NAN, 0.5, 1.0, 1.0]] {
            assert_eq!(f32::turned(square, weight), turned(square, weight));
        }
    }
}
