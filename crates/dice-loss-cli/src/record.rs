//! What a comparison leaves behind: configuration, curves and scores, as `results.json` has them.

use serde::{Deserialize, Serialize};

use crate::data::{Class, Dataset, Split};

/// A whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Name and version of the program.
    pub program: String,
    /// What was trained and measured on.
    pub data: DataRecord,
    /// How it was trained.
    pub settings: Settings,
    /// Whether it was stopped before its end; what had been reached by then is in `runs`.
    pub interrupted: bool,
    /// One entry per training, in the order in which they ran: every loss once for each seed.
    pub runs: Vec<Run>,
}

/// The dataset, without its voxels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// What it is, in a few words.
    pub title: String,
    /// What it is and what its numbers can say.
    pub statement: String,
    /// What else to know.
    pub notes: Vec<String>,
    /// Classes by label; the first is background.
    pub classes: Vec<ClassRecord>,
    /// Names of all slices.
    pub slices: Vec<String>,
    /// Which of them train and which are held out.
    pub split: Split,
}

/// A class of the dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRecord {
    /// Its name.
    pub name: String,
    /// Its voxels in all slices.
    pub voxels: u64,
    /// Its share of all voxels.
    pub share: f64,
    /// Whether it counts as rare.
    pub rare: bool,
}

/// What every loss was trained with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Decides which files are held out; the first training's initial weights and batches as well.
    pub seed: u64,
    /// Seeds: trainings of every loss.
    pub seeds: usize,
    /// Iterations of every training.
    pub iterations: usize,
    /// Minutes that it might take, if there was a limit.
    pub minutes: Option<f64>,
    /// Crops per iteration.
    pub batch_size: usize,
    /// Side of a crop in voxels.
    pub crop: usize,
    /// Learning rate at the start; it falls to zero along a cosine.
    pub learning_rate: f64,
    /// Share that was asked to be held out.
    pub validation_fraction: f64,
    /// Iterations between two validations.
    pub validation_interval: usize,
    /// Validation slices that are predicted along the way.
    pub validated_along: usize,
    /// Validation slices, by number, that are predicted at the end.
    pub validated_at_end: Vec<usize>,
    /// The network.
    pub network: String,
    /// Its trainable parameters.
    pub parameters: usize,
    /// Threads.
    pub threads: usize,
}

/// What became of one loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The loss.
    pub loss: LossRecord,
    /// Decides initial weights and batches.
    pub seed: u64,
    /// Iterations done.
    pub iterations: usize,
    /// Iteration at which the training loss was no longer finite; training ended there.
    pub diverged: Option<usize>,
    /// Training loss of every iteration.
    pub training: Vec<f64>,
    /// Scores along the way, on the validation slices for that; the last at the end.
    pub validation: Vec<Validation>,
    /// Scores at the end per class, background included, from voxels pooled over all validation slices.
    pub classes: Vec<Score>,
    /// Mean over all classes but background.
    pub mean: Score,
    /// Mean over rare classes, where there are any.
    pub rare: Option<Score>,
    /// Median time of an iteration: batch, forward, loss, backward, optimiser.
    pub milliseconds_per_iteration: f64,
}

/// A loss as its list describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossRecord {
    /// The name that `--losses` takes.
    pub name: String,
    /// The name in full, with options that were asked for.
    pub title: String,
    /// These options, or an empty string.
    pub options: String,
    /// What it computes.
    pub formula: String,
    /// Address of the paper, or an empty string.
    pub reference: String,
}

/// Scores at one point of the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Iterations done by then.
    pub iteration: usize,
    /// Dice per class, background included.
    pub classes: Vec<Option<f64>>,
    /// Mean Dice over all classes but background.
    pub mean: Option<f64>,
    /// Mean Dice over rare classes.
    pub rare: Option<f64>,
}

/// Overlap with the reference; nothing where neither holds the class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Dice coefficient, 2 TP / (2 TP + FP + FN).
    pub dice: Option<f64>,
    /// Intersection over union, TP / (TP + FP + FN).
    pub iou: Option<f64>,
}

/// A loss with its trainings, one for each seed.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The loss.
    pub loss: &'a LossRecord,
    /// Its trainings; there is at least one.
    pub runs: Vec<&'a Run>,
}

/// A number over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// A gain of mean Dice over the last quarter of a training above which it has not converged.
const STILL_GAINING: f64 = 0.01;

/// Iterations below which a curve is too short to tell.
const ENOUGH: usize = 40;

impl Run {
    /// Whether it was stopped before so many iterations for no reason of its own.
    pub fn is_cut(&self, iterations: usize) -> bool {
        self.diverged.is_none() && self.iterations < iterations
    }

    /// What mean Dice gained over the last quarter of the iterations.
    pub fn late_gain(&self) -> Option<f64> {
        let before = |v: &&Validation| 4 * v.iteration <= 3 * self.iterations;
        let before = self.validation.iter().rev().find(before)?;
        Some(self.validation.last()?.mean? - before.mean?)
    }
}

