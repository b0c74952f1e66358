//! The objectives that everything is tried with: the catalogue, and options beside the defaults.

use dice_loss::{
    Activation, BinaryCrossEntropy, ClassLoss, ClassValues, CrossEntropy, Declaration, Declare,
    Dice, Distances, Focal, FocalTversky, GeneralizedDice, GeneralizedWassersteinDice, IoU,
    LogDice, Objective, Overlap, Real, RowLoss, Smoothing, Sums, Term, TransportWeight, Tversky,
    VolumeWeight, catalogue,
};

/// An objective for any number of classes.
pub struct Trial {
    pub name: String,
    pub activation: Activation,
    build: Box<dyn Fn(usize) -> Objective>,
}

impl Trial {
    fn new(
        name: &str,
        activation: Activation,
        build: impl Fn(usize) -> Objective + 'static,
    ) -> Self {
        Self { name: format!("{name}, {activation:?}"), activation, build: Box::new(build) }
    }

    pub fn objective(&self, classes: usize) -> Objective {
        (self.build)(classes)
    }

    /// This many classes, or the two that some losses want at least.
    pub fn classes(&self, classes: usize) -> usize {
        if self.objective(classes).check(classes).is_ok() { classes } else { classes.max(2) }
    }
}

/// Every loss of the catalogue under every activation that it has.
pub fn trials() -> Vec<Trial> {
    let of_entry = |entry: dice_loss::Entry| {
        entry.activations.iter().map(move |&activation| {
            Trial::new(entry.name, activation, move |_| entry.objective(activation))
        })
    };
    catalogue().into_iter().flat_map(of_entry).collect()
}

/// Every option that a loss declares, at each of its trial values, under the loss's usual activation.
pub fn declared() -> Vec<Trial> {
    let mut trials = Vec::new();
    for entry in catalogue() {
        let activation = entry.activations[0];
        for option in entry.options() {
            for index in 0..option.trials(3).len() {
                let (option, name) = (option.clone(), option.facts.name);
                let named = format!("{}, {name}, trial {index}", entry.name);
                trials.push(Trial::new(&named, activation, move |classes| {
                    let value = &option.trials(classes)[index];
                    let activation = activation.word();
                    let term = serde_json::json!({ "loss": entry.name, name: value });
                    let spec = serde_json::json!({ "terms": [term], "activation": activation });
                    Objective::from_spec(&spec.to_string()).expect("an option of the loss")
                }));
            }
        }
    }
    trials
}

fn single(name: &str, activation: Activation, term: impl Fn(usize) -> Term + 'static) -> Trial {
    Trial::new(name, activation, move |classes| Objective::new().term(1.0, term(classes)))
}

/// From 0.5 on in steps, one for each class.
fn ascending(classes: usize) -> Vec<f64> {
    (0..classes).map(|class| 0.5 + 0.25 * class as f64).collect()
}

/// Distances as on a line.
fn on_a_line(classes: usize) -> Distances {
    let from = |a: usize| (0..classes).map(|b| a.abs_diff(b) as f64).collect();
    Distances::Matrix((0..classes).map(from).collect())
}

/// Every option that a sweep sees, away from its default.
pub fn options() -> Vec<Trial> {
    [overlap_options(), voxel_options(), together(), own()].into_iter().flatten().collect()
}

fn overlap_options() -> Vec<Trial> {
    let smoothing = Smoothing { numerator: 0.5, denominator: 1.5 };
    let mut trials = Vec::new();
    for activation in Activation::ALL {
        trials.push(single("squared dice", activation, move |_| {
            Dice { squared: true, smoothing, ..Dice::default() }.with(activation)
        }));
        trials.push(single("L1 dice", activation, move |_| {
            Dice { overlap: Overlap::L1, ..Dice::default() }.with(activation)
        }));
        trials.push(single("L1 IoU of some classes", activation, move |classes| {
            let term = IoU { overlap: Overlap::L1, smoothing, ..IoU::default() }.with(activation);
            term.classes([classes - 1]).class_weights(ascending(classes))
        }));
        trials.push(single("L1 tversky", activation, move |classes| {
            let loss = Tversky {
                alpha: 0.8,
                beta: 0.3,
                overlap: Overlap::L1,
                smoothing,
                ..Tversky::default()
            };
            loss.with(activation).class_weights(ascending(classes))
        }));
        trials.push(single("focal tversky, exponent 2", activation, move |_| {
            FocalTversky { gamma: 2.0, ..FocalTversky::default() }.with(activation)
        }));
        trials.push(single("log-dice to the 0.3", activation, move |_| {
            let dice = Dice { smoothing, ..Dice::default() };
            LogDice { dice, gamma: 0.3 }.with(activation)
        }));
        trials.push(single("L1 generalized dice", activation, move |classes| {
            let loss =
                GeneralizedDice { weight: VolumeWeight::Inverse, overlap: Overlap::L1, smoothing };
            loss.with(activation).class_weights(ascending(classes))
        }));
    }
    for activation in [Activation::Softmax, Activation::Probabilities] {
        trials.push(single("wasserstein dice on a line", activation, move |classes| {
            let distances = on_a_line(classes);
            let weight = TransportWeight::Volume(VolumeWeight::Inverse);
            GeneralizedWassersteinDice { distances, weight, smoothing }.with(activation)
        }));
    }
    trials
}

