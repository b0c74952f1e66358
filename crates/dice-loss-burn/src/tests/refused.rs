//! What Burn's own interface refuses, and with what message `forward` panics.

use burn::tensor::{Device, Int, Tensor};
use dice_loss::{Activation, Dice, Error, Objective};

use crate::{DiceLossConfig, SegmentationLoss};

fn labels(label: i32) -> Tensor<3, Int> {
    Tensor::full([2, 4, 5], label, &Device::flex())
}

fn logits() -> Tensor<4> {
    Tensor::zeros([2, 3, 4, 5], &Device::flex())
}

#[test]
fn the_number_of_axes_must_be_the_values_own() {
    let loss = SegmentationLoss::new(Objective::new().term(1.0, Dice::default().softmax()));
    let found = loss.try_forward_no_reduction::<4, 1>(logits(), labels(1));
    assert_eq!(
        found.unwrap_err(),
        Error::Shape {
            what: "values without reduction",
            found: vec![2, 3],
            wanted: "1 axes, as asked for".into()
        }
    );
    let values = loss.forward_no_reduction::<4, 2>(logits(), labels(1));
    assert_eq!(values.dims(), [2, 3]);
}

#[test]
#[should_panic(expected = "sample 0, voxel (0, 0): found label 9, wanted 0 to 2")]
fn forward_panics_with_the_error() {
    let loss = DiceLossConfig::new(Activation::Softmax).init();
    loss.forward(logits(), labels(9));
}
