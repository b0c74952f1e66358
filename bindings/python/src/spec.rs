//! From the text of an objective to the objective.

use dice_loss::{
    Absent, Activation, BinaryCrossEntropy, ClassLoss, ClassValues, CrossEntropy, Decision,
    Describe, Dice, Distances, Focal, FocalTversky, GeneralizedDice, GeneralizedWassersteinDice,
    IoU, LogCoshDice, LogDice, MatthewsCorrelation, Objective, Overlap, Pool, Real, Reduction,
    RowLoss, Smoothing, Sums, Term, TransportWeight, Tversky, VolumeWeight,
};
use serde::Deserialize;

use crate::refused::{Refused, Result};

/// The objective that a text stands for.
pub(crate) fn parse(text: &str) -> Result<Objective> {
    let spec: Spec = serde_json::from_str(text)
        .map_err(|error| Refused::new("objective", error, "what dice_loss._spec writes"))?;
    Ok(spec.objective())
}

/// Declares the words that stand for the variants of an enum.
macro_rules! words {
    ($($Word:ident for $Of:ident { $($Variant:ident),+ })+) => {
        $(
            #[derive(Debug, Clone, Copy, Deserialize)]
            #[serde(rename_all = "snake_case")]
            enum $Word { $($Variant),+ }

            impl From<$Word> for $Of {
                fn from(word: $Word) -> Self {
                    match word { $($Word::$Variant => Self::$Variant),+ }
                }
            }
        )+
    };
}

