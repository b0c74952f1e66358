//! Top-k and OHEM: against the reference, arithmetic by hand, differences, and every promise of ties.

use std::slice::from_ref;

use dice_loss::{
    Activation, BinaryCrossEntropy, CrossEntropy, Dice, Error, Focal, Isa, Layout, Logits,
    Objective, Output, Reduction, Selection, Stop, Target, Term, interruptible, reference,
};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

use crate::cases::Batch;
use crate::cases::{FloatKind, Recipe, Rng, check};

fn top(top_k: f64) -> Selection {
    Selection { top_k, ..Selection::default() }
}

/// The terms that take voxels, each with what it is tried with beside its selection.
fn terms(selection: Selection) -> Vec<(&'static str, Term)> {
    let smooth = CrossEntropy { label_smoothing: 0.1, selection };
    let plain = CrossEntropy { selection, ..CrossEntropy::default() };
    let weighed = BinaryCrossEntropy { pos_weight: 3.0.into(), selection };
    let binary = BinaryCrossEntropy { selection, ..BinaryCrossEntropy::default() };
    let focal = Focal { selection, ..Focal::default() };
    let balanced = Focal { gamma: 0.5.into(), alpha: Some(0.25.into()), selection };
    vec![
        ("cross-entropy", plain.softmax()),
        ("smooth cross-entropy", smooth.softmax()),
        ("cross-entropy of probabilities", plain.probabilities()),
        ("binary cross-entropy", binary.clone().sigmoid()),
        ("weighed binary cross-entropy", weighed.sigmoid()),
        ("binary cross-entropy of probabilities", binary.probabilities()),
        ("focal", focal.clone().softmax()),
        ("binary focal", focal.sigmoid()),
        ("balanced focal", balanced.sigmoid()),
    ]
}

fn selections() -> [Selection; 6] {
    [
        top(0.3),
        Selection { min_kept: 5, ..top(0.0) },
        Selection { threshold: 0.5, ..Selection::default() },
        Selection { threshold: 0.2, min_kept: 4, ..Selection::default() },
        Selection { threshold: 0.6, ..top(0.3) },
        Selection { threshold: 0.0, min_kept: 3, ..Selection::default() },
    ]
}

fn activation_of(name: &str) -> Activation {
    match name {
        _ if name.ends_with("probabilities") => Activation::Probabilities,
        "cross-entropy" | "smooth cross-entropy" | "focal" => Activation::Softmax,
        _ => Activation::Sigmoid,
    }
}

/// A term over some of the classes, some weighed, as the recipe says.
fn told(term: Term, recipe: &Recipe) -> Term {
    let classes = recipe.shape[1];
    match recipe.seed % 4 {
        0 => term.class_weights((0..classes).map(|class| class as f64 * 0.5).collect::<Vec<_>>()),
        1 => term.classes([classes - 1]),
        2 => term.background(false),
        _ => term,
    }
}

fn made(objective: &Objective, logits: &Logits, target: &Target) -> dice_loss::Result<Vec<f32>> {
    let [_, classes, voxels] = logits.layout().shape();
    objective.prepare(classes)?.make_map("hardest", logits, target, &[voxels])
}

