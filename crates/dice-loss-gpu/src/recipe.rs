//! What a kernel is compiled for.

use dice_loss::{Activation, Integrand};

/// Units of a cube: one voxel of a tile each.
pub const UNITS: u32 = 256;

/// All that is decided when a kernel is compiled. Everything else, such as shapes, strides, element
/// types of targets and masks, is decided when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipe {
    /// How logits become probabilities.
    pub activation: Activation,
    /// How the reference is given.
    pub form: Form,
    /// What is summed up.
    pub columns: Vec<Quantity>,
    /// Whether voxels have weights of their own.
    pub weighted: bool,
    /// Whether some classes were not annotated.
    pub partial: bool,
    /// Partial sums of each column that fit into shared memory; a power of two.
    pub slots: u32,
}

/// How the reference is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A class number for each voxel.
    Labels,
    /// A label for each voxel, and a table of the channels that each label belongs to.
    Regions,
    /// A value for each class.
    Dense,
}

/// One sum, as [`Integrand`] describes it, without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "Integrand's names and meanings")]
pub enum Quantity {
    Reference,
    ReferenceSquared,
    Voxels,
    TruePositives,
    FalsePositives,
    FalseNegatives,
    Intersection,
    Prediction,
    PredictionSquared,
    Difference,
    Magnitude,
    Transport,
    LogLoss,
    LogLossOfAll,
    Merged,
    Positive,
    Negative,
    /// With the exponents of the table with this number.
    Focal(u32),
    /// Likewise.
    FocalNegative(u32),
}

#[cfg_attr(not(feature = "kernels"), allow(dead_code, reason = "what the kernels ask"))]
impl Quantity {
    /// Of an integrand; `exponents` is the number of its table, if it has one.
    pub(crate) fn of(integrand: &Integrand, exponents: u32) -> Self {
        match integrand {
            Integrand::Reference => Self::Reference,
            Integrand::ReferenceSquared => Self::ReferenceSquared,
            Integrand::Voxels => Self::Voxels,
            Integrand::TruePositives(..) => Self::TruePositives,
            Integrand::FalsePositives(..) => Self::FalsePositives,
            Integrand::FalseNegatives(..) => Self::FalseNegatives,
            Integrand::Intersection(_) => Self::Intersection,
            Integrand::Prediction(_) => Self::Prediction,
            Integrand::PredictionSquared(_) => Self::PredictionSquared,
            Integrand::Difference(_) => Self::Difference,
            Integrand::Magnitude(_) => Self::Magnitude,
            Integrand::Transport(..) => Self::Transport,
            Integrand::LogLoss(_) => Self::LogLoss,
            Integrand::LogLossOfAll(_) => Self::LogLossOfAll,
            Integrand::Merged(_) => Self::Merged,
            Integrand::Positive(_) => Self::Positive,
            Integrand::Negative(_) => Self::Negative,
            Integrand::Focal(..) => Self::Focal(exponents),
            Integrand::FocalNegative(..) => Self::FocalNegative(exponents),
        }
    }

    /// Whether it is a hard count.
    pub(crate) fn is_count(self) -> bool {
        matches!(self, Self::TruePositives | Self::FalsePositives | Self::FalseNegatives)
    }

    /// Whether its derivative goes through the probabilities of all classes.
    pub(crate) fn is_overlap(self) -> bool {
        matches!(
            self,
            Self::Intersection
                | Self::Prediction
                | Self::PredictionSquared
                | Self::Difference
                | Self::Magnitude
                | Self::Transport
        )
    }
}

#[cfg_attr(not(feature = "kernels"), allow(dead_code, reason = "what the kernels ask"))]
impl Recipe {
    pub(crate) fn has(&self, quantity: Quantity) -> bool {
        self.columns.contains(&quantity)
    }

    pub(crate) fn counts(&self) -> bool {
        self.columns.iter().any(|quantity| quantity.is_count())
    }

    pub(crate) fn overlaps(&self) -> bool {
        self.columns.iter().any(|quantity| quantity.is_overlap())
    }

    /// Whether some log loss needs the classes that remain after merging.
    pub(crate) fn merges(&self) -> bool {
        self.columns.iter().any(|quantity| match quantity {
            Quantity::LogLoss | Quantity::LogLossOfAll | Quantity::Merged => true,
            Quantity::Focal(_) => self.activation == Activation::Softmax,
            _ => false,
        })
    }

    /// How many tables of exponents it reads.
    pub(crate) fn focal_terms(&self) -> u32 {
        self.columns.iter().filter(|quantity| matches!(quantity, Quantity::Focal(_))).count() as u32
    }

    pub(crate) fn is_softmax(&self) -> bool {
        self.activation == Activation::Softmax
    }

    /// What a unit keeps in shared memory about its voxel, in numbers.
    pub(crate) fn numbers_of_a_voxel(&self) -> u32 {
        let softmaxes = self.is_softmax();
        let [softmax, logs, focuses, merged, weight, counts] = [
            softmaxes,
            softmaxes && self.merges(),
            softmaxes && self.focal_terms() > 0,
            self.merges() && self.partial,
            self.weighted,
            self.counts(),
        ]
        .map(u32::from);
        1 + 2 * softmax + logs + focuses + merged + weight + 2 * counts
    }

    /// What a row of slopes in shared memory has room for.
    pub(crate) fn classes_at_most(&self) -> u32 {
        self.slots.min(UNITS)
    }

    pub(crate) fn column(&self, quantity: Quantity) -> usize {
        self.columns.iter().position(|column| *column == quantity).unwrap_or(0)
    }
}
