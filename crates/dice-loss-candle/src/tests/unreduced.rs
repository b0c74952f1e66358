//! Values before any reduction, on both ways, with an upstream gradient of their shape.

use candle_core::{DType, Device, Result, Tensor};
use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Dice, Focal, GeneralizedDice, Layout, Logits,
    Objective, Pool, Reduction, Target, Term, Upstream, Verdict, reference,
};

use super::{Case, Way, case::noise, values};

/// Compares values and gradient of both ways with the reference.
fn check(
    objective: &Objective,
    case: &Case,
    shape: &[usize],
    wanted: impl Fn(&Logits, &Target, &Verdict, &[f32]) -> dice_loss::Result<(Vec<f64>, Vec<f64>)>,
) -> Result<()> {
    let upstream = noise(shape.iter().product(), 9);
    let wanted = case.engine(|logits, target| {
        let moments = reference::measure(objective, logits, target)?.moments;
        wanted(logits, target, &objective.evaluate(&moments)?, &upstream)
    });
    let (values_wanted, gradient_wanted) = wanted.unwrap();
    let upstream = Tensor::from_vec(upstream, shape, &Device::Cpu)?;
    for way in Way::BOTH {
        let logits = case.logits(DType::F32)?;
        let found = way.evaluate(objective, &logits, case.targets()?)?.loss;
        assert_eq!(found.dims(), shape, "{objective:?}");
        let gradients = (&found * &upstream)?.sum_all()?.backward()?;
        let near = |found: &Tensor, wanted: &[f64]| {
            let found = values(found);
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(wanted) {
                let tolerance = 1e-5 * (0.1 + wanted.abs());
                assert!((found - wanted).abs() < tolerance, "{objective:?}: {found}, {wanted}");
            }
        };
        near(&found, &values_wanted);
        near(gradients.get(&logits).expect("tracked"), &gradient_wanted);
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
                let gradient = reference::pull_back(&objective, verdict, up, logits, target)?;
                Ok((verdict.values().unwrap().to_vec(), gradient.values))
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
                let gradient = reference::pull_back(&objective, verdict, up, logits, target)?;
                Ok((reference::voxel_losses(&objective, logits, target)?.values, gradient.values))
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
        for (found, wanted) in mapped.iter().zip(&reduced) {
            assert!((found - wanted).abs() < 1e-15, "{found}, wanted {wanted}");
        }
    }
    Ok(())
}
