//! The losses by name: their defaults, their options, and how they show.

use burn::{
    config::Config,
    module::Module,
    nn::loss::Reduction,
    tensor::{Device, Int, Tensor},
};
use dice_loss::{Activation, Distances, Objective};
use dice_loss_tensor::testing::{Case, precision};

use super::{logits, targets};
use crate::*;

/// What the configurations with an option each make.
macro_rules! made {
    (
        $activation:ident, $Loss:ident, $Config:ident,
        [$(($option:ident, $json:expr, $value:expr),)*]
    ) => {
        vec![$({
            let config = $Config { $option: $value, ..$Config::new($activation) };
            let loss: $Loss = config.init();
            let loss = SegmentationLoss::from(loss);
            (stringify!($option), $json, loss.objective().clone())
        }),*]
    };
}

dice_loss_tensor::trials!(made);

#[test]
fn reductions() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let device = Device::flex();
    let value = |reduction| {
        let config = DiceLossConfig::new(Activation::Softmax).with_reduction(reduction);
        config
            .init()
            .forward(logits::<4>(case, &device), targets(case, &device))
            .into_scalar::<f32>()
    };
    let mean = value(Reduction::Mean);
    assert_eq!(value(Reduction::Auto), mean);
    // Either side is rounded to f32 once, and the product once more.
    let tolerance = |wanted: f32| 2.0 * f32::EPSILON * wanted;
    assert!((value(Reduction::Sum) - 6.0 * mean).abs() <= tolerance(6.0 * mean));
    assert!((value(Reduction::BatchMean) - 3.0 * mean).abs() <= tolerance(3.0 * mean));
}

#[test]
fn the_ignored_label_of_the_module_and_of_the_targets() {
    let device = &Device::flex();
    let logits = Tensor::<3>::from_data([[[2.0, -1.0, 3.0], [0.0, 1.0, -2.0]]], device);
    let labels = Tensor::<2, Int>::from_data([[0, 1, 255]], device);
    let config = CrossEntropyLossConfig::new(Activation::Softmax);
    assert!(config.init().try_forward(logits.clone(), labels.clone()).is_err());
    let ignoring = config.with_ignore_index(Some(255)).init();
    let value = |targets: crate::Targets| {
        ignoring.try_forward(logits.clone(), targets).map(|loss| loss.into_scalar::<f32>())
    };
    // ln(1 + e^−2), twice.
    let wanted = (-2.0f64).exp().ln_1p();
    let found = f64::from(value(labels.clone().into()).unwrap());
    // −ln p is a difference of logarithms, so its error is relative to 1.
    assert!((found - wanted).abs() <= precision::F32, "{found}, wanted {wanted}");
    assert!(value(crate::Targets::labels(labels).ignore_index(1)).is_err(), "255 is no class");
}

#[test]
fn configurations_survive_being_saved() {
    let config = FocalLossConfig::new(Activation::Sigmoid)
        .with_alpha(Some(vec![0.25, 0.75].into()))
        .with_reduction(Reduction::Sum);
    let read = FocalLossConfig::load_binary(config.to_string().as_bytes()).unwrap();
    assert_eq!(read.to_string(), config.to_string());
    assert_eq!(read.alpha, config.alpha);
    let distances = Distances::Matrix(vec![vec![0.0, 1.0], vec![0.5, 0.0]]);
    let config = GeneralizedWassersteinDiceLossConfig::new(Activation::Softmax)
        .with_distances(distances.clone());
    let read = GeneralizedWassersteinDiceLossConfig::load_binary(config.to_string().as_bytes());
    assert_eq!(read.unwrap().distances, distances);
}

#[test]
fn the_loss_for_another_activation_is_named() {
    let device = &Device::flex();
    let logits = Tensor::<3>::zeros([1, 2, 3], device);
    let labels = Tensor::<2, Int>::zeros([1, 3], device);
    let loss = DiceCrossEntropyLossConfig::new(Activation::Sigmoid).init();
    assert_eq!(
        loss.try_forward(logits, labels).unwrap_err().to_string(),
        "dice_cross_entropy: activation: found sigmoid, wanted softmax or probabilities; under sigmoid \
         that is dice_binary_cross_entropy"
    );
}

#[test]
fn modules_show_their_options() {
    let shown = DiceLossConfig::new(Activation::Softmax).with_squared(true).init().to_string();
    assert!(shown.contains("DiceLoss") && shown.contains("squared: true"), "{shown}");
    assert!(shown.contains("activation: Softmax"), "{shown}");
    let loss = SegmentationLoss::new(Objective::new());
    assert!(loss.to_string().contains("SegmentationLoss"), "{loss}");
    assert_eq!(loss.num_params(), 0);
}
