//! What is refused, by both ways in the same words.

use candle_core::{DType, Device, Result, Tensor};
use dice_loss::{Activation, CrossEntropy, Dice, Objective, Reduction};

use super::Way;
use crate::{CrossEntropyLoss, CrossEntropyLossConfig, Targets};

fn objective() -> Objective {
    Objective::new().term(1.0, Dice::default().softmax())
}

/// What an error says, without the backtrace that Candle appends where one is asked for.
fn message<T>(found: Result<T>) -> String {
    let message = found.err().expect("accepted").to_string();
    message.lines().next().unwrap_or_default().to_owned()
}

/// The error for logits of zeros, after making sure that both ways agree on it.
fn refusal(objective: &Objective, shape: &[usize], targets: impl Into<Targets>) -> String {
    let logits = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let targets = targets.into();
    let [native, plain] =
        Way::BOTH.map(|way| message(way.evaluate(objective, &logits, targets.clone())));
    assert_eq!(native, plain);
    native
}

fn full(value: f64, shape: &[usize], dtype: DType) -> Tensor {
    Tensor::full(value, shape, &Device::Cpu).and_then(|tensor| tensor.to_dtype(dtype)).unwrap()
}

fn labels(value: i64) -> Tensor {
    full(value as f64, &[2, 4, 5], DType::I64)
}

const LOGITS: [usize; 4] = [2, 3, 4, 5];

#[test]
fn shapes_that_do_not_fit() {
    let found = refusal(&objective(), &LOGITS, full(1.0, &[2, 5, 4], DType::U8));
    let wanted =
        "labels: found shape [2, 5, 4], wanted [2, 4, 5] or [2, 1, 4, 5], to fit the logits";
    assert_eq!(found, wanted);
    let found = refusal(&objective(), &[2], labels(1));
    assert_eq!(found, "logits: found shape [2], wanted [batch_size, classes, spatial…]");
    let found = refusal(&objective(), &LOGITS, full(0.0, &[2, 2, 4, 5], DType::F32));
    assert_eq!(found, "dense target: found shape [2, 2, 4, 5], wanted [2, 3, 4, 5], as the logits");
    let masked = Targets::labels(&labels(1)).mask(&full(1.0, &[2, 4, 4], DType::U8));
    assert!(refusal(&objective(), &LOGITS, masked).starts_with("mask: found shape [2, 4, 4]"));
    let weights = full(1.0, &[2, 3, 4, 5], DType::F32);
    let weighted = Targets::labels(&labels(1)).voxel_weights(&weights);
    assert!(refusal(&objective(), &LOGITS, weighted).starts_with("voxel weights: found shape"));
    let partial = Targets::labels(&labels(1)).class_valid(vec![true; 5]);
    assert_eq!(
        refusal(&objective(), &LOGITS, partial),
        "class validity: found shape [5], wanted N × C = 2 × 3 entries, or 3 for all samples"
    );
    let images = full(1.0, &[2, 16, 20], DType::U8);
    assert_eq!(
        refusal(&objective(), &[2, 16, 20], images),
        "labels: found shape [2, 16, 20], wanted [2, 20] or [2, 1, 20], to fit the logits, which are \
         read as 16 channels of 20 voxels; images of one channel are [2, 1, 16, 20]"
    );
}

#[test]
fn values_out_of_range_are_named_with_their_place() -> Result<()> {
    let mut map = vec![1u32; 40];
    map[27] = 3;
    let map = Tensor::from_vec(map, (2, 4, 5), &Device::Cpu)?;
    let found = refusal(&objective(), &LOGITS, map);
    assert_eq!(found, "sample 1, voxel (1, 2): found label 3, wanted 0 to 2");
    let dense = full(1.5, &LOGITS, DType::F32);
    assert!(refusal(&objective(), &LOGITS, dense).contains("voxel (0, 0): found target 1.5"));
    let dense = Targets::dense(&full(2.0, &LOGITS, DType::U8));
    assert!(refusal(&objective(), &LOGITS, dense).contains("voxel (0, 0): found target 2"));
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let weights = full(weight, &[2, 4, 5], DType::F32);
        let weighted = Targets::labels(&labels(1)).voxel_weights(&weights);
        assert!(
            refusal(&objective(), &LOGITS, weighted).contains("voxel (0, 0): found voxel weight")
        );
    }
    Ok(())
}

#[test]
fn options_that_do_not_fit() {
    let found = refusal(&objective(), &[2, 1, 4, 5], labels(1));
    assert!(found.starts_with("dice: softmax: found"), "{found}");
    let ignored = Targets::dense(&full(1.0, &LOGITS, DType::U8)).ignore_index(255);
    let found = refusal(&objective(), &LOGITS, ignored);
    assert!(found.starts_with("ignore_index of a dense target"), "{found}");
    let regions = Targets::regions(&labels(1), vec![vec![], vec![7]]);
    assert!(
        refusal(&objective(), &LOGITS, regions).starts_with("regions, label 1: found channel 7")
    );
    let mixed = objective().term(1.0, CrossEntropy::default().softmax()).reduction(Reduction::None);
    assert!(refusal(&mixed, &LOGITS, labels(1)).starts_with("reduction none: found"));
}

#[test]
fn element_types_that_are_no_numbers_of_the_kind() -> Result<()> {
    let logits = full(0.0, &LOGITS, DType::I64);
    let found = Way::Native.evaluate(&objective(), &logits, Targets::labels(&labels(1)));
    let wanted = "logits: element type: found i64, wanted f32, f64, f16 or bf16";
    assert_eq!(message(found), wanted);
    let floats = Targets::labels(&full(1.0, &[2, 4, 5], DType::F32));
    assert!(refusal(&objective(), &LOGITS, floats).starts_with("labels: element type"));
    let integers = Targets::dense(&full(1.0, &LOGITS, DType::I64));
    assert!(refusal(&objective(), &LOGITS, integers).starts_with("dense target: element type"));
    let weighted = Targets::labels(&labels(1)).voxel_weights(&labels(1));
    assert!(refusal(&objective(), &LOGITS, weighted).starts_with("voxel weights: element type"));
    Ok(())
}

#[test]
fn sigmoid_cross_entropy_is_another_loss() -> Result<()> {
    let loss = CrossEntropyLoss::new(CrossEntropyLossConfig::new(Activation::Sigmoid));
    let found = loss.forward(&full(0.0, &LOGITS, DType::F32), labels(1));
    assert_eq!(
        message(found),
        "cross_entropy: activation: found sigmoid, wanted softmax or probabilities; under sigmoid \
         that is binary_cross_entropy"
    );
    Ok(())
}
