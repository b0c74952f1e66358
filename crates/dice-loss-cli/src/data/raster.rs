//! PNG and JPEG: one picture a file.

use std::{collections::BTreeMap, io::Cursor};

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use super::{
    MAX_CLASSES,
    fault::Problem,
    volume::{Extent, Mask, Scan},
};

/// Begins the pixels of a JPEG, which hold no mark.
const JPEG_SCAN: [u8; 2] = [0xff, 0xda];

/// Ends a JPEG.
const JPEG_END: [u8; 2] = [0xff, 0xd9];

/// Values of colours begin above those of greys, which are themselves.
const FIRST_COLOUR: u16 = 256;

/// Which mask value stands for which colour, in the order in which they were met.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Colours(BTreeMap<[u8; 3], u16>);

impl Colours {
    /// The value of a colour, a new one where there is room.
    ///
    /// # Errors
    /// [`Problem::ColourMask`].
    pub fn value(&mut self, colour: [u8; 3]) -> Result<u16, Problem> {
        let [red, green, blue] = colour;
        if red == green && green == blue {
            return Ok(red.into());
        }
        let next = FIRST_COLOUR + self.0.len() as u16;
        if let Some(&value) = self.0.get(&colour) {
            return Ok(value);
        }
        if self.0.len() >= MAX_CLASSES {
            return Err(Problem::ColourMask { wanted: MAX_CLASSES });
        }
        self.0.insert(colour, next);
        Ok(next)
    }

    /// Names of all values, greys among them, as CSS writes colours; none where no mask had a colour.
    pub fn names(&self) -> BTreeMap<u16, String> {
        if self.0.is_empty() {
            return BTreeMap::new();
        }
        let greys = (1..=u8::MAX).map(|grey| ([grey; 3], grey.into()));
        let colours = self.0.iter().map(|(colour, value)| (*colour, *value));
        greys
            .chain(colours)
            .map(|([r, g, b], value)| (value, format!("#{r:02x}{g:02x}{b:02x}")))
            .collect()
    }
}

/// Reads a picture, grey or colour, as intensities from 0 to 1; transparency is dropped.
///
/// # Errors
/// [`Problem::Undecodable`] and, above `most` pixels, [`Problem::TooLarge`].
pub fn decode_image(bytes: &[u8], format: ImageFormat, most: u64) -> Result<Scan, Problem> {
    let picture = decode(bytes, format, most)?;
    let extent = extent(picture.width(), picture.height());
    if !picture.color().has_color() {
        return Ok(Scan { extent, channels: 1, values: grey(&picture) });
    }
    let interleaved = picture.to_rgb32f().into_raw();
    let plane = |c: usize| interleaved.iter().skip(c).step_by(3).copied();
    Ok(Scan { extent, channels: 3, values: plane(0).chain(plane(1)).chain(plane(2)).collect() })
}

/// Reads a mask of class numbers: grey of any depth, a palette's indices, or a colour for each class.
///
/// # Errors
/// [`Problem::Undecodable`], [`Problem::TooLarge`], [`Problem::ColourMask`] and, for JPEG, [`Problem::LossyMask`].
pub fn decode_mask(
    bytes: &[u8],
    format: ImageFormat,
    most: u64,
    colours: &mut Colours,
) -> Result<Mask, Problem> {
    if format != ImageFormat::Png {
        return Err(Problem::LossyMask);
    }
    if let Some(mask) = palette_indices(bytes, most)? {
        return Ok(mask);
    }
    let picture = decode(bytes, format, most)?;
    let extent = extent(picture.width(), picture.height());
    let mut of_colours = |pixels: &mut dyn Iterator<Item = [u8; 3]>| {
        pixels.map(|colour| colours.value(colour)).collect::<Result<_, _>>()
    };
    let values = match &picture {
        DynamicImage::ImageLuma8(p) => p.iter().map(|&v| u16::from(v)).collect(),
        DynamicImage::ImageLumaA8(p) => p.pixels().map(|v| u16::from(v[0])).collect(),
        DynamicImage::ImageLuma16(p) => p.to_vec(),
        DynamicImage::ImageLumaA16(p) => p.pixels().map(|v| v[0]).collect(),
        DynamicImage::ImageRgb8(p) => of_colours(&mut p.pixels().map(|v| v.0))?,
        DynamicImage::ImageRgba8(p) => of_colours(&mut p.pixels().map(|v| [v[0], v[1], v[2]]))?,
        DynamicImage::ImageRgb16(p) => {
            p.pixels().map(|v| one_channel(&v.0)).collect::<Result<_, _>>()?
        }
        DynamicImage::ImageRgba16(p) => {
            p.pixels().map(|v| one_channel(&v.0)).collect::<Result<_, _>>()?
        }
        _ => return Err(Problem::DeepColourMask),
    };
    Ok(Mask { extent, values })
}

