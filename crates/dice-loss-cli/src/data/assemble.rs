//! From files' contents to a dataset: classes by looking, slices, split.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    Class, DataError, Dataset, IGNORED, MAX_CLASSES, Mask, Scan, Slice, fault::named, split,
};

/// One image with its mask; a volume is one case of many slices.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file's name without its extension.
    pub name: String,
    /// Normalised intensities.
    pub scan: Scan,
    /// Mask values, of the scan's extent.
    pub mask: Mask,
}

/// What is known about cases besides their voxels.
#[derive(Debug, Clone)]
pub struct Origin {
    /// See [`Dataset::title`].
    pub title: String,
    /// See [`Dataset::statement`].
    pub statement: String,
    /// Names of mask values; a value without one is named after itself.
    pub names: BTreeMap<u16, String>,
    /// Where the masks come from.
    pub masks: PathBuf,
    /// Mask values of voxels that do not count.
    pub ignored: Vec<u16>,
    /// What to know of it, for [`Dataset::notes`].
    pub notes: Vec<String>,
    /// Share of the slices or files to hold out; without one, what is usual for as many files.
    pub validation_fraction: Option<f64>,
    /// Decides which files are held out.
    pub seed: u64,
}

/// Numbers the classes, cuts volumes into slices and splits them.
///
/// # Errors
/// [`DataError::TooManyClasses`], [`DataError::NoForeground`] and [`DataError::TooFew`].
pub fn assemble(cases: Vec<Case>, origin: Origin) -> Result<Dataset, DataError> {
    let mut found: BTreeSet<u16> =
        cases.iter().flat_map(|case| &case.mask.values).copied().collect();
    let mut notes = origin.notes;
    notes.extend(void_note(&found, &origin.ignored, &origin.names));
    notes.extend(empty_note(&cases, &origin.ignored));
    found.insert(0);
    let values: BTreeSet<u16> =
        found.into_iter().filter(|value| *value == 0 || !origin.ignored.contains(value)).collect();
    if values.len() > MAX_CLASSES {
        return Err(DataError::TooManyClasses { found: values.len(), wanted: MAX_CLASSES });
    }
    if values.len() < 2 {
        return Err(DataError::NoForeground { folder: origin.masks });
    }
    let mut labels: BTreeMap<u16, u8> = values.iter().copied().zip(0..).collect();
    labels.extend(origin.ignored.iter().map(|&value| (value, IGNORED)));
    let channels = cases.iter().map(|case| case.scan.channels).max().unwrap_or(1);
    let depths: Vec<usize> = cases.iter().map(|case| case.scan.extent.depth).collect();
    let slices: Vec<Slice> =
        cases.into_iter().flat_map(|case| slices(case, channels, &labels)).collect();

    let counts = count(&slices, values.len());
    let presence: Vec<Vec<bool>> =
        slices.iter().map(|slice| presence(&slice.labels, values.len())).collect();
    let usual = if depths.len() == 1 { split::VOLUME_FRACTION } else { split::FILES_FRACTION };
    let validation_fraction = origin.validation_fraction.unwrap_or(usual);
    let split = split::split(&depths, &presence, validation_fraction, origin.seed)?;
    let total = counts.iter().sum::<u64>();
    let classes: Vec<Class> = (values.iter().zip(counts))
        .map(|(value, voxels)| Class {
            name: class_name(*value, &values, &origin.names),
            voxels,
            share: voxels as f64 / total as f64,
        })
        .collect();
    notes.extend(uncovered_notes(&split, &presence, &classes));
    let ignores = !origin.ignored.is_empty();
    if ignores {
        notes.push(ignored_note(&slices, &origin.ignored));
    }
    let Origin { title, statement, .. } = origin;
    Ok(Dataset {
        title,
        statement,
        notes,
        classes,
        channels,
        ignores,
        slices,
        validation_fraction,
        split,
    })
}

/// The mask value that stands apart from the classes as the label of unlabelled voxels does.
fn suspected_void(values: &BTreeSet<u16>) -> Option<u16> {
    let &[.., below, last] = &values.iter().copied().collect::<Vec<_>>()[..] else { return None };
    let apart = matches!(last, 99 | 100 | 254 | 255 | 65534 | 65535) && (1..64).contains(&below);
    // CamVid as SegNet arranged it: eleven classes, and 11 for what is none of them.
    let camvid = last == 11 && values.len() == 12;
    (apart || camvid).then_some(last)
}

