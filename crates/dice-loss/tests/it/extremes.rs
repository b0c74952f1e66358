//! Numbers at the edge: large sums, large logits, infinities, NaN, empty and full references.

use dice_loss::{
    Absent, Activation, CrossEntropy, Dice, Focal, Isa, Layout, Logits, MatthewsCorrelation,
    Objective, Output, Target, TermVerdict, reference,
};
use half::f16;

use crate::cases::{
    Arrangement, FloatKind, Precision, Recipe, Rng, Trial, check, engine, gradient_agrees,
    gradient_of, loss_tolerance, options, trials,
};

#[test]
fn half_precision_sums_pass_65504() {
    let voxels = 300_000;
    let (x, g) = (vec![f16::from_f64(8.0); voxels], vec![1u8; voxels]);
    let layout = Layout::channels_first(&[1, 1, voxels]).expect("three axes");
    let logits = Logits::new(&x, layout).expect("as many logits");
    let target = Target::labels(&g, layout).expect("as many labels");
    let objective = Objective::new().term(1.0, Dice::default().sigmoid());
    let moments = objective.measure(&logits, &target).expect("a batch");
    let p = 1.0 / (1.0 + (-8f64).exp());
    let sums = moments.sums(Activation::Sigmoid, 0, 0);
    let precision = Precision::of(FloatKind::F16);
    let tolerance = precision.of_sum([1, 1, voxels], 1.0);
    assert!((sums.p / (p * voxels as f64) - 1.0).abs() < tolerance);
    assert_eq!(sums.g, voxels as f64);
    let verdict = objective.evaluate(&moments).expect("its moments");
    // Half of a relative error of Σpg = Σp at most reaches a ratio near 1, and the smoothing less.
    assert!((verdict.loss() - (1.0 - 2.0 * p / (p + 1.0))).abs() < tolerance);
    let mut gradient = vec![f16::NAN; voxels];
    let output = Output::new(&mut gradient, layout).expect("as many places");
    // Scaled up as a loss scaler does, it does not vanish in the half type.
    objective.pull_back(&verdict, 1e9, &logits, &target, output).expect("a batch");
    // ∂/∂p of 1 − 2Σp / (Σp + n) is −2n / (Σp + n)²; the smoothing is 1e-5 of 300 000.
    let wanted = 1e9 * -2.0 / (voxels as f64 * (p + 1.0).powi(2)) * p * (1.0 - p);
    let tolerance = precision.of_element([1, 1, voxels], wanted, wanted.abs());
    for derivative in gradient {
        assert!((derivative.to_f64() - wanted).abs() <= tolerance, "{derivative}, {wanted}");
    }
}

fn with_every_loss(test: impl Fn(&Trial, &Objective, Recipe)) {
    let by_logits = |trial: &Trial| trial.activation != Activation::Probabilities;
    for trial in trials().into_iter().chain(options()).filter(by_logits) {
        check(&trial.name, 3, |mut recipe| {
            let classes = trial.classes(recipe.shape[1].min(5));
            recipe.shape = [recipe.shape[0].min(2), classes, recipe.shape[2].min(70)];
            let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
            test(&trial, &objective, recipe);
            Ok(())
        });
    }
}