words! {
    ActivationWord for Activation { Softmax, Sigmoid, Probabilities }
    PoolWord for Pool { Sample, Batch, All }
    AbsentWord for Absent { Skip, Formula, Zero }
    OverlapWord for Overlap { Product, L1 }
    VolumeWord for VolumeWeight { InverseSquare, Inverse, Uniform }
    ReductionWord for Reduction { Mean, Sum, None }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TransportWord {
    Foreground,
    #[serde(untagged)]
    Volume(VolumeWord),
}

impl From<TransportWord> for TransportWeight {
    fn from(word: TransportWord) -> Self {
        match word {
            TransportWord::Foreground => Self::Foreground,
            TransportWord::Volume(volume) => Self::Volume(volume.into()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SumWord {
    Intersection,
    Prediction,
    PredictionSquared,
    Difference,
    Magnitude,
    Transport,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum DecisionSpec {
    Threshold(f64),
    Word(DecisionWord),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DecisionWord {
    Argmax,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    terms: Vec<(f64, TermSpec)>,
    reduction: ReductionWord,
    decision: Option<DecisionSpec>,
}

/// The settings of a term beside its loss with the loss's own options.
#[derive(Debug, Deserialize)]
struct TermSpec {
    activation: ActivationWord,
    pool: Option<PoolWord>,
    absent: Option<AbsentWord>,
    background: Option<bool>,
    classes: Option<Vec<usize>>,
    class_weights: Option<Vec<f64>>,
    #[serde(flatten)]
    loss: LossSpec,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "loss", rename_all = "snake_case")]
enum LossSpec {
    Dice(DiceSpec),
    #[serde(rename = "iou")]
    IoU {
        overlap: OverlapWord,
        smoothing: (f64, f64),
    },
    Tversky(TverskySpec),
    FocalTversky {
        gamma: f64,
        #[serde(flatten)]
        tversky: TverskySpec,
    },
    LogDice {
        gamma: f64,
        #[serde(flatten)]
        dice: DiceSpec,
    },
    LogCoshDice(DiceSpec),
    GeneralizedDice {
        weight: VolumeWord,
        overlap: OverlapWord,
        smoothing: (f64, f64),
    },
    GeneralizedWassersteinDice {
        distances: Option<Vec<Vec<f64>>>,
        weight: TransportWord,
        smoothing: (f64, f64),
    },
    MatthewsCorrelation {
        smoothing: f64,
    },
    CrossEntropy {
        label_smoothing: f64,
    },
    BinaryCrossEntropy {
        pos_weight: ValuesSpec,
    },
    Focal {
        gamma: ValuesSpec,
        alpha: Option<ValuesSpec>,
    },
    Sums {
        of: Vec<SumWord>,
        distances: Option<Vec<Vec<f64>>>,
    },
}

#[derive(Debug, Deserialize)]
struct DiceSpec {
    squared: bool,
    overlap: OverlapWord,
    smoothing: (f64, f64),
}

#[derive(Debug, Deserialize)]
struct TverskySpec {
    alpha: f64,
    beta: f64,
    overlap: OverlapWord,
    smoothing: (f64, f64),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ValuesSpec {
    Same(f64),
    Each(Vec<f64>),
    Background { background: f64, foreground: f64 },
}

impl Spec {
    fn objective(self) -> Objective {
        let mut objective = Objective::new().reduction(self.reduction.into());
        match self.decision {
            Some(DecisionSpec::Threshold(threshold)) => {
                objective = objective.decision(Decision::Threshold(threshold));
            }
            Some(DecisionSpec::Word(DecisionWord::Argmax)) => {
                objective = objective.decision(Decision::Argmax);
            }
            None => {}
        }
        self.terms
            .into_iter()
            .fold(objective, |objective, (weight, term)| objective.term(weight, term.term()))
    }
}

impl TermSpec {
    fn term(self) -> Term {
        let mut term = self.loss.term(self.activation.into());
        if let Some(pool) = self.pool {
            term = term.pool(pool.into());
        }
        if let Some(absent) = self.absent {
            term = term.absent(absent.into());
        }
        if let Some(background) = self.background {
            term = term.background(background);
        }
        if let Some(classes) = self.classes {
            term = term.classes(classes);
        }
        match self.class_weights {
            Some(weights) => term.class_weights(weights),
            None => term,
        }
    }
}

impl LossSpec {
    fn term(self, activation: Activation) -> Term {
        match self {
            Self::Dice(dice) => Dice::from(dice).with(activation),
            Self::IoU { overlap, smoothing } => {
                IoU { overlap: overlap.into(), smoothing: both(smoothing) }.with(activation)
            }
            Self::Tversky(tversky) => Tversky::from(tversky).with(activation),
            Self::FocalTversky { gamma, tversky } => {
                FocalTversky { tversky: tversky.into(), gamma }.with(activation)
            }
            Self::LogDice { gamma, dice } => LogDice { dice: dice.into(), gamma }.with(activation),
            Self::LogCoshDice(dice) => LogCoshDice { dice: dice.into() }.with(activation),
            Self::GeneralizedDice { weight, overlap, smoothing } => {
                let (weight, overlap) = (weight.into(), overlap.into());
                GeneralizedDice { weight, overlap, smoothing: both(smoothing) }.with(activation)
            }
            Self::GeneralizedWassersteinDice { distances, weight, smoothing } => {
                let (distances, weight) = (matrix(distances), weight.into());
                let smoothing = both(smoothing);
                GeneralizedWassersteinDice { distances, weight, smoothing }.with(activation)
            }
            Self::MatthewsCorrelation { smoothing } => {
                MatthewsCorrelation { smoothing }.with(activation)
            }
            Self::CrossEntropy { label_smoothing } => {
                CrossEntropy { label_smoothing }.with(activation)
            }
            Self::BinaryCrossEntropy { pos_weight } => {
                BinaryCrossEntropy { pos_weight: pos_weight.into() }.with(activation)
            }
            Self::Focal { gamma, alpha } => {
                Focal { gamma: gamma.into(), alpha: alpha.map(Into::into) }.with(activation)
            }
            Self::Sums { of, distances } => {
                Total { of, distances: matrix(distances) }.with(activation)
            }
        }
    }
}

fn both((numerator, denominator): (f64, f64)) -> Smoothing {
    Smoothing { numerator, denominator }
}

fn matrix(rows: Option<Vec<Vec<f64>>>) -> Distances {
    rows.map_or(Distances::Uniform, Distances::Matrix)
}

impl From<DiceSpec> for Dice {
    fn from(DiceSpec { squared, overlap, smoothing }: DiceSpec) -> Self {
        Self { squared, overlap: overlap.into(), smoothing: both(smoothing) }
    }
}

impl From<TverskySpec> for Tversky {
    fn from(TverskySpec { alpha, beta, overlap, smoothing }: TverskySpec) -> Self {
        Self { alpha, beta, overlap: overlap.into(), smoothing: both(smoothing) }
    }
}

impl From<ValuesSpec> for ClassValues {
    fn from(values: ValuesSpec) -> Self {
        match values {
            ValuesSpec::Same(value) => Self::Same(value),
            ValuesSpec::Each(values) => Self::Each(values),
            ValuesSpec::Background { background, foreground } => {
                Self::Background { background, foreground }
            }
        }
    }
}

/// The sums themselves, added up: measured for a formula that Python computes.
#[derive(Debug)]
struct Total {
    of: Vec<SumWord>,
    distances: Distances,
}

impl Describe for Total {
    const NAME: &'static str = "sums";
    const TITLE: &'static str = "Sums";
    const FORMULA: &'static str = "the sums asked for, added up";
    const REFERENCE: &'static str = "";
}

impl Total {
    /// The sum of transport is measured for losses that couple classes only.
    fn with(self, activation: Activation) -> Term {
        match self.of.contains(&SumWord::Transport) {
            true => Term::of_row(self, activation),
            false => Term::of_class(self, activation),
        }
    }

    fn of<S: Real>(&self, m: &Sums<S>) -> S {
        self.of.iter().fold(S::from(0.0), |total, sum| {
            total
                + match sum {
                    SumWord::Intersection => m.pg,
                    SumWord::Prediction => m.p,
                    SumWord::PredictionSquared => m.pp,
                    SumWord::Difference => m.l1,
                    SumWord::Magnitude => m.abs_p,
                    SumWord::Transport => m.transport,
                }
        })
    }
}

impl ClassLoss for Total {
    fn loss<S: Real>(&self, m: &Sums<S>) -> S {
        self.of(m)
    }
}

impl RowLoss for Total {
    fn loss<S: Real>(&self, row: &[Sums<S>], weights: &[f64]) -> S {
        row.iter()
            .zip(weights)
            .fold(S::from(0.0), |total, (m, &weight)| total + self.of(m) * weight)
    }

    fn distances(&self) -> Option<&Distances> {
        Some(&self.distances)
    }
}
