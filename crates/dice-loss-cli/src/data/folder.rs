//! Own data: a folder of images and a folder of masks, paired by their names.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Case, DataError, Dataset, Fault, Faults, Geometry, MAX_VOXELS, Mask, Origin, Problem, Scan,
    assemble,
    fault::{named, printable},
    file::{read_image, read_mask},
    memory,
    names::{self, Pair},
    raster::Colours,
};

/// Bytes of a voxel's intensity and of its mask value while files are read.
const OF_INTENSITY: u64 = 4;
const OF_VALUE: u64 = 2;

/// Own data, and how it is read.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Where the images lie.
    pub images: PathBuf,
    /// Where the masks lie.
    pub masks: PathBuf,
    /// Share of the files to hold out; without one, what is usual.
    pub validation_fraction: Option<f64>,
    /// Decides which files are held out.
    pub seed: u64,
    /// Mask values of voxels that do not count.
    pub ignored: Vec<u16>,
    /// Whether masks are taken voxel by voxel, wherever their headers say that they lie.
    pub ignore_geometry: bool,
}

/// What is said while cases are read.
struct Reading<'a> {
    folders: &'a Folders,
    faults: Vec<Fault>,
    /// Bytes that further voxels may take.
    left: u64,
    /// Colours that masks have instead of numbers.
    colours: Colours,
    /// Cases of which only one side says where it lies.
    unoriented: Vec<String>,
    /// Cases whose headers disagree, taken voxel by voxel as asked for.
    elsewhere: Vec<String>,
}

/// Reads pairs of images and masks, PNG, JPEG, TIFF or NIfTI, and splits them.
///
/// # Errors
/// [`DataError::Faults`] with everything that is wrong with any file, and what [`assemble`] refuses.
pub fn folder(folders: &Folders) -> Result<Dataset, DataError> {
    let (mut faults, mut notes) = (vec![], vec![]);
    let [images, masks] = [&folders.images, &folders.masks].map(PathBuf::as_path);
    let image_files = names::list(images, &mut faults, &mut notes);
    let mask_files = names::list(masks, &mut faults, &mut notes);
    let both_listed = !image_files.is_empty() && !mask_files.is_empty();
    let pairs = if both_listed {
        names::pairs([images, masks], image_files, mask_files, &mut faults)
    } else {
        vec![]
    };
    notes.dedup();

    let left = memory::allowance();
    let mut reading = Reading {
        folders,
        faults,
        left,
        colours: Colours::default(),
        unoriented: vec![],
        elsewhere: vec![],
    };
    let cases: Vec<Case> = pairs.into_iter().filter_map(|pair| reading.case(pair)).collect();
    notes.extend(reading.notes());
    reading.same_channels(&cases);
    if !reading.faults.is_empty() {
        return Err(DataError::Faults(Faults { faults: reading.faults, notes }));
    }
    let files = cases.len();
    let slices: usize = cases.iter().map(|case| case.scan.extent.depth).sum();
    let names = reading.colours.names();
    if !names.is_empty() {
        notes.push(
            "masks are in colour; each colour was taken as a class, black as background".into(),
        );
    }
    assemble(cases, Origin { names, ..origin(folders, files, slices, notes) })
}

fn origin(folders: &Folders, files: usize, slices: usize, notes: Vec<String>) -> Origin {
    let held_out = if files == 1 {
        "Blocks of slices of the one volume are held out, with a slice left out at each border; training and \
         validation see the same volume."
    } else {
        "Whole files are held out. Where several files show one patient, training and validation may share that \
         patient."
    };
    Origin {
        title: format!("{} with {}", printable(&folders.images), printable(&folders.masks)),
        statement: format!(
            "{files} {} with {slices} {}. {held_out}",
            if files == 1 { "image" } else { "images" },
            if slices == 1 { "slice" } else { "slices" },
        ),
        names: BTreeMap::new(),
        masks: folders.masks.clone(),
        ignored: folders.ignored.clone(),
        notes,
        validation_fraction: folders.validation_fraction,
        seed: folders.seed,
    }
}

