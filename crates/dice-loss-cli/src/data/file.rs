//! One file: an image or a mask, in the format that its name promises.

use std::{collections::BTreeMap, fs, path::Path};

use super::{
    Geometry, MAX_CLASSES, MAX_VOXELS, Mask, Problem, Scan, Spacing, memory,
    names::{self, Format},
    nifti,
    raster::{self, Colours},
    stack,
};

/// Bytes that are read of one file at most.
const MAX_BYTES: u64 = 4 << 30;

/// Values that a mask of numbered objects may have.
const MAX_OBJECTS: usize = 4096;

/// The bytes of a file that is one: reading a pipe might never end.
fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        let found = if about.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(Problem::NotAFile { found });
    }
    if about.len() > MAX_BYTES {
        return Err(Problem::TooManyBytes { found: about.len(), wanted: MAX_BYTES });
    }
    Ok(fs::read(path)?)
}

/// Reads an image, its intensities standardised, and where it lies if its header says so.
pub(super) fn read_image(path: &Path, most: u64) -> Result<(Scan, Option<Geometry>), Problem> {
    let bytes = bytes(path)?;
    let (mut scan, lies) = match names::stem_and_format(path) {
        Some((_, Format::Picture(format))) => (raster::decode_image(&bytes, format, most)?, None),
        Some((_, Format::Tiff)) => (stack::decode_image(&bytes, most)?, None),
        _ => nifti::decode_image(&bytes, most)?,
    };
    if scan.standardise() { Ok((scan, lies)) } else { Err(Problem::NotFinite) }
}

/// Reads a mask of few values, and where it lies if its header says so.
pub(super) fn read_mask(
    path: &Path,
    most: u64,
    colours: &mut Colours,
) -> Result<(Mask, Option<Geometry>), Problem> {
    let (mask, lies) = decode_mask(path, &bytes(path)?, most, colours)?;
    // Ignored values are no classes, so a few more than classes may be found here.
    expect_values(&mask, 2 * MAX_CLASSES, MAX_CLASSES)?;
    Ok((mask, lies))
}

/// A mask by itself, with what its file says of it.
#[derive(Debug, Clone)]
pub struct MaskFile {
    /// The values.
    pub mask: Mask,
    /// Where the voxels lie.
    pub lies: Option<Geometry>,
    /// How far apart they lie.
    pub spacing: Option<Spacing>,
    /// Names of values that stand for colours.
    pub names: BTreeMap<u16, String>,
}

/// Reads a mask of classes or of numbered objects, which takes up to `bytes_each` bytes a voxel in all.
///
/// # Errors
/// Whatever is wrong with the file, [`Problem::UnknownFormat`] among it.
pub fn mask_file(path: &Path, bytes_each: u64) -> Result<MaskFile, Problem> {
    let bytes = bytes(path)?;
    let Some((_, format)) = names::stem_and_format(path) else {
        return Err(Problem::UnknownFormat);
    };
    let most = MAX_VOXELS.min(memory::allowance() / bytes_each);
    let mut colours = Colours::default();
    let (mask, lies) = decode_mask(path, &bytes, most, &mut colours)?;
    expect_values(&mask, MAX_OBJECTS, MAX_OBJECTS)?;
    let spacing = if format == Format::Nifti { nifti::spacing(&bytes)? } else { None };
    Ok(MaskFile { mask, lies, spacing, names: colours.names() })
}

fn decode_mask(
    path: &Path,
    bytes: &[u8],
    most: u64,
    colours: &mut Colours,
) -> Result<(Mask, Option<Geometry>), Problem> {
    match names::stem_and_format(path) {
        Some((_, Format::Picture(format))) => {
            Ok((raster::decode_mask(bytes, format, most, colours)?, None))
        }
        Some((_, Format::Tiff)) => Ok((stack::decode_mask(bytes, most, colours)?, None)),
        _ => nifti::decode_mask(bytes, most),
    }
}

/// Fails where there are more values than `most`, as in an image that is no mask; `wanted` is what the user is told.
fn expect_values(mask: &Mask, most: usize, wanted: usize) -> Result<(), Problem> {
    let mut seen = vec![false; usize::from(u16::MAX) + 1];
    mask.values.iter().for_each(|&value| seen[usize::from(value)] = true);
    let found = seen.iter().filter(|&&seen| seen).count();
    if found > most { Err(Problem::TooManyClasses { found, wanted }) } else { Ok(()) }
}
