//! Huge pages for memory that was just allocated.

/// Asks the system to back the memory from `address` on with huge pages when it is first touched.
///
/// A large gradient is written once into fresh memory, and the page faults of that take longer than
/// the arithmetic. Whole pages inside the range only; advice that is refused changes nothing, and
/// outside Linux there is none to give.
pub(crate) fn advise(address: usize, bytes: usize) {
    #[cfg(target_os = "linux")]
    linux::advise(address, bytes);
    #[cfg(not(target_os = "linux"))]
    let _ = (address, bytes);
}

#[cfg(target_os = "linux")]
mod linux {
    /// Of the advised range; any multiple of the system's own page size does.
    const PAGE: usize = 1 << 21;

    pub(super) fn advise(address: usize, bytes: usize) {
        let start = address.checked_next_multiple_of(PAGE).unwrap_or(usize::MAX);
        let end = address.saturating_add(bytes) / PAGE * PAGE;
        if start < end {
            // SAFETY: the advice neither reads nor writes the memory, nor changes what it holds;
            // for an address that is not mapped the call fails.
            unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_HUGEPAGE) };
        }
    }
}
