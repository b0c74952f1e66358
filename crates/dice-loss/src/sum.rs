//! What the moments sum up: the one list of all sums, and the parameters of each.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Activation, Decision, Distances, InstanceLoss, Range, Result, Words,
    error::{parameter, stated},
};

/// Declares the sums: the one place where each is named.
macro_rules! sums {
    ($($(#[$meaning:meta])+ $Sum:ident $word:literal),+ $(,)?) => {
        /// A sum over the voxels of a sample, of which every class has one.
        ///
        /// w is the voxel's weight: 0 where it does not count, or where the class is not annotated.
        /// p is the probability that the activation gives the class, g the reference. p′ and g′ are
        /// the same with the unannotated classes added to the background; without partial labels
        /// they are p and g. Where the [`Integrand`] names a map m, m w stands in place of w.
        ///
        /// ```
        /// use dice_loss::{Activation, Sum};
        /// assert_eq!(Sum::from_word("intersection"), Some(Sum::Intersection));
        /// assert_eq!(Sum::FocalNegative.word(), "focal_negative");
        /// assert_eq!(Sum::FocalNegative.activations(), [Activation::Sigmoid]);
        /// assert!(Sum::Voxels.activations().is_empty() && !Sum::Voxels.depends_on_prediction());
        /// ```
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum Sum {
            $($(#[$meaning])+ #[serde(rename = $word)] $Sum),+
        }

        impl Sum {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$Sum),+];

            /// Its name in snake case, as specifications and Python write it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$Sum => $word),+ }
            }
        }
    };
}

sums! {
    /// w g
    Reference "reference",
    /// w g²
    ReferenceSquared "reference_squared",
    /// w
    Voxels "voxels",
    /// 1 where the decision and the reference have the class, and the voxel counts.
    TruePositives "true_positives",
    /// 1 where only the decision has it.
    FalsePositives "false_positives",
    /// 1 where only the reference has it.
    FalseNegatives "false_negatives",
    /// w m, with the map m that the integrand names.
    Mapped "mapped",
    /// w p g
    Intersection "intersection",
    /// w p
    Prediction "prediction",
    /// w p²
    PredictionSquared "prediction_squared",
    /// w |p − g|
    Difference "difference",
    /// w |p|
    Magnitude "magnitude",
    /// w g_k Σ_l M_kl p_l, with the distances M.
    Transport "transport",
    /// w g (p − g)²
    SensitivityError "sensitivity_error",
    /// w (1 − g) (p − g)²
    SpecificityError "specificity_error",
    /// w (p − g)²
    SquaredError "squared_error",
    /// w g′ (−ln p′)
    LogLoss "log_loss",
    /// w (−ln p′) / C′, of each of the C′ classes alike; merged ones are none.
    LogLossOfAll "log_loss_of_all",
    /// w g′
    Merged "merged",
    /// w g (−ln p)
    Positive "positive",
    /// w (1 − g) (−ln(1 − p))
    Negative "negative",
    /// w g (1 − p)^γ (−ln p), with each class's γ; under softmax of g′ and p′.
    Focal "focal",
    /// w (1 − g) p^γ (−ln(1 − p)), with each class's γ.
    FocalNegative "focal_negative",
    /// No sum over voxels: the loss of the class in the sample, a mean over its instances.
    InstanceLoss "instance_loss",
    /// 1 where that loss counts: not where the class is absent and skipped.
    InstanceCount "instance_count",
}

impl Sum {
    /// The sum of this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sum| sum.word() == word)
    }

    /// The activations that the engine sums it up under: none for what the reference alone decides.
    pub const fn activations(self) -> &'static [Activation] {
        match self {
            Self::Reference | Self::ReferenceSquared | Self::Voxels | Self::Mapped => &[],
            Self::LogLoss | Self::LogLossOfAll | Self::Merged => {
                &[Activation::Softmax, Activation::Probabilities]
            }
            Self::Positive | Self::Negative => &[Activation::Sigmoid, Activation::Probabilities],
            Self::Focal => &[Activation::Softmax, Activation::Sigmoid],
            Self::FocalNegative => &[Activation::Sigmoid],
            _ => &Activation::ALL,
        }
    }

    /// Whether it depends on the prediction. Counts do, but step by step: they have no derivative.
    pub const fn depends_on_prediction(self) -> bool {
        !matches!(
            self,
            Self::Reference | Self::ReferenceSquared | Self::Voxels | Self::Mapped | Self::Merged
        )
    }

    /// Whether it belongs to a term that looks at instances, and cannot be asked for by itself.
    pub const fn is_of_terms(self) -> bool {
        matches!(self, Self::InstanceLoss | Self::InstanceCount)
    }

    /// Whether each instance of a class has its own: where a term looks at instances.
    pub(crate) const fn is_of_instances(self) -> bool {
        match self {
            Self::Transport
            | Self::LogLoss
            | Self::LogLossOfAll
            | Self::Merged
            | Self::Positive
            | Self::Negative
            | Self::Focal
            | Self::FocalNegative
            | Self::InstanceLoss
            | Self::InstanceCount => false,
            Self::Reference
            | Self::ReferenceSquared
            | Self::Voxels
            | Self::TruePositives
            | Self::FalsePositives
            | Self::FalseNegatives
            | Self::Mapped
            | Self::Intersection
            | Self::Prediction
            | Self::PredictionSquared
            | Self::Difference
            | Self::Magnitude
            | Self::SensitivityError
            | Self::SpecificityError
            | Self::SquaredError => true,
        }
    }

    /// Whether it counts voxels after a hard decision.
    pub const fn is_count(self) -> bool {
        matches!(self, Self::TruePositives | Self::FalsePositives | Self::FalseNegatives)
    }

    /// Whether it is one of the sums of the prediction that overlap losses are formulas of.
    pub const fn is_overlap(self) -> bool {
        matches!(
            self,
            Self::Intersection
                | Self::Prediction
                | Self::PredictionSquared
                | Self::Difference
                | Self::Magnitude
                | Self::Transport
                | Self::SensitivityError
                | Self::SpecificityError
                | Self::SquaredError
        )
    }

    /// Whether a map may multiply the weights of its voxels: any but the number of voxels and counts.
    pub const fn takes_map(self) -> bool {
        !matches!(self, Self::Voxels) && !self.is_count()
    }

    /// Whether unannotated classes take part, merged into the background.
    pub fn merges(self, activation: Activation) -> bool {
        match self {
            Self::LogLoss | Self::LogLossOfAll | Self::Merged => true,
            Self::Focal => activation == Activation::Softmax,
            _ => false,
        }
    }

    const fn has_exponents(self) -> bool {
        matches!(self, Self::Focal | Self::FocalNegative)
    }
}

