//! What may not change a result: threads, instruction sets, order, and where a batch is cut.

use std::sync::OnceLock;

use dice_loss::{
    Activation, Decision, Dice, Isa, Layout, Objective, Pool, Reduction, Target, reference,
};
use proptest::prelude::*;
use rayon::ThreadPool;

use crate::cases::{
    Arrangement, Batch, FloatKind, Precision, Recipe, Rng, Softness, TargetKind, Trial, check,
    engine, gradient_of, loss_tolerance, options, trials, written,
};

/// Pools of 1, 2 and 7 threads.
fn pools() -> &'static [ThreadPool] {
    static POOLS: OnceLock<Vec<ThreadPool>> = OnceLock::new();
    POOLS.get_or_init(|| {
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        [1, 2, 7].map(|threads| pool(threads).expect("threads")).into()
    })
}

#[test]
fn every_instruction_set_that_the_machine_has_is_tested() {
    let names: Vec<_> = Isa::available().iter().map(|isa| isa.name()).collect();
    println!("instruction sets tested: {names:?}");
    assert_eq!(names[0], "baseline");
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        match (avx2, avx512) {
            (true, true) => assert_eq!(names, ["baseline", "avx2", "avx512"]),
            (true, false) => assert_eq!(names, ["baseline", "avx2"]),
            (false, _) => assert_eq!(names, ["baseline"]),
        }
    }
}

/// The bits of the sums, of the loss and of the gradient.
fn bits(objective: &Objective, batch: &Batch) -> (Vec<u64>, u64, Vec<u64>) {
    let (moments, verdict) = engine(objective, batch).expect("a batch");
    let gradient = gradient_of(objective, &verdict, 1.0, batch, Arrangement::ChannelsFirst);
    let sums = moments.as_slice().iter().map(|sum| sum.to_bits()).collect();
    (sums, verdict.loss().to_bits(), gradient.expect("a batch").bits())
}

/// Whether every pool of threads makes the same of a batch of this shape.
fn threads_agree(trial: &Trial, [n, classes, s]: [usize; 3]) {
    check(&trial.name, 1, |mut recipe| {
        let classes = trial.classes(classes);
        recipe.shape = [n, classes, s];
        let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
        let batch = trial.batch(&recipe);
        let results = pools().iter().map(|pool| pool.install(|| bits(&objective, &batch)));
        let results: Vec<_> = results.collect();
        prop_assert!(results.iter().all(|result| *result == results[0]));
        Ok(())
    });
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Enough samples for every thread.
    for trial in trials().into_iter().chain(options()) {
        threads_agree(&trial, [7, 3, 2_500]);
    }
    // Samples that are cut up themselves.
    let of_long_samples = ["eight terms", "L1 dice", "weighted binary cross-entropy"];
    let is_one = |trial: &Trial| of_long_samples.iter().any(|name| trial.name.starts_with(name));
    for trial in options().into_iter().filter(is_one) {
        threads_agree(&trial, [2, 5, 170_001]);
    }
}

#[test]
fn large_gradients_are_written_as_small_ones_are() {
    let trial = options().into_iter().find(|trial| trial.name.starts_with("eight terms"));
    let trial = trial.expect("one of the options");
    for &kind in FloatKind::ALL {
        check(&format!("{kind:?}"), 1, |mut recipe| {
            // Odd, so that rows start anywhere.
            recipe.shape = [2, 3, 400_003];
            recipe.logits = kind;
            recipe.arrangements[0] = Arrangement::ChannelsFirst;
            let objective = trial.objective(3).pool(Pool::Batch);
            let whole = trial.batch(&recipe);
            let moments = objective.measure(&whole.logits(), &whole.target()).expect("a batch");
            let verdict = objective.evaluate(&moments.pooled()).expect("its moments");
            let gradient = |batch: &Batch| {
                let arrangement = Arrangement::ChannelsFirst;
                gradient_of(&objective, &verdict, 1.0, batch, arrangement).expect("a batch").bits()
            };
            let voxels: Vec<_> = (0..recipe.shape[2]).collect();
            let parts = [0, 1].map(|sample| gradient(&whole.select(&[sample], &voxels)));
            prop_assert!(gradient(&whole) == parts.concat());
            Ok(())
        });
    }
}

#[test]
fn soft_dice_lies_between_0_and_1() {
    for activation in Activation::ALL {
        for squared in [false, true] {
            let dice = Dice { squared, ..Dice::default() };
            check(&format!("{activation:?} {squared}"), 40, |mut recipe| {
                recipe.shape[1] = recipe.shape[1].max(2);
                if let TargetKind::Dense(_, softness) = &mut recipe.target {
                    *softness = Softness::Multilabel;
                }
                let objective = Objective::new().term(1.0, dice.with(activation));
                let (objective, _) = recipe.settings.apply(objective, recipe.shape[1]);
                let batch = Batch::new(&recipe, activation);
                let (_, verdict) = engine(&objective, &batch).expect("a batch");
                let values = match verdict.values() {
                    Some(values) => values.to_vec(),
                    None if recipe.settings.reduction == Reduction::Mean => vec![verdict.loss()],
                    None => verdict.terms()[0].per_class.clone(),
                };
                for value in values.into_iter().filter(|value| !value.is_nan()) {
                    prop_assert!((0.0..=1.0).contains(&value), "{value}");
                }
                // Twice a sum over another two of the same voxels, each rounded by itself.
                let precision = Precision::of(batch.logits.data.kind());
                let most = 1.0 + 2.0 * precision.of_sum(batch.shape, 1.0);
                for dice in verdict.soft_dice().into_iter().flatten().filter(|d| !d.is_nan()) {
                    prop_assert!((0.0..=most).contains(dice), "{dice}");
                }
                Ok(())
            });
        }
    }
}

