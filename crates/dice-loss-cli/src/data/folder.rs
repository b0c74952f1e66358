//! Own data: a folder of images and a folder of masks, paired by their names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use image::ImageFormat;

use super::{
    Case, DataError, Dataset, Fault, Faults, MAX_CLASSES, Mask, Origin, Problem, Scan, assemble,
    nifti, raster,
};

#[derive(Debug, Clone, Copy)]
enum Format {
    Picture(ImageFormat),
    Nifti,
}

/// Reads pairs of `images/NAME.*` and `masks/NAME.*`, PNG, TIFF or NIfTI, and splits them.
///
/// A mask of nothing but background is a fault unless `allow_empty`.
///
/// # Errors
/// [`DataError::Faults`] with everything that is wrong with any file, and what [`assemble`] refuses.
pub fn folder(
    images: &Path,
    masks: &Path,
    validation_fraction: Option<f64>,
    seed: u64,
    allow_empty: bool,
) -> Result<Dataset, DataError> {
    let mut faults = vec![];
    let image_files = list(images, &mut faults);
    let mask_files = list(masks, &mut faults);
    unpaired(images, &image_files, masks, &mask_files, &mut faults);

    let mut cases = vec![];
    for (stem, image) in &image_files {
        if let Some(mask) = mask_files.get(stem) {
            cases.extend(case(stem, image, mask, allow_empty, &mut faults));
        }
    }
    if !faults.is_empty() {
        return Err(DataError::Faults(Faults(faults)));
    }
    let files = cases.len();
    let slices: usize = cases.iter().map(|case| case.scan.extent.depth).sum();
    assemble(cases, origin(images, masks, files, slices, validation_fraction, seed))
}

fn origin(
    images: &Path,
    masks: &Path,
    files: usize,
    slices: usize,
    validation_fraction: Option<f64>,
    seed: u64,
) -> Origin {
    let held_out = if files == 1 {
        "Blocks of slices of the one volume are held out, with a slice left out at each border; training and \
         validation see the same volume."
    } else {
        "Whole files are held out. Where several files show one patient, training and validation may share that \
         patient."
    };
    Origin {
        title: format!("{} with {}", images.display(), masks.display()),
        statement: format!(
            "{files} {} with {slices} {}. {held_out}",
            if files == 1 { "image" } else { "images" },
            if slices == 1 { "slice" } else { "slices" },
        ),
        names: BTreeMap::new(),
        validation_fraction,
        seed,
    }
}

/// Readable files by stem, in the order of their stems.
fn list(folder: &Path, faults: &mut Vec<Fault>) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(Fault { path: folder.into(), problem: error.into() });
            return files;
        }
    };
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Some((stem, _)) = stem_and_format(&path) else {
            continue;
        };
        if let Some(other) = files.get(&stem).cloned() {
            faults.push(Fault { path, problem: Problem::SameStem { stem, other } });
        } else {
            files.insert(stem, path);
        }
    }
    if files.is_empty() {
        faults.push(Fault { path: folder.into(), problem: Problem::EmptyFolder });
    }
    files
}

/// The name without its extension, and the format that the extension promises.
fn stem_and_format(path: &Path) -> Option<(String, Format)> {
    let name = path.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let formats = [
        (".png", Format::Picture(ImageFormat::Png)),
        (".tif", Format::Picture(ImageFormat::Tiff)),
        (".tiff", Format::Picture(ImageFormat::Tiff)),
        (".nii", Format::Nifti),
        (".nii.gz", Format::Nifti),
    ];
    let (extension, format) =
        formats.into_iter().find(|(extension, _)| lower.ends_with(extension))?;
    let stem = &name[..name.len() - extension.len()];
    (!stem.is_empty() && !stem.starts_with('.')).then(|| (stem.to_owned(), format))
}

fn unpaired(
    images: &Path,
    image_files: &BTreeMap<String, PathBuf>,
    masks: &Path,
    mask_files: &BTreeMap<String, PathBuf>,
    faults: &mut Vec<Fault>,
) {
    for (stem, path) in image_files.iter().filter(|(stem, _)| !mask_files.contains_key(*stem)) {
        let problem = Problem::NoMask { stem: stem.clone(), folder: masks.into() };
        faults.push(Fault { path: path.clone(), problem });
    }
    for (stem, path) in mask_files.iter().filter(|(stem, _)| !image_files.contains_key(*stem)) {
        let problem = Problem::NoImage { stem: stem.clone(), folder: images.into() };
        faults.push(Fault { path: path.clone(), problem });
    }
}

fn case(
    stem: &str,
    image: &Path,
    mask: &Path,
    allow_empty: bool,
    faults: &mut Vec<Fault>,
) -> Option<Case> {
    let mut note = |path: &Path, problem| faults.push(Fault { path: path.into(), problem });
    let scan = read_image(image).map_err(|problem| note(image, problem)).ok();
    let labels = read_mask(mask, allow_empty).map_err(|problem| note(mask, problem)).ok();
    let (scan, labels) = (scan?, labels?);
    if scan.extent != labels.extent {
        note(mask, Problem::Extent { found: labels.extent, wanted: scan.extent });
        return None;
    }
    Some(Case { name: stem.into(), scan, mask: labels })
}

