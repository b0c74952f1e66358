//! Losses beside the objective, beside the engine called directly and the reference.

use dice_loss::{
    Absent, Activation, DirectLoss, Float, FloatMut, Layout, Logits, LossValues, Lovasz, Output,
    Pool, Reduction, Result, Upstream, reference,
};
use half::{bf16, f16};

use super::{Case, FrontEnd, Reference, Shaped, Way};
use crate::Element;

/// Lovász losses, each with the activation whose cases it is tried with.
fn lovasz() -> Vec<(Activation, Lovasz)> {
    let all = [
        (Activation::Sigmoid, Lovasz::hinge()),
        (Activation::Softmax, Lovasz::softmax()),
        (Activation::Probabilities, Lovasz::probabilities()),
    ];
    let told = |(activation, lovasz): (Activation, Lovasz)| {
        let weights = [0.5, 2.0, 1.0];
        let pooled = lovasz.clone().pool(Pool::Batch).absent(Absent::Formula);
        let summed = lovasz.clone().class_weights(weights).reduction(Reduction::Sum);
        [lovasz.clone(), pooled, summed.background(false), lovasz.classes([1])]
            .map(|lovasz| (activation, lovasz))
    };
    all.into_iter().flat_map(told).collect()
}

/// Batches that can be ranked: of hard targets, without weights.
fn cases(activation: Activation) -> Vec<Case> {
    let cases = Case::all(3, activation).into_iter();
    let hard = cases.filter(|case| !matches!(case.reference, Reference::Dense(_)));
    hard.map(|case| Case { weights: None, ..case }).collect()
}

/// Loss and gradient of the engine, called with the same numbers.
fn engine(loss: &DirectLoss, case: &Case, upstream: Upstream) -> Result<(LossValues, Vec<f64>)> {
    fn of<T: Float + FloatMut + Default + Clone>(
        (loss, case, upstream): (&DirectLoss, &Case, Upstream),
        number: fn(f32) -> T,
        wide: fn(T) -> f64,
    ) -> Result<(LossValues, Vec<f64>)> {
        let numbers: Vec<_> = case.logits.iter().map(|&x| number(x)).collect();
        case.engine(|_, target| {
            let layout = Layout::channels_first(&case.shape)?;
            let mut gradient = vec![T::default(); numbers.len()];
            let output = Output::new(&mut gradient, layout)?;
            let logits = Logits::new(&numbers, layout)?;
            let found = loss.loss_and_gradient(upstream, &logits, target, output)?;
            Ok((found, gradient.into_iter().map(wide).collect()))
        })
    }
    let all = (loss, case, upstream);
    match case.element {
        Element::F64 => of::<f64>(all, f64::from, |x| x),
        Element::F16 => of::<f16>(all, f16::from_f32, f16::to_f64),
        Element::BF16 => of::<bf16>(all, bf16::from_f32, bf16::to_f64),
        _ => of::<f32>(all, |x| x, f64::from),
    }
}

/// As the type of the loss has it.
fn stored(value: f64, element: Element) -> f64 {
    if element == Element::F64 { value } else { f64::from(value as f32) }
}

/// A framework may add a gradient to zeros, which takes the sign of a zero.
fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| (x + 0.0).to_bits()).collect()
}

/// The same bits by every way: elsewhere than in main memory the engine ranks too.
pub fn direct_losses_are_the_engines_in_every_type<F: FrontEnd>(front_end: &F) {
    for (activation, lovasz) in lovasz() {
        let loss = &DirectLoss::from(lovasz);
        for case in cases(activation) {
            for &element in F::LOGITS {
                let case = &case.clone().rounded(element);
                let (wanted, slopes) = engine(loss, case, 1.0.into()).expect("a batch");
                let of_loss = if element == Element::F64 { element } else { Element::F32 };
                for &way in F::WAYS {
                    let found = front_end.run_directly(way, loss, case, None).expect("a batch");
                    let name = format!("{way:?} {loss:?} {case:?}");
                    let elements = (found.element, found.gradient_element);
                    assert_eq!(elements, (of_loss, element), "{name}");
                    assert_eq!(found.values, [stored(wanted.loss(), of_loss)], "{name}");
                    assert_eq!(bits(&found.gradient), bits(&slopes), "{name}");
                }
            }
        }
    }
}

/// Value and gradient of the naive version, which differ by what is rounded.
pub fn direct_losses_have_the_references_value_and_gradient<F: FrontEnd>(front_end: &F) {
    for (activation, lovasz) in lovasz() {
        let loss = &DirectLoss::from(lovasz.clone());
        for case in cases(activation) {
            let case = &case.rounded(Element::F64);
            let wanted = case.engine(|logits, target| reference::lovasz(&lovasz, logits, target));
            let wanted = wanted.expect("a batch");
            if !F::LOGITS.contains(&Element::F64) {
                continue;
            }
            for &way in F::WAYS {
                let found = front_end.run_directly(way, loss, case, None).expect("a batch");
                let name = format!("{way:?} {loss:?} {case:?}");
                let off = (found.values[0] - wanted.loss).abs();
                assert!(off <= 1e-13 * wanted.magnitude, "{name}: {found:?}");
                for (index, found) in found.gradient.iter().enumerate() {
                    let slope = wanted.gradient.values[index];
                    let tolerance = 1e-13 * wanted.gradient.magnitudes[index];
                    assert!((found - slope).abs() <= tolerance, "{name}: {index}");
                }
            }
        }
    }
}

