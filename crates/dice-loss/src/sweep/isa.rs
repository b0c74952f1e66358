//! Instruction sets: which the machine has, and how a kernel is compiled for each.

/// An instruction set that this machine has.
///
/// A value can only come from detection, so having one proves that its instructions exist.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Default for Isa {
    /// The best there is.
    fn default() -> Self {
        Self::available().last().copied().unwrap_or(Self(Level::Baseline))
    }
}

impl std::fmt::Debug for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Isa {
    /// All that this machine has, from the baseline to the best.
    ///
    /// On x86-64: the baseline, AVX2 with FMA, AVX-512. Elsewhere only the compiler's baseline.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut levels = vec![Self(Level::Baseline)];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 {
                levels.push(Self(Level::Avx2));
            }
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
            {
                levels.push(Self(Level::Avx512));
            }
        }
        levels
    }

    /// Its name: `baseline`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }
}

/// What a kernel may know of the instruction set that it is compiled for.
pub(super) trait Instructions {
    /// Whether a fused multiply-add is one instruction.
    const FMA: bool;
}

pub(super) struct Plain;
impl Instructions for Plain {
    const FMA: bool = false;
}

#[cfg(target_arch = "x86_64")]
pub(super) struct Fused;
#[cfg(target_arch = "x86_64")]
impl Instructions for Fused {
    const FMA: bool = true;
}

/// Work that is compiled once for each instruction set. All that it calls is `inline(always)`.
pub(super) trait Kernel {
    type Output;
    fn run<I: Instructions>(self) -> Self::Output;
}

/// Runs the kernel as compiled for the instruction set.
pub(super) fn dispatch<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Fused>()
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
    fn avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Fused>()
    }

    match isa.0 {
        Level::Baseline => kernel.run::<Plain>(),
        // SAFETY: an `Isa` of this level exists only where its features were detected.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512(kernel) },
    }
}
