//! One loss within an objective, with its own settings.

use std::{borrow::Cow, sync::Arc};

use crate::{
    Activation, Result, Selection, Sum, Tape, Words,
    declaration::{each, least_classes},
    error::{parameter, stated},
    formula::{ClassLoss, Formula, PerClass, PerRow, RowLoss},
    maps::Wanted,
    settings::{Absent, Pool, Settings},
    voxel::VoxelLoss,
};

/// One loss within an objective: a formula, its activation, and what it is computed over.
///
/// What is not set here is the objective's default.
#[derive(Debug, Clone)]
pub struct Term {
    pub(crate) loss: Loss,
    pub(crate) activation: Activation,
    pub(crate) pool: Option<Pool>,
    pub(crate) absent: Option<Absent>,
    pub(crate) background: Option<bool>,
    pub(crate) classes: Option<Vec<usize>>,
    pub(crate) class_weights: Option<Vec<f64>>,
    pub(crate) map: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Loss {
    Overlap(Arc<dyn Formula>),
    Voxel(VoxelLoss),
}

impl Term {
    /// A loss of your own that sees one class at a time.
    pub fn of_class(loss: impl ClassLoss, activation: Activation) -> Self {
        Self::overlap(PerClass::new(loss), activation)
    }

    /// A loss of your own that couples the classes.
    pub fn of_row(loss: impl RowLoss, activation: Activation) -> Self {
        Self::overlap(PerRow::new(loss), activation)
    }

    pub(crate) fn overlap(formula: impl Formula + 'static, activation: Activation) -> Self {
        Self::new(Loss::Overlap(Arc::new(formula)), activation)
    }

    pub(crate) fn voxel(loss: VoxelLoss, activation: Activation) -> Self {
        Self::new(Loss::Voxel(loss), activation)
    }

    fn new(loss: Loss, activation: Activation) -> Self {
        Self {
            loss,
            activation,
            pool: None,
            absent: None,
            background: None,
            classes: None,
            class_weights: None,
            map: None,
        }
    }

    /// The loss's name, as in the catalogue.
    pub fn name(&self) -> &'static str {
        match &self.loss {
            Loss::Overlap(formula) => formula.name(),
            Loss::Voxel(loss) => loss.name(),
        }
    }

    /// Whether it is a loss of sums, and no mean over voxels.
    pub(crate) fn is_overlap(&self) -> bool {
        matches!(self.loss, Loss::Overlap(_))
    }

    /// The formula of an overlap loss, for whoever computes it elsewhere; `None` of a voxel loss.
    ///
    /// ```
    /// use dice_loss::{Dice, Operation, Sum};
    /// let term = Dice::default().softmax();
    /// let tape = term.tape().expect("an overlap loss");
    /// assert_eq!(tape.operations()[0], Operation::Sum(Sum::Intersection));
    /// assert!(tape.reads(Sum::Prediction) && !tape.reads(Sum::PredictionSquared));
    /// ```
    pub fn tape(&self) -> Option<&Tape> {
        match &self.loss {
            Loss::Overlap(formula) => Some(formula.tape()),
            Loss::Voxel(_) => None,
        }
    }

    /// What an overlap loss is computed over.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// What an overlap loss makes of a class that is absent from the reference.
    pub fn absent(mut self, absent: Absent) -> Self {
        self.absent = Some(absent);
        self
    }

    /// Whether class 0 takes part. It does by default; with one channel it always does.
    ///
    /// Under softmax the background's logit is part of the activation either way.
    pub fn background(mut self, background: bool) -> Self {
        self.background = Some(background);
        self
    }

    /// Only these classes take part.
    pub fn classes(mut self, classes: impl Into<Vec<usize>>) -> Self {
        self.classes = Some(classes.into());
        self
    }

