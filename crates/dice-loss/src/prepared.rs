//! An objective for one number of classes: checked once, planned once.

use std::borrow::Cow;

use crate::{
    Error, InstanceDetails, Instances, Integrand, Layout, Logits, Moments, Objective, Output,
    Reduction, Result, Target, TermParts, Upstream, Verdict,
    evaluate::{self, Slopes},
    instances,
    plan::Plan,
    room,
    sweep::{self, Input},
};

/// An [`Objective`] for one number of classes: what it sums up, and its verbs without preparation.
///
/// A front end that cannot lend its tensors to [`measure`](Self::measure) computes the sums of
/// [`integrands`](Self::integrands) itself and hands them to [`moments`](Self::moments);
/// [`evaluate`](Self::evaluate) then gives the loss and [`gradient`](Self::gradient) its derivatives
/// by the sums, which a framework's automatic differentiation takes from there. The other way round,
/// one that computes a loss of its own from the sums of [`measure`](Self::measure) hands its
/// derivatives to [`pull_back_sums`](Self::pull_back_sums).
///
/// ```
/// use dice_loss::{Dice, Objective, Sum};
/// let prepared = Objective::new().term(1.0, Dice::default().sigmoid()).prepare(1)?;
/// let sum = |sum: Sum| match sum {
///     Sum::Intersection => 0.9, // p = 0.9 and 0.2, g = 1 and 0
///     Sum::Prediction => 1.1,
///     Sum::Reference | Sum::ReferenceSquared => 1.0,
///     _ => 2.0,
/// };
/// let sums = prepared.integrands().iter().map(|integrand| sum(integrand.sum)).collect();
/// let verdict = prepared.evaluate(&prepared.moments(sums, vec![true])?)?;
/// assert!((verdict.loss() - (1.0 - 1.8 / 2.1)).abs() < 1e-5);
/// assert_eq!(prepared.gradient(&verdict)?.len(), prepared.integrands().len());
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Prepared {
    plan: Plan,
}

impl Prepared {
    pub(crate) fn new(objective: &Objective, classes: usize) -> Result<Self> {
        objective.check(classes)?;
        Ok(Self { plan: Plan::new(objective, classes)? })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Classes.
    pub fn classes(&self) -> usize {
        self.plan.classes
    }

    /// How the values become the loss.
    pub fn reduced_by(&self) -> Reduction {
        self.plan.reduction
    }

    /// Whether some term looks at [instances](Instances), which the target has to carry.
    pub fn looks_at_instances(&self) -> bool {
        self.plan.division.is_some()
    }

    /// What is summed up, in the order of the sums.
    pub fn integrands(&self) -> &[Integrand] {
        &self.plan.integrands
    }

    /// The maps that the sums name, in the order of their names, and whether the values of each may be
    /// negative.
    ///
    /// ```
    /// use dice_loss::{Boundary, Objective};
    /// let prepared = Objective::new().term(1.0, Boundary::default().softmax()).prepare(2)?;
    /// assert_eq!(prepared.maps().collect::<Vec<_>>(), [("boundary", true)]);
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn maps(&self) -> impl Iterator<Item = (&str, bool)> {
        self.plan.maps.iter().map(|map| (map.name.as_str(), map.is_signed))
    }

    /// The terms as plain data, for who does elsewhere what [`evaluate`](Self::evaluate) does.
    ///
    /// ```
    /// use dice_loss::{Dice, LossParts, Objective, Sum};
    /// let prepared = Objective::new().term(1.0, Dice::default().sigmoid()).prepare(2)?;
    /// let term = prepared.parts().next().expect("one term");
    /// assert_eq!(term.class_weights, [1.0, 1.0]);
    /// let LossParts::Overlap { columns, .. } = term.loss else { panic!("not of sums") };
    /// assert!(columns.iter().any(|(sum, _)| *sum == Sum::Intersection));
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn parts(&self) -> impl Iterator<Item = TermParts<'_>> {
        self.plan.parts()
    }

    /// Sweep 1, as [`Objective::measure`].
    pub fn measure(&self, logits: &Logits, target: &Target) -> Result<Moments> {
        let instances = self.instances(logits, target)?;
        sweep::measure(&self.batch(logits, target, &instances))
    }

