//! What is trained for: a weighted sum of terms, and its three verbs.

use crate::{
    Absent, Activation, Decision, Error, Integrand, Isa, Layout, Logits, Moments, Output, Pool,
    Prepared, Range, Result, Settings, Tape, Target, Term, Upstream, Verdict, Words,
    error::parameter, evaluate,
};

/// How the values of a loss become the loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The weighted mean over what counts.
    #[default]
    Mean,
    /// The weighted sum.
    Sum,
    /// None: overlap terms give (N, C) or what pooling leaves of it, voxel terms a voxel map.
    None,
}

impl Words for Reduction {
    const TYPE: &'static str = "Reduction";
    const WORDS: &'static [(&'static str, Self)] =
        &[("mean", Self::Mean), ("sum", Self::Sum), ("none", Self::None)];
}

/// A weighted sum of terms, each with its own activation and settings.
///
/// ```text
///           sweep 1            scalar maths               sweep 2
/// logits ┐                                                        ┌ logits
/// target ┴─ measure ─▶ Moments ─ evaluate ─▶ loss, partials ─ pull_back ─▶ ∂loss/∂logits
/// ```
///
/// However many terms there are, [`measure`](Self::measure) and [`pull_back`](Self::pull_back)
/// read the logits and the target once each. Their results do not depend on the number of threads,
/// bit for bit. They run in the rayon pool that they are called from: to use two threads, build a
/// pool of two and call them inside `pool.install(…)`.
///
/// ```
/// use dice_loss::{CrossEntropy, Dice, Layout, Logits, Objective, Output, Pool, Target};
///
/// let objective = Objective::new()
///     .term(1.0, Dice::default().softmax().background(false).pool(Pool::Batch))
///     .term(1.0, CrossEntropy::default().softmax());
///
/// let (x, labels) = (vec![0.5f32; 2 * 3 * 16], vec![1u8; 2 * 16]);
/// let layout = Layout::channels_first(&[2, 3, 4, 4])?;
/// let logits = Logits::new(&x, layout)?;
/// let target = Target::labels(&labels, Layout::voxels(&[2, 4, 4])?)?;
///
/// let verdict = objective.evaluate(&objective.measure(&logits, &target)?)?;
/// let mut gradient = vec![0.0f32; x.len()];
/// let output = Output::new(&mut gradient, layout)?;
/// objective.pull_back(&verdict, 1.0, &logits, &target, output)?;
/// assert!(verdict.loss() > 0.0);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Objective {
    terms: Vec<(f64, Term)>,
    pool: Pool,
    absent: Absent,
    background: Option<bool>,
    class_weights: Option<Vec<f64>>,
    reduction: Reduction,
    decision: Option<Decision>,
    further: Vec<Integrand>,
    isa: Isa,
    refused: Option<Error>,
}

impl Objective {
    /// No terms yet: a loss of 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `weight` times a term. A weight of 0 measures without training.
    pub fn term(mut self, weight: f64, term: Term) -> Self {
        self.terms.push((weight, term));
        self
    }

