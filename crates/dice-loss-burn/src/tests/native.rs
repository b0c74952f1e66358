//! On Flex the front end is the engine: the same bits.

use std::sync::Arc;

use burn::tensor::{Device, GradientCheckpointingStrategy, Int, Tensor};
use dice_loss::{Activation, CrossEntropy, Decision, Dice, Layout, Objective, Output, catalogue};

use super::{Case, case::every_loss};
use crate::SegmentationLoss;

fn engine(objective: &Objective, case: &Case) -> dice_loss::Result<(f64, Vec<f32>)> {
    case.engine(|logits, target| {
        let verdict = objective.evaluate(&objective.measure(logits, target)?)?;
        let mut gradient = vec![f32::NAN; case.logits.len()];
        let output = Output::new(&mut gradient, Layout::channels_first(&case.dims)?)?;
        objective.pull_back(&verdict, 1.0, logits, target, output)?;
        Ok((verdict.loss(), gradient))
    })
}

#[test]
fn every_loss_has_the_engines_value_and_gradient() {
    let device = Device::flex().autodiff();
    every_loss(|name, objective, case| {
        let (loss, gradient) = engine(objective, case).expect(name);
        let logits = case.logits(&device).require_grad();
        let module = SegmentationLoss::new(objective.clone());
        let found = module.try_forward(logits.clone(), case.targets(&device)).expect(name);
        let gradients = found.backward();
        assert_eq!(found.into_scalar::<f32>().to_bits(), (loss as f32).to_bits(), "{name}");
        let found = logits.grad(&gradients).expect(name).into_data();
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(found.as_slice().unwrap()), bits(&gradient), "{name}");
    });
}

#[test]
fn a_device_without_autodiff_and_untracked_logits_give_the_same_value() {
    let objective = catalogue()[0].objective(Activation::Softmax);
    let case = &Case::all(3, Activation::Softmax)[0];
    let loss = SegmentationLoss::new(objective);
    let value = |device: &Device| loss.forward(case.logits(device), case.targets(device));
    let plain = value(&Device::flex());
    assert!(!plain.is_autodiff());
    let untracked = value(&Device::flex().autodiff());
    assert!(untracked.is_autodiff() && !untracked.is_tracked());
    assert_eq!(plain.into_scalar::<f32>(), untracked.into_scalar::<f32>());
}

#[test]
fn targets_may_lie_on_a_device_without_autodiff() {
    let objective = catalogue()[0].objective(Activation::Softmax);
    let case = &Case::all(3, Activation::Softmax)[7];
    let logits = case.logits(&Device::flex().autodiff()).require_grad();
    let loss = SegmentationLoss::new(objective);
    let gradients = loss.forward(logits.clone(), case.targets(&Device::flex())).backward();
    assert!(logits.grad(&gradients).is_some());
}

#[test]
fn two_uses_in_one_graph_add_up_with_their_upstream_gradients() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let device = Device::flex().autodiff();
    let dice = Objective::new().term(1.0, Dice::default().softmax());
    let cross_entropy = Objective::new().term(1.0, CrossEntropy::default().softmax());
    let both = Objective::new()
        .term(2.0, Dice::default().softmax())
        .term(-3.0, CrossEntropy::default().softmax());
    let gradient = |graph: &dyn Fn(Tensor<4>) -> Tensor<1>| {
        let logits = case.logits(&device).require_grad();
        let gradients = graph(logits.clone() * 1.5).backward();
        logits.grad(&gradients).expect("tracked").into_data()
    };
    let of = |objective: &Objective, logits| {
        SegmentationLoss::new(objective.clone()).forward(logits, case.targets(&device))
    };
    let apart = gradient(&|x| of(&dice, x.clone()) * 2.0 - of(&cross_entropy, x) * 3.0);
    let together = gradient(&|x| of(&both, x));
    // Each gradient is rounded, and their products and sums with 2, 3 and 1.5.
    let largest = together.iter::<f32>().fold(0.0, |largest: f32, x| largest.max(x.abs()));
    let tolerance = burn::tensor::Tolerance::absolute(8.0 * f32::EPSILON * largest);
    apart.assert_approx_eq::<f32>(&together, tolerance);
}

#[test]
fn balanced_checkpointing_changes_nothing() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let loss = SegmentationLoss::new(catalogue()[0].objective(Activation::Softmax));
    let device = Device::flex().autodiff();
    let gradient = |strategy| {
        let logits = case.logits(&device).with_gradient_checkpointing_strategy(strategy);
        let logits = logits.require_grad();
        let gradients = loss.forward(logits.clone().exp(), case.targets(&device)).backward();
        logits.grad(&gradients).expect("tracked").into_data()
    };
    let balanced = gradient(GradientCheckpointingStrategy::Balanced);
    balanced.assert_eq(&gradient(GradientCheckpointingStrategy::Disabled), true);
}

#[test]
fn an_evaluation_has_the_counts_of_the_same_sweep() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let objective =
        Objective::new().term(1.0, Dice::default().softmax()).decision(Decision::Argmax);
    let device = Device::flex();
    let loss = SegmentationLoss::new(objective.clone());
    let evaluation = loss.evaluate(case.logits(&device), case.targets(&device)).unwrap();
    let moments = case.engine(|logits, target| objective.measure(logits, target)).unwrap();
    assert_eq!(evaluation.moments, moments);
    assert!(evaluation.moments.counts(1, 2).is_some());
    assert_eq!(Arc::strong_count(&evaluation.verdict), 1);
}

#[test]
fn a_batch_of_nothing_has_a_loss_of_zero() {
    let device = Device::flex().autodiff();
    for dims in [[0, 3, 4, 5], [2, 3, 0, 5]] {
        let logits = Tensor::<4>::zeros(dims, &device).require_grad();
        let labels = Tensor::<3, Int>::zeros([dims[0], dims[2], dims[3]], &device);
        let loss = SegmentationLoss::new(catalogue()[0].objective(Activation::Softmax));
        let value = loss.forward(logits.clone(), labels);
        let gradients = value.backward();
        assert_eq!(value.into_scalar::<f32>(), 0.0);
        assert_eq!(logits.grad(&gradients).expect("tracked").dims(), dims);
    }
}
