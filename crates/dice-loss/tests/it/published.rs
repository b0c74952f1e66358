//! Values worked out by hand, or published elsewhere, on examples small enough to follow.
//!
//! Logits are logarithms of the probabilities wanted (their odds, under sigmoid), so that each
//! expected value is the textbook's formula with numbers in it.

use dice_loss::{
    Activation, BinaryCrossEntropy, Combo, CrossEntropy, Dice, Distances, Focal, FocalTversky,
    GeneralizedDice, GeneralizedWassersteinDice, IoU, Layout, LogCoshDice, LogDice, Logits,
    MatthewsCorrelation, Objective, Output, Overlap, Pool, Result, Smoothing, Target, Term,
    Tversky, UnifiedFocal,
};

const NONE: Smoothing = Smoothing { numerator: 0.0, denominator: 0.0 };

/// Three voxels of one class: p = 0.9, 0.2, 0.4.
const P: [f64; 3] = [0.9, 0.2, 0.4];
/// The first and the last are in it.
const G: [u8; 3] = [1, 0, 1];

fn odds(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn loss(objective: &Objective, logits: &[f64], labels: &[u8], classes: usize) -> Result<f64> {
    let voxels = labels.len();
    let logits = Logits::new(logits, Layout::channels_last(&[1, voxels, classes])?)?;
    let target = Target::labels(labels, Layout::voxels(&[1, voxels])?)?;
    Ok(objective.evaluate(&objective.measure(&logits, &target)?)?.loss())
}

/// The loss of the three voxels, which the logits and the probabilities agree on.
fn of_three(name: &str, with: impl Fn(Activation) -> Objective, wanted: f64) {
    for (activation, input) in [(Activation::Sigmoid, P.map(odds)), (Activation::Probabilities, P)]
    {
        if with(activation).check(1).is_ok() {
            let found = loss(&with(activation), &input, &G, 1).expect("a valid batch");
            assert!((found - wanted).abs() < 1e-14, "{name}: found {found}, wanted {wanted}");
        }
    }
}

fn one(term: Term) -> Objective {
    Objective::new().term(1.0, term)
}

#[test]
fn overlap_losses_of_three_voxels() {
    // Σpg = 1.3, Σp = 1.5, Σp² = 0.81 + 0.04 + 0.16 = 1.01, Σg = 2.
    let dice = Dice { smoothing: NONE, ..Dice::default() };
    of_three("dice", |a| one(dice.with(a)), 1.0 - 2.6 / 3.5);
    let squared = Dice { squared: true, ..dice };
    of_three("V-Net dice", |a| one(squared.with(a)), 1.0 - 2.6 / 3.01);
    // Half of 1.5 + 2 − (0.1 + 0.2 + 0.6).
    let l1 = Dice { overlap: Overlap::L1, ..dice };
    of_three("L1 dice", |a| one(l1.with(a)), 1.0 - 2.0 * 1.3 / 3.5);
    let iou = IoU { smoothing: NONE, ..IoU::default() };
    of_three("IoU", |a| one(iou.with(a)), 1.0 - 1.3 / (1.5 + 2.0 - 1.3));
    // False positives 0.2, false negatives 0.1 + 0.6.
    let tversky = Tversky { smoothing: NONE, ..Tversky::default() };
    let index = 1.3 / (1.3 + 0.3 * 0.2 + 0.7 * 0.7);
    of_three("tversky", |a| one(tversky.with(a)), 1.0 - index);
    let focal = FocalTversky { tversky, gamma: 0.75 };
    of_three("focal tversky", |a| one(focal.with(a)), (1.0 - index).powf(0.75));
    let log = LogDice { dice, gamma: 0.3 };
    of_three("log-dice", |a| one(log.with(a)), (-(2.6f64 / 3.5).ln()).powf(0.3));
    let log_cosh = LogCoshDice { dice };
    of_three("log-cosh dice", |a| one(log_cosh.with(a)), (0.9f64 / 3.5).cosh().ln());
    // n Σpg − Σp Σg = 3.9 − 3.
    let matthews = MatthewsCorrelation { smoothing: 0.0 };
    let wanted = 1.0 - 0.9 / (1.5f64 * 2.0 * (3.0 - 1.5) * (3.0 - 2.0)).sqrt();
    of_three("matthews", |a| one(matthews.with(a)), wanted);
    let generalized = GeneralizedDice { smoothing: NONE, ..GeneralizedDice::default() };
    of_three("generalized dice", |a| one(generalized.with(a)), 1.0 - 2.6 / 3.5);
    let smoothing = Smoothing { numerator: 1.0, denominator: 2.0 };
    let smooth = Dice { smoothing, ..dice };
    of_three("smooth dice", |a| one(smooth.with(a)), 1.0 - 3.6 / 5.5);
}

#[test]
fn voxel_losses_of_three_voxels() {
    let (a, b, c) = (-0.9f64.ln(), -0.8f64.ln(), -0.4f64.ln());
    let bce = BinaryCrossEntropy::default();
    of_three("binary cross-entropy", |x| one(bce.clone().with(x)), (a + b + c) / 3.0);
    let weighted = BinaryCrossEntropy { pos_weight: 5.0.into(), ..Default::default() };
    let wanted = (5.0 * a + b + 5.0 * c) / 3.0;
    of_three("weighted", |x| one(weighted.clone().with(x)), wanted);
    let focal = Focal::default();
    let wanted = (0.01 * a + 0.04 * b + 0.36 * c) / 3.0;
    of_three("focal", |x| one(focal.clone().with(x)), wanted);
    // RetinaNet's α = 0.25.
    let balanced = Focal { alpha: Some(0.25.into()), ..Focal::default() };
    let wanted = (0.25 * 0.01 * a + 0.75 * 0.04 * b + 0.25 * 0.36 * c) / 3.0;
    of_three("balanced focal", |x| one(balanced.clone().with(x)), wanted);
    let root = Focal { gamma: 0.5.into(), ..Default::default() };
    let wanted = (0.1f64.sqrt() * a + 0.2f64.sqrt() * b + 0.6f64.sqrt() * c) / 3.0;
    of_three("focal, γ = ½", |x| one(root.clone().with(x)), wanted);
}

#[test]
fn compounds_of_three_voxels() {
    let (a, b, c) = (-0.9f64.ln(), -0.8f64.ln(), -0.4f64.ln());
    let dice = Dice { smoothing: NONE, ..Dice::default() };
    let combo = Combo { dice, alpha: 0.6, beta: 0.7 };
    let cross_entropy = (0.7 * a + 0.3 * b + 0.7 * c) / 3.0;
    let wanted = 0.6 * cross_entropy + 0.4 * (1.0 - 2.6 / 3.5);
    of_three("combo", |x| combo.objective(x), wanted);
    let unified = UnifiedFocal { smoothing: NONE, ..UnifiedFocal::default() };
    let focal = (0.6 * 0.1f64.sqrt() * a + 0.4 * 0.2f64.sqrt() * b + 0.6 * 0.6f64.sqrt() * c) / 3.0;
    let index = 1.3 / (1.3 + 0.4 * 0.2 + 0.6 * 0.7);
    let wanted = 0.5 * focal + 0.5 * (1.0f64 - index).sqrt();
    of_three("unified focal", |x| unified.objective(x), wanted);
}

/// Three classes, three voxels: one of each class.
const ROWS: [[f64; 3]; 3] = [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]];
const CLASSES: [u8; 3] = [0, 1, 2];