    /// Weights of the mean over classes, one for each class, not negative. They normalise it.
    pub fn class_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.class_weights = Some(weights.into());
        self
    }

    /// The name of the map that weighs the voxels, which the target carries
    /// ([`Target::map`](crate::Target::map)): its values multiply the weights of the voxels in every sum
    /// that the loss reads, but for their number. A voxel loss divides by the weights that come of it.
    ///
    /// A loss that wants a map has a name for it already.
    pub fn map(mut self, name: impl Into<String>) -> Self {
        self.map = Some(name.into());
        self
    }

    /// The map that its loss cannot do without.
    pub(crate) fn wanted_map(&self) -> Option<Wanted> {
        match &self.loss {
            Loss::Overlap(formula) => formula.map(),
            Loss::Voxel(loss) => loss.map(),
        }
    }

    /// The name of the map that weighs the voxels: its own, or that of its loss.
    pub(crate) fn map_name(&self) -> Option<Cow<'_, str>> {
        let of_loss = || self.wanted_map().map(|wanted| wanted.name.into());
        self.map.as_deref().map(Cow::Borrowed).or_else(of_loss)
    }

    /// A term whose losses voxels are ranked by, to take some of them: this one without a selection; or by
    /// the probabilities alone.
    pub(crate) fn ranked_by(&self, selection: Selection) -> Self {
        match &self.loss {
            Loss::Voxel(loss) if selection.is_by_probability() => {
                Self::voxel(loss.plain(self.activation), self.activation)
            }
            Loss::Voxel(loss) => {
                Self { loss: Loss::Voxel(loss.of_all()), map: None, ..self.clone() }
            }
            Loss::Overlap(_) => self.clone(),
        }
    }

    /// Its settings.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            activation: Some(self.activation),
            pool: self.pool,
            absent: self.absent,
            background: self.background,
            classes: self.classes.clone(),
            class_weights: self.class_weights.clone(),
            map: self.map_name().map(Cow::into_owned),
        }
    }

    /// Fills in what is open, by itself in an objective or a spec.
    pub(crate) fn fill(&mut self, settings: &Settings) {
        self.background = self.background.or(settings.background);
        self.classes = self.classes.take().or_else(|| settings.classes.clone());
        self.map = self.map.take().or_else(|| settings.map.clone());
        self.fill_as_part(settings);
    }

    /// Fills in what is open, as a part of a compound or of an objective: voxel losses keep the background.
    pub(crate) fn fill_as_part(&mut self, settings: &Settings) {
        if let Loss::Overlap(_) = self.loss {
            self.pool = self.pool.or(settings.pool);
            self.absent = self.absent.or(settings.absent);
            self.background = self.background.or(settings.background);
        }
        if self.class_weights.is_none() {
            self.class_weights.clone_from(&settings.class_weights);
        }
    }

    /// The weight of each class, 0 where it takes no part.
    pub(crate) fn weights(&self, classes: usize) -> Vec<f64> {
        self.settings().weights(classes)
    }

    /// Those that its loss can be used with.
    pub(crate) fn activations(&self) -> &'static [Activation] {
        match &self.loss {
            Loss::Overlap(formula) => formula.activations(),
            Loss::Voxel(loss) => loss.activations(),
        }
    }

    /// The number of classes that some option is for, if any says.
    pub(crate) fn least_classes(&self) -> Option<usize> {
        let own = match &self.loss {
            Loss::Overlap(formula) => formula.least_classes(),
            Loss::Voxel(loss) => loss.least_classes(),
        };
        own.max(least_classes(&mut self.settings()))
    }

    /// Whether every option fits the others and the number of classes.
    pub(crate) fn check(&self, classes: usize) -> Result<()> {
        let name = self.name();
        self.activation.among(name, self.activations())?;
        let instead = || Activation::of_one_channel(&[(name, self.activations())]);
        self.activation.check(name, classes, instead)?;
        let mut result = Ok(());
        each(&mut self.settings(), &mut |facts, slot| {
            if result.is_ok() {
                result = slot.check(name, facts, classes);
            }
        });
        result?;
        match &self.loss {
            Loss::Overlap(formula) => {
                if let Some(distances) = formula.distances() {
                    distances.check(name, classes)?;
                }
                if let Some(pool) = self.pool.filter(|pool| pool.division().is_some())
                    && formula.is_coupled()
                {
                    return stated(
                        format!("{name}: pool"),
                        pool.word(),
                        "sample, batch or all: a loss that couples the classes has no value of one \
                         class, and so none of its instances",
                    );
                }
                if formula.tape().reads(Sum::Mapped) && self.map_name().is_none() {
                    let wanted = "the name of a map, whose sum the formula reads";
                    return stated(format!("{name}: map"), "none", wanted);
                }
                formula.check(classes)
            }
            Loss::Voxel(loss) => {
                if let Some(pool) = self.pool {
                    return parameter(
                        format!("{name}: pool"),
                        pool,
                        "none: a voxel loss is a mean over everything that counts",
                    );
                }
                if let Some(absent) = self.absent {
                    return parameter(
                        format!("{name}: absent"),
                        absent,
                        "none: a voxel loss has no absent classes",
                    );
                }
                loss.check(classes)
            }
        }
    }
}
