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

use super::{Case, case::noise};
use crate::{
    sweeps::{Form, Outcome, SegmentationBackend},
    tensor_ops,
};

/// The values by either way, natively first.
fn values<const R: usize>(
    objective: &Objective,
    case: &Case,
    logits: &Tensor<4>,
) -> [Tensor<R>; 2] {
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
        Outcome::Evaluated(values, ..) => Tensor::from_dispatch(values),
        Outcome::Failed(error) => panic!("{error}"),
    })
}

/// Compares values and gradient of both ways with the reference.
fn check<const R: usize>(
    objective: &Objective,
    case: &Case,
    shape: [usize; R],
    wanted: impl Fn(&Logits, &dice_loss::Target, &Verdict, &[f32]) -> Result<(Vec<f64>, Vec<f64>)>,
) {
    let device = Device::flex().autodiff();
    let upstream = noise(shape.iter().product(), 9);
    let wanted = case.engine(|logits, target| {
        let moments = reference::measure(objective, logits, target)?.moments;
        wanted(logits, target, &objective.evaluate(&moments)?, &upstream)
    });
    let (values_wanted, gradient_wanted) = wanted.unwrap();
    for way in 0..2 {
        let logits = case.logits(&device).require_grad();
        let [native, plain] = values::<R>(objective, case, &logits);
        let values = if way == 0 { native } else { plain };
        assert_eq!(values.dims(), shape, "{objective:?}");
        let upstream = Tensor::from_data(TensorData::new(upstream.clone(), shape), &device);
        let gradients = (values.clone() * upstream).sum().backward();
        let near = |found: TensorData, wanted: &[f64]| {
            for (found, wanted) in found.iter::<f64>().zip(wanted) {
                let tolerance = 1e-5 * (0.1 + wanted.abs());
                assert!((found - wanted).abs() < tolerance, "{objective:?}: {found}, {wanted}");
            }
        };
        near(values.into_data(), &values_wanted);
        near(logits.grad(&gradients).expect("tracked").into_data(), &gradient_wanted);
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
                let gradient = reference::pull_back(&objective, verdict, up, logits, target)?;
                Ok((verdict.values().unwrap().to_vec(), gradient.values))
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
                let gradient = reference::pull_back(&objective, verdict, up, logits, target)?;
                Ok((reference::voxel_losses(&objective, logits, target)?.values, gradient.values))
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
    mapped.assert_approx_eq::<f32>(&reduced, burn::tensor::Tolerance::absolute(1e-8));
}
