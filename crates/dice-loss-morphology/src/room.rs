//! Memory for what is much: an allocation that fails ends the process, so it is asked for first.

use crate::{Error, Result};

/// So many of a value.
pub(crate) fn filled<T: Clone>(value: T, count: usize, what: &'static str) -> Result<Vec<T>> {
    let mut all = with_capacity(count, what)?;
    all.resize(count, value);
    Ok(all)
}

/// Nothing yet, with room for so many.
pub(crate) fn with_capacity<T>(count: usize, what: &'static str) -> Result<Vec<T>> {
    let mut all = Vec::new();
    if all.try_reserve_exact(count).is_err() {
        return Err(Error::Memory { what, bytes: count.saturating_mul(size_of::<T>()) });
    }
    Ok(all)
}

/// Room for one more, of a list whose length nobody knows before.
pub(crate) fn push<T>(all: &mut Vec<T>, one: T, what: &'static str) -> Result<()> {
    if all.len() == all.capacity() && all.try_reserve(1).is_err() {
        return Err(Error::Memory { what, bytes: all.len().saturating_mul(2 * size_of::<T>()) });
    }
    all.push(one);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_an_error() {
        assert_eq!(filled(7u8, 3, "a test").unwrap(), [7, 7, 7]);
        let found = with_capacity::<u64>(1 << 59, "a test").unwrap_err();
        assert_eq!(found, Error::Memory { what: "a test", bytes: 1 << 62 });
        let found = with_capacity::<u64>(usize::MAX, "a test").unwrap_err();
        assert_eq!(found, Error::Memory { what: "a test", bytes: usize::MAX });
    }
}
