//! Pictures of slices with classes laid over them, as `data:` addresses for a page.

use std::{cmp::Reverse, io::Cursor};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{ImageFormat, Rgb, RgbImage};

use super::colour;
use crate::data::{Class, Dataset, IGNORED, Slice};

/// Sides longer than this are thinned out, so that a page stays small.
const LONGEST_SIDE: usize = 384;

/// Slices that a page shows.
const SHOWN: usize = 4;

/// A voxel predicted as some class where the reference has background.
pub const INVENTED: colour::Rgb = [255, 255, 255];

/// How much darker the image is below the errors: white on it is then not bone, but [`INVENTED`].
const DIMMED: f32 = 0.55;

/// Draws one slice in several ways.
pub struct Painter<'a> {
    slice: &'a Slice,
    classes: &'a [Class],
    step: usize,
    window: [f32; 2],
}

impl<'a> Painter<'a> {
    /// A painter whose grey scale leaves out the outermost half percent of the intensities at either end.
    pub fn new(slice: &'a Slice, classes: &'a [Class]) -> Self {
        let step = slice.width.max(slice.height).div_ceil(LONGEST_SIDE).max(1);
        let mut sorted = slice.image.clone();
        sorted.sort_by(f32::total_cmp);
        let quantile = |q: f64| {
            sorted.get((q * (sorted.len().max(1) - 1) as f64) as usize).copied().unwrap_or(0.0)
        };
        Self { slice, classes, step, window: [quantile(0.005), quantile(0.995)] }
    }

    /// The image alone.
    pub fn image(&self) -> Result<String, image::ImageError> {
        self.paint(|_| None)
    }

    /// The image with classes over it.
    pub fn labels(&self, labels: &[u8]) -> Result<String, image::ImageError> {
        self.paint(|at| {
            let label = usize::from(labels[at]);
            let class = self.classes.get(label).filter(|_| label > 0)?;
            Some((colour::class(label), colour::opacity(class.share)))
        })
    }

    /// The image, dark, with wrong voxels over it: in the colour of the class they belong to, or as [`INVENTED`].
    pub fn errors(&self, predicted: &[u8]) -> Result<String, image::ImageError> {
        self.paint(|at| {
            let reference = usize::from(self.slice.labels[at]);
            let colour = if reference == 0 { INVENTED } else { colour::class(reference) };
            let counts = self.slice.labels[at] != IGNORED;
            let wrong = counts && usize::from(predicted[at]) != reference;
            Some(if wrong { (colour, 0.9) } else { ([0; 3], DIMMED) })
        })
    }

    fn paint(
        &self,
        over: impl Fn(usize) -> Option<(colour::Rgb, f32)>,
    ) -> Result<String, image::ImageError> {
        let (width, height) =
            (self.slice.width.div_ceil(self.step), self.slice.height.div_ceil(self.step));
        let picture = RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let at = y as usize * self.step * self.slice.width + x as usize * self.step;
            let below = self.intensity(at);
            Rgb(over(at).map_or(below, |(colour, opacity)| blend(below, colour, opacity)))
        });
        let mut bytes = Cursor::new(vec![]);
        picture.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes.into_inner())))
    }

    fn intensity(&self, at: usize) -> colour::Rgb {
        let voxels = self.slice.labels.len();
        let [low, high] = self.window;
        let scale = |v: f32| {
            (255.0 * ((v - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0)) as u8
        };
        let channel = |c: usize| self.slice.image.get(c * voxels + at).map(|&v| scale(v));
        let first = channel(0).unwrap_or(0);
        // Three channels are colours; of any other number, the first is shown.
        match [1, 2, 3].map(channel) {
            [Some(second), Some(third), None] => [first, second, third],
            _ => [first; 3],
        }
    }
}

fn blend(below: colour::Rgb, above: colour::Rgb, opacity: f32) -> colour::Rgb {
    std::array::from_fn(|c| {
        (f32::from(below[c]) * (1.0 - opacity) + f32::from(above[c]) * opacity) as u8
    })
}

