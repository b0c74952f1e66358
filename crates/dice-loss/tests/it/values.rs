//! Labels, targets and weights by their value, whatever type they come in.

use dice_loss::{
    CrossEntropy, Dice, Error, FloatMut, Focal, Isa, Layout, Logits, MatthewsCorrelation,
    Objective, Output, Target, reference,
};
use half::{bf16, f16};

use crate::cases::{FloatKind, Precision};

const X: [f32; 8] = [0.5, -1.0, 2.0, 0.25, -0.5, 1.5, 0.75, -2.0];

fn layout() -> Layout {
    Layout::channels_first(&[1, 2, 4]).expect("three axes")
}

fn voxels() -> Layout {
    Layout::voxels(&[1, 4]).expect("two axes")
}

fn dice() -> Objective {
    Objective::new().term(1.0, Dice::default().softmax())
}

/// The loss by the engine, which is the reference's.
fn loss(objective: &Objective, target: &Target) -> f64 {
    let logits = Logits::new(&X, layout()).expect("eight logits");
    let wanted = reference::loss(objective, &logits, target).expect("a batch");
    let moments = objective.measure(&logits, target).expect("a batch");
    let found = objective.evaluate(&moments).expect("its moments").loss();
    let tolerance = Precision::of(FloatKind::F32).of_sum([1, 2, 4], 1.0);
    assert!((found - wanted).abs() <= tolerance, "{found} {wanted}");
    found
}

fn error(target: &Target) -> String {
    let logits = Logits::new(&X, layout()).expect("eight logits");
    let found = dice().measure(&logits, target).unwrap_err();
    assert_eq!(reference::measure(&dice(), &logits, target).unwrap_err(), found);
    found.to_string()
}

#[test]
fn wide_labels_do_not_wrap_or_round() {
    let target = |labels: &'static [u64; 4]| Target::labels(labels, voxels()).expect("labels");
    let plain = loss(&dice(), &target(&[0, 1, 1, 0]));
    let ignored = loss(
        &dice(),
        &Target::labels(&[0i8 as u8, 1, 1, 9], voxels()).expect("labels").ignore_index(9),
    );
    assert!((plain - ignored).abs() > 0.01);
    // 2⁶⁴ − 1 is not −1.
    let found = error(&target(&[0, 1, 1, u64::MAX]).ignore_index(-1));
    assert!(found.contains("found label 18446744073709551615, wanted 0 to 1, or -1"), "{found}");
    assert_eq!(loss(&dice(), &target(&[0, 1, 1, 1 << 40]).ignore_index(1 << 40)), ignored);
    let target = |label: f64| [0.0, 1.0, 1.0, label];
    // f32 would make 1 and 2²⁴ of these.
    for (label, text) in [(1.000_000_000_001, "1.000000000001"), (16_777_217.0, "16777217")] {
        let labels = target(label);
        let found =
            error(&Target::labels(&labels, voxels()).expect("labels").ignore_index(1 << 24));
        assert!(found.contains(&format!("found label {text}, wanted")), "{found}");
    }
    let labels = target(16_777_217.0);
    let target = Target::labels(&labels, voxels()).expect("labels").ignore_index(16_777_217);
    assert_eq!(loss(&dice(), &target), ignored);
}

/// A type that dense targets come in, with its ε.
fn close_to_the_ends<T: dice_loss::Dense>(epsilon: f64, of: impl Fn(f64) -> T) {
    let target = |values: [f64; 8]| values.map(&of);
    let hard = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
    let exact = target(hard);
    let wanted = loss(&dice(), &Target::dense(&exact, layout()).expect("eight values"));
    let outside = target(hard.map(|g| if g == 1.0 { 1.0 + 4.0 * epsilon } else { -4.0 * epsilon }));
    let target = Target::dense(&outside, layout()).expect("eight values");
    assert_eq!(loss(&dice(), &target), wanted);
    let logits = Logits::new(&X, layout()).expect("eight logits");
    let exact = Target::dense(&exact, layout()).expect("eight values");
    for isa in Isa::available() {
        let objective = dice().isa(isa);
        let moments = objective.measure(&logits, &target).expect("a batch");
        let verdict = objective.evaluate(&moments).expect("its moments");
        let gradient = |target: &Target| {
            let mut gradient = [0.0f32; 8];
            let output = Output::new(&mut gradient, layout()).expect("as many places");
            objective.pull_back(&verdict, 1.0, &logits, target, output).expect("a batch");
            gradient
        };
        assert_eq!(gradient(&target), gradient(&exact));
    }
    for farther in [1.0 + 6.0 * epsilon, -6.0 * epsilon] {
        let mut values = hard.map(&of);
        values[2] = of(farther);
        let found = error(&Target::dense(&values, layout()).expect("eight values"));
        assert!(found.contains("wanted 0 to 1, up to 4 roundings"), "{found}");
    }
}

