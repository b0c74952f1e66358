//! Lovász losses: against the reference, arithmetic by hand, differences, and every order of ties.

use dice_loss::{
    Absent, Activation, DirectLoss, Error, Isa, Layout, Logits, LossValues, Lovasz, Output, Pool,
    Reduction, Result, Stop, Target, interruptible, reference,
};
use proptest::{prelude::*, test_runner::TestCaseResult};
use rayon::ThreadPoolBuilder;

use crate::cases::{
    Arrangement, Batch, FloatKind, Floats, Precision, Recipe, Rng, Softness, TargetKind, check,
    written,
};

/// The three losses, each with the activation whose batches it is tried with.
fn losses() -> [(&'static str, Lovasz, Activation); 3] {
    [
        ("hinge", Lovasz::hinge(), Activation::Sigmoid),
        ("softmax", Lovasz::softmax(), Activation::Softmax),
        ("probabilities", Lovasz::probabilities(), Activation::Probabilities),
    ]
}

/// What it can be told, and a batch of hard targets without weights.
fn trial(mut recipe: Recipe, lovasz: Lovasz, activation: Activation) -> (Lovasz, Batch) {
    recipe.masks.weights = None;
    if let TargetKind::Dense(kind, Softness::Soft) = recipe.target {
        recipe.target = TargetKind::Dense(kind, Softness::Multilabel);
    }
    if activation == Activation::Softmax {
        recipe.shape[1] = recipe.shape[1].max(2);
    }
    let settings = recipe.settings;
    let pool = if settings.pool == Pool::All { Pool::Batch } else { settings.pool };
    let lovasz = lovasz.pool(pool).reduction(settings.reduction).background(settings.background);
    let lovasz = match recipe.seed % 3 {
        0 => lovasz,
        _ => lovasz.absent(settings.absent),
    };
    let classes = recipe.shape[1];
    let lovasz = match recipe.seed % 5 {
        0 => lovasz.class_weights((0..classes).map(|class| class as f64).collect::<Vec<_>>()),
        1 => lovasz.classes([classes - 1]),
        _ => lovasz,
    };
    (lovasz, Batch::new(&recipe, activation))
}

/// The ranking and the gradient, in the order (N, C, S).
fn ranked(
    lovasz: &Lovasz,
    batch: &Batch,
    arrangement: Arrangement,
) -> Result<(LossValues, Floats)> {
    let mut ranking = None;
    let gradient = written(batch.logits.data.kind(), batch.shape, arrangement, |output| {
        let (logits, target) = (batch.logits(), batch.target());
        ranking = Some(lovasz.loss_and_gradient(1.0, &logits, &target, output)?);
        Ok(())
    })?;
    Ok((ranking.expect("a result"), gradient))
}

/// Compares with the reference. Under softmax f32 may have another order than f64 where two errors are
/// all but the same: then the loss alone is compared.
fn agrees(lovasz: &Lovasz, batch: &Batch, is_exact: bool) -> TestCaseResult {
    let (logits, target) = (batch.logits(), batch.target());
    let wanted = reference::lovasz(lovasz, &logits, &target).expect("a valid batch");
    let arrangement = Arrangement::ALL[batch.shape[2] % Arrangement::ALL.len()];
    let (ranking, gradient) = ranked(lovasz, batch, arrangement).expect("a valid batch");
    let alone = lovasz.loss(&logits, &target).expect("a valid batch");
    prop_assert_eq!(alone.loss().to_bits(), ranking.loss().to_bits());
    prop_assert_eq!(alone.values(), ranking.values());
    let kind = batch.logits.data.kind();
    let precision = Precision::of(kind);
    let tolerance = precision.of_sum(batch.shape, wanted.magnitude);
    prop_assert!(
        (ranking.loss() - wanted.loss).abs() <= tolerance,
        "loss: found {:e}, wanted {:e} ± {:e}",
        ranking.loss(),
        wanted.loss,
        tolerance
    );
    if !is_exact && kind != FloatKind::F64 {
        return Ok(());
    }
    let wanted = wanted.gradient;
    for (index, found) in gradient.to_f64().into_iter().enumerate() {
        let (value, magnitude) = (wanted.values[index], wanted.magnitudes[index]);
        let tolerance = precision.of_element(batch.shape, value, magnitude);
        prop_assert!(
            (found - value).abs() <= tolerance,
            "derivative {index}: found {found:e}, wanted {value:e} ± {tolerance:e}"
        );
    }
    Ok(())
}

#[test]
fn agrees_with_the_reference() {
    for (name, lovasz, activation) in losses() {
        check(&format!("lovasz {name}"), 120, |recipe| {
            let (lovasz, batch) = trial(recipe, lovasz.clone(), activation);
            agrees(&lovasz, &batch, activation != Activation::Softmax)
        });
    }
}

#[test]
fn softmax_agrees_where_no_two_errors_are_close() {
    // Of so few voxels none are within f32's rounding of each other, which the first loop sees to.
    for &kind in FloatKind::ALL {
        check(&format!("lovasz softmax of {kind:?}"), 10, |mut recipe| {
            recipe.logits = kind;
            recipe.shape = [2, 3, 9];
            let (lovasz, mut batch) = trial(recipe, Lovasz::softmax(), Activation::Softmax);
            for index in 0..2 * 3 * 9 {
                if batch.counts(index) {
                    batch.set_logit(index, (index * index * 37 % 101) as f64 / 32.0);
                }
            }
            let (logits, target) = (batch.logits(), batch.target());
            let wanted = reference::lovasz(&lovasz, &logits, &target).expect("a valid batch");
            let (_, gradient) = ranked(&lovasz, &batch, Arrangement::Gaps).expect("a valid batch");
            // Slopes of half types are rounded once more, before they are weighed by probabilities.
            let unit = match kind {
                FloatKind::F64 => 1e-14,
                FloatKind::F32 => 2e-6,
                FloatKind::F16 => 2f64.powi(-9),
                FloatKind::Bf16 => 2f64.powi(-6),
            };
            let wanted = wanted.gradient;
            for (index, found) in gradient.to_f64().into_iter().enumerate() {
                let tolerance = unit * wanted.magnitudes[index]
                    + 1e-7 * f64::from(u8::from(kind == FloatKind::F16));
                prop_assert!(
                    (found - wanted.values[index]).abs() <= tolerance,
                    "derivative {index}"
                );
            }
            Ok(())
        });
    }
}

/// `[N, C, S]` logits and labels.
fn of(
    lovasz: &Lovasz,
    shape: [usize; 3],
    x: &[f64],
    labels: &[u8],
) -> Result<(LossValues, Vec<f64>)> {
    direct(&lovasz.clone().into(), shape, x, labels)
}

/// The same of a loss beside the objective.
fn direct(
    loss: &DirectLoss,
    shape: [usize; 3],
    x: &[f64],
    labels: &[u8],
) -> Result<(LossValues, Vec<f64>)> {
    let [n, _, s] = shape;
    let layout = Layout::channels_first(&shape)?;
    let target = Target::labels(labels, Layout::voxels(&[n, s])?)?;
    let mut gradient = vec![0.0; x.len()];
    let output = Output::new(&mut gradient, layout)?;
    let found = loss.loss_and_gradient(1.0, &Logits::new(x, layout)?, &target, output)?;
    Ok((found, gradient))
}

#[test]
fn values_by_hand() {
    // Errors: 1.5 outside, 0.75 inside, 0.5 outside, and none. With G = 2: J = 1/3, 2/3, 3/4.
    let x = [0.5, 0.25, -0.5, 3.0];
    let (ranking, gradient) = of(&Lovasz::hinge(), [1, 1, 4], &x, &[0, 1, 0, 1]).unwrap();
    let wanted = 1.5 / 3.0 + 0.75 / 3.0 + 0.5 * (0.75 - 2.0 / 3.0);
    assert!((ranking.loss() - wanted).abs() < 1e-15);
    for (found, wanted) in gradient.iter().zip([1.0 / 3.0, -1.0 / 3.0, 1.0 / 12.0, 0.0]) {
        assert!((found - wanted).abs() < 1e-15);
    }
    // Class 0: errors 0.75, 0.5 inside, and 0.25 outside: J = 1/2, 1. Class 1: 0.25 outside comes last
    // too: 0.75 inside, and 0.5 and 0.25 outside. No voxel has class 2, which is skipped.
    let p = [0.25, 0.5, 0.25, 0.5, 0.25, 0.25, 0.25, 0.25, 0.5];
    let (ranking, _) = of(&Lovasz::probabilities(), [1, 3, 3], &p, &[0, 0, 1]).unwrap();
    let class_0 = 0.75 / 2.0 + 0.5 / 2.0;
    let class_1 = 0.75;
    assert_eq!(ranking.per_class()[..2], [class_0, class_1]);
    assert!(ranking.per_class()[2].is_nan());
    assert_eq!(ranking.loss(), (class_0 + class_1) / 2.0);
    assert_eq!((ranking.values(), ranking.shape()), (&[class_0, class_1, 0.0][..], &[1, 3][..]));
    // With all classes the one that is absent costs the largest of its errors.
    let all = Lovasz::probabilities().absent(Absent::Formula);
    let (ranking, _) = of(&all, [1, 3, 3], &p, &[0, 0, 1]).unwrap();
    assert_eq!(ranking.per_class(), [class_0, class_1, 0.5]);
}

#[test]
fn on_hard_predictions_it_is_the_jaccard_loss() {
    // The extension is exact at its corners: errors of 0 and 1.
    let mut rng = Rng(5);
    for _ in 0..50 {
        let labels: Vec<u8> = (0..40).map(|_| rng.below(2) as u8).collect();
        let p: Vec<f64> = (0..40).map(|_| rng.below(2) as f64).collect();
        let both = labels.iter().zip(&p);
        let inter = both.clone().filter(|(g, p)| **g == 1 && **p == 1.0).count() as f64;
        let union = both.filter(|(g, p)| **g == 1 || **p == 1.0).count() as f64;
        let (ranking, _) = of(&Lovasz::probabilities(), [1, 1, 40], &p, &labels).unwrap();
        assert!((ranking.loss() - (1.0 - inter / union)).abs() < 1e-14);
    }
}

/// All orders of so many things.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![vec![]] };
    let of_others = permutations(last).into_iter();
    of_others
        .flat_map(|order| {
            (0..count).map(move |at| {
                let mut order = order.clone();
                order.insert(at, last);
                order
            })
        })
        .collect()
}

