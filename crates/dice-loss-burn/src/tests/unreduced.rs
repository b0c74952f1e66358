//! Values before any reduction, on both ways, with an upstream gradient of their shape.

use std::sync::Arc;

use burn::{
    backend::Dispatch,
    tensor::{Device, Tensor, TensorData},
};
use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Dice, Focal, GeneralizedDice, Layout, Logits,
    Objective, Pool, Reduction, Result, Upstream, Verdict, reference,
};

use super::{Case, case::noise, precision};
use crate::{
    sweeps::{Outcome, SegmentationBackend},
    tensor_ops,
};
use dice_loss_tensor::Form;

/// The values by either way, natively first, and the verdict that they belong to.
fn values<const R: usize>(
    objective: &Objective,
    case: &Case,
    logits: &Tensor<4>,
) -> [(Tensor<R>, Arc<Verdict>); 2] {
    let objective = Arc::new(objective.clone());
    let targets = case.targets(&logits.device()).0;
    let logits = logits.clone().into_dispatch();
    let native = Dispatch::segmentation_loss(
        logits.clone(),
        targets.clone(),
        objective.clone(),
        Form::Unreduced,
    );
    let plain = tensor_ops::segmentation_loss(logits, targets, objective, Form::Unreduced);
    [native, plain].map(|outcome| match outcome {
        Outcome::Evaluated(values, verdict, _) => (Tensor::from_dispatch(values), verdict),
        Outcome::Failed(error) => panic!("{error}"),
    })
}

/// Values and gradient as the reference has them, each with its magnitudes.
struct Wanted {
    values: Vec<f64>,
    of_values: Vec<f64>,
    gradient: reference::Gradient,
}

/// Compares values and gradient of both ways with the reference, which pulls the same verdict back.
fn check<const R: usize>(
    objective: &Objective,
    case: &Case,
    shape: [usize; R],
    wanted: impl Fn(&Logits, &dice_loss::Target, &Verdict, &[f32]) -> Result<Wanted>,
) {
    let device = Device::flex().autodiff();
    let upstream = noise(shape.iter().product(), 9);
    for way in 0..2 {
        let logits = case.logits(&device).require_grad();
        let [native, plain] = values::<R>(objective, case, &logits);
        let (values, verdict) = if way == 0 { native } else { plain };
        assert_eq!(values.dims(), shape, "{objective:?}");
        let wanted = case.engine(|logits, target| wanted(logits, target, &verdict, &upstream));
        let Wanted { values: values_wanted, of_values, gradient } = wanted.unwrap();
        let upstream = Tensor::from_data(TensorData::new(upstream.clone(), shape), &device);
        let gradients = (values.clone() * upstream).sum().backward();
        let near = |found: TensorData, wanted: &[f64], magnitudes: &[f64]| {
            let tolerances = precision::of_gradient(magnitudes);
            for ((found, wanted), tolerance) in found.iter::<f64>().zip(wanted).zip(tolerances) {
                assert!((found - wanted).abs() <= tolerance, "{objective:?}: {found}, {wanted}");
            }
        };
        near(values.into_data(), &values_wanted, &of_values);
        let found = logits.grad(&gradients).expect("tracked").into_data();
        near(found, &gradient.values, &gradient.magnitudes);
    }
}

#[test]
fn overlap_values_in_what_pooling_leaves() {
    let of = |term: dice_loss::Term, pool| {
        Objective::new().term(0.5, term.pool(pool)).reduction(Reduction::None)
    };
    let dice = || Dice::default().softmax();
    let coupled = || GeneralizedDice::default().softmax();
    for case in Case::all(3, Activation::Softmax) {
        let by_values = |objective: &Objective| {
            let objective = objective.clone();
            move |logits: &Logits, target: &dice_loss::Target, verdict: &Verdict, up: &[f32]| {
                let up: Vec<_> = up.iter().map(|&value| f64::from(value)).collect();
                let up = Upstream::Values(&up);
                let exact =
                    objective.evaluate(&reference::measure(&objective, logits, target)?.moments)?;
                let values = exact.values().unwrap().to_vec();
                Ok(Wanted {
                    // A ratio of two sums, of at most 1.
                    of_values: vec![1.0; values.len()],
                    values,
                    gradient: reference::pull_back(&objective, verdict, up, logits, target)?,
                })
            }
        };
        let objective = of(dice(), Pool::Sample);
        check(&objective, &case, [2, 3], by_values(&objective));
        for (objective, length) in [
            (of(dice(), Pool::Batch), 3),
            (of(dice(), Pool::All), 1),
            (of(coupled(), Pool::Sample), 2),
            (of(coupled(), Pool::Batch), 1),
        ] {
            check(&objective, &case, [length], by_values(&objective));
        }
    }
}

#[test]
fn maps_of_voxel_losses() {
    let of = |term| Objective::new().term(0.5, term).reduction(Reduction::None);
    let objectives = [
        (Activation::Softmax, of(CrossEntropy { label_smoothing: 0.1 }.softmax()), 1),
        (Activation::Softmax, of(Focal::default().softmax()), 1),
        (Activation::Sigmoid, of(Focal::default().sigmoid()), 3),
        (Activation::Sigmoid, of(BinaryCrossEntropy::default().sigmoid()), 3),
    ];
    for (activation, objective, channels) in objectives {
        for case in Case::all(3, activation) {
            let [samples, _, height, width] = case.dims;
            let shape = [samples, channels, height, width];
            check(&objective, &case, shape, |logits, target, verdict, up| {
                let up = Logits::new(up, Layout::channels_first(&shape)?)?;
                let map = reference::voxel_losses(&objective, logits, target)?;
                Ok(Wanted {
                    values: map.values,
                    of_values: map.magnitudes,
                    gradient: reference::pull_back(&objective, verdict, up, logits, target)?,
                })
            });
        }
    }
}

#[test]
fn a_mean_over_the_map_needs_no_map_of_upstream_gradients() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let objective = Objective::new().term(1.0, CrossEntropy::default().softmax());
    let gradient = |objective: &Objective, unreduced: bool| {
        let logits = case.logits(&Device::flex().autodiff()).require_grad();
        let targets = case.targets(&logits.device());
        let loss = crate::SegmentationLoss::new(objective.clone());
        let loss = match unreduced {
            true => loss.forward_no_reduction::<4, 4>(logits.clone(), targets).mean(),
            false => loss.forward(logits.clone(), targets),
        };
        logits.grad(&loss.backward()).expect("tracked").into_data()
    };
    let (mapped, reduced) = (gradient(&objective, true), gradient(&objective, false));
    // The upstream gradient of the map is rounded, and the product with it.
    let largest = reduced.iter::<f32>().fold(0.0, |largest: f32, x| largest.max(x.abs()));
    let tolerance = burn::tensor::Tolerance::absolute(2.0 * f32::EPSILON * largest);
    mapped.assert_approx_eq::<f32>(&reduced, tolerance);
}
