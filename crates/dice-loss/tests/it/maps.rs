//! Maps as losses want them made, beside ones made voxel by voxel; and what is said where they do not fit.

use dice_loss::{
    Activation, Boundary, CrossEntropy, Dice, HausdorffDT, Layout, Logits, Objective,
    SkeletonRecall, Target, Term,
};

use crate::cases::Rng;

const SHAPE: [usize; 3] = [3, 4, 5];
const VOXELS: usize = 60;
const SPACING: [f64; 3] = [2.0, 1.0, 0.5];
const CLASSES: usize = 3;

fn coordinates(voxel: usize) -> [usize; 3] {
    [voxel / 20, voxel / 5 % 4, voxel % 5]
}

fn distance(a: usize, b: usize) -> f64 {
    let (a, b) = (coordinates(a), coordinates(b));
    let along = |axis: usize| SPACING[axis] * (a[axis] as f64 - b[axis] as f64);
    (0..3).map(|axis| along(axis).powi(2)).sum::<f64>().sqrt()
}

/// The distance to the nearest voxel of the other kind; 0 if there is none.
fn to_border(inside: &[bool], voxel: usize) -> f64 {
    let others = (0..VOXELS).filter(|&other| inside[other] != inside[voxel]);
    let nearest = others.map(|other| distance(voxel, other)).fold(f64::INFINITY, f64::min);
    if nearest.is_finite() { nearest } else { 0.0 }
}

/// A batch of two samples: labels, a mask, and logits.
struct Scene {
    labels: Vec<u8>,
    mask: Vec<bool>,
    x: Vec<f32>,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let label = |rng: &mut Rng| if rng.chance(0.1) { 255 } else { rng.below(CLASSES) as u8 };
        Self {
            labels: (0..2 * VOXELS).map(|_| label(&mut rng)).collect(),
            mask: (0..2 * VOXELS).map(|_| rng.chance(0.9)).collect(),
            x: (0..2 * CLASSES * VOXELS).map(|_| rng.between(-3.0, 3.0) as f32).collect(),
        }
    }

    fn counts(&self, sample: usize, voxel: usize) -> bool {
        let at = sample * VOXELS + voxel;
        self.labels[at] != 255 && self.mask[at]
    }

    /// Where the labels have a class, of voxels that count.
    fn inside(&self, sample: usize, class: usize) -> Vec<bool> {
        let is_its = |voxel: usize| usize::from(self.labels[sample * VOXELS + voxel]) == class;
        (0..VOXELS).map(|voxel| self.counts(sample, voxel) && is_its(voxel)).collect()
    }

    /// Where the softmax gives it more than one half.
    fn predicted(&self, sample: usize, class: usize) -> Vec<bool> {
        let e = |class: usize, voxel: usize| {
            f64::from(self.x[(sample * CLASSES + class) * VOXELS + voxel]).exp()
        };
        let of_all = |voxel| (0..CLASSES).map(|class| e(class, voxel)).sum::<f64>();
        let is_in = |voxel| self.counts(sample, voxel) && 2.0 * e(class, voxel) > of_all(voxel);
        (0..VOXELS).map(is_in).collect()
    }

    /// The map as the engine makes it, of labels and of the same as a dense target and as regions.
    fn made(&self, term: Term, name: &str) -> Vec<f32> {
        let layout = Layout::channels_first(&[2, CLASSES, 3, 4, 5]).expect("five axes");
        let per_voxel = Layout::voxels(&[2, 3, 4, 5]).expect("four axes");
        let prepared = Objective::new().term(1.0, term).prepare(CLASSES).expect("a loss");
        let logits = Logits::new(&self.x, layout).expect("logits");
        let made = |target: Target| {
            let target = target.mask(&self.mask, per_voxel).expect("a mask");
            prepared.make_map(name, &logits, &target, &SHAPE).expect("a map")
        };
        let labels = Target::labels(&self.labels, per_voxel).expect("labels").ignore_index(255);
        let found = made(labels);
        let table: Vec<Vec<usize>> = (0..CLASSES).map(|class| vec![class]).collect();
        let regions = Target::regions(&self.labels, per_voxel, &table).expect("regions");
        assert_eq!(made(regions.ignore_index(255)), found);
        let share = |index: usize| {
            let (sample, class) = (index / (CLASSES * VOXELS), index / VOXELS % CLASSES);
            if self.inside(sample, class)[index % VOXELS] { 0.5f32 } else { 0.25 }
        };
        let dense: Vec<_> = (0..2 * CLASSES * VOXELS).map(share).collect();
        let counted: Vec<_> =
            (0..2 * VOXELS).map(|at| self.counts(at / VOXELS, at % VOXELS)).collect();
        let dense = Target::dense(&dense, layout).expect("a dense target");
        let dense = dense.mask(&counted, per_voxel).expect("a mask");
        assert_eq!(prepared.make_map(name, &logits, &dense, &SHAPE).expect("a map"), found);
        found
    }
}

