//! TIFF: one page or a stack of them, of any kind of number.

use std::io::Cursor;

use tiff::{
    ColorType,
    decoder::{Decoder, DecodingResult, Limits},
    tags::Tag,
};

use super::{
    fault::Problem,
    raster::{Colours, class_number, unpack},
    volume::{Extent, Mask, Scan},
};

type Source<'a> = Decoder<Cursor<&'a [u8]>>;

/// A page's samples: all of a pixel in a row, or plane after plane.
struct Page<T> {
    width: usize,
    height: usize,
    colour: ColorType,
    /// Channel after channel.
    planes: Vec<Vec<T>>,
}

/// Reads every page as a slice, grey or colour; transparency is dropped.
///
/// # Errors
/// [`Problem::Undecodable`], [`Problem::PagesDiffer`] and, above `most` voxels, [`Problem::TooLarge`].
pub fn decode_image(bytes: &[u8], most: u64) -> Result<Scan, Problem> {
    let mut values = vec![];
    let (extent, channels) = pages(bytes, most, Ok, |page: Page<f64>| {
        let channels = if has_colour(page.colour) { 3 } else { 1 };
        for plane in &page.planes[..channels.min(page.planes.len())] {
            values.extend(plane.iter().map(|&v| v as f32));
        }
        Ok(channels)
    })?;
    Ok(Scan { extent, channels, values })
}

/// Reads every page as a slice of class numbers: whole numbers of any type, or a colour for each class.
///
/// # Errors
/// As [`decode_image`], [`Problem::ColourMask`] and [`Problem::NotAClass`].
pub fn decode_mask(bytes: &[u8], most: u64, colours: &mut Colours) -> Result<Mask, Problem> {
    let mut values = vec![];
    let (extent, _) = pages(bytes, most, class_number, |page: Page<u16>| {
        if has_colour(page.colour) {
            for at in 0..page.planes[0].len() {
                let [Ok(red), Ok(green), Ok(blue)] =
                    [0, 1, 2].map(|channel| u8::try_from(page.planes[channel][at]))
                else {
                    return Err(Problem::DeepColourMask);
                };
                values.push(colours.value([red, green, blue])?);
            }
        } else {
            values.extend(&page.planes[0]);
        }
        Ok(1)
    })?;
    Ok(Mask { extent, values })
}

/// Shows every page to `take`, which says how many channels it took; all have to be alike.
fn pages<T: Copy>(
    bytes: &[u8],
    most: u64,
    convert: impl Fn(f64) -> Result<T, Problem>,
    mut take: impl FnMut(Page<T>) -> Result<usize, Problem>,
) -> Result<(Extent, usize), Problem> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(most.saturating_mul(8)).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let mut source = Decoder::new(Cursor::new(bytes)).map_err(undecodable)?.with_limits(limits);
    let mut first: Option<(Extent, usize)> = None;
    loop {
        if !is_reduced(&mut source) {
            let (width, height) = source.dimensions().map_err(undecodable)?;
            let depth = first.map_or(0, |(extent, _)| extent.depth) + 1;
            let found = u64::from(width) * u64::from(height) * depth as u64;
            if found > most {
                return Err(Problem::TooLarge { found, wanted: most });
            }
            let page = page(&mut source, &convert)?;
            let extent = Extent { width: page.width, height: page.height, depth: 1 };
            let channels = take(page)?;
            match &mut first {
                None => first = Some((extent, channels)),
                Some((whole, of_whole)) => {
                    if (whole.width, whole.height, *of_whole)
                        != (width as usize, height as usize, channels)
                    {
                        return Err(Problem::PagesDiffer {
                            page: whole.depth + 1,
                            found: extent,
                            wanted: Extent { depth: 1, ..*whole },
                        });
                    }
                    whole.depth += 1;
                }
            }
        }
        if !source.more_images() {
            return first.ok_or_else(|| undecodable("nothing but reduced copies of a page"));
        }
        source.next_image().map_err(undecodable)?;
    }
}