impl Reading<'_> {
    fn case(&mut self, pair: Pair) -> Option<Case> {
        let mut channels = vec![];
        for path in &pair.images {
            let most = self.most(OF_INTENSITY);
            let scan = self.noted(path, read_image(path, most));
            if let Some((scan, _)) = &scan {
                self.left = self.left.saturating_sub(OF_INTENSITY * scan.values.len() as u64);
            }
            channels.push(scan);
        }
        let most = self.most(OF_VALUE);
        let before = self.colours.clone();
        let mask = read_mask(&pair.mask, most, &mut self.colours);
        if mask.is_err() {
            self.colours = before;
        }
        let mask = self.noted(&pair.mask, mask);
        let channels: Vec<_> = channels.into_iter().collect::<Option<_>>()?;
        let (mask, mask_lies) = mask?;
        self.left = self.left.saturating_sub(OF_VALUE * mask.values.len() as u64);
        let (scan, lies) = self.joined(channels, &pair.images)?;
        if scan.extent != mask.extent {
            let problem = Problem::Extent { found: mask.extent, wanted: scan.extent };
            return self.noted(&pair.mask, Err(problem));
        }
        let mask = self.onto(mask, mask_lies, lies, &pair)?;
        let upright = lies.or(mask_lies).map_or([false; 3], |lies| lies.upright());
        Some(Case { name: pair.name, scan: scan.turned(upright), mask: mask.turned(upright) })
    }

    /// Voxels of so many bytes that a file may have.
    fn most(&self, bytes: u64) -> u64 {
        MAX_VOXELS.min(self.left / bytes)
    }

    fn noted<T>(&mut self, path: &Path, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.faults.push(Fault { path: path.into(), problem })).ok()
    }

    /// The channels of an image, which may lie in several files, and where its first lies.
    fn joined(
        &mut self,
        channels: Vec<(Scan, Option<Geometry>)>,
        paths: &[PathBuf],
    ) -> Option<(Scan, Option<Geometry>)> {
        let mut channels = channels.into_iter().zip(paths);
        let ((mut scan, lies), _) = channels.next()?;
        for ((other, other_lies), path) in channels {
            if other.extent != scan.extent {
                let problem = Problem::ChannelExtent { found: other.extent, wanted: scan.extent };
                return self.noted(path, Err(problem));
            }
            let turned = self.turns(other.extent, other_lies, lies, path)?;
            scan = scan.beside(&other.turned(turned));
        }
        Some((scan, lies))
    }

    /// The mask with its voxels in the order of its image's.
    fn onto(
        &mut self,
        mask: Mask,
        mask_lies: Option<Geometry>,
        image_lies: Option<Geometry>,
        pair: &Pair,
    ) -> Option<Mask> {
        if mask_lies.is_some() != image_lies.is_some() {
            self.unoriented.push(pair.name.clone());
        }
        let turned = self.turns(mask.extent, mask_lies, image_lies, &pair.mask)?;
        Some(mask.turned(turned))
    }

    /// Which axes to turn round so that voxels lie in the order of the image's; none where a header does not say.
    fn turns(
        &mut self,
        extent: super::Extent,
        lies: Option<Geometry>,
        image: Option<Geometry>,
        path: &Path,
    ) -> Option<[bool; 3]> {
        let (Some(found), Some(wanted)) = (lies, image) else { return Some([false; 3]) };
        match found.onto(&wanted, extent) {
            Ok(turned) => Some(turned),
            Err(_) if self.folders.ignore_geometry => {
                self.elsewhere.push(printable(path.file_name().unwrap_or_default()));
                Some([false; 3])
            }
            Err(apart) => self.noted(path, Err(elsewhere(apart, found, wanted))),
        }
    }

    /// Notes a fault for every image that has neither one channel nor as many as the others.
    fn same_channels(&mut self, cases: &[Case]) {
        let most = cases.iter().map(|case| case.scan.channels).max().unwrap_or(1);
        for case in cases {
            let channels = case.scan.channels;
            if channels != most && (channels != 1 || most != 3) {
                let path = self.folders.images.join(&case.name);
                self.faults.push(Fault {
                    path,
                    problem: Problem::Channels { found: channels, wanted: most },
                });
            }
        }
    }

    fn notes(&mut self) -> Vec<String> {
        let unoriented = std::mem::take(&mut self.unoriented);
        let elsewhere = std::mem::take(&mut self.elsewhere);
        let one_side = (!unoriented.is_empty()).then(|| {
            format!(
                "only one of image and mask says where it lies: {}; the mask was taken to lie voxel by voxel as the \
                 image does",
                named(unoriented.into_iter())
            )
        });
        let disagree = (!elsewhere.is_empty()).then(|| {
            format!(
                "the headers of {} place them elsewhere than the image; they were taken voxel by voxel, as asked for",
                named(elsewhere.into_iter())
            )
        });
        one_side.into_iter().chain(disagree).collect()
    }
}

