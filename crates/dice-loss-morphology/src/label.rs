//! Labels: the integers of a label map, or the truths of a mask.

use std::fmt::Debug;

/// An element of a label map: any integer, or `bool` for a mask.
pub trait Label: Copy + Ord + Debug + Send + Sync + sealed::Sealed + 'static {
    /// The background: 0, or false.
    const BACKGROUND: Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! labels {
    ($($T:ty: $background:literal),+) => {$(
        impl sealed::Sealed for $T {}
        impl Label for $T {
            const BACKGROUND: Self = $background;
        }
    )+};
}

labels!(u8: 0, u16: 0, u32: 0, u64: 0, i8: 0, i16: 0, i32: 0, i64: 0, bool: false);

/// Labels looked at together: what differs is found without a look at each.
const TOGETHER: usize = 32;

/// Where the run of equal labels ends that begins here.
#[inline(always)]
pub(crate) fn end_of_run<L: Label>(row: &[L], start: usize) -> usize {
    let label = row[start];
    let mut end = start + 1;
    while let Some(next) = row.get(end..end + TOGETHER) {
        if next.iter().fold(false, |differs, &other| differs | (other != label)) {
            break;
        }
        end += TOGETHER;
    }
    end + row[end..].iter().position(|&other| other != label).unwrap_or(row.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_labels_change() {
        for length in [1usize, 2, 31, 32, 33, 64, 100] {
            for end in 1..=length {
                let row: Vec<u16> = (0..length).map(|x| if x < end { 7 } else { 9 }).collect();
                assert_eq!(end_of_run(&row, 0), end, "{length}");
                assert_eq!(end_of_run(&row, end - 1), end, "{length}");
            }
        }
    }
}
