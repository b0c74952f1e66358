//! Which slices train and which are held out.

use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use super::DataError;

/// Share of the slices that is held out where blocks of one volume are, unless another is asked for.
pub const VOLUME_FRACTION: f64 = 1.0 / 3.0;

/// Share of the files that is held out, unless another is asked for.
pub const FILES_FRACTION: f64 = 0.2;

/// Validation slices in a row when one volume is split within itself.
const BLOCK: usize = 2;

/// Splits that are tried for one in which every class is on both sides.
const ATTEMPTS: usize = 64;

/// Slice numbers on each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Crops are taken from these.
    pub training: Vec<usize>,
    /// Never trained on; all scores are measured on these.
    pub validation: Vec<usize>,
    /// Neighbours of validation slices within one volume, in neither side.
    pub left_out: Vec<usize>,
}

/// Splits whole cases at random, or a single volume into interleaved blocks with a slice left out at each border.
///
/// `depths` are the slices of each case, `presence` says for each slice which classes it holds. Of several
/// candidates the first is taken that lacks the fewest classes on either side.
///
/// # Errors
/// [`DataError::TooFew`] where nothing can be held out.
pub fn split(
    depths: &[usize],
    presence: &[Vec<bool>],
    fraction: f64,
    seed: u64,
) -> Result<Split, DataError> {
    let candidates: Vec<Split> = match depths {
        [] => vec![],
        [depth] => interleaved(*depth, fraction),
        many => shuffled(many, fraction, seed),
    };
    let uncovered = |split: &Split| {
        [&split.training, &split.validation]
            .map(|side| lacking(side, presence).count())
            .iter()
            .sum::<usize>()
    };
    candidates.into_iter().min_by_key(uncovered).ok_or_else(|| DataError::TooFew {
        found: match depths {
            [depth] => format!("one image with {depth} slices"),
            _ => "no image".into(),
        },
        wanted: "two images, or one volume of at least 4 slices,",
    })
}

/// Labels that some slice holds, but none on this side.
pub fn lacking<'a>(
    side: &'a [usize],
    presence: &'a [Vec<bool>],
) -> impl Iterator<Item = usize> + 'a {
    let classes = presence.first().map_or(0, Vec::len);
    (1..classes).filter(move |&label| {
        presence.iter().any(|slice| slice[label])
            && !side.iter().any(|&slice| presence[slice][label])
    })
}

/// Training block, gap, validation block, gap, and again; one candidate for each place to begin.
fn interleaved(depth: usize, fraction: f64) -> Vec<Split> {
    let block = BLOCK.min((depth / 4).max(1));
    let train = (block as f64 * (1.0 - fraction) / fraction).round().max(1.0) as usize;
    let train = train.min(depth.saturating_sub(block + 1).max(1));
    let period = train + block + 2;
    let candidate = |phase: usize| {
        let mut split = Split { training: vec![], validation: vec![], left_out: vec![] };
        for slice in 0..depth {
            match (slice + phase) % period {
                p if p < train => split.training.push(slice),
                p if p > train && p <= train + block => split.validation.push(slice),
                _ => split.left_out.push(slice),
            }
        }
        split
    };
    (0..period)
        .map(candidate)
        .filter(|s| !s.training.is_empty() && !s.validation.is_empty())
        .collect()
}

fn shuffled(depths: &[usize], fraction: f64, seed: u64) -> Vec<Split> {
    let held_out = (depths.len() as f64 * fraction).round() as usize;
    let held_out = held_out.clamp(1, depths.len() - 1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..depths.len()).collect();
    let first_slice = |case: usize| depths[..case].iter().sum::<usize>();
    let candidate = |_| {
        order.shuffle(&mut rng);
        let side = |cases: &[usize]| {
            let mut slices: Vec<usize> =
                cases.iter().flat_map(|&case| first_slice(case)..first_slice(case + 1)).collect();
            slices.sort_unstable();
            slices
        };
        let (validation, training) = order.split_at(held_out);
        Split { training: side(training), validation: side(validation), left_out: vec![] }
    };
    (0..ATTEMPTS).map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everywhere(slices: usize) -> Vec<Vec<bool>> {
        vec![vec![true, true]; slices]
    }

    fn is_partition(split: &Split, slices: usize) -> bool {
        let mut all = [&split.training[..], &split.validation, &split.left_out].concat();
        all.sort_unstable();
        all.into_iter().eq(0..slices)
    }

    #[test]
    fn no_training_slice_touches_a_validation_slice_of_its_volume() {
        for depth in 4..60 {
            for fraction in [0.05, 0.2, 1.0 / 3.0, 0.5, 0.9] {
                let split = split(&[depth], &everywhere(depth), fraction, 0).unwrap();
                assert!(is_partition(&split, depth));
                assert!(!split.training.is_empty() && !split.validation.is_empty());
                for &v in &split.validation {
                    assert!(
                        split.training.iter().all(|&t| t.abs_diff(v) > 1),
                        "{depth} {fraction} {split:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn volumes_stay_whole_and_the_seed_decides() {
        let depths = [3, 1, 4, 2, 5];
        let [one, again, other] =
            [1, 1, 2].map(|seed| split(&depths, &everywhere(15), 0.4, seed).unwrap());
        assert_eq!(one, again);
        assert_ne!(one, other);
        assert!(is_partition(&one, 15) && one.left_out.is_empty());
        let first = 0..3;
        let held_out = first.clone().filter(|slice| one.validation.contains(slice)).count();
        assert!(held_out == 0 || held_out == first.len());
    }

    #[test]
    fn a_class_in_two_of_twenty_files_ends_on_both_sides() {
        let presence: Vec<Vec<bool>> = (0..20).map(|file| vec![true, file < 2]).collect();
        for seed in 0..20 {
            let split = split(&[1; 20], &presence, 0.1, seed).unwrap();
            assert_eq!(lacking(&split.training, &presence).count(), 0);
            assert_eq!(lacking(&split.validation, &presence).count(), 0);
        }
    }

    #[test]
    fn too_little_to_hold_out_is_an_error() {
        assert!(matches!(split(&[1], &everywhere(1), 0.2, 0), Err(DataError::TooFew { .. })));
        assert!(matches!(split(&[], &[], 0.2, 0), Err(DataError::TooFew { .. })));
    }
}
