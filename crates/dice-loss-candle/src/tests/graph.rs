//! The losses as part of a graph: scaled, summed, used twice, or not differentiated at all.

use candle_core::{Result, Tensor};
use dice_loss::{Activation, CrossEntropy, Dice, Objective, catalogue};
use dice_loss_tensor::{
    Element,
    testing::{Case, FrontEnd, precision},
};

use super::{OnCpu, evaluate, logits, targets, values};
use crate::SegmentationLoss;

/// As far as f64 rounds products and sums of two gradients with factors of up to 3.
fn assert_near(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    let tolerance = precision::of(Element::F64) * precision::largest(wanted);
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() <= tolerance, "{found}, wanted {wanted}");
    }
}

#[test]
fn two_uses_in_one_graph_add_up_with_their_upstream_gradients() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let (dice, cross_entropy) = (Dice::default().softmax(), CrossEntropy::default().softmax());
    let both = Objective::new().term(2.0, dice.clone()).term(-3.0, cross_entropy.clone());
    let dice = Objective::new().term(1.0, dice);
    let cross_entropy = Objective::new().term(1.0, cross_entropy);
    for &way in OnCpu::WAYS {
        let of = |objective: &Objective, logits: &Tensor| -> Result<Tensor> {
            Ok(evaluate(way, objective, logits, targets(case)?)?.loss)
        };
        let gradient = |graph: &dyn Fn(&Tensor) -> Result<Tensor>| -> Result<Vec<f64>> {
            let logits = logits(&case.clone().rounded(Element::F64))?;
            let gradients = graph(&logits.affine(1.5, 0.25)?)?.backward()?;
            Ok(values(gradients.get(&logits).expect("tracked")))
        };
        let apart = gradient(&|x| (of(&dice, x)? * 2.0)? - (of(&cross_entropy, x)? * 3.0)?)?;
        let together = gradient(&|x| of(&both, x))?;
        assert_near(&apart, &together);
        let twice = gradient(&|x| {
            let loss = of(&both, x)?;
            (&loss * 0.25)? + (loss * 0.75)?
        })?;
        assert_near(&twice, &together);
    }
    Ok(())
}

#[test]
fn a_second_backward_pass_gives_the_same() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[7];
    let logits = logits(case)?;
    let loss = SegmentationLoss::new(catalogue()[0].objective(Activation::Softmax));
    let loss = loss.forward(&logits, targets(case)?)?;
    let gradient =
        || -> Result<Vec<f64>> { Ok(values(loss.backward()?.get(&logits).expect("tracked"))) };
    assert_eq!(gradient()?, gradient()?);
    Ok(())
}

#[test]
fn logits_that_are_no_variable_have_a_value_and_no_graph() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let loss = SegmentationLoss::new(catalogue()[0].objective(Activation::Softmax));
    let logits = logits(case)?;
    let tracked = loss.forward(&logits, targets(case)?)?;
    let plain = loss.forward(&logits.detach(), targets(case)?)?;
    assert!(tracked.track_op() && !plain.track_op());
    assert_eq!(values(&tracked), values(&plain));
    assert!(plain.backward()?.get(&logits).is_none());
    Ok(())
}

#[test]
fn no_gradient_flows_into_targets() -> Result<()> {
    for &way in OnCpu::WAYS {
        let logits = logits(&Case::all(3, Activation::Sigmoid)[0])?;
        let objective = Objective::new().term(1.0, Dice::default().sigmoid());
        // The network's own output as a soft target, as in self-distillation.
        let soft = logits.affine(0.1, 0.5)?;
        let loss = evaluate(way, &objective, &logits, crate::Targets::dense(&soft))?.loss;
        let found = values(loss.backward()?.get(&logits).expect("tracked"));
        let targets = crate::Targets::dense(&soft.copy()?.detach());
        let apart = evaluate(way, &objective, &logits, targets)?.loss;
        assert_eq!(found, values(apart.backward()?.get(&logits).expect("tracked")));
    }
    Ok(())
}

#[test]
fn central_differences() -> Result<()> {
    let step = 1e-3;
    let mut case = Case::all(3, Activation::Softmax).remove(4);
    let objective = Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(0.5, CrossEntropy { label_smoothing: 0.1, ..Default::default() }.softmax());
    let loss = SegmentationLoss::new(objective);
    case.logits.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
    let logits = logits(&case.clone().rounded(Element::F64))?;
    let gradients = loss.forward(&logits, targets(&case)?)?.backward()?;
    let gradient = values(gradients.get(&logits).expect("tracked"));
    let numbers = values(&logits);
    for index in (0..numbers.len()).step_by(7) {
        let at = |step: f64| -> Result<f64> {
            let mut numbers = numbers.clone();
            numbers[index] += step;
            let logits = Tensor::from_vec(numbers, &*case.shape, logits.device())?;
            Ok(values(&loss.forward(&logits, targets(&case)?)?)[0])
        };
        let over = |step: f64| -> Result<f64> { Ok((at(step)? - at(-step)?) / (2.0 * step)) };
        let (near, far) = (over(step)?, over(2.0 * step)?);
        // Off by c h² and 4 c h², so a third of their difference is c h²; and by the loss's rounding.
        let rounding = 64.0 * f64::EPSILON * (1.0 + at(0.0)?) / step;
        let (wanted, tolerance) = ((4.0 * near - far) / 3.0, 1e-2 * (near - far).abs() + rounding);
        assert!((gradient[index] - wanted).abs() <= tolerance, "{}, {wanted}", gradient[index]);
    }
    Ok(())
}