/// A loss of one's own that reads every sum of a class.
#[derive(Debug, Clone)]
struct EverySum;

impl Declare for EverySum {
    const DECLARATION: Declaration =
        Declaration { name: "every_sum", title: "Every sum", ..Declaration::OWN };
}

impl ClassLoss for EverySum {
    fn loss<S: Real>(&self, m: &Sums<S>) -> S {
        let size = m.abs_p + m.pp * 0.5 + (m.g + m.gg + m.n + 1.0);
        (m.l1 * 2.0 - m.pg * 0.3 + m.p * 0.1) / size
    }
}

/// A loss of one's own that couples the classes, whatever their activation.
#[derive(Debug, Clone)]
pub struct Moved(pub Distances);

impl Declare for Moved {
    const DECLARATION: Declaration =
        Declaration { name: "moved", title: "Moved", ..Declaration::OWN };
}

impl RowLoss for Moved {
    fn loss<S: Real>(&self, row: &[Sums<S>], weights: &[f64]) -> S {
        let mut cost = S::from(0.0);
        let mut size = S::from(1.0);
        for (m, &weight) in row.iter().zip(weights) {
            cost = cost + m.transport * weight;
            size = size + m.pp * weight;
        }
        cost / size
    }

    fn distances(&self) -> Option<&Distances> {
        Some(&self.0)
    }
}

/// Losses that anyone may add, and that take probabilities as they come.
pub fn own() -> Vec<Trial> {
    let of = |activation| {
        [
            single("every sum", activation, move |_| Term::of_class(EverySum, activation)),
            single("moved", activation, move |classes| {
                Term::of_row(Moved(on_a_line(classes)), activation)
            }),
        ]
    };
    Activation::ALL.into_iter().flat_map(of).collect()
}

fn voxel_options() -> Vec<Trial> {
    let mut trials = Vec::new();
    for activation in [Activation::Softmax, Activation::Probabilities] {
        trials.push(single("smoothed cross-entropy", activation, move |classes| {
            let loss = CrossEntropy { label_smoothing: 0.15 };
            loss.with(activation).class_weights(ascending(classes))
        }));
    }
    for activation in [Activation::Sigmoid, Activation::Probabilities] {
        trials.push(single("weighted binary cross-entropy", activation, move |classes| {
            let loss = BinaryCrossEntropy { pos_weight: ascending(classes).into() };
            loss.with(activation).class_weights(ascending(classes))
        }));
    }
    for activation in [Activation::Softmax, Activation::Sigmoid] {
        for gamma in [0.0, 0.5, 1.0] {
            trials.push(single(&format!("focal, exponent {gamma}"), activation, move |_| {
                Focal { gamma: gamma.into(), alpha: Some(0.25.into()) }.with(activation)
            }));
        }
        trials.push(single("focal, class by class", activation, move |classes| {
            let gamma = ClassValues::Each(ascending(classes));
            let alpha = (0..classes).map(|class| 0.9 / (class + 1) as f64).collect::<Vec<_>>();
            let loss = Focal { gamma, alpha: Some(alpha.into()) };
            loss.with(activation).class_weights(ascending(classes))
        }));
    }
    trials
}

/// Several terms, each with settings of its own.
fn together() -> Vec<Trial> {
    let all_at_once = |classes: usize| {
        Objective::new()
            .term(1.0, Dice::default().softmax().background(false))
            .term(0.5, CrossEntropy { label_smoothing: 0.1 }.softmax())
            .term(0.25, CrossEntropy::default().softmax().class_weights(ascending(classes)))
            .term(0.5, Focal::default().sigmoid())
            .term(2.0, Focal { gamma: 1.5.into(), alpha: None }.softmax())
            .term(0.3, BinaryCrossEntropy::default().sigmoid())
            .term(1.5, IoU { overlap: Overlap::L1, ..IoU::default() }.sigmoid())
            .term(0.0, Tversky::default().softmax())
    };
    let two_focal = |_| {
        Objective::new()
            .term(1.0, Focal::default().softmax())
            .term(0.5, Focal { gamma: 0.5.into(), alpha: Some(0.7.into()) }.softmax())
    };
    let transported = |classes: usize| {
        let distances = on_a_line(classes);
        Objective::new()
            .term(1.0, GeneralizedWassersteinDice { distances, ..Default::default() }.softmax())
            .term(1.0, Dice { overlap: Overlap::L1, ..Dice::default() }.softmax())
            .term(1.0, CrossEntropy::default().softmax())
    };
    vec![
        Trial::new("eight terms", Activation::Softmax, all_at_once),
        Trial::new("two focal terms", Activation::Softmax, two_focal),
        Trial::new("transport and others", Activation::Softmax, transported),
    ]
}