fn of_classes(name: &str, term: Term, wanted: f64) {
    // A constant added to a voxel's logits changes nothing.
    let logits: Vec<_> = ROWS.iter().flat_map(|row| row.map(|p: f64| p.ln() + 3.0)).collect();
    let found = loss(&one(term), &logits, &CLASSES, 3).expect("a valid batch");
    assert!((found - wanted).abs() < 1e-14, "{name}: found {found}, wanted {wanted}");
}

#[test]
fn losses_over_exclusive_classes() {
    let (a, b, c) = (-0.8f64.ln(), -0.5f64.ln(), -0.6f64.ln());
    let cross_entropy = CrossEntropy::default();
    of_classes("cross-entropy", cross_entropy.softmax(), (a + b + c) / 3.0);
    let weighted = cross_entropy.softmax().class_weights([1.0, 2.0, 5.0]);
    of_classes("weighted", weighted, (a + 2.0 * b + 5.0 * c) / 8.0);
    // ε / C of every class's log loss, each row in turn.
    let others = [0.8f64, 0.1, 0.1, 0.2, 0.5, 0.3, 0.1, 0.3, 0.6].map(|p| -p.ln());
    let smoothed = (0.85 * (a + b + c) + 0.15 / 3.0 * others.iter().sum::<f64>()) / 3.0;
    let smooth = CrossEntropy { label_smoothing: 0.15, ..Default::default() };
    of_classes("label smoothing", smooth.softmax(), smoothed);
    let focal = (0.04 * a + 0.25 * b + 0.16 * c) / 3.0;
    of_classes("focal", Focal::default().softmax(), focal);
    // Σp = 1.1, 0.9, 1.0 by class, Σg = 1 each.
    let dice = Dice { smoothing: NONE, ..Dice::default() };
    let each = [1.0 - 1.6 / 2.1, 1.0 - 1.0 / 1.9, 1.0 - 1.2 / 2.0];
    of_classes("dice", dice.softmax(), each.iter().sum::<f64>() / 3.0);
    let foreground = dice.softmax().background(false);
    of_classes("foreground dice", foreground, (each[1] + each[2]) / 2.0);
    let weighted = dice.softmax().class_weights([1.0, 0.0, 3.0]);
    of_classes("weighted dice", weighted, (each[0] + 3.0 * each[2]) / 4.0);
    of_classes("pooled", dice.softmax().pool(Pool::All), 1.0 - 2.0 * 1.9 / 6.0);
    let generalized = GeneralizedDice { smoothing: NONE, ..GeneralizedDice::default() };
    of_classes("generalized dice", generalized.softmax(), 1.0 - 2.0 * 1.9 / 6.0);
}