/// A value for each class of each sample, or of the batch, and the gradient of what is made of them.
pub fn direct_values_are_the_engines_with_their_upstream_gradients<F: FrontEnd>(front_end: &F) {
    let (element, relative) = match F::LOGITS.contains(&Element::F64) {
        true => (Element::F64, 1e-13),
        false => (Element::F32, 1e-5),
    };
    for (activation, lovasz) in lovasz() {
        for reduction in [Reduction::Mean, Reduction::None] {
            let loss = &DirectLoss::from(lovasz.clone().reduction(reduction));
            let case = &cases(activation).remove(3).rounded(element);
            let shape = match reduction {
                Reduction::None => loss.shape(2, 3),
                _ => Vec::new(),
            };
            let upstream: Vec<_> = (0..shape.iter().product()).map(|x| x as f32 - 1.5).collect();
            let wide: Vec<_> = upstream.iter().map(|&x| f64::from(x)).collect();
            let by = match reduction {
                Reduction::None => Upstream::Values(&wide),
                _ => Upstream::Scalar(wide[0]),
            };
            let (wanted, slopes) = engine(loss, case, by).expect("a batch");
            for &way in F::WAYS {
                let found = front_end.run_directly(way, loss, case, Some(&upstream));
                if reduction == Reduction::None && way == Way::Operations && !F::READS_VALUES_BACK {
                    let refused = found.expect_err("nothing to make its gradient of");
                    assert!(refused.contains("reduction none"), "{refused}");
                    continue;
                }
                let found = found.expect("a batch");
                let name = format!("{way:?} {loss:?} {case:?}");
                assert_eq!(found.shape, shape, "{name}");
                let values = match reduction {
                    Reduction::None => wanted.values().to_vec(),
                    _ => vec![wanted.loss()],
                };
                let values: Vec<_> = values.iter().map(|&x| stored(x, element)).collect();
                assert_eq!(found.values, values, "{name}");
                let largest = slopes.iter().fold(0.0, |all: f64, x| all.max(x.abs()));
                for (found, wanted) in found.gradient.iter().zip(&slopes) {
                    let tolerance = relative * largest;
                    assert!((found - wanted).abs() <= tolerance, "{name}: {found}, {wanted}");
                }
            }
        }
    }
}

/// No samples, or no voxels.
pub fn direct_losses_of_nothing_are_zero<F: FrontEnd>(front_end: &F) {
    let loss = &DirectLoss::from(Lovasz::softmax());
    for shape in [[0, 3, 4, 5], [2, 3, 0, 5]] {
        let labels = Shaped::new(Vec::new(), &[shape[0], shape[2], shape[3]]);
        let case = Case::plain(&shape, Reference::Labels(labels));
        for &way in F::WAYS {
            let found = front_end.run_directly(way, loss, &case, None).expect("nothing");
            assert_eq!((found.values, found.gradient), (vec![0.0], Vec::new()), "{way:?}");
        }
    }
}

/// Weights, maps, soft targets, labels and options, by every way in the same words.
pub fn what_direct_losses_refuse<F: FrontEnd>(front_end: &F) {
    let refused = |lovasz: Lovasz, case: Case, wanted: &str| {
        for &way in F::WAYS {
            match front_end.run_directly(way, &lovasz.clone().into(), &case, None) {
                Ok(_) => panic!("accepted {case:?}"),
                Err(found) => assert!(found.starts_with(wanted), "{way:?}: {found}"),
            }
        }
    };
    let labels = |label, shape: &[usize]| Reference::Labels(Shaped::full(label, shape));
    let plain = || Case::plain(&[2, 3, 4, 5], labels(1, &[2, 4, 5]));
    let ones = || Shaped::full(1.0, &[2, 4, 5]);
    refused(
        Lovasz::hinge(),
        Case { weights: Some(ones()), ..plain() },
        "lovasz_hinge: voxel weights: found weights, wanted none",
    );
    refused(
        Lovasz::softmax(),
        Case { maps: vec![("border".into(), ones())], ..plain() },
        "maps of the target: found 'border', wanted none",
    );
    refused(
        Lovasz::softmax(),
        Case::plain(&[2, 3, 4, 5], Reference::Dense(Shaped::full(0.25, &[2, 3, 4, 5]))),
        "sample 0, voxel (0, 0): found target 0.25, wanted 0 or 1",
    );
    refused(
        Lovasz::hinge(),
        Case::plain(&[2, 3, 4, 5], labels(3, &[2, 4, 5])),
        "sample 0, voxel (0, 0): found label 3, wanted 0 to 2",
    );
    refused(
        Lovasz::softmax(),
        Case::plain(&[2, 1, 4, 5], labels(1, &[2, 4, 5])),
        "lovasz_softmax: softmax: found 1 channels, wanted 2 channels or more",
    );
    refused(
        Lovasz::under(Activation::Sigmoid),
        plain(),
        "lovasz_softmax: activation: found sigmoid, wanted softmax or probabilities",
    );
    refused(
        Lovasz::hinge().pool(Pool::Cell),
        plain(),
        "lovasz_hinge: pool: found cell, wanted sample or batch",
    );
    refused(
        Lovasz::hinge(),
        Case::plain(&[2, 3, 4, 5], labels(1, &[2, 5, 4])),
        "labels: found shape [2, 5, 4], wanted [2, 4, 5] or [2, 1, 4, 5], to fit the logits",
    );
}
