use std::collections::BTreeMap;

use super::*;
use crate::{
    data::{Extent, Mask, MaskFile, Spacing},
    inspect::Wishes,
};

fn drawn([depth, height, width]: [usize; 3], values: Vec<u16>, wishes: &Wishes) -> image::RgbImage {
    let mask = Mask { extent: Extent { width, height, depth }, values };
    let spacing = Some(Spacing { steps: [3.0, 1.0, 1.0], unit: Unit::Millimetre });
    let file = MaskFile { mask, lies: None, spacing, names: BTreeMap::new() };
    let mask = Inspected::new("tube.nii.gz".into(), file, wishes).unwrap();
    image::load_from_memory(&draw(&mask).unwrap()).unwrap().to_rgb8()
}

/// Whether a colour is in a part of the picture: the panel's number, from left to right.
fn holds(picture: &image::RgbImage, panel: u32, colour: Rgb) -> bool {
    let width = picture.width() / 3;
    let columns = panel * width..(panel + 1) * width;
    columns
        .into_iter()
        .any(|x| (100..picture.height()).any(|y| picture.get_pixel(x, y).0 == colour))
}

#[test]
fn three_panels_show_classes_distances_and_skeletons() {
    use crate::report::colour;
    let tube = |z: usize, y: usize, x: usize| u16::from(z == 1 && y.abs_diff(10) < 4 && x > 2);
    let values = (0..3 * 20 * 30).map(|i| tube(i / 600, i / 30 % 20, i % 30)).collect();
    let picture = drawn([3, 20, 30], values, &Wishes::default());
    let class = colour::class(1);
    assert!(holds(&picture, 0, canvas::blend([7, 8, 11], class, 0.72)), "the class");
    assert!(holds(&picture, 2, canvas::blend([7, 8, 11], class, 0.2)), "faint below its skeleton");
    assert!(holds(&picture, 2, canvas::blend(class, [255; 3], 0.45)), "a skeleton in the slice");
    assert!(!holds(&picture, 0, canvas::blend(class, [255; 3], 0.45)));
    assert!(holds(&picture, 1, [255; 3]), "the border");
}

#[test]
fn masks_without_a_border_are_drawn_all_the_same() {
    for value in [0, 1] {
        let picture = drawn([2, 6, 5], vec![value; 60], &Wishes::default());
        assert!(picture.width() > 3 * 300, "{:?}", picture.dimensions());
    }
    drawn([1, 1, 1], vec![7], &Wishes::default());
    let ignored = Wishes { ignored: vec![7], ..Wishes::default() };
    drawn([1, 3, 2], vec![7, 7, 7, 1, 0, 0], &ignored);
}
