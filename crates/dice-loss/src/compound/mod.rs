//! Compounds with names of their own: sums of terms that cost no further sweep.
//!
//! Each is a set of options that becomes an [`Objective`](crate::Objective), on which everything
//! else can be set: pooling, background, reduction. Options out of range are reported when the
//! objective is used.

use crate::{
    Activation, Declare, Kind, Objective, Result, Term,
    declaration::{self, least_classes},
    entry::{Entry, Of},
};

/// A weighted sum of terms with a name of its own.
pub(crate) trait Compound: Declare {
    /// The terms that it stands for, with their weights.
    fn terms(&self, activation: Activation) -> Vec<(f64, Term)>;

    /// Whether the options are right, and the activation.
    fn check(&self, activation: Activation) -> Result<()> {
        activation.among(Self::DECLARATION.name, Self::DECLARATION.activations)?;
        declaration::check(self, least_classes(&mut self.clone()).unwrap_or(2))
    }
}

fn objective(compound: &impl Compound, activation: Activation) -> Objective {
    let terms = compound.terms(activation).into_iter();
    terms
        .fold(Objective::new(), |objective, (weight, term)| objective.term(weight, term))
        .checked(compound.check(activation))
}

/// Declares the compounds: the one place where each is named.
macro_rules! compounds {
    ($($module:ident::$Loss:ident),+ $(,)?) => {
        $(
            mod $module;
            pub use $module::$Loss;

            impl $Loss {
                /// The sum as an objective, on which everything else can be set.
                pub fn objective(self, activation: Activation) -> Objective {
                    objective(&self, activation)
                }
            }
        )+

        /// Every compound.
        pub(crate) const CATALOGUE: &[Entry] = &[$(Entry::new(
            &Of { kind: Kind::Compound, objective: $Loss::objective },
        )),+];
    };
}

compounds! {
    dice_cross_entropy::DiceCrossEntropy,
    dice_binary_cross_entropy::DiceBinaryCrossEntropy,
    dice_focal::DiceFocal,
    generalized_dice_focal::GeneralizedDiceFocal,
    combo::Combo,
    unified_focal::UnifiedFocal,
}

#[cfg(test)]
mod tests;
