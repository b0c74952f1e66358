//! What Candle's tensors are refused for beside what any front end refuses.

use candle_core::{DType, Device, Result, Tensor};
use dice_loss::{Dice, Objective};
use dice_loss_tensor::testing::FrontEnd;

use super::{OnCpu, evaluate, message};
use crate::Targets;

const LOGITS: [usize; 4] = [2, 3, 4, 5];

/// The error, after making sure that both ways have the same.
fn refusal(logits: &Tensor, targets: Targets) -> String {
    let objective = Objective::new().term(1.0, Dice::default().softmax());
    let refused = |way| match evaluate(way, &objective, logits, targets.clone()) {
        Ok(_) => panic!("accepted"),
        Err(error) => message(error),
    };
    let errors: Vec<_> = OnCpu::WAYS.iter().map(|&way| refused(way)).collect();
    assert_eq!(errors[0], errors[1]);
    errors[0].clone()
}

fn full(value: f64, shape: &[usize], dtype: DType) -> Result<Tensor> {
    Tensor::full(value, shape, &Device::Cpu)?.to_dtype(dtype)
}

#[test]
fn logits_without_classes() -> Result<()> {
    let labels = full(1.0, &[2], DType::I64)?;
    let found = refusal(&full(0.0, &[2], DType::F32)?, Targets::labels(&labels));
    assert_eq!(found, "logits: found shape [2], wanted [batch_size, classes, spatial…]");
    Ok(())
}

#[test]
fn dense_integers_out_of_range() -> Result<()> {
    let logits = full(0.0, &LOGITS, DType::F32)?;
    let found = refusal(&logits, Targets::dense(&full(2.0, &LOGITS, DType::U8)?));
    assert!(found.contains("voxel (0, 0): found target 2"), "{found}");
    Ok(())
}

#[test]
fn element_types_that_are_no_numbers_of_the_kind() -> Result<()> {
    let logits = full(0.0, &LOGITS, DType::F32)?;
    let labels = full(1.0, &[2, 4, 5], DType::I64)?;
    let found = refusal(&full(0.0, &LOGITS, DType::I64)?, Targets::labels(&labels));
    assert_eq!(found, "logits: element type: found i64, wanted f32, f64, f16 or bf16");
    let floats = Targets::labels(&full(1.0, &[2, 4, 5], DType::F32)?);
    assert!(refusal(&logits, floats).starts_with("labels: element type"));
    let integers = Targets::dense(&full(1.0, &LOGITS, DType::I64)?);
    assert!(refusal(&logits, integers).starts_with("dense target: element type"));
    let weighted = Targets::labels(&labels).voxel_weights(&labels);
    assert!(refusal(&logits, weighted).starts_with("voxel weights: element type"));
    Ok(())
}
