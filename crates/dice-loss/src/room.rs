//! Whether there is memory for what is many things: an allocation that fails ends the process.

use std::hint::black_box;

use crate::{Error, Result};

/// Bytes below which nobody asks: the process has other things as large that nobody asks for.
const MUCH: usize = 1 << 20;

/// What an allocator adds to a small piece, and rounds it up to.
pub(crate) const PIECE: usize = 48;

/// Fails unless there is room for so many things of so many bytes, in one look at all of them.
///
/// What is much at once is asked for where it is taken. This is for what follows in many pieces,
/// a few for each sample and class: they fail together here, or they have room.
pub(crate) fn expect(count: usize, bytes_of_each: usize, what: &'static str) -> Result<()> {
    let bytes = count.saturating_mul(bytes_of_each);
    if bytes < MUCH {
        return Ok(());
    }
    let mut room = Vec::<u8>::new();
    let found = room.try_reserve_exact(bytes);
    // What nobody reads, the compiler need not allocate.
    black_box(room.as_ptr());
    found.map_err(|_| Error::Memory { what, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_an_error() {
        assert!(expect(1 << 20, 8, "a test").is_ok());
        let bytes = 1 << 62;
        let wanted = Err(Error::Memory { what: "a test", bytes });
        assert_eq!(expect(1 << 50, 1 << 12, "a test"), wanted);
        let wanted = Err(Error::Memory { what: "a test", bytes: usize::MAX });
        assert_eq!(expect(usize::MAX, 2, "a test"), wanted);
    }
}
