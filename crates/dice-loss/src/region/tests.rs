//! What holds for every overlap loss of the catalogue.

use super::*;
use crate::{
    Objective,
    direction::{ByDirection, Direction},
    formula::Formula,
    tape::Given,
    term::Loss,
};
use std::sync::Arc;

const CLASSES: usize = 3;
const VOXELS: usize = 12;

/// The formulas of the catalogue, and further ones whose options lead elsewhere.
fn formulas() -> Vec<Arc<dyn Formula>> {
    let overlap = Overlap::L1;
    let mut terms = vec![
        Dice { squared: true, ..Dice::default() }.softmax(),
        Dice { overlap, ..Dice::default() }.softmax(),
        IoU { overlap, ..IoU::default() }.softmax(),
        Tversky { overlap, alpha: 0.4, ..Tversky::default() }.softmax(),
        FocalTversky { gamma: 1.5, ..FocalTversky::default() }.softmax(),
        LogDice { gamma: 0.3, ..LogDice::default() }.softmax(),
    ];
    for weight in [VolumeWeight::Inverse, VolumeWeight::Uniform] {
        terms.push(GeneralizedDice { weight, overlap, ..GeneralizedDice::default() }.softmax());
        let weight = TransportWeight::Volume(weight);
        terms.push(GeneralizedWassersteinDice { weight, ..Default::default() }.softmax());
    }
    for entry in CATALOGUE {
        let objective: Objective = entry.objective(Activation::Softmax);
        terms.extend(objective.resolved().into_iter().map(|(_, term)| term));
    }
    let formula = |term: Term| match term.loss {
        Loss::Overlap(formula) => Some(formula),
        Loss::Voxel(_) => None,
    };
    terms.into_iter().filter_map(formula).collect()
}

/// Those that say something without a map.
fn without_map() -> Vec<Arc<dyn Formula>> {
    formulas().into_iter().filter(|formula| formula.map().is_none()).collect()
}

/// A sequence of numbers in [0, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The sums of voxels with these probabilities and labels; all classes are 1 apart.
fn sums(probabilities: &[[f64; CLASSES]], labels: &[usize]) -> Vec<Sums> {
    let of_class = |class: usize| {
        let mut m = Sums::default();
        for (p, &label) in probabilities.iter().zip(labels) {
            let (p, g) = (p[class], f64::from(u8::from(label == class)));
            let transport = g * (1.0 - p);
            let voxel = Sums {
                pg: p * g,
                p,
                pp: p * p,
                l1: (p - g).abs(),
                abs_p: p,
                transport,
                sensitivity_error: g * (p - g) * (p - g),
                specificity_error: (1.0 - g) * (p - g) * (p - g),
                squared_error: (p - g) * (p - g),
                g,
                gg: g,
                n: 1.0,
                mapped: 1.0,
            };
            m.add(1.0, voxel);
        }
        m
    };
    (0..CLASSES).map(of_class).collect()
}

fn probabilities(numbers: &mut Numbers) -> Vec<[f64; CLASSES]> {
    let voxel = |_| {
        let p: [f64; CLASSES] = std::array::from_fn(|_| 0.01 + numbers.next());
        p.map(|value| value / p.iter().sum::<f64>())
    };
    (0..VOXELS).map(voxel).collect()
}

fn labels(numbers: &mut Numbers) -> Vec<usize> {
    (0..VOXELS).map(|_| (numbers.next() * CLASSES as f64) as usize).collect()
}

fn one_hot(labels: &[usize]) -> Vec<[f64; CLASSES]> {
    let voxel = |&label: &usize| std::array::from_fn(|class| f64::from(u8::from(label == class)));
    labels.iter().map(voxel).collect()
}

/// The formula on a row: one value for coupled classes, otherwise one for each.
fn values(formula: &dyn Formula, row: &[Sums]) -> Vec<f64> {
    let (values, _) = evaluated(formula, row, &[1.0; CLASSES]);
    values
}

/// Its values, and the derivatives of their sum by the sums of each class.
fn evaluated(
    formula: &dyn Formula,
    row: &[Sums],
    weights: &[f64],
) -> (Vec<f64>, Vec<ByDirection<f64>>) {
    let given = |(class, (sums, weight)): (usize, (&Sums, &f64))| Given {
        sums: *sums,
        weight: *weight,
        foreground: class > 0,
    };
    let given: Vec<_> = row.iter().zip(weights).enumerate().map(given).collect();
    let replay = formula.tape().replay(&given);
    let of_class = |class| ByDirection::new(|direction| replay.slope(direction.sum(), class));
    let values = if formula.is_coupled() { 1 } else { row.len() };
    (replay.values()[..values].to_vec(), (0..row.len()).map(of_class).collect())
}

