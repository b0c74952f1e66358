//! Losses beside the objective, by name.

use burn::{
    config::Config,
    nn::loss::Reduction,
    tensor::{Device, Int, Tensor},
};
use dice_loss::{Absent, Activation, Lovasz, Pool};
use dice_loss_tensor::testing::{Case, Reference};

use super::{logits, targets};
use crate::{DirectLoss, LovaszHingeLossConfig, LovaszSoftmaxLossConfig, Targets};

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn every_option_is_the_engines() {
    let case = &Case::all(3, Activation::Softmax)[0];
    assert!(matches!(case.reference, Reference::Labels(_)));
    let device = &Device::flex();
    let weights = vec![0.5, 1.0, 3.0];
    let told = |lovasz: Lovasz| {
        let lovasz = lovasz.pool(Pool::Batch).absent(Absent::Zero).background(false);
        DirectLoss::new(lovasz.classes([1, 2]).class_weights(weights.clone()))
    };
    let hinge = LovaszHingeLossConfig::new()
        .with_pool(Pool::Batch)
        .with_absent(Absent::Zero)
        .with_background(false)
        .with_classes(Some(vec![1, 2]))
        .with_class_weights(Some(weights.clone()));
    let softmax = LovaszSoftmaxLossConfig::new(Activation::Probabilities)
        .with_pool(Pool::Batch)
        .with_absent(Absent::Zero)
        .with_background(false)
        .with_classes(Some(vec![1, 2]))
        .with_class_weights(Some(weights.clone()));
    let by_default = [
        (LovaszHingeLossConfig::new().init().into(), DirectLoss::new(Lovasz::hinge())),
        (
            LovaszSoftmaxLossConfig::new(Activation::Softmax).init().into(),
            DirectLoss::new(Lovasz::softmax()),
        ),
    ];
    let told = [
        (hinge.init().into(), told(Lovasz::hinge())),
        (softmax.init().into(), told(Lovasz::probabilities())),
    ];
    let x = logits::<4>(case, device);
    for (named, wanted) in told {
        let named: DirectLoss = named;
        let values = |loss: &DirectLoss| {
            let values = loss.forward_no_reduction::<4, 1>(x.clone(), targets(case, device));
            (numbers(loss.forward(x.clone(), targets(case, device))), numbers(values))
        };
        assert_eq!(values(&named), values(&wanted));
    }
    for (named, wanted) in by_default {
        let named: DirectLoss = named;
        let value = |loss: &DirectLoss| numbers(loss.forward(x.clone(), targets(case, device)));
        assert_eq!(value(&named), value(&wanted));
    }
}

#[test]
fn reductions() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let device = Device::flex();
    let value = |reduction| {
        let config = LovaszHingeLossConfig::new().with_reduction(reduction);
        let (x, targets) = (logits::<4>(case, &device), targets(case, &device));
        config.init().forward(x, targets).into_scalar::<f32>()
    };
    let mean = value(Reduction::Mean);
    assert_eq!(value(Reduction::Auto), mean);
    let tolerance = |wanted: f32| 2.0 * f32::EPSILON * wanted;
    assert!((value(Reduction::Sum) - 6.0 * mean).abs() <= tolerance(6.0 * mean));
    assert!((value(Reduction::BatchMean) - 3.0 * mean).abs() <= tolerance(3.0 * mean));
}

#[test]
fn a_label_to_ignore_is_the_configurations_or_the_targets() {
    let device = &Device::flex();
    let x = Tensor::<3>::from_data([[[0.5, 0.25, -0.5, 3.0]]], device);
    let labels = Tensor::<2, Int>::from_data([[0, 1, 9, 1]], device);
    let counted = labels.clone().equal_scalar(9).bool_not();
    let hard = Tensor::<2, Int>::from_data([[0, 1, 0, 1]], device);
    let plain = LovaszHingeLossConfig::new().init();
    let wanted = numbers(plain.forward(x.clone(), Targets::labels(hard).mask(counted)));
    let ignoring = LovaszHingeLossConfig::new().with_ignore_index(Some(9)).init();
    assert_eq!(numbers(ignoring.forward(x.clone(), labels.clone())), wanted);
    let told = Targets::labels(labels.clone()).ignore_index(9);
    assert_eq!(numbers(plain.forward(x.clone(), told)), wanted);
    assert!(plain.try_forward(x, labels).is_err());
}

#[test]
fn a_device_without_autodiff_and_untracked_logits_give_the_same_value() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let loss = DirectLoss::new(Lovasz::softmax());
    let value = |device: &Device| loss.forward(logits::<4>(case, device), targets(case, device));
    let plain = value(&Device::flex());
    assert!(!plain.is_autodiff());
    let untracked = value(&Device::flex().autodiff());
    assert!(untracked.is_autodiff() && !untracked.is_tracked());
    assert_eq!(numbers(plain), numbers(untracked));
}

#[test]
fn a_graph_goes_on_behind_it_and_before_it() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let device = Device::flex().autodiff();
    let loss = DirectLoss::new(Lovasz::softmax());
    let x = logits::<4>(case, &device).require_grad();
    let graph = loss.forward(x.clone() * 1.5, targets(case, &device)) * 3.0;
    let found = numbers(x.grad(&graph.backward()).expect("tracked"));
    let alone = (x.detach() * 1.5).detach().require_grad();
    let graph = loss.forward(alone.clone(), targets(case, &device));
    let wanted = numbers(alone.grad(&graph.backward()).expect("tracked"));
    let largest = wanted.iter().fold(0.0, |all: f32, x| all.max(x.abs()));
    for (found, wanted) in found.into_iter().zip(wanted) {
        assert!((found - 4.5 * wanted).abs() <= 1e-6 * largest, "{found}, wanted {wanted}");
    }
}

#[test]
fn a_configuration_can_be_saved() {
    let config = LovaszSoftmaxLossConfig::new(Activation::Softmax)
        .with_pool(Pool::Batch)
        .with_classes(Some(vec![1]));
    let file = std::env::temp_dir().join(format!("dice-loss-{}.json", std::process::id()));
    config.save(&file).unwrap();
    let read = LovaszSoftmaxLossConfig::load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(format!("{read:?}"), format!("{config:?}"));
    let shown = config.init().to_string();
    assert!(shown.contains("pool: Batch") && shown.contains("activation: Softmax"), "{shown}");
}
