//! The Lovász losses.

use serde_json::{Map, Value};

use crate::{
    Absent, Activation, Isa, Logits, LossValues, Objective, Output, Pool, Reduction, Result,
    Target, Upstream,
    direct::{Cells, Sizes, Told},
    error::stated,
    sweep::{self, Asked, Input},
};

/// Names of the losses.
pub(crate) const HINGE: &str = "lovasz_hinge";
pub(crate) const SOFTMAX: &str = "lovasz_softmax";

/// What is ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// 1 − x for voxels inside a class, 1 + x for others; none below 0.
    Hinge,
    /// |g − p| under softmax.
    Softmax,
    /// |g − p| of probabilities.
    Probabilities,
}

/// Lovász losses: the Jaccard loss of hard predictions, continued to errors of any size.
///
/// Of each class the voxels are sorted by their errors e, the largest first. With J_i the Jaccard loss
/// of a prediction that is wrong in the first i voxels and right in all others,
///
/// L = Σ_i e_i (J_i − J_{i−1}), where J_i = 1 − (G − inside_i) / (G + outside_i),
///
/// G is the size of the class, and inside_i and outside_i are how many of the first i voxels lie inside
/// and outside it. The gradient by e_i is the increment J_i − J_{i−1}; of errors that are the same, the
/// voxel that comes first in its sample, and of samples the first, is taken for the larger.
///
/// - [`hinge`](Self::hinge): e = max(0, 1 − x) inside the class, max(0, 1 + x) outside, of each channel
///   by itself. A logit beyond its margin has no error and no gradient.
/// - [`softmax`](Self::softmax) and [`probabilities`](Self::probabilities): e = |g − p|.
///
/// - **Shapes**: a value for each (sample, class), or with [`Pool::Batch`] for each class.
/// - **Range**: [0, 1] of probabilities, 0 or more of the hinge; 0 at a perfect match.
/// - **Targets**: labels, regions, and dense ones of 0 and 1. Anything between is an error, and so are
///   voxel weights and maps: ranks have none. Masks, `ignore_index` and `class_valid` hold as for an
///   overlap loss: what does not count is not ranked.
/// - **Paper**: Berman, Rannen Triki and Blaschko 2018, <https://arxiv.org/abs/1705.08790>; the hinge:
///   Yu and Blaschko 2015.
///
/// It is no function of sums: it has no moments, and is no term of an [`Objective`]. Over processes or
/// parts of a batch it can only be computed of each by itself.
///
/// Beside its inputs and the gradient it takes, of `f32` and half types, 20 bytes for each voxel that is
/// ranked together, whatever the number of classes, of `f64` 40; and 4 for each voxel of the batch, under
/// softmax 12, of `f64` 20. The gradient's own buffer holds the slopes until they are its elements; of half
/// types they are rounded to these on the way.
///
/// ```
/// use dice_loss::{Layout, Logits, Lovasz, Output, Pool, Target};
/// let (x, labels) = (vec![0.5f32; 2 * 3 * 16], vec![1u8; 2 * 16]);
/// let layout = Layout::channels_first(&[2, 3, 4, 4])?;
/// let logits = Logits::new(&x, layout)?;
/// let target = Target::labels(&labels, Layout::voxels(&[2, 4, 4])?)?;
///
/// let lovasz = Lovasz::softmax().pool(Pool::Batch);
/// let mut gradient = vec![0.0f32; x.len()];
/// let output = Output::new(&mut gradient, layout)?;
/// let ranking = lovasz.loss_and_gradient(1.0, &logits, &target, output)?;
/// // Class 1 alone is there, and each of its voxels has an error of 2/3.
/// assert!((ranking.loss() - 2.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lovasz {
    pub(crate) errors: Errors,
    pub(crate) told: Told,
}

impl Lovasz {
    fn new(errors: Errors) -> Self {
        Self { errors, told: Told::default() }
    }

    /// The Lovász hinge, of logits: binary, and of several channels each by itself.
    pub fn hinge() -> Self {
        Self::new(Errors::Hinge)
    }

    /// Lovász-softmax, of logits of classes that exclude each other.
    pub fn softmax() -> Self {
        Self::new(Errors::Softmax)
    }

    /// Lovász-softmax, of probabilities, which are not clamped.
    pub fn probabilities() -> Self {
        Self::new(Errors::Probabilities)
    }

    /// Lovász-softmax under an activation: softmax, or probabilities. Any other is refused when it is
    /// [checked](Self::check).
    pub fn under(activation: Activation) -> Self {
        let mut lovasz = match activation {
            Activation::Probabilities => Self::probabilities(),
            _ => Self::softmax(),
        };
        lovasz.told.settings.activation = Some(activation);
        lovasz
    }