#[test]
fn agrees_with_the_reference() {
    for selection in selections() {
        for (name, term) in terms(selection) {
            check(&format!("{name}, {selection:?}"), 12, |mut recipe| {
                let activation = activation_of(name);
                if activation != Activation::Sigmoid {
                    recipe.shape[1] = recipe.shape[1].max(2);
                }
                let batch = Batch::new(&recipe, activation);
                let (logits, target) = (batch.logits(), batch.target());
                let objective = Objective::new().term(0.7, told(term.clone(), &recipe));
                let found = made(&objective, &logits, &target).expect("a batch");
                let wanted = reference::hardest(&objective, "hardest", &logits, &target);
                let wanted = wanted.expect("a batch");
                prop_assert_eq!(found.len(), wanted.taken.len());
                // What f32 cannot tell apart may be taken in another order.
                let unit = if batch.logits.data.kind() == FloatKind::F64 { 1e-12 } else { 3e-5 };
                let limit = -selection.threshold.ln();
                let taken = wanted.losses.iter().zip(&wanted.taken).filter(|(_, taken)| **taken);
                let least = taken.filter_map(|(loss, _)| *loss).fold(f64::INFINITY, f64::min);
                for (at, (&found, &wanted_here)) in found.iter().zip(&wanted.taken).enumerate() {
                    prop_assert!(found == 0.0 || found == 1.0);
                    if (found == 1.0) == wanted_here {
                        continue;
                    }
                    let loss = wanted.losses[at];
                    prop_assert!(loss.is_some(), "{} does not count", at);
                    let close = |to: f64| (loss.unwrap() - to).abs() <= unit * (1.0 + to.abs());
                    prop_assert!(close(least) || close(limit), "{}: {:?}, {}", at, loss, least);
                }
                Ok(())
            });
        }
    }
}

/// Two classes, whose logits differ by so much: the log loss of label 1 falls with it.
fn by_difference(differences: &[f64], samples: usize) -> Vec<f64> {
    let of_sample = |part: &[f64]| [vec![0.0; part.len()], part.to_vec()].concat();
    differences.chunks(differences.len() / samples).flat_map(of_sample).collect()
}

/// The voxels that are taken of a batch (samples, 2, …) of label 1, by these differences.
fn taken(selection: Selection, differences: &[f64], samples: usize) -> Vec<usize> {
    let x = by_difference(differences, samples);
    let voxels = differences.len() / samples;
    let labels = vec![1u8; differences.len()];
    let logits = Logits::new(&x, Layout::channels_first(&[samples, 2, voxels]).unwrap()).unwrap();
    let target = Target::labels(&labels, Layout::voxels(&[samples, voxels]).unwrap()).unwrap();
    let loss = CrossEntropy { selection, ..CrossEntropy::default() };
    let map = made(&Objective::new().term(1.0, loss.softmax()), &logits, &target).unwrap();
    (0..map.len()).filter(|&at| map[at] == 1.0).collect()
}

#[test]
fn a_share_of_all_samples_together() {
    let differences = [4.0, -1.0, 0.5, 3.0, -2.0, -3.0, 2.0, 1.0];
    assert_eq!(taken(top(0.4), &differences, 1), [1, 4, 5]);
    assert_eq!(taken(top(0.4), &differences, 2), [1, 4, 5]);
    assert_eq!(taken(top(0.01), &differences, 2), [5]);
    assert_eq!(taken(Selection { min_kept: 4, ..top(0.01) }, &differences, 2), [1, 2, 4, 5]);
}

#[test]
fn a_threshold_takes_what_is_below() {
    // ln(p / (1 − p)) of 0.7 is 0.847.
    let differences = [4.0, -1.0, 0.84, 0.85, -2.0, 3.0];
    let below = Selection { threshold: 0.7, ..Selection::default() };
    assert_eq!(taken(below, &differences, 1), [1, 2, 4]);
    assert_eq!(taken(Selection { min_kept: 4, ..below }, &differences, 1), [1, 2, 3, 4]);
    assert_eq!(taken(Selection { top_k: 0.34, ..below }, &differences, 1), [1, 4]);
    let easy = [4.0, 3.0];
    assert_eq!(taken(below, &easy, 1), [0; 0]);
    assert_eq!(taken(Selection { min_kept: 9, ..below }, &easy, 2), [0, 1]);
}

