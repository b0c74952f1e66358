//! The soft clDice loss.

use serde_json::{Map, Value};

use super::Formula;
use crate::{
    Absent, Activation, Isa, Logits, LossValues, Objective, Output, Pool, Reduction, Result,
    Smoothing, Target, Upstream,
    declaration::check,
    direct::{Cells, Sizes, Told},
    error::stated,
    sweep::{self, Centerlines, Grid, Input},
};

/// Name of the loss.
pub(crate) const NAME: &str = "cldice";

/// Soft clDice: Dice of centrelines, for tubes.
///
/// With the soft skeletons S(p) and S(g) of prediction and reference,
///
/// T_prec = (Σ S(p) g + s) / (Σ S(p) + s′), T_sens = (Σ p S(g) + s) / (Σ S(g) + s′),
///
/// L = 1 − 2 T_prec T_sens / (T_prec + T_sens + ε).
///
/// A soft skeleton is what openings take away: with e_0 = p, e_{k+1} the erosion of e_k (the minimum of a
/// voxel and its two neighbours along each axis), and the dilation of it (the maximum over all 3 × 3 or
/// 3 × 3 × 3 neighbours), d_k = relu(e_k − dilation of e_{k+1}), S_0 = d_0 and
/// S_k = S_{k−1} + relu(d_k − S_{k−1} d_k), up to as many [`iterations`](Self::iterations) as the radius of
/// the thickest tube. Windows end at the border. The gradient is the exact one; of numbers in a window that
/// are the same the first voxel has it, of minima along two axes each half, as with PyTorch's `max_pool`
/// and `minimum`.
///
/// [`alpha`](Self::alpha) below 1 makes it (1 − α) Dice + α clDice, with the same smoothing.
///
/// - **Shapes**: a value for each (sample, class), or with [`Pool::Batch`] for each class, or with
///   [`Pool::All`] one. One to three spatial axes, which the logits' [`Layout`](crate::Layout) says.
/// - **Range**: [0, 1] for probabilities and s ≤ s′; a prediction that equals its hard
///   reference costs 0 where s = s′.
/// - **Targets**: labels, regions, dense. Voxel weights and maps are refused: a skeleton has none. A voxel
///   that does not count (mask, `ignore_index`) is 0 in prediction and reference, so both skeletons end
///   there, and it has no gradient.
/// - **Paper**: Shit et al. 2021, <https://arxiv.org/abs/2003.07311>.
///
/// It is no function of sums that could be had before: it has no moments, and is no term of an
/// [`Objective`]. Over processes or parts of a batch it can only be computed of each by itself.
///
/// Class 0 takes part unless [`background`](Self::background) says otherwise, as in every loss here; its
/// skeleton means little.
///
/// Beside its inputs and the gradient it takes, for each voxel of one sample, whatever the number of
/// classes, about 4 √(T + 1) + 5 numbers with T iterations, in each thread where samples have fewer than 2¹⁸
/// voxels; and 4 bytes for each voxel of the batch, under softmax 12, of `f64` 20. The gradient's own
/// buffer holds the slopes until they are its elements; of half types they are rounded to these on the way.
///
/// ```
/// use dice_loss::{ClDice, Layout, Logits, Target};
/// // A horizontal tube, and a prediction with a gap in it.
/// let mut x = vec![-9.0f32; 5 * 7];
/// let mut labels = vec![0u8; 5 * 7];
/// for column in 0..7 {
///     labels[2 * 7 + column] = 1;
///     x[2 * 7 + column] = if column == 3 { -9.0 } else { 9.0 };
/// }
/// let layout = Layout::channels_first(&[1, 1, 5, 7])?;
/// let target = Target::labels(&labels, Layout::voxels(&[1, 5, 7])?)?;
/// let found = ClDice::sigmoid().loss(&Logits::new(&x, layout)?, &target)?;
/// // Precision 1, sensitivity (6 + 1) / (7 + 1).
/// assert!((found.loss() - (1.0 - 2.0 * 0.875 / 1.875)).abs() < 1e-3);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClDice {
    pub(crate) activation: Activation,
    pub(crate) formula: Formula,
    pub(crate) told: Told,
}

