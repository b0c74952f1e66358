//! A loss as its author writes it, and as the objective evaluates it.

use std::{any::TypeId, fmt::Debug};

use serde_json::{Map, Value};

use super::{ByDirection, Distances, Sums};
use crate::{
    Activation, Kind, Result, catalogue,
    declaration::{self, Declare},
    real::{Dual, Real, Uses},
};

/// The loss of one class, as the formula in the paper.
///
/// Most losses are only this. The derivative comes from evaluating the formula on dual numbers.
///
/// ```
/// use dice_loss::{Activation, ClassLoss, Declaration, Declare, Objective, Real, Sums, Term};
///
/// /// False positives alone, as a share of the prediction: 1 − precision.
/// #[derive(Debug, Clone)]
/// struct Imprecision;
///
/// impl Declare for Imprecision {
///     const DECLARATION: Declaration = Declaration {
///         name: "imprecision",
///         title: "1 − precision",
///         formula: "1 − Σpg / Σp",
///         ..Declaration::OWN
///     };
/// }
///
/// impl ClassLoss for Imprecision {
///     fn loss<S: Real>(&self, m: &Sums<S>) -> S {
///         S::from(1.0) - (m.pg + 1e-5) / (m.p + 1e-5)
///     }
/// }
///
/// let objective = Objective::new().term(1.0, Term::of_class(Imprecision, Activation::Sigmoid));
/// ```
pub trait ClassLoss: Declare + Debug + Send + Sync + 'static {
    /// The formula. Branch on data (`g`, `n`) if need be, never on a sum of the prediction.
    fn loss<S: Real>(&self, m: &Sums<S>) -> S;

    /// What there is to check beside the ranges of the options.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A loss that couples the classes: it sees all classes of a sample (or of the batch) at once.
pub trait RowLoss: Declare + Debug + Send + Sync + 'static {
    /// The formula; a class of weight 0 takes no part.
    fn loss<S: Real>(&self, row: &[Sums<S>], weights: &[f64]) -> S;

    /// What there is to check beside the ranges of the options, for this number of classes.
    fn check(&self, classes: usize) -> Result<()> {
        let _ = classes;
        Ok(())
    }

    /// The distances between classes, if the formula reads [`Sums::transport`].
    fn distances(&self) -> Option<&Distances> {
        None
    }
}

/// The value of a formula and, per class, its derivatives by that class's sums.
pub(crate) struct Outcome {
    pub value: f64,
    pub derivatives: Vec<ByDirection<f64>>,
}

/// Either kind of loss, erased.
pub(crate) trait Formula: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn activations(&self) -> &'static [Activation];
    fn check(&self, classes: usize) -> Result<()>;
    /// The number of classes that some option is for, if any says.
    fn least_classes(&self) -> Option<usize>;
    /// The sums it needs.
    fn uses(&self) -> Uses;
    /// Whether it wants whole rows; otherwise it is given rows of one class.
    fn is_coupled(&self) -> bool;
    fn distances(&self) -> Option<&Distances>;
    fn evaluate(&self, row: &[Sums], weights: &[f64]) -> Outcome;
    /// Its name and options, as a spec has them; none for a loss that is not of the catalogue.
    fn written(&self) -> Option<Map<String, Value>>;
}

/// The options of a loss of the catalogue.
fn written<L: Declare>(loss: &L) -> Option<Map<String, Value>> {
    catalogue::has(L::DECLARATION.name, TypeId::of::<L>()).then(|| catalogue::written(loss))
}

/// [`ClassLoss`] as a [`Formula`].
#[derive(Debug)]
pub(crate) struct PerClass<L>(pub L);

impl<L> PerClass<L> {
    pub const KIND: Kind = Kind::Overlap { coupled: false };
}

/// [`RowLoss`] as a [`Formula`].
#[derive(Debug)]
pub(crate) struct PerRow<L>(pub L);

impl<L> PerRow<L> {
    pub const KIND: Kind = Kind::Overlap { coupled: true };
}

impl<L: ClassLoss> Formula for PerClass<L> {
    fn name(&self) -> &'static str {
        L::DECLARATION.name
    }

    fn activations(&self) -> &'static [Activation] {
        L::DECLARATION.activations
    }

    fn check(&self, classes: usize) -> Result<()> {
        declaration::check(&self.0, classes)?;
        self.0.check()
    }

    fn least_classes(&self) -> Option<usize> {
        declaration::least_classes(&mut self.0.clone())
    }

    fn written(&self) -> Option<Map<String, Value>> {
        written(&self.0)
    }

    fn uses(&self) -> Uses {
        self.0.loss(&Sums::present().traced())
    }

    fn is_coupled(&self) -> bool {
        false
    }

    fn distances(&self) -> Option<&Distances> {
        None
    }

    fn evaluate(&self, row: &[Sums], _: &[f64]) -> Outcome {
        let mut outcome = Outcome { value: 0.0, derivatives: Vec::with_capacity(row.len()) };
        for sums in row {
            let Dual { value, derivatives } = self.0.loss(&sums.variables());
            outcome.value += value;
            outcome.derivatives.push(derivatives);
        }
        outcome
    }
}

impl<L: RowLoss> Formula for PerRow<L> {
    fn name(&self) -> &'static str {
        L::DECLARATION.name
    }

    fn activations(&self) -> &'static [Activation] {
        L::DECLARATION.activations
    }

    fn check(&self, classes: usize) -> Result<()> {
        declaration::check(&self.0, classes)?;
        self.0.check(classes)
    }

    fn least_classes(&self) -> Option<usize> {
        declaration::least_classes(&mut self.0.clone())
    }

    fn written(&self) -> Option<Map<String, Value>> {
        written(&self.0)
    }

    fn uses(&self) -> Uses {
        let present = Sums::present().traced();
        self.0.loss(&[present, present], &[1.0, 1.0])
    }

    fn is_coupled(&self) -> bool {
        true
    }

    fn distances(&self) -> Option<&Distances> {
        self.0.distances()
    }

    fn evaluate(&self, row: &[Sums], weights: &[f64]) -> Outcome {
        let mut duals: Vec<_> = row.iter().map(Sums::constants).collect();
        let mut outcome = Outcome { value: 0.0, derivatives: Vec::with_capacity(row.len()) };
        if row.is_empty() {
            return outcome;
        }
        for (class, sums) in row.iter().enumerate() {
            duals[class] = sums.variables();
            let Dual { value, derivatives } = self.0.loss(&duals, weights);
            duals[class] = sums.constants();
            outcome.value = value;
            outcome.derivatives.push(derivatives);
        }
        outcome
    }
}
