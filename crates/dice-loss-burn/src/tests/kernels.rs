//! The kernels on wgpu against the reference: on a machine without a GPU, under a software
//! implementation of Vulkan.
//!
//! What the adapter lacks, a test says and is skipped, unless `DICE_LOSS_REQUIRE_GPU` or
//! `DICE_LOSS_REQUIRE_ALL` is set.

use std::{
    env,
    fs::OpenOptions,
    io::{Write, stderr},
    panic::catch_unwind,
    sync::OnceLock,
    thread,
};

use burn::{
    backend::DispatchDevice,
    tensor::{DType, Device, DeviceKind, FloatDType, Tensor, TensorData, bf16, f16},
};
use cubecl::ir::{DeviceIdentity, HardwareProperties};
use dice_loss::{
    Activation, BinaryCrossEntropy, Boundary, CrossEntropy, Decision, Dice, DirectLoss, Focal,
    GeneralizedDice, HausdorffDT, Objective, Pool, reference,
};
use dice_loss_tensor::testing::{
    self, Case, Found, FoundDirectly, FrontEnd, Integer, Reference, Trial, Way, every_loss,
    precision,
};

use super::{found, logits, targets};
use crate::{SegmentationLoss, Targets, kernels};

fn device() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice).autodiff()
}

/// What wgpu runs on; `None` if it finds nothing that computes.
fn adapter() -> &'static Option<(DeviceIdentity, HardwareProperties)> {
    static FOUND: OnceLock<Option<(DeviceIdentity, HardwareProperties)>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let properties = || {
            Tensor::<1>::ones([1], &device()).into_data();
            let device = Device::wgpu(DeviceKind::DefaultDevice);
            let DispatchDevice::Cube(device) = device.as_dispatch() else { panic!("not wgpu") };
            device.client().properties().clone()
        };
        let properties = catch_unwind(properties).ok()?;
        Some((properties.identity, properties.hardware))
    })
}

/// Why a test that wants kernels on logits of a type cannot run.
fn lacking(dtype: FloatDType) -> Option<String> {
    let Some((identity, hardware)) = adapter() else {
        return Some("wgpu found no adapter, wanted a GPU or a software Vulkan".into());
    };
    let missing = match kernels::device::lacking(hardware, true) {
        Some(missing) => missing,
        None if device().supports_dtype(dtype) => return None,
        None => format!("no {dtype:?}"),
    };
    Some(format!("wgpu found {}, with {missing}", identity.name))
}

/// Whether a test can run; if not, says why, past the harness, which shows no test that passes.
fn can_run(dtype: FloatDType) -> bool {
    let Some(reason) = lacking(dtype) else { return true };
    let name = thread::current().name().unwrap_or("tests::kernels").to_owned();
    for variable in ["DICE_LOSS_REQUIRE_GPU", "DICE_LOSS_REQUIRE_ALL"] {
        assert!(env::var_os(variable).is_none(), "{variable} is set, but {reason}");
    }
    let line = format!("SKIPPED {name}: {reason}\n");
    // Best effort: a test does not fail for want of a place to write.
    let _ = stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os("DICE_LOSS_SKIPPED") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
    false
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
        Order::ChannelsFirst => logits::<4>(&case, &device).cast(dtype).require_grad(),
        Order::ChannelsLast => {
            let last = logits::<4>(&case, &device).permute([0, 2, 3, 1]);
            // Written out in this order, whatever the device makes of a permutation.
            (last * 1.0).cast(dtype).require_grad()
        }
    };
    let logits: Tensor<4> = match order {
        Order::ChannelsFirst => leaf.clone(),
        Order::ChannelsLast => leaf.clone().permute([0, 3, 1, 2]),
    };
    let prepared = objective.prepare(case.shape[1]).expect(name);
    let targets = targets(&case, &device);
    let taken = kernels::sums(
        &logits.clone().into_dispatch(),
        &targets.clone().stacked(&case.shape).expect("shapes"),
        &prepared,
    );
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
    let tolerances = precision::of_gradient(precision::F32, &gradient.magnitudes);
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
    if !can_run(FloatDType::F32) {
        return;
    }
    every_loss(check);
}

