//! What does not count does not matter, bit for bit.

use dice_loss::{Activation, CrossEntropy, Dice, Isa, Layout, Logits, Objective, Target};
use proptest::prelude::*;

use crate::cases::{
    Arrangement, FloatKind, Precision, Rng, check, engine, gradient_of, options, trials,
};

#[test]
fn uncounted_logits_never_matter() {
    for trial in trials().into_iter().chain(options()) {
        check(&trial.name, 4, |mut recipe| {
            let classes = trial.classes(recipe.shape[1]);
            recipe.shape = [recipe.shape[0], classes, recipe.shape[2].min(150)];
            let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
            let with_rubbish = trial.batch(&recipe);
            let mut without = with_rubbish.clone();
            let mut rng = Rng(recipe.seed ^ 1);
            for index in 0..without.places.len() {
                if !without.counts(index) {
                    without.set_logit(index, rng.between(0.1, 0.9));
                }
            }
            for isa in Isa::available() {
                let objective = objective.clone().isa(isa);
                let [found, wanted] = [&with_rubbish, &without].map(|batch| {
                    let (moments, verdict) = engine(&objective, batch).expect("a valid batch");
                    let gradient =
                        gradient_of(&objective, &verdict, 1.0, batch, Arrangement::ChannelsFirst)
                            .expect("a valid batch");
                    let sums: Vec<_> = moments.as_slice().iter().map(|sum| sum.to_bits()).collect();
                    (sums, verdict.loss().to_bits(), gradient)
                });
                prop_assert_eq!(&found.0, &wanted.0);
                prop_assert_eq!(found.1, wanted.1);
                prop_assert_eq!(found.2.bits(), wanted.2.bits());
                for (index, derivative) in found.2.to_f64().into_iter().enumerate() {
                    prop_assert!(with_rubbish.counts(index) || derivative == 0.0);
                }
            }
            Ok(())
        });
    }
}

fn dice_and_cross_entropy() -> Objective {
    Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax())
}

/// The loss of four voxels of two classes.
fn loss(restrict: impl FnOnce(Target) -> Target, labels: &[i64; 4]) -> f64 {
    let logits = [0.5, -1.0, 2.0, 0.25, 1.0, 0.0, -0.5, 0.75];
    let objective = dice_and_cross_entropy();
    let layout = Layout::channels_first(&[1, 2, 4]).expect("three axes");
    let logits = Logits::new(&logits, layout).expect("eight logits");
    let target = Target::labels(labels, Layout::voxels(&[1, 4]).expect("two axes"));
    let target = restrict(target.expect("four labels"));
    let moments = objective.measure(&logits, &target).expect("a valid batch");
    objective.evaluate(&moments).expect("its moments").loss()
}

#[test]
fn every_way_to_leave_a_voxel_out_is_the_same() {
    let per_voxel = Layout::voxels(&[1, 4]).expect("two axes");
    let labels = [0, 1, 1, 0];
    let ignored = loss(|target| target.ignore_index(-1), &[0, 1, -1, 0]);
    let masked =
        loss(|target| target.mask(&[true, true, false, true], per_voxel).expect("a mask"), &labels);
    let weightless = loss(
        |target| target.voxel_weights(&[1.0f32, 1.0, 0.0, 1.0], per_voxel).expect("weights"),
        &labels,
    );
    assert_eq!(ignored, masked);
    assert_eq!(ignored, weightless);
    assert_ne!(ignored, loss(|target| target, &labels));
}

#[test]
fn an_ignored_label_may_be_any_integer() {
    for label in [i64::MIN, i64::from(i32::MIN), -100, 2, 1 << 32, (1 << 32) + 1, i64::MAX] {
        let wanted = loss(|target| target.ignore_index(-1), &[0, 1, -1, 0]);
        assert_eq!(loss(|target| target.ignore_index(label), &[0, 1, label, 0]), wanted, "{label}");
        // Nor does it make any other label disappear.
        let wanted = loss(|target| target, &[0, 1, 1, 0]);
        assert_eq!(loss(|target| target.ignore_index(label), &[0, 1, 1, 0]), wanted, "{label}");
    }
}