#[test]
fn a_mistake_costs_its_distance() {
    // Classes 1 and 2 are half as far from each other as from the background: the voxels cost
    // 0.1 + 0.1, 0.2 + 0.5 × 0.3 and 0.1 + 0.5 × 0.3.
    let distances =
        Distances::Matrix(vec![vec![0.0, 2.0, 2.0], vec![2.0, 0.0, 1.0], vec![2.0, 1.0, 0.0]]);
    let loss = GeneralizedWassersteinDice { distances, smoothing: NONE, ..Default::default() };
    let found = 0.65 + 0.75;
    let wanted = 1.0 - 2.0 * found / (2.0 * found + 0.2 + 0.35 + 0.25);
    of_classes("wasserstein dice", loss.softmax(), wanted);
}

/// The loss where only some classes were annotated.
fn annotated(term: Term, valid: [bool; 3]) -> f64 {
    let logits: Vec<_> = ROWS.iter().flat_map(|row| row.map(f64::ln)).collect();
    let layout = Layout::channels_last(&[1, 3, 3]).expect("three axes");
    let logits = Logits::new(&logits, layout).expect("nine logits");
    let target = Target::labels(&CLASSES, Layout::voxels(&[1, 3]).expect("two axes"));
    let target = target.expect("three labels").class_valid(&valid);
    let objective = one(term);
    let moments = objective.measure(&logits, &target).expect("a valid batch");
    objective.evaluate(&moments).expect("its moments").loss()
}