    /// Moments of sums computed elsewhere, row-major (sample, class, integrand).
    ///
    /// `valid` says which classes were annotated, row-major (sample, class). Fails if the lengths
    /// do not fit.
    pub fn moments(&self, sums: Vec<f64>, valid: Vec<bool>) -> Result<Moments> {
        let (columns, classes) = (self.plan.columns(), self.plan.classes);
        room::expect(valid.len(), size_of::<usize>(), "the sums of all samples")?;
        if classes == 0
            || !valid.len().is_multiple_of(classes)
            || sums.len() != columns * valid.len()
        {
            return Err(Error::Shape {
                what: "sums, class validity",
                found: vec![sums.len(), valid.len()],
                wanted: format!("N × {classes} × {columns} and N × {classes} entries"),
            });
        }
        Ok(Moments::new(&self.plan.integrands, [valid.len() / classes, classes], sums, valid))
    }

    /// Scalar arithmetic, as [`Objective::evaluate`].
    pub fn evaluate(&self, moments: &Moments) -> Result<Verdict> {
        moments.expect(&self.plan.integrands, self.plan.classes)?;
        evaluate::evaluate(&self.plan, moments)
    }

    /// How well each instance was found, sample by sample and class by class: of the classes that a term
    /// with pool [`Cell`](crate::Pool::Cell) or [`Blob`](crate::Pool::Blob) looks at, all instances of which
    /// a voxel counts. A class with fewer than two in a sample is one, the whole of it.
    ///
    /// `None` of moments that no sweep has just left: added up, appended or read from text. Fails for
    /// moments of other sums.
    ///
    /// ```
    /// use dice_loss::{Decision, Dice, Division, Instances, Layout, Logits, Objective, Pool, Target};
    /// let layout = Layout::channels_first(&[1, 1, 6])?;
    /// let cells = Instances::new(Division::Cells, &[1u8, 1, 1, 2, 2, 2], layout)?;
    /// let dice = Dice::default().sigmoid().pool(Pool::Cell);
    /// let objective = Objective::new().term(1.0, dice).decision(Decision::Threshold(0.5)).prepare(1)?;
    /// let logits = Logits::new(&[9.0f32, 9.0, -9.0, -9.0, -9.0, -9.0], layout)?;
    /// let target = Target::labels(&[1u8, 1, 0, 0, 1, 0], layout)?.instances(&cells);
    ///
    /// let found = objective.instance_details(&objective.measure(&logits, &target)?)?.unwrap();
    /// let hits = found.iter().map(|instance| instance.counts.unwrap().true_positives);
    /// assert!(hits.eq([2, 0]));
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn instance_details(&self, moments: &Moments) -> Result<Option<Vec<InstanceDetails>>> {
        moments.expect(&self.plan.integrands, self.plan.classes)?;
        Ok(instances::details(&self.plan, moments))
    }

    /// ∂loss/∂sums, in the order of [`Moments::as_slice`].
    ///
    /// For [`Reduction::None`](crate::Reduction::None) the derivatives of the sum of all values:
    /// each sum belongs to one value only. Fails for the verdict of other sums.
    pub fn gradient(&self, verdict: &Verdict) -> Result<Vec<f64>> {
        verdict.expect_sums(&self.plan)?;
        verdict.gradient(&self.plan)
    }

