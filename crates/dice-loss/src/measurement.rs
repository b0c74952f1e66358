//! The sums themselves: for a front end that sums up the voxels or computes its loss itself, on a
//! device of its own or with a framework's tensor operations.

use crate::{
    Activation, Decision, Error, Logits, Moments, Objective, Output, Result, Target, Verdict,
    evaluate::Slopes,
    plan::{Column, FocalPlan, Plan},
    sweep,
};

/// What one of the moments sums up over the voxels of a sample, for each class.
///
/// w is the voxel's weight: 0 where it does not count, or where the class is not annotated. p is
/// the probability that the activation gives the class, g the reference. p′ and g′ are the same
/// with the unannotated classes added to the background; without partial labels they are p and g.
#[derive(Debug, Clone, PartialEq)]
pub enum Integrand {
    /// w g
    Reference,
    /// w g²
    ReferenceSquared,
    /// w
    Voxels,
    /// 1 where the decision and the reference have the class, and the voxel counts.
    TruePositives(Decision, Activation),
    /// 1 where only the decision has it.
    FalsePositives(Decision, Activation),
    /// 1 where only the reference has it.
    FalseNegatives(Decision, Activation),
    /// w p g
    Intersection(Activation),
    /// w p
    Prediction(Activation),
    /// w p²
    PredictionSquared(Activation),
    /// w |p − g|
    Difference(Activation),
    /// w |p|
    Magnitude(Activation),
    /// w g_k Σ_l M_kl p_l, with the distances M row-major, C × C.
    Transport(Activation, Vec<f64>),
    /// w g′ (−ln p′)
    LogLoss(Activation),
    /// w (−ln p′) / C′, of each of the C′ classes alike; merged ones are none.
    LogLossOfAll(Activation),
    /// w g′
    Merged(Activation),
    /// w g (−ln p)
    Positive(Activation),
    /// w (1 − g) (−ln(1 − p))
    Negative(Activation),
    /// w g (1 − p)^γ (−ln p), with each class's γ; under softmax of g′ and p′.
    Focal(Activation, Vec<f64>),
    /// w (1 − g) p^γ (−ln(1 − p)), with each class's γ.
    FocalNegative(Activation, Vec<f64>),
}

/// The sums that an objective needs, and what becomes of them.
///
/// A front end that cannot lend its tensors to [`Objective::measure`] computes the sums of
/// [`integrands`](Self::integrands) itself and hands them to [`moments`](Self::moments);
/// [`Objective::evaluate`] then gives the loss and [`gradient`](Self::gradient) its derivatives by
/// the sums, which a framework's automatic differentiation takes from there. The other way round,
/// one that computes a loss of its own from the sums of [`Objective::measure`] hands its derivatives
/// to [`pull_back`](Self::pull_back).
///
/// ```
/// use dice_loss::{Dice, Integrand, Objective};
/// let objective = Objective::new().term(1.0, Dice::default().sigmoid());
/// let measurement = objective.measurement(1)?;
/// let sum = |integrand: &Integrand| match integrand {
///     Integrand::Intersection(_) => 0.9, // p = 0.9 and 0.2, g = 1 and 0
///     Integrand::Prediction(_) => 1.1,
///     Integrand::Reference | Integrand::ReferenceSquared => 1.0,
///     _ => 2.0,
/// };
/// let sums = measurement.integrands().iter().map(sum).collect();
/// let verdict = objective.evaluate(&measurement.moments(sums, vec![true])?)?;
/// assert!((verdict.loss() - (1.0 - 1.8 / 2.1)).abs() < 1e-5);
/// assert_eq!(measurement.gradient(&verdict)?.len(), measurement.integrands().len());
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Measurement {
    objective: Objective,
    plan: Plan,
}

impl Objective {
    /// What to sum up for logits of so many classes. Fails as [`check`](Self::check) does.
    pub fn measurement(&self, classes: usize) -> Result<Measurement> {
        self.check(classes)?;
        let plan = Plan::new(self, classes)?;
        Ok(Measurement { objective: self.clone(), plan })
    }
}

impl Measurement {
    /// What to sum up, in the order of the sums.
    pub fn integrands(&self) -> Vec<Integrand> {
        self.plan.columns.iter().map(|column| self.integrand(*column)).collect()
    }