#[test]
fn ties_are_in_the_order_of_the_voxels() {
    // Errors of the hinge that are all 1.5, inside and outside: whatever the order, the loss is the
    // same, and the gradient is that of the order of the voxels.
    let labels = [1u8, 0, 0, 1, 1, 0];
    for order in permutations(6) {
        let labels: Vec<u8> = order.iter().map(|&at| labels[at]).collect();
        let x: Vec<f64> = labels.iter().map(|&g| if g == 1 { -0.5 } else { 0.5 }).collect();
        let (ranking, gradient) = of(&Lovasz::hinge(), [1, 1, 6], &x, &labels).unwrap();
        assert!((ranking.loss() - 1.5).abs() < 1e-15);
        let jaccard = |wrong: usize| {
            let inside = labels[..wrong].iter().filter(|&&g| g == 1).count() as f64;
            1.0 - (3.0 - inside) / (3.0 + wrong as f64 - inside)
        };
        for (at, found) in gradient.into_iter().enumerate() {
            let increment = jaccard(at + 1) - jaccard(at);
            let wanted = if labels[at] == 1 { -increment } else { increment };
            assert!((found - wanted).abs() < 1e-15, "{labels:?}, voxel {at}");
        }
    }
}

#[test]
fn ties_of_a_batch_are_in_the_order_of_the_samples() {
    let hinge = Lovasz::hinge().pool(Pool::Batch);
    let (_, gradient) = of(&hinge, [2, 1, 2], &[0.5; 4], &[0; 4]).unwrap();
    assert_eq!(gradient, [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn the_gradient_is_that_of_differences() {
    const STEP: f64 = 1e-6;
    for (name, lovasz, activation) in losses() {
        check(&format!("differences of lovasz {name}"), 6, |mut recipe| {
            recipe.logits = FloatKind::F64;
            recipe.shape = [2, 3, 7];
            recipe.masks.mask = None;
            let (lovasz, mut batch) = trial(recipe, lovasz.clone(), activation);
            let (_, gradient) = ranked(&lovasz, &batch, Arrangement::ChannelsFirst).expect("valid");
            for (index, found) in gradient.to_f64().into_iter().enumerate() {
                let value = batch.logit(index);
                let mut at = |step: f64| {
                    batch.set_logit(index, value + step);
                    lovasz.loss(&batch.logits(), &batch.target()).expect("valid").loss()
                };
                // Between kinks it is linear in the errors, and the errors are smooth.
                let wanted = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                batch.set_logit(index, value);
                if batch.counts(index) {
                    prop_assert!((found - wanted).abs() < 1e-8, "{index}: {found:e}, {wanted:e}");
                } else {
                    prop_assert_eq!(found, 0.0);
                }
            }
            Ok(())
        });
    }
}

/// The bits of everything.
fn bits(lovasz: &Lovasz, logits: &Logits, target: &Target, len: usize) -> (u64, Vec<u32>) {
    let mut gradient = vec![0.0f32; len];
    let output = Output::new(&mut gradient, logits.layout()).unwrap();
    let ranking = lovasz.loss_and_gradient(1.0, logits, target, output).unwrap();
    (ranking.loss().to_bits(), gradient.iter().map(|slope| slope.to_bits()).collect())
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Samples that have a thread each, and samples that all threads share.
    for shape in [[3, 4, 20_000], [2, 2, 90_001]] {
        let [n, c, s] = shape;
        let mut rng = Rng(s as u64);
        // Few values, so that there are many ties.
        let x: Vec<f32> = (0..n * c * s).map(|_| rng.below(40) as f32 / 16.0 - 1.25).collect();
        let labels: Vec<u8> = (0..n * s).map(|_| rng.below(c) as u8).collect();
        let counts: Vec<bool> = (0..n * s).map(|_| rng.chance(0.9)).collect();
        let layout = Layout::channels_first(&shape).unwrap();
        let logits = Logits::new(&x, layout).unwrap();
        let of_voxels = Layout::voxels(&[n, s]).unwrap();
        let target = Target::labels(&labels, of_voxels).unwrap().mask(&counts, of_voxels).unwrap();
        for lovasz in [Lovasz::hinge(), Lovasz::softmax()] {
            for pool in [Pool::Sample, Pool::Batch] {
                let lovasz = lovasz.clone().pool(pool);
                let found = (1..=4).map(|threads| {
                    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    pool.install(|| bits(&lovasz, &logits, &target, x.len()))
                });
                let found: Vec<_> = found.collect();
                assert!(found.windows(2).all(|two| two[0] == two[1]), "{shape:?}, {pool:?}");
            }
        }
    }
}

#[test]
fn large_batches_agree_with_the_reference_on_every_instruction_set() {
    let shape = [2, 2, 70_000];
    let [n, c, s] = shape;
    let mut rng = Rng(3);
    let x: Vec<f64> = (0..n * c * s).map(|_| rng.between(-2.0, 2.0)).collect();
    let labels: Vec<u8> = (0..n * s).map(|_| rng.below(c) as u8).collect();
    let layout = Layout::channels_first(&shape).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    let target = Target::labels(&labels, Layout::voxels(&[n, s]).unwrap()).unwrap();
    for (_, lovasz, _) in losses() {
        for pool in [Pool::Sample, Pool::Batch] {
            let lovasz = lovasz.clone().pool(pool);
            let wanted = reference::lovasz(&lovasz, &logits, &target).unwrap();
            for isa in Isa::available() {
                let (ranking, gradient) = of(&lovasz.clone().isa(isa), shape, &x, &labels).unwrap();
                assert!((ranking.loss() - wanted.loss).abs() < 1e-12);
                for (index, found) in gradient.iter().enumerate() {
                    let (value, magnitude) =
                        (wanted.gradient.values[index], wanted.gradient.magnitudes[index]);
                    assert!((found - value).abs() <= 1e-13 * magnitude, "{index}");
                }
            }
        }
    }
}

#[test]
fn upstream_weighs_the_values() {
    let x = [0.5, 0.25, -0.5, 3.0, 1.0, -1.0, 0.0, 0.75];
    let labels = [0, 1, 0, 1];
    let none = Lovasz::hinge().reduction(Reduction::None);
    let layout = Layout::channels_first(&[2, 2, 2]).unwrap();
    let target = Target::labels(&labels, Layout::voxels(&[2, 2]).unwrap()).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    let pulled = |upstream: &[f64]| {
        let mut gradient = vec![0.0; 8];
        let output = Output::new(&mut gradient, layout).unwrap();
        none.loss_and_gradient(upstream, &logits, &target, output).map(|_| gradient)
    };
    let weights = [0.5, -1.0, 2.0, 3.0];
    let of_all = pulled(&weights).unwrap();
    for (cell, weight) in weights.into_iter().enumerate() {
        let mut one = [0.0; 4];
        one[cell] = 1.0;
        let of_one = pulled(&one).unwrap();
        for voxel in 2 * cell..2 * cell + 2 {
            assert_eq!(of_all[voxel], weight * of_one[voxel]);
        }
    }
    assert!(matches!(pulled(&[1.0]), Err(Error::Shape { what: "upstream gradient", .. })));
}

fn refused(lovasz: &Lovasz, target: Target, classes: usize) -> String {
    let x = vec![0.5f32; 4 * classes];
    let layout = Layout::channels_first(&[1, classes, 4]).unwrap();
    lovasz.loss(&Logits::new(&x, layout).unwrap(), &target).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    let layout = Layout::channels_first(&[1, 1, 4]).unwrap();
    let soft = [0.0f32, 1.0, 0.25, 1.0];
    assert_eq!(
        refused(&Lovasz::hinge(), Target::dense(&soft, layout).unwrap(), 1),
        "sample 0, voxel 2: found target 0.25, wanted 0 or 1: what is ranked is inside a class or outside"
    );
    let labels = [0u8, 1, 1, 0];
    let target = || Target::labels(&labels, layout).unwrap();
    assert_eq!(
        refused(&Lovasz::hinge(), target().voxel_weights(&soft, layout).unwrap(), 1),
        "lovasz_hinge: voxel weights: found weights, wanted none: ranks have no weights; a mask says what \
         does not count"
    );
    assert_eq!(
        refused(&Lovasz::hinge(), target().map("border", &soft, layout).unwrap(), 1),
        "maps of the target: found 'border', wanted none: no term names a map"
    );
    assert_eq!(
        refused(&Lovasz::softmax(), target(), 1),
        "lovasz_softmax: softmax: found 1 channels, wanted 2 channels or more; for one channel use \
         lovasz_hinge"
    );
    assert_eq!(
        refused(&Lovasz::hinge().pool(Pool::All), target(), 1),
        "lovasz_hinge: pool: found all, wanted sample or batch: each class is ranked by itself"
    );
    assert_eq!(
        refused(&Lovasz::hinge().classes([1]), target(), 1),
        "lovasz_hinge: classes: found 1, wanted below 1"
    );
    let found = refused(&Lovasz::hinge(), Target::labels(&[0u8, 1, 2, 0], layout).unwrap(), 1);
    assert!(found.starts_with("sample 0, voxel 2: found label 2"), "{found}");
}

#[test]
fn nothing_to_rank_is_no_loss() {
    let layout = Layout::channels_first(&[1, 2, 3]).unwrap();
    let x = [f32::NAN; 6];
    let labels = [9u8; 3];
    let target = Target::labels(&labels, Layout::voxels(&[1, 3]).unwrap()).unwrap().ignore_index(9);
    for lovasz in [Lovasz::hinge(), Lovasz::softmax()] {
        for pool in [Pool::Sample, Pool::Batch] {
            let logits = Logits::new(&x, layout).unwrap();
            let mut gradient = [7.0f32; 6];
            let output = Output::new(&mut gradient, layout).unwrap();
            let lovasz = lovasz.clone().pool(pool);
            let ranking = lovasz.loss_and_gradient(1.0, &logits, &target, output).unwrap();
            assert_eq!((ranking.loss(), gradient), (0.0, [0.0; 6]));
        }
    }
    for shape in [[0, 2, 3], [1, 2, 0]] {
        let found = of(&Lovasz::softmax(), shape, &[], &[]).unwrap().0;
        assert_eq!(found.loss(), 0.0);
    }
}

#[test]
fn nan_makes_the_loss_nan() {
    let (ranking, _) = of(&Lovasz::hinge(), [1, 1, 2], &[f64::NAN, 0.5], &[1, 1]).unwrap();
    assert!(ranking.loss().is_nan());
    let (ranking, _) = of(&Lovasz::softmax(), [1, 2, 1], &[f64::NAN, 0.5], &[1]).unwrap();
    assert!(ranking.loss().is_nan());
}

#[test]
fn it_can_be_stopped() {
    let x = vec![0.5f32; 1 << 17];
    let labels = vec![1u8; 1 << 17];
    let layout = Layout::channels_first(&[1, 1, 1 << 17]).unwrap();
    let (logits, target) =
        (Logits::new(&x, layout).unwrap(), Target::labels(&labels, layout).unwrap());
    let stop = Stop::default();
    stop.set();
    let found = interruptible(&stop, || Lovasz::hinge().loss(&logits, &target));
    assert_eq!(found.unwrap_err(), Error::Interrupted);
    assert!(Lovasz::hinge().loss(&logits, &target).is_ok());
}

#[test]
fn a_text_says_what_a_builder_does() {
    let text = r#"{"loss": "lovasz_softmax", "pool": "batch", "absent": "zero", "background": false,
        "class_weights": [1.0, 2.0, 3.0], "classes": [1, 2], "reduction": "sum"}"#;
    let built = Lovasz::softmax()
        .pool(Pool::Batch)
        .absent(Absent::Zero)
        .background(false)
        .class_weights([1.0, 2.0, 3.0])
        .classes([1, 2])
        .reduction(Reduction::Sum);
    let mut rng = Rng(1);
    let x: Vec<f64> = (0..2 * 3 * 20).map(|_| rng.between(-2.0, 2.0)).collect();
    let labels: Vec<u8> = (0..40).map(|_| rng.below(3) as u8).collect();
    let read = DirectLoss::from_spec(text).unwrap();
    assert_eq!((read.name(), read.reduced_by()), ("lovasz_softmax", Reduction::Sum));
    assert_eq!(read.shape(2, 3), [3]);
    let [(found, gradient), (wanted, slopes)] =
        [read, built.into()].map(|loss| direct(&loss, [2, 3, 20], &x, &labels).unwrap());
    assert_eq!((found.loss(), found.values()), (wanted.loss(), wanted.values()));
    assert_eq!(gradient, slopes);
}

#[test]
fn a_text_names_the_loss_and_its_activation() {
    let read = |text: &str| DirectLoss::from_spec(text);
    let (x, labels) = ([0.5, 0.25, -0.5, 0.75], [0, 1]);
    for (text, wanted) in [
        (r#"{"loss": "lovasz_hinge"}"#, Lovasz::hinge()),
        (r#"{"loss": "lovasz_softmax"}"#, Lovasz::softmax()),
        (r#"{"loss": "lovasz_softmax", "activation": "probabilities"}"#, Lovasz::probabilities()),
        // Null leaves open.
        (r#"{"loss": "lovasz_softmax", "activation": null, "pool": null}"#, Lovasz::softmax()),
    ] {
        let found = direct(&read(text).unwrap(), [1, 2, 2], &x, &labels).unwrap();
        assert_eq!(found, of(&wanted, [1, 2, 2], &x, &labels).unwrap(), "{text}");
    }
    let refused = |text: &str| read(text).unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"loss": "dice"}"#),
        "loss: found \"dice\", wanted one of lovasz_hinge, lovasz_softmax, cldice"
    );
    assert_eq!(
        refused("{}"),
        "loss: found null, wanted one of lovasz_hinge, lovasz_softmax, cldice"
    );
    assert_eq!(
        refused(r#"{"loss": "lovasz_hinge", "activation": "softmax"}"#),
        "lovasz_hinge: option: found activation, wanted one of pool, absent, background, classes, \
         class_weights, reduction"
    );
    let under_sigmoid = read(r#"{"loss": "lovasz_softmax", "activation": "sigmoid"}"#).unwrap();
    assert_eq!(
        under_sigmoid.check(2).unwrap_err().to_string(),
        "lovasz_softmax: activation: found sigmoid, wanted softmax or probabilities; under sigmoid that \
         is lovasz_hinge"
    );
    assert_eq!(
        refused(r#"{"loss": "lovasz_softmax", "pool": "sum"}"#),
        "lovasz_softmax: pool: found \"sum\", wanted sample, batch, all, cell, blob"
    );
}
