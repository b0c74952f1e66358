//! Which files of a folder are read, and which mask belongs to which image, by their names alone.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use image::ImageFormat;

use super::{
    Fault, Problem,
    fault::{named, printable},
};

/// What stands at the end of an image's name and not of its mask's.
const OF_IMAGES: [&str; 5] = ["_image", "_img", "-image", "_leftImg8bit", "_training"];

/// What stands at the end of a mask's name and not of its image's.
const OF_MASKS: [&str; 13] = [
    "_mask",
    "-mask",
    "_masks",
    "_label",
    "_labels",
    "-labels",
    "_seg",
    "_segmentation",
    "_gt",
    "_L",
    "_gtFine_labelIds",
    "_gtFine_labelTrainIds",
    "_manual1",
];

/// Digits of a channel's number at the end of an image's name, as nnU-Net writes it.
const CHANNEL: usize = 4;

/// What a file's name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One picture.
    Picture(ImageFormat),
    /// Pages.
    Tiff,
    /// A volume.
    Nifti,
}

const FORMATS: [(&str, Format); 7] = [
    (".png", Format::Picture(ImageFormat::Png)),
    (".jpg", Format::Picture(ImageFormat::Jpeg)),
    (".jpeg", Format::Picture(ImageFormat::Jpeg)),
    (".tif", Format::Tiff),
    (".tiff", Format::Tiff),
    (".nii", Format::Nifti),
    (".nii.gz", Format::Nifti),
];

/// A file's name without its extension, as the system has it: it need not be text.
pub type Stem = Vec<u8>;

/// How a stem is read to find its partner.
type Reading<'a> = &'a dyn Fn(&[u8]) -> Option<Stem>;

/// Readable files by their stems.
pub type Files = BTreeMap<Stem, PathBuf>;

/// An image with its mask.
#[derive(Debug, PartialEq)]
pub struct Pair {
    /// What both are called, for readers.
    pub name: String,
    /// The image, or its channels in their order.
    pub images: Vec<PathBuf>,
    /// The mask.
    pub mask: PathBuf,
}

/// The stem, and the format that the extension promises.
pub fn stem_and_format(path: &Path) -> Option<(Stem, Format)> {
    let name = path.file_name()?.as_encoded_bytes();
    let lower = name.to_ascii_lowercase();
    let (extension, format) =
        FORMATS.into_iter().find(|(extension, _)| lower.ends_with(extension.as_bytes()))?;
    let stem = &name[..name.len() - extension.len()];
    (!stem.is_empty() && !stem.starts_with(b".")).then(|| (stem.to_vec(), format))
}

/// Readable files in the order of their stems; what is passed over is noted.
pub fn list(folder: &Path, faults: &mut Vec<Fault>, notes: &mut Vec<String>) -> Files {
    let mut files = Files::new();
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(Fault { path: folder.into(), problem: error.into() });
            return files;
        }
    };
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let mut passed_over = vec![];
    for path in paths {
        match stem_and_format(&path) {
            None => passed_over.push(printable(path.file_name().unwrap_or_default())),
            Some((stem, _)) => match files.get(&stem).cloned() {
                Some(other) => faults.push(Fault { path, problem: Problem::SameStem { other } }),
                None => _ = files.insert(stem, path),
            },
        }
    }
    if !passed_over.is_empty() {
        notes.push(format!(
            "passed over in {}: {}, which by name are no PNG, JPEG, TIFF or NIfTI, or hidden",
            printable(folder),
            named(passed_over.into_iter())
        ));
    }
    if files.is_empty() {
        faults.push(Fault { path: folder.into(), problem: Problem::EmptyFolder });
    }
    files
}

/// Images with their masks: by the same stem, then without what only an image's or only a mask's name has at its end,
/// then without the number of a channel, of which an image may have several.
///
/// In a single folder, masks are the files whose names end as masks' do.
pub fn pairs(
    [image_folder, mask_folder]: [&Path; 2],
    mut images: Files,
    mut masks: Files,
    faults: &mut Vec<Fault>,
) -> Vec<Pair> {
    let ends_as_mask = |stem: &[u8]| without(stem, &OF_MASKS).is_some();
    if image_folder == mask_folder && images.keys().any(|stem| ends_as_mask(stem)) {
        images.retain(|stem, _| !ends_as_mask(stem));
        masks.retain(|stem, _| ends_as_mask(stem));
    }
    let itself = |stem: &[u8]| Some(stem.to_vec());
    let shortened = |stem: &[u8]| without(stem, &OF_MASKS);
    let plain = |stem: &[u8]| without(stem, &OF_IMAGES);
    let mut pairs = vec![];
    let readings: [Reading; 3] = [&itself, &plain, &without_channel];
    for of_image in readings {
        for of_mask in [&itself as Reading, &shortened] {
            pair(&mut images, of_image, &mut masks, of_mask, &mut pairs);
        }
    }
    for path in images.into_values() {
        faults.push(Fault { path, problem: Problem::NoMask { folder: mask_folder.into() } });
    }
    for path in masks.into_values() {
        faults.push(Fault { path, problem: Problem::NoImage { folder: image_folder.into() } });
    }
    pairs.sort_by(|a, b| a.mask.cmp(&b.mask));
    pairs
}

