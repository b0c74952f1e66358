//! The objectives that everything is tried with: the catalogue, and options beside the defaults.

use dice_loss::{
    Activation, ClassLoss, Declaration, Declare, Distances, Layout, Number, Objective, Row,
    RowLoss, Sums, Target, Term, catalogue, maps::Named,
};
use serde_json::{Value, json};

use super::{Batch, Recipe};

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

    /// A batch with the maps that the terms name.
    pub fn batch(&self, recipe: &Recipe) -> Batch {
        Batch::with_maps(recipe, self.activation, &self.maps())
    }

    /// The maps that the terms name.
    pub fn maps(&self) -> Vec<Named> {
        self.objective(2).maps().expect("maps made in one way")
    }

    /// A target with these values as every map that the terms name.
    pub fn mapped<'a>(&self, target: Target<'a>, values: &'a [f32], layout: Layout) -> Target<'a> {
        let add = |target: Target<'a>, map: &Named| target.map(&map.name, values, layout);
        self.maps().iter().fold(target, |target, map| add(target, map).expect("a map that fits"))
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
                    spelled(activation, &json!([{ "loss": entry.name, name: value }]))
                }));
            }
        }
    }
    trials
}

/// The objective of these terms, as a spec has them.
fn spelled(activation: Activation, terms: &Value) -> Objective {
    let spec = json!({ "terms": terms, "activation": activation.word() });
    Objective::from_spec(&spec.to_string()).expect("losses with options that they have")
}

/// One term for any number of classes.
fn single(name: &str, activation: Activation, term: impl Fn(usize) -> Value + 'static) -> Trial {
    Trial::new(name, activation, move |classes| spelled(activation, &json!([term(classes)])))
}

/// From 0.5 on in steps, one for each class.
fn ascending(classes: usize) -> Vec<f64> {
    (0..classes).map(|class| 0.5 + 0.25 * class as f64).collect()
}

/// Distances as on a line.
fn on_a_line(classes: usize) -> Vec<Vec<f64>> {
    let from = |a: usize| (0..classes).map(|b| a.abs_diff(b) as f64).collect();
    (0..classes).map(from).collect()
}

/// Options beside each other, under every activation, that a sweep sees.
pub fn options() -> Vec<Trial> {
    let all = [overlap_options(), voxel_options(), together(), weighed(), own()];
    all.into_iter().flatten().collect()
}

