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
    /// One entry per loss, in the order in which they ran.
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
    /// Decides initial weights, batches, and which files are held out.
    pub seed: u64,
    /// Iterations per loss.
    pub iterations: usize,
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
    /// Iterations done.
    pub iterations: usize,
    /// Iteration at which the training loss was no longer finite; training ended there.
    pub diverged: Option<usize>,
    /// Training loss of every iteration.
    pub training: Vec<f64>,
    /// Validation scores along the way, the last at the end.
    pub validation: Vec<Validation>,
    /// Scores at the end per class, background included, from voxels pooled over all validation slices.
    pub classes: Vec<Score>,
    /// Mean over all classes but background.
    pub mean: Score,
    /// Mean over rare classes, where there are any.
    pub rare: Option<Score>,
    /// Median time of an iteration: forward, loss, backward, optimiser.
    pub milliseconds_per_iteration: f64,
}

/// A loss as its list describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossRecord {
    /// The name that `--losses` takes.
    pub name: String,
    /// The name in full.
    pub title: String,
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

impl Comparison {
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
                    formula: String::new(),
                    reference: String::new(),
                },
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
                iterations: 2,
                batch_size: 1,
                crop: 64,
                learning_rate: 1e-3,
                validation_fraction: 0.5,
                validation_interval: 1,
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
}
