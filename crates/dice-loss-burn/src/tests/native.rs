//! The losses as part of a graph, on Flex.

use burn::tensor::{Device, GradientCheckpointingStrategy, Tensor};
use dice_loss::{Activation, CrossEntropy, Dice, Objective, catalogue};
use dice_loss_tensor::testing::Case;

use super::{logits, targets};
use crate::SegmentationLoss;

#[test]
fn a_device_without_autodiff_and_untracked_logits_give_the_same_value() {
    let objective = catalogue()[0].objective(Activation::Softmax);
    let case = &Case::all(3, Activation::Softmax)[0];
    let loss = SegmentationLoss::new(objective);
    let value = |device: &Device| loss.forward(logits::<4>(case, device), targets(case, device));
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
    let logits = logits::<4>(case, &Device::flex().autodiff()).require_grad();
    let loss = SegmentationLoss::new(objective);
    let gradients = loss.forward(logits.clone(), targets(case, &Device::flex())).backward();
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
        let logits = logits::<4>(case, &device).require_grad();
        let gradients = graph(logits.clone() * 1.5).backward();
        logits.grad(&gradients).expect("tracked").into_data()
    };
    let of = |objective: &Objective, logits| {
        SegmentationLoss::new(objective.clone()).forward(logits, targets(case, &device))
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
        let logits = logits::<4>(case, &device).with_gradient_checkpointing_strategy(strategy);
        let logits = logits.require_grad();
        let gradients = loss.forward(logits.clone().exp(), targets(case, &device)).backward();
        logits.grad(&gradients).expect("tracked").into_data()
    };
    let balanced = gradient(GradientCheckpointingStrategy::Balanced);
    balanced.assert_eq(&gradient(GradientCheckpointingStrategy::Disabled), true);
}
