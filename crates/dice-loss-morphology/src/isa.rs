//! Instruction sets: loops over lanes are compiled for the baseline and for AVX2.
//!
//! They have no fused multiply-add, so all compute the same bits.

/// Work that is compiled once for each instruction set. All that it calls is `inline(always)`.
pub(crate) trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

/// Runs the kernel as compiled for the best instruction set of this machine.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2<K: Kernel>(kernel: K) -> K::Output {
            kernel.run()
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: it has just been detected.
            return unsafe { avx2(kernel) };
        }
    }
    kernel.run()
}