#[test]
fn options_and_several_activations() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let focal =
        |gamma: f64| Focal { gamma: gamma.into(), alpha: Some(0.25.into()), ..Default::default() };
    let objectives = [
        Objective::new()
            .term(0.7, CrossEntropy { label_smoothing: 0.2, ..Default::default() }.softmax())
            .term(0.3, Dice::default().softmax().background(false).pool(Pool::Batch)),
        Objective::new()
            .term(1.0, Dice { squared: true, ..Dice::default() }.softmax())
            .term(0.5, focal(2.0).softmax())
            .term(0.5, focal(0.5).sigmoid()),
        Objective::new()
            .term(1.0, GeneralizedDice::default().sigmoid())
            .term(0.5, focal(1.5).sigmoid())
            .term(
                0.2,
                BinaryCrossEntropy { pos_weight: vec![0.5, 2.0, 3.0].into(), ..Default::default() }
                    .sigmoid(),
            ),
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
    if !can_run(FloatDType::F32) {
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
fn one_map_of_ragged_sizes_and_many_classes() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let focal = Focal { gamma: 1.5.into(), ..Default::default() };
    let softmax = Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(0.5, Dice { squared: true, ..Dice::default() }.softmax().map("a"))
        .term(0.7, CrossEntropy { label_smoothing: 0.2, ..Default::default() }.softmax().map("a"))
        .term(0.2, focal.clone().softmax().map("a"))
        .term(0.1, focal.clone().softmax());
    let sigmoid = Objective::new()
        .term(1.0, HausdorffDT::default().sigmoid())
        .term(0.6, BinaryCrossEntropy::default().sigmoid().map("hausdorff"))
        .term(0.3, focal.sigmoid().map("hausdorff"))
        .term(0.2, Dice::default().softmax());
    for dims in [[3, 2, 17, 61], [1, 33, 3, 7]] {
        for (activation, objective) in
            [(Activation::Softmax, &softmax), (Activation::Sigmoid, &sigmoid)]
        {
            let cases = Case::of(dims, activation).into_iter();
            for (index, case) in cases.flat_map(|case| case.with_maps(objective)).enumerate() {
                check(&format!("{activation:?} {dims:?} {index}"), objective, &case);
            }
        }
    }
    let objective = Objective::new().term(1.0, Dice::default().sigmoid().map("a"));
    let cases = Case::of([2, 1, 33, 47], Activation::Sigmoid).into_iter();
    for (index, case) in cases.flat_map(|case| case.with_maps(&objective)).enumerate() {
        check(&format!("one channel {index}"), &objective, &case);
    }
}

/// A loss for either activation, on every kind of target, in both orders.
fn check_type(dtype: FloatDType) {
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
                let name = format!("{activation:?} {index} {order:?} {dtype:?}");
                check_in(dtype, order, &name, &objective, &case);
            }
        }
    }
}

#[test]
fn channels_last() {
    if !can_run(FloatDType::F32) {
        return;
    }
    check_type(FloatDType::F32);
}

#[test]
fn half_precision() {
    if !can_run(FloatDType::F16) {
        return;
    }
    check_type(FloatDType::F16);
}

/// A tensor of a type that the adapter may lack: its bytes are uploaded as they are.
fn uploaded(values: &[f32], shape: &[usize], dtype: DType) -> Tensor<4> {
    let data = TensorData::new(values.to_vec(), shape.to_vec()).convert_dtype(dtype);
    Tensor::from_data(data, (&device(), dtype))
}