/// Positions among some slices of those to show: together they hold as many classes as possible, rare ones first; of
/// equals, those far from the others. Slices without any class are shown only where no slice has one.
pub fn chosen(data: &Dataset, of: &[usize]) -> Vec<usize> {
    let slices: Vec<Vec<usize>> = (of.iter())
        .map(|&s| {
            data.foreground(false)
                .filter(|&label| data.slices[s].labels.contains(&(label as u8)))
                .collect()
        })
        .collect();
    let any = slices.iter().any(|labels| !labels.is_empty());
    let weight = |label: usize| if data.classes[label].is_rare() { 10 } else { 1 };
    let mut seen = vec![0u32; data.classes.len()];
    let mut chosen: Vec<usize> = vec![];
    while chosen.len() < SHOWN {
        let gain = |labels: &[usize]| {
            labels.iter().map(|&l| weight(l) * 1000 / (1 + 9 * seen[l])).sum::<u32>()
        };
        let fit = |s: &usize| !chosen.contains(s) && (!any || !slices[*s].is_empty());
        let apart = |s: usize| chosen.iter().map(|&other| other.abs_diff(s)).min();
        let best =
            (0..slices.len()).filter(fit).max_by_key(|&s| (gain(&slices[s]), apart(s), Reverse(s)));
        let Some(best) = best else { break };
        slices[best].iter().for_each(|&label| seen[label] += 1);
        chosen.push(best);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::embedded;

    fn decode(address: &str) -> RgbImage {
        let bytes = BASE64_STANDARD
            .decode(address.strip_prefix("data:image/png;base64,").unwrap())
            .unwrap();
        image::load_from_memory(&bytes).unwrap().to_rgb8()
    }

    fn class(share: f64) -> Class {
        Class { name: "c".into(), voxels: 1, share }
    }

    #[test]
    fn classes_colour_the_image_and_errors_the_truth() {
        let classes = [class(0.9), class(0.005)];
        let slice = Slice {
            name: "s".into(),
            width: 2,
            height: 2,
            image: vec![0.0, 0.0, 0.0, 1.0],
            labels: vec![0, 1, 1, 0],
        };
        let painter = Painter::new(&slice, &classes);
        let over = decode(&painter.labels(&slice.labels).unwrap());
        assert_eq!(over.get_pixel(0, 0).0, [0, 0, 0]);
        assert_eq!(
            over.get_pixel(1, 0).0,
            [216, 149, 0],
            "85 % of the first class's colour over black"
        );
        let errors = decode(&painter.errors(&[1, 1, 0, 0]).unwrap());
        assert_eq!(errors.get_pixel(0, 0).0, [229; 3], "invented");
        assert_eq!(errors.get_pixel(1, 0).0, [0; 3], "right");
        assert_eq!(errors.get_pixel(0, 1).0, [229, 158, 0], "missed");
        assert_eq!(errors.get_pixel(1, 1).0, [114; 3], "right and bright: 45 % of white");
    }

    #[test]
    fn large_slices_are_thinned_out() {
        let (width, height) = (1000, 300);
        let slice = Slice {
            name: "s".into(),
            width,
            height,
            image: vec![0.0; 300_000],
            labels: vec![0; 300_000],
        };
        let picture = decode(&Painter::new(&slice, &[class(1.0)]).image().unwrap());
        assert_eq!(picture.dimensions(), (334, 100));
    }

    #[test]
    fn the_shown_slices_hold_every_class_of_the_ct() {
        let data = embedded(None).unwrap();
        let shown = chosen(&data, &data.split.validation);
        assert_eq!(shown.len(), 4);
        for label in data.foreground(false) {
            let holds =
                |&s: &usize| data.slices[data.split.validation[s]].labels.contains(&(label as u8));
            assert!(shown.iter().any(holds), "{}", data.classes[label].name);
        }
    }

    #[test]
    fn slices_without_a_class_are_not_shown_beside_others() {
        let mut data = embedded(None).unwrap();
        let held_out = data.split.validation.clone();
        for &slice in &held_out[2..] {
            data.slices[slice].labels.fill(0);
        }
        assert_eq!(chosen(&data, &held_out), [0, 1]);
        for &slice in &held_out {
            data.slices[slice].labels.fill(0);
        }
        assert_eq!(chosen(&data, &held_out).len(), 4);
    }

    #[test]
    fn voxels_that_do_not_count_are_no_errors() {
        let slice = Slice {
            name: "s".into(),
            width: 2,
            height: 1,
            image: vec![0.0, 1.0],
            labels: vec![IGNORED, 0],
        };
        let classes = [class(0.5), class(0.5)];
        let errors = decode(&Painter::new(&slice, &classes).errors(&[1, 0]).unwrap());
        assert_eq!(errors.get_pixel(0, 0).0, [0; 3]);
    }
}