fn read_image(path: &Path) -> Result<Scan, Problem> {
    let bytes = fs::read(path)?;
    let mut scan = match stem_and_format(path) {
        Some((_, Format::Picture(format))) => raster::decode_image(&bytes, format)?,
        _ => nifti::decode_image(&bytes)?,
    };
    if scan.standardise() { Ok(scan) } else { Err(Problem::NotFinite) }
}

fn read_mask(path: &Path, allow_empty: bool) -> Result<Mask, Problem> {
    let bytes = fs::read(path)?;
    let mask = match stem_and_format(path) {
        Some((_, Format::Picture(format))) => raster::decode_mask(&bytes, format)?,
        _ => nifti::decode_mask(&bytes)?,
    };
    let values: BTreeSet<u16> = mask.values.iter().copied().collect();
    if values.len() > MAX_CLASSES {
        return Err(Problem::TooManyClasses { found: values.len(), wanted: MAX_CLASSES });
    }
    if !allow_empty && values.iter().all(|&value| value == 0) {
        return Err(Problem::EmptyMask);
    }
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};
    use tempfile::TempDir;

    use super::*;

    /// Two folders with pictures: a value at one pixel of an otherwise black image.
    struct Folders(TempDir);

    impl Folders {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            fs::create_dir(folder.path().join("images")).unwrap();
            fs::create_dir(folder.path().join("masks")).unwrap();
            Self(folder)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn picture(&self, name: &str, size: u32, value: u8) -> &Self {
            let picture =
                GrayImage::from_fn(size, size, |x, y| Luma([if x + y == 1 { value } else { 0 }]));
            picture.save(self.path(name)).unwrap();
            self
        }

        fn pair(&self, stem: &str) -> &Self {
            self.picture(&format!("images/{stem}.png"), 6, 99).picture(
                &format!("masks/{stem}.png"),
                6,
                255,
            )
        }

        fn read(&self) -> Result<Dataset, DataError> {
            folder(&self.path("images"), &self.path("masks"), Some(0.5), 0, false)
        }

        fn faults(&self) -> Vec<Fault> {
            match self.read() {
                Err(DataError::Faults(Faults(faults))) => faults,
                other => panic!("wanted faults, found {other:?}"),
            }
        }
    }

    #[test]
    fn pairs_are_found_by_stem_across_formats() {
        let folders = Folders::new();
        folders.pair("a").picture("images/b.tif", 6, 50).picture("masks/b.png", 6, 255);
        let volume = nifti::tests::encode([6, 6, 1], None, &[0, 1].repeat(18));
        fs::write(folders.path("images/c.v2.nii"), &volume).unwrap();
        fs::write(folders.path("masks/c.v2.nii"), &volume).unwrap();
        fs::write(folders.path("images/notes.txt"), "not an image").unwrap();
        let data = folders.read().unwrap();
        let names: Vec<&str> = data.slices.iter().map(|slice| slice.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c.v2"]);
        assert_eq!(data.classes.len(), 3, "0, 1 and 255");
    }

    #[test]
    fn every_fault_is_reported_with_its_file() {
        let folders = Folders::new();
        folders.pair("good").picture("images/alone.png", 6, 9).picture("masks/widow.png", 6, 1);
        folders.pair("wide").picture("masks/wide.png", 7, 255);
        folders.pair("blank").picture("masks/blank.png", 6, 0);
        folders.pair("broken");
        fs::write(folders.path("images/broken.png"), "not a PNG").unwrap();
        fs::write(folders.path("images/good.tiff"), "second").unwrap();
        let faults = folders.faults();
        let found = |name: &str, wanted: fn(&Problem) -> bool| {
            assert!(
                faults.iter().any(|f| f.path.ends_with(name) && wanted(&f.problem)),
                "{name} in {faults:?}"
            );
        };
        found("images/alone.png", |p| matches!(p, Problem::NoMask { .. }));
        found("masks/widow.png", |p| matches!(p, Problem::NoImage { .. }));
        found("masks/wide.png", |p| matches!(p, Problem::Extent { .. }));
        found("masks/blank.png", |p| matches!(p, Problem::EmptyMask));
        found("images/broken.png", |p| matches!(p, Problem::Undecodable { .. }));
        found("images/good.tiff", |p| matches!(p, Problem::SameStem { .. }));
        assert_eq!(faults.len(), 6);
    }

    #[test]
    fn empty_and_missing_folders_are_faults() {
        let folders = Folders::new();
        assert!(folders.faults().iter().all(|fault| matches!(fault.problem, Problem::EmptyFolder)));
        fs::remove_dir(folders.path("masks")).unwrap();
        assert!(matches!(folders.faults()[1].problem, Problem::Unreadable(_)));
    }

    #[test]
    fn empty_masks_pass_when_allowed() {
        let folders = Folders::new();
        folders.pair("a").pair("b").pair("blank").picture("masks/blank.png", 6, 0);
        let data =
            folder(&folders.path("images"), &folders.path("masks"), Some(0.3), 0, true).unwrap();
        assert_eq!(data.slices.len(), 3);
    }
}
