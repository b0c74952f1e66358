//! Floating point as the sweeps need it, whatever the thread is set to.
//!
//! XLA and `torch.set_flush_denormal` have their threads take numbers near 0 for 0. Threads are born
//! with what their parent has, so a result would depend on who computes it, and a weight of 1e-44
//! would be none.

/// Floating point by IEEE 754 on this thread: rounded to nearest, with numbers down to the smallest.
/// What it was before is back when this is dropped.
pub(super) struct Ieee {
    before: Option<Control>,
}

impl Ieee {
    #[must_use]
    pub fn enter() -> Self {
        let found = control::read();
        let wanted = (found & !control::MODES) | control::STANDARD;
        if found == wanted {
            return Self { before: None };
        }
        control::write(wanted);
        Self { before: Some(found) }
    }
}

impl Drop for Ieee {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            control::write(before);
        }
    }
}

/// The register that says how a thread computes.
type Control = u64;

#[cfg(target_arch = "x86_64")]
mod control {
    use std::arch::asm;

    /// Flushing to 0 of results (bit 15) and operands (6), rounding (13, 14), traps (7 to 12).
    pub const MODES: u64 = 0xffc0;
    /// No trap.
    pub const STANDARD: u64 = 0x1f80;

    pub fn read() -> u64 {
        let mut register = 0u32;
        // SAFETY: writes the register to these four bytes.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &raw mut register, options(nostack, preserves_flags));
        }
        register.into()
    }

    pub fn write(register: u64) {
        let register = register as u32;
        // SAFETY: sets how floating point is done, from what was read, with no trap turned on that
        // was not.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const register, options(nostack, preserves_flags));
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod control {
    use std::arch::asm;

    /// Alternate handling (bits 0 to 2), traps (8 to 12, 15), flushing of halves (19) and of all
    /// others (24), rounding (22, 23), one NaN for all (25).
    pub const MODES: u64 = 0x3c8_9f07;
    pub const STANDARD: u64 = 0;

    pub fn read() -> u64 {
        let register;
        // SAFETY: reads a register that every thread has.
        unsafe { asm!("mrs {}, fpcr", out(reg) register, options(nomem, nostack)) };
        register
    }

    pub fn write(register: u64) {
        // SAFETY: sets how floating point is done, from what was read, with no trap turned on that
        // was not.
        unsafe { asm!("msr fpcr, {}", in(reg) register, options(nomem, nostack)) };
    }
}

/// Elsewhere, what the thread has is taken for the standard.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod control {
    pub const MODES: u64 = 0;
    pub const STANDARD: u64 = 0;

    pub fn read() -> u64 {
        0
    }

    pub fn write(_: u64) {}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::hint::black_box;

    use super::{Ieee, control};

    const FLUSHES: u64 = 0x8040;

    #[test]
    fn small_numbers_are_numbers_meanwhile() {
        let before = control::read();
        control::write(before | FLUSHES);
        let flushed = black_box(1e-44f32) * black_box(0.5);
        let (within, register) = {
            let _ieee = Ieee::enter();
            (black_box(1e-44f32) * black_box(0.5), control::read() & control::MODES)
        };
        let after = control::read() & FLUSHES;
        control::write(before);
        assert_eq!(flushed, 0.0);
        assert!(within > 0.0);
        assert_eq!(register, control::STANDARD);
        assert_eq!(after, FLUSHES);
    }
}
