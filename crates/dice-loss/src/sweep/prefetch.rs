//! A hint to the cache.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Asks for the lines of a slice that will be read soon. Changes nothing but time.
#[inline(always)]
pub(super) fn prefetch<F>(slice: &[F]) {
    #[cfg(target_arch = "x86_64")]
    for line in slice.chunks(LINE / size_of::<F>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and cannot fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = slice;
}