/// Whether a page is a smaller copy of another, as previews and pyramids are.
fn is_reduced(source: &mut Source) -> bool {
    matches!(source.find_tag_unsigned::<u32>(Tag::NewSubfileType), Ok(Some(kind)) if kind & 1 == 1)
}

fn page<T: Copy>(
    source: &mut Source,
    convert: &impl Fn(f64) -> Result<T, Problem>,
) -> Result<Page<T>, Problem> {
    let (width, height) = source.dimensions().map_err(undecodable)?;
    let (width, height) = (width as usize, height as usize);
    let colour = source.colortype().map_err(undecodable)?;
    let samples = samples(colour)?;
    let mut buffer = DecodingResult::U8(vec![]);
    let layout = source.read_image_to_buffer(&mut buffer).map_err(undecodable)?;
    let bits = colour.bit_depth();
    let stored = if let (1 | 2 | 4, DecodingResult::U8(packed)) = (bits, &buffer) {
        let rows = packed.chunks_exact((width * samples * usize::from(bits)).div_ceil(8).max(1));
        rows.flat_map(|row| unpack(row, bits).take(width * samples))
            .map(|v| convert(v.into()))
            .collect::<Result<Vec<T>, _>>()?
    } else {
        numbers(&buffer, convert)?
    };
    if stored.len() != width * height * samples {
        return Err(undecodable(format!(
            "{} numbers for {width} × {height} pixels of {samples}",
            stored.len()
        )));
    }
    let planes = if layout.planes > 1 {
        stored.chunks_exact((width * height).max(1)).map(<[T]>::to_vec).collect()
    } else {
        (0..samples).map(|c| stored.iter().skip(c).step_by(samples).copied().collect()).collect()
    };
    Ok(Page { width, height, colour, planes })
}

/// Samples of a pixel, where it is grey or red, green and blue.
fn samples(colour: ColorType) -> Result<usize, Problem> {
    match colour {
        ColorType::Gray(_) => Ok(1),
        ColorType::GrayA(_) => Ok(2),
        ColorType::RGB(_) => Ok(3),
        ColorType::RGBA(_) => Ok(4),
        other => Err(undecodable(format!("pixels of {other:?}, wanted grey or RGB"))),
    }
}

fn has_colour(colour: ColorType) -> bool {
    matches!(colour, ColorType::RGB(_) | ColorType::RGBA(_))
}

fn numbers<T>(
    buffer: &DecodingResult,
    convert: &impl Fn(f64) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    fn each<V: Copy, T>(
        values: &[V],
        convert: impl Fn(V) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        values.iter().map(|&value| convert(value)).collect()
    }
    match buffer {
        DecodingResult::U8(v) => each(v, |v| convert(v.into())),
        DecodingResult::U16(v) => each(v, |v| convert(v.into())),
        DecodingResult::U32(v) => each(v, |v| convert(v.into())),
        DecodingResult::U64(v) => each(v, |v| convert(v as f64)),
        DecodingResult::I8(v) => each(v, |v| convert(v.into())),
        DecodingResult::I16(v) => each(v, |v| convert(v.into())),
        DecodingResult::I32(v) => each(v, |v| convert(v.into())),
        DecodingResult::I64(v) => each(v, |v| convert(v as f64)),
        DecodingResult::F16(v) => each(v, |v| convert(v.into())),
        DecodingResult::F32(v) => each(v, |v| convert(v.into())),
        DecodingResult::F64(v) => each(v, convert),
    }
}

fn undecodable(reason: impl ToString) -> Problem {
    Problem::undecodable("TIFF", reason)
}

#[cfg(test)]
pub(super) mod tests {
    use tiff::encoder::{TiffEncoder, colortype};

    use super::*;

    const MOST: u64 = 1 << 20;