/// The class number that a stored value stands for.
pub(super) fn class_number(value: f64) -> Result<u16, Problem> {
    if value.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&value) {
        Ok(value as u16)
    } else {
        Err(Problem::NotAClass { found: value })
    }
}

/// The value of a pixel whose channels agree.
fn one_channel(pixel: &[u16]) -> Result<u16, Problem> {
    match pixel {
        [r, g, b, ..] if r == g && g == b => Ok(*r),
        _ => Err(Problem::DeepColourMask),
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

fn decode(bytes: &[u8], format: ImageFormat, most: u64) -> Result<DynamicImage, Problem> {
    let name = if format == ImageFormat::Png { "PNG" } else { "JPEG" };
    let fail = |error: image::ImageError| Problem::undecodable(name, error);
    let reader = || ImageReader::with_format(Cursor::new(bytes), format);
    let (width, height) = reader().into_dimensions().map_err(fail)?;
    let found = u64::from(width) * u64::from(height);
    if found > most {
        return Err(Problem::TooLarge { found, wanted: most });
    }
    // The decoder fills up what is missing.
    if format == ImageFormat::Jpeg && !is_whole_jpeg(bytes) {
        return Err(Problem::undecodable(name, "it ends within its last scan"));
    }
    let mut reader = reader();
    reader.limits(Limits::no_limits());
    reader.decode().map_err(fail)
}

/// Whether the end mark follows the last scan; a preview before it has marks of its own.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let last = |mark: [u8; 2]| bytes.windows(2).rposition(|pair| pair == mark);
    last(JPEG_END) > last(JPEG_SCAN)
}

/// The indices of a PNG with a palette, as label maps are often stored; a decoder for pictures would give its colours.
fn palette_indices(bytes: &[u8], most: u64) -> Result<Option<Mask>, Problem> {
    let fail = |error: png::DecodingError| Problem::undecodable("PNG", error);
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let info = decoder.read_header_info().map_err(fail)?;
    if info.color_type != png::ColorType::Indexed {
        return Ok(None);
    }
    let (width, height, bits) = (info.width, info.height, info.bit_depth as u8);
    let voxels = u64::from(width) * u64::from(height);
    if voxels > most {
        return Err(Problem::TooLarge { found: voxels, wanted: most });
    }
    let mut reader = decoder.read_info().map_err(fail)?;
    let too_large = Problem::TooLarge { found: voxels, wanted: most };
    let mut packed = vec![0; reader.output_buffer_size().ok_or(too_large)?];
    let line = reader.next_frame(&mut packed).map_err(fail)?.line_size;
    let extent = extent(width, height);
    let rows = packed.chunks_exact(line.max(1));
    let values = rows.flat_map(|row| unpack(row, bits).take(extent.width)).map(u16::from).collect();
    Ok(Some(Mask { extent, values }))
}

/// The indices in a row of 1, 2, 4 or 8 bits each, the first in the highest bits.
pub(super) fn unpack(row: &[u8], bits: u8) -> impl Iterator<Item = u8> {
    let low = u8::MAX >> (8 - bits);
    row.iter().flat_map(move |byte| (1..=8 / bits).map(move |i| (byte >> (8 - i * bits)) & low))
}

fn extent(width: u32, height: u32) -> Extent {
    Extent { width: width as usize, height: height as usize, depth: 1 }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, Luma, RgbImage};
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;
    use crate::data::stack;

    const MOST: u64 = 1 << 20;

    fn read_mask(bytes: &[u8], format: ImageFormat, most: u64) -> Result<Mask, Problem> {
        decode_mask(bytes, format, most, &mut Colours::default())
    }

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
        let read = |bytes: &[u8]| read_mask(bytes, ImageFormat::Png, MOST).unwrap().values;
        assert_eq!(read(&encode(eight, ImageFormat::Png)), [0, 1, 255]);
        assert_eq!(read(&encode(sixteen, ImageFormat::Png)), [7, 300]);
    }

    #[test]
    fn palettes_give_indices_at_every_bit_depth() {
        let two = indexed(5, 2, png::BitDepth::Two, &[0b00_01_10_11, 0b01_000000, 0, 0b10_000000]);
        assert_eq!(
            read_mask(&two, ImageFormat::Png, MOST).unwrap().values,
            [0, 1, 2, 3, 1, 0, 0, 0, 0, 2]
        );
        let four = indexed(3, 1, png::BitDepth::Four, &[0x01, 0x20]);
        assert_eq!(read_mask(&four, ImageFormat::Png, MOST).unwrap().values, [0, 1, 2]);
        let eight = indexed(2, 2, png::BitDepth::Eight, &[0, 1, 2, 3]);
        assert_eq!(read_mask(&eight, ImageFormat::Png, MOST).unwrap().values, [0, 1, 2, 3]);
    }

    #[test]
    fn a_colour_is_a_class_and_a_grey_is_its_number() {
        let rgb = |pixels: Vec<u8>| {
            let width = pixels.len() as u32 / 3;
            encode(RgbImage::from_vec(width, 1, pixels).unwrap(), ImageFormat::Png)
        };
        let mut colours = Colours::default();
        let mut read = |bytes: &[u8]| decode_mask(bytes, ImageFormat::Png, MOST, &mut colours);
        assert_eq!(read(&rgb(vec![0, 0, 0, 255, 255, 255])).unwrap().values, [0, 255]);
        assert_eq!(read(&rgb(vec![0, 0, 0, 255, 0, 0])).unwrap().values, [0, 256]);
        let both = vec![128, 64, 0, 255, 0, 0, 128, 128, 128];
        assert_eq!(read(&rgb(both)).unwrap().values, [257, 256, 128]);
        let photo = (0..300).map(|v| (v % 256) as u8).collect();
        assert!(matches!(read(&rgb(photo)), Err(Problem::ColourMask { .. })));
        let names = colours.names();
        assert_eq!([&names[&256], &names[&257], &names[&128]], ["#ff0000", "#804000", "#808080"]);
        assert!(Colours::default().names().is_empty());
    }

    #[test]
    fn colour_images_become_planes() {
        let bytes = encode(
            RgbImage::from_vec(2, 1, vec![255, 0, 51, 0, 255, 102]).unwrap(),
            ImageFormat::Png,
        );
        let scan = decode_image(&bytes, ImageFormat::Png, MOST).unwrap();
        assert_eq!(scan.channels, 3);
        assert_eq!(scan.values, [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
    }

    #[test]
    fn a_jpeg_is_an_image_but_no_mask() {
        let grey = GrayImage::from_pixel(16, 8, Luma([51]));
        let bytes = encode(grey, ImageFormat::Jpeg);
        let scan = decode_image(&bytes, ImageFormat::Jpeg, MOST).unwrap();
        assert_eq!(scan.extent, extent(16, 8));
        // One grey is kept to a step of the quantisation.
        assert!(scan.values.iter().all(|v| (v - 0.2).abs() < 2.0 / 255.0), "{:?}", scan.values);
        assert!(matches!(read_mask(&bytes, ImageFormat::Jpeg, MOST), Err(Problem::LossyMask)));
        let cut = &bytes[..bytes.len() - 3];
        let error = decode_image(cut, ImageFormat::Jpeg, MOST);
        assert!(matches!(error, Err(Problem::Undecodable { .. })), "{error:?}");
    }

    #[test]
    fn more_pixels_than_asked_for_are_an_error_before_they_are_decoded() {
        let grey = encode(GrayImage::new(40, 30), ImageFormat::Png);
        let wanted = Problem::TooLarge { found: 1200, wanted: 1199 }.to_string();
        let error = decode_image(&grey, ImageFormat::Png, 1199).unwrap_err();
        assert_eq!(error.to_string(), wanted);
        let palette = indexed(2, 2, png::BitDepth::Eight, &[0, 1, 2, 3]);
        assert!(read_mask(&palette, ImageFormat::Png, 3).is_err());
    }

    #[test]
    fn random_damage_never_panics() {
        let grey = GrayImage::from_fn(9, 7, |x, y| Luma([(x * y) as u8]));
        let palette = indexed(5, 2, png::BitDepth::Two, &[0b00_01_10_11, 0b01_000000, 0, 0]);
        let png = |bytes: &[u8]| read_mask(bytes, ImageFormat::Png, MOST).ok();
        let tiff = |bytes: &[u8]| stack::decode_mask(bytes, MOST, &mut Colours::default()).ok();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for (good, read) in [
            (encode(grey.clone(), ImageFormat::Png), &png as &dyn Fn(&[u8]) -> Option<Mask>),
            (encode(grey.clone(), ImageFormat::Tiff), &tiff),
            (stack::tests::stack(&[[0, 1, 2], [2, 1, 0]]), &tiff),
            (palette, &png),
        ] {
            for _ in 0..3000 {
                let mut bad = good.clone();
                for _ in 0..rng.random_range(1..4) {
                    let at = rng.random_range(0..bad.len());
                    bad[at] = rng.random();
                }
                for mask in [read(&bad), read(&bad[..good.len() / 2])] {
                    let voxels = |m: &Mask| m.extent.slice_len() * m.extent.depth;
                    assert!(mask.is_none_or(|m| m.values.len() == voxels(&m)));
                }
            }
        }
    }

    #[test]
    fn damaged_files_are_errors() {
        let whole = indexed(5, 2, png::BitDepth::Two, &[0; 4]);
        for length in 0..whole.len() - 12 {
            assert!(read_mask(&whole[..length], ImageFormat::Png, MOST).is_err(), "{length} bytes");
        }
        assert!(
            stack::decode_mask(b"II*\0\xff\xff\xff\xff", MOST, &mut Colours::default()).is_err()
        );
    }
}
