//! Every loss beside the engine called directly, and beside its reference.

use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Decision, Dice, Float, FloatMut, Focal, Layout,
    Logits, Objective, Output, Result, catalogue, reference,
};
use half::{bf16, f16};

use super::{Case, FrontEnd, Reference, Shaped, Way, every_loss, objective, precision};
use crate::Element;

/// Loss and gradient of the engine, called with the same numbers.
fn engine(objective: &Objective, case: &Case) -> Result<(f64, Vec<f64>)> {
    fn of<T: Float + FloatMut + Default + Clone>(
        objective: &Objective,
        case: &Case,
        number: fn(f32) -> T,
        wide: fn(T) -> f64,
    ) -> Result<(f64, Vec<f64>)> {
        let numbers: Vec<_> = case.logits.iter().map(|&x| number(x)).collect();
        case.engine(|_, target| {
            let layout = Layout::channels_first(&case.shape)?;
            let logits = &Logits::new(&numbers, layout)?;
            let verdict = objective.evaluate(&objective.measure(logits, target)?)?;
            let mut gradient = vec![T::default(); numbers.len()];
            let output = Output::new(&mut gradient, layout)?;
            objective.pull_back(&verdict, 1.0, logits, target, output)?;
            Ok((verdict.loss(), gradient.into_iter().map(wide).collect()))
        })
    }
    match case.element {
        Element::F64 => of::<f64>(objective, case, f64::from, |x| x),
        Element::F16 => of::<f16>(objective, case, f16::from_f32, f16::to_f64),
        Element::BF16 => of::<bf16>(objective, case, bf16::from_f32, bf16::to_f64),
        _ => of::<f32>(objective, case, |x| x, f64::from),
    }
}

/// Where a front end lets the engine sweep over its tensors: the same bits.
pub fn every_loss_has_the_engines_value_and_gradient_in_every_type<F: FrontEnd>(front_end: &F) {
    // A framework may add a gradient to zeros, which takes the sign of a zero.
    let bits = |values: &[f64]| values.iter().map(|x| (x + 0.0).to_bits()).collect::<Vec<_>>();
    every_loss(|name, objective, case| {
        for &element in F::LOGITS {
            let case = &case.clone().rounded(element);
            let (loss, gradient) = engine(objective, case).expect(name);
            let found = front_end.run(Way::Engine, objective, case, None).expect(name);
            let (of_loss, wanted) = match element {
                Element::F64 => (Element::F64, loss),
                _ => (Element::F32, f64::from(loss as f32)),
            };
            let elements = (found.element, found.gradient_element);
            assert_eq!(elements, (of_loss, element), "{name}");
            assert_eq!(bits(&found.values), bits(&[wanted]), "{name}");
            assert_eq!(bits(&found.gradient), bits(&gradient), "{name}");
        }
    });
}

/// Sums, value and gradient, which may differ from the reference by what is rounded. The gradient is
/// that of the value found, so that only what is pulled back is compared.
pub(super) fn against_the_reference<F: FrontEnd>(
    front_end: &F,
    name: &str,
    objective: &Objective,
    case: &Case,
) {
    for (&way, element) in
        F::WAYS.iter().flat_map(|way| [Element::F32, Element::F64].map(|element| (way, element)))
    {
        if !F::LOGITS.contains(&element) {
            continue;
        }
        let case = &case.clone().rounded(element);
        let found = front_end.run(way, objective, case, None).expect(name);
        let (measured, gradient) = case
            .engine(|logits, target| {
                let measured = reference::measure(objective, logits, target)?;
                let verdict = &found.verdict;
                let gradient = reference::pull_back(objective, verdict, 1.0, logits, target)?;
                Ok((measured, gradient))
            })
            .expect(name);
        let relative = precision::of(element);
        let sums = found.moments.as_slice().iter().zip(measured.moments.as_slice());
        for ((found, wanted), magnitude) in sums.zip(&measured.magnitudes) {
            let off = (found - wanted).abs();
            assert!(off <= relative * magnitude, "{name}: {way:?} sum {found}, wanted {wanted}");
        }
        let exact = objective.evaluate(&measured.moments).expect(name);
        let (value, wanted) = (found.values[0], exact.loss());
        let tolerance = precision::of_loss(relative, objective, &exact, &measured);
        assert!((value - wanted).abs() <= tolerance, "{name}: {way:?} {value}, wanted {wanted}");
        near_the_reference(&format!("{name}: {way:?}"), relative, &found.gradient, &gradient);
    }
}

fn near_the_reference(name: &str, relative: f64, found: &[f64], wanted: &reference::Gradient) {
    assert_eq!(found.len(), wanted.values.len(), "{name}");
    let pairs = found.iter().zip(&wanted.values);
    let tolerances = precision::of_gradient(relative, &wanted.magnitudes);
    for (index, ((found, wanted), tolerance)) in pairs.zip(tolerances).enumerate() {
        assert!(
            (found - wanted).abs() <= tolerance,
            "{name}: gradient {index} {found}, wanted {wanted}, tolerance {tolerance}"
        );
    }
}

/// Sums, value and gradient of every loss on every kind of target.
pub fn every_loss_has_the_references_sums_value_and_gradient<F: FrontEnd>(front_end: &F) {
    every_loss(|name, objective, case| against_the_reference(front_end, name, objective, case));
}