#[test]
fn logits_in_a_type_that_the_adapter_lacks_are_refused() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let name = adapter().as_ref().map(|(identity, _)| &identity.name).expect("there is one");
    let loss = SegmentationLoss::new(Objective::new().term(1.0, Dice::default().softmax()));
    let case = Case::all(3, Activation::Softmax).remove(0);
    for dtype in [DType::F16, DType::BF16, DType::F64] {
        if device().supports_dtype(dtype) {
            continue;
        }
        let logits = uploaded(&case.logits, &case.shape, dtype).require_grad();
        let error = loss.evaluate(logits, targets(&case, &device())).unwrap_err().to_string();
        let wanted = format!(
            "logits: element type: found {dtype:?} on {name}, which cannot compute with it, \
             wanted F32, or another type that the device has"
        );
        assert_eq!(error, wanted);
    }
}

/// The kernels take targets apart themselves, so that no extension of the adapter is wanted.
#[test]
fn a_dense_target_in_half_precision_on_any_adapter() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let loss = SegmentationLoss::new(Objective::new().term(1.0, Dice::default().softmax()));
    let case = Case::all(3, Activation::Softmax).remove(3);
    let Reference::Dense(soft) = &case.reference else { panic!("dense") };
    let rounded: Vec<f32> = soft.values.iter().map(|&g| f16::from_f32(g).to_f32()).collect();
    let moments = |dtype| {
        let target = Targets::dense(uploaded(&rounded, &case.shape, dtype));
        loss.evaluate(logits::<4>(&case, &device()), target).expect("valid").moments
    };
    assert_eq!(moments(DType::F16), moments(DType::F32));
}

#[test]
fn dense_values_a_few_roundings_outside() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let loss = SegmentationLoss::new(Objective::new().term(1.0, Dice::default().softmax()));
    let case = Case::all(3, Activation::Softmax).remove(2);
    let Reference::Multilabel(hard) = &case.reference else { panic!("multilabel") };
    let evaluate = |dtype, beyond: f32| {
        let value = |&there: &bool| if there { 1.0 + beyond } else { -beyond };
        let values: Vec<_> = hard.values.iter().map(value).collect();
        let target = Targets::dense(uploaded(&values, &case.shape, dtype));
        loss.evaluate(logits::<4>(&case, &device()), target).map(|evaluation| evaluation.moments)
    };
    for (dtype, epsilon) in [
        (DType::F32, f32::EPSILON),
        (DType::F16, f16::EPSILON.to_f32()),
        (DType::BF16, bf16::EPSILON.to_f32()),
    ] {
        assert_eq!(evaluate(dtype, 4.0 * epsilon), evaluate(dtype, 0.0), "{dtype:?}");
        let refused = evaluate(dtype, 5.0 * epsilon).unwrap_err().to_string();
        assert!(refused.starts_with("sample 0, voxel (0, 0): found target "), "{refused}");
    }
}

/// The kernels as a front end by themselves.
struct OnGpu;

impl FrontEnd for OnGpu {
    const READS_VALUES_BACK: bool = false;
    const WAYS: &[Way] = &[Way::Operations];
    const LABELS: &[Integer] = <super::OnFlex as FrontEnd>::LABELS;

    fn run(
        &self,
        way: Way,
        objective: &Objective,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> Result<Found, String> {
        found(&device(), way, objective, case, upstream)
    }

    fn run_directly(
        &self,
        way: Way,
        loss: &DirectLoss,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> Result<FoundDirectly, String> {
        super::found_directly(&device(), way, loss, case, upstream)
    }

    fn trials(&self, name: &str, activation: Activation) -> Vec<Trial> {
        super::named::trials(name, activation)
    }
}

#[test]
fn labels_are_compared_by_value() {
    if can_run(FloatDType::F32) {
        testing::what_is_ignored_is_that_number_alone(&OnGpu);
    }
}

#[test]
fn weights_of_any_size() {
    if can_run(FloatDType::F32) {
        testing::weights_of_any_size(&OnGpu);
    }
}

#[test]
fn the_same_bits_every_time() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let objective = Objective::new().term(1.0, Dice::default().softmax());
    let loss = SegmentationLoss::new(objective);
    let case = Case::of([2, 4, 40, 50], Activation::Softmax).remove(0);
    let moments = || {
        let (logits, targets) = (logits::<4>(&case, &device()), targets(&case, &device()));
        loss.evaluate(logits, targets).expect("valid").moments
    };
    let first = moments();
    for _ in 0..3 {
        assert_eq!(moments(), first);
    }
}

#[test]
fn a_label_out_of_range_is_named() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let mut case = Case::all(3, Activation::Softmax).remove(0);
    let Reference::Labels(labels) = &mut case.reference else { panic!("labels") };
    labels.values[17] = 9;
    let loss = SegmentationLoss::new(Objective::new().term(1.0, Dice::default().softmax()));
    let found = |device: &Device| {
        loss.evaluate(logits::<4>(&case, device), targets(&case, device)).unwrap_err().to_string()
    };
    assert_eq!(found(&device()), found(&Device::flex()));
    assert!(found(&device()).contains('9'));
}

