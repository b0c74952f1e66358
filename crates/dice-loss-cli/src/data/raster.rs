//! PNG and TIFF: one picture a file.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

use super::{
    fault::Problem,
    volume::{Extent, MAX_VOXELS, Mask, Scan},
};

/// Reads a picture, grey or colour, as intensities from 0 to 1; transparency is dropped.
///
/// # Errors
/// [`Problem::Undecodable`] and [`Problem::TooLarge`].
pub fn decode_image(bytes: &[u8], format: ImageFormat) -> Result<Scan, Problem> {
    let picture = decode(bytes, format)?;
    let extent = extent(picture.width(), picture.height());
    if !picture.color().has_color() {
        return Ok(Scan { extent, channels: 1, values: grey(&picture) });
    }
    let interleaved = picture.to_rgb32f().into_raw();
    let plane = |c: usize| interleaved.iter().skip(c).step_by(3).copied();
    Ok(Scan { extent, channels: 3, values: plane(0).chain(plane(1)).chain(plane(2)).collect() })
}

/// Reads a mask of class numbers: grey of any depth, a palette's indices, or colour whose channels agree.
///
/// # Errors
/// [`Problem::Undecodable`], [`Problem::TooLarge`], [`Problem::ColourMask`] and [`Problem::NotAClass`].
pub fn decode_mask(bytes: &[u8], format: ImageFormat) -> Result<Mask, Problem> {
    if format == ImageFormat::Png
        && let Some(mask) = palette_indices(bytes)?
    {
        return Ok(mask);
    }
    let picture = decode(bytes, format)?;
    let values = match &picture {
        DynamicImage::ImageLuma8(p) => p.iter().map(|&v| u16::from(v)).collect(),
        DynamicImage::ImageLumaA8(p) => p.pixels().map(|v| u16::from(v[0])).collect(),
        DynamicImage::ImageLuma16(p) => p.to_vec(),
        DynamicImage::ImageLumaA16(p) => p.pixels().map(|v| v[0]).collect(),
        DynamicImage::ImageRgb8(p) => {
            p.pixels().map(|v| one_channel(&v.0).map(u16::from)).collect::<Result<_, _>>()?
        }
        DynamicImage::ImageRgba8(p) => {
            p.pixels().map(|v| one_channel(&v.0).map(u16::from)).collect::<Result<_, _>>()?
        }
        DynamicImage::ImageRgb16(p) => {
            p.pixels().map(|v| one_channel(&v.0)).collect::<Result<_, _>>()?
        }
        DynamicImage::ImageRgba16(p) => {
            p.pixels().map(|v| one_channel(&v.0)).collect::<Result<_, _>>()?
        }
        DynamicImage::ImageRgb32F(p) => {
            p.pixels().map(|v| class_number(one_channel(&v.0)?.into())).collect::<Result<_, _>>()?
        }
        _ => return Err(Problem::ColourMask),
    };
    Ok(Mask { extent: extent(picture.width(), picture.height()), values })
}

/// The class number that a stored value stands for.
pub(super) fn class_number(value: f64) -> Result<u16, Problem> {
    if value.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&value) {
        Ok(value as u16)
    } else {
        Err(Problem::NotAClass { found: value })
    }
}

fn one_channel<T: Copy + PartialEq>(pixel: &[T]) -> Result<T, Problem> {
    match pixel {
        [r, g, b, ..] if r == g && g == b => Ok(*r),
        _ => Err(Problem::ColourMask),
    }
}