#[test]
fn rounding_outside_of_0_to_1_is_0_or_1() {
    close_to_the_ends(f64::from(f32::EPSILON), |value| value as f32);
    close_to_the_ends(f16::EPSILON.to_f64(), f16::from_f64);
    close_to_the_ends(bf16::EPSILON.to_f64(), bf16::from_f64);
    // Ten raters of a tenth each.
    let tenths = (0..10).fold(0.0f32, |sum, _| sum + 0.1);
    assert!(tenths > 1.0);
    let values = [tenths, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
    loss(&dice(), &Target::dense(&values, layout()).expect("eight values"));
}

/// Loss and gradient, times the weight, of weights that are all this one, against a weight of 1.
fn scales<T: FloatMut + Into<f64>>(term: dice_loss::Term, weight: f64, of: impl Fn(f64) -> T) {
    let voxels_of = 3_000;
    let layout = Layout::channels_first(&[1, 2, voxels_of]).expect("three axes");
    let voxels = Layout::voxels(&[1, voxels_of]).expect("two axes");
    let x: Vec<_> = (0..2 * voxels_of).map(|i| of((i * 37 % 101) as f64 * 0.05 - 2.5)).collect();
    let labels: Vec<_> = (0..voxels_of).map(|i| u8::from(i % 3 == 0)).collect();
    let logits = Logits::new(&x, layout).expect("logits");
    for isa in Isa::available() {
        let objective = Objective::new().term(1.0, term.clone()).isa(isa);
        let run = |weight: f64| {
            let weights = vec![weight as f32; voxels_of];
            let target = Target::labels(&labels, voxels).expect("labels");
            let target = target.voxel_weights(&weights, voxels).expect("weights");
            let moments = objective.measure(&logits, &target).expect("a batch");
            let verdict = objective.evaluate(&moments).expect("its moments");
            let mut gradient = vec![of(f64::NAN); x.len()];
            let output = Output::new(&mut gradient, layout).expect("as many places");
            objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
            (verdict.loss(), gradient.into_iter().map(Into::into).collect::<Vec<f64>>())
        };
        let ((wanted, slopes), (found, gradient)) = (run(1.0), run(weight));
        // The same roundings, but for the weight's own: a ratio of two sums sees it twice.
        assert!((found - wanted).abs() <= 1e-6 * wanted.abs(), "{weight:e}: {found} {wanted}");
        let largest = slopes.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()));
        for (found, wanted) in gradient.into_iter().zip(slopes) {
            assert!((found - wanted).abs() <= 2e-6 * largest, "{weight:e}: {found:e} {wanted:e}");
        }
    }
}

#[test]
fn no_weight_is_too_large_or_too_small() {
    let mut dice = Dice::default();
    (dice.smoothing.numerator, dice.smoothing.denominator) = (0.0, 0.0);
    let terms = [
        dice.softmax(),
        CrossEntropy::default().softmax(),
        Focal::default().softmax(),
        MatthewsCorrelation { smoothing: 0.0 }.softmax(),
    ];
    for term in terms {
        // The largest number of f32, and numbers that it keeps only the first digits of.
        for weight in [1e36, 1e37, 3.4e38, 1e-12, 1e-38, 1.401_298_464_324_817e-45 * 7.0] {
            scales(term.clone(), weight, |x| x as f32);
            scales(term.clone(), weight, |x| x);
        }
    }
}

#[test]
fn counts_do_not_depend_on_weights() {
    let labels = [0u8, 1, 1, 0];
    let weights = [1e30f32, 1e-30, 1e-44, 0.0];
    let target = Target::labels(&labels, voxels()).expect("labels");
    let target = target.voxel_weights(&weights, voxels()).expect("weights");
    let logits = Logits::new(&X, layout()).expect("eight logits");
    let objective = dice().decision(dice_loss::Decision::Argmax);
    let moments = objective.measure(&logits, &target).expect("a batch");
    let counts = |class| {
        let counts = moments.counts(0, class).expect("counted");
        [counts.true_positives, counts.false_positives, counts.false_negatives]
    };
    // by hand: predicted 0, 1, 0; of the fourth nothing counts.
    assert_eq!((counts(0), counts(1)), ([1, 1, 0], [1, 0, 1]));
}

#[test]
fn no_option_is_too_large() {
    let huge = |objective: Objective, what: &str| {
        let found = objective.check(2).unwrap_err();
        assert!(matches!(found, Error::Parameter { .. }));
        let text = found.to_string();
        assert!(
            text.starts_with(what) && text.ends_with("wanted a number between ±1e30"),
            "{text}"
        );
    };
    let one = |term| Objective::new().term(1.0, term);
    huge(one(Dice::default().softmax().class_weights([1e308, 1.0])), "dice: class_weights");
    huge(one(MatthewsCorrelation { smoothing: 1e308 }.softmax()), "matthews");
    huge(one(Focal { gamma: 1e308.into(), ..Default::default() }.softmax()), "focal: gamma");
    huge(Objective::new().term(1e308, Dice::default().softmax()), "dice: weight");
    // What is taken gives numbers.
    let target = Target::labels(&[0u8, 1, 1, 0], voxels()).expect("labels");
    for term in [
        Dice::default().softmax().class_weights([1e30, 1.0]),
        CrossEntropy::default().softmax().class_weights([1e30, 1.0]),
        MatthewsCorrelation { smoothing: 1e30 }.softmax(),
        Focal { gamma: 1e30.into(), ..Default::default() }.softmax(),
    ] {
        loss(&one(term), &target);
    }
}