/// Label smoothing, class weights, weights of positives, exponents.
pub fn options_of_the_voxel_losses<F: FrontEnd>(front_end: &F) {
    let objectives = [
        (
            Activation::Softmax,
            CrossEntropy { label_smoothing: 0.2, ..Default::default() }.softmax(),
        ),
        (
            Activation::Probabilities,
            CrossEntropy { label_smoothing: 0.2, ..Default::default() }.probabilities(),
        ),
        (Activation::Softmax, CrossEntropy::default().softmax().class_weights([0.5, 2.0, 0.0])),
        (
            Activation::Sigmoid,
            BinaryCrossEntropy { pos_weight: vec![0.5, 2.0, 3.0].into(), ..Default::default() }
                .sigmoid(),
        ),
        (
            Activation::Softmax,
            Focal {
                gamma: vec![0.5, 0.0, 2.0].into(),
                alpha: Some(0.25.into()),
                ..Default::default()
            }
            .softmax(),
        ),
        (
            Activation::Sigmoid,
            Focal {
                gamma: 0.5.into(),
                alpha: Some(vec![0.1, 0.5, 0.9].into()),
                ..Default::default()
            }
            .sigmoid(),
        ),
    ];
    for (activation, term) in objectives {
        let objective =
            Objective::new().term(0.7, term).term(0.3, Dice::default().with(activation));
        for case in Case::all(3, activation) {
            against_the_reference(front_end, &format!("{objective:?} {case:?}"), &objective, &case);
        }
    }
}

/// Hard counts among the sums.
pub fn decisions_are_counted<F: FrontEnd>(front_end: &F) {
    for decision in [Decision::Argmax, Decision::Threshold(0.4)] {
        let objective = Objective::new().term(1.0, Dice::default().softmax()).decision(decision);
        for case in Case::all(3, Activation::Softmax) {
            against_the_reference(front_end, &format!("{decision:?} {case:?}"), &objective, &case);
        }
    }
}

/// Where a power below 1 has an infinite slope and the loss none.
pub fn certain_voxels_have_the_references_focal_gradient<F: FrontEnd>(front_end: &F) {
    let objective = Objective::new()
        .term(1.0, Focal { gamma: 0.5.into(), ..Default::default() }.softmax())
        .term(1.0, Focal { gamma: 0.5.into(), ..Default::default() }.sigmoid());
    let mut case = Case::all(3, Activation::Softmax).remove(0);
    case.logits.iter_mut().for_each(|x| *x = 1e4 * x.signum());
    for &way in F::WAYS {
        let found = front_end.run(way, &objective, &case, None).expect("a batch");
        let wanted = case.engine(|logits, target| {
            reference::pull_back(&objective, &found.verdict, 1.0, logits, target)
        });
        near_the_reference("certain", precision::F32, &found.gradient, &wanted.expect("a batch"));
    }
}

/// Sums in f32 of logits in half a float.
pub fn half_types_are_widened<F: FrontEnd>(front_end: &F) {
    // Steps of the type, and half of its smallest number.
    let halves =
        [(Element::F16, 2f64.powi(-10), 2f64.powi(-25)), (Element::BF16, 2f64.powi(-7), 0.0)];
    for (element, step, least) in halves.into_iter().filter(|(half, ..)| F::LOGITS.contains(half)) {
        for case in Case::all(3, Activation::Softmax) {
            let case = case.rounded(element);
            let (wanted, wanted_gradient) = engine(&objective(), &case).expect("a batch");
            let found = front_end.run(Way::Operations, &objective(), &case, None).expect("a batch");
            assert_eq!((found.element, found.gradient_element), (Element::F32, element));
            // Each is off by what f32 loses, of a ratio of sums and of a difference of logarithms.
            let tolerance = 4.0 * precision::F32 * (1.0 + wanted);
            let loss = found.values[0];
            assert!((loss - wanted).abs() <= tolerance, "{loss}, wanted {wanted}");
            let own = 4.0 * precision::F32 * precision::largest(&wanted_gradient);
            for (found, wanted) in found.gradient.into_iter().zip(wanted_gradient) {
                // Where f32 falls to either side of the middle, a step apart.
                let tolerance = own + step * (wanted.abs() + own) + 2.0 * least;
                assert!((found - wanted).abs() <= tolerance, "{found}, wanted {wanted}");
            }
        }
    }
}

/// The moments are the engine's, hard counts among them.
pub fn an_evaluation_has_the_counts_of_the_same_sweep<F: FrontEnd>(front_end: &F) {
    let case = &Case::all(3, Activation::Softmax)[0];
    let objective =
        Objective::new().term(1.0, Dice::default().softmax()).decision(Decision::Argmax);
    let found = front_end.run(Way::Engine, &objective, case, None).expect("a batch");
    let moments = case.engine(|logits, target| objective.measure(logits, target));
    assert_eq!(found.moments, moments.expect("a batch"));
    assert!(found.moments.counts(1, 2).is_some());
    assert_eq!(found.values, [f64::from(found.verdict.loss() as f32)]);
}

/// No samples, or no voxels.
pub fn a_batch_of_nothing_has_a_loss_of_zero<F: FrontEnd>(front_end: &F) {
    let objective = catalogue()[0].objective(Activation::Softmax);
    for shape in [[0, 3, 4, 5], [2, 3, 0, 5]] {
        let labels = Shaped::new(Vec::new(), &[shape[0], shape[2], shape[3]]);
        let case = Case::plain(&shape, Reference::Labels(labels));
        for &way in F::WAYS {
            let found = front_end.run(way, &objective, &case, None).expect("nothing");
            assert_eq!((found.values, found.gradient), (vec![0.0], Vec::new()), "{way:?}");
        }
    }
}