fn grey(picture: &DynamicImage) -> Vec<f32> {
    match picture {
        DynamicImage::ImageLuma8(p) => p.iter().map(|&v| f32::from(v) / 255.0).collect(),
        DynamicImage::ImageLuma16(p) => p.iter().map(|&v| f32::from(v) / 65535.0).collect(),
        DynamicImage::ImageLumaA16(p) => p.pixels().map(|v| f32::from(v[0]) / 65535.0).collect(),
        other => other.to_luma8().iter().map(|&v| f32::from(v) / 255.0).collect(),
    }
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, Problem> {
    let name = if format == ImageFormat::Png { "PNG" } else { "TIFF" };
    image::load(Cursor::new(bytes), format).map_err(|error| undecodable(name, &error))
}

/// The indices of a PNG with a palette, as label maps are often stored; a decoder for pictures would give its colours.
fn palette_indices(bytes: &[u8]) -> Result<Option<Mask>, Problem> {
    let fail = |error: png::DecodingError| undecodable("PNG", &error);
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let info = decoder.read_header_info().map_err(fail)?;
    if info.color_type != png::ColorType::Indexed {
        return Ok(None);
    }
    let (width, height, bits) = (info.width, info.height, info.bit_depth as u8);
    let voxels = u64::from(width) * u64::from(height);
    if voxels > MAX_VOXELS {
        return Err(Problem::TooLarge { found: voxels, wanted: MAX_VOXELS });
    }
    let mut reader = decoder.read_info().map_err(fail)?;
    let too_large = Problem::TooLarge { found: voxels, wanted: MAX_VOXELS };
    let mut packed = vec![0; reader.output_buffer_size().ok_or(too_large)?];
    let line = reader.next_frame(&mut packed).map_err(fail)?.line_size;
    let extent = extent(width, height);
    let rows = packed.chunks_exact(line.max(1));
    let values = rows.flat_map(|row| unpack(row, bits).take(extent.width)).map(u16::from).collect();
    Ok(Some(Mask { extent, values }))
}

/// The indices in a row of 1, 2, 4 or 8 bits each, the first in the highest bits.
fn unpack(row: &[u8], bits: u8) -> impl Iterator<Item = u8> {
    let low = u8::MAX >> (8 - bits);
    row.iter().flat_map(move |byte| (1..=8 / bits).map(move |i| (byte >> (8 - i * bits)) & low))
}

fn extent(width: u32, height: u32) -> Extent {
    Extent { width: width as usize, height: height as usize, depth: 1 }
}

fn undecodable(format: &'static str, error: &dyn std::error::Error) -> Problem {
    Problem::Undecodable { format, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, Luma, RgbImage};
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(vec![]);
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn indexed(width: u32, height: u32, depth: png::BitDepth, rows: &[u8]) -> Vec<u8> {
        let mut bytes = vec![];
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(depth);
        encoder.set_palette([0u8, 0, 0, 200, 0, 0, 0, 200, 0, 0, 0, 200].as_slice());
        encoder.write_header().unwrap().write_image_data(rows).unwrap();
        bytes
    }

    #[test]
    fn masks_keep_their_numbers() {
        let eight = GrayImage::from_vec(3, 1, vec![0, 1, 255]).unwrap();
        let sixteen: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_vec(2, 1, vec![7, 300]).unwrap();
        for format in [ImageFormat::Png, ImageFormat::Tiff] {
            assert_eq!(
                decode_mask(&encode(eight.clone(), format), format).unwrap().values,
                [0, 1, 255]
            );
            assert_eq!(
                decode_mask(&encode(sixteen.clone(), format), format).unwrap().values,
                [7, 300]
            );
        }
    }

    #[test]
    fn palettes_give_indices_at_every_bit_depth() {
        let two = indexed(5, 2, png::BitDepth::Two, &[0b00_01_10_11, 0b01_000000, 0, 0b10_000000]);
        assert_eq!(
            decode_mask(&two, ImageFormat::Png).unwrap().values,
            [0, 1, 2, 3, 1, 0, 0, 0, 0, 2]
        );
        let four = indexed(3, 1, png::BitDepth::Four, &[0x01, 0x20]);
        assert_eq!(decode_mask(&four, ImageFormat::Png).unwrap().values, [0, 1, 2]);
        let eight = indexed(2, 2, png::BitDepth::Eight, &[0, 1, 2, 3]);
        assert_eq!(decode_mask(&eight, ImageFormat::Png).unwrap().values, [0, 1, 2, 3]);
    }

    #[test]
    fn colour_is_a_mask_only_where_its_channels_agree() {
        let grey = encode(
            RgbImage::from_vec(2, 1, vec![0, 0, 0, 255, 255, 255]).unwrap(),
            ImageFormat::Png,
        );
        assert_eq!(decode_mask(&grey, ImageFormat::Png).unwrap().values, [0, 255]);
        let red = encode(RgbImage::from_vec(1, 1, vec![255, 0, 0]).unwrap(), ImageFormat::Png);
        assert!(matches!(decode_mask(&red, ImageFormat::Png), Err(Problem::ColourMask)));
    }

    #[test]
    fn colour_images_become_planes() {
        let bytes = encode(
            RgbImage::from_vec(2, 1, vec![255, 0, 51, 0, 255, 102]).unwrap(),
            ImageFormat::Png,
        );
        let scan = decode_image(&bytes, ImageFormat::Png).unwrap();
        assert_eq!(scan.channels, 3);
        assert_eq!(scan.values, [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
    }

    #[test]
    fn random_damage_never_panics() {
        let grey = GrayImage::from_fn(9, 7, |x, y| Luma([(x * y) as u8]));
        let palette = indexed(5, 2, png::BitDepth::Two, &[0b00_01_10_11, 0b01_000000, 0, 0]);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (good, format) in [
            (encode(grey.clone(), ImageFormat::Png), ImageFormat::Png),
            (encode(grey, ImageFormat::Tiff), ImageFormat::Tiff),
            (palette, ImageFormat::Png),
        ] {
            for _ in 0..3000 {
                let mut bad = good.clone();
                for _ in 0..rng.random_range(1..4) {
                    let at = rng.random_range(0..bad.len());
                    bad[at] = rng.random();
                }
                for mask in [
                    decode_mask(&bad, format).ok(),
                    decode_mask(&bad[..good.len() / 2], format).ok(),
                ] {
                    assert!(mask.is_none_or(|m| m.values.len() == m.extent.slice_len()));
                }
            }
        }
    }

    #[test]
    fn damaged_files_are_errors() {
        let whole = indexed(5, 2, png::BitDepth::Two, &[0; 4]);
        for length in 0..whole.len() - 12 {
            assert!(decode_mask(&whole[..length], ImageFormat::Png).is_err(), "{length} bytes");
        }
        assert!(decode_mask(b"II*\0\xff\xff\xff\xff", ImageFormat::Tiff).is_err());
    }
}
