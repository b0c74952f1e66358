//! Values before any reduction, on both ways, with an upstream gradient of their shape.

use candle_core::{DType, Device, Result, Tensor};
use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Dice, Focal, GeneralizedDice, Layout, Logits,
    Objective, Pool, Reduction, Target, Term, Upstream, Verdict, reference,
};

use super::{Case, Way, case::noise, precision, values};

/// Values and gradient as the reference has them, each with its magnitudes.
struct Wanted {
    values: Vec<f64>,
    of_values: Vec<f64>,
    gradient: reference::Gradient,
}

/// Compares values and gradient of both ways with the reference, which pulls the same verdict back.
fn check(
    objective: &Objective,
    case: &Case,
    shape: &[usize],
    wanted: impl Fn(&Logits, &Target, &Verdict, &[f32]) -> dice_loss::Result<Wanted>,
) -> Result<()> {
    let up = noise(shape.iter().product(), 9);
    let upstream = Tensor::from_vec(up.clone(), shape, &Device::Cpu)?;
    for way in Way::BOTH {
        let logits = case.logits(DType::F32)?;
        let found = way.evaluate(objective, &logits, case.targets()?)?;
        let wanted = case.engine(|logits, target| wanted(logits, target, &found.verdict, &up));
        let wanted = wanted.unwrap();
        assert_eq!(found.loss.dims(), shape, "{objective:?}");
        let gradients = (&found.loss * &upstream)?.sum_all()?.backward()?;
        let near = |found: &Tensor, wanted: &[f64], magnitudes: &[f64]| {
            let found = values(found);
            assert_eq!(found.len(), wanted.len());
            let tolerances = precision::of_gradient(precision::F32, magnitudes);
            for ((found, wanted), tolerance) in found.iter().zip(wanted).zip(tolerances) {
                assert!((found - wanted).abs() <= tolerance, "{objective:?}: {found}, {wanted}");
            }
        };
        near(&found.loss, &wanted.values, &wanted.of_values);
        let gradient = gradients.get(&logits).expect("tracked");
        near(gradient, &wanted.gradient.values, &wanted.gradient.magnitudes);
    }
    Ok(())
}

#[test]
fn overlap_values_in_what_pooling_leaves() -> Result<()> {
    let of =
        |term: Term, pool| Objective::new().term(0.5, term.pool(pool)).reduction(Reduction::None);
    let dice = || Dice::default().softmax();
    let coupled = || GeneralizedDice::default().softmax();
    for case in Case::all(3, Activation::Softmax) {
        let shapes: [(Objective, &[usize]); 5] = [
            (of(dice(), Pool::Sample), &[2, 3]),
            (of(dice(), Pool::Batch), &[3]),
            (of(dice(), Pool::All), &[]),
            (of(coupled(), Pool::Sample), &[2]),
            (of(coupled(), Pool::Batch), &[]),
        ];
        for (objective, shape) in shapes {
            check(&objective, &case, shape, |logits, target, verdict, up| {
                let up: Vec<_> = up.iter().map(|&value| f64::from(value)).collect();
                let up = Upstream::Values(&up);
                let measured = reference::measure(&objective, logits, target)?;
                let values = objective.evaluate(&measured.moments)?.values().unwrap().to_vec();
                Ok(Wanted {
                    // A ratio of two sums, of at most 1.
                    of_values: vec![1.0; values.len()],
                    values,
                    gradient: reference::pull_back(&objective, verdict, up, logits, target)?,
                })
            })?;
        }
    }
    Ok(())
}

#[test]
fn maps_of_voxel_losses() -> Result<()> {
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
            check(&objective, &case, &shape, |logits, target, verdict, up| {
                let up = Logits::new(up, Layout::channels_first(&shape)?)?;
                let map = reference::voxel_losses(&objective, logits, target)?;
                Ok(Wanted {
                    values: map.values,
                    of_values: map.magnitudes,
                    gradient: reference::pull_back(&objective, verdict, up, logits, target)?,
                })
            })?;
        }
    }
    Ok(())
}

#[test]
fn a_mean_over_the_map_needs_no_map_of_upstream_gradients() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let objective = Objective::new().term(1.0, CrossEntropy::default().softmax());
    for way in Way::BOTH {
        let gradient = |objective: &Objective| -> Result<Vec<f64>> {
            let logits = case.logits(DType::F64)?;
            let loss = way.evaluate(objective, &logits, case.targets()?)?.loss.mean_all()?;
            Ok(values(loss.backward()?.get(&logits).expect("tracked")))
        };
        let reduced = gradient(&objective)?;
        let mapped = gradient(&objective.clone().reduction(Reduction::None))?;
        // The upstream gradient of the map is rounded, and the product with it.
        let tolerance = 2.0 * f64::EPSILON * precision::largest(&reduced);
        for (found, wanted) in mapped.iter().zip(&reduced) {
            assert!((found - wanted).abs() <= tolerance, "{found}, wanted {wanted}");
        }
    }
    Ok(())
}
