//! The losses by name: their defaults and their options.

use candle_core::{Device, Result, Tensor};
use dice_loss::{Activation, Decision, Objective, Reduction};
use dice_loss_tensor::{Element, testing::Case};

use super::{logits, targets, values};
use crate::*;

/// What the configurations with an option each make.
macro_rules! made {
    (
        $activation:ident, $Loss:ident, $Config:ident,
        [$(($option:ident, $json:expr, $value:expr),)*]
    ) => {
        vec![$({
            let config = $Config { $option: $value, ..$Config::new($activation) };
            let loss = SegmentationLoss::from($Loss::new(config));
            (stringify!($option), $json, loss.objective().clone())
        }),*]
    };
}

dice_loss_tensor::trials!(made);

#[test]
fn several_options_at_once() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let config = FocalTverskyLossConfig {
        gamma: 1.5,
        alpha: 0.2,
        beta: 0.8,
        class_weights: Some(vec![0.5, 1.0, 3.0]),
        background: false,
        pool: dice_loss::Pool::Batch,
        absent: dice_loss::Absent::Formula,
        decision: Some(Decision::Argmax),
        ..FocalTverskyLossConfig::new(Activation::Softmax)
    };
    let tversky = dice_loss::Tversky { alpha: 0.2, beta: 0.8, ..Default::default() };
    let term = dice_loss::FocalTversky { tversky, gamma: 1.5 }
        .softmax()
        .class_weights([0.5, 1.0, 3.0])
        .background(false)
        .pool(dice_loss::Pool::Batch)
        .absent(dice_loss::Absent::Formula);
    let wanted = Objective::new().term(1.0, term);
    let wanted =
        SegmentationLoss::new(wanted).forward(logits(case)?.as_tensor(), targets(case)?)?;
    let loss = FocalTverskyLoss::new(config.clone());
    assert_eq!(loss.config(), &config);
    let found = loss.evaluate(logits(case)?.as_tensor(), targets(case)?)?;
    assert_eq!(values(&found.loss), values(&wanted));
    assert!(found.moments.counts(0, 1).is_some());
    Ok(())
}

#[test]
fn reductions() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let value = |reduction| {
        let config = DiceLossConfig { reduction, ..DiceLossConfig::new(Activation::Softmax) };
        DiceLoss::new(config)
            .forward(logits(&case.clone().rounded(Element::F64))?.as_tensor(), targets(case)?)
    };
    let mean = values(&value(Reduction::Mean)?)[0];
    let sum = values(&value(Reduction::Sum)?)[0];
    let none = value(Reduction::None)?;
    assert_eq!(none.dims(), [2, 3]);
    assert!((sum - 6.0 * mean).abs() < 1e-12);
    assert!((values(&none.mean_all()?)[0] - mean).abs() < 1e-12);
    Ok(())
}

#[test]
fn the_ignored_label_of_the_loss_and_of_the_targets() -> Result<()> {
    let logits = Tensor::new(&[[[2f32, -1.0, 3.0], [0.0, 1.0, -2.0]]], &Device::Cpu)?;
    let labels = Tensor::new(&[[0u8, 1, 255]], &Device::Cpu)?;
    let config = CrossEntropyLossConfig::new(Activation::Softmax);
    assert!(CrossEntropyLoss::new(config.clone()).forward(&logits, &labels).is_err());
    let ignoring =
        CrossEntropyLoss::new(CrossEntropyLossConfig { ignore_index: Some(255), ..config });
    // ln(1 + e^−2), twice.
    let wanted = (1.0 + (-2.0f64).exp()).ln();
    assert!((values(&ignoring.forward(&logits, &labels)?)[0] - wanted).abs() < 1e-6);
    let of_the_targets = Targets::labels(&labels).ignore_index(1);
    assert!(ignoring.forward(&logits, of_the_targets).is_err(), "255 is no class");
    Ok(())
}