    /// Moments of sums computed elsewhere, row-major (sample, integrand, class).
    ///
    /// `valid` says which classes were annotated, row-major (sample, class). Fails if the lengths
    /// do not fit.
    pub fn moments(&self, sums: Vec<f64>, valid: Vec<bool>) -> Result<Moments> {
        let (columns, classes) = (self.plan.columns.len(), self.plan.classes);
        if classes == 0
            || !valid.len().is_multiple_of(classes)
            || sums.len() != columns * valid.len()
        {
            return Err(Error::Shape {
                what: "sums, class validity",
                found: vec![sums.len(), valid.len()],
                wanted: format!("N × {columns} × {classes} and N × {classes} entries"),
            });
        }
        Ok(Moments::new(
            &self.plan.identity,
            &self.plan.columns,
            [valid.len() / classes, classes],
            sums,
            valid,
        ))
    }

    /// ∂loss/∂sums, in the order of [`Moments::as_slice`].
    ///
    /// For [`Reduction::None`](crate::Reduction::None) the derivatives of the sum of all values:
    /// each sum belongs to one value only. Fails for the verdict of another objective.
    pub fn gradient(&self, verdict: &Verdict) -> Result<Vec<f64>> {
        verdict.expect_objective(&self.plan.identity)?;
        Ok(verdict.gradient(&self.plan))
    }

    /// Sweep 2 from the sums on: reads logits and target and writes Σ derivative · ∂sum/∂logits.
    ///
    /// The derivatives are row-major (row, integrand, class), as [`gradient`](Self::gradient) gives
    /// them: a row for each sample, or one row for all. Those by sums that do not depend on the
    /// logits are not read. Fails as [`Objective::pull_back`] does.
    pub fn pull_back(
        &self,
        derivatives: &[f64],
        logits: &Logits,
        target: &Target,
        gradient: Output,
    ) -> Result<()> {
        self.objective.check_tensors(logits, target)?;
        gradient.check(logits)?;
        let slopes = Slopes::of_moments(&self.plan, derivatives, logits.layout)?;
        sweep::pull_back(self.objective.isa_of(), &self.plan, slopes, logits, target, gradient)
    }

    /// Which of the [values](Verdict::values) each (sample, class) is part of, row-major.
    pub fn cells(&self, verdict: &Verdict) -> Vec<usize> {
        verdict.cell_of_each()
    }

    fn integrand(&self, column: Column) -> Integrand {
        // A column of counts exists only with a decision.
        let (decision, by) =
            self.plan.decision.unwrap_or((Decision::Argmax, Activation::Probabilities));
        match column {
            Column::Reference => Integrand::Reference,
            Column::ReferenceSquared => Integrand::ReferenceSquared,
            Column::Voxels => Integrand::Voxels,
            Column::TruePositives => Integrand::TruePositives(decision, by),
            Column::FalsePositives => Integrand::FalsePositives(decision, by),
            Column::FalseNegatives => Integrand::FalseNegatives(decision, by),
            Column::Sum(activation, direction) => self.sum(activation, direction),
            Column::LogLoss(activation) => Integrand::LogLoss(activation),
            Column::LogLossOfAll(activation) => Integrand::LogLossOfAll(activation),
            Column::Merged(activation) => Integrand::Merged(activation),
            Column::Positive(activation) => Integrand::Positive(activation),
            Column::Negative(activation) => Integrand::Negative(activation),
            Column::Focal(term) => {
                let (activation, gamma) = self.focal(term);
                Integrand::Focal(activation, gamma)
            }
            Column::FocalNegative(term) => {
                let (activation, gamma) = self.focal(term);
                Integrand::FocalNegative(activation, gamma)
            }
        }
    }

    /// The integrand of a field of [`Sums`](crate::Sums).
    fn sum(&self, activation: Activation, direction: usize) -> Integrand {
        match direction {
            0 => Integrand::Intersection(activation),
            1 => Integrand::Prediction(activation),
            2 => Integrand::PredictionSquared(activation),
            3 => Integrand::Difference(activation),
            4 => Integrand::Magnitude(activation),
            _ => {
                let group = self.plan.group(activation);
                let distances = group.and_then(|group| group.distances.clone());
                Integrand::Transport(activation, distances.unwrap_or_default())
            }
        }
    }

    fn focal(&self, term: usize) -> (Activation, Vec<f64>) {
        let activation = self.plan.terms[term].1.activation;
        let plan = self.plan.group(activation);
        let of_term = |focal: &&FocalPlan| focal.term == term;
        let focal = plan.and_then(|group| group.focal.iter().find(of_term));
        (activation, focal.map(|focal| focal.gamma.clone()).unwrap_or_default())
    }
}
