//! NIfTI-1 volumes in one file (`.nii`, `.nii.gz`), sliced along the last axis.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use nifti::{Endianness, NiftiHeader, NiftiType};

use super::{
    fault::Problem,
    geometry::Geometry,
    raster::class_number,
    spacing::{Spacing, Unit},
    volume::{Extent, Mask, Scan},
};

/// Size of a header with its four-byte extension flag; voxels cannot start before it.
const HEADER: u64 = 352;

/// Bytes that may lie between header and voxels, and behind the voxels.
const BESIDE: u64 = 1 << 26;

/// Reads intensities as they are stored, with slope and intercept applied, and where they lie if the header says so.
///
/// # Errors
/// [`Problem::Undecodable`], [`Problem::Axes`] and, above `most` voxels, [`Problem::TooLarge`].
pub fn decode_image(bytes: &[u8], most: u64) -> Result<(Scan, Option<Geometry>), Problem> {
    let (extent, values, geometry) = decode(bytes, most, |value| Ok(value as f32))?;
    Ok((Scan { extent, channels: 1, values }, geometry))
}

/// Reads class numbers from integers or from floats that are whole, and where they lie if the header says so.
///
/// # Errors
/// [`Problem::Undecodable`], [`Problem::Axes`], [`Problem::TooLarge`] and [`Problem::NotAClass`].
pub fn decode_mask(bytes: &[u8], most: u64) -> Result<(Mask, Option<Geometry>), Problem> {
    let (extent, values, geometry) = decode(bytes, most, class_number)?;
    Ok((Mask { extent, values }, geometry))
}

/// Reads to the end of the file, where a gzip has its checksum.
fn decode<T>(
    bytes: &[u8],
    most: u64,
    convert: impl Fn(f64) -> Result<T, Problem>,
) -> Result<(Extent, Vec<T>, Option<Geometry>), Problem> {
    let mut source = open(bytes);
    let header = NiftiHeader::from_reader(&mut source).map_err(undecodable)?;
    let (extent, kind) = check(&header, most)?;
    let skipped = (header.vox_offset as u64).saturating_sub(HEADER) + 4;
    if skipped > BESIDE {
        return Err(undecodable(format!("voxels from byte {} on", header.vox_offset)));
    }
    io::copy(&mut source.by_ref().take(skipped), &mut io::sink()).map_err(undecodable)?;
    let values = voxels(&mut source, &header, extent, kind, convert)?;
    let behind = io::copy(&mut source.take(BESIDE), &mut io::sink()).map_err(undecodable)?;
    if behind == BESIDE {
        return Err(undecodable(format!("{} MiB or more behind the voxels", BESIDE >> 20)));
    }
    Ok((extent, values, geometry(&header)))
}

fn voxels<T>(
    source: &mut impl Read,
    header: &NiftiHeader,
    extent: Extent,
    kind: NiftiType,
    convert: impl Fn(f64) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let (slope, intercept) = match (header.scl_slope, header.scl_inter) {
        (slope, _) if slope == 0.0 || !slope.is_finite() => (1.0, 0.0),
        (slope, inter) => (f64::from(slope), f64::from(inter)),
    };
    let big = header.endianness == Endianness::Big;
    let mut values = vec![];
    values
        .try_reserve_exact(extent.slice_len() * extent.depth)
        .map_err(|error| Problem::Memory { reason: error.to_string() })?;
    let mut row = vec![0; extent.width * kind.size_of()];
    for _ in 0..extent.height * extent.depth {
        source.read_exact(&mut row).map_err(undecodable)?;
        for stored in row.chunks_exact(kind.size_of()) {
            values.push(convert(number(kind, big, stored) * slope + intercept)?);
        }
    }
    Ok(values)
}

/// The number that up to eight bytes stand for.
fn number(kind: NiftiType, big: bool, stored: &[u8]) -> f64 {
    use NiftiType::{Float32, Float64, Int8, Int16, Int32, Int64};
    let mut word = [0; 8];
    word[..stored.len()].copy_from_slice(stored);
    if big {
        word[..stored.len()].reverse();
    }
    let bits = u64::from_le_bytes(word);
    match kind {
        Int8 => (bits as i8).into(),
        Int16 => (bits as i16).into(),
        Int32 => (bits as i32).into(),
        Int64 => bits as i64 as f64,
        Float32 => f32::from_bits(bits as u32).into(),
        Float64 => f64::from_bits(bits),
        _ => bits as f64,
    }
}

fn open(bytes: &[u8]) -> Box<dyn Read + '_> {
    match bytes {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(bytes)),
        _ => Box::new(Cursor::new(bytes)),
    }
}

