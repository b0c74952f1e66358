//! Every error: when it comes, what it says, and that nothing was written.

use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Decision, Dice, Distances, Error, Focal, Layout,
    Logits, Objective, Output, Pool, Reduction, Target, Term, Upstream, reference,
};
use half::bf16;

use crate::cases::{FloatKind, Moved, Precision, gradient_agrees};

fn dice() -> Objective {
    Objective::new().term(1.0, Dice::default().softmax())
}

fn first(shape: &[usize]) -> Layout {
    Layout::channels_first(shape).expect("a small shape")
}

fn voxels(shape: &[usize]) -> Layout {
    Layout::voxels(shape).expect("a small shape")
}

const X: [f32; 12] = [0.5; 12];

/// Two samples, two classes, three voxels.
fn logits() -> Logits<'static> {
    Logits::new(&X, first(&[2, 2, 3])).expect("twelve logits")
}

/// The error of measuring; the reference's and that of the map of voxel losses are the same.
fn refused(objective: &Objective, target: &Target) -> Error {
    let error = objective.measure(&logits(), target).unwrap_err();
    assert_eq!(reference::measure(objective, &logits(), target).unwrap_err(), error);
    error
}

fn says(error: &Error, wanted: &str) {
    assert_eq!(error.to_string(), wanted);
}

#[test]
fn shapes() {
    let labels = [0u8; 8];
    let target = Target::labels(&labels, voxels(&[2, 4])).expect("eight labels");
    let error = refused(&dice(), &target);
    assert!(matches!(error, Error::Shape { .. }));
    says(
        &error,
        "labels: found shape [2, 1, 4], wanted [2, 1, 3] (samples, channels, voxels), to fit the \
         logits",
    );
    let dense = [0u8; 18];
    let target = Target::dense(&dense, first(&[2, 3, 3])).expect("eighteen values");
    assert!(
        refused(&dice(), &target).to_string().starts_with("dense target: found shape [2, 3, 3]")
    );
    let target = || Target::labels(&labels[..6], voxels(&[2, 3])).expect("six labels");
    let masked = target().mask(&[true; 3], voxels(&[1, 3])).expect("three values");
    assert!(refused(&dice(), &masked).to_string().starts_with("mask: found shape [1, 1, 3]"));
    let weighed = target().voxel_weights(&[1.0f32; 3], voxels(&[1, 3])).expect("three weights");
    assert!(refused(&dice(), &weighed).to_string().starts_with("voxel weights: found shape"));
    let valid = target().class_valid(&[true; 3]);
    says(
        &refused(&dice(), &valid),
        "class validity: found shape [3], wanted N × C = 2 × 2 entries",
    );
    let error = Target::labels(&labels, first(&[2, 2, 2])).unwrap_err();
    assert!(
        error.to_string().starts_with("labels: found shape [2, 2, 2], wanted one value a voxel")
    );
    assert!(matches!(Layout::channels_first(&[3]), Err(Error::Shape { .. })));
    let error = Layout::channels_first(&[usize::MAX, 4]).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }));
}

#[test]
fn lengths_and_strides() {
    let error = Logits::new(&X, first(&[2, 2, 4])).unwrap_err();
    assert!(matches!(error, Error::Length { found: 12, wanted: 16, .. }));
    says(&error, "logits: found 12 elements, wanted at least 16");
    let error = Layout::strided(&[1, 2, 4, 4], &[64, 32, 8, 1]).unwrap_err();
    assert!(matches!(error, Error::Strides { .. }));
    says(
        &error,
        "found strides [64, 32, 8, 1] for shape [1, 2, 4, 4], wanted spatial axes that collapse \
         into one (row-major among themselves)",
    );
    let broadcast = Layout::strided(&[2, 2, 3], &[0, 3, 1]).expect("a broadcast");
    let mut gradient = [0.0f32; 12];
    let error = Output::new(&mut gradient, broadcast).unwrap_err();
    assert!(error.to_string().ends_with("wanted an output whose elements do not overlap"));
    // Reading such logits is fine.
    assert!(Logits::new(&X, broadcast).is_ok());
}