    /// By its name, from its options.
    pub(crate) fn read(name: &str, given: Map<String, Value>) -> Result<Self> {
        const TAKES: &[&str] =
            &["activation", "pool", "absent", "background", "classes", "class_weights"];
        let takes = if name == HINGE { &TAKES[1..] } else { TAKES };
        let told = Told::read(name, given, takes, |_| {})?;
        let errors = match told.settings.activation {
            _ if name == HINGE => Errors::Hinge,
            Some(Activation::Probabilities) => Errors::Probabilities,
            _ => Errors::Softmax,
        };
        Ok(Self { errors, told })
    }

    /// What is ranked together: the voxels of each sample by itself, which is the default, or those of
    /// the batch. Other pools are refused.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.told.settings.pool = Some(pool);
        self
    }

    /// What a class counts that is absent from the reference. With [`Absent::Formula`] its loss is the
    /// largest of its errors.
    ///
    /// By default the hinge counts it so, and the others skip it, as the paper's code does. ("Classes
    /// present" are [`Absent::Skip`], "all" are [`Absent::Formula`].)
    pub fn absent(mut self, absent: Absent) -> Self {
        self.told.settings.absent = Some(absent);
        self
    }

    /// Whether class 0 takes part. It does by default; with one channel it always does.
    pub fn background(mut self, background: bool) -> Self {
        self.told.settings.background = Some(background);
        self
    }

    /// Only these classes take part.
    pub fn classes(mut self, classes: impl Into<Vec<usize>>) -> Self {
        self.told.settings.classes = Some(classes.into());
        self
    }

    /// Weights of the mean over classes, one for each class, not negative. They normalise it.
    pub fn class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.told.settings.class_weights = Some(weights.into());
        self
    }

    /// How the values become the loss; [`Reduction::Mean`] by default.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.told.reduction = reduction;
        self
    }

    /// Forces an instruction set; the best that the machine has by default.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.told.isa = isa;
        self
    }

    /// Its name, as errors have it.
    pub fn name(&self) -> &'static str {
        match self.errors {
            Errors::Hinge => HINGE,
            Errors::Softmax | Errors::Probabilities => SOFTMAX,
        }
    }

    /// How the values become the loss, as [`reduction`](Self::reduction) has set it.
    pub fn reduced_by(&self) -> Reduction {
        self.told.reduction
    }

    /// Whether all options fit each other and the number of classes.
    pub fn check(&self, classes: usize) -> Result<()> {
        let name = self.name();
        if self.told.settings.activation == Some(Activation::Sigmoid) {
            let wanted = "softmax or probabilities; under sigmoid that is lovasz_hinge";
            return stated(format!("{name}: activation"), "sigmoid", wanted);
        }
        if self.errors == Errors::Softmax && classes < 2 {
            let wanted = "2 channels or more; for one channel use lovasz_hinge";
            return stated(format!("{name}: softmax"), format!("{classes} channels"), wanted);
        }
        let wanted = "sample or batch: each class is ranked by itself";
        self.told.check(name, classes, &[Pool::Sample, Pool::Batch], wanted)
    }

    /// The loss.
    ///
    /// Runs, as the sweeps of an [`Objective`], in the rayon pool that it is called from; the result does
    /// not depend on the number of threads, bit for bit.
    pub fn loss(&self, logits: &Logits, target: &Target) -> Result<LossValues> {
        self.ranking(1.0.into(), logits, target, None)
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
        gradient.check(logits)?;
        self.ranking(upstream.into(), logits, target, Some(gradient))
    }

    fn ranking(
        &self,
        upstream: Upstream,
        logits: &Logits,
        target: &Target,
        gradient: Option<Output>,
    ) -> Result<LossValues> {
        let [samples, classes, _] = logits.layout.shape();
        let shape = [samples, classes];
        self.check(classes)?;
        // It reads what an objective without terms reads.
        let prepared = Objective::new().isa(self.told.isa).prepare(classes)?;
        prepared.check_tensors(logits, target)?;
        if target.masks.weights.is_some() {
            let wanted = "none: ranks have no weights; a mask says what does not count";
            return stated(format!("{}: voxel weights", self.name()), "weights", wanted);
        }
        let asked = Asked { errors: self.errors, pooled: self.told.is_pooled() };
        let upstream = self.told.upstreams(&upstream, shape)?;
        let absent = if self.errors == Errors::Hinge { Absent::Formula } else { Absent::Skip };
        let valid = target.masks.class_valid;
        let decide = |sizes: &Sizes| Cells::new(&self.told, shape, sizes, valid, absent, &upstream);
        let batch = Input::new(prepared.plan(), logits, target);
        let (cells, losses) = sweep::ranked(&batch, asked, decide, gradient)?;
        Ok(cells.values(&losses))
    }
}
