//! Shapes that front ends take: what says one thing for several voxels or samples, as in NumPy.
//!
//! The engine itself wants a value for each voxel. A stride of 0 gives it one without a copy.

use crate::{Error, Result};

/// The shape [N or 1, spatial or 1…] of which [N, spatial…] is the broadcast, to fit logits
/// [N, C, spatial…].
///
/// There may be a channel axis of 1. An axis of 1 holds all along it; [spatial…] holds for every
/// sample, and `[N]` for every voxel of a sample.
///
/// ```
/// use dice_loss::broadcast::over_voxels;
/// let logits = [2, 3, 4, 5];
/// assert_eq!(over_voxels("mask", &[2, 4, 5], &logits)?, [2, 4, 5]);
/// assert_eq!(over_voxels("mask", &[2, 1, 1, 1], &logits)?, [2, 1, 1]);
/// assert_eq!(over_voxels("mask", &[4, 5], &logits)?, [1, 4, 5]);
/// assert_eq!(over_voxels("mask", &[2], &logits)?, [2, 1, 1]);
/// # Ok::<(), dice_loss::Error>(())
/// ```
pub fn over_voxels(what: &'static str, found: &[usize], logits: &[usize]) -> Result<Vec<usize>> {
    let (samples, spatial) = axes(logits)?;
    let wanted = [&[samples], spatial].concat();
    let shape = match found.len() {
        axes if axes == spatial.len() + 2 && found[1] == 1 => [&found[..1], &found[2..]].concat(),
        axes if axes == spatial.len() + 1 => found.to_vec(),
        _ => {
            let (of_samples, of_voxels) = (*found == [samples], found == spatial);
            if of_samples && of_voxels && samples > 1 {
                let wanted = format!(
                    "[{samples}, 1] or [1, {samples}]: it is the shape of the samples and of the voxels"
                );
                return Err(Error::Shape { what, found: found.to_vec(), wanted });
            }
            match (of_voxels, of_samples) {
                (true, _) => [&[1], spatial].concat(),
                (false, true) => [&[samples], &*vec![1; spatial.len()]].concat(),
                (false, false) => found.to_vec(),
            }
        }
    };
    let fits = |(&size, &full): (&usize, &usize)| size == 1 || size == full;
    if shape.len() == wanted.len() && shape.iter().zip(&wanted).all(fits) {
        return Ok(shape);
    }
    let wanted = format!(
        "{wanted:?}, with 1 for what holds along an axis, {spatial:?} for all samples or \
         [{samples}] for each, to fit the logits"
    );
    Err(Error::Shape { what, found: found.to_vec(), wanted })
}

/// Which classes were annotated, N × C, of what may hold for every sample: C entries.
///
/// ```
/// use dice_loss::broadcast::over_samples;
/// let valid = over_samples(vec![true, false], &[2, 2, 4, 5])?;
/// assert_eq!(valid, [true, false, true, false]);
/// # Ok::<(), dice_loss::Error>(())
/// ```
pub fn over_samples(valid: Vec<bool>, logits: &[usize]) -> Result<Vec<bool>> {
    let [samples, classes, ..] = *logits else { return Err(misshapen(logits)) };
    if valid.len() == samples * classes {
        return Ok(valid);
    }
    if valid.len() == classes {
        return Ok(valid.repeat(samples));
    }
    Err(Error::Shape {
        what: "class validity",
        found: vec![valid.len()],
        wanted: format!("N × C = {samples} × {classes} entries, or {classes} for all samples"),
    })
}

/// Whether a label map is [N, spatial…] or [N, 1, spatial…], to fit logits [N, C, spatial…]. Says how
/// logits [N, H, W] were read, which have H channels.
pub fn check_labels(found: &[usize], logits: &[usize]) -> Result<()> {
    let (samples, spatial) = axes(logits)?;
    let wanted = [&[samples], spatial].concat();
    let with_channel = [&[samples, 1], spatial].concat();
    if *found == wanted || *found == with_channel {
        return Ok(());
    }
    let mut wanted = format!("{wanted:?} or {with_channel:?}, to fit the logits");
    if let ([samples, channels, voxels], true) = (logits, found == logits) {
        wanted += &format!(
            ", which are read as {channels} channels of {voxels} voxels; images of one channel are \
             [{samples}, 1, {channels}, {voxels}]"
        );
    }
    Err(Error::Shape { what: "labels", found: found.to_vec(), wanted })
}

fn axes(logits: &[usize]) -> Result<(usize, &[usize])> {
    match logits {
        [samples, _, spatial @ ..] => Ok((*samples, spatial)),
        _ => Err(misshapen(logits)),
    }
}

fn misshapen(logits: &[usize]) -> Error {
    let wanted = "[batch_size, classes, spatial…]".into();
    Error::Shape { what: "logits", found: logits.to_vec(), wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(found: &[usize], logits: &[usize]) -> String {
        over_voxels("mask", found, logits).unwrap_err().to_string()
    }

    #[test]
    fn one_value_for_many_voxels() {
        let logits = [2, 3, 4, 5];
        let found = |shape: &[usize]| over_voxels("mask", shape, &logits).unwrap();
        assert_eq!(found(&[2, 1, 4, 5]), [2, 4, 5]);
        assert_eq!(found(&[1, 1, 4, 5]), [1, 4, 5]);
        assert_eq!(found(&[1, 4, 5]), [1, 4, 5]);
        assert_eq!(found(&[2, 4, 1]), [2, 4, 1]);
        assert_eq!(found(&[1, 1, 1]), [1, 1, 1]);
        // Without spatial axes a sample is a voxel.
        assert_eq!(over_voxels("mask", &[2], &[2, 3]).unwrap(), [2]);
    }

    #[test]
    fn what_fits_nothing_says_what_would() {
        assert_eq!(
            refused(&[2, 4, 4], &[2, 3, 4, 5]),
            "mask: found shape [2, 4, 4], wanted [2, 4, 5], with 1 for what holds along an axis, \
             [4, 5] for all samples or [2] for each, to fit the logits"
        );
        assert!(
            refused(&[3], &[2, 3, 4, 5]).starts_with("mask: found shape [3], wanted [2, 4, 5]")
        );
        assert!(refused(&[2, 3, 4, 5], &[2, 3, 4, 5]).contains("wanted [2, 4, 5]"));
        assert!(refused(&[], &[2, 3, 4, 5]).contains("wanted [2, 4, 5]"));
        assert_eq!(
            refused(&[4], &[4, 3, 4]),
            "mask: found shape [4], wanted [4, 1] or [1, 4]: it is the shape of the samples and of \
             the voxels"
        );
        assert!(refused(&[2], &[2]).starts_with("logits: found shape [2]"));
    }

    #[test]
    fn images_without_a_channel_are_told_how_they_were_read() {
        let error = check_labels(&[2, 16, 20], &[2, 16, 20]).unwrap_err().to_string();
        assert_eq!(
            error,
            "labels: found shape [2, 16, 20], wanted [2, 20] or [2, 1, 20], to fit the logits, which \
             are read as 16 channels of 20 voxels; images of one channel are [2, 1, 16, 20]"
        );
        assert_eq!(check_labels(&[2, 20], &[2, 16, 20]), Ok(()));
        assert_eq!(check_labels(&[2, 1, 20], &[2, 16, 20]), Ok(()));
    }
}
