//! What each operation is worth, its slope at its edges, and what is put down of a formula.

use super::*;
use crate::{Activation, Declaration, Declare, Objective, RowLoss, Term};

const INFINITY: f64 = f64::INFINITY;

/// A formula of x = Σpg and y = Σ|p − g|: its value, and the derivatives by both.
fn at(x: f64, y: f64, formula: impl for<'t> Fn(Number<'t>, Number<'t>) -> Number<'t>) -> [f64; 3] {
    let tape = Tape::of_class(|m| formula(m.pg, m.l1));
    let replay = tape.replay(&[Given::alone(Sums { pg: x, l1: y, ..Sums::default() })]);
    [replay.value(0), replay.slope(Sum::Intersection, 0), replay.slope(Sum::Difference, 0)]
}

#[test]
fn slopes_are_those_of_differences() {
    fn formula<'t>(x: Number<'t>, y: Number<'t>) -> Number<'t> {
        let ratio = (x * y + 0.5) / (x + y * 2.0);
        let curved = (2.0 - ratio).powf(0.75) + ratio.ln() * x.sqrt() - (-y).ln_cosh();
        let chosen = (y - x).select(x.exp(), y * y - 1.0) + (x - y).select(0.25, 3.0 / x);
        curved + chosen * (x + y).at_least_zero()
    }
    // A step whose square is the rounding of a number.
    let h = 1e-6;
    for (x, y) in [(1.3, 0.7), (0.4, 2.1)] {
        let [_, by_x, by_y] = at(x, y, formula);
        let value = |x, y| at(x, y, formula)[0];
        let wanted_x = (value(x + h, y) - value(x - h, y)) / (2.0 * h);
        let wanted_y = (value(x, y + h) - value(x, y - h)) / (2.0 * h);
        assert!((by_x - wanted_x).abs() < 1e-8, "{by_x}, wanted {wanted_x}");
        assert!((by_y - wanted_y).abs() < 1e-8, "{by_y}, wanted {wanted_y}");
    }
}

#[test]
fn edges() {
    // by hand, as the operations are documented
    assert_eq!(at(0.0, 0.0, |x, _| x.sqrt()), [0.0; 3]);
    assert_eq!(at(0.0, 0.0, |x, _| x.powf(0.5)), [0.0; 3]);
    assert_eq!(at(-1.0, 0.0, |x, _| x.powf(3.0)), [0.0; 3]);
    assert_eq!(at(-1e-9, 0.0, |x, _| x.at_least_zero()), [0.0, 1.0, 0.0]);
    assert_eq!(at(2.0, 0.0, |x, _| x.at_least_zero()), [2.0, 1.0, 0.0]);
    let ln_2 = std::f64::consts::LN_2;
    assert_eq!(at(-1e6, 0.0, |x, _| x.ln_cosh()), [1e6 - ln_2, -1.0, 0.0]);
    assert_eq!(at(0.0, 0.0, |x, _| x.ln()), [-INFINITY, INFINITY, 0.0]);
    assert_eq!(at(0.0, 3.0, |x, y| y / x), [INFINITY, -INFINITY, INFINITY]);
    assert_eq!(at(3.0, 1.0, |x, _| x.powf(1.0)), [3.0, 1.0, 0.0]);
}

#[test]
fn what_is_not_chosen_has_no_slope_however_steep() {
    assert_eq!(at(0.0, 2.0, |x, y| x.select(y / x, y)), [2.0, 0.0, 1.0]);
    assert_eq!(at(1.0, 0.0, |x, y| x.select(x, y.ln())), [1.0, 1.0, 0.0]);
    assert_eq!(at(0.0, 2.0, |x, y| y + 0.0 * x.ln().exp().sqrt()), [2.0, 0.0, 1.0]);
}

#[test]
fn not_a_number_stays_one() {
    let nan = f64::NAN;
    let formulas: [for<'t> fn(Number<'t>, Number<'t>) -> Number<'t>; 7] = [
        |x, _| x.powf(0.5),
        |x, _| x.sqrt(),
        |x, _| x.at_least_zero(),
        |x, _| x.ln_cosh(),
        |x, _| x.ln(),
        |x, _| x.exp(),
        |x, y| y / x,
    ];
    for formula in formulas {
        assert!(at(nan, 1.0, formula)[0].is_nan());
    }
    assert!(
        at(nan, 0.0, |x, _| x.powf(2.0))[1].is_nan() && at(nan, 0.0, |x, _| x.sqrt())[1].is_nan()
    );
}