#[test]
fn huge_logits_are_as_good_as_any() {
    with_every_loss(|trial, objective, recipe| {
        let mut batch = trial.batch(&recipe);
        let mut rng = Rng(recipe.seed);
        for index in 0..batch.places.len() {
            if batch.counts(index) {
                batch.set_logit(index, [1e4, -1e4, 0.0][rng.below(3)]);
            }
        }
        let wanted = reference::loss(objective, &batch.logits(), &batch.target());
        let wanted = wanted.expect("a valid batch");
        for isa in Isa::available() {
            let objective = objective.clone().isa(isa);
            let (_, verdict) = engine(&objective, &batch).expect("a valid batch");
            let found = verdict.loss();
            // Rounding such a logit once moves a log loss by up to 1e4 × 2⁻²⁴; four times at most.
            let tolerance = 4e4 * 2f64.powi(-24) * (1.0 + wanted.abs());
            assert!((found - wanted).abs() <= tolerance, "{}: {found} {wanted}", trial.name);
            let arrangement = Arrangement::ChannelsFirst;
            let gradient = gradient_of(&objective, &verdict, 1.0, &batch, arrangement);
            let gradient = gradient.expect("a batch");
            gradient_agrees(
                Precision::of(gradient.kind()).of_logits(1e4),
                (&objective, &verdict, 1.0.into()),
                (&batch.logits(), &batch.target()),
                &gradient.to_f64(),
            )
            .unwrap_or_else(|error| panic!("{}: {error}", trial.name));
        }
    });
}