fn total(formula: &dyn Formula, row: &[Sums], weights: &[f64]) -> f64 {
    evaluated(formula, row, weights).0.iter().sum()
}

#[test]
fn derivatives_are_those_of_the_formula() {
    let mut numbers = Numbers(1);
    let weights = [1.0, 0.5, 2.0];
    for _ in 0..20 {
        let row = sums(&probabilities(&mut numbers), &labels(&mut numbers));
        for formula in formulas() {
            let (_, derivatives) = evaluated(formula.as_ref(), &row, &weights);
            for (class, direction) in (0..CLASSES).flat_map(|c| Direction::ALL.map(move |d| (c, d)))
            {
                let moved = |by: f64| {
                    let mut row = row.clone();
                    let sum = row[class].get(direction);
                    row[class].set(direction, sum + by);
                    total(formula.as_ref(), &row, &weights)
                };
                let h = 1e-6;
                let wanted = (moved(h) - moved(-h)) / (2.0 * h);
                let found = derivatives[class][direction];
                assert!(
                    (found - wanted).abs() < 1e-6 * (1.0 + wanted.abs()),
                    "{formula:?}, class {class}, {direction:?}: {found}, wanted {wanted}"
                );
                let read = formula.tape().reads(direction.sum());
                assert!(read || found == 0.0, "{formula:?} reads {direction:?} unannounced");
            }
        }
    }
}

#[test]
fn a_perfect_match_costs_nothing() {
    let mut numbers = Numbers(2);
    for _ in 0..20 {
        let labels = labels(&mut numbers);
        let row = sums(&one_hot(&labels), &labels);
        for formula in without_map() {
            for value in values(formula.as_ref(), &row) {
                assert!(value.abs() < 1e-12, "{formula:?}: {value}");
            }
        }
    }
}

/// Whether a loss says that it is never above 1.
fn ranges_to_one(name: &str) -> bool {
    let entry = crate::catalogue::find(name).expect("a loss of the catalogue");
    entry.range.starts_with("[0, 1]") || entry.range.starts_with("[0, 0.")
}

#[test]
fn any_other_costs_at_most_one_where_the_range_says_so() {
    let mut numbers = Numbers(3);
    for _ in 0..20 {
        let row = sums(&probabilities(&mut numbers), &labels(&mut numbers));
        for formula in without_map() {
            for value in values(formula.as_ref(), &row) {
                let below = if ranges_to_one(formula.name()) { 1.0 } else { f64::MAX };
                assert!(value > 0.0 && value <= below, "{formula:?}: {value}");
            }
        }
    }
}

/// Into the interior, where every class is predicted a little, the loss moves as its derivatives
/// say, however small the sums.
#[test]
fn empty_and_full_references_have_one_sided_derivatives() {
    let mut numbers = Numbers(4);
    let uniform = probabilities(&mut numbers);
    let labels = vec![1; VOXELS];
    let inside = sums(&uniform, &labels);
    // Curves have the scale of the smoothing, 1e-5, of which the step is a ten-thousandth part.
    let h = 1e-9;
    for prediction in [probabilities(&mut numbers), one_hot(&labels), one_hot(&[2; VOXELS])] {
        let row = sums(&prediction, &labels);
        let by_class = |class: usize| {
            ByDirection::new(|direction| inside[class].get(direction) - row[class].get(direction))
        };
        let way: Vec<_> = (0..CLASSES).map(by_class).collect();
        for formula in formulas() {
            let after = |step: f64| {
                let mut moved = row.clone();
                for (m, way) in moved.iter_mut().zip(&way) {
                    way.each()
                        .for_each(|(direction, by)| m.set(direction, m.get(direction) + step * by));
                }
                evaluated(formula.as_ref(), &moved, &[1.0; CLASSES])
            };
            let values = |step| after(step).0.iter().sum::<f64>();
            let [here, there, beyond] = [0.0, h, 2.0 * h].map(values);
            let (_, derivatives) = after(0.0);
            let slopes = derivatives.iter().zip(&way).flat_map(|(derivatives, way)| {
                derivatives.zip(*way, |slope, by| slope * by).each().collect::<Vec<_>>()
            });
            let slopes: Vec<f64> = slopes.map(|(_, slope)| slope).collect();
            let (found, wanted) = (slopes.iter().sum::<f64>(), (there - here) / h);
            // What the differences lose by rounding, and to the bend of the curve.
            let rounding = 1e-6 * (1.0 + slopes.iter().map(|slope| slope.abs()).sum::<f64>());
            let bend = (beyond - 2.0 * there + here).abs() / h;
            // The root of a matched class's loss is infinitely steep, and said to be 0.
            let is_root = ["focal_tversky", "log_dice"].contains(&formula.name());
            let is_steep = is_root && row.iter().any(|m| m.p == m.pg && m.g == m.pg);
            let agrees = (found - wanted).abs() <= rounding + bend;
            assert!(is_steep || agrees, "{formula:?}: {found}, wanted {wanted}");
        }
    }
}