/// The sums of classes with these sizes of the reference, and what a formula of their row says.
fn of_row(
    sizes: &[f64],
    weights: &[f64],
    formula: impl for<'t> Fn(&Row<'t>) -> Number<'t>,
) -> (f64, Vec<f64>) {
    let given = |(class, (g, weight)): (usize, (&f64, &f64))| Given {
        sums: Sums { g: *g, ..Sums::default() },
        weight: *weight,
        foreground: class > 0,
    };
    let given: Vec<_> = sizes.iter().zip(weights).enumerate().map(given).collect();
    let tape = Tape::of_row(formula);
    let replay = tape.replay(&given);
    (replay.value(0), (0..sizes.len()).map(|class| replay.slope(Sum::Reference, class)).collect())
}

#[test]
fn classes_are_added_up_and_compared() {
    fn square<'t>(row: &Row<'t>) -> Number<'t> {
        row.total(row.weight, row.sums.g * row.sums.g)
    }
    // by hand: 1 + 2 × 9, slopes 2 g w; what weighs nothing is not read
    assert_eq!(
        of_row(&[1.0, 3.0, f64::NAN], &[1.0, 2.0, 0.0], square),
        (19.0, vec![2.0, 12.0, 0.0])
    );
    fn behind<'t>(row: &Row<'t>) -> Number<'t> {
        row.total(row.foreground, row.sums.g)
    }
    assert_eq!(of_row(&[5.0, 3.0, 4.0], &[1.0; 3], behind), (7.0, vec![0.0, 1.0, 1.0]));
    fn least<'t>(row: &Row<'t>) -> Number<'t> {
        row.least(row.sums.g) * 2.0
    }
    assert_eq!(of_row(&[0.0, 3.0, 4.0, 3.0], &[1.0; 4], least), (6.0, vec![0.0, 1.0, 0.0, 1.0]));
    assert_eq!(of_row(&[0.0, -1.0], &[1.0; 2], least), (2.0, vec![0.0; 2]));
    // by hand: Σ g / min g = (2 + 3) / 2, by the least −Σg / min² + 1 / min
    fn relative<'t>(row: &Row<'t>) -> Number<'t> {
        row.total(row.weight, row.sums.g / row.least(row.sums.g))
    }
    assert_eq!(of_row(&[2.0, 3.0], &[1.0; 2], relative), (2.5, vec![-0.75, 0.5]));
}

#[test]
fn what_is_needed_is_put_down_once() {
    let tape = Tape::of_class(|m| {
        let _unused = m.pp.ln();
        (m.pg + m.p) * 2.0 - (m.pg + m.p) / (m.g + 2.0)
    });
    let wanted = [
        Operation::Sum(Sum::Intersection),
        Operation::Sum(Sum::Prediction),
        Operation::Sum(Sum::Reference),
        Operation::Add(0, 1),
        Operation::Constant(2.0),
        Operation::Multiply(3, 4),
        Operation::Add(2, 4),
        Operation::Divide(3, 6),
        Operation::Subtract(5, 7),
    ];
    assert_eq!(tape.operations(), wanted);
    assert!(tape.reads(Sum::Prediction) && !tape.reads(Sum::PredictionSquared));
    let written = serde_json::to_value(&tape).expect("plain data");
    assert_eq!(written["operations"][0], serde_json::json!({ "sum": "intersection" }));
    assert_eq!(written["operations"][8], serde_json::json!({ "subtract": [5, 7] }));
}

/// A loss of rows that has a number for each class.
#[derive(Debug, Clone)]
struct Unfinished;

impl Declare for Unfinished {
    const DECLARATION: Declaration =
        Declaration { name: "unfinished", title: "Unfinished", ..Declaration::OWN };
}

impl RowLoss for Unfinished {
    fn loss<'t>(&self, row: &Row<'t>) -> Number<'t> {
        row.sums.pg / row.least(row.sums.g)
    }
}

#[test]
fn a_row_has_one_loss() {
    let objective = Objective::new().term(1.0, Term::of_row(Unfinished, Activation::Softmax));
    let error = objective.prepare(2).expect_err("a number for each class").to_string();
    assert_eq!(
        error,
        "unfinished: formula: found a number for each class, wanted one number for all classes, as \
         `Row::total` makes"
    );
}
