//! A loss as its author writes it, and as the objective evaluates it.

mod distances;
mod overlap;
mod smoothing;
mod sums;

pub use distances::Distances;
pub use overlap::Overlap;
pub use smoothing::Smoothing;
pub use sums::Sums;

use std::{any::TypeId, fmt::Debug};

use serde_json::{Map, Value};

use crate::{
    Activation, Kind, Result,
    declaration::{self, Declare},
    error::stated,
    maps::Wanted,
    tape::{Given, Number, Row, Tape},
};

/// The loss of one class, as the formula in the paper.
///
/// Most losses are only this. Derivatives, the sums to measure, and the formula in other frameworks follow
/// from what it does with its [`Number`]s.
///
/// ```
/// use dice_loss::{Activation, ClassLoss, Declaration, Declare, Number, Objective, Sums, Term};
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
///     fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
///         1.0 - (m.pg + 1e-5) / (m.p + 1e-5)
///     }
/// }
///
/// assert!((Imprecision.value(&Sums { pg: 2.0, p: 4.0, ..Sums::default() }) - 0.5).abs() < 1e-5);
/// let objective = Objective::new().term(1.0, Term::of_class(Imprecision, Activation::Sigmoid));
/// ```
pub trait ClassLoss: Declare + Debug + Send + Sync + 'static {
    /// The formula.
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t>;

    /// Its value for these sums.
    fn value(&self, m: &Sums) -> f64 {
        Tape::of_class(|m| self.loss(m)).replay(&[Given::alone(*m)]).value(0)
    }

    /// What there is to check beside the ranges of the options.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A loss that couples the classes: it sees all classes of a sample (or of the batch) at once.
pub trait RowLoss: Declare + Debug + Send + Sync + 'static {
    /// The formula; a class of weight 0 takes no part.
    fn loss<'t>(&self, row: &Row<'t>) -> Number<'t>;

    /// Its value for these sums and weights of all classes; 0 for none.
    fn value(&self, row: &[Sums], weights: &[f64]) -> f64 {
        let of_class = |(class, (sums, weight)): (usize, (&Sums, &f64))| Given {
            sums: *sums,
            weight: *weight,
            foreground: class > 0,
        };
        let given: Vec<_> = row.iter().zip(weights).enumerate().map(of_class).collect();
        match given.is_empty() {
            true => 0.0,
            false => Tape::of_row(|row| self.loss(row)).replay(&given).value(0),
        }
    }

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

/// Either kind of loss, erased.
pub(crate) trait Formula: Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn activations(&self) -> &'static [Activation];
    fn check(&self, classes: usize) -> Result<()>;
    /// The number of classes that some option is for, if any says.
    fn least_classes(&self) -> Option<usize>;
    /// What it does with the sums.
    fn tape(&self) -> &Tape;
    /// Whether it wants all classes at once.
    fn is_coupled(&self) -> bool {
        self.tape().is_coupled()
    }
    fn distances(&self) -> Option<&Distances>;
    /// The map that the loss cannot do without.
    fn map(&self) -> Option<Wanted>;
    /// Its name and options, as a spec has them.
    fn written(&self) -> Map<String, Value>;
    /// The type of the loss.
    fn of_type(&self) -> TypeId;
}

/// [`ClassLoss`] as a [`Formula`].
#[derive(Debug)]
pub(crate) struct PerClass<L> {
    loss: L,
    tape: Tape,
}

impl<L> PerClass<L> {
    pub const KIND: Kind = Kind::Overlap { coupled: false };
}

impl<L: ClassLoss> PerClass<L> {
    pub fn new(loss: L) -> Self {
        let tape = Tape::of_class(|m| loss.loss(m));
        Self { loss, tape }
    }
}

/// [`RowLoss`] as a [`Formula`].
#[derive(Debug)]
pub(crate) struct PerRow<L> {
    loss: L,
    tape: Tape,
}

impl<L> PerRow<L> {
    pub const KIND: Kind = Kind::Overlap { coupled: true };
}

impl<L: RowLoss> PerRow<L> {
    pub fn new(loss: L) -> Self {
        let tape = Tape::of_row(|row| loss.loss(row));
        Self { loss, tape }
    }
}

impl<L: ClassLoss> Formula for PerClass<L> {
    fn name(&self) -> &'static str {
        L::DECLARATION.name
    }

    fn activations(&self) -> &'static [Activation] {
        L::DECLARATION.activations
    }

    fn check(&self, classes: usize) -> Result<()> {
        declaration::check(&self.loss, classes)?;
        self.loss.check()
    }

    fn least_classes(&self) -> Option<usize> {
        declaration::least_classes(&mut self.loss.clone())
    }

    fn tape(&self) -> &Tape {
        &self.tape
    }

    fn distances(&self) -> Option<&Distances> {
        None
    }

    fn map(&self) -> Option<Wanted> {
        Declare::map(&self.loss)
    }

    fn written(&self) -> Map<String, Value> {
        declaration::written(&self.loss)
    }

    fn of_type(&self) -> TypeId {
        TypeId::of::<L>()
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
        declaration::check(&self.loss, classes)?;
        if !self.tape.is_of_row() {
            return stated(
                format!("{}: formula", self.name()),
                "a number for each class",
                "one number for all classes, as `Row::total` makes",
            );
        }
        self.loss.check(classes)
    }

    fn least_classes(&self) -> Option<usize> {
        declaration::least_classes(&mut self.loss.clone())
    }

    fn tape(&self) -> &Tape {
        &self.tape
    }

    fn distances(&self) -> Option<&Distances> {
        self.loss.distances()
    }

    fn map(&self) -> Option<Wanted> {
        Declare::map(&self.loss)
    }

    fn written(&self) -> Map<String, Value> {
        declaration::written(&self.loss)
    }

    fn of_type(&self) -> TypeId {
        TypeId::of::<L>()
    }
}