/// Checks what reading takes on trust and returns the size of the volume and the type of its voxels.
fn check(header: &NiftiHeader, most: u64) -> Result<(Extent, NiftiType), Problem> {
    let dim = header.dim().map_err(undecodable)?;
    let too_many =
        || Problem::Axes { found: dim.iter().map(u16::to_string).collect::<Vec<_>>().join(" × ") };
    if dim.len() < 2 || dim.iter().skip(3).any(|&length| length != 1) {
        return Err(too_many());
    }
    let found = dim.iter().map(|&length| u64::from(length)).product::<u64>();
    if found > most {
        return Err(Problem::TooLarge { found, wanted: most });
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
    Ok((Extent { width: dim[0].into(), height: dim[1].into(), depth }, kind))
}

fn is_real(kind: NiftiType) -> bool {
    use NiftiType::{Float32, Float64, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64};
    matches!(
        kind,
        Uint8 | Int8 | Uint16 | Int16 | Uint32 | Int32 | Uint64 | Int64 | Float32 | Float64
    )
}

/// How far apart the header says that the voxels lie, in the unit that it names or in millimetres.
///
/// # Errors
/// [`Problem::Undecodable`].
pub fn spacing(bytes: &[u8]) -> Result<Option<Spacing>, Problem> {
    let header = NiftiHeader::from_reader(open(bytes)).map_err(undecodable)?;
    let unit = match header.xyzt_to_space() {
        Ok(nifti::Unit::Meter) => Unit::Metre,
        Ok(nifti::Unit::Micron) => Unit::Micrometre,
        _ => Unit::Millimetre,
    };
    let flat = header.dim().map_err(undecodable)?.get(2).is_none_or(|&depth| depth == 1);
    let of_grid = [1, 2, 3].map(|j| f64::from(header.pixdim[j]).abs());
    let [columns, rows, slices] = geometry(&header).map_or(of_grid, |lies| lies.steps());
    Ok(Spacing::new([slices, rows, columns], unit, flat))
}

/// Where the header says that the voxels lie: in the sform, or else in the qform.
fn geometry(header: &NiftiHeader) -> Option<Geometry> {
    sform(header).or_else(|| qform(header))
}

fn sform(header: &NiftiHeader) -> Option<Geometry> {
    if header.sform_code <= 0 {
        return None;
    }
    let rows = [header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from));
    let column = |j: usize| rows.map(|row| row[j]);
    Geometry::new([0, 1, 2].map(column), column(3))
}

/// A rotation as a quaternion, the spacing, and which way round the third axis runs.
fn qform(header: &NiftiHeader) -> Option<Geometry> {
    if header.qform_code <= 0 {
        return None;
    }
    let [b, c, d] = [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from);
    let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
    let axes = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)],
        [2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)],
        [2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - b * b - c * c],
    ];
    let spacing = [1, 2, 3].map(|j| f64::from(header.pixdim[j]).abs());
    let third = if header.pixdim[0] < 0.0 { -spacing[2] } else { spacing[2] };
    let steps = [spacing[0], spacing[1], third];
    let axes = [0, 1, 2].map(|j: usize| axes[j].map(|v| v * steps[j]));
    let origin = [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from);
    Geometry::new(axes, origin)
}