/// A [`Sum`] with its parameters: what one column of the [moments](crate::Moments) is.
///
/// ```
/// use dice_loss::{Activation, Integrand, Sum};
/// let focal = Integrand::new(Sum::Focal, Activation::Sigmoid).gamma([2.0, 1.5]);
/// let text = r#"{"sum":"focal","activation":"sigmoid","gamma":[2.0,1.5]}"#;
/// assert_eq!(serde_json::to_string(&focal).unwrap(), text);
/// assert_eq!(serde_json::from_str::<Integrand>(text).unwrap(), focal);
/// assert_eq!(focal.to_string(), "focal (sigmoid, gamma [2.0, 1.5])");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integrand {
    /// What is summed up.
    pub sum: Sum,
    /// What makes p of the logits; none for the sums of the reference alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// The name of the map m that multiplies the weights of the voxels, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// How a hard prediction is made, of counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Each class's γ, of focal sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<Vec<f64>>,
    /// M, a row for each class, of transport. Taken as it is: a
    /// [loss](crate::GeneralizedWassersteinDice) divides its own by the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distances: Option<Vec<Vec<f64>>>,
    /// Of sums of instances: which loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<InstanceLoss>,
}

impl Integrand {
    /// Without parameters but for the activation: `None` for the sums of the reference alone.
    pub fn new(sum: Sum, activation: impl Into<Option<Activation>>) -> Self {
        let activation = activation.into();
        Self {
            sum,
            activation,
            map: None,
            decision: None,
            gamma: None,
            distances: None,
            instances: None,
        }
    }