/// Moves images and masks that read alike into pairs; of masks that read alike none, since either might be meant.
fn pair(
    images: &mut Files,
    of_image: Reading,
    masks: &mut Files,
    of_mask: Reading,
    pairs: &mut Vec<Pair>,
) {
    let read = |files: &Files, reading: Reading| {
        let mut read: BTreeMap<Stem, Vec<Stem>> = BTreeMap::new();
        for stem in files.keys() {
            if let Some(reading) = reading(stem) {
                read.entry(reading).or_default().push(stem.clone());
            }
        }
        read
    };
    let (of_images, of_masks) = (read(images, of_image), read(masks, of_mask));
    for (name, mask) in of_masks {
        let ([mask], Some(channels)) = (&mask[..], of_images.get(&name)) else { continue };
        let is_channel = |stem: &Stem| without_channel(stem).is_some();
        if channels.len() > 1 && !channels.iter().all(is_channel) {
            continue;
        }
        let images = channels.iter().filter_map(|stem| images.remove(stem)).collect();
        if let Some(mask) = masks.remove(mask) {
            let name = printable(String::from_utf8_lossy(&name).as_ref());
            pairs.push(Pair { name, images, mask });
        }
    }
}

/// A stem without one of these endings.
fn without(stem: &[u8], endings: &[&str]) -> Option<Stem> {
    let longest = endings.iter().filter(|ending| stem.ends_with(ending.as_bytes()));
    let ending = longest.max_by_key(|ending| ending.len())?;
    Some(stem[..stem.len() - ending.len()].to_vec()).filter(|stem| !stem.is_empty())
}

fn without_channel(stem: &[u8]) -> Option<Stem> {
    let (rest, number) = stem.split_at_checked(stem.len().checked_sub(CHANNEL)?)?;
    let rest = rest.strip_suffix(b"_").filter(|rest| !rest.is_empty())?;
    number.iter().all(u8::is_ascii_digit).then(|| rest.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Files {
        names
            .iter()
            .map(|name| {
                let path = PathBuf::from(name);
                (stem_and_format(&path).unwrap().0, path)
            })
            .collect()
    }

    fn paired(images: &[&str], masks: &[&str]) -> (Vec<String>, usize) {
        let mut faults = vec![];
        let folders = ["images", "masks"].map(Path::new);
        let pairs = pairs(folders, files(images), files(masks), &mut faults);
        let text = |pair: &Pair| {
            let images: Vec<String> = pair.images.iter().map(printable).collect();
            format!("{}: {} | {}", pair.name, images.join(" "), printable(&pair.mask))
        };
        (pairs.iter().map(text).collect(), faults.len())
    }

    #[test]
    fn names_pair_as_they_are_or_without_their_endings() {
        for (image, mask) in [
            ("a.jpg", "a.png"),
            ("a.jpg", "a_mask.png"),
            ("a_0001.png", "a_0001_seg.png"),
            ("ISIC_0000000.jpg", "ISIC_0000000_segmentation.png"),
            ("case_0000.nii.gz", "case.nii.gz"),
            ("x_000000_000019_leftImg8bit.png", "x_000000_000019_gtFine_labelTrainIds.png"),
            ("0001TP_006690.png", "0001TP_006690_L.png"),
            ("21_training.tif", "21_manual1.tif"),
        ] {
            let (pairs, faults) = paired(&[image], &[mask]);
            assert_eq!((pairs.len(), faults), (1, 0), "{image} {mask}");
        }
    }

    #[test]
    fn channels_of_an_image_stay_together() {
        let images = ["a_0000.nii", "a_0001.nii", "b_0000.nii", "b_0001.nii"];
        let (pairs, faults) = paired(&images, &["a.nii", "b.nii"]);
        assert_eq!(pairs, ["a: a_0000.nii a_0001.nii | a.nii", "b: b_0000.nii b_0001.nii | b.nii"]);
        assert_eq!(faults, 0);
        let (pairs, faults) = paired(&["a_0000.png", "a_0001.png"], &["a_0000.png", "a_0001.png"]);
        assert_eq!((pairs.len(), faults), (2, 0), "numbers of files that masks have as well");
    }

    #[test]
    fn what_might_mean_two_things_is_not_paired() {
        let (pairs, faults) = paired(&["a.png"], &["a_mask.png", "a_seg.png"]);
        assert_eq!((pairs.len(), faults), (0, 3));
        let (pairs, faults) = paired(&["a.png", "b.png"], &["a.png", "c_mask.png"]);
        assert_eq!((pairs.len(), faults), (1, 2));
    }

    #[test]
    fn one_folder_may_hold_both() {
        let both = files(&["a.jpg", "a_mask.png", "b.jpg", "b_mask.png"]);
        let mut faults = vec![];
        let pairs = pairs([Path::new("d"); 2], both.clone(), both, &mut faults);
        assert_eq!((pairs.len(), faults.len()), (2, 0));
    }
}