impl Group<'_> {
    /// A number of every training, where any has it.
    pub fn over(&self, value: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        let values: Vec<f64> = self.runs.iter().filter_map(|run| value(run)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (!values.is_empty()).then_some(Spread { mean, low, high })
    }

    /// Whether its mean Dice still grew towards the end.
    pub fn is_gaining(&self) -> bool {
        self.over(Run::late_gain).is_some_and(|gain| gain.mean > STILL_GAINING)
    }
}

impl LossRecord {
    /// A file's name for it, without extension.
    pub fn file_stem(&self) -> String {
        let text = match self.options.as_str() {
            "" => self.name.clone(),
            options => format!("{}-{}", self.name, options.replace(", ", "-")),
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() || "_-=.".contains(c) { c } else { '_' };
        text.chars().map(plain).collect()
    }
}

impl Comparison {
    /// The losses, each with its trainings.
    pub fn losses(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group> = vec![];
        for run in &self.runs {
            match groups.iter_mut().find(|group| *group.loss == run.loss) {
                Some(group) => group.runs.push(run),
                None => groups.push(Group { loss: &run.loss, runs: vec![run] }),
            }
        }
        groups
    }

    /// Why the losses cannot be put in an order yet, and by which measure: their trainings have not converged.
    pub fn not_converged(&self) -> Option<String> {
        let losses = self.losses();
        let iterations = self.settings.iterations;
        if iterations < ENOUGH {
            return Some(format!(
                "{iterations} iterations are too few to tell, wanted at least {ENOUGH}"
            ));
        }
        let gaining = losses.iter().filter(|group| group.is_gaining()).count();
        (gaining > 0).then(|| {
            format!(
                "{gaining} of {} losses still gained more than {STILL_GAINING} mean Dice over the last quarter of their \
                 iterations",
                losses.len()
            )
        })
    }

    /// Which of some numbers, one a loss, are the best: the highest mean, and those whose seeds reach into its seeds.
    ///
    /// None where losses have not converged, or differ no more than the seeds of one do.
    pub fn best(&self, numbers: &[Option<Spread>]) -> Vec<bool> {
        // Best as shown: numbers that read alike are alike.
        let shown = |value: f64| (value * 1000.0).round();
        let means = || numbers.iter().flatten().map(|spread| shown(spread.mean));
        let highest = means().fold(f64::NEG_INFINITY, f64::max);
        let lowest = means().fold(f64::INFINITY, f64::min);
        let of_seeds = numbers.iter().flatten().map(|spread| shown(spread.high - spread.low));
        if self.not_converged().is_some()
            || highest <= lowest
            || of_seeds.fold(0.0, f64::max) > highest - lowest
        {
            return vec![false; numbers.len()];
        }
        let top = numbers.iter().flatten().filter(|spread| shown(spread.mean) == highest);
        let reach = top.map(|spread| spread.low).fold(f64::INFINITY, f64::min);
        let among = |spread: &Option<Spread>| {
            spread.is_some_and(|spread| {
                shown(spread.mean) == highest || spread.high > spread.low && spread.high >= reach
            })
        };
        numbers.iter().map(among).collect()
    }

    /// Classes of which no loss predicted a single voxel rightly.
    pub fn not_found(&self) -> Vec<&str> {
        let missed = |run: &Run, label: usize| run.classes[label].dice == Some(0.0);
        let classes = self.data.classes.iter().enumerate().skip(1);
        classes
            .filter(|&(label, _)| self.runs.iter().all(|run| missed(run, label)))
            .map(|(_, class)| class.name.as_str())
            .collect()
    }
}

impl DataRecord {
    /// Whether any class counts as rare.
    pub fn has_rare(&self) -> bool {
        self.classes.iter().any(|class| class.rare)
    }

