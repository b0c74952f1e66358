//! Batches with nothing in them, or with one of everything.

use dice_loss::{Activation, Decision, Isa, Layout, Logits, Objective, Output, Target};

use crate::cases::{Recipe, agrees, check, options, trials};

#[test]
fn nothing_costs_nothing() {
    for trial in trials() {
        for [n, c, s] in [[0, 2, 5], [2, 2, 0], [0, 2, 0], [0, 0, 0], [2, 0, 5]] {
            let objective = trial.objective(c);
            let layout = Layout::channels_first(&[n, c, s]).expect("three axes");
            let logits = Logits::new(&[0.0f32; 0], layout);
            let labels = vec![0u8; n * s];
            let target = Target::labels(&labels, Layout::voxels(&[n, s]).expect("two axes"));
            let (logits, target) = (logits.expect("no logits"), target.expect("labels"));
            let ones = vec![1.0; n * s];
            let target = trial.mapped(target, &ones, Layout::voxels(&[n, s]).expect("two axes"));
            if objective.check(c).is_err() {
                assert!(objective.measure(&logits, &target).is_err());
                continue;
            }
            for isa in Isa::available() {
                let objective = objective.clone().decision(Decision::Argmax).isa(isa);
                let measured = objective.measure(&logits, &target);
                let verdict = objective.evaluate(&measured.expect("a batch")).expect("moments");
                assert_eq!(verdict.loss(), 0.0, "{}: {n} {c} {s}", trial.name);
                let output = Output::new(&mut [0.0f32; 0], layout);
                let output = output.expect("nowhere to write");
                objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
            }
        }
    }
}

#[test]
fn no_terms_cost_nothing() {
    let layout = Layout::channels_first(&[1, 2, 20]).expect("three axes");
    let logits = Logits::new(&[0.5f32; 40], layout).expect("forty logits");
    let target = Target::labels(&[1u8; 20], Layout::voxels(&[1, 20]).expect("two axes"));
    let target = target.expect("twenty labels");
    let objective = Objective::new();
    let moments = objective.measure(&logits, &target).expect("a batch");
    let verdict = objective.evaluate(&moments).expect("its moments");
    assert_eq!((verdict.loss(), verdict.terms().len()), (0.0, 0));
    let mut gradient = [f32::NAN; 40];
    let output = Output::new(&mut gradient, layout).expect("forty places");
    objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
    assert_eq!(gradient, [0.0; 40]);
}

#[test]
fn nothing_that_counts_costs_nothing() {
    for trial in trials().into_iter().chain(options()) {
        let classes = trial.classes(3);
        let objective = trial.objective(classes);
        let layout = Layout::channels_first(&[2, classes, 20]).expect("three axes");
        let x = vec![f32::NAN; 2 * classes * 20];
        let logits = Logits::new(&x, layout).expect("logits");
        let per_voxel = Layout::voxels(&[2, 20]).expect("two axes");
        let target = Target::labels(&[200u8; 40], per_voxel).expect("labels").ignore_index(200);
        let target = trial.mapped(target, &[f32::NAN; 40], per_voxel);
        let moments = objective.measure(&logits, &target).expect("a batch");
        let verdict = objective.evaluate(&moments).expect("its moments");
        assert_eq!(verdict.loss(), 0.0, "{}", trial.name);
        let mut gradient = vec![f32::NAN; x.len()];
        let output = Output::new(&mut gradient, layout).expect("places");
        objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a batch");
        assert!(gradient.iter().all(|&derivative| derivative == 0.0), "{}", trial.name);
    }
}

#[test]
fn one_of_everything() {
    for trial in trials().into_iter().chain(options()) {
        let classes = if trial.activation == Activation::Softmax { 2 } else { 1 };
        let classes = trial.classes(classes);
        for (n, s) in [(1, 1), (1, 7), (3, 1)] {
            check(&format!("{} {n} {s}", trial.name), 3, |recipe| {
                let recipe = Recipe { shape: [n, classes, s], ..recipe };
                let (objective, reduction) =
                    recipe.settings.apply(trial.objective(classes), classes);
                let batch = trial.batch(&recipe);
                for isa in Isa::available() {
                    agrees(&objective.clone().isa(isa), reduction, &batch, recipe.seed)?;
                }
                Ok(())
            });
        }
    }
}
