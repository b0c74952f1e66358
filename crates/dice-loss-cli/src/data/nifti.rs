//! NIfTI-1 volumes in one file (`.nii`, `.nii.gz`), sliced along the last axis.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use nifti::{NiftiHeader, NiftiType, RandomAccessNiftiVolume, volume::inmem::InMemNiftiVolume};

use super::{
    fault::Problem,
    raster::class_number,
    volume::{Extent, MAX_VOXELS, Mask, Scan},
};

/// Size of a header with its four-byte extension flag; voxels cannot start before it.
const HEADER: u64 = 352;

/// Reads intensities, with slope and intercept applied.
///
/// # Errors
/// [`Problem::Undecodable`], [`Problem::Axes`] and [`Problem::TooLarge`].
pub fn decode_image(bytes: &[u8]) -> Result<Scan, Problem> {
    let (extent, values) = decode(bytes, |value| Ok(value as f32))?;
    Ok(Scan { extent, channels: 1, values })
}

/// Reads class numbers from integers or from floats that are whole.
///
/// # Errors
/// [`Problem::Undecodable`], [`Problem::Axes`], [`Problem::TooLarge`] and [`Problem::NotAClass`].
pub fn decode_mask(bytes: &[u8]) -> Result<Mask, Problem> {
    let (extent, values) = decode(bytes, class_number)?;
    Ok(Mask { extent, values })
}

/// Reads the voxels so that a slice stands upright: row 0 at the front of the body, column 0 at its right.
fn decode<T>(
    bytes: &[u8],
    convert: impl Fn(f64) -> Result<T, Problem>,
) -> Result<(Extent, Vec<T>), Problem> {
    let mut source = open(bytes);
    let header = NiftiHeader::from_reader(&mut source).map_err(undecodable)?;
    let extent = check(&header)?;
    // The reader trusts the offset and its extensions; stepping over them is all that is needed.
    let skipped = (header.vox_offset as u64).saturating_sub(HEADER) + 4;
    io::copy(&mut source.by_ref().take(skipped), &mut io::sink()).map_err(undecodable)?;
    let volume = InMemNiftiVolume::from_reader(source, &header).map_err(undecodable)?;

    let axes = usize::from(header.dim[0]);
    let [flip_x, flip_y] = flips(&header);
    let mut values = Vec::with_capacity(extent.slice_len() * extent.depth);
    for z in 0..extent.depth {
        for y in 0..extent.height {
            let y = if flip_y { extent.height - 1 - y } else { y };
            for x in 0..extent.width {
                let x = if flip_x { extent.width - 1 - x } else { x };
                let position = [x as u16, y as u16, z as u16, 0, 0, 0, 0];
                values.push(convert(volume.get_f64(&position[..axes]).map_err(undecodable)?)?);
            }
        }
    }
    Ok((extent, values))
}

fn open(bytes: &[u8]) -> Box<dyn Read + '_> {
    match bytes {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(bytes)),
        _ => Box::new(Cursor::new(bytes)),
    }
}

/// Checks what the reader takes on trust and returns the size of the volume.
fn check(header: &NiftiHeader) -> Result<Extent, Problem> {
    let dim = header.dim().map_err(undecodable)?;
    let too_many =
        || Problem::Axes { found: dim.iter().map(u16::to_string).collect::<Vec<_>>().join(" × ") };
    if dim.len() < 2 || dim.iter().skip(3).any(|&length| length != 1) {
        return Err(too_many());
    }
    let found = dim.iter().map(|&length| u64::from(length)).product::<u64>();
    if found > MAX_VOXELS {
        return Err(Problem::TooLarge { found, wanted: MAX_VOXELS });
    }
    if header.magic != *b"n+1\0" {
        return Err(undecodable("voxels in a second file, wanted them in this one"));
    }
    let kind = header.data_type().map_err(undecodable)?;
    if !is_real(kind) {
        return Err(undecodable(format!("voxels of type {kind:?}, wanted integers or floats")));
    }
    if usize::try_from(header.bitpix) != Ok(kind.size_of() * 8) {
        return Err(undecodable(format!("{} bits a voxel for {kind:?}", header.bitpix)));
    }
    let depth = dim.get(2).map_or(1, |&depth| usize::from(depth));
    Ok(Extent { width: dim[0].into(), height: dim[1].into(), depth })
}

fn is_real(kind: NiftiType) -> bool {
    use NiftiType::{Float32, Float64, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64};
    matches!(
        kind,
        Uint8 | Int8 | Uint16 | Int16 | Uint32 | Int32 | Uint64 | Int64 | Float32 | Float64
    )
}