#[test]
fn a_weight_is_worth_as_many_voxels() {
    let layout = |voxels| Layout::channels_first(&[1, 1, voxels]).expect("three axes");
    let objective = Objective::new().term(1.0, Dice::default().sigmoid());
    let once = {
        let logits = Logits::new(&[0.5f64, -1.0], layout(2)).expect("two logits");
        let target = Target::labels(&[1u8, 0], layout(2)).expect("two labels");
        let target = target.voxel_weights(&[3.0f64, 1.0], layout(2)).expect("two weights");
        objective.measure(&logits, &target).expect("a batch")
    };
    let thrice = {
        let logits = Logits::new(&[0.5f64, 0.5, 0.5, -1.0], layout(4)).expect("four logits");
        let target = Target::labels(&[1u8, 1, 1, 0], layout(4)).expect("four labels");
        objective.measure(&logits, &target).expect("a batch")
    };
    for (once, thrice) in once.as_slice().iter().zip(thrice.as_slice()) {
        assert!((once - thrice).abs() < 1e-14);
    }
}

#[test]
fn a_class_that_was_not_annotated_has_no_sums_and_no_gradient() {
    let objective = Objective::new().term(1.0, Dice::default().sigmoid());
    let layout = Layout::channels_first(&[2, 2, 3]).expect("three axes");
    let x = [0.5f32, 1.0, -1.0, 2.0, 0.0, 0.3, 0.1, -0.2, 0.7, f32::NAN, 1.5, -0.5];
    let g = [1u8, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 0];
    let logits = Logits::new(&x, layout).expect("twelve logits");
    let target = Target::dense(&g, layout).expect("twelve values");
    let target = target.class_valid(&[true, true, true, false]);
    let moments = objective.measure(&logits, &target).expect("a batch");
    assert_eq!(moments.sums(Activation::Sigmoid, 1, 1), dice_loss::Sums::default());
    assert!(!moments.is_valid(1, 1) && moments.is_valid(1, 0));
    let verdict = objective.evaluate(&moments).expect("its moments");
    let s = 1e-5;
    let (mut loss, mut slopes) = (0.0, Vec::new());
    for (x, g) in x.chunks(3).zip(g.chunks(3)).take(3) {
        let p: Vec<f64> = x.iter().map(|&x| 1.0 / (1.0 + (-f64::from(x)).exp())).collect();
        let g: Vec<f64> = g.iter().map(|&g| f64::from(g)).collect();
        let numerator = 2.0 * p.iter().zip(&g).map(|(p, g)| p * g).sum::<f64>() + s;
        let denominator = p.iter().sum::<f64>() + g.iter().sum::<f64>() + s;
        loss += (1.0 - numerator / denominator) / 3.0;
        slopes.extend(p.iter().zip(&g).map(|(p, g)| {
            (numerator - 2.0 * g * denominator) / denominator.powi(2) * p * (1.0 - p) / 3.0
        }));
    }
    let precision = Precision::of(FloatKind::F32);
    let tolerance = precision.of_sum([2, 2, 3], 1.0);
    assert!((verdict.loss() - loss).abs() <= tolerance, "{}, {loss}", verdict.loss());
    let mut gradient = [1.0f32; 12];
    let output = dice_loss::Output::new(&mut gradient, layout).expect("twelve places");
    objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
    assert_eq!(gradient[9..], [0.0; 3]);
    for (&found, &wanted) in gradient.iter().zip(&slopes) {
        // The ratio's parts are below 1, and rounded in the sums as well.
        let tolerance = precision.of_element([2, 2, 3], wanted, 1.0) + tolerance;
        assert!((f64::from(found) - wanted).abs() <= tolerance, "{found}, {wanted}");
    }
}
