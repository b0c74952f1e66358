//! Labels are compared by value, by every way to a loss.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use dice_loss::{Activation, CrossEntropy, Dice, Objective};

use super::{Case, both_ways};
use crate::Targets;

/// A label, its type, what is ignored, and whether that is the label.
pub(super) const LABELS: [(u64, DType, i64, bool); 13] = [
    (255, DType::U8, 255, true),
    (156, DType::U8, -100, false),
    (0, DType::U8, 256, false),
    (-100i64 as u64, DType::I8, -100, true),
    (-100i64 as u64, DType::I16, -100, true),
    (i32::MIN as u64, DType::I32, i32::MIN as i64, true),
    (u32::MAX as u64, DType::U32, u32::MAX as i64, true),
    (u32::MAX as u64, DType::U32, -1, false),
    (1 << 40, DType::I64, 1 << 40, true),
    ((1 << 40) + 255, DType::I64, 255, false),
    (1 << 40, DType::U64, 1 << 40, true),
    (u64::MAX, DType::U64, -1, false),
    (1 << 63, DType::U64, i64::MIN, false),
];

/// The case with one voxel of a label, and the voxel.
pub(super) fn labels_with(
    case: &Case,
    label: u64,
    dtype: DType,
    device: &Device,
) -> Tensor<3, Int> {
    let super::case::Reference::Labels(labels) = &case.reference else { panic!("labels") };
    let [n, _, h, w] = case.dims;
    let mut labels: Vec<_> = labels.iter().map(|&label| i64::from(label)).collect();
    // The bytes of a u64 beyond i64, which the element type says how to read.
    labels[17] = label as i64;
    let data = match dtype {
        DType::U64 => {
            let labels: Vec<_> = labels.into_iter().map(|label| label as u64).collect();
            TensorData::new(labels, [n, h, w])
        }
        _ => TensorData::new(labels, [n, h, w]).convert_dtype(dtype),
    };
    Tensor::from_data(data, (device, dtype))
}

/// The case with that voxel masked.
pub(super) fn masked(case: &Case) -> Case {
    let [n, _, h, w] = case.dims;
    let mask = (0..n * h * w).map(|voxel| voxel != 17).collect();
    Case { mask: Some(mask), ..case.clone() }
}

pub(super) fn objective() -> Objective {
    Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax())
}

#[test]
fn what_is_ignored_is_that_number_alone() {
    let device = Device::flex();
    let case = Case::all(3, Activation::Softmax).remove(0);
    let logits = case.logits(&device);
    let wanted = both_ways(&objective(), &logits, masked(&case).targets(&device));
    for (label, dtype, ignored, is_ignored) in LABELS {
        let targets = Targets::labels(labels_with(&case, label, dtype, &device));
        let found = both_ways(&objective(), &logits, targets.ignore_index(ignored));
        for (found, wanted) in found.into_iter().zip(&wanted) {
            match (found, is_ignored || label == 0) {
                (found, true) if is_ignored => assert_eq!(&found, wanted, "{label} of {dtype:?}"),
                (found, true) => assert!(found.is_ok(), "{label} of {dtype:?}"),
                (found, false) => {
                    let shown = match dtype {
                        DType::U64 => label.to_string(),
                        _ => (label as i64).to_string(),
                    };
                    let error = found.expect_err(&shown);
                    assert!(
                        error.contains(&format!("found label {shown}, wanted 0 to 2")),
                        "{error}"
                    );
                }
            }
        }
    }
}
