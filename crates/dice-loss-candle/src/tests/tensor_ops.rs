//! The version from tensor operations, on the CPU too, against the reference.

use candle_core::{DType, Result};
use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Decision, Dice, Focal, Objective, reference,
};

use super::{Case, Way, case::every_loss, native::against_the_reference, precision, values};

fn check(name: &str, objective: &Objective, case: &Case) {
    for dtype in [DType::F32, DType::F64] {
        against_the_reference(Way::TensorOps, dtype, name, objective, case).expect(name);
    }
}

#[test]
fn every_loss_has_the_references_sums_value_and_gradient() {
    every_loss(check);
}

#[test]
fn options_of_the_voxel_losses() {
    let objectives = [
        (Activation::Softmax, CrossEntropy { label_smoothing: 0.2 }.softmax()),
        (Activation::Probabilities, CrossEntropy { label_smoothing: 0.2 }.probabilities()),
        (Activation::Softmax, CrossEntropy::default().softmax().class_weights([0.5, 2.0, 0.0])),
        (
            Activation::Sigmoid,
            BinaryCrossEntropy { pos_weight: vec![0.5, 2.0, 3.0].into() }.sigmoid(),
        ),
        (
            Activation::Softmax,
            Focal { gamma: vec![0.5, 0.0, 2.0].into(), alpha: Some(0.25.into()) }.softmax(),
        ),
        (
            Activation::Sigmoid,
            Focal { gamma: 0.5.into(), alpha: Some(vec![0.1, 0.5, 0.9].into()) }.sigmoid(),
        ),
    ];
    for (activation, term) in objectives {
        let objective =
            Objective::new().term(0.7, term).term(0.3, Dice::default().with(activation));
        for case in Case::all(3, activation) {
            check(&format!("{objective:?} {case:?}"), &objective, &case);
        }
    }
}

#[test]
fn decisions_are_counted() {
    for decision in [Decision::Argmax, Decision::Threshold(0.4)] {
        let objective = Objective::new().term(1.0, Dice::default().softmax()).decision(decision);
        for case in Case::all(3, Activation::Softmax) {
            check(&format!("{decision:?} {case:?}"), &objective, &case);
        }
    }
}

#[test]
fn certain_voxels_have_the_references_focal_gradient() -> Result<()> {
    let objective = Objective::new()
        .term(1.0, Focal { gamma: 0.5.into(), alpha: None }.softmax())
        .term(1.0, Focal { gamma: 0.5.into(), alpha: None }.sigmoid());
    let mut case = Case::all(3, Activation::Softmax).remove(0);
    case.logits.iter_mut().for_each(|x| *x = 1e4 * x.signum());
    let logits = case.logits(DType::F32)?;
    let found = Way::TensorOps.evaluate(&objective, &logits, case.targets()?)?;
    let gradients = found.loss.backward()?;
    let gradient = values(gradients.get(&logits).expect("tracked"));
    let wanted = case.engine(|logits, target| {
        reference::pull_back(&objective, &found.verdict, 1.0, logits, target)
    });
    let wanted = wanted.expect("a batch");
    let tolerances = precision::of_gradient(precision::F32, &wanted.magnitudes);
    for ((found, wanted), tolerance) in gradient.iter().zip(&wanted.values).zip(tolerances) {
        assert!((found - wanted).abs() <= tolerance, "{found}, wanted {wanted}");
    }
    Ok(())
}

#[test]
fn half_types_are_widened() -> Result<()> {
    for case in Case::all(3, Activation::Softmax) {
        let objective = Objective::new()
            .term(1.0, Dice::default().softmax())
            .term(1.0, CrossEntropy::default().softmax());
        // Steps of the type, and half of its smallest number.
        for (dtype, step, least) in
            [(DType::F16, 2f64.powi(-10), 2f64.powi(-25)), (DType::BF16, 2f64.powi(-7), 0.0)]
        {
            let logits = case.logits(dtype)?;
            let [native, plain] = Way::BOTH.map(|way| {
                let loss = way.evaluate(&objective, &logits, case.targets()?)?.loss;
                let gradient = loss.backward()?.remove(&logits).expect("tracked");
                assert_eq!((loss.dtype(), gradient.dtype()), (DType::F32, dtype));
                Ok::<_, candle_core::Error>((values(&loss)[0], values(&gradient)))
            });
            let ((loss, gradient), (wanted, wanted_gradient)) = (plain?, native?);
            // Each is off by what f32 loses, of a ratio of sums and of a difference of logarithms.
            let tolerance = 4.0 * precision::F32 * (1.0 + wanted);
            assert!((loss - wanted).abs() <= tolerance, "{loss}, {wanted}");
            let own = 4.0 * precision::F32 * precision::largest(&wanted_gradient);
            for (found, wanted) in gradient.into_iter().zip(wanted_gradient) {
                // Where f32 falls to either side of the middle, a step apart.
                let tolerance = own + step * (wanted.abs() + own) + 2.0 * least;
                assert!((found - wanted).abs() <= tolerance, "{found}, {wanted}");
            }
        }
    }
    Ok(())
}
