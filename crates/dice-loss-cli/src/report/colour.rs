//! Colours of losses and classes.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// Colours of classes over grey images, by label; chosen to stay apart from each other and from grey.
const CLASSES: [Rgb; 7] = [
    [255, 176, 0],
    [255, 82, 112],
    [52, 211, 120],
    [64, 156, 255],
    [0, 206, 220],
    [198, 120, 255],
    [205, 140, 104],
];

/// Losses with a colour of their own in the page's style, each for light and dark; further ones share them, dashed.
pub const LOSSES: usize = 8;

/// The colour of a class over an image; background has none.
pub fn class(label: usize) -> Rgb {
    match label.checked_sub(1) {
        None => [0; 3],
        Some(index) => CLASSES.get(index).copied().unwrap_or_else(|| spread(index)),
    }
}

/// How opaque a class lies over an image: the smaller, the more.
pub fn opacity(share: f64) -> f32 {
    match share {
        share if share < 0.02 => 0.85,
        share if share < 0.15 => 0.6,
        _ => 0.28,
    }
}

/// A colour as CSS writes it.
pub fn css([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Hues a golden angle apart, so that neighbours in number are far apart in colour.
fn spread(index: usize) -> Rgb {
    let hue = (index as f32 * 137.508) % 360.0 / 60.0;
    let lightness = if index.is_multiple_of(2) { 1.0 } else { 0.75 };
    let channel = |offset: f32| {
        let k = (offset + hue) % 6.0;
        let value = 1.0 - 0.75 * k.min(4.0 - k).clamp(0.0, 1.0);
        (255.0 * lightness * value) as u8
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_classes_differ_in_colour() {
        let colours: BTreeSet<Rgb> = (0..crate::data::MAX_CLASSES).map(class).collect();
        assert_eq!(colours.len(), crate::data::MAX_CLASSES);
    }
}
