//! On the CPU the front end is the engine: the same bits.

use candle_core::{DType, Result, Tensor};
use dice_loss::{
    Activation, Decision, Dice, Float, FloatMut, Layout, Logits, Objective, Output, catalogue,
    reference,
};

use super::{Case, Way, case::every_loss, precision, values};
use crate::SegmentationLoss;

/// Loss and gradient of the engine, called with the same numbers.
fn engine<T: FloatMut + Default + Into<f64>>(
    objective: &Objective,
    case: &Case,
    logits: &[T],
) -> dice_loss::Result<(f64, Vec<f64>)> {
    case.engine(|_, target| {
        let layout = Layout::channels_first(&case.dims)?;
        let logits = &Logits::new(logits, layout)?;
        let verdict = objective.evaluate(&objective.measure(logits, target)?)?;
        let mut gradient = vec![T::default(); logits.layout().shape().iter().product()];
        let output = Output::new(&mut gradient, layout)?;
        objective.pull_back(&verdict, 1.0, logits, target, output)?;
        Ok((verdict.loss(), gradient.into_iter().map(Into::into).collect()))
    })
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check<T>(dtype: DType, name: &str, objective: &Objective, case: &Case)
where
    T: candle_core::WithDType + Float + FloatMut + Default + Into<f64>,
{
    let logits = case.logits(dtype).expect(name);
    let numbers = logits.flatten_all().and_then(|x| x.to_vec1::<T>()).expect(name);
    let (loss, gradient) = engine(objective, case, &numbers).expect(name);
    let found = SegmentationLoss::new(objective.clone())
        .forward(&logits, case.targets().expect(name))
        .expect(name);
    let gradients = found.backward().expect(name);
    let wide = dtype == DType::F64;
    assert_eq!(found.dtype(), if wide { dtype } else { DType::F32 }, "{name}");
    let wanted = if wide { loss } else { f64::from(loss as f32) };
    assert_eq!(bits(&values(&found)), bits(&[wanted]), "{name}");
    let found = gradients.get(&logits).expect(name);
    assert_eq!(found.dtype(), dtype, "{name}");
    // Candle adds the gradient to zeros, which takes the sign of a zero.
    let wanted: Vec<_> = gradient.iter().map(|value| value + 0.0).collect();
    assert_eq!(bits(&values(found)), bits(&wanted), "{name}");
}

#[test]
fn every_loss_has_the_engines_value_and_gradient_in_every_type() {
    every_loss(|name, objective, case| {
        check::<f32>(DType::F32, name, objective, case);
        check::<f64>(DType::F64, name, objective, case);
        check::<half::f16>(DType::F16, name, objective, case);
        check::<half::bf16>(DType::BF16, name, objective, case);
    });
}

/// Sums, value and gradient by either way, which may differ from the reference by what is rounded.
/// The gradient is that of the value found, so that only what is pulled back is compared.
pub fn against_the_reference(
    way: Way,
    dtype: DType,
    name: &str,
    objective: &Objective,
    case: &Case,
) -> Result<()> {
    let logits = case.logits(dtype)?;
    let found = way.evaluate(objective, &logits, case.targets()?)?;
    let gradients = found.loss.backward()?;
    let (measured, gradient) = case
        .engine(|logits, target| {
            let measured = reference::measure(objective, logits, target)?;
            let gradient = reference::pull_back(objective, &found.verdict, 1.0, logits, target)?;
            Ok((measured, gradient))
        })
        .expect(name);
    let relative = precision::of(dtype);
    let sums = found.moments.as_slice().iter().zip(measured.moments.as_slice());
    for ((found, wanted), magnitude) in sums.zip(&measured.magnitudes) {
        let off = (found - wanted).abs();
        assert!(off <= relative * magnitude, "{name}: sum {found}, wanted {wanted}");
    }
    let exact = objective.evaluate(&measured.moments).expect(name);
    let (value, wanted) = (values(&found.loss)[0], exact.loss());
    let (moments, magnitudes) = (&measured.moments, &measured.magnitudes);
    let tolerance = precision::of_loss(relative, objective, &exact, moments, magnitudes);
    assert!((value - wanted).abs() <= tolerance, "{name}: {value}, wanted {wanted}");
    let found = values(gradients.get(&logits).expect(name));
    assert_eq!(found.len(), gradient.values.len(), "{name}");
    let pairs = found.iter().zip(&gradient.values);
    let tolerances = precision::of_gradient(relative, &gradient.magnitudes);
    for (index, ((found, wanted), tolerance)) in pairs.zip(tolerances).enumerate() {
        assert!(
            (found - wanted).abs() <= tolerance,
            "{name}: gradient {index} {found}, wanted {wanted}, tolerance {tolerance}"
        );
    }
    Ok(())
}

#[test]
fn every_loss_has_the_references_value_and_gradient() {
    every_loss(|name, objective, case| {
        for dtype in [DType::F32, DType::F64] {
            against_the_reference(Way::Native, dtype, name, objective, case).expect(name);
        }
    });
}

#[test]
fn an_evaluation_has_the_counts_of_the_same_sweep() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let objective =
        Objective::new().term(1.0, Dice::default().softmax()).decision(Decision::Argmax);
    let loss = SegmentationLoss::new(objective.clone());
    let evaluation = loss.evaluate(case.logits(DType::F32)?.as_tensor(), case.targets()?)?;
    let moments = case.engine(|logits, target| objective.measure(logits, target)).unwrap();
    assert_eq!(evaluation.moments, moments);
    assert!(evaluation.moments.counts(1, 2).is_some());
    assert_eq!(values(&evaluation.loss), [f64::from(evaluation.verdict.loss() as f32)]);
    Ok(())
}

#[test]
fn a_batch_of_nothing_has_a_loss_of_zero() -> Result<()> {
    for way in Way::BOTH {
        for dims in [[0, 3, 4, 5], [2, 3, 0, 5]] {
            let logits = candle_core::Var::zeros(&dims, DType::F32, &candle_core::Device::Cpu)?;
            let labels = Tensor::zeros((dims[0], dims[2], dims[3]), DType::U8, logits.device())?;
            let objective = catalogue()[0].objective(Activation::Softmax);
            let found = way.evaluate(&objective, &logits, crate::Targets::labels(&labels))?;
            assert_eq!(values(&found.loss), [0.0]);
        }
    }
    Ok(())
}