fn void_note(
    values: &BTreeSet<u16>,
    ignored: &[u16],
    names: &BTreeMap<u16, String>,
) -> Option<String> {
    let left: BTreeSet<u16> =
        values.iter().filter(|value| !ignored.contains(value)).copied().collect();
    let void = suspected_void(&left).filter(|value| !names.contains_key(value))?;
    Some(format!(
        "the mask value {void} looks like the label of voxels that nobody labelled, and is trained and scored as a \
         class; --ignore-index {void} leaves it out"
    ))
}

/// Which masks hold nothing but background.
fn empty_note(cases: &[Case], ignored: &[u16]) -> Option<String> {
    let is_empty =
        |case: &&Case| case.mask.values.iter().all(|value| *value == 0 || ignored.contains(value));
    let empty: Vec<String> = cases.iter().filter(is_empty).map(|case| case.name.clone()).collect();
    let of = cases.len();
    (!empty.is_empty()).then(|| {
        format!(
            "{} of {of} masks hold nothing but background ({}); they are trained and scored like the others",
            empty.len(),
            named(empty.into_iter())
        )
    })
}

fn ignored_note(slices: &[Slice], ignored: &[u16]) -> String {
    let labels = || slices.iter().flat_map(|slice| &slice.labels);
    let count = labels().filter(|&&label| label == IGNORED).count();
    let share = 100.0 * count as f64 / labels().count().max(1) as f64;
    let values: Vec<String> = ignored.iter().map(u16::to_string).collect();
    format!(
        "{share:.1} % of the voxels hold the mask value {} and do not count",
        values.join(" or ")
    )
}

fn slices(case: Case, channels: usize, labels: &BTreeMap<u16, u8>) -> Vec<Slice> {
    let Case { name, scan, mask } = case;
    let scan = if channels == 3 { scan.into_colour() } else { scan };
    let extent = scan.extent;
    let images = scan.values.chunks_exact((channels * extent.slice_len()).max(1));
    let masks = mask.values.chunks_exact(extent.slice_len().max(1));
    (images.zip(masks).enumerate())
        .map(|(z, (image, mask))| Slice {
            name: if extent.depth > 1 { format!("{name}, slice {z}") } else { name.clone() },
            width: extent.width,
            height: extent.height,
            image: image.to_vec(),
            labels: mask.iter().map(|value| labels[value]).collect(),
        })
        .collect()
}

fn count(slices: &[Slice], classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for label in slices.iter().flat_map(|slice| &slice.labels) {
        if let Some(count) = counts.get_mut(usize::from(*label)) {
            *count += 1;
        }
    }
    counts
}

fn presence(labels: &[u8], classes: usize) -> Vec<bool> {
    let mut present = vec![false; classes];
    for label in labels {
        if let Some(present) = present.get_mut(usize::from(*label)) {
            *present = true;
        }
    }
    present
}

fn class_name(value: u16, values: &BTreeSet<u16>, names: &BTreeMap<u16, String>) -> String {
    match (value, names.get(&value)) {
        (_, Some(name)) => name.clone(),
        (0, None) => "background".into(),
        (_, None) if values.len() == 2 => "foreground".into(),
        (value, None) => format!("class {value}"),
    }
}

