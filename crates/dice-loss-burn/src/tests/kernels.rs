//! The kernels on wgpu against the reference: on a machine without a GPU, under a software
//! implementation of Vulkan.
//!
//! Where there is neither, the tests say so and pass, unless `DICE_LOSS_REQUIRE_GPU` is set.

use std::{panic::catch_unwind, sync::OnceLock};

use burn::tensor::{Device, DeviceKind, FloatDType, Tensor, f16};
use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Decision, Dice, Focal, GeneralizedDice,
    Objective, Pool, reference,
};

use super::{Case, case::every_loss, precision};
use crate::{SegmentationLoss, kernels};

fn device() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice).autodiff()
}

/// Whether wgpu finds anything to run on.
fn has_device() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let found = *FOUND.get_or_init(|| {
        let one = || Tensor::<1>::ones([1], &device()).into_data();
        catch_unwind(one).is_ok()
    });
    assert!(found || std::env::var_os("DICE_LOSS_REQUIRE_GPU").is_none(), "no device for wgpu");
    if !found {
        eprintln!("skipped: wgpu finds no device");
    }
    found
}

/// How logits lie in memory.
#[derive(Debug, Clone, Copy)]
enum Order {
    ChannelsFirst,
    ChannelsLast,
}

/// Sums and gradient, which may differ from the reference by what f32 rounds. The gradient is that of
/// the value found, so that only what is pulled back is compared.
fn check(name: &str, objective: &Objective, case: &Case) {
    check_in(FloatDType::F32, Order::ChannelsFirst, name, objective, case);
}

fn check_in(dtype: FloatDType, order: Order, name: &str, objective: &Objective, case: &Case) {
    let device = device();
    let mut case = case.clone();
    if dtype == FloatDType::F16 {
        case.logits.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32());
    }
    let leaf = match order {
        Order::ChannelsFirst => case.logits(&device).cast(dtype).require_grad(),
        Order::ChannelsLast => {
            let last = case.logits(&device).permute([0, 2, 3, 1]);
            // Written out in this order, whatever the device makes of a permutation.
            (last * 1.0).cast(dtype).require_grad()
        }
    };
    let logits: Tensor<4> = match order {
        Order::ChannelsFirst => leaf.clone(),
        Order::ChannelsLast => leaf.clone().permute([0, 3, 1, 2]),
    };
    let prepared = objective.prepare(case.dims[1]).expect(name);
    let targets = case.targets(&device);
    let taken = kernels::sums(&logits.clone().into_dispatch(), &targets.0, &prepared);
    assert!(taken.is_some(), "{name}: no kernel");

    let evaluation =
        SegmentationLoss::new(objective.clone()).evaluate(logits, targets).expect(name);
    let gradients = evaluation.loss.backward();
    let found = leaf.grad(&gradients).expect(name);
    let found = match order {
        Order::ChannelsFirst => found,
        Order::ChannelsLast => found.permute([0, 3, 1, 2]),
    };
    let found = found.into_data().convert::<f64>();
    let (measured, gradient) = case
        .engine(|logits, target| {
            let measured = reference::measure(objective, logits, target)?;
            let verdict = &evaluation.verdict;
            let gradient = reference::pull_back(objective, verdict, 1.0, logits, target)?;
            Ok((measured, gradient))
        })
        .expect(name);
    let sums = evaluation.moments.as_slice().iter().zip(measured.moments.as_slice());
    for (index, ((found, wanted), magnitude)) in sums.zip(&measured.magnitudes).enumerate() {
        let tolerance = precision::F32 * magnitude;
        assert!((found - wanted).abs() <= tolerance, "{name}: sum {index} {found}, not {wanted}");
    }
    // Half a step of the gradient's own type, and of its smallest numbers.
    let (step, least) = match dtype {
        FloatDType::F16 => (f64::from(f16::EPSILON) / 2.0, 2f64.powi(-25)),
        _ => (0.0, 0.0),
    };
    let values = found.iter::<f64>().zip(&gradient.values);
    let tolerances = precision::of_gradient(&gradient.magnitudes);
    for (index, ((found, wanted), tolerance)) in values.zip(tolerances).enumerate() {
        let tolerance = tolerance + step * (wanted.abs() + tolerance) + least;
        assert!(
            (found - wanted).abs() <= tolerance,
            "{name}: gradient {index} {found}, wanted {wanted}, tolerance {tolerance}"
        );
    }
}

#[test]
fn every_loss_has_the_references_sums_and_gradient() {
    if !has_device() {
        return;
    }
    every_loss(check);
}