#[test]
fn not_a_number_comes_through() {
    let mut numbers = Numbers(5);
    let mut prediction = probabilities(&mut numbers);
    prediction[0] = [f64::NAN; CLASSES];
    let row = sums(&prediction, &[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    for formula in formulas() {
        let found = total(formula.as_ref(), &row, &[1.0; CLASSES]);
        assert!(found.is_nan(), "{formula:?}: {found}");
    }
}

#[test]
fn options_out_of_range_are_named() {
    let smoothing = Smoothing { numerator: 0.0, denominator: -1.0 };
    let terms = [
        Dice { smoothing, ..Dice::default() }.softmax(),
        IoU { smoothing, ..IoU::default() }.softmax(),
        Tversky { alpha: -1.0, ..Tversky::default() }.softmax(),
        Tversky { beta: f64::NAN, ..Tversky::default() }.softmax(),
        FocalTversky { gamma: 0.0, ..FocalTversky::default() }.softmax(),
        FocalTversky {
            tversky: Tversky { smoothing, ..Tversky::default() },
            ..FocalTversky::default()
        }
        .softmax(),
        LogDice { gamma: f64::INFINITY, ..LogDice::default() }.softmax(),
        LogCoshDice { dice: Dice { smoothing, ..Dice::default() } }.softmax(),
        GeneralizedDice { smoothing, ..GeneralizedDice::default() }.softmax(),
        GeneralizedWassersteinDice { smoothing, ..Default::default() }.softmax(),
        MatthewsCorrelation { smoothing: -1.0 }.softmax(),
    ];
    for term in terms {
        let error = term.check(CLASSES).expect_err("an option is out of range").to_string();
        assert!(error.starts_with(&format!("{}: ", term.name())), "{error}");
    }
}

#[test]
fn agrees_with_monai() {
    let prediction =
        [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6], [0.7, 0.2, 0.1], [0.5, 0.3, 0.2]];
    let row = sums(&prediction, &[0, 1, 2, 0, 1]);
    let smoothing = Smoothing::both(0.0);
    let generalized = |weight| GeneralizedDice { weight, smoothing, ..Default::default() };
    // What MONAI 1.6.1 prints for these voxels without smoothing, in float64.
    let cases: [(Term, &[f64]); 9] = [
        (
            Dice { smoothing, ..Dice::default() }.probabilities(),
            &[0.3023255813953488, 0.5294117647058824, 0.4782608695652175],
        ),
        (
            Dice { squared: true, smoothing, ..Dice::default() }.probabilities(),
            &[0.12536443148688048, 0.35483870967741926, 0.20529801324503305],
        ),
        (
            IoU { smoothing, ..IoU::default() }.probabilities(),
            &[0.4642857142857143, 0.6923076923076923, 0.6470588235294118],
        ),
        (
            Tversky { alpha: 0.3, beta: 0.7, smoothing, ..Tversky::default() }.probabilities(),
            &[0.28229665071770327, 0.5604395604395604, 0.4495412844036698],
        ),
        (
            MatthewsCorrelation { smoothing: 0.0 }.probabilities(),
            &[0.5249092523897758, 0.7817821097640076, 0.6124333603005798],
        ),
        (generalized(VolumeWeight::InverseSquare).probabilities(), &[0.44378698224852087]),
        (generalized(VolumeWeight::Inverse).probabilities(), &[0.43089430894308944]),
        (generalized(VolumeWeight::Uniform).probabilities(), &[0.42]),
        (
            GeneralizedWassersteinDice { smoothing, ..Default::default() }.probabilities(),
            &[0.4285714285714285],
        ),
    ];
    for (term, wanted) in cases {
        let Loss::Overlap(formula) = term.loss else { panic!("an overlap loss") };
        let found = values(formula.as_ref(), &row);
        let agree = found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-14);
        assert!(agree && found.len() == wanted.len(), "{formula:?}: {found:?}, wanted {wanted:?}");
    }
}
