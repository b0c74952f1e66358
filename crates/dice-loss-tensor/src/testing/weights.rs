//! Weights of any size: what the engine makes of them, every way does.

use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Decision, Focal, Layout, Logits, Objective,
    Output, Reduction, Upstream,
};

use super::{Case, FrontEnd, Shaped, noise, objective, precision};

const SIZES: [i32; 5] = [-147, -120, 0, 119, 125];

fn weighted(case: &Case, size: f32) -> Case {
    let shape = case.per_voxel();
    let weight = |voxel: usize| size * (voxel % 4) as f32;
    let weights = (0..shape.iter().product()).map(weight).collect();
    Case { weights: Some(Shaped::new(weights, &shape)), ..case.clone() }
}

/// Sums, loss and gradient, which may differ by what f32 rounds on either way.
pub fn weights_of_any_size<F: FrontEnd>(front_end: &F) {
    let objective = objective().decision(Decision::Argmax);
    for case in Case::all(3, Activation::Softmax) {
        for size in SIZES {
            let case = weighted(&case, 2f32.powi(size));
            let mut gradient = vec![0f32; case.logits.len()];
            let (moments, verdict) = case
                .engine(|logits, target| {
                    let moments = objective.measure(logits, target)?;
                    let verdict = objective.evaluate(&moments)?;
                    let output = Output::new(&mut gradient, Layout::channels_first(&case.shape)?)?;
                    objective.pull_back(&verdict, 1.0, logits, target, output)?;
                    Ok((moments, verdict))
                })
                .expect("a batch");
            for &way in F::WAYS {
                let found = front_end.run(way, &objective, &case, None).expect("a batch");
                // No sum of this objective has a negative addend.
                for (found, wanted) in found.moments.as_slice().iter().zip(moments.as_slice()) {
                    let tolerance = 2.0 * precision::F32 * wanted;
                    assert!((found - wanted).abs() <= tolerance, "2^{size}: {found}, not {wanted}");
                }
                let (loss, wanted) = (found.values[0], verdict.loss());
                let tolerance = 8.0 * precision::F32 * (1.0 + wanted);
                assert!((loss - wanted).abs() <= tolerance, "2^{size}: {loss}, wanted {wanted}");
                let gradient: Vec<_> = gradient.iter().map(|&x| f64::from(x)).collect();
                // The slopes are a ratio of two sums and a product of two ratios.
                let tolerance = 8.0 * precision::F32 * precision::largest(&gradient);
                for (found, wanted) in found.gradient.iter().zip(&gradient) {
                    assert!((found - wanted).abs() <= tolerance, "2^{size}: {found}, not {wanted}");
                }
            }
        }
    }
}

/// Each voxel's loss and its gradient, and the sums.
pub fn maps_of_weights_of_any_size<F: FrontEnd>(front_end: &F) {
    let of = |term| Objective::new().term(0.75, term).reduction(Reduction::None);
    let objectives = [
        (Activation::Softmax, of(CrossEntropy::default().softmax()), 1),
        (Activation::Softmax, of(Focal::default().softmax()), 1),
        (Activation::Sigmoid, of(BinaryCrossEntropy::default().sigmoid()), 3),
    ];
    for (activation, objective, channels) in objectives {
        for case in Case::all(3, activation).into_iter().step_by(3) {
            let shape = [&[case.shape[0], channels], &case.shape[2..]].concat();
            // Small enough for a loss of the largest weights to be below 2^127.
            let up: Vec<_> = noise(shape.iter().product(), 9).iter().map(|x| x / 8.0).collect();
            for size in [-147, -120, 0, 110, 119] {
                let case = weighted(&case, 2f32.powi(size));
                let (mut map, mut gradient) = (vec![0f32; up.len()], vec![0f32; case.logits.len()]);
                let moments = case
                    .engine(|logits, target| {
                        let (of_map, of_logits) =
                            (Layout::channels_first(&shape)?, Layout::channels_first(&case.shape)?);
                        let moments = objective.measure(logits, target)?;
                        let verdict = objective.evaluate(&moments)?;
                        let output = Output::new(&mut map, of_map)?;
                        objective.voxel_losses(logits, target, output)?;
                        let up = Upstream::Map(Logits::new(&up, of_map)?);
                        let output = Output::new(&mut gradient, of_logits)?;
                        objective.pull_back(&verdict, up, logits, target, output)?;
                        Ok(moments)
                    })
                    .expect("a batch");
                for &way in F::WAYS {
                    let found = front_end.run(way, &objective, &case, Some(&up)).expect("a batch");
                    for (found, wanted) in found.moments.as_slice().iter().zip(moments.as_slice()) {
                        let tolerance = 2.0 * precision::F32 * wanted;
                        assert!((found - wanted).abs() <= tolerance, "2^{size}: {found}, {wanted}");
                    }
                    near(size, &found.values, &map);
                    near(size, &found.gradient, &gradient);
                }
            }
        }
    }
}

/// To what f32 rounds on either way, and to some of its smallest steps: a product of a few factors.
fn near(size: i32, found: &[f64], wanted: &[f32]) {
    let wanted: Vec<_> = wanted.iter().map(|&x| f64::from(x)).collect();
    let tolerance = 4.0 * precision::F32 * precision::largest(&wanted) + 8.0 * 2f64.powi(-149);
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() <= tolerance, "2^{size}: {found:e}, wanted {wanted:e}");
    }
}