#[test]
fn ties_are_in_the_order_of_the_voxels_whatever_the_layout() {
    assert_eq!(taken(top(0.5), &[1.0; 6], 2), [0, 1, 2]);
    assert_eq!(taken(top(0.5), &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0], 1), [1, 3, 4]);
    assert_eq!(taken(top(0.67), &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0], 1), [0, 1, 3, 4]);
    // Each class of a voxel by itself, first by class.
    let loss = BinaryCrossEntropy { selection: top(0.4), ..BinaryCrossEntropy::default() };
    let objective = Objective::new().term(1.0, loss.sigmoid());
    let x = [0.0f32; 10];
    for layout in [Layout::channels_first(&[1, 2, 5]), Layout::channels_last(&[1, 5, 2])] {
        let layout = layout.unwrap();
        let target = Target::dense(&[1u8; 10], layout).unwrap();
        let map = made(&objective, &Logits::new(&x, layout).unwrap(), &target).unwrap();
        assert_eq!(map, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit_on_any_instruction_set() {
    for shape in [[3, 4, 13_000], [1, 2, 36_001]] {
        let [n, c, s] = shape;
        let mut rng = Rng(s as u64);
        // Few values, so that there are many ties.
        let x: Vec<f32> = (0..n * c * s).map(|_| rng.below(40) as f32 / 16.0 - 1.25).collect();
        let labels: Vec<u8> = (0..n * s).map(|_| rng.below(c) as u8).collect();
        let counts: Vec<bool> = (0..n * s).map(|_| rng.chance(0.9)).collect();
        let layout = Layout::channels_first(&shape).unwrap();
        let logits = Logits::new(&x, layout).unwrap();
        let of_voxels = Layout::voxels(&[n, s]).unwrap();
        let whole = Target::labels(&labels, of_voxels).unwrap();
        let part = Target::labels(&labels, of_voxels).unwrap().mask(&counts, of_voxels).unwrap();
        for target in [&whole, &part] {
            for selection in [top(0.1), Selection { threshold: 0.3, ..Selection::default() }] {
                let loss = CrossEntropy { selection, ..CrossEntropy::default() };
                for isa in Isa::available() {
                    let objective = Objective::new().term(1.0, loss.softmax()).isa(isa);
                    let found: Vec<_> = (1..=3)
                        .map(|threads| {
                            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                            pool.unwrap().install(|| made(&objective, &logits, target).unwrap())
                        })
                        .collect();
                    assert!(found.windows(2).all(|two| two[0] == two[1]), "{shape:?}");
                    let counted = if std::ptr::eq(target, &whole) {
                        n * s
                    } else {
                        counts.iter().filter(|counts| **counts).count()
                    };
                    if selection.threshold == 1.0 {
                        let taken = found[0].iter().sum::<f32>() as usize;
                        assert_eq!(taken, counted / 10);
                    }
                    let wanted = reference::hardest(&objective, "hardest", &logits, target);
                    let losses = wanted.unwrap().losses;
                    let of = |is: f32| {
                        let pairs = found[0].iter().zip(&losses);
                        pairs.filter(move |(taken, _)| **taken == is).filter_map(|(_, loss)| *loss)
                    };
                    let least = of(1.0).fold(f64::INFINITY, f64::min);
                    assert!(of(0.0).all(|loss| loss <= least + 1e-5), "{shape:?}");
                }
            }
        }
    }
}

#[test]
fn nan_is_taken_where_it_counts_and_nowhere_else() {
    let nan = f64::NAN;
    assert_eq!(taken(top(0.5), &[1.0, nan, -1.0, 3.0], 1), [1, 2]);
    let x = by_difference(&[1.0, nan, -1.0, 3.0], 1);
    let layout = Layout::channels_first(&[1, 2, 4]).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    let target = Target::labels(&[1u8, 9, 1, 1], Layout::voxels(&[1, 4]).unwrap()).unwrap();
    let target = target.ignore_index(9);
    for selection in [top(0.4), Selection { threshold: 0.5, ..Selection::default() }] {
        let loss = CrossEntropy { selection, ..CrossEntropy::default() };
        let objective = Objective::new().term(1.0, loss.softmax());
        assert_eq!(made(&objective, &logits, &target).unwrap(), [0.0, 0.0, 1.0, 0.0]);
    }
}

/// A batch in f64, its target, and an objective of Dice and the hardest voxels.
fn compound(loss: Term, activation: Activation) -> (Vec<f64>, Vec<u8>, Objective) {
    let mut rng = Rng(5);
    let x = (0..2 * 3 * 20).map(|_| rng.between(-2.0, 2.0)).collect();
    let labels = (0..2 * 20).map(|_| rng.below(3) as u8).collect();
    (x, labels, Objective::new().term(1.0, Dice::default().with(activation)).term(0.5, loss))
}

/// The loss with the voxels that the logits make hard, and its gradient.
fn loss_and_gradient(x: &[f64], labels: &[u8], objective: &Objective) -> (f64, Vec<f64>) {
    let layout = Layout::channels_first(&[2, 3, 20]).unwrap();
    let logits = Logits::new(x, layout).unwrap();
    let target = Target::labels(labels, Layout::voxels(&[2, 20]).unwrap()).unwrap();
    let map = made(objective, &logits, &target).unwrap();
    let shape = [2, map.len() / 40, 20];
    let target = target.map("hardest", &map, Layout::channels_first(&shape).unwrap()).unwrap();
    let verdict = objective.evaluate(&objective.measure(&logits, &target).unwrap()).unwrap();
    let mut gradient = vec![0.0; x.len()];
    let output = Output::new(&mut gradient, layout).unwrap();
    objective.pull_back(&verdict, 1.0, &logits, &target, output).unwrap();
    (verdict.loss(), gradient)
}

#[test]
fn the_loss_is_the_mean_over_what_is_taken_and_the_gradient_that_of_differences() {
    for (name, term) in terms(top(0.3)) {
        let activation = activation_of(name);
        if activation == Activation::Probabilities {
            continue;
        }
        let (mut x, labels, objective) = compound(term.clone(), activation);
        let (found, gradient) = loss_and_gradient(&x, &labels, &objective);
        // No two losses are so close that a step changes what is taken.
        for at in 0..x.len() {
            let step = 1e-5;
            let mut at_step = |step: f64| {
                let before = x[at];
                x[at] += step;
                let loss = loss_and_gradient(&x, &labels, &objective).0;
                x[at] = before;
                loss
            };
            let slope = (at_step(step) - at_step(-step)) / (2.0 * step);
            assert!((slope - gradient[at]).abs() < 1e-8, "{name}, {at}: {slope}, {}", gradient[at]);
        }
        let layout = Layout::channels_first(&[2, 3, 20]).unwrap();
        let logits = Logits::new(&x, layout).unwrap();
        let target = Target::labels(&labels, Layout::voxels(&[2, 20]).unwrap()).unwrap();
        let hard = reference::hardest(&objective, "hardest", &logits, &target).unwrap();
        let mut losses: Vec<_> = hard.losses.into_iter().flatten().collect();
        losses.sort_by(|a, b| b.total_cmp(a));
        let count = losses.len() * 3 / 10;
        let mean = losses[..count].iter().sum::<f64>() / count as f64;
        let dice = Objective::new().term(1.0, Dice::default().with(activation));
        let wanted = reference::loss(&dice, &logits, &target).unwrap() + 0.5 * mean;
        assert!((found - wanted).abs() < 1e-12, "{name}: found {found}, wanted {wanted}");
    }
}

#[test]
fn without_a_reduction_it_is_the_losses_that_are_taken() {
    let x = by_difference(&[4.0, -1.0, 0.5, 3.0], 1);
    let layout = Layout::channels_first(&[1, 2, 4]).unwrap();
    let of_voxels = Layout::voxels(&[1, 4]).unwrap();
    let (logits, labels) = (Logits::new(&x, layout).unwrap(), [1u8; 4]);
    let target = Target::labels(&labels, of_voxels).unwrap();
    let loss = CrossEntropy { selection: top(0.5), ..CrossEntropy::default() };
    let objective = Objective::new().term(1.0, loss.softmax()).reduction(Reduction::None);
    let map = made(&objective, &logits, &target).unwrap();
    let target = target.map("hardest", &map, of_voxels).unwrap();
    let mut found = [9.0f64; 4];
    let output = Output::new(&mut found, of_voxels).unwrap();
    objective.voxel_losses(&logits, &target, output).unwrap();
    let wanted = [0.0, 1f64.exp().ln_1p(), (-0.5f64).exp().ln_1p(), 0.0];
    assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-15));
}

