//! Weights of any size: what the engine makes of them, tensor operations and kernels do too.

use std::sync::Arc;

use burn::{
    backend::{Dispatch, DispatchTensor},
    tensor::{Device, Tensor},
};
use dice_loss::{Activation, Decision, Verdict};

use super::{Case, by_value::objective, precision};
use crate::{
    sweeps::{Outcome, SegmentationBackend},
    tensor_ops::segmentation_loss,
};
use dice_loss_tensor::Form;

/// Sums and gradient may differ by what f32 rounds on either way.
pub(super) fn check(device: &Device, cases: impl IntoIterator<Item = Case>) {
    let objective = Arc::new(objective().decision(Decision::Argmax));
    for mut case in cases {
        let [n, _, h, w] = case.dims;
        for size in [2f32.powi(-147), 2f32.powi(-120), 1.0, 2f32.powi(119), 2f32.powi(125)] {
            let weight = |voxel: usize| size * (voxel % 4) as f32;
            case.weights = Some((0..n * h * w).map(weight).collect());
            let plain = |logits: DispatchTensor, device: &Device| {
                let targets = case.targets(device).0;
                segmentation_loss(logits, targets, objective.clone(), Form::Number)
            };
            let native = |logits: DispatchTensor, device: &Device| {
                let targets = case.targets(device).0;
                Dispatch::segmentation_loss(logits, targets, objective.clone(), Form::Number)
            };
            let found = evaluated(&case, device, plain);
            let wanted = evaluated(&case, &Device::flex().autodiff(), native);
            // No sum of this objective has a negative addend.
            for (found, wanted) in found.sums.iter().zip(&wanted.sums) {
                let tolerance = 2.0 * precision::F32 * wanted;
                assert!((found - wanted).abs() <= tolerance, "{size:e}: {found}, wanted {wanted}");
            }
            let largest = wanted.gradient.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
            // The slopes are a ratio of two sums and a product of two ratios.
            let tolerance = 8.0 * precision::F32 * largest;
            for (found, wanted) in found.gradient.iter().zip(&wanted.gradient) {
                assert!((found - wanted).abs() <= tolerance, "{size:e}: {found}, wanted {wanted}");
            }
            let tolerance = 8.0 * precision::F32 * (1.0 + wanted.verdict.loss());
            let [found, wanted] = [found, wanted].map(|evaluated| evaluated.verdict.loss());
            assert!((found - wanted).abs() <= tolerance, "{size:e}: {found}, wanted {wanted}");
        }
    }
}

struct Evaluated {
    verdict: Arc<Verdict>,
    sums: Vec<f64>,
    gradient: Vec<f64>,
}

fn evaluated(
    case: &Case,
    device: &Device,
    evaluate: impl Fn(DispatchTensor, &Device) -> Outcome<Dispatch>,
) -> Evaluated {
    let logits = case.logits(device).require_grad();
    let outcome = evaluate(logits.clone().into_dispatch(), device);
    let Outcome::Evaluated(loss, verdict, moments) = outcome else { panic!("{case:?}: refused") };
    let gradients = Tensor::<1>::from_dispatch(loss).backward();
    let gradient = logits.grad(&gradients).expect("tracked").into_data();
    let gradient = gradient.iter::<f64>().collect();
    Evaluated { verdict, sums: moments.as_slice().to_vec(), gradient }
}

#[test]
fn of_tensor_operations() {
    check(&Device::flex().autodiff(), Case::all(3, Activation::Softmax));
}