fn compare(found: &[f32], wanted: impl Fn(usize, usize, usize) -> f64) {
    for (index, &found) in found.iter().enumerate() {
        let (sample, class) = (index / (CLASSES * VOXELS), index / VOXELS % CLASSES);
        let wanted = wanted(sample, class, index % VOXELS);
        // A few roundings of f32.
        let tolerance = 8.0 * f64::from(f32::EPSILON) * wanted.abs();
        assert!((f64::from(found) - wanted).abs() <= tolerance, "{index}: {found}, {wanted}");
    }
}

#[test]
fn signed_distances_are_those_to_the_border() {
    for seed in 0..5 {
        let scene = Scene::new(seed);
        let loss = Boundary { spacing: Some(SPACING.to_vec()) };
        compare(&scene.made(loss.softmax(), "boundary"), |sample, class, voxel| {
            let inside = scene.inside(sample, class);
            let far = to_border(&inside, voxel);
            // Voxels along the border are 0: the smallest spacing is taken off inside.
            if inside[voxel] { -(far - 0.5) } else { far }
        });
    }
}

#[test]
fn hausdorff_maps_add_the_distances_of_either_side() {
    for seed in 0..5 {
        let scene = Scene::new(seed);
        let loss =
            HausdorffDT { alpha: 1.5, spacing: Some(SPACING.to_vec()), ..HausdorffDT::default() };
        compare(&scene.made(loss.softmax(), "hausdorff"), |sample, class, voxel| {
            let sides = [scene.inside(sample, class), scene.predicted(sample, class)];
            sides.iter().map(|inside| to_border(inside, voxel).powf(1.5)).sum()
        });
    }
}

#[test]
fn skeletons_are_dilated_within_their_class() {
    // A bar of 3 × 7 voxels: its skeleton is the row in the middle.
    let labels: Vec<u8> = (0..5 * 9)
        .map(|at| u8::from((1..4).contains(&(at / 9)) && (1..8).contains(&(at % 9))))
        .collect();
    let (x, layout) = ([0.0f32; 45], Layout::voxels(&[1, 5, 9]).expect("three axes"));
    let logits = Logits::new(&x, layout).expect("logits");
    let made = |radius| {
        let loss = SkeletonRecall { radius, ..SkeletonRecall::default() };
        let prepared = Objective::new().term(1.0, loss.sigmoid()).prepare(1).expect("a loss");
        let target = Target::labels(&labels, layout).expect("labels");
        prepared.make_map("skeleton", &logits, &target, &[5, 9]).expect("a map")
    };
    let line = made(0.0);
    assert!((0..45).all(|at| line[at] == 0.0 || labels[at] == 1 && at / 9 == 2));
    assert!(line.iter().sum::<f32>() >= 5.0);
    // Dilated by far more than the bar: all of it, and nothing else.
    let whole: Vec<_> = labels.iter().map(|&label| f32::from(label)).collect();
    assert_eq!(made(4.0), whole);
}

#[test]
fn classes_that_nobody_looks_at_are_left_out() {
    let scene = Scene::new(1);
    let loss = Boundary { spacing: Some(SPACING.to_vec()) };
    let all = scene.made(loss.clone().softmax(), "boundary");
    let few = scene.made(loss.softmax().background(false), "boundary");
    for (index, (few, all)) in few.iter().zip(&all).enumerate() {
        let wanted = if (index / VOXELS).is_multiple_of(CLASSES) { 0.0 } else { *all };
        assert_eq!(*few, wanted, "{index}");
    }
}

