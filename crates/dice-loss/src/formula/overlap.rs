//! The soft intersection, and the sizes that belong to it.

use serde::{Deserialize, Serialize};

use super::Sums;
use crate::{Number, declaration::Words};

/// How the soft intersection of prediction and reference is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overlap {
    /// Σ p g: right for hard labels.
    #[default]
    Product,
    /// (Σ|p| + Σ|g| − Σ|p − g|) / 2: the same for hard labels, and for soft labels minimal at
    /// p = g, where the product is not (Wang et al. 2023, <https://arxiv.org/abs/2303.16296>).
    L1,
}

impl Words for Overlap {
    const TYPE: &'static str = "Overlap";
    const WORDS: &'static [(&'static str, Self)] = &[("product", Self::Product), ("l1", Self::L1)];
}

impl Overlap {
    /// The intersection, and the predicted size that belongs to it.
    pub(crate) fn of<'t>(self, m: &Sums<Number<'t>>) -> (Number<'t>, Number<'t>) {
        match self {
            Self::Product => (m.pg, m.p),
            Self::L1 => (((m.abs_p + m.g - m.l1) * 0.5).at_least_zero(), m.abs_p),
        }
    }

    /// The intersection and the two sizes; as sums of squares (‖p‖² + ‖g‖² − ‖p − g‖²) / 2 is Σpg
    /// again, however the intersection is counted.
    pub(crate) fn with_sizes<'t>(self, m: &Sums<Number<'t>>, squared: bool) -> [Number<'t>; 3] {
        let (overlap, predicted) = self.of(m);
        match squared {
            true => [m.pg, m.pp, m.gg],
            false => [overlap, predicted, m.g],
        }
    }
}