fn undecodable(reason: impl ToString) -> Problem {
    Problem::undecodable("NIfTI", reason)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    const MOST: u64 = 1 << 20;

    fn mask(bytes: &[u8]) -> Result<Mask, Problem> {
        decode_mask(bytes, MOST).map(|(mask, _)| mask)
    }

    /// A volume of u8 as a file's bytes; `sform` is the diagonal of its affine.
    pub fn encode(dim: [u16; 3], sform: Option<[f32; 2]>, voxels: &[u8]) -> Vec<u8> {
        let mut header =
            NiftiHeader { magic: *b"n+1\0", vox_offset: 352.0, ..NiftiHeader::default() };
        header.dim = [3, dim[0], dim[1], dim[2], 1, 1, 1, 1];
        (header.datatype, header.bitpix) = (2, 8);
        header.sform_code = i16::from(sform.is_some());
        if let Some([x, y]) = sform {
            (header.srow_x[0], header.srow_y[1], header.srow_z[2]) = (x, y, 1.0);
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
        bytes[320..324].copy_from_slice(&header.srow_z[2].to_le_bytes());
        bytes[344..348].copy_from_slice(&header.magic);
        bytes
    }

    #[test]
    fn the_header_says_where_voxels_lie() {
        let plain = encode([2, 2, 2], None, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(mask(&plain).unwrap().values, [1, 2, 3, 4, 5, 6, 7, 8], "as stored");
        assert_eq!(decode_mask(&plain, MOST).unwrap().1, None);
        let lying = |sform| {
            let bytes = encode([2, 2, 2], Some(sform), &[0; 8]);
            decode_mask(&bytes, MOST).unwrap().1.unwrap()
        };
        assert_eq!(lying([1.0, 1.0]).upright(), [true, true, false]);
        assert_eq!(lying([-1.0, -2.0]).upright(), [false; 3]);
        assert_eq!(lying([-1.0, -2.0]).axes[1], [0.0, -2.0, 0.0]);
    }

    #[test]
    fn the_qform_is_a_rotation_with_spacing() {
        let mut bytes = encode([2, 2, 2], None, &[0; 8]);
        let mut put = |at: usize, value: f32| {
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        };
        // Half a turn about the third axis, which runs the other way.
        for (at, value) in [(76, -1.0), (80, 2.0), (84, 3.0), (88, 4.0), (264, 1.0), (268, 7.0)] {
            put(at, value);
        }
        bytes[252] = 1;
        let geometry = decode_mask(&bytes, MOST).unwrap().1.unwrap();
        let wanted = [[-2.0, 0.0, 0.0], [0.0, -3.0, 0.0], [0.0, 0.0, -4.0]];
        assert_eq!(geometry, Geometry::new(wanted, [7.0, 0.0, 0.0]).unwrap());
    }

    #[test]
    fn spacing_is_that_of_the_affine_or_of_the_grid_in_the_unit_named() {
        let found = |bytes: &[u8]| spacing(bytes).unwrap().map(|s| (s.steps, s.unit));
        let plain = encode([2, 2, 2], None, &[0; 8]);
        assert_eq!(found(&plain), None, "zeros");
        let affine = encode([2, 2, 2], Some([-1.5, 2.0]), &[0; 8]);
        assert_eq!(found(&affine), Some(([1.0, 2.0, 1.5], Unit::Millimetre)));
        let mut grid = plain.clone();
        for (at, value) in [(80, 2.0f32), (84, -3.0), (88, 4.0)] {
            grid[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        assert_eq!(found(&grid), Some(([4.0, 3.0, 2.0], Unit::Millimetre)));
        // With a unit of time beside.
        for (code, unit) in [(1 | 8, Unit::Metre), (2, Unit::Millimetre), (3, Unit::Micrometre)] {
            grid[123] = code;
            assert_eq!(found(&grid).map(|(_, unit)| unit), Some(unit));
        }
        grid[88..92].copy_from_slice(&0f32.to_le_bytes());
        assert_eq!(found(&grid), None);
        grid[46..48].copy_from_slice(&1i16.to_le_bytes());
        assert_eq!(found(&grid), Some(([1.0, 3.0, 2.0], Unit::Micrometre)), "one slice");
    }

    #[test]
    fn numbers_of_every_type_and_byte_order() {
        use NiftiType::{Float32, Float64, Int16, Int32, Int64, Uint16};
        let both = |kind, bytes: &[u8]| {
            let turned: Vec<u8> = bytes.iter().rev().copied().collect();
            [number(kind, false, bytes), number(kind, true, &turned)]
        };
        assert_eq!(both(Uint16, &65535u16.to_le_bytes()), [65535.0; 2]);
        assert_eq!(both(Int16, &(-3i16).to_le_bytes()), [-3.0; 2]);
        assert_eq!(both(Int32, &(-70_000i32).to_le_bytes()), [-70_000.0; 2]);
        assert_eq!(both(Int64, &(-5i64).to_le_bytes()), [-5.0; 2]);
        assert_eq!(both(Float32, &0.5f32.to_le_bytes()), [0.5; 2]);
        assert_eq!(both(Float64, &0.1f64.to_le_bytes()), [0.1; 2]);
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        packed.write_all(plain).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn a_gzip_is_read_to_its_checksum() {
        let mut packed = gzip(&encode([2, 1, 1], None, &[0, 9]));
        let length = packed.len();
        packed[length - 5] ^= 1;
        assert!(matches!(mask(&packed), Err(Problem::Undecodable { .. })), "length");
        packed[length - 5] ^= 1;
        packed[length - 8] ^= 1;
        let Err(Problem::Undecodable { reason, .. }) = mask(&packed) else { panic!("CRC") };
        assert!(reason.contains("checksum"), "{reason}");
    }

    #[test]
    fn a_gzip_that_unpacks_to_very_much_is_an_error() {
        let mut plain = encode([2, 1, 1], None, &[0, 9]);
        plain.resize(plain.len() + BESIDE as usize, 0);
        assert!(matches!(mask(&gzip(&plain)), Err(Problem::Undecodable { .. })));
        let bytes = encode([1000, 1000, 2], None, &[]);
        assert!(
            matches!(mask(&bytes), Err(Problem::TooLarge { found: 2_000_000, wanted: MOST })),
            "before anything is read"
        );
    }

    #[test]
    fn gzip_is_seen_by_its_first_bytes() {
        let plain = encode([2, 1, 1], None, &[0, 9]);
        assert_eq!(mask(&gzip(&plain)).unwrap(), mask(&plain).unwrap());
    }

    #[test]
    fn a_header_that_lies_is_an_error() {
        let good = encode([2, 2, 1], None, &[0, 1, 2, 3]);
        let with = |offset: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[offset..offset + bytes.len()].copy_from_slice(bytes);
            mask(&bad)
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
            readable += u32::from(mask(&bad).is_ok());
        }
        assert!(
            readable > 100,
            "only {readable} volumes survived; the damage tests nothing behind the header"
        );
    }
}
