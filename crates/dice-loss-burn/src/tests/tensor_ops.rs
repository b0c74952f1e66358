//! The version from tensor operations, on Flex too, against the reference.

use std::sync::Arc;

use burn::{
    backend::Dispatch,
    tensor::{Device, Tensor},
};
use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Decision, Dice, Focal, Objective, reference,
};

use super::{Case, case::every_loss, precision};
use crate::{sweeps::Outcome, tensor_ops::segmentation_loss};
use dice_loss_tensor::Form;

fn outcome(objective: &Objective, case: &Case, logits: &Tensor<4>) -> Outcome<Dispatch> {
    let targets = case.targets(&logits.device()).0;
    let logits = logits.clone().into_dispatch();
    segmentation_loss(logits, targets, Arc::new(objective.clone()), Form::Number)
}

/// Sums, value and gradient, which may differ from the reference by what f32 rounds. The gradient is
/// that of the value found, so that only what is pulled back is compared.
fn check(name: &str, objective: &Objective, case: &Case) {
    let logits = case.logits(&Device::flex().autodiff()).require_grad();
    let Outcome::Evaluated(loss, verdict, moments) = outcome(objective, case, &logits) else {
        panic!("{name}: failed");
    };
    let gradients = Tensor::<1>::from_dispatch(loss.clone()).backward();
    let found = logits.grad(&gradients).expect(name).into_data();
    let (measured, gradient) = case
        .engine(|logits, target| {
            let measured = reference::measure(objective, logits, target)?;
            let gradient = reference::pull_back(objective, &verdict, 1.0, logits, target)?;
            Ok((measured, gradient))
        })
        .expect(name);
    let sums = moments.as_slice().iter().zip(measured.moments.as_slice());
    for ((found, wanted), magnitude) in sums.zip(&measured.magnitudes) {
        let tolerance = precision::F32 * magnitude;
        assert!((found - wanted).abs() <= tolerance, "{name}: sum {found}, wanted {wanted}");
    }
    let exact = objective.evaluate(&measured.moments).expect(name);
    let tolerance = precision::of_loss(objective, &exact, &moments, &measured.magnitudes);
    let (loss_found, wanted) = (verdict.loss(), exact.loss());
    assert!((loss_found - wanted).abs() <= tolerance, "{name}: {loss_found}, wanted {wanted}");
    let value = Tensor::<1>::from_dispatch(loss).into_scalar::<f32>();
    assert_eq!(value, verdict.loss() as f32, "{name}");
    let values = found.iter::<f64>().zip(&gradient.values);
    let tolerances = precision::of_gradient(&gradient.magnitudes);
    for (index, ((found, wanted), tolerance)) in values.zip(tolerances).enumerate() {
        assert!(
            (found - wanted).abs() <= tolerance,
            "{name}: gradient {index} {found}, wanted {wanted}, tolerance {tolerance}"
        );
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
fn certain_voxels_have_the_references_focal_gradient() {
    let objective = Objective::new()
        .term(1.0, Focal { gamma: 0.5.into(), alpha: None }.softmax())
        .term(1.0, Focal { gamma: 0.5.into(), alpha: None }.sigmoid());
    let mut case = Case::all(3, Activation::Softmax).remove(0);
    case.logits.iter_mut().for_each(|x| *x = 1e4 * x.signum());
    let logits = case.logits(&Device::flex().autodiff()).require_grad();
    let Outcome::Evaluated(loss, verdict, _) = outcome(&objective, &case, &logits) else {
        panic!("failed")
    };
    let gradients = Tensor::<1>::from_dispatch(loss).backward();
    let gradient = logits.grad(&gradients).expect("tracked").into_data();
    let wanted = case
        .engine(|logits, target| reference::pull_back(&objective, &verdict, 1.0, logits, target));
    let wanted = wanted.expect("a batch");
    let tolerances = precision::of_gradient(&wanted.magnitudes);
    for ((found, wanted), tolerance) in gradient.iter::<f64>().zip(&wanted.values).zip(tolerances) {
        assert!((found - wanted).abs() <= tolerance, "{found}, wanted {wanted}");
    }
}
