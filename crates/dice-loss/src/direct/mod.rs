//! Losses that stand beside the [`Objective`](crate::Objective): they are no functions of sums, and come
//! with their gradient in one call.
//!
//! Each declares its options by name, is told the settings of all losses as far as it takes them, and
//! says a value for each class of each sample, or of the batch. What counts of these, what they add up to
//! and what an upstream gradient makes of them is said here, once.

mod cells;
mod told;
mod values;

pub(crate) use cells::{Cell, Cells, Sizes};
pub(crate) use told::Told;
pub use values::LossValues;

use serde_json::{Map, Value};

use crate::{
    ClDice, Isa, Logits, Lovasz, Output, Reduction, Result, Target, Upstream, centerline,
    error::stated, ranked,
};

/// A loss that stands beside the [`Objective`](crate::Objective): no function of sums, and computed with
/// its gradient in one call.
///
/// It has no moments, so it is no term: what needs sums that add up, over processes or parts of a batch,
/// can only be had of each by itself.
///
/// ```
/// use dice_loss::{DirectLoss, Layout, Logits, Output, Target};
/// let (x, labels) = (vec![0.5f32; 2 * 3 * 16], vec![1u8; 2 * 16]);
/// let layout = Layout::channels_first(&[2, 3, 4, 4])?;
/// let logits = Logits::new(&x, layout)?;
/// let target = Target::labels(&labels, Layout::voxels(&[2, 4, 4])?)?;
///
/// let loss = DirectLoss::from_spec(r#"{"loss": "lovasz_softmax", "pool": "batch"}"#)?;
/// let mut gradient = vec![0.0f32; x.len()];
/// let output = Output::new(&mut gradient, layout)?;
/// let found = loss.loss_and_gradient(1.0, &logits, &target, output)?;
/// // Class 1 alone is there, and each of its voxels has an error of 2/3.
/// assert!((found.loss() - 2.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DirectLoss {
    /// `lovasz_hinge` and `lovasz_softmax`.
    Lovasz(Lovasz),
    /// `cldice`.
    ClDice(ClDice),
}

/// Reads a loss of its name from its options.
type Read = fn(&'static str, Map<String, Value>) -> Result<DirectLoss>;

/// What can be read, by name.
const READ: [(&str, Read); 3] = [
    (ranked::HINGE, |name, given| Lovasz::read(name, given).map(DirectLoss::Lovasz)),
    (ranked::SOFTMAX, |name, given| Lovasz::read(name, given).map(DirectLoss::Lovasz)),
    (centerline::NAME, |_, given| ClDice::read(given).map(DirectLoss::ClDice)),
];

impl DirectLoss {
    /// The loss that a text stands for: JSON with the key `loss`, its name, and as they are wanted its
    /// options and settings, and `reduction`.
    ///
    /// ```
    /// use dice_loss::DirectLoss;
    /// assert!(DirectLoss::from_spec(r#"{"loss": "lovasz_hinge", "pool": "batch"}"#).is_ok());
    /// assert!(DirectLoss::from_spec(r#"{"loss": "lovasz_hinge", "smoothing": 1}"#).is_err());
    /// ```
    pub fn from_spec(text: &str) -> Result<Self> {
        let mut given = match serde_json::from_str(text) {
            Ok(Value::Object(given)) => given,
            Ok(other) => {
                return stated("loss", other.to_string(), "an object with the key \"loss\"");
            }
            Err(error) => return stated("loss", error.to_string(), "JSON"),
        };
        let name = given.remove("loss").unwrap_or_default();
        match READ.into_iter().find(|(known, _)| name.as_str() == Some(known)) {
            Some((name, read)) => read(name, given),
            None => {
                let known = READ.map(|(name, _)| name).join(", ");
                stated("loss", name.to_string(), format!("one of {known}"))
            }
        }
    }

    /// Its name, as texts and errors have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lovasz(lovasz) => lovasz.name(),
            Self::ClDice(_) => centerline::NAME,
        }
    }

    fn told(&self) -> &Told {
        match self {
            Self::Lovasz(lovasz) => &lovasz.told,
            Self::ClDice(cldice) => &cldice.told,
        }
    }

    /// How the values become the loss, as [`reduction`](Self::reduction) has set it.
    pub fn reduced_by(&self) -> Reduction {
        self.told().reduction
    }

    /// How the values become the loss; [`Reduction::Mean`] by default.
    pub fn reduction(self, reduction: Reduction) -> Self {
        match self {
            Self::Lovasz(lovasz) => Self::Lovasz(lovasz.reduction(reduction)),
            Self::ClDice(cldice) => Self::ClDice(cldice.reduction(reduction)),
        }
    }

    /// The shape of the [values](LossValues::values) of so many samples and classes: (N, C), (C) of the
    /// batch, or none where everything has one value.
    pub fn shape(&self, samples: usize, classes: usize) -> Vec<usize> {
        self.told().shape(samples, classes)
    }

    /// Forces an instruction set; the best that the machine has by default.
    pub fn isa(self, isa: Isa) -> Self {
        match self {
            Self::Lovasz(lovasz) => Self::Lovasz(lovasz.isa(isa)),
            Self::ClDice(cldice) => Self::ClDice(cldice.isa(isa)),
        }
    }

    /// Whether all options fit each other and the number of classes.
    pub fn check(&self, classes: usize) -> Result<()> {
        match self {
            Self::Lovasz(lovasz) => lovasz.check(classes),
            Self::ClDice(cldice) => cldice.check(classes),
        }
    }

    /// The loss.
    ///
    /// Runs, as the sweeps of an [`Objective`](crate::Objective), in the rayon pool that it is called
    /// from; the result does not depend on the number of threads, bit for bit.
    pub fn loss(&self, logits: &Logits, target: &Target) -> Result<LossValues> {
        match self {
            Self::Lovasz(lovasz) => lovasz.loss(logits, target),
            Self::ClDice(cldice) => cldice.loss(logits, target),
        }
    }

    /// The loss; and ∂loss/∂logits, times `upstream`, is written.
    ///
    /// `upstream` is a number, or for [`Reduction::None`] one for each of the
    /// [values](LossValues::values).
    pub fn loss_and_gradient<'u>(
        &self,
        upstream: impl Into<Upstream<'u>>,
        logits: &Logits,
        target: &Target,
        gradient: Output,
    ) -> Result<LossValues> {
        match self {
            Self::Lovasz(lovasz) => lovasz.loss_and_gradient(upstream, logits, target, gradient),
            Self::ClDice(cldice) => cldice.loss_and_gradient(upstream, logits, target, gradient),
        }
    }
}

impl From<Lovasz> for DirectLoss {
    fn from(lovasz: Lovasz) -> Self {
        Self::Lovasz(lovasz)
    }
}

impl From<ClDice> for DirectLoss {
    fn from(cldice: ClDice) -> Self {
        Self::ClDice(cldice)
    }
}