#[test]
fn options_and_several_activations() {
    if !has_device() {
        return;
    }
    let focal = |gamma: f64| Focal { gamma: gamma.into(), alpha: Some(0.25.into()) };
    let objectives = [
        Objective::new()
            .term(0.7, CrossEntropy { label_smoothing: 0.2 }.softmax())
            .term(0.3, Dice::default().softmax().background(false).pool(Pool::Batch)),
        Objective::new()
            .term(1.0, Dice { squared: true, ..Dice::default() }.softmax())
            .term(0.5, focal(2.0).softmax())
            .term(0.5, focal(0.5).sigmoid()),
        Objective::new()
            .term(1.0, GeneralizedDice::default().sigmoid())
            .term(0.5, focal(1.5).sigmoid())
            .term(0.2, BinaryCrossEntropy { pos_weight: vec![0.5, 2.0, 3.0].into() }.sigmoid()),
        Objective::new().term(1.0, Dice::default().softmax()).decision(Decision::Argmax),
        Objective::new().term(1.0, Dice::default().sigmoid()).decision(Decision::Threshold(0.4)),
    ];
    for objective in objectives {
        for case in Case::all(3, Activation::Softmax) {
            check(&format!("{objective:?} {case:?}"), &objective, &case);
        }
    }
}

#[test]
fn ragged_sizes_and_many_classes() {
    if !has_device() {
        return;
    }
    let objective = Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax());
    for dims in [[3, 2, 17, 61], [1, 5, 1, 257], [2, 33, 16, 16], [1, 105, 7, 9], [1, 256, 3, 3]] {
        for (index, case) in Case::of(dims, Activation::Softmax).into_iter().enumerate() {
            check(&format!("{dims:?} {index}"), &objective, &case);
        }
    }
    let objective = Objective::new().term(1.0, Dice::default().sigmoid());
    for (index, case) in Case::of([2, 1, 33, 47], Activation::Sigmoid).into_iter().enumerate() {
        check(&format!("one channel {index}"), &objective, &case);
    }
}

#[test]
fn half_precision_and_channels_last() {
    if !has_device() {
        return;
    }
    let softmax = Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax());
    let sigmoid = Objective::new()
        .term(1.0, Dice::default().sigmoid())
        .term(1.0, BinaryCrossEntropy::default().sigmoid());
    for (objective, activation) in [(softmax, Activation::Softmax), (sigmoid, Activation::Sigmoid)]
    {
        for (index, case) in Case::of([2, 3, 13, 29], activation).into_iter().enumerate() {
            for order in [Order::ChannelsFirst, Order::ChannelsLast] {
                for dtype in [FloatDType::F32, FloatDType::F16] {
                    let name = format!("{activation:?} {index} {order:?} {dtype:?}");
                    check_in(dtype, order, &name, &objective, &case);
                }
            }
        }
    }
}

#[test]
fn the_same_bits_every_time() {
    if !has_device() {
        return;
    }
    let objective = Objective::new().term(1.0, Dice::default().softmax());
    let loss = SegmentationLoss::new(objective);
    let case = Case::of([2, 4, 40, 50], Activation::Softmax).remove(0);
    let moments = || {
        let (logits, targets) = (case.logits(&device()), case.targets(&device()));
        loss.evaluate(logits, targets).expect("valid").moments
    };
    let first = moments();
    for _ in 0..3 {
        assert_eq!(moments(), first);
    }
}

#[test]
fn a_label_out_of_range_is_named() {
    if !has_device() {
        return;
    }
    let mut case = Case::all(3, Activation::Softmax).remove(0);
    let super::case::Reference::Labels(labels) = &mut case.reference else { panic!("labels") };
    labels[17] = 9;
    let loss = SegmentationLoss::new(Objective::new().term(1.0, Dice::default().softmax()));
    let found = |device: &Device| {
        loss.evaluate(case.logits(device), case.targets(device)).unwrap_err().to_string()
    };
    assert_eq!(found(&device()), found(&Device::flex()));
    assert!(found(&device()).contains('9'));
}

#[test]
fn certain_voxels_keep_the_digits_of_their_log_loss() {
    if !has_device() {
        return;
    }
    let terms = [
        (CrossEntropy::default().softmax(), Activation::Softmax),
        (BinaryCrossEntropy::default().sigmoid(), Activation::Sigmoid),
    ];
    for (term, activation) in terms {
        let objective = Objective::new().term(1.0, term);
        let mut case = Case::all(2, activation).remove(0);
        let super::case::Reference::Labels(labels) = &case.reference else { panic!("labels") };
        let [_, classes, height, width] = case.dims;
        let voxels = height * width;
        for (index, x) in case.logits.iter_mut().enumerate() {
            let (channel, voxel) = (index / voxels, index % voxels);
            let label = labels[channel / classes * voxels + voxel] as usize;
            *x = if channel % classes == label { 9.0 } else { -9.0 };
        }
        let loss = SegmentationLoss::new(objective.clone());
        let found = loss.evaluate(case.logits(&device()), case.targets(&device()));
        let wanted = case.engine(|logits, target| {
            let measured = reference::measure(&objective, logits, target)?;
            Ok(objective.evaluate(&measured.moments)?.loss())
        });
        let (found, wanted) = (found.expect("valid").verdict.loss(), wanted.expect("valid"));
        // The argument of the exponential is 18 here, not 8, so another 10 halves of an ulp.
        let tolerance = (precision::F32 + 5.0 * f64::from(f32::EPSILON)) * wanted;
        assert!((found - wanted).abs() <= tolerance, "{activation:?} {found}, wanted {wanted}");
    }
}