#[test]
fn the_order_of_voxels_and_samples_does_not_matter() {
    for trial in trials() {
        check(&trial.name, 6, |mut recipe| {
            let classes = trial.classes(recipe.shape[1].min(5));
            recipe.shape = [recipe.shape[0], classes, recipe.shape[2].min(300)];
            recipe.settings.reduction = Reduction::Mean;
            let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
            let batch = trial.batch(&recipe);
            let (moments, verdict) = engine(&objective, &batch).expect("a batch");
            let tolerance = loss_tolerance(&objective, &verdict, &batch);
            let mut rng = Rng(recipe.seed ^ 2);
            for of_samples in [false, true] {
                let [n, _, s] = recipe.shape;
                let (mut samples, mut voxels): (Vec<_>, Vec<_>) =
                    ((0..n).collect(), (0..s).collect());
                let order = if of_samples { &mut samples } else { &mut voxels };
                for i in (1..order.len()).rev() {
                    order.swap(i, rng.below(i + 1));
                }
                let other = batch.select(&samples, &voxels);
                let (_, other) = engine(&objective, &other).expect("a batch");
                let difference = (other.loss() - verdict.loss()).abs();
                prop_assert!(difference <= 2.0 * tolerance, "{difference:e} > {tolerance:e}");
            }
            prop_assert_eq!(moments.samples(), recipe.shape[0]);
            Ok(())
        });
    }
}

#[test]
fn the_loss_follows_the_reference() {
    for trial in trials().into_iter().chain(options()) {
        check(&trial.name, 6, |mut recipe| {
            let classes = trial.classes(recipe.shape[1]);
            recipe.shape = [recipe.shape[0], classes, recipe.shape[2].min(300)];
            let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
            let batch = trial.batch(&recipe);
            let wanted = reference::loss(&objective, &batch.logits(), &batch.target());
            let wanted = wanted.expect("a batch");
            for isa in Isa::available() {
                let objective = objective.clone().isa(isa);
                let (_, verdict) = engine(&objective, &batch).expect("a batch");
                // Twice the first-order bound leaves room for the second order.
                let tolerance = 2.0 * loss_tolerance(&objective, &verdict, &batch);
                let difference = (verdict.loss() - wanted).abs();
                prop_assert!(difference <= tolerance, "{difference:e} > {tolerance:e}");
            }
            Ok(())
        });
    }
}

#[test]
fn arrangements_in_memory_change_no_bit() {
    for trial in trials() {
        check(&trial.name, 3, |mut recipe| {
            let classes = trial.classes(recipe.shape[1].min(5));
            recipe.shape = [recipe.shape[0], classes, recipe.shape[2].min(300)];
            recipe.settings.pool = Pool::Batch;
            let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
            let mut results = Arrangement::ALL.iter().map(|&arrangement| {
                let recipe = Recipe { arrangements: [arrangement; 3], ..recipe.clone() };
                let batch = trial.batch(&recipe);
                bits(&objective, &batch)
            });
            let first = results.next();
            prop_assert!(results.all(|result| Some(result) == first));
            Ok(())
        });
    }
}

#[test]
fn neither_hard_counts_nor_a_mask_of_ones_change_a_bit() {
    for trial in trials() {
        check(&trial.name, 2, |mut recipe| {
            let classes = trial.classes(recipe.shape[1]);
            recipe.shape[1] = classes;
            (recipe.masks.mask, recipe.settings.decision) = (None, None);
            let (objective, _) = recipe.settings.apply(trial.objective(classes), classes);
            let batch = trial.batch(&recipe);
            let [samples, _, voxels] = recipe.shape;
            let (ones, layout) = (vec![true; samples * voxels], Layout::voxels(&[samples, voxels]));
            let masked = batch.target().mask(&ones, layout.expect("two axes")).expect("a mask");
            let of = |objective: &Objective, target: &Target| {
                let moments = objective.measure(&batch.logits(), target).expect("a batch");
                let verdict = objective.evaluate(&moments).expect("its moments");
                let (kind, arrangement) = (batch.logits.data.kind(), Arrangement::ChannelsFirst);
                let gradient = written(kind, batch.shape, arrangement, |output| {
                    objective.pull_back(&verdict, 1.0, &batch.logits(), target, output)
                });
                (verdict.loss().to_bits(), gradient.expect("a batch").bits())
            };
            let plain = of(&objective, &batch.target());
            prop_assert!(of(&objective, &masked) == plain, "a mask of ones");
            for decision in [Decision::Argmax, Decision::Threshold(0.4)] {
                let counted = objective.clone().decision(decision);
                prop_assert!(of(&counted, &batch.target()) == plain, "{decision}");
            }
            Ok(())
        });
    }
}