#[test]
fn labels_out_of_range() {
    let labels = [0i32, 1, 0, 1, 7, 0];
    let target = Target::labels(&labels, voxels(&[2, 3])).expect("six labels");
    let error = refused(&dice(), &target);
    let (found, wanted) = ("7".into(), "0 to 1".into());
    let wanted = Error::Label { sample: 1, voxel: vec![1], found, wanted };
    assert_eq!(error, wanted);
    says(&error, "sample 1, voxel 1: found label 7, wanted 0 to 1");
    let error = refused(&dice(), &target.ignore_index(-1));
    says(&error, "sample 1, voxel 1: found label 7, wanted 0 to 1, or -1 to ignore");
    let whole = [(-3.0, "-3"), (3e9, "3000000000"), (4_294_967_296.0, "4294967296")];
    for (label, text) in [(1.5f32, "1.5"), (f32::NAN, "NaN")].into_iter().chain(whole) {
        let labels = [0.0, 1.0, label, 0.0, 0.0, 0.0];
        let target = Target::labels(&labels, voxels(&[2, 3])).expect("six labels");
        let error = refused(&dice(), &target);
        says(&error, &format!("sample 0, voxel 2: found label {text}, wanted 0 to 1"));
    }
    let labels = [0i64, 1, 0, 1, 1 << 32, 0];
    let target = Target::labels(&labels, voxels(&[2, 3])).expect("six labels");
    assert!(refused(&dice(), &target).to_string().contains("label 4294967296"));
    let table = [vec![], vec![0], vec![0, 1]];
    let labels = [0u8, 1, 2, 3, 0, 0];
    let target = Target::regions(&labels, voxels(&[2, 3]), &table).expect("six labels");
    says(&refused(&dice(), &target), "sample 1, voxel 0: found label 3, wanted 0 to 2");
}

#[test]
fn the_first_bad_label_is_the_one_reported() {
    let count = 9_000;
    let x = vec![0.5f32; 2 * count];
    let mut labels = vec![0u8; count];
    (labels[5_000], labels[8_000]) = (9, 10);
    let logits = Logits::new(&x, first(&[1, 2, count])).expect("logits");
    let target = Target::labels(&labels, voxels(&[1, count])).expect("labels");
    let error = dice().measure(&logits, &target).unwrap_err();
    says(&error, "sample 0, voxel 5000: found label 9, wanted 0 to 1");
}

#[test]
fn a_voxel_is_named_as_the_array_has_it() {
    let logits = [0.5f32; 24];
    let objective = Objective::new().term(1.0, Dice::default().sigmoid());
    let found = |shape: &[usize], target: &Target| {
        let logits = Logits::new(&logits, first(shape)).expect("24 logits");
        let error = objective.measure(&logits, target).unwrap_err();
        assert_eq!(reference::measure(&objective, &logits, target).unwrap_err(), error);
        error.to_string()
    };
    let mut labels = [1u8; 24];
    labels[17] = 9;
    let flat = found(&[2, 1, 12], &Target::labels(&labels, voxels(&[2, 12])).expect("24"));
    assert_eq!(flat, "sample 1, voxel 5: found label 9, wanted 0 to 1");
    let plane = found(&[2, 1, 3, 4], &Target::labels(&labels, voxels(&[2, 3, 4])).expect("24"));
    assert_eq!(plane, "sample 1, voxel (1, 1): found label 9, wanted 0 to 1");
    let deep = Target::labels(&labels, voxels(&[1, 1, 3, 2, 4])).expect("24");
    let deep = found(&[1, 1, 3, 2, 4], &deep);
    assert_eq!(deep, "sample 0, voxel (2, 0, 1): found label 9, wanted 0 to 1");
    let mut dense = [1.0f32; 24];
    dense[23] = 1.5;
    let dense = Target::dense(&dense, first(&[1, 2, 3, 4])).expect("24");
    let dense = found(&[1, 2, 3, 4], &dense);
    assert_eq!(dense, format!("sample 0, voxel (2, 3): found target 1.5, {INSIDE}"));
    let mut weights = [1.0f32; 24];
    weights[2] = -1.0;
    let target = Target::labels(&[1u8; 24], voxels(&[2, 3, 4])).expect("24");
    let target = target.voxel_weights(&weights, voxels(&[2, 3, 4])).expect("24");
    let weight = found(&[2, 1, 3, 4], &target);
    assert!(weight.starts_with("sample 0, voxel (0, 2): found voxel weight -1"), "{weight}");
}