/// What is said of a target, or of an objective, that does not fit the other's maps.
#[test]
fn what_does_not_fit_is_said() {
    let (x, labels, map) = ([0.5f32; 12], [0u8, 1, 1, 0, 0, 1], [1.0f32; 12]);
    let layout = Layout::channels_first(&[1, 2, 2, 3]).expect("four axes");
    let per_voxel = Layout::voxels(&[1, 2, 3]).expect("three axes");
    let logits = Logits::new(&x, layout).expect("logits");
    let target = || Target::labels(&labels, per_voxel).expect("labels");
    let weighed = || Objective::new().term(1.0, CrossEntropy::default().softmax().map("border"));
    let boundary = || Objective::new().term(1.0, Boundary::default().softmax());
    let refusal = |objective: Objective, target: dice_loss::Result<Target>| {
        let found = target.and_then(|target| objective.measure(&logits, &target));
        found.expect_err("a target that does not fit").to_string()
    };
    let with =
        |values: &[f32]| -> [f32; 12] { std::array::from_fn(|at| values[at % values.len()]) };
    let (negative, lost) = (with(&[1.0, 1.0, -0.5]), with(&[1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0]));
    for (found, wanted) in [
        (
            refusal(boundary(), Ok(target())),
            "boundary: map: found none called 'boundary' with the target, wanted one of shape (N, 1, \
             spatial…) or (N, C, spatial…)",
        ),
        (
            refusal(weighed(), target().map("boder", &map, layout)),
            "maps of the target: found 'boder', wanted maps that terms name: 'border'",
        ),
        (
            refusal(Objective::new().term(1.0, Dice::default().softmax()), {
                target().map("border", &map, layout)
            }),
            "maps of the target: found 'border', wanted none: no term names a map",
        ),
        (
            refusal(weighed(), {
                target()
                    .map("border", &map, layout)
                    .and_then(|target| target.map("border", &map, layout))
            }),
            "maps of the target: found two of the name 'border', wanted one",
        ),
        (
            refusal(weighed(), {
                target().map("border", &map, Layout::voxels(&[1, 2, 2]).expect("three axes"))
            }),
            "map 'border': found shape [1, 1, 4], wanted [1, 1, 6] or [1, 2, 6] (samples, channels, \
             voxels), to fit the logits",
        ),
        (
            refusal(weighed(), target().map("border", &negative, layout)),
            "sample 0, class 0, voxel (0, 2): found -0.5 in the map 'border', wanted a value of at \
             least 0, and at most 1e12",
        ),
        (
            refusal(boundary(), target().map("boundary", &lost, layout)),
            "sample 0, class 0, voxel (1, 1): found NaN in the map 'boundary', wanted a value from \
             -1e12 to 1e12",
        ),
        (
            refusal(
                boundary().term(1.0, CrossEntropy::default().softmax().map("boundary")),
                target().map("boundary", &negative, layout),
            ),
            "sample 0, class 0, voxel (0, 2): found -0.5 in the map 'boundary', wanted a value of at \
             least 0, and at most 1e12",
        ),
        (
            refusal(
                boundary().term(1.0, HausdorffDT::default().softmax().map("boundary")),
                target().map("boundary", &map, layout),
            ),
            "map 'boundary': found two terms that want it made in different ways, wanted a name of its \
             own for each, as the setting map gives it",
        ),
    ] {
        assert_eq!(found, wanted);
    }
    // A negative value is right where the loss says so, and anything where the voxel does not count.
    let allowed = target().map("boundary", &negative, layout).expect("a map");
    assert!(boundary().measure(&logits, &allowed).is_ok());
    let masked = target().mask(&[true, true, true, true, false, true], per_voxel).expect("a mask");
    let masked = masked.map("boundary", &lost, layout).expect("a map");
    assert!(boundary().measure(&logits, &masked).is_ok());
}

#[test]
fn maps_that_cannot_be_made_are_refused() {
    let (x, labels) = ([0.5f32; 12], [0u8, 1, 1, 0, 0, 1]);
    let layout = Layout::channels_first(&[1, 2, 2, 3]).expect("four axes");
    let logits = Logits::new(&x, layout).expect("logits");
    let target = Layout::voxels(&[1, 2, 3]).and_then(|layout| Target::labels(&labels, layout));
    let target = target.expect("labels");
    let refusal = |term: Term, name: &str, spatial: &[usize]| {
        let prepared = Objective::new().term(1.0, term).prepare(2).expect("a loss");
        prepared.make_map(name, &logits, &target, spatial).expect_err("no map").to_string()
    };
    let boundary = || Boundary::default().softmax();
    for (found, wanted) in [
        (
            refusal(CrossEntropy::default().softmax().map("border"), "border", &[2, 3]),
            "map to make: found 'border', wanted a map that the loss of a term says how to make, or \
             one made elsewhere",
        ),
        (
            refusal(boundary(), "boundary", &[2, 4]),
            "spatial axes of the target: found shape [2, 4], wanted 6 voxels, as the logits have",
        ),
        (
            refusal(Boundary { spacing: Some(vec![1.0; 3]) }.softmax(), "boundary", &[2, 3]),
            "boundary: spacing: found [1.0, 1.0, 1.0], wanted 2 numbers, one for each spatial axis",
        ),
        (
            refusal(boundary(), "boundary", &[1, 1, 2, 3]),
            "spatial axes of the target: found shape [1, 1, 2, 3], wanted one to three axes",
        ),
    ] {
        assert_eq!(found, wanted);
    }
    let negative = Boundary { spacing: Some(vec![-1.0]) }.softmax();
    let error = Objective::new().term(1.0, negative).check(2).expect_err("a spacing").to_string();
    assert_eq!(error, "boundary: spacing: found -1.0, wanted a finite number above 0");
    // Empty and full classes have no border.
    let full = Target::labels(&[1u8; 6], Layout::voxels(&[1, 2, 3]).expect("three axes"));
    for term in [boundary(), HausdorffDT::default().with(Activation::Softmax)] {
        let name = if term.name() == "boundary" { "boundary" } else { "hausdorff" };
        let prepared = Objective::new().term(1.0, term).prepare(2).expect("a loss");
        let map = prepared.make_map(name, &logits, full.as_ref().expect("labels"), &[2, 3]);
        assert_eq!(map.expect("a map"), [0.0; 12]);
    }
}