#[test]
fn unannotated_classes_join_the_background() {
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-14, "{found}");
    let (cross_entropy, focal) = (CrossEntropy::default(), Focal::default());
    // Class 2 was not annotated: its voxel is background, as likely as classes 0 and 2 together.
    let valid = [true, true, false];
    let wanted = (-0.9f64.ln() - 0.5f64.ln() - 0.7f64.ln()) / 3.0;
    close(annotated(cross_entropy.softmax(), valid), wanted);
    let wanted = (-0.01 * 0.9f64.ln() - 0.25 * 0.5f64.ln() - 0.09 * 0.7f64.ln()) / 3.0;
    close(annotated(focal.clone().softmax(), valid), wanted);
    // Smoothing is spread over the two classes that are told apart.
    let others = [0.9f64, 0.1, 0.5, 0.5, 0.7, 0.3].map(|p| -p.ln()).iter().sum::<f64>();
    let wanted = (0.8 * (-0.9f64.ln() - 0.5f64.ln() - 0.7f64.ln()) + 0.1 * others) / 3.0;
    close(
        annotated(CrossEntropy { label_smoothing: 0.2, ..Default::default() }.softmax(), valid),
        wanted,
    );
    let dice = Dice { smoothing: NONE, ..Dice::default() };
    let wanted = (1.0 - 1.6 / 2.1 + 1.0 - 1.0 / 1.9) / 2.0;
    close(annotated(dice.softmax(), valid), wanted);
    // Class 1 alone was: all else is one class, and has no Dice.
    let valid = [false, true, false];
    let wanted = (-0.9f64.ln() - 0.5f64.ln() - 0.7f64.ln()) / 3.0;
    close(annotated(cross_entropy.softmax(), valid), wanted);
    close(annotated(dice.softmax(), valid), 1.0 - 1.0 / 1.9);
}

#[test]
fn gradients_by_hand() {
    // Cross-entropy: (p − g) / N. Dice of one class: ∂L/∂p = −2 (g (Σp + Σg) − Σpg) / (Σp + Σg)².
    let gradient = |objective: Objective, logits: &[f64], labels: &[u8], classes: usize| {
        let layout = Layout::channels_last(&[1, labels.len(), classes])?;
        let logits = Logits::new(logits, layout)?;
        let target = Target::labels(labels, Layout::voxels(&[1, labels.len()])?)?;
        let verdict = objective.evaluate(&objective.measure(&logits, &target)?)?;
        let mut gradient = vec![0.0; labels.len() * classes];
        let output = Output::new(&mut gradient, layout)?;
        objective.pull_back(&verdict, 1.0, &logits, &target, output)?;
        Result::<_>::Ok(gradient)
    };
    let logits: Vec<_> = ROWS.iter().flat_map(|row| row.map(f64::ln)).collect();
    let found = gradient(one(CrossEntropy::default().softmax()), &logits, &CLASSES, 3);
    let wanted = [-0.2, 0.1, 0.1, 0.2, -0.5, 0.3, 0.1, 0.3, -0.4].map(|d: f64| d / 3.0);
    assert_close(&found.expect("a batch"), &wanted);
    let dice = Dice { smoothing: NONE, ..Dice::default() };
    let by_p = [1.0, 0.0, 1.0].map(|g| -2.0 * (g * 3.5 - 1.3) / (3.5 * 3.5));
    let found = gradient(one(dice.probabilities()), &P, &G, 1);
    assert_close(&found.expect("a batch"), &by_p);
    let found = gradient(one(dice.sigmoid()), &P.map(odds), &G, 1);
    let by_logit: Vec<_> = by_p.iter().zip(P).map(|(d, p)| d * p * (1.0 - p)).collect();
    assert_close(&found.expect("a batch"), &by_logit);
}

fn assert_close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-14, "found {found}, wanted {wanted}");
    }
}