#[test]
fn what_often_stands_for_unknown_is_told_how_to_be_ignored() {
    let found = |label: i16| {
        let labels = [0, 1, 0, 1, label, 0];
        let target = Target::labels(&labels, voxels(&[2, 3])).expect("six labels");
        refused(&dice(), &target).to_string()
    };
    for label in [255, -1, -100] {
        let hint = format!("wanted 0 to 1, or ignore_index={label} if it means unknown");
        assert_eq!(found(label), format!("sample 1, voxel 1: found label {label}, {hint}"));
    }
    assert!(found(254).ends_with("found label 254, wanted 0 to 1"));
    // In one channel it may as well be the object.
    let hint = "; 1 in place of 255 where that marks the object, ignore_index=255 where it means \
                unknown";
    let logits = Logits::new(&X, first(&[2, 1, 6])).expect("twelve logits");
    let objective = Objective::new().term(1.0, Dice::default().sigmoid());
    let bytes = [0u8, 0, 0, 0, 0, 0, 255, 1, 1, 1, 1, 1];
    let labels = Target::labels(&bytes, voxels(&[2, 6])).expect("twelve labels");
    let error = objective.measure(&logits, &labels).unwrap_err();
    says(&error, &format!("sample 1, voxel 0: found label 255, wanted 0 to 1{hint}"));
    let dense = Target::dense(&bytes, first(&[2, 1, 6])).expect("twelve values");
    let error = objective.measure(&logits, &dense).unwrap_err();
    says(&error, &format!("sample 1, voxel 0: found target 255, {INSIDE}{hint}"));
}

/// What is wanted of a dense value.
const INSIDE: &str = "wanted 0 to 1, up to 4 roundings; clamp what interpolation pushed out, \
                      target.clamp(0, 1)";

#[test]
fn values_out_of_range() {
    for (value, text) in [(2.0f32, "2"), (-0.5, "-0.5"), (f32::NAN, "NaN"), (1.5, "1.5")] {
        let mut dense = [0.0f32; 12];
        dense[10] = value;
        let target = Target::dense(&dense, first(&[2, 2, 3])).expect("twelve values");
        let error = dice().measure(&logits(), &target).unwrap_err();
        says(&error, &format!("sample 1, voxel 1: found target {text}, {INSIDE}"));
        let error = reference::measure(&dice(), &logits(), &target).unwrap_err();
        says(&error, &format!("sample 1, voxel 1: found target {text}, {INSIDE}"));
    }
    // Class 0 is bad at voxel 2 and class 1 at voxels 0 and 2: the first voxel is named.
    let dense = [0.0f32, 1.0, 3.0, 4.0, 0.0, 5.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let target = Target::dense(&dense, first(&[2, 2, 3])).expect("twelve values");
    let error = refused(&dice(), &target);
    says(&error, &format!("sample 0, voxel 0: found target 4, {INSIDE}"));
    let dense = [0u8, 0, 0, 1, 1, 1, 0, 0, 0, 1, 255, 1];
    let target = Target::dense(&dense, first(&[2, 2, 3])).expect("twelve values");
    assert!(matches!(refused(&dice(), &target), Error::Value { found: 255.0, .. }));
    for (weight, text) in [(-1.0f32, "-1"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let weights = [1.0, 0.0, weight, 1.0, 1.0, 1.0];
        let target = Target::labels(&[0u8; 6], voxels(&[2, 3])).expect("six labels");
        let target = target.voxel_weights(&weights, voxels(&[2, 3])).expect("six weights");
        let error = dice().measure(&logits(), &target).unwrap_err();
        says(
            &error,
            &format!(
                "sample 0, voxel 2: found voxel weight {text}, wanted a weight of at least 0, and at \
                 most 3.4e38"
            ),
        );
    }
}

#[test]
fn options_out_of_range() {
    let refused = |objective: Objective, wanted: &str| {
        let error = objective.check(2).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }));
        assert!(error.to_string().starts_with(wanted), "{error}");
        let target = Target::labels(&[0u8; 6], voxels(&[2, 3])).expect("six labels");
        assert_eq!(self::refused(&objective, &target), error);
    };
    let one = |term| Objective::new().term(1.0, term);
    let mut loss = Dice::default();
    loss.smoothing.numerator = -1.0;
    refused(one(loss.softmax()), "dice: smoothing.numerator: found -1");
    refused(Objective::new().term(f64::NAN, Dice::default().softmax()), "dice: weight: found NaN");
    refused(one(Dice::default().softmax().classes([2])), "dice: classes: found 2, wanted below 2");
    refused(
        one(Dice::default().softmax().class_weights([1.0])),
        "dice: class_weights: found [1.0]",
    );
    let negative = Dice::default().softmax().class_weights([1.0, -1.0]);
    refused(one(negative), "dice: class_weights: found -1");
    refused(
        one(CrossEntropy { label_smoothing: 1.5, ..Default::default() }.softmax()),
        "cross_entropy: label_smoothing: found 1.5, wanted 0 to 1",
    );
    refused(
        one(CrossEntropy::default().with(Activation::Sigmoid)),
        "cross_entropy: activation: found sigmoid, wanted softmax or probabilities; under sigmoid that",
    );
    refused(one(CrossEntropy::default().softmax().pool(Pool::Batch)), "cross_entropy: pool");
    refused(
        one(BinaryCrossEntropy { pos_weight: vec![1.0].into(), ..Default::default() }.sigmoid()),
        "binary_cross_entropy: pos_weight: found [1.0], wanted 2 values",
    );
    refused(
        one(Focal { gamma: (-1.0).into(), ..Default::default() }.softmax()),
        "focal: gamma: found -1",
    );
    refused(
        one(Focal { gamma: 2.0.into(), alpha: Some(2.0.into()), ..Default::default() }.sigmoid()),
        "focal: alpha",
    );
    refused(dice().decision(Decision::Threshold(f64::NAN)), "decision: threshold: found NaN");
    refused(
        dice().term(1.0, CrossEntropy::default().softmax()).reduction(Reduction::None),
        "reduction none: found terms of shapes (N, C) and (N, 1, spatial…), wanted terms whose outputs \
         have one shape: take one loss at a time",
    );
    let error = dice().check(1).unwrap_err();
    says(
        &error,
        "dice: softmax: found 1 channel, wanted 2 channels or more; for one channel use sigmoid",
    );
}