    fn read_mask(bytes: &[u8], most: u64) -> Result<Mask, Problem> {
        decode_mask(bytes, most, &mut Colours::default())
    }

    /// Pages of 3 × 1 pixels as a file's bytes.
    macro_rules! encode {
        ($kind:ty, $($page:expr),+) => {{
            let mut bytes = Cursor::new(vec![]);
            let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
            $(encoder.write_image::<$kind>(3, 1, &$page).unwrap();)+
            bytes.into_inner()
        }};
    }

    /// A stack of pages of 3 × 1 pixels.
    pub fn stack(pages: &[[u8; 3]]) -> Vec<u8> {
        let mut bytes = Cursor::new(vec![]);
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
        for page in pages {
            encoder.write_image::<colortype::Gray8>(3, 1, page).unwrap();
        }
        bytes.into_inner()
    }

    #[test]
    fn every_page_is_a_slice() {
        let mask = read_mask(&stack(&[[0, 1, 2], [2, 0, 0], [0, 7, 0]]), MOST).unwrap();
        assert_eq!(mask.extent, Extent { width: 3, height: 1, depth: 3 });
        assert_eq!(mask.values, [0, 1, 2, 2, 0, 0, 0, 7, 0]);
        let red = encode!(colortype::RGB8, [0u8, 0, 0, 255, 0, 0, 7, 7, 7]);
        assert_eq!(read_mask(&red, MOST).unwrap().values, [0, 256, 7]);
        let colour = encode!(colortype::RGB8, [1u8, 2, 3, 4, 5, 6, 7, 8, 9], [0u8; 9]);
        let scan = decode_image(&colour, MOST).unwrap();
        assert_eq!((scan.extent.depth, scan.channels), (2, 3));
        assert_eq!(scan.values[..9], [1.0, 4.0, 7.0, 2.0, 5.0, 8.0, 3.0, 6.0, 9.0]);
    }

    #[test]
    fn numbers_of_every_kind() {
        let float = encode!(colortype::Gray32Float, [-1.5f32, 0.0, 2.5]);
        assert_eq!(decode_image(&float, MOST).unwrap().values, [-1.5, 0.0, 2.5]);
        let whole = encode!(colortype::Gray32Float, [3.0f32, 0.0, 1.0]);
        assert_eq!(read_mask(&whole, MOST).unwrap().values, [3, 0, 1]);
        assert!(matches!(read_mask(&float, MOST), Err(Problem::NotAClass { found: -1.5 })));
        let signed = encode!(colortype::GrayI32, [300i32, 0, 2]);
        assert_eq!(read_mask(&signed, MOST).unwrap().values, [300, 0, 2]);
        assert_eq!(decode_image(&signed, MOST).unwrap().values, [300.0, 0.0, 2.0]);
        let double = encode!(colortype::Gray64Float, [0.25f64, 0.0, 1.0]);
        assert_eq!(decode_image(&double, MOST).unwrap().values, [0.25, 0.0, 1.0]);
        let long = encode!(colortype::Gray32, [65535u32, 0, 1]);
        assert_eq!(read_mask(&long, MOST).unwrap().values, [65535, 0, 1]);
    }

    #[test]
    fn pages_that_differ_and_pages_too_many_are_errors() {
        let mut bytes = Cursor::new(vec![]);
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
        encoder.write_image::<colortype::Gray8>(3, 1, &[0; 3]).unwrap();
        encoder.write_image::<colortype::Gray8>(2, 1, &[0; 2]).unwrap();
        let differ = read_mask(&bytes.into_inner(), MOST);
        assert!(matches!(differ, Err(Problem::PagesDiffer { page: 2, .. })), "{differ:?}");
        let many = read_mask(&stack(&[[0; 3]; 4]), 9);
        assert!(matches!(many, Err(Problem::TooLarge { found: 12, wanted: 9 })), "{many:?}");
    }
}