impl ClDice {
    fn new(activation: Activation) -> Self {
        Self { activation, formula: Formula::default(), told: Told::default() }
    }

    /// Of logits of classes that exclude each other.
    pub fn softmax() -> Self {
        Self::new(Activation::Softmax)
    }

    /// Of logits, each channel by itself.
    pub fn sigmoid() -> Self {
        Self::new(Activation::Sigmoid)
    }

    /// Of probabilities, which are not clamped.
    pub fn probabilities() -> Self {
        Self::new(Activation::Probabilities)
    }

    /// From its options.
    pub(crate) fn read(given: Map<String, Value>) -> Result<Self> {
        const TAKES: &[&str] =
            &["activation", "pool", "absent", "background", "classes", "class_weights"];
        let mut formula = Formula::default();
        let mut told =
            Told::read(NAME, given, TAKES, |tell| crate::declaration::each(&mut formula, tell))?;
        let activation = told.settings.activation.take().unwrap_or(Activation::Softmax);
        Ok(Self { activation, formula, told })
    }

    /// How often a map is eroded for its skeleton; 3 by default, at most 1000.
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.formula.iterations = iterations as f64;
        self
    }

    /// s and s′; 1 by default.
    pub fn smoothing(mut self, smoothing: Smoothing) -> Self {
        self.formula.smoothing = smoothing;
        self
    }

    /// ε of the harmonic mean; 0 by default.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.formula.epsilon = epsilon;
        self
    }

    /// The share of clDice, 1 by default; the rest is Dice.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.formula.alpha = alpha;
        self
    }

    /// What has a value of its own: each class of each sample, which is the default; each class over the
    /// batch; or everything, as in the paper's code. Other pools are refused.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.told.settings.pool = Some(pool);
        self
    }

    /// What a class counts that is absent from the reference; nothing by default.
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

    /// Weights of the mean over classes, one for each class, not negative. They normalise it; with
    /// [`Pool::All`] they weigh the classes' sums.
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

    /// How the values become the loss, as [`reduction`](Self::reduction) has set it.
    pub fn reduced_by(&self) -> Reduction {
        self.told.reduction
    }

    /// Whether all options fit each other and the number of classes.
    pub fn check(&self, classes: usize) -> Result<()> {
        if self.activation == Activation::Softmax && classes < 2 {
            let wanted = "2 channels or more; for one channel use sigmoid";
            return stated(format!("{NAME}: softmax"), format!("{classes} channels"), wanted);
        }
        check(&self.formula, classes)?;
        let pools = [Pool::Sample, Pool::Batch, Pool::All];
        self.told.check(NAME, classes, &pools, "sample, batch or all")
    }

    /// The loss.
    ///
    /// Runs, as the sweeps of an [`Objective`], in the rayon pool that it is called from; the result does
    /// not depend on the number of threads, bit for bit.
    pub fn loss(&self, logits: &Logits, target: &Target) -> Result<LossValues> {
        self.compute(1.0.into(), logits, target, None)
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
        self.compute(upstream.into(), logits, target, Some(gradient))
    }

    fn compute(
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
            let wanted = "none: a skeleton has no weights; a mask says what does not count";
            return stated(format!("{NAME}: voxel weights"), "weights", wanted);
        }
        let spatial = logits.layout.spatial();
        let Some(grid) = Grid::new(&spatial) else {
            let found = format!("{} or more", spatial.len());
            return stated(format!("{NAME}: spatial axes"), found, "one to three");
        };
        let upstream = self.told.upstreams(&upstream, shape)?;
        let valid = target.masks.class_valid;
        let decide =
            |sizes: &Sizes| Cells::new(&self.told, shape, sizes, valid, Absent::Skip, &upstream);
        let weights = self.told.settings.weights(classes);
        let asked = Centerlines {
            grid,
            activation: self.activation,
            iterations: self.formula.iterations as usize,
            formula: &self.formula,
            told: &self.told,
            weights: &weights,
        };
        let batch = Input::new(prepared.plan(), logits, target);
        let (cells, losses) = sweep::centerlines(&batch, &asked, decide, gradient)?;
        Ok(cells.values(&losses))
    }
}