    /// Sweep 2, as [`Objective::pull_back`].
    pub fn pull_back<'u>(
        &self,
        verdict: &Verdict,
        upstream: impl Into<Upstream<'u>>,
        logits: &Logits,
        target: &Target,
        gradient: Output,
    ) -> Result<()> {
        let instances = self.instances(logits, target)?;
        let batch = self.batch(logits, target, &instances);
        verdict.expect_sums(&self.plan)?;
        gradient.check(logits)?;
        let slopes = verdict.slopes(&upstream.into(), &self.plan, logits.layout)?;
        let known = batch.instances.and_then(|instances| verdict.known_of(instances));
        sweep::pull_back(&batch, slopes, known, gradient)
    }

    /// Sweep 2 from the sums on: reads logits and target and writes Σ derivative · ∂sum/∂logits.
    ///
    /// The derivatives are row-major (sample, class, integrand), as [`gradient`](Self::gradient)
    /// gives them: for each sample, or once for all. Those by sums that do not depend on the logits
    /// are not read. Where terms look at instances, sweep 1 runs again, for the sums of each. Fails as
    /// [`pull_back`](Self::pull_back) does.
    pub fn pull_back_sums(
        &self,
        derivatives: &[f64],
        logits: &Logits,
        target: &Target,
        gradient: Output,
    ) -> Result<()> {
        let instances = self.instances(logits, target)?;
        let batch = self.batch(logits, target, &instances);
        gradient.check(logits)?;
        let slopes = Slopes::of_moments(&self.plan, derivatives, logits.layout)?;
        sweep::pull_back(&batch, slopes, None, gradient)
    }

    /// The loss of every voxel, as [`Objective::voxel_losses`].
    pub fn voxel_losses(&self, logits: &Logits, target: &Target, map: Output) -> Result<()> {
        let instances = self.instances(logits, target)?;
        let batch = self.batch(logits, target, &instances);
        let wanted = self.map_shape(logits.layout)?;
        if map.layout.shape() != wanted {
            return Err(Error::Shape {
                what: "map of voxel losses",
                found: map.layout.shape().to_vec(),
                wanted: format!("{wanted:?}"),
            });
        }
        sweep::voxel_losses(&batch, map)
    }

    /// The shape of the map of voxel losses, as [`Objective::map_shape`].
    pub fn map_shape(&self, logits: Layout) -> Result<[usize; 3]> {
        evaluate::map_shape(self.plan.terms.iter().map(|planned| &planned.term), logits)
    }

    /// Which of the [values](Verdict::values) each (sample, class) is part of, row-major.
    pub fn value_of_each(&self, verdict: &Verdict) -> Vec<usize> {
        verdict.value_of_each()
    }

    /// Whether logits and target fit each other and the number of classes: all that can be said
    /// without reading a voxel. `measure` asks this first.
    pub fn check_tensors(&self, logits: &Logits, target: &Target) -> Result<()> {
        self.check_shapes(logits, target)?;
        target.check_maps(self.plan.maps.iter().map(|map| (&*map.name, map.by)))?;
        target.check_instances(self.plan.division)
    }

    /// The same but for which maps and instances there are.
    pub(crate) fn check_shapes(&self, logits: &Logits, target: &Target) -> Result<()> {
        if logits.layout.classes != self.plan.classes {
            return Err(Error::Shape {
                what: "logits",
                found: logits.layout.shape().to_vec(),
                wanted: format!("{} classes, as was prepared for", self.plan.classes),
            });
        }
        target.check(logits.layout)
    }

    /// The instances of a target that has their numbers as a map ([`Target::map`]), for
    /// [`Target::instances`]: to read them once for both sweeps. `None` where no term looks at them.
    ///
    /// Fails for shapes that do not fit, and for what is no number of an instance.
    pub fn read_instances(&self, logits: &Logits, target: &Target) -> Result<Option<Instances>> {
        Ok(self.instances(logits, target)?.map(Cow::into_owned))
    }

    /// Checks the tensors, and reads the instances where they come as a map.
    pub(crate) fn instances<'a>(
        &self,
        logits: &Logits,
        target: &Target<'a>,
    ) -> Result<Option<Cow<'a, Instances>>> {
        self.check_tensors(logits, target)?;
        Ok(match (self.plan.division, &target.numbers, target.instances) {
            (Some((division, _)), Some(map), _) => {
                let is_seen = self.plan.classes_with_instances();
                Some(Cow::Owned(Instances::of_map(division, map, logits.layout, &is_seen)?))
            }
            (_, _, instances) => instances.map(Cow::Borrowed),
        })
    }

    fn batch<'a>(
        &'a self,
        logits: &'a Logits,
        target: &'a Target,
        instances: &'a Option<Cow<Instances>>,
    ) -> Input<'a> {
        Input { instances: instances.as_deref(), ..Input::new(&self.plan, logits, target) }
    }
}