fn overlap_options() -> Vec<Trial> {
    let smoothing = [0.5, 1.5];
    let mut trials = Vec::new();
    for activation in Activation::ALL {
        trials.push(single(
            "squared dice",
            activation,
            move |_| json!({ "loss": "dice", "squared": true, "smoothing": smoothing }),
        ));
        trials.push(single("L1 dice", activation, |_| json!({ "loss": "dice", "overlap": "l1" })));
        trials.push(single("L1 IoU of some classes", activation, move |classes| {
            json!({
                "loss": "iou", "overlap": "l1", "smoothing": smoothing,
                "classes": [classes - 1], "class_weights": ascending(classes),
            })
        }));
        trials.push(single("L1 tversky", activation, move |classes| {
            json!({
                "loss": "tversky", "alpha": 0.8, "beta": 0.3, "overlap": "l1",
                "smoothing": smoothing, "class_weights": ascending(classes),
            })
        }));
        trials.push(single(
            "focal tversky, exponent 2",
            activation,
            |_| json!({ "loss": "focal_tversky", "gamma": 2.0 }),
        ));
        trials.push(single(
            "log-dice to the 0.3",
            activation,
            move |_| json!({ "loss": "log_dice", "smoothing": smoothing, "gamma": 0.3 }),
        ));
        trials.push(single("L1 generalized dice", activation, move |classes| {
            json!({
                "loss": "generalized_dice", "weight": "inverse", "overlap": "l1",
                "smoothing": smoothing, "class_weights": ascending(classes),
            })
        }));
    }
    for activation in [Activation::Softmax, Activation::Probabilities] {
        trials.push(single("wasserstein dice on a line", activation, move |classes| {
            json!({
                "loss": "generalized_wasserstein_dice", "distances": on_a_line(classes),
                "weight": "inverse", "smoothing": smoothing,
            })
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
    fn loss<'t>(&self, m: &Sums<Number<'t>>) -> Number<'t> {
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
    fn loss<'t>(&self, row: &Row<'t>) -> Number<'t> {
        let cost = row.total(row.weight, row.sums.transport);
        cost / (row.total(row.weight, row.sums.pp) + 1.0)
    }

    fn distances(&self) -> Option<&Distances> {
        Some(&self.0)
    }
}

/// Losses that anyone may add, and that take probabilities as they come.
pub fn own() -> Vec<Trial> {
    let one = |name: &str, activation, term: fn(usize, Activation) -> Term| {
        Trial::new(name, activation, move |classes| {
            Objective::new().term(1.0, term(classes, activation))
        })
    };
    let of = |activation| {
        [
            one("every sum", activation, |_, activation| Term::of_class(EverySum, activation)),
            one("moved", activation, |classes, activation| {
                Term::of_row(Moved(Distances::Matrix(on_a_line(classes))), activation)
            }),
        ]
    };
    Activation::ALL.into_iter().flat_map(of).collect()
}

fn voxel_options() -> Vec<Trial> {
    let mut trials = Vec::new();
    for activation in [Activation::Softmax, Activation::Probabilities] {
        trials.push(single("smoothed cross-entropy", activation, |classes| {
            json!({
                "loss": "cross_entropy", "label_smoothing": 0.15,
                "class_weights": ascending(classes),
            })
        }));
    }
    for activation in [Activation::Sigmoid, Activation::Probabilities] {
        trials.push(single("weighted binary cross-entropy", activation, |classes| {
            let weights = ascending(classes);
            json!({
                "loss": "binary_cross_entropy", "pos_weight": weights, "class_weights": weights,
            })
        }));
    }
    for activation in [Activation::Softmax, Activation::Sigmoid] {
        for gamma in [0.0, 0.5, 1.0] {
            let name = format!("focal, exponent {gamma}");
            trials.push(single(
                &name,
                activation,
                move |_| json!({ "loss": "focal", "gamma": gamma, "alpha": 0.25 }),
            ));
        }
        trials.push(single("focal, class by class", activation, |classes| {
            let weights = ascending(classes);
            let alpha = (0..classes).map(|class| 0.9 / (class + 1) as f64).collect::<Vec<_>>();
            json!({ "loss": "focal", "gamma": weights, "alpha": alpha, "class_weights": weights })
        }));
    }
    trials
}

/// Terms that maps weigh, beside each other and beside terms without one.
fn weighed() -> Vec<Trial> {
    let mut trials = Vec::new();
    for activation in Activation::ALL {
        trials.push(Trial::new("mapped dice, IoU and dice", activation, move |classes| {
            spelled(
                activation,
                &json!([
                    { "loss": "dice", "map": "a" },
                    [0.5, { "loss": "iou", "overlap": "l1", "map": "b", "background": false }],
                    [2.0, { "loss": "tversky", "class_weights": ascending(classes) }],
                    { "loss": "sensitivity_specificity", "map": "b" },
                ]),
            )
        }));
        trials.push(single(
            "squared mapped dice",
            activation,
            |_| json!({ "loss": "dice", "squared": true, "map": "a" }),
        ));
        trials.push(Trial::new("dice and the losses of maps", activation, move |_| {
            spelled(
                activation,
                &json!([
                    { "loss": "dice" },
                    [0.5, { "loss": "boundary" }],
                    [0.5, { "loss": "hausdorff_dt", "log": true }],
                    [0.5, { "loss": "skeleton_recall", "smoothing": 1.0 }],
                    [0.25, { "loss": "generalized_dice", "map": "skeleton" }],
                ]),
            )
        }));
    }
    let under = |name: &str, activation: Activation, terms: fn(usize) -> Value| {
        Trial::new(name, activation, move |classes| spelled(activation, &terms(classes)))
    };
    trials.extend([
        under("dice, cross-entropy and boundary", Activation::Softmax, |_| {
            json!([{ "loss": "dice" }, { "loss": "cross_entropy" }, { "loss": "boundary" }])
        }),
        under("dice, cross-entropy and hausdorff", Activation::Softmax, |_| {
            json!([{ "loss": "dice" }, { "loss": "cross_entropy" }, { "loss": "hausdorff_dt" }])
        }),
        under("dice, binary cross-entropy and skeleton", Activation::Sigmoid, |_| {
            json!([
                { "loss": "dice" },
                { "loss": "binary_cross_entropy" },
                { "loss": "skeleton_recall" },
            ])
        }),
        under("dice and hausdorff", Activation::Sigmoid, |_| {
            json!([{ "loss": "dice" }, { "loss": "hausdorff_dt" }])
        }),
        under("mapped voxel losses", Activation::Softmax, |classes| {
            json!([
                { "loss": "cross_entropy", "map": "a", "class_weights": ascending(classes) },
                { "loss": "cross_entropy", "map": "b", "label_smoothing": 0.1 },
                { "loss": "focal", "gamma": 1.5, "map": "b" },
                { "loss": "cross_entropy" },
            ])
        }),
        under(
            "mapped cross-entropy",
            Activation::Softmax,
            |_| json!([{ "loss": "cross_entropy", "map": "border" }]),
        ),
        under(
            "mapped cross-entropy",
            Activation::Probabilities,
            |_| json!([{ "loss": "cross_entropy", "map": "a" }, { "loss": "dice" }]),
        ),
        under("mapped voxel losses", Activation::Sigmoid, |classes| {
            json!([
                { "loss": "binary_cross_entropy", "map": "a", "class_weights": ascending(classes) },
                { "loss": "focal", "gamma": 0.5, "alpha": 0.3, "map": "b" },
                { "loss": "focal", "gamma": 0.5 },
            ])
        }),
        under("mapped losses of two activations", Activation::Softmax, |_| {
            json!([
                { "loss": "boundary" },
                { "loss": "hausdorff_dt", "activation": "sigmoid" },
                { "loss": "dice" },
                { "loss": "binary_cross_entropy", "activation": "sigmoid", "map": "hausdorff" },
            ])
        }),
        under("mapped transport", Activation::Softmax, |classes| {
            let far = on_a_line(classes);
            json!([
                { "loss": "generalized_wasserstein_dice", "distances": far, "map": "a" },
                { "loss": "generalized_wasserstein_dice" },
            ])
        }),
    ]);
    trials
}

/// Several terms, each with settings of its own.
fn together() -> Vec<Trial> {
    let softmax = |name: &str, terms: fn(usize) -> Value| {
        Trial::new(name, Activation::Softmax, move |classes| {
            spelled(Activation::Softmax, &terms(classes))
        })
    };
    vec![
        softmax("eight terms", |classes| {
            json!([
                { "loss": "dice", "background": false },
                [0.5, { "loss": "cross_entropy", "label_smoothing": 0.1 }],
                [0.25, { "loss": "cross_entropy", "class_weights": ascending(classes) }],
                [0.5, { "loss": "focal", "activation": "sigmoid" }],
                [2.0, { "loss": "focal", "gamma": 1.5 }],
                [0.3, { "loss": "binary_cross_entropy", "activation": "sigmoid" }],
                [1.5, { "loss": "iou", "overlap": "l1", "activation": "sigmoid" }],
                [0.0, { "loss": "tversky" }],
            ])
        }),
        softmax(
            "two focal terms",
            |_| json!([{ "loss": "focal" }, [0.5, { "loss": "focal", "gamma": 0.5, "alpha": 0.7 }]]),
        ),
        softmax("two focal terms of one exponent", |classes| {
            let term =
                json!({ "loss": "focal", "gamma": 1.5, "class_weights": ascending(classes) });
            json!([{ "loss": "focal", "gamma": 1.5 }, [0.5, term]])
        }),
        softmax("transport and others", |classes| {
            json!([
                { "loss": "generalized_wasserstein_dice", "distances": on_a_line(classes) },
                { "loss": "dice", "overlap": "l1" },
                { "loss": "cross_entropy" },
            ])
        }),
    ]
}