/// Whether columns and rows must be turned round: the first axis runs to the right, the second to the front.
///
/// The header says where the axes run, in the sform or else in the quaternion of the qform (its rotation's diagonal).
fn flips(header: &NiftiHeader) -> [bool; 2] {
    if header.sform_code > 0 {
        return [header.srow_x[0] > 0.0, header.srow_y[1] > 0.0];
    }
    if header.qform_code > 0 {
        let [b, c, d] = [header.quatern_b, header.quatern_c, header.quatern_d].map(|q| q * q);
        let a = (1.0 - b - c - d).max(0.0);
        return [a + b - c - d > 0.0, a + c - b - d > 0.0];
    }
    [false; 2]
}

fn undecodable(reason: impl ToString) -> Problem {
    Problem::Undecodable { format: "NIfTI", reason: reason.to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    /// A volume of u8 as a file's bytes; `sform` is the diagonal of its affine.
    pub fn encode(dim: [u16; 3], sform: Option<[f32; 2]>, voxels: &[u8]) -> Vec<u8> {
        let mut header =
            NiftiHeader { magic: *b"n+1\0", vox_offset: 352.0, ..NiftiHeader::default() };
        header.dim = [3, dim[0], dim[1], dim[2], 1, 1, 1, 1];
        (header.datatype, header.bitpix) = (2, 8);
        header.sform_code = i16::from(sform.is_some());
        if let Some([x, y]) = sform {
            (header.srow_x[0], header.srow_y[1]) = (x, y);
        }
        let mut bytes = header_bytes(&header);
        bytes.extend([0; 4]);
        bytes.extend(voxels);
        bytes
    }

    fn header_bytes(header: &NiftiHeader) -> Vec<u8> {
        let mut bytes = vec![0u8; 348];
        bytes[0..4].copy_from_slice(&348i32.to_le_bytes());
        for (i, length) in header.dim.iter().enumerate() {
            bytes[40 + 2 * i..42 + 2 * i].copy_from_slice(&length.to_le_bytes());
        }
        bytes[70..72].copy_from_slice(&header.datatype.to_le_bytes());
        bytes[72..74].copy_from_slice(&header.bitpix.to_le_bytes());
        bytes[108..112].copy_from_slice(&header.vox_offset.to_le_bytes());
        bytes[254..256].copy_from_slice(&header.sform_code.to_le_bytes());
        bytes[280..284].copy_from_slice(&header.srow_x[0].to_le_bytes());
        bytes[300..304].copy_from_slice(&header.srow_y[1].to_le_bytes());
        bytes[344..348].copy_from_slice(&header.magic);
        bytes
    }

    #[test]
    fn slices_stand_upright() {
        let voxels = [1, 2, 3, 4, 5, 6, 7, 8];
        let as_stored = decode_mask(&encode([2, 2, 2], None, &voxels)).unwrap();
        assert_eq!(as_stored.values, [1, 2, 3, 4, 5, 6, 7, 8]);
        let ras = decode_mask(&encode([2, 2, 2], Some([1.0, 1.0]), &voxels)).unwrap();
        assert_eq!(ras.values, [4, 3, 2, 1, 8, 7, 6, 5]);
        let lps = decode_mask(&encode([2, 2, 2], Some([-1.0, -1.0]), &voxels)).unwrap();
        assert_eq!(lps.values, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn gzip_is_seen_by_its_first_bytes() {
        let plain = encode([2, 1, 1], None, &[0, 9]);
        let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        packed.write_all(&plain).unwrap();
        assert_eq!(decode_mask(&packed.finish().unwrap()).unwrap(), decode_mask(&plain).unwrap());
    }

    #[test]
    fn a_header_that_lies_is_an_error() {
        let good = encode([2, 2, 1], None, &[0, 1, 2, 3]);
        let with = |offset: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[offset..offset + bytes.len()].copy_from_slice(bytes);
            decode_mask(&bad)
        };
        assert!(
            matches!(with(72, &4i16.to_le_bytes()), Err(Problem::Undecodable { .. })),
            "bits a voxel"
        );
        assert!(
            matches!(with(42, &9u16.to_le_bytes()), Err(Problem::Undecodable { .. })),
            "more voxels than bytes"
        );
        assert!(matches!(with(42, &[255; 6]), Err(Problem::TooLarge { .. })), "huge");
        assert!(
            matches!(with(344, b"ni1\0"), Err(Problem::Undecodable { .. })),
            "voxels elsewhere"
        );
        assert!(matches!(with(40, &[1, 0]), Err(Problem::Axes { .. })), "one axis");
    }

    #[test]
    fn random_damage_never_panics() {
        let good = encode([3, 2, 2], Some([1.0, 1.0]), &[1; 12]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut readable = 0;
        for _ in 0..20_000 {
            let mut bad = good.clone();
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..bad.len());
                bad[at] = (rng.next_u32() & 0xff) as u8;
            }
            bad.truncate(rng.random_range(good.len() / 2..=2 * good.len()));
            readable += u32::from(decode_mask(&bad).is_ok());
        }
        assert!(
            readable > 100,
            "only {readable} volumes survived; the damage tests nothing behind the header"
        );
    }
}
