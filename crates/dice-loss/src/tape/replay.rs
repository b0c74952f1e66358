//! A formula carried out: its values, and its derivatives in one pass backwards.

use super::{Operation, Tape};
use crate::{Sum, Sums};

/// What a formula is given of a class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    pub sums: Sums,
    pub weight: f64,
    pub foreground: bool,
}

impl Given {
    /// Of a class by itself.
    pub fn alone(sums: Sums) -> Self {
        Self { sums, weight: 1.0, foreground: true }
    }
}

/// A formula carried out for some classes side by side.
#[derive(Debug)]
pub(crate) struct Replay<'t> {
    tape: &'t Tape,
    classes: usize,
    /// (operation, class).
    values: Vec<f64>,
    /// (operation, class): the derivative of the loss by each value.
    slopes: Vec<f64>,
}

impl Tape {
    /// Bytes of [`Replay`] for each class.
    pub(crate) fn bytes_of_class(&self) -> usize {
        2 * size_of::<f64>() * self.operations.len()
    }

    /// The formula and its derivatives, linear in classes.
    pub(crate) fn replay(&self, given: &[Given]) -> Replay<'_> {
        let (classes, all) = (given.len(), given.len() * self.operations.len());
        let mut replay =
            Replay { tape: self, classes, values: vec![0.0; all], slopes: vec![0.0; all] };
        if classes > 0 {
            replay.forwards(given);
            replay.backwards();
        }
        replay
    }
}

impl Replay<'_> {
    /// The loss of each class; for coupled classes that of their row, again and again.
    pub fn values(&self) -> &[f64] {
        &self.values[self.values.len() - self.classes..]
    }

    /// The derivatives of each class's loss, or of the row's, by the class's sum; none for a sum that the
    /// formula does not read.
    pub fn slopes(&self, sum: Sum) -> Option<&[f64]> {
        let at = self.tape.operations.iter().position(|o| *o == Operation::Sum(sum))?;
        Some(&self.slopes[at * self.classes..][..self.classes])
    }

    /// The loss of one class.
    pub fn value(&self, class: usize) -> f64 {
        self.values()[class]
    }

    /// The derivative by a sum of one class.
    #[cfg(test)]
    pub fn slope(&self, sum: Sum, class: usize) -> f64 {
        self.slopes(sum).map_or(0.0, |slopes| slopes[class])
    }

    fn forwards(&mut self, given: &[Given]) {
        let classes = self.classes;
        for (at, operation) in self.tape.operations.iter().enumerate() {
            let (before, here) = self.values.split_at_mut(at * classes);
            let here = &mut here[..classes];
            let of = |operand: usize| &before[operand * classes..][..classes];
            match *operation {
                Operation::Sum(sum) => fill(here, |class| given[class].sums.of(sum)),
                Operation::Weight => fill(here, |class| given[class].weight),
                Operation::Foreground => {
                    fill(here, |class| f64::from(u8::from(given[class].foreground)));
                }
                Operation::Constant(value) => here.fill(value),
                Operation::Negate(a) => map(here, of(a), |a| -a),
                Operation::Add(a, b) => zip(here, of(a), of(b), |a, b| a + b),
                Operation::Subtract(a, b) => zip(here, of(a), of(b), |a, b| a - b),
                Operation::Multiply(a, b) => zip(here, of(a), of(b), |a, b| a * b),
                Operation::Divide(a, b) => zip(here, of(a), of(b), |a, b| a / b),
                Operation::Ln(a) => map(here, of(a), f64::ln),
                Operation::Exp(a) => map(here, of(a), f64::exp),
                Operation::Sqrt(a) => map(here, of(a), f64::sqrt),
                Operation::Power(a, exponent) => {
                    map(here, of(a), |a| if a <= 0.0 { 0.0 } else { a.powf(exponent) });
                }
                Operation::LnCosh(a) => map(here, of(a), |a| {
                    a.abs() + (-2.0 * a.abs()).exp().ln_1p() - std::f64::consts::LN_2
                }),
                Operation::AtLeastZero(a) => map(here, of(a), |a| if a < 0.0 { 0.0 } else { a }),
                Operation::Select(a, b, c) => {
                    let (a, b, c) = (of(a), of(b), of(c));
                    fill(here, |class| if a[class] > 0.0 { b[class] } else { c[class] });
                }
                Operation::Total(a) => here.fill(of(a).iter().sum()),
                Operation::Least(a) => here.fill(least(of(a)).unwrap_or(1.0)),
            }
        }
    }

    fn backwards(&mut self) {
        let classes = self.classes;
        let last = self.slopes.len() - classes;
        // Of coupled classes every copy of the loss is the same one.
        let seeds = if self.tape.coupled { 1 } else { classes };
        self.slopes[last..][..seeds].fill(1.0);
        for (at, operation) in self.tape.operations.iter().enumerate().rev() {
            let (before, here) = self.slopes.split_at_mut(at * classes);
            let (upstream, value) = (&here[..classes], &self.values[at * classes..][..classes]);
            let of = |operand: usize| &self.values[operand * classes..][..classes];
            let mut slopes = Earlier { slopes: before, upstream };
            match *operation {
                Operation::Sum(_)
                | Operation::Weight
                | Operation::Foreground
                | Operation::Constant(_) => {}
                Operation::Negate(a) => slopes.add(a, |_| -1.0),
                Operation::Add(a, b) => {
                    slopes.add(a, |_| 1.0);
                    slopes.add(b, |_| 1.0);
                }
                Operation::Subtract(a, b) => {
                    slopes.add(a, |_| 1.0);
                    slopes.add(b, |_| -1.0);
                }
                Operation::Multiply(a, b) => {
                    slopes.add(a, |class| of(b)[class]);
                    slopes.add(b, |class| of(a)[class]);
                }
                Operation::Divide(a, b) => {
                    slopes.add(a, |class| 1.0 / of(b)[class]);
                    slopes.add(b, |class| -value[class] / of(b)[class]);
                }
                Operation::Ln(a) => slopes.add(a, |class| 1.0 / of(a)[class]),
                Operation::Exp(a) => slopes.add(a, |class| value[class]),
                Operation::Sqrt(a) => slopes.add(a, |class| match value[class] == 0.0 {
                    true => 0.0,
                    false => 0.5 / value[class],
                }),
                Operation::Power(a, exponent) => slopes.add(a, |class| match of(a)[class] <= 0.0 {
                    true => 0.0,
                    false => exponent * of(a)[class].powf(exponent - 1.0),
                }),
                Operation::LnCosh(a) => slopes.add(a, |class| of(a)[class].tanh()),
                Operation::AtLeastZero(a) => slopes.add(a, |_| 1.0),
                Operation::Select(a, b, c) => {
                    let is = |class: usize, above: bool| (of(a)[class] > 0.0) == above;
                    slopes.add(b, |class| f64::from(u8::from(is(class, true))));
                    slopes.add(c, |class| f64::from(u8::from(is(class, false))));
                }
                Operation::Total(a) => slopes.add_to_all(a, |_| 1.0),
                Operation::Least(a) => {
                    let least = least(of(a));
                    let is_least = |class: usize| Some(of(a)[class]) == least;
                    let sharing = (0..classes).filter(|class| is_least(*class)).count() as f64;
                    slopes.add_to_all(a, |class| if is_least(class) { 1.0 / sharing } else { 0.0 });
                }
            }
        }
    }
}