    /// Describes a dataset.
    pub fn new(data: &Dataset) -> Self {
        let class = |(label, class): (usize, &Class)| ClassRecord {
            name: class.name.clone(),
            voxels: class.voxels,
            share: class.share,
            rare: label > 0 && class.is_rare(),
        };
        Self {
            title: data.title.clone(),
            statement: data.statement.clone(),
            notes: data.notes.clone(),
            classes: data.classes.iter().enumerate().map(class).collect(),
            slices: data.slices.iter().map(|slice| slice.name.clone()).collect(),
            split: data.split.clone(),
        }
    }
}

#[cfg(test)]
impl Comparison {
    /// Runs with these Dice coefficients of three classes beside background.
    pub(crate) fn example(dice: &[[f64; 3]]) -> Self {
        let class = |label: usize| ClassRecord {
            name: format!("class {label}"),
            voxels: 100,
            share: 0.25,
            rare: false,
        };
        let run = |(number, dice): (usize, &[f64; 3])| {
            let classes = [1.0].iter().chain(dice);
            Run {
                loss: LossRecord {
                    name: format!("loss_{number}"),
                    title: format!("Loss {number}"),
                    options: String::new(),
                    formula: String::new(),
                    reference: String::new(),
                },
                seed: 0,
                iterations: 2,
                diverged: None,
                training: vec![1.0, 0.5],
                validation: vec![],
                classes: classes.map(|&dice| Score { dice: Some(dice), iou: None }).collect(),
                mean: Score { dice: Some(dice.iter().sum::<f64>() / 3.0), iou: None },
                rare: None,
                milliseconds_per_iteration: 1.0,
            }
        };
        Self {
            program: "test".into(),
            data: DataRecord {
                title: "data".into(),
                statement: String::new(),
                notes: vec![],
                classes: (0..4).map(class).collect(),
                slices: vec![],
                split: Split { training: vec![], validation: vec![], left_out: vec![] },
            },
            settings: Settings {
                seed: 0,
                seeds: 1,
                iterations: ENOUGH,
                minutes: None,
                batch_size: 1,
                crop: 64,
                learning_rate: 1e-3,
                validation_fraction: 0.5,
                validation_interval: 1,
                validated_along: 0,
                validated_at_end: vec![],
                network: "network".into(),
                parameters: 1,
                threads: 1,
            },
            interrupted: false,
            runs: dice.iter().enumerate().map(run).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_not_found_where_every_loss_missed_it() {
        let comparison = Comparison::example(&[[0.9, 0.0, 0.0], [0.8, 0.1, 0.0]]);
        assert_eq!(comparison.not_found(), ["class 3"]);
    }

    fn spread(mean: f64, low: f64, high: f64) -> Option<Spread> {
        Some(Spread { mean, low, high })
    }

    fn one(mean: f64) -> Option<Spread> {
        spread(mean, mean, mean)
    }

    #[test]
    fn seeds_of_a_loss_stand_together() {
        let mut comparison = Comparison::example(&[[0.9, 0.3, 0.0], [0.8, 0.1, 0.0]]);
        let mut second = comparison.runs.clone();
        second[0].mean.dice = Some(0.6);
        second[1].mean.dice = None;
        comparison.runs.extend(second);
        let losses = comparison.losses();
        assert_eq!(losses.len(), 2);
        let near = |spread: Spread, wanted: [f64; 3]| {
            let found = [spread.mean, spread.low, spread.high];
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        };
        near(losses[0].over(|run| run.mean.dice).unwrap(), [0.5, 0.4, 0.6]);
        near(losses[1].over(|run| run.mean.dice).unwrap(), [0.3, 0.3, 0.3]);
        assert_eq!(losses[1].over(|_| None), None);
    }

    #[test]
    fn the_best_are_those_that_seeds_do_not_tell_apart() {
        let of = |numbers: &[Option<Spread>]| Comparison::example(&[]).best(numbers);
        assert_eq!(of(&[one(0.5), one(0.81249), one(0.8121), None]), [false, true, true, false]);
        assert_eq!(of(&[one(0.5)]), [false], "alone");
        assert_eq!(of(&[one(0.5), one(0.5)]), [false; 2], "equals");
        let far = [spread(0.8, 0.75, 0.85), spread(0.7, 0.65, 0.76), spread(0.2, 0.1, 0.3)];
        assert_eq!(of(&far), [true, true, false]);
        let near = [spread(0.8, 0.7, 0.9), spread(0.75, 0.7, 0.8)];
        assert_eq!(of(&near), [false; 2], "a loss's seeds differ by 0.2, the losses by 0.05");
    }

    #[test]
    fn a_loss_that_still_gains_is_not_ranked() {
        let mut comparison = Comparison::example(&[[0.9, 0.3, 0.0], [0.8, 0.1, 0.0]]);
        let point = |iteration, mean| Validation {
            iteration,
            classes: vec![],
            mean: Some(mean),
            rare: None,
        };
        comparison.runs[0].iterations = 40;
        comparison.runs[0].validation =
            [(10, 0.1), (20, 0.3), (30, 0.5), (40, 0.505)].map(|(i, m)| point(i, m)).into();
        assert_eq!(comparison.not_converged(), None);
        assert_eq!(comparison.best(&[one(0.5), one(0.4)]), [true, false]);
        comparison.runs[0].validation[3].mean = Some(0.52);
        assert!(comparison.not_converged().unwrap().starts_with("1 of 2 losses still gained"));
        assert_eq!(comparison.best(&[one(0.5), one(0.4)]), [false; 2]);
        comparison.runs[0].validation.clear();
        comparison.settings.iterations = 39;
        assert!(comparison.not_converged().unwrap().starts_with("39 iterations are too few"));
    }

    #[test]
    fn files_are_named_after_loss_and_options() {
        let mut loss = Comparison::example(&[[0.0; 3]]).runs[0].loss.clone();
        assert_eq!(loss.file_stem(), "loss_0");
        loss.options = "alpha=0.3, class_weights=[1,2]".into();
        assert_eq!(loss.file_stem(), "loss_0-alpha=0.3-class_weights=_1_2_");
    }
}