    /// The name of the map that multiplies the weights of the voxels.
    pub fn map(self, name: impl Into<String>) -> Self {
        Self { map: Some(name.into()), ..self }
    }

    /// How a hard prediction is made.
    pub fn decision(self, decision: Decision) -> Self {
        Self { decision: Some(decision), ..self }
    }

    /// Each class's γ.
    pub fn gamma(self, gamma: impl Into<Vec<f64>>) -> Self {
        // -0 is 0, also as text.
        let gamma = gamma.into().into_iter().map(|gamma| gamma + 0.0).collect();
        Self { gamma: Some(gamma), ..self }
    }

    /// The distances between classes, a row for each.
    pub fn distances(self, rows: Vec<Vec<f64>>) -> Self {
        Self { distances: Some(rows), ..self }
    }

    /// The number of classes that its parameters are for, if there are any.
    pub(crate) fn classes(&self) -> Option<usize> {
        self.gamma.as_ref().map(Vec::len).or(self.distances.as_ref().map(Vec::len))
    }

    /// Whether it has the parameters that its sum wants, for this number of classes.
    pub(crate) fn check(&self, classes: usize) -> Result<()> {
        let (sum, name) = (self.sum, self.sum.word());
        if sum.is_of_terms() {
            return stated(
                name,
                "asked for by itself",
                "a term with pool cell or blob, whose it is",
            );
        }
        match self.activation {
            None if sum.activations().is_empty() => {}
            None => {
                let wanted = Activation::words(sum.activations());
                return stated(format!("{name}: activation"), "none", wanted);
            }
            Some(activation) => {
                activation.among(name, sum.activations())?;
                let instead = || Activation::of_one_channel(&[(name, sum.activations())]);
                activation.check(name, classes, instead)?;
            }
        }
        let has_map = self.map.is_some();
        expect(name, "map", has_map, sum == Sum::Mapped || (has_map && sum.takes_map()))?;
        expect(name, "decision", self.decision.is_some(), sum.is_count())?;
        expect(name, "gamma", self.gamma.is_some(), sum.has_exponents())?;
        expect(name, "distances", self.distances.is_some(), sum == Sum::Transport)?;
        if let Some(decision) = self.decision {
            decision.check(name)?;
        }
        if let Some(gamma) = &self.gamma {
            let what = || format!("{name}: gamma");
            if gamma.len() != classes {
                return parameter(what(), gamma, format!("{classes} values, one for each class"));
            }
            let range = Range::at_least(0.0);
            if let Some(gamma) = gamma.iter().find(|gamma| !range.contains(**gamma)) {
                return parameter(what(), gamma, range.instead_of(*gamma));
            }
        }
        match &self.distances {
            Some(rows) => Distances::Matrix(rows.clone()).check(name, classes),
            None => Ok(()),
        }
    }
}

/// Fails unless a parameter is there just where it is wanted.
fn expect(name: &str, option: &str, found: bool, wanted: bool) -> Result<()> {
    let say = |there| if there { "one" } else { "none" };
    match found == wanted {
        true => Ok(()),
        false => stated(format!("{name}: {option}"), say(found), say(wanted)),
    }
}

impl fmt::Display for Integrand {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let parameters = [
            self.activation.map(|activation| activation.word().into()),
            self.map.as_ref().map(|map| format!("map {map:?}")),
            self.decision.map(|decision| format!("decision {decision}")),
            self.gamma.as_ref().map(|gamma| format!("gamma {gamma:?}")),
            self.distances.as_ref().map(|rows| format!("distances {rows:?}")),
            self.instances.as_ref().map(|of| format!("{} in each {}", of.loss, of.pool.word())),
        ];
        let parameters: Vec<String> = parameters.into_iter().flatten().collect();
        match parameters.is_empty() {
            true => write!(f, "{}", self.sum.word()),
            false => write!(f, "{} ({})", self.sum.word(), parameters.join(", ")),
        }
    }
}