#[test]
fn one_channel_is_told_its_losses() {
    let sum = |losses: &[&str]| {
        let terms = losses.iter().map(|loss| format!(r#"{{"loss": "{loss}"}}"#));
        let terms = terms.collect::<Vec<_>>().join(", ");
        let text = format!(r#"{{"terms": [{terms}], "activation": "softmax"}}"#);
        Objective::from_spec(&text).expect("losses of softmax")
    };
    for (losses, first, instead) in [
        (vec!["dice_cross_entropy"], "dice", "; for one channel use dice_binary_cross_entropy"),
        (vec!["dice", "cross_entropy"], "dice", "; for one channel use dice_binary_cross_entropy"),
        (vec!["dice_focal"], "dice", "; for one channel use sigmoid"),
        (vec!["cross_entropy"], "cross_entropy", "; for one channel use binary_cross_entropy"),
        (
            vec!["iou", "dice", "cross_entropy"],
            "iou",
            "; for one channel use sigmoid and binary_cross_entropy for cross_entropy",
        ),
        (vec!["generalized_wasserstein_dice"], "generalized_wasserstein_dice", ""),
    ] {
        let wanted =
            format!("{first}: softmax: found 1 channel, wanted 2 channels or more{instead}");
        says(&sum(&losses).check(1).unwrap_err(), &wanted);
    }
    let no_channel = sum(&["dice"]).check(0).unwrap_err();
    assert!(no_channel.to_string().starts_with("dice: softmax: found 0 channels, wanted 2"));
}

#[test]
fn huge_numbers_are_told_in_few_digits() {
    let matrix = Distances::Matrix(vec![vec![1e308, 1.0], vec![1.0, 0.0]]);
    let moved = Objective::new().term(1.0, Term::of_row(Moved(matrix), Activation::Sigmoid));
    let error = moved.check(2).unwrap_err().to_string();
    assert!(error.contains("found 1e308 from class 0 to itself"), "{error}");
    let dense = [2f32.powi(127); 12];
    let target = Target::dense(&dense, first(&[2, 2, 3])).expect("twelve values");
    says(
        &refused(&dice(), &target),
        "sample 0, voxel 0: found target 1.7014118346046923e38, wanted 0 to 1, up to 4 roundings; \
         clamp what interpolation pushed out, target.clamp(0, 1)",
    );
}

#[test]
fn distances_are_checked_whoever_asks_for_them() {
    let rows = |rows: &[&[f64]]| rows.iter().map(|row| row.to_vec()).collect();
    for (matrix, wanted) in [
        (vec![], "moved: distances: found rows of [] entries, wanted 2 rows of 2 entries"),
        (rows(&[&[0.0], &[1.0, 0.0]]), "moved: distances: found rows of [1, 2] entries"),
        (rows(&[&[0.0, -1.0], &[1.0, 0.0]]), "moved: distances: found -1"),
        (rows(&[&[0.0, f64::NAN], &[1.0, 0.0]]), "moved: distances: found NaN"),
        (rows(&[&[0.0, 1.0], &[1.0, 2.0]]), "moved: distances: found 2.0 from class 1 to itself"),
        (rows(&[&[0.0, 0.0], &[0.0, 0.0]]), "moved: distances: found zeros only"),
    ] {
        let loss = Moved(Distances::Matrix(matrix));
        let objective = Objective::new().term(1.0, Term::of_row(loss, Activation::Sigmoid));
        let error = objective.check(2).unwrap_err();
        assert!(error.to_string().starts_with(wanted), "{error}");
    }
    let matrix = |far: f64| Distances::Matrix(rows(&[&[0.0, far], &[1.0, 0.0]]));
    let term = |far| Term::of_row(Moved(matrix(far)), Activation::Softmax);
    let two = Objective::new().term(1.0, term(0.5)).term(1.0, term(0.25));
    let target = Target::labels(&[0u8; 6], voxels(&[2, 3])).expect("six labels");
    says(
        &refused(&two, &target),
        "moved: distances: found two different matrices, wanted one matrix of distances for \
         each activation",
    );
}

#[test]
fn options_that_do_not_go_together() {
    let dense = [0u8; 12];
    let target = Target::dense(&dense, first(&[2, 2, 3])).expect("twelve values").ignore_index(255);
    assert!(refused(&dice(), &target).to_string().contains("use a voxel mask"));
    let table = [vec![], vec![2]];
    let target = Target::regions(&[0u8; 6], voxels(&[2, 3]), &table).expect("six labels");
    says(
        &refused(&dice(), &target),
        "regions, label 1: found channel 2, wanted channels below 2, as the logits have",
    );
    let target = Target::regions(&[0u8; 6], voxels(&[2, 3]), &[]).expect("six labels");
    assert!(matches!(refused(&dice(), &target), Error::Parameter { .. }));
}

#[test]
fn nothing_is_written_on_error() {
    let labels = [0u8, 1, 0, 1, 1, 0];
    let target = Target::labels(&labels, voxels(&[2, 3])).expect("six labels");
    let objective = dice();
    let moments = objective.measure(&logits(), &target).expect("a batch");
    let verdict = objective.evaluate(&moments).expect("its moments");
    let mut gradient = [7.0f32; 12];

    let mut wrong_shape = [7.0f32; 12];
    let output = Output::new(&mut wrong_shape, first(&[2, 3, 2])).expect("twelve places");
    let error = objective.pull_back(&verdict, 1.0, &logits(), &target, output).unwrap_err();
    says(&error, "gradient: found shape [2, 3, 2], wanted [2, 2, 3], as the logits");

    let mut wrong_type = [bf16::ONE; 12];
    let output = Output::new(&mut wrong_type, first(&[2, 2, 3])).expect("twelve places");
    let error = objective.pull_back(&verdict, 1.0, &logits(), &target, output).unwrap_err();
    says(&error, "gradient: found elements of type bf16, wanted f32, the type of the logits");

    let other = Objective::new().term(1.0, Dice::default().sigmoid());
    let output = Output::new(&mut gradient, first(&[2, 2, 3])).expect("twelve places");
    let error = other.pull_back(&verdict, 1.0, &logits(), &target, output).unwrap_err();
    says(
        &error,
        "sum 3 of the verdict: found intersection (softmax), wanted intersection (sigmoid)",
    );

    let output = Output::new(&mut gradient, first(&[2, 2, 3])).expect("twelve places");
    let upstream = Upstream::Values(&[1.0]);
    let error = objective.pull_back(&verdict, upstream, &logits(), &target, output).unwrap_err();
    assert!(error.to_string().starts_with("upstream gradient: found shape [1]"), "{error}");

    let output = Output::new(&mut gradient, first(&[2, 2, 3])).expect("twelve places");
    let upstream = Upstream::Map(logits());
    let error = objective.pull_back(&verdict, upstream, &logits(), &target, output).unwrap_err();
    assert!(error.to_string().starts_with("upstream gradient: found shape [2, 2, 3]"), "{error}");

    let fewer = Logits::new(&X, first(&[1, 2, 3])).expect("six logits");
    let target_of_fewer = Target::labels(&labels, voxels(&[1, 3])).expect("three labels");
    let mut less = [7.0f32; 6];
    let output = Output::new(&mut less, first(&[1, 2, 3])).expect("six places");
    let error = objective.pull_back(&verdict, 1.0, &fewer, &target_of_fewer, output).unwrap_err();
    assert!(error.to_string().contains("the 2 samples and 2 classes of the verdict"), "{error}");

    let map = Objective::new().term(1.0, CrossEntropy::default().softmax());
    let bad = Target::labels(&[0u8, 1, 0, 1, 9, 0], voxels(&[2, 3])).expect("six labels");
    let mut losses = [7.0f32; 6];
    let output = Output::new(&mut losses, first(&[2, 1, 3])).expect("six places");
    assert!(matches!(map.voxel_losses(&logits(), &bad, output), Err(Error::Label { .. })));
    let output = Output::new(&mut gradient, first(&[2, 2, 3])).expect("twelve places");
    let error = map.voxel_losses(&logits(), &target, output).unwrap_err();
    says(&error, "map of voxel losses: found shape [2, 2, 3], wanted [2, 1, 3]");
    let output = Output::new(&mut losses, first(&[2, 1, 3])).expect("six places");
    let error = dice().voxel_losses(&logits(), &target, output).unwrap_err();
    assert!(matches!(error, Error::Parameter { .. }));

    assert!(gradient.iter().chain(&wrong_shape).chain(&less).chain(&losses).all(|&x| x == 7.0));
    assert!(wrong_type.iter().all(|&x| x == bf16::ONE));
}

#[test]
fn labels_gone_bad_between_the_sweeps_are_no_class() {
    use dice_loss::Isa;
    let objectives = [
        dice(),
        Objective::new()
            .term(1.0, CrossEntropy { label_smoothing: 0.1, ..Default::default() }.softmax()),
        Objective::new().term(1.0, Focal::default().softmax()),
        Objective::new().term(1.0, Dice::default().sigmoid()).term(1.0, Focal::default().sigmoid()),
        dice().term(1.0, CrossEntropy::default().softmax()),
    ];
    let count = 2_100;
    let x: Vec<f32> = (0..3 * count).map(|i| (i as f32 * 0.7).sin()).collect();
    let good: Vec<i32> = (0..count).map(|i| (i / 40 % 3) as i32).collect();
    let logits = Logits::new(&x, first(&[1, 3, count])).expect("logits");
    for objective in objectives {
        for isa in Isa::available() {
            let objective = objective.clone().isa(isa);
            let target = Target::labels(&good, voxels(&[1, count])).expect("labels");
            let moments = objective.measure(&logits, &target).expect("a batch");
            let verdict = objective.evaluate(&moments).expect("its moments");
            for label in [-1, 3, 1 << 20, i32::MIN, i32::MAX] {
                let mut bad = good.clone();
                bad[100..150].fill(label);
                bad[1_000] = label;
                let one_hot: Vec<u8> = (0..3)
                    .flat_map(|class| bad.iter().map(move |&label| u8::from(label == class)))
                    .collect();
                let target = Target::labels(&bad, voxels(&[1, count])).expect("labels");
                let mut gradient = vec![f32::NAN; x.len()];
                let output = Output::new(&mut gradient, first(&[1, 3, count])).expect("places");
                objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("no error");
                let gradient: Vec<_> = gradient.into_iter().map(f64::from).collect();
                gradient_agrees(
                    Precision::of(FloatKind::F32),
                    (&objective, &verdict, 1.0.into()),
                    (&logits, &Target::dense(&one_hot, first(&[1, 3, count])).expect("a target")),
                    &gradient,
                )
                .unwrap_or_else(|error| panic!("{objective:?}, {isa:?}, {label}: {error}"));
            }
        }
    }
}
