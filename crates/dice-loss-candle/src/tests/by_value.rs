//! Labels are compared by value, by both ways to a loss.

use candle_core::{DType, Result, Tensor};
use dice_loss::{Activation, CrossEntropy, Dice, Objective};

use super::{Case, Way};
use crate::{Targets, targets::Reference};

pub(super) fn objective() -> Objective {
    Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax())
}

#[test]
fn what_is_ignored_is_that_number_alone() -> Result<()> {
    let case = Case::all(3, Activation::Softmax).remove(0);
    let [n, _, h, w] = case.dims;
    let logits = case.logits(DType::F32)?;
    let Reference::Labels(labels) = case.targets()?.reference else { panic!("labels come first") };
    let labels = labels.flatten_all()?.to_vec1::<i64>()?;
    for (label, dtype, ignored, is_ignored) in [
        (255, DType::U8, 255, true),
        (156, DType::U8, -100, false),
        (-100, DType::I16, -100, true),
        (i64::from(i32::MIN), DType::I32, i64::from(i32::MIN), true),
        (i64::from(u32::MAX), DType::U32, i64::from(u32::MAX), true),
        (i64::from(u32::MAX), DType::U32, -1, false),
        (1 << 40, DType::I64, 1 << 40, true),
        ((1 << 40) + 255, DType::I64, 255, false),
    ] {
        let mut labels = labels.clone();
        labels[17] = label;
        let labels = Tensor::from_vec(labels, (n, h, w), logits.device())?.to_dtype(dtype)?;
        let mask = (0..n * h * w).map(|voxel| voxel != 17).collect();
        let masked = Case { mask: Some(mask), ..case.clone() };
        for way in Way::BOTH {
            let wanted = way.evaluate(&objective(), &logits, masked.targets()?)?;
            let targets = Targets::labels(&labels).ignore_index(ignored);
            let found = way.evaluate(&objective(), &logits, targets);
            match (found, is_ignored) {
                (Ok(found), true) => assert_eq!(found.moments, wanted.moments, "{label} {dtype:?}"),
                (Err(error), false) => {
                    let error = error.to_string();
                    assert!(error.contains(&format!("found label {label}, wanted 0")), "{error}");
                }
                (found, _) => panic!("{way:?}, {label} of {dtype:?}: {found:?}"),
            }
        }
    }
    Ok(())
}