fn elsewhere(apart: f64, found: Geometry, wanted: Geometry) -> Problem {
    Problem::Elsewhere { apart, found: Box::new(found), wanted: Box::new(wanted) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{GrayImage, Luma};
    use tempfile::TempDir;

    use super::*;
    use crate::data::{nifti, stack};

    /// Two folders with pictures: a value at one pixel of an otherwise black image.
    struct Given(TempDir);

    impl Given {
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

        fn folders(&self) -> Folders {
            Folders {
                images: self.path("images"),
                masks: self.path("masks"),
                validation_fraction: Some(0.5),
                seed: 0,
                ignored: vec![],
                ignore_geometry: false,
            }
        }

        fn read(&self) -> Result<Dataset, DataError> {
            folder(&self.folders())
        }

        fn faults(&self) -> Vec<Fault> {
            match self.read() {
                Err(DataError::Faults(Faults { faults, .. })) => faults,
                other => panic!("wanted faults, found {other:?}"),
            }
        }
    }

    #[test]
    fn pairs_are_found_by_stem_across_formats() {
        let folders = Given::new();
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
        let folders = Given::new();
        folders.pair("good").picture("images/alone.png", 6, 9).picture("masks/widow.png", 6, 1);
        folders.pair("wide").picture("masks/wide.png", 7, 255);
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
        found("images/broken.png", |p| matches!(p, Problem::Undecodable { .. }));
        found("images/good.tiff", |p| matches!(p, Problem::SameStem { .. }));
        assert_eq!(faults.len(), 5);
    }

    #[test]
    fn empty_and_missing_folders_are_faults() {
        let folders = Given::new();
        let faults = folders.faults();
        assert!(faults.iter().all(|fault| matches!(fault.problem, Problem::EmptyFolder)));
        assert_eq!(faults.len(), 2);
        fs::remove_dir(folders.path("masks")).unwrap();
        assert!(matches!(folders.faults()[1].problem, Problem::Unreadable(_)));
    }

    #[test]
    fn what_is_passed_over_is_noted() {
        let folders = Given::new();
        folders.pair("a").pair("b").picture("images/.c.png", 6, 1);
        fs::write(folders.path("images/d.gif"), "GIF89a").unwrap();
        let notes = folders.read().unwrap().notes;
        assert!(notes[0].contains("images: .c.png, d.gif, which"), "{notes:?}");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_pair_and_show() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let folders = Given::new();
        folders.pair("a").pair("b");
        for side in ["images", "masks"] {
            let name = OsStr::from_bytes(b"\xff\x1b.png");
            fs::rename(folders.path(side).join("b.png"), folders.path(side).join(name)).unwrap();
        }
        let data = folders.read().unwrap();
        assert_eq!(data.slices[1].name, "\u{fffd}\\u{1b}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_a_fault() {
        let folders = Given::new();
        folders.pair("a").pair("b").pair("pipe").pair("folder");
        for (name, make) in [("images/pipe.png", "mkfifo"), ("masks/folder.png", "mkdir")] {
            fs::remove_file(folders.path(name)).unwrap();
            let made = std::process::Command::new(make).arg(folders.path(name)).status().unwrap();
            assert!(made.success());
        }
        let faults = folders.faults();
        assert!(faults.iter().all(|f| matches!(f.problem, Problem::NotAFile { .. })), "{faults:?}");
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn every_page_of_a_stack_is_used() {
        let folders = Given::new();
        let pages: Vec<[u8; 3]> = (0..15).map(|page| [0, 1, page % 2]).collect();
        fs::write(folders.path("images/a.tif"), stack::tests::stack(&pages)).unwrap();
        fs::write(folders.path("masks/a.tif"), stack::tests::stack(&pages)).unwrap();
        let data = folders.read().unwrap();
        assert_eq!(data.slices.len(), 15);
        assert_eq!(data.slices[3].labels, [0, 1, 1]);
        assert_eq!(data.slices[3].name, "a, slice 3");
    }

    /// A volume whose mask holds its first voxel, both with what their headers say.
    fn volume(image: Option<[f32; 2]>, mask: Option<[f32; 2]>) -> Given {
        let folders = Given::new();
        let encode = |lies| {
            let mut voxels = [0; 24];
            (0..4).for_each(|z| voxels[6 * z] = 1);
            nifti::tests::encode([3, 2, 4], lies, &voxels)
        };
        fs::write(folders.path("images/a_0000.nii"), encode(image)).unwrap();
        fs::write(folders.path("masks/a.nii"), encode(mask)).unwrap();
        folders
    }

    #[test]
    fn a_mask_lies_as_its_image_whatever_its_header_lacks() {
        for (image, mask) in [
            (Some([1.0, 1.0]), Some([1.0, 1.0])),
            (Some([1.0, 1.0]), None),
            (None, Some([1.0, 1.0])),
            (None, None),
        ] {
            let data = volume(image, mask).read().unwrap();
            let slice = &data.slices[0];
            let at = slice.labels.iter().position(|&label| label == 1).unwrap();
            let bright = (0..6).max_by(|&a, &b| slice.image[a].total_cmp(&slice.image[b])).unwrap();
            assert_eq!(at, bright, "{image:?} {mask:?}");
            assert_eq!(at, if image.is_none() && mask.is_none() { 0 } else { 5 });
            let said = data.notes.iter().any(|note| note.contains("only one of image and mask"));
            assert_eq!(said, image.is_some() != mask.is_some(), "{:?}", data.notes);
        }
    }

    #[test]
    fn a_mask_that_lies_elsewhere_is_a_fault_unless_geometry_is_ignored() {
        let folders = volume(Some([1.0, 1.0]), Some([-1.0, 1.0]));
        let faults = folders.faults();
        assert!(matches!(faults[0].problem, Problem::Elsewhere { apart: 2.0, .. }), "{faults:?}");
        let data = folder(&Folders { ignore_geometry: true, ..folders.folders() }).unwrap();
        assert!(data.notes[0].contains("voxel by voxel, as asked for"), "{:?}", data.notes);
    }

    #[test]
    fn channels_lie_in_files_of_their_own() {
        let folders = volume(None, None);
        fs::copy(folders.path("images/a_0000.nii"), folders.path("images/a_0001.nii")).unwrap();
        let data = folders.read().unwrap();
        assert_eq!((data.channels, data.slices[0].image.len()), (2, 12));
    }
}
