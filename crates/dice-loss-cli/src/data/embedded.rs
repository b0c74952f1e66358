//! The chest CT inside the program; `data/README.md` tells its origin.

use std::collections::BTreeMap;

use super::{
    Case, DataError, Dataset, Fault, Faults, MAX_VOXELS, Origin, Problem, assemble, nifti, split,
};

const IMAGE: &[u8] = include_bytes!("../../data/chest-ct.nii.gz");
const LABELS: &[u8] = include_bytes!("../../data/chest-ct-labels.nii.gz");

const CLASSES: [&str; 8] = [
    "background",
    "ribs",
    "cervical spine",
    "thoracic spine",
    "lumbar spine",
    "right lung",
    "left lung",
    "tissue",
];

/// Hounsfield units that become −1 and 1: air, and the harder bones.
const WINDOW: [f32; 2] = [-1000.0, 600.0];

const STATEMENT: &str = "One chest CT of one person: 34 axial slices of 128 × 128 voxels, 10 mm apart. Blocks of \
    slices are held out, with a slice left out at each border; still, training and validation see the same person. \
    The numbers compare losses under equal conditions. They are not clinical, and they say nothing about other people.";

/// The embedded chest CT, with every class in training and in validation slices;
/// without a fraction a third of the slices is held out.
///
/// # Errors
/// [`DataError::Uncovered`] where the fraction leaves a class on one side only.
pub fn embedded(validation_fraction: Option<f64>) -> Result<Dataset, DataError> {
    let (scan, lies) = nifti::decode_image(IMAGE, MAX_VOXELS)
        .map_err(|problem| fault("chest-ct.nii.gz", problem))?;
    let (mask, _) = nifti::decode_mask(LABELS, MAX_VOXELS)
        .map_err(|problem| fault("chest-ct-labels.nii.gz", problem))?;
    let upright = lies.map_or([false; 3], |lies| lies.upright());
    let (mut scan, mask) = (scan.turned(upright), mask.turned(upright));
    scan.window(WINDOW[0], WINDOW[1]);
    let origin = Origin {
        title: "Chest CT, one patient (embedded)".into(),
        statement: STATEMENT.into(),
        names: BTreeMap::from_iter((0..).zip(CLASSES.map(String::from))),
        masks: "chest-ct-labels.nii.gz".into(),
        ignored: vec![],
        notes: vec![],
        validation_fraction,
        seed: 0,
    };
    let data = assemble(vec![Case { name: "chest CT".into(), scan, mask }], origin)?;
    every_class_on_both_sides(&data)?;
    Ok(data)
}

fn every_class_on_both_sides(data: &Dataset) -> Result<(), DataError> {
    let holds = |slice: &super::Slice| -> Vec<bool> {
        (0..data.classes.len()).map(|label| slice.labels.contains(&(label as u8))).collect()
    };
    let presence: Vec<Vec<bool>> = data.slices.iter().map(holds).collect();
    let classes: Vec<String> = [&data.split.training, &data.split.validation]
        .into_iter()
        .flat_map(|side| split::lacking(side, &presence))
        .map(|label| data.classes[label].name.clone())
        .collect();
    if classes.is_empty() { Ok(()) } else { Err(DataError::Uncovered { classes }) }
}

fn fault(name: &str, problem: Problem) -> DataError {
    DataError::Faults(Faults { faults: vec![Fault { path: name.into(), problem }], notes: vec![] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voxels_are_those_that_the_readme_counts() {
        let data = embedded(None).unwrap();
        let counts: Vec<u64> = data.classes.iter().map(|class| class.voxels).collect();
        assert_eq!(counts, [318643, 8487, 1216, 2712, 3259, 34450, 33700, 154589]);
        let rare: Vec<usize> = data.foreground(true).collect();
        assert_eq!(rare, [2, 3, 4]);
        assert!(
            data.slices.iter().flat_map(|slice| &slice.image).all(|v| (-1.0..=1.0).contains(v))
        );
    }

    #[test]
    fn the_split_interleaves_blocks() {
        let split = embedded(None).unwrap().split;
        assert_eq!(split.validation, [5, 6, 13, 14, 21, 22, 29, 30]);
        assert_eq!(split.left_out, [4, 7, 12, 15, 20, 23, 28, 31]);
        assert_eq!(split.training.len(), 18);
    }

    #[test]
    fn slices_stand_upright() {
        let data = embedded(None).unwrap();
        let slice = &data.slices[14];
        let centre = |label: u8| {
            let at = (0..slice.labels.len()).filter(|&i| slice.labels[i] == label);
            let (n, x, y) = at
                .fold((0, 0, 0), |(n, x, y), i| (n + 1, x + i % slice.width, y + i / slice.width));
            (x / n, y / n)
        };
        let [spine, right_lung, left_lung] = [3, 5, 6].map(centre);
        assert!(
            right_lung.0 < spine.0 && spine.0 < left_lung.0,
            "the patient's right is on the left"
        );
        assert!(right_lung.1 < spine.1 && left_lung.1 < spine.1, "the spine is below");
    }

    #[test]
    fn a_fraction_that_leaves_a_class_on_one_side_is_an_error() {
        assert!(matches!(embedded(Some(0.02)), Err(DataError::Uncovered { .. })));
    }
}