fn refused(objective: &Objective) -> String {
    objective.check(3).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_taken_is_refused() {
    let of = |selection| CrossEntropy { selection, ..CrossEntropy::default() }.softmax();
    let alone = |selection| Objective::new().term(1.0, of(selection));
    let said = "cross_entropy: top_k: found 1.5, wanted 0 to 1";
    assert!(refused(&alone(top(1.5))).starts_with(said));
    let said = "cross_entropy: threshold: found -0.5, wanted 0 to 1";
    let below = Selection { threshold: -0.5, ..Selection::default() };
    assert!(refused(&alone(below)).starts_with(said));
    let said = "found two terms that want it made in different ways";
    let two = alone(top(0.1)).term(1.0, of(top(0.1)));
    assert!(refused(&two).contains(said));
    let two = alone(top(0.1)).term(1.0, of(top(0.1)).map("others"));
    assert!(two.check(3).is_ok());
    // Whoever takes all has no map.
    let all = Selection { min_kept: 7, ..Selection::default() };
    assert!(alone(all).maps().unwrap().is_empty());
    assert!(alone(top(0.1)).prepare(3).unwrap().made_channels("other").is_err());
}

#[test]
fn a_label_out_of_range_is_found_while_the_map_is_made() {
    let x = [0.0f32; 4];
    let logits = Logits::new(&x, Layout::channels_first(&[1, 2, 2]).unwrap()).unwrap();
    let target = Target::labels(&[0u8, 2], Layout::voxels(&[1, 2]).unwrap()).unwrap();
    let loss = CrossEntropy { selection: top(0.5), ..CrossEntropy::default() };
    let objective = Objective::new().term(1.0, loss.softmax());
    assert!(matches!(made(&objective, &logits, &target), Err(Error::Label { .. })));
}

#[test]
fn nothing_to_take_is_no_loss() {
    let loss = CrossEntropy { selection: top(0.5), ..CrossEntropy::default() };
    let objective = Objective::new().term(1.0, loss.softmax());
    let x = [0.5f32; 4];
    let layout = Layout::channels_first(&[1, 2, 2]).unwrap();
    let of_voxels = Layout::voxels(&[1, 2]).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    let target = Target::labels(&[7u8, 7], of_voxels).unwrap().ignore_index(7);
    let map = made(&objective, &logits, &target).unwrap();
    assert_eq!(map, [0.0, 0.0]);
    let target = target.map("hardest", &map, of_voxels).unwrap();
    let verdict = objective.evaluate(&objective.measure(&logits, &target).unwrap()).unwrap();
    assert_eq!(verdict.loss(), 0.0);
    let none = Layout::channels_first(&[0, 2, 3]).unwrap();
    let logits = Logits::new(from_ref(&0.0f32), none).unwrap();
    let target = Target::labels(from_ref(&0u8), Layout::voxels(&[0, 3]).unwrap()).unwrap();
    assert_eq!(made(&objective, &logits, &target).unwrap(), [0f32; 0]);
}

#[test]
fn it_can_be_stopped() {
    let x = vec![0.5f32; 1 << 18];
    let labels = vec![1u8; 1 << 17];
    let logits = Logits::new(&x, Layout::channels_first(&[1, 2, 1 << 17]).unwrap()).unwrap();
    let target = Target::labels(&labels, Layout::voxels(&[1, 1 << 17]).unwrap()).unwrap();
    let loss = CrossEntropy { selection: top(0.5), ..CrossEntropy::default() };
    let objective = Objective::new().term(1.0, loss.softmax());
    let stop = Stop::default();
    stop.set();
    let found = interruptible(&stop, || made(&objective, &logits, &target));
    assert_eq!(found.unwrap_err(), Error::Interrupted);
}
