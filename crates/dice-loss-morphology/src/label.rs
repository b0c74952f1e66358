//! Labels: the integers of a label map, or the truths of a mask.

use std::{collections::BTreeSet, fmt::Debug};

use rayon::prelude::*;

use crate::{Result, interrupt::Patience, room::with_capacity};

/// An element of a label map: any integer, or `bool` for a mask.
pub trait Label: Copy + Ord + Debug + Send + Sync + sealed::Sealed + 'static {
    /// The background: 0, or false.
    const BACKGROUND: Self;

    /// By how much it is above another; below it, more than to any label above.
    #[doc(hidden)]
    fn above(self, other: Self) -> u64;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! labels {
    ($($T:ty: $background:literal),+) => {$(
        impl sealed::Sealed for $T {}
        impl Label for $T {
            const BACKGROUND: Self = $background;

            #[inline(always)]
            fn above(self, other: Self) -> u64 {
                (self as u64).wrapping_sub(other as u64)
            }
        }
    )+};
}

labels!(u8: 0, u16: 0, u32: 0, u64: 0, i8: 0, i16: 0, i32: 0, i64: 0, bool: false);

/// Labels that are compared at once with the next ones.
const TOGETHER: usize = 64;

/// The runs of equal labels in a row: where each begins and ends.
pub(crate) struct Runs<'a, L> {
    row: &'a [L],
    start: usize,
    /// A bit for each of the labels before `next` that differs from the one after it.
    changes: u64,
    next: usize,
}

impl<'a, L: Label> Runs<'a, L> {
    #[inline(always)]
    pub fn of(row: &'a [L]) -> Self {
        Self { row, start: 0, changes: 0, next: 0 }
    }
}

impl<L: Label> Iterator for Runs<'_, L> {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let start = self.start;
        if start == self.row.len() {
            return None;
        }
        while self.changes == 0 {
            let rest = self.row.get(self.next..).unwrap_or(&[]);
            if rest.len() < 2 {
                self.start = self.row.len();
                return Some((start, self.start));
            }
            self.changes = match rest.first_chunk() {
                Some(labels) => changes(labels),
                None => changes_of_few(rest),
            };
            self.next += TOGETHER;
        }
        let last = self.next - TOGETHER + self.changes.trailing_zeros() as usize;
        self.changes &= self.changes - 1;
        self.start = last + 1;
        Some((start, self.start))
    }
}

/// A bit for each label that differs from the one after it, whose own is not asked for.
#[inline(always)]
fn changes<L: Label>(labels: &[L; TOGETHER + 1]) -> u64 {
    let differ: [u8; TOGETHER] = std::array::from_fn(|at| u8::from(labels[at] != labels[at + 1]));
    let mut bits = 0;
    for (k, &eight) in differ.as_chunks().0.iter().enumerate() {
        // The product has the lowest bit of each byte in its highest byte.
        let product = u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080);
        bits |= (product >> 56) << (8 * k);
    }
    bits
}

/// The same of fewer labels.
#[inline(always)]
fn changes_of_few<L: Label>(labels: &[L]) -> u64 {
    let mut padded = [labels[labels.len() - 1]; TOGETHER + 1];
    padded[..labels.len()].copy_from_slice(labels);
    changes(&padded)
}

/// The labels of a map but for the background, rising.
///
/// # Errors
///
/// [`Memory`](crate::Error::Memory), [`Interrupted`](crate::Error::Interrupted).
///
/// ```
/// use dice_loss_morphology::labels_present;
/// assert_eq!(labels_present(&[3, 0, 0, -1, 3])?, [-1, 3]);
/// # Ok::<(), dice_loss_morphology::Error>(())
/// ```
pub fn labels_present<L: Label>(labels: &[L]) -> Result<Vec<L>> {
    let patience = Patience::current();
    let found = labels
        .par_chunks(1 << 18)
        .map(|part| {
            patience.check()?;
            let mut own = BTreeSet::new();
            for (start, _) in Runs::of(part) {
                if part[start] != L::BACKGROUND {
                    own.insert(part[start]);
                }
            }
            Ok(own)
        })
        .try_reduce(BTreeSet::new, |mut all, mut more| {
            if all.len() < more.len() {
                std::mem::swap(&mut all, &mut more);
            }
            all.extend(more);
            Ok(all)
        })?;
    let mut rising = with_capacity(found.len(), "the labels of a map")?;
    rising.extend(found);
    Ok(rising)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_labels_change() {
        fn check<L: Label>(row: &[L]) {
            let ends = (1..=row.len()).filter(|&x| x == row.len() || row[x - 1] != row[x]);
            let mut start = 0;
            let wanted: Vec<_> =
                ends.map(|end| (std::mem::replace(&mut start, end), end)).collect();
            assert_eq!(Runs::of(row).collect::<Vec<_>>(), wanted, "{row:?}");
        }
        for length in [0usize, 1, 2, 31, 63, 64, 65, 66, 128, 129, 130, 200] {
            for run in [1, 2, 7, 63, 64, 65, 66, 300] {
                for first in 0..run.min(3) {
                    let row = (0..length).map(|x| (x + first) / run);
                    check(&row.clone().map(|k| k as u64).collect::<Vec<_>>());
                    check(&row.clone().map(|k| k as i16 - 2).collect::<Vec<_>>());
                    check(&row.map(|k| k % 2 == 0).collect::<Vec<_>>());
                }
            }
        }
    }
}