fn uncovered_notes(split: &split::Split, presence: &[Vec<bool>], classes: &[Class]) -> Vec<String> {
    let lacking = |side: &[usize]| -> Vec<&str> {
        let missing = |label: &usize| !side.iter().any(|&slice| presence[slice][*label]);
        (1..classes.len()).filter(missing).map(|label| classes[label].name.as_str()).collect()
    };
    let sides = [
        (lacking(&split.training), "no training slice holds", "it cannot be learned"),
        (
            lacking(&split.validation),
            "no validation slice holds",
            "it has no score unless predicted",
        ),
    ];
    (sides.into_iter())
        .filter(|(names, ..)| !names.is_empty())
        .map(|(names, what, so)| format!("{what} {}: {so}", names.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Extent;

    fn case(name: &str, width: usize, depth: usize, mask: &[u16]) -> Case {
        let extent = Extent { width, height: 1, depth };
        let values = (0..width * depth).map(|v| v as f32).collect();
        let mask = Mask { extent, values: mask.to_vec() };
        Case { name: name.into(), scan: Scan { extent, channels: 1, values }, mask }
    }

    fn origin() -> Origin {
        let (title, statement) = ("test".into(), "test".into());
        Origin {
            title,
            statement,
            names: BTreeMap::new(),
            masks: "masks".into(),
            ignored: vec![],
            notes: vec![],
            validation_fraction: Some(0.5),
            seed: 0,
        }
    }

    #[test]
    fn mask_values_become_labels_in_their_order() {
        let cases = vec![case("a", 4, 1, &[0, 10, 300, 10]), case("b", 4, 1, &[300, 0, 0, 10])];
        let data = assemble(cases, origin()).unwrap();
        assert_eq!(data.slices[0].labels, [0, 1, 2, 1]);
        let names: Vec<&str> = data.classes.iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["background", "class 10", "class 300"]);
        assert_eq!(data.classes[1].voxels, 3);
        assert_eq!(data.classes[1].share, 3.0 / 8.0);
        assert!(data.notes.is_empty());
    }

    #[test]
    fn two_values_are_background_and_foreground() {
        let data = assemble(vec![case("a", 2, 1, &[0, 255]), case("b", 2, 1, &[255, 0])], origin())
            .unwrap();
        assert_eq!(data.slices[1].labels, [1, 0]);
        assert_eq!(data.classes[1].name, "foreground");
    }

    #[test]
    fn volumes_are_cut_into_slices() {
        let mask: Vec<u16> = (0..16).map(|v| v % 2).collect();
        let data = assemble(vec![case("ct", 2, 8, &mask)], origin()).unwrap();
        assert_eq!(data.slices.len(), 8);
        assert_eq!(data.slices[3].image, [6.0, 7.0]);
        assert_eq!(data.slices[3].name, "ct, slice 3");
    }

    #[test]
    fn a_class_on_one_side_only_is_noted() {
        let data =
            assemble(vec![case("a", 2, 1, &[0, 1]), case("b", 2, 1, &[0, 2])], origin()).unwrap();
        assert_eq!(data.notes.len(), 2);
        assert!(data.notes[0].starts_with("no training slice holds class"), "{:?}", data.notes);
    }

    #[test]
    fn nothing_but_background_is_an_error() {
        assert!(matches!(
            assemble(vec![case("a", 2, 1, &[0, 0])], origin()),
            Err(DataError::NoForeground { .. })
        ));
    }

    #[test]
    fn ignored_values_are_no_class_and_do_not_count() {
        let cases = || vec![case("a", 4, 1, &[0, 7, 255, 255]), case("b", 4, 1, &[255, 0, 7, 255])];
        let data = assemble(cases(), Origin { ignored: vec![255], ..origin() }).unwrap();
        assert_eq!(data.slices[0].labels, [0, 1, IGNORED, IGNORED]);
        assert_eq!(data.slices[1].labels, [IGNORED, 0, 1, IGNORED]);
        assert_eq!(data.classes.len(), 2);
        assert_eq!((data.classes[1].voxels, data.classes[1].share), (2, 0.5));
        assert_eq!(data.notes, ["50.0 % of the voxels hold the mask value 255 and do not count"]);
        let suspected = assemble(cases(), origin()).unwrap();
        assert_eq!(suspected.classes.len(), 3);
        assert!(suspected.notes[0].contains("--ignore-index 255"), "{:?}", suspected.notes);
    }

    #[test]
    fn masks_of_nothing_but_background_are_taken_and_counted() {
        let cases = vec![
            case("a", 2, 1, &[0, 1]),
            case("b", 2, 1, &[0, 0]),
            case("c", 2, 1, &[1, 0]),
            case("d", 2, 1, &[0, 0]),
        ];
        let data = assemble(cases, origin()).unwrap();
        assert_eq!(data.slices.len(), 4);
        assert!(
            data.notes[0].starts_with("2 of 4 masks hold nothing but background (b, d)"),
            "{:?}",
            data.notes
        );
    }

    #[test]
    fn a_label_that_stands_apart_is_suspected() {
        let of = |values: &[u16]| suspected_void(&values.iter().copied().collect());
        assert_eq!(of(&[0, 1, 2, 255]), Some(255));
        assert_eq!(of(&[0, 1, 255]), Some(255));
        assert_eq!(of(&[0, 255]), None, "a foreground");
        assert_eq!(of(&[0, 127, 255]), None, "greys");
        assert_eq!(of(&(0..12).collect::<Vec<_>>()), Some(11), "CamVid");
        assert_eq!(of(&(0..11).collect::<Vec<_>>()), None);
        assert_eq!(of(&[0]), None);
    }
}
