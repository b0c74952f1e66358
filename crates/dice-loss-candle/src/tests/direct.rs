//! Losses beside the objective, by name.

use candle_core::{DType, Device, Result, Tensor, Var};
use dice_loss::{Absent, Activation, Lovasz, Pool, Reduction};
use dice_loss_tensor::testing::{Case, Reference};

use super::{gradient, logits, targets, values};
use crate::{
    DirectLoss, LovaszHingeLoss, LovaszHingeLossConfig, LovaszSoftmaxLoss, LovaszSoftmaxLossConfig,
    Targets,
};

#[test]
fn every_option_is_the_engines() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    assert!(matches!(case.reference, Reference::Labels(_)));
    let (logits, targets) = (logits(case)?, targets(case)?);
    let weights = vec![0.5, 1.0, 3.0];
    let told = |lovasz: Lovasz| {
        lovasz
            .pool(Pool::Batch)
            .absent(Absent::Zero)
            .background(false)
            .classes([1, 2])
            .class_weights(weights.clone())
            .reduction(Reduction::None)
    };
    let hinge = LovaszHingeLoss::new(LovaszHingeLossConfig {
        pool: Pool::Batch,
        absent: Absent::Zero,
        background: false,
        classes: Some(vec![1, 2]),
        class_weights: Some(weights.clone()),
        ignore_index: None,
        reduction: Reduction::None,
    });
    let softmax = LovaszSoftmaxLoss::new(LovaszSoftmaxLossConfig {
        activation: Activation::Probabilities,
        pool: Pool::Batch,
        absent: Absent::Zero,
        background: false,
        classes: Some(vec![1, 2]),
        class_weights: Some(weights.clone()),
        ignore_index: None,
        reduction: Reduction::None,
    });
    for (named, lovasz) in [
        (DirectLoss::from(hinge), told(Lovasz::hinge())),
        (DirectLoss::from(softmax), told(Lovasz::probabilities())),
    ] {
        let found = named.forward(&logits, targets.clone())?;
        let wanted = DirectLoss::new(lovasz).forward(&logits, targets.clone())?;
        assert_eq!(values(&found), values(&wanted));
    }
    // And its defaults are the engine's.
    for (named, lovasz) in [
        (LovaszHingeLoss::new(LovaszHingeLossConfig::default()).into(), Lovasz::hinge()),
        (
            LovaszSoftmaxLoss::new(LovaszSoftmaxLossConfig::new(Activation::Softmax)).into(),
            Lovasz::softmax(),
        ),
    ] {
        let named: DirectLoss = named;
        let found = named.forward(&logits, targets.clone())?;
        let wanted = DirectLoss::new(lovasz).forward(&logits, targets.clone())?;
        assert_eq!(values(&found), values(&wanted));
    }
    Ok(())
}

#[test]
fn a_label_to_ignore_is_the_configurations_or_the_targets() -> Result<()> {
    let x = Tensor::new(&[[[0.5f32, 0.25, -0.5, 3.0]]], &Device::Cpu)?;
    let labels = Tensor::new(&[[0u8, 1, 9, 1]], &Device::Cpu)?;
    let mask = Tensor::new(&[[1u8, 1, 0, 1]], &Device::Cpu)?;
    let hard = Tensor::new(&[[0u8, 1, 0, 1]], &Device::Cpu)?;
    let ignoring = LovaszHingeLossConfig { ignore_index: Some(9), ..LovaszHingeLossConfig::new() };
    let plain = LovaszHingeLoss::new(LovaszHingeLossConfig::new());
    let wanted = values(&plain.forward(&x, Targets::labels(&hard).mask(&mask))?);
    let named = LovaszHingeLoss::new(ignoring).forward(&x, &labels)?;
    assert_eq!(values(&named), wanted);
    let told = plain.forward(&x, Targets::labels(&labels).ignore_index(9))?;
    assert_eq!(values(&told), wanted);
    Ok(())
}

#[test]
fn it_is_part_of_a_graph_and_follows_views() -> Result<()> {
    let x = Var::from_tensor(&Tensor::randn(0f32, 1.0, (2, 4, 5, 3), &Device::Cpu)?)?;
    let labels = Tensor::zeros((2, 4, 5), DType::U32, &Device::Cpu)?;
    let loss = DirectLoss::new(Lovasz::softmax());
    // Channels last, and scaled on both sides.
    let turned = (x.permute((0, 3, 1, 2))? * 1.5)?;
    let found = (loss.forward(&turned, &labels)? * 3.0)?;
    let slopes = gradient(&found, &x, None)?;
    let alone = Var::from_tensor(&turned.contiguous()?)?;
    let wanted = gradient(&loss.forward(&alone, &labels)?, &alone, None)?;
    let wanted = values(&wanted.permute((0, 2, 3, 1))?);
    let largest = wanted.iter().fold(0.0, |all: f64, x| all.max(x.abs()));
    for (found, wanted) in values(&slopes).into_iter().zip(wanted) {
        assert!((found - 4.5 * wanted).abs() <= 1e-6 * largest, "{found}, wanted {wanted}");
    }
    Ok(())
}