#[test]
fn a_value_of_a_map_out_of_range_is_named() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let dice = Objective::new().term(1.0, Dice::default().softmax().map("a"));
    let boundary = Objective::new().term(1.0, Boundary::default().softmax().map("a"));
    for (objective, is_signed, wrong) in [
        (&dice, false, -1e-3f32),
        (&dice, false, f32::NAN),
        (&dice, false, 1.1e12),
        (&boundary, true, -1.1e12),
        (&boundary, true, f32::INFINITY),
    ] {
        let case = Case::all(3, Activation::Softmax).remove(0);
        for mut case in case.with_maps(objective) {
            let loss = SegmentationLoss::new(objective.clone());
            let found = |device: &Device, case: &Case| {
                loss.evaluate(logits::<4>(case, device), targets(case, device))
                    .map(|evaluation| evaluation.moments)
            };
            let (_, map) = &mut case.maps[0];
            map.values[17] = -1.0;
            assert_eq!(found(&device(), &case).is_ok(), is_signed);
            let (_, map) = &mut case.maps[0];
            map.values[17] = wrong;
            let [on_gpu, on_host] =
                [device(), Device::flex()].map(|on| found(&on, &case).unwrap_err().to_string());
            assert_eq!(on_gpu, on_host);
            assert!(on_gpu.contains("map 'a'"), "{on_gpu}");
        }
    }
}

#[test]
fn several_maps_go_by_tensor_operations() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let objective = Objective::new()
        .term(1.0, Boundary::default().softmax())
        .term(1.0, Dice::default().softmax().map("a"));
    let case = Case::all(3, Activation::Softmax).remove(0);
    for case in case.with_maps(&objective) {
        let found = |device: &Device| {
            let loss = SegmentationLoss::new(objective.clone());
            let (logits, targets) = (logits::<4>(&case, device), targets(&case, device));
            loss.evaluate(logits, targets).expect("valid").verdict.loss()
        };
        let (found, wanted) = (found(&device()), found(&Device::flex()));
        assert!((found - wanted).abs() <= precision::F32 * 4.0, "{found}, wanted {wanted}");
    }
}

#[test]
fn certain_voxels_keep_the_digits_of_their_log_loss() {
    if !can_run(FloatDType::F32) {
        return;
    }
    let terms = [
        (CrossEntropy::default().softmax(), Activation::Softmax),
        (BinaryCrossEntropy::default().sigmoid(), Activation::Sigmoid),
    ];
    for (term, activation) in terms {
        let objective = Objective::new().term(1.0, term);
        let mut case = Case::all(2, activation).remove(0);
        let labels = case.labels().values.clone();
        let (classes, voxels) = (case.shape[1], case.shape[2..].iter().product::<usize>());
        for (index, x) in case.logits.iter_mut().enumerate() {
            let (channel, voxel) = (index / voxels, index % voxels);
            let label = labels[channel / classes * voxels + voxel] as usize;
            *x = if channel % classes == label { 9.0 } else { -9.0 };
        }
        let loss = SegmentationLoss::new(objective.clone());
        let found = loss.evaluate(logits::<4>(&case, &device()), targets(&case, &device()));
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