    /// The default of the overlap terms that name no [`Pool`].
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = pool;
        self
    }

    /// The default of the overlap terms that say nothing about [`Absent`] classes.
    pub fn absent(mut self, absent: Absent) -> Self {
        self.absent = absent;
        self
    }

    /// Whether class 0 takes part in the overlap terms that do not say. Voxel terms keep it.
    pub fn background(mut self, background: bool) -> Self {
        self.background = Some(background);
        self
    }

    /// The weights of the classes in the terms that have none of their own; see
    /// [`Term::class_weights`].
    pub fn class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.class_weights = Some(weights.into());
        self
    }

    /// What the terms leave open.
    pub(crate) fn defaults(mut self, settings: &Settings) -> Self {
        self.pool = settings.pool.unwrap_or_default();
        self.absent = settings.absent.unwrap_or_default();
        self.background = settings.background;
        self.class_weights.clone_from(&settings.class_weights);
        self
    }

    /// How the values become the loss; [`Reduction::Mean`] by default.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Also counts true and false positives and negatives of this hard decision: see
    /// [`Moments::counts`].
    pub fn decision(mut self, decision: Decision) -> Self {
        self.decision = Some(decision);
        self
    }

    /// Also sums up these, whatever the terms need; there may be no terms at all.
    ///
    /// The [moments](Moments::integrands) have at least these: some sums come with others. What the
    /// terms need may then be summed up by other code, so that the loss differs in its last digits.
    ///
    /// ```
    /// use dice_loss::{Activation, Integrand, Layout, Logits, Objective, Sum, Target};
    /// let intersection = Integrand::new(Sum::Intersection, Activation::Probabilities);
    /// let sums = Objective::new().also([intersection.clone()]);
    /// let layout = Layout::channels_first(&[1, 1, 2])?;
    /// let target = Target::labels(&[1u8, 0], layout)?;
    /// let moments = sums.measure(&Logits::new(&[0.75f32, 0.5], layout)?, &target)?;
    /// let column = moments.integrands().iter().position(|found| *found == intersection);
    /// assert_eq!(column.map(|column| moments.row(0, 0)[column]), Some(0.75));
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn also(mut self, integrands: impl IntoIterator<Item = Integrand>) -> Self {
        self.further.extend(integrands);
        self
    }

    /// Forces an instruction set; the best that the machine has by default.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// Keeps what is wrong with the options of a compound, until the objective is used.
    pub(crate) fn checked(mut self, options: Result<()>) -> Self {
        self.refused = self.refused.or(options.err());
        self
    }

    /// The terms with their weights as they were added, unless options were refused.
    pub(crate) fn into_terms(self) -> Result<Vec<(f64, Term)>> {
        match self.refused {
            Some(error) => Err(error),
            None => Ok(self.terms),
        }
    }

    /// The terms with their weights, the objective's defaults filled in.
    pub(crate) fn resolved(&self) -> Vec<(f64, Term)> {
        let settings = Settings {
            pool: Some(self.pool),
            absent: Some(self.absent),
            background: self.background,
            class_weights: self.class_weights.clone(),
            ..Settings::default()
        };
        let fill = |(weight, term): &(f64, Term)| {
            let mut term = term.clone();
            term.fill_as_part(&settings);
            (*weight, term)
        };
        self.terms.iter().map(fill).collect()
    }

    /// That of the overlap terms that name none.
    pub(crate) fn default_pool(&self) -> Pool {
        self.pool
    }

    /// The terms with their weights as they were added.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &(f64, Term)> {
        self.terms.iter()
    }

    /// The formula of each term, for whoever computes it elsewhere; `None` of a voxel loss.
    pub fn tapes(&self) -> Vec<Option<Tape>> {
        self.terms.iter().map(|(_, term)| term.tape().cloned()).collect()
    }

    /// How the values become the loss, as [`reduction`](Self::reduction) has set it.
    pub fn reduced_by(&self) -> Reduction {
        self.reduction
    }

    pub(crate) fn decided_by(&self) -> Option<Decision> {
        self.decision
    }

    pub(crate) fn isa_of(&self) -> Isa {
        self.isa
    }

    /// The activation that hard decisions and the soft Dice of the moments belong to.
    pub(crate) fn first_activation(&self) -> Option<Activation> {
        let of_terms = self.terms.first().map(|(_, term)| term.activation);
        of_terms.or(self.further.iter().find_map(|integrand| integrand.activation))
    }

    /// The sums that were asked for beside those of the terms.
    pub(crate) fn further_sums(&self) -> &[Integrand] {
        &self.further
    }

    /// Whether all options fit each other and the number of classes.
    ///
    /// `measure` asks this first; a front end asks it when the objective is built.
    pub fn check(&self, classes: usize) -> Result<()> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        let terms = self.resolved();
        check_channels(&terms, classes)?;
        self.maps()?;
        self.division()?;
        for (weight, term) in &terms {
            if !Range::ANY.contains(*weight) {
                let wanted = Range::ANY.instead_of(*weight);
                return parameter(format!("{}: weight", term.name()), *weight, wanted);
            }
            term.check(classes)?;
        }
        for integrand in &self.further {
            integrand.check(classes)?;
        }
        if let Some(decision) = self.decision {
            decision.check("decision")?;
        }
        if self.reduction == Reduction::None {
            evaluate::check_one_shape(&terms)?;
        }
        Ok(())
    }

    /// Whether all options are right for some number of classes: what is wrong here is wrong for any.
    pub fn check_options(&self) -> Result<()> {
        let of_terms = self.terms.iter().filter_map(|(_, term)| term.least_classes());
        let of_sums = self.further.iter().filter_map(Integrand::classes);
        let own = self.class_weights.as_ref().map(Vec::len);
        let said = of_terms.chain(of_sums).chain(own).max();
        let named = self.terms.iter().filter_map(|(_, term)| term.classes.as_ref()?.iter().max());
        // Of no classes nothing can be said: an empty list is one of too few values.
        let classes = said
            .filter(|classes| *classes > 0)
            .unwrap_or_else(|| named.fold(2, |most, class| most.max(class.saturating_add(1))));
        self.prepare(classes).map(drop)
    }

    /// The objective for logits of so many classes: its verbs, without checking and planning anew
    /// in each. Fails as [`check`](Self::check) does.
    pub fn prepare(&self, classes: usize) -> Result<Prepared> {
        Prepared::new(self, classes)
    }

    /// Sweep 1: reads logits and target once and leaves sums.
    ///
    /// Validates everything: shapes and options before the first voxel, labels and weights on the
    /// way. This and the other verbs [prepare](Self::prepare) the objective first.
    pub fn measure(&self, logits: &Logits, target: &Target) -> Result<Moments> {
        self.prepare(logits.layout.classes)?.measure(logits, target)
    }

    /// Scalar arithmetic: from sums to the loss and its partial derivatives by them.
    ///
    /// Takes moments of one batch, of several, or of several processes: all that add up. Which
    /// objective they were measured for does not matter, only their [sums](Moments::integrands).
    pub fn evaluate(&self, moments: &Moments) -> Result<Verdict> {
        self.prepare(moments.classes())?.evaluate(moments)
    }

    /// Sweep 2: reads logits and target once more and writes ∂loss/∂logits, times `upstream`.
    ///
    /// `upstream` is a number, or has the shape of the output for [`Reduction::None`]. The loss is
    /// the verdict's: it may be another objective's of the same sums.
    pub fn pull_back<'u>(
        &self,
        verdict: &Verdict,
        upstream: impl Into<Upstream<'u>>,
        logits: &Logits,
        target: &Target,
        gradient: Output,
    ) -> Result<()> {
        let prepared = self.prepare(logits.layout.classes)?;
        prepared.pull_back(verdict, upstream, logits, target, gradient)
    }

    /// The loss of every voxel, for [`Reduction::None`] and voxel terms: `(N, 1, S)`, or
    /// `(N, C, S)` for sigmoid terms. An uncounted voxel has a loss of 0.
    pub fn voxel_losses(&self, logits: &Logits, target: &Target, map: Output) -> Result<()> {
        self.prepare(logits.layout.classes)?.voxel_losses(logits, target, map)
    }

    /// The shape of the map of [voxel losses](Self::voxel_losses), as `[N, 1, S]` or `[N, C, S]`.
    ///
    /// Fails unless all terms are voxel terms with outputs of one shape.
    pub fn map_shape(&self, logits: Layout) -> Result<[usize; 3]> {
        evaluate::map_shape(self.terms.iter().map(|(_, term)| term), logits)
    }

    /// Whether logits and target fit each other and the options: all that can be said without
    /// reading a voxel. `measure` asks this first.
    pub fn check_tensors(&self, logits: &Logits, target: &Target) -> Result<()> {
        self.check(logits.layout.classes)?;
        target.check(logits.layout)?;
        let maps = self.maps_read();
        target.check_maps(maps.iter().map(|(name, by)| (&**name, *by)))?;
        target.check_instances(self.division()?)
    }
}

/// Fails for too few channels, and says for all terms at once what one channel wants.
fn check_channels(terms: &[(f64, Term)], classes: usize) -> Result<()> {
    if classes >= 2 {
        return Ok(());
    }
    let under_softmax = |(_, term): &&(f64, Term)| term.activation == Activation::Softmax;
    let Some((_, first)) = terms.iter().find(under_softmax) else { return Ok(()) };
    Activation::Softmax.check(first.name(), classes, || {
        let terms = terms.iter().filter(under_softmax);
        let losses: Vec<_> = terms.map(|(_, term)| (term.name(), term.activations())).collect();
        Activation::of_one_channel(&losses)
    })
}
