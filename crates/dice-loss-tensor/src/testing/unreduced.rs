//! Values before any reduction, with an upstream gradient of their shape.

use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Dice, Focal, GeneralizedDice, Layout, Logits,
    Objective, Pool, Reduction, Result, Target, Term, Upstream, Verdict, reference,
};

use super::{Case, FrontEnd, noise, precision};
use crate::Element;

/// Values and gradient as the reference has them, each with its magnitudes.
struct Wanted {
    values: Vec<f64>,
    of_values: Vec<f64>,
    gradient: reference::Gradient,
}

/// Compares values and gradient with the reference, which pulls the same verdict back.
fn check<F: FrontEnd>(
    front_end: &F,
    objective: &Objective,
    case: &Case,
    shape: &[usize],
    wanted: impl Fn(&Logits, &Target, &Verdict, &[f32]) -> Result<Wanted>,
) {
    let up = noise(shape.iter().product(), 9);
    for &way in F::WAYS {
        let found = front_end.run(way, objective, case, Some(&up)).expect("a batch");
        let wanted = case.engine(|logits, target| wanted(logits, target, &found.verdict, &up));
        let wanted = wanted.expect("a batch");
        assert_eq!(found.shape, shape, "{objective:?}");
        let near = |found: &[f64], wanted: &[f64], magnitudes: &[f64]| {
            assert_eq!(found.len(), wanted.len());
            let tolerances = precision::of_gradient(precision::F32, magnitudes);
            for ((found, wanted), tolerance) in found.iter().zip(wanted).zip(tolerances) {
                assert!((found - wanted).abs() <= tolerance, "{objective:?}: {found}, {wanted}");
            }
        };
        near(&found.values, &wanted.values, &wanted.of_values);
        near(&found.gradient, &wanted.gradient.values, &wanted.gradient.magnitudes);
    }
}

/// A value for each class and sample, or for what they are pooled to.
pub fn overlap_values_in_what_pooling_leaves<F: FrontEnd>(front_end: &F) {
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
            check(front_end, &objective, &case, shape, |logits, target, verdict, up| {
                let up: Vec<_> = up.iter().map(|&value| f64::from(value)).collect();
                let up = Upstream::Values(&up);
                let measured = reference::measure(&objective, logits, target)?;
                let exact = objective.evaluate(&measured.moments)?;
                let values = exact.values().expect("of an overlap").to_vec();
                Ok(Wanted {
                    // A ratio of two sums, of at most 1.
                    of_values: vec![1.0; values.len()],
                    values,
                    gradient: reference::pull_back(&objective, verdict, up, logits, target)?,
                })
            });
        }
    }
}

/// A value for each voxel, and where classes do not share it for each class.
pub fn maps_of_voxel_losses<F: FrontEnd>(front_end: &F) {
    let of = |term| Objective::new().term(0.5, term).reduction(Reduction::None);
    let objectives = [
        (
            Activation::Softmax,
            of(CrossEntropy { label_smoothing: 0.1, ..Default::default() }.softmax()),
            1,
        ),
        (Activation::Softmax, of(Focal::default().softmax()), 1),
        (Activation::Sigmoid, of(Focal::default().sigmoid()), 3),
        (Activation::Sigmoid, of(BinaryCrossEntropy::default().sigmoid()), 3),
    ];
    for (activation, objective, channels) in objectives {
        for case in Case::all(3, activation) {
            let shape = [&[case.shape[0], channels], &case.shape[2..]].concat();
            check(front_end, &objective, &case, &shape, |logits, target, verdict, up| {
                let up = Logits::new(up, Layout::channels_first(&shape)?)?;
                let map = reference::voxel_losses(&objective, logits, target)?;
                Ok(Wanted {
                    values: map.values,
                    of_values: map.magnitudes,
                    gradient: reference::pull_back(&objective, verdict, up, logits, target)?,
                })
            });
        }
    }
}

/// The gradient of a mean is that of the reduced loss.
pub fn a_mean_over_the_map_needs_no_map_of_upstream_gradients<F: FrontEnd>(front_end: &F) {
    let case = Case::all(3, Activation::Softmax).remove(0).rounded(Element::F64);
    let objective = Objective::new().term(1.0, CrossEntropy::default().softmax());
    // A power of two, which f32 holds; the mean is a 1/30 of that.
    let (count, up) = (30.0, vec![0.25; 30]);
    for &way in F::WAYS.iter().filter(|_| F::LOGITS.contains(&Element::F64)) {
        let gradient = |objective: &Objective, up: Option<&[f32]>| {
            front_end.run(way, objective, &case, up).expect("a batch").gradient
        };
        let reduced = gradient(&objective, None);
        let mapped = gradient(&objective.clone().reduction(Reduction::None), Some(&up));
        // Each is rounded, and the quotient with it.
        let tolerance = 4.0 * f64::EPSILON * precision::largest(&reduced);
        for (mapped, wanted) in mapped.iter().zip(&reduced) {
            let found = mapped * 4.0 / count;
            assert!((found - wanted).abs() <= tolerance, "{found}, wanted {wanted}");
        }
    }
}