#[test]
fn confident_voxels_keep_their_digits() {
    // 1 − p is far below the rounding of p here, and so is −ln p.
    for x in [5.0f32, 10.0, 15.0] {
        let odds = (-f64::from(x)).exp();
        let (ln_p, complement) = (-odds.ln_1p(), odds / (1.0 + odds));
        for gamma in [0.0, 0.5, 2.0] {
            let focal = || Focal { gamma: gamma.into(), ..Default::default() };
            let wanted = complement.powf(gamma) * -ln_p;
            let p = 1.0 - complement;
            let slope = -complement.powf(gamma) * (complement - gamma * p * ln_p);
            let cases =
                [(focal().sigmoid(), vec![x], [1u8]), (focal().softmax(), vec![x, 0.0], [0])];
            for (term, x, label) in cases {
                for isa in Isa::available() {
                    let objective = Objective::new().term(1.0, term.clone()).isa(isa);
                    let layout = Layout::channels_first(&[1, x.len(), 1]).expect("three axes");
                    let logits = Logits::new(&x, layout).expect("as many logits");
                    let target = Target::labels(&label, Layout::voxels(&[1, 1]).expect("two axes"));
                    let target = target.expect("a label");
                    let moments = objective.measure(&logits, &target).expect("a batch");
                    let verdict = objective.evaluate(&moments).expect("its moments");
                    let found = verdict.loss();
                    let precision = Precision::of(FloatKind::F32);
                    let tolerance = precision.of_sum([1, x.len(), 1], wanted);
                    assert!((found - wanted).abs() <= tolerance, "{gamma} {x:?}: {found:e}");
                    let mut gradient = vec![0.0f32; x.len()];
                    let output = Output::new(&mut gradient, layout).expect("as many places");
                    objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
                    let found = f64::from(gradient[0]);
                    // Softmax takes p − g, which is off by half an ulp of 1, times the rest.
                    let steepness = (1.0 + gamma) * complement.powf(gamma);
                    let cancelled = if x.len() == 1 { 0.0 } else { 2f64.powi(-22) * steepness };
                    let own = precision.of_element([1, x.len(), 1], slope, slope.abs());
                    let tolerance = own + cancelled;
                    assert!(
                        (found - slope).abs() <= tolerance,
                        "{gamma} {x:?}: {found:e} {slope:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn infinities_and_nan_propagate_as_in_the_reference() {
    with_every_loss(|trial, objective, mut recipe| {
        recipe.logits = FloatKind::F32;
        recipe.masks.class_valid = false;
        let mut batch = trial.batch(&recipe);
        let mut rng = Rng(recipe.seed);
        let counted: Vec<_> =
            (0..batch.places.len()).filter(|&index| batch.counts(index)).collect();
        if counted.is_empty() {
            return;
        }
        let index = counted[rng.below(counted.len())];
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            batch.set_logit(index, value);
            let wanted = reference::loss(objective, &batch.logits(), &batch.target());
            let wanted = wanted.expect("a valid batch");
            for isa in Isa::available() {
                let objective = objective.clone().isa(isa);
                let (_, verdict) = engine(&objective, &batch).expect("a valid batch");
                let found = verdict.loss();
                // Twice the first-order bound leaves room for the second order.
                let alike = found.is_nan() && wanted.is_nan()
                    || found == wanted
                    || (found - wanted).abs() <= 2.0 * loss_tolerance(&objective, &verdict, &batch);
                assert!(alike, "{}, {value}, {isa:?}: {found} {wanted}", trial.name);
            }
        }
    });
}

#[test]
fn nan_reaches_loss_and_gradient() {
    let objectives = [
        Objective::new().term(1.0, Dice::default().softmax()),
        Objective::new().term(1.0, CrossEntropy::default().softmax()),
        Objective::new().term(1.0, Focal::default().softmax()),
        Objective::new().term(1.0, Dice::default().sigmoid()),
        Objective::new().term(1.0, Focal::default().sigmoid()),
    ];
    let layout = Layout::channels_first(&[1, 2, 40]).expect("three axes");
    let labels: Vec<u8> = (0..40).map(|voxel| u8::from(voxel % 3 == 0)).collect();
    let target = Target::labels(&labels, Layout::voxels(&[1, 40]).expect("two axes"));
    let target = target.expect("forty labels");
    for objective in objectives {
        for isa in Isa::available() {
            let objective = objective.clone().isa(isa);
            let mut x = vec![0.5f32; 80];
            x[23] = f32::NAN;
            let logits = Logits::new(&x, layout).expect("eighty logits");
            let moments = objective.measure(&logits, &target).expect("a batch");
            let verdict = objective.evaluate(&moments).expect("its moments");
            assert!(verdict.loss().is_nan(), "{objective:?}");
            let mut gradient = vec![0.0f32; 80];
            let output = Output::new(&mut gradient, layout).expect("eighty places");
            objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
            assert!(gradient[23].is_nan(), "{objective:?}");
        }
    }
}

#[test]
fn empty_references_follow_the_policy() {
    let x = [1.0f32, -2.0, 0.5, 0.0];
    let layout = Layout::channels_first(&[1, 1, 4]).expect("three axes");
    let logits = Logits::new(&x, layout).expect("four logits");
    let target = Target::labels(&[0u8; 4], layout).expect("four labels");
    let is_voxel_term = |term: &TermVerdict| {
        ["cross_entropy", "binary_cross_entropy", "focal"].contains(&term.name)
    };
    // Of a loss of a map it depends on the map.
    let is_tried =
        |trial: &&Trial| trial.activation == Activation::Sigmoid && trial.maps().is_empty();
    for trial in trials().iter().filter(is_tried) {
        let with = |absent| {
            let objective = trial.objective(1).absent(absent);
            let moments = objective.measure(&logits, &target).expect("a batch");
            let verdict = objective.evaluate(&moments).expect("its moments");
            let mut gradient = [f32::NAN; 4];
            let output = Output::new(&mut gradient, layout).expect("four places");
            objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
            (verdict, gradient)
        };
        let (skipped, gradient) = with(Absent::Skip);
        // Voxel terms have no absent classes; the overlap terms beside them say nothing.
        let voxel_terms: f64 = skipped
            .terms()
            .iter()
            .filter(|term| is_voxel_term(term))
            .map(|term| term.weight * term.loss)
            .sum();
        let rounding = 8.0 * f64::EPSILON * (1.0 + voxel_terms);
        assert!((skipped.loss() - voxel_terms).abs() <= rounding, "{}", trial.name);
        gradient_agrees(
            Precision::of(FloatKind::F32),
            (&trial.objective(1).absent(Absent::Skip), &skipped, 1.0.into()),
            (&logits, &target),
            &gradient.map(f64::from),
        )
        .unwrap_or_else(|error| panic!("{}: {error}", trial.name));
        if !skipped.terms().iter().any(is_voxel_term) {
            assert_eq!(gradient, [0.0; 4], "{}", trial.name);
        }
        assert_eq!(skipped.loss(), with(Absent::Zero).0.loss(), "{}", trial.name);
        let (formula, gradient) = with(Absent::Formula);
        if skipped.terms().iter().all(is_voxel_term) {
            assert_eq!(formula.loss(), skipped.loss(), "{}", trial.name);
            continue;
        }
        assert!(formula.loss() > skipped.loss() + 0.1, "{}: {}", trial.name, formula.loss());
        // What is predicted though nothing is there gets pushed down.
        assert!(gradient.iter().sum::<f32>() >= 0.0, "{}", trial.name);
    }
}

#[test]
fn full_references_and_perfect_matches_cost_nothing() {
    // Of a loss of a map it depends on the map.
    for trial in trials().into_iter().filter(|trial| trial.maps().is_empty()) {
        let perfect = |inside: bool| match (trial.activation, inside) {
            (Activation::Probabilities, inside) => f64::from(u8::from(inside)),
            (_, true) => 1e4,
            (_, false) => -1e4,
        };
        let classes = trial.classes(3);
        for labels in [vec![0u8, 2, 1, 1, 0], vec![1; 5]] {
            let x: Vec<_> = labels
                .iter()
                .flat_map(|&label| (0..classes).map(move |class| class == usize::from(label)))
                .map(perfect)
                .map(|x| x as f32)
                .collect();
            let layout = Layout::channels_last(&[1, 5, classes]).expect("three axes");
            let logits = Logits::new(&x, layout).expect("as many logits");
            let target = Target::labels(&labels, Layout::voxels(&[1, 5]).expect("two axes"));
            let objective = trial.objective(classes);
            let moments = objective.measure(&logits, &target.expect("labels")).expect("a batch");
            let loss = objective.evaluate(&moments).expect("its moments").loss();
            // Every sum is a small integer; what is left is the rounding of a ratio near 1.
            assert!(loss.abs() <= 4.0 * f64::EPSILON, "{}: {loss}", trial.name);
        }
    }
}

/// The slopes by Σpg and by Σp are large there and all but cancel.
#[test]
fn matthews_correlation_of_one_class_keeps_its_digits() {
    let x: Vec<f64> = (0..4096).map(|i| (i as f64 * 0.37).sin() * 3.0).collect();
    let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let x: Vec<f64> = single.iter().map(|&x| f64::from(x)).collect();
    let layout = Layout::channels_first(&[1, 1, x.len()]).expect("three axes");
    let objective = Objective::new().term(1.0, MatthewsCorrelation::default().sigmoid());
    for background in [0, 1, 40] {
        let labels: Vec<u8> = (0..x.len()).map(|i| u8::from(i >= background)).collect();
        let target = Target::labels(&labels, layout).expect("labels");
        let (mut wanted, mut found) = (vec![0.0f64; x.len()], vec![0.0f32; x.len()]);
        let pull_back = |logits: Logits, output| {
            let verdict = objective.evaluate(&objective.measure(&logits, &target)?)?;
            objective.pull_back(&verdict, 1.0, &logits, &target, output)
        };
        let logits = Logits::new(&x, layout).expect("logits");
        pull_back(logits, Output::new(&mut wanted, layout).expect("an output")).expect("a batch");
        let logits = Logits::new(&single, layout).expect("logits");
        pull_back(logits, Output::new(&mut found, layout).expect("an output")).expect("a batch");
        let largest = wanted.iter().fold(0.0f64, |largest, g| largest.max(g.abs()));
        // No more is lost than the sums lose, whatever cancels.
        let tolerance = Precision::of(FloatKind::F32).of_sum([1, 1, x.len()], largest);
        for (found, wanted) in found.iter().zip(&wanted) {
            let off = (f64::from(*found) - wanted).abs();
            assert!(off <= tolerance, "{background} of background: {found:e}, {wanted:e}");
        }
    }
}