/// The slopes of what came before an operation.
struct Earlier<'a> {
    slopes: &'a mut [f64],
    /// Of the operation, class by class.
    upstream: &'a [f64],
}

impl Earlier<'_> {
    /// Passes the operation's slope on to an operand, class by class.
    fn add(&mut self, operand: usize, slope: impl Fn(usize) -> f64) {
        let classes = self.upstream.len();
        let sums = self.slopes[operand * classes..].iter_mut().zip(self.upstream);
        for (class, (sum, upstream)) in sums.enumerate() {
            *sum += times(*upstream, || slope(class));
        }
    }

    /// Passes the slopes of all classes' copies on to each class.
    fn add_to_all(&mut self, operand: usize, slope: impl Fn(usize) -> f64) {
        let upstream: f64 = self.upstream.iter().sum();
        let sums = self.slopes[operand * self.upstream.len()..].iter_mut();
        for (class, sum) in sums.take(self.upstream.len()).enumerate() {
            *sum += times(upstream, || slope(class));
        }
    }
}

/// 0 where either is 0, even if the other is infinite: what does not count has no derivative.
fn times(upstream: f64, slope: impl FnOnce() -> f64) -> f64 {
    if upstream == 0.0 {
        return 0.0;
    }
    let slope = slope();
    if slope == 0.0 { 0.0 } else { slope * upstream }
}

fn fill(here: &mut [f64], of: impl Fn(usize) -> f64) {
    here.iter_mut().enumerate().for_each(|(class, here)| *here = of(class));
}

fn map(here: &mut [f64], a: &[f64], of: impl Fn(f64) -> f64) {
    here.iter_mut().zip(a).for_each(|(here, a)| *here = of(*a));
}

fn zip(here: &mut [f64], a: &[f64], b: &[f64], of: impl Fn(f64, f64) -> f64) {
    here.iter_mut().zip(a.iter().zip(b)).for_each(|(here, (a, b))| *here = of(*a, *b));
}

/// The smallest above 0.
fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().filter(|value| *value > 0.0).reduce(f64::min)
}
