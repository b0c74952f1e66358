//! What is refused, by both ways in the same words, and with what message `forward` panics.

use std::sync::Arc;

use burn::{
    backend::Dispatch,
    tensor::{Bool, Device, Int, Tensor},
};
use dice_loss::{Activation, CrossEntropy, Dice, Error, Objective};

use crate::{
    CrossEntropyLossConfig, DiceLossConfig, SegmentationLoss, Targets,
    sweeps::{Outcome, SegmentationBackend},
    tensor_ops,
};
use dice_loss_tensor::Form;

fn objective() -> Arc<Objective> {
    Arc::new(Objective::new().term(1.0, Dice::default().softmax()))
}

/// The error for logits of zeros, after making sure that both ways agree on it.
fn refusal(objective: Arc<Objective>, shape: [usize; 4], targets: impl Into<Targets>) -> Error {
    let logits = Tensor::<4>::zeros(shape, &Device::flex()).into_dispatch();
    let targets = targets.into().0;
    let native = Dispatch::segmentation_loss(
        logits.clone(),
        targets.clone(),
        objective.clone(),
        Form::Number,
    );
    let plain = tensor_ops::segmentation_loss(logits, targets, objective, Form::Number);
    match (native, plain) {
        (Outcome::Failed(native), Outcome::Failed(plain)) => {
            assert_eq!(native, plain);
            native
        }
        _ => panic!("accepted"),
    }
}

fn labels(shape: [usize; 3], label: i32) -> Tensor<3, Int> {
    Tensor::full(shape, label, &Device::flex())
}

#[test]
fn shapes_that_do_not_fit() {
    let transposed = refusal(objective(), [2, 3, 4, 5], labels([2, 5, 4], 1));
    assert_eq!(
        transposed.to_string(),
        "labels: found shape [2, 5, 4], wanted [2, 4, 5] or [2, 1, 4, 5], to fit the logits"
    );
    let device = &Device::flex();
    let dense = Tensor::<4>::zeros([2, 2, 4, 5], device);
    assert!(matches!(refusal(objective(), [2, 3, 4, 5], dense), Error::Shape { .. }));
    let mask = Tensor::<3, Int>::ones([2, 4, 4], device).bool();
    let masked = Targets::labels(labels([2, 4, 5], 1)).mask(mask);
    assert!(matches!(refusal(objective(), [2, 3, 4, 5], masked), Error::Shape { .. }));
    let weighted = Targets::labels(labels([2, 4, 5], 1))
        .voxel_weights(Tensor::<4>::ones([2, 3, 4, 5], device));
    assert!(matches!(refusal(objective(), [2, 3, 4, 5], weighted), Error::Shape { .. }));
    let partial = Targets::labels(labels([2, 4, 5], 1)).class_valid(vec![true; 5]);
    assert_eq!(
        refusal(objective(), [2, 3, 4, 5], partial).to_string(),
        "class validity: found shape [5], wanted N × C = 2 × 3 entries, or 3 for all samples"
    );
}

#[test]
fn images_without_a_channel_are_told_how_they_were_read() {
    let logits = Tensor::<3>::zeros([2, 16, 20], &Device::flex());
    let found =
        DiceLossConfig::new(Activation::Sigmoid).init().try_forward(logits, labels([2, 16, 20], 1));
    assert_eq!(
        found.unwrap_err().to_string(),
        "labels: found shape [2, 16, 20], wanted [2, 20] or [2, 1, 20], to fit the logits, which are \
         read as 16 channels of 20 voxels; images of one channel are [2, 1, 16, 20]"
    );
}

#[test]
fn values_out_of_range_are_named_with_their_place() {
    let mut map = vec![1; 40];
    map[27] = 3;
    let map = Tensor::<1, Int>::from_data(map.as_slice(), &Device::flex()).reshape([2, 4, 5]);
    let error = refusal(objective(), [2, 3, 4, 5], map);
    assert_eq!(error.to_string(), "sample 1, voxel (1, 2): found label 3, wanted 0 to 2");
    let dense = Tensor::<4>::full([2, 3, 4, 5], 1.5, &Device::flex());
    assert!(matches!(refusal(objective(), [2, 3, 4, 5], dense), Error::Value { .. }));
    let weights = Tensor::<3>::full([2, 4, 5], -1.0, &Device::flex());
    let weighted = Targets::labels(labels([2, 4, 5], 1)).voxel_weights(weights);
    assert!(matches!(refusal(objective(), [2, 3, 4, 5], weighted), Error::Value { .. }));
}

#[test]
fn options_that_do_not_fit() {
    let softmax = refusal(objective(), [2, 1, 4, 5], labels([2, 4, 5], 1));
    assert!(matches!(softmax, Error::Parameter { .. }));
    let dense = Tensor::<4, Int>::ones([2, 3, 4, 5], &Device::flex()).bool();
    let ignored = Targets::multilabel::<4>(dense as Tensor<4, Bool>).ignore_index(255);
    assert!(matches!(refusal(objective(), [2, 3, 4, 5], ignored), Error::Parameter { .. }));
    let table = vec![vec![], vec![7]];
    let regions = Targets::regions(labels([2, 4, 5], 1), table);
    assert!(matches!(refusal(objective(), [2, 3, 4, 5], regions), Error::Parameter { .. }));
    let mixed = Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax());
    let unreduced = SegmentationLoss::new(mixed).try_forward_no_reduction::<4, 2>(
        Tensor::zeros([2, 3, 4, 5], &Device::flex()),
        labels([2, 4, 5], 1),
    );
    assert!(matches!(unreduced, Err(Error::Parameter { .. })));
}

#[test]
fn the_number_of_axes_must_be_the_values_own() {
    let loss = SegmentationLoss::new((*objective()).clone());
    let logits = Tensor::<4>::zeros([2, 3, 4, 5], &Device::flex());
    let found = loss.try_forward_no_reduction::<4, 1>(logits, labels([2, 4, 5], 1));
    assert!(matches!(found, Err(Error::Shape { .. })));
}

#[test]
#[should_panic(expected = "sample 0, voxel (0, 0): found label 9, wanted 0 to 2")]
fn forward_panics_with_the_error() {
    let loss = DiceLossConfig::new(Activation::Softmax).init();
    loss.forward(Tensor::<4>::zeros([2, 3, 4, 5], &Device::flex()), labels([2, 4, 5], 9));
}

#[test]
fn sigmoid_cross_entropy_is_another_loss() {
    let loss = CrossEntropyLossConfig::new(Activation::Sigmoid).init();
    let logits = Tensor::<4>::zeros([2, 3, 4, 5], &Device::flex());
    let found = loss.try_forward(logits, labels([2, 4, 5], 1));
    assert!(matches!(found, Err(Error::Parameter { .. })));
}
