//! What a kernel is compiled for.

use dice_loss::{Activation, Sum};

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
    /// Whether there is a map, which weighs the voxels of some sums.
    pub mapped: bool,
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

/// A sum of a recipe: an [`Integrand`](dice_loss::Integrand) without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// What is summed up.
    pub sum: Sum,
    /// The number of the table of exponents of a focal sum; 0 of any other.
    pub table: u32,
    /// Whether the map multiplies the weights of its voxels.
    pub mapped: bool,
}

impl From<Sum> for Quantity {
    fn from(sum: Sum) -> Self {
        Self { sum, table: 0, mapped: false }
    }
}

#[cfg_attr(not(feature = "kernels"), allow(dead_code, reason = "what the kernels ask"))]
impl Recipe {
    pub(crate) fn has(&self, sum: Sum) -> bool {
        self.columns.iter().any(|quantity| quantity.sum == sum)
    }

    pub(crate) fn counts(&self) -> bool {
        self.columns.iter().any(|quantity| quantity.sum.is_count())
    }

    pub(crate) fn overlaps(&self) -> bool {
        self.columns.iter().any(|quantity| quantity.sum.is_overlap())
    }

    /// Whether some log loss needs the classes that remain after merging.
    pub(crate) fn merges(&self) -> bool {
        self.columns.iter().any(|quantity| quantity.sum.merges(self.activation))
    }

    /// How many tables of exponents it reads.
    pub(crate) fn focal_terms(&self) -> u32 {
        self.columns.iter().filter(|quantity| quantity.sum == Sum::Focal).count() as u32
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

    /// The first that sums this up.
    pub(crate) fn quantity(&self, sum: Sum) -> Quantity {
        let found = self.columns.iter().find(|quantity| quantity.sum == sum);
        found.copied().unwrap_or(sum.into())
    }

    pub(crate) fn column(&self, quantity: Quantity) -> usize {
        self.columns.iter().position(|column| *column == quantity).unwrap_or(0)
    }
}
