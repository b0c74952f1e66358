// Written by `cargo xtask generate` from the options of the losses; do not edit.

//! Each loss by its configuration, with each option away from its default.

use dice_loss::{
    Absent, Activation, ClassValues, Distances, Overlap, Pool, Smoothing, TransportWeight,
    VolumeWeight,
};

use crate::*;

/// An option, its value as JSON, and the loss that has it.
pub type Trial = (&'static str, &'static str, SegmentationLoss);

/// The loss of this name with each of its options set.
pub fn of(name: &str, activation: Activation) -> Vec<Trial> {
    match name {
        "dice" => dice(activation),
        "iou" => iou(activation),
        "tversky" => tversky(activation),
        "focal_tversky" => focal_tversky(activation),
        "log_dice" => log_dice(activation),
        "log_cosh_dice" => log_cosh_dice(activation),
        "generalized_dice" => generalized_dice(activation),
        "generalized_wasserstein_dice" => generalized_wasserstein_dice(activation),
        "matthews_correlation" => matthews_correlation(activation),
        "kappa" => kappa(activation),
        "sensitivity_specificity" => sensitivity_specificity(activation),
        "cross_entropy" => cross_entropy(activation),
        "binary_cross_entropy" => binary_cross_entropy(activation),
        "focal" => focal(activation),
        "dice_cross_entropy" => dice_cross_entropy(activation),
        "dice_binary_cross_entropy" => dice_binary_cross_entropy(activation),
        "dice_focal" => dice_focal(activation),
        "generalized_dice_focal" => generalized_dice_focal(activation),
        "combo" => combo(activation),
        "unified_focal" => unified_focal(activation),
        _ => panic!("{name} has no configuration"),
    }
}

fn dice(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(DiceLoss::new(config));
    let plain = || DiceLossConfig::new(activation);
    vec![
        ("squared", "true", loss(DiceLossConfig { squared: true, ..plain() })),
        ("overlap", r#""l1""#, loss(DiceLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(DiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(DiceLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(DiceLossConfig { pool: Pool::All, ..plain() })),
        ("absent", r#""formula""#, loss(DiceLossConfig { absent: Absent::Formula, ..plain() })),
        ("absent", r#""zero""#, loss(DiceLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(DiceLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(DiceLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(DiceLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn iou(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(IoULoss::new(config));
    let plain = || IoULossConfig::new(activation);
    vec![
        ("squared", "true", loss(IoULossConfig { squared: true, ..plain() })),
        ("overlap", r#""l1""#, loss(IoULossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(IoULossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(IoULossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(IoULossConfig { pool: Pool::All, ..plain() })),
        ("absent", r#""formula""#, loss(IoULossConfig { absent: Absent::Formula, ..plain() })),
        ("absent", r#""zero""#, loss(IoULossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(IoULossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(IoULossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(IoULossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn tversky(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(TverskyLoss::new(config));
    let plain = || TverskyLossConfig::new(activation);
    vec![
        ("squared", "true", loss(TverskyLossConfig { squared: true, ..plain() })),
        ("alpha", "0.6", loss(TverskyLossConfig { alpha: 0.6, ..plain() })),
        ("beta", "0.9", loss(TverskyLossConfig { beta: 0.9, ..plain() })),
        ("overlap", r#""l1""#, loss(TverskyLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(TverskyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(TverskyLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(TverskyLossConfig { pool: Pool::All, ..plain() })),
        ("absent", r#""formula""#, loss(TverskyLossConfig { absent: Absent::Formula, ..plain() })),
        ("absent", r#""zero""#, loss(TverskyLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(TverskyLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(TverskyLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(TverskyLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn focal_tversky(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(FocalTverskyLoss::new(config));
    let plain = || FocalTverskyLossConfig::new(activation);
    vec![
        ("squared", "true", loss(FocalTverskyLossConfig { squared: true, ..plain() })),
        ("alpha", "0.6", loss(FocalTverskyLossConfig { alpha: 0.6, ..plain() })),
        ("beta", "0.9", loss(FocalTverskyLossConfig { beta: 0.9, ..plain() })),
        ("overlap", r#""l1""#, loss(FocalTverskyLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(FocalTverskyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("gamma", "1.5", loss(FocalTverskyLossConfig { gamma: 1.5, ..plain() })),
        ("pool", r#""batch""#, loss(FocalTverskyLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(FocalTverskyLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(FocalTverskyLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        ("absent", r#""zero""#, loss(FocalTverskyLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(FocalTverskyLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(FocalTverskyLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(FocalTverskyLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn log_dice(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(LogDiceLoss::new(config));
    let plain = || LogDiceLossConfig::new(activation);
    vec![
        ("squared", "true", loss(LogDiceLossConfig { squared: true, ..plain() })),
        ("overlap", r#""l1""#, loss(LogDiceLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(LogDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("gamma", "0.3", loss(LogDiceLossConfig { gamma: 0.3, ..plain() })),
        ("pool", r#""batch""#, loss(LogDiceLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(LogDiceLossConfig { pool: Pool::All, ..plain() })),
        ("absent", r#""formula""#, loss(LogDiceLossConfig { absent: Absent::Formula, ..plain() })),
        ("absent", r#""zero""#, loss(LogDiceLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(LogDiceLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(LogDiceLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(LogDiceLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn log_cosh_dice(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(LogCoshDiceLoss::new(config));
    let plain = || LogCoshDiceLossConfig::new(activation);
    vec![
        ("squared", "true", loss(LogCoshDiceLossConfig { squared: true, ..plain() })),
        ("overlap", r#""l1""#, loss(LogCoshDiceLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(LogCoshDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(LogCoshDiceLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(LogCoshDiceLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(LogCoshDiceLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        ("absent", r#""zero""#, loss(LogCoshDiceLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(LogCoshDiceLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(LogCoshDiceLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(LogCoshDiceLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn generalized_dice(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(GeneralizedDiceLoss::new(config));
    let plain = || GeneralizedDiceLossConfig::new(activation);
    vec![
        (
            "weight",
            r#""inverse""#,
            loss(GeneralizedDiceLossConfig { weight: VolumeWeight::Inverse, ..plain() }),
        ),
        (
            "weight",
            r#""uniform""#,
            loss(GeneralizedDiceLossConfig { weight: VolumeWeight::Uniform, ..plain() }),
        ),
        ("overlap", r#""l1""#, loss(GeneralizedDiceLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(GeneralizedDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(GeneralizedDiceLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(GeneralizedDiceLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(GeneralizedDiceLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        (
            "absent",
            r#""zero""#,
            loss(GeneralizedDiceLossConfig { absent: Absent::Zero, ..plain() }),
        ),
        ("background", "false", loss(GeneralizedDiceLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(GeneralizedDiceLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(GeneralizedDiceLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn generalized_wasserstein_dice(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(GeneralizedWassersteinDiceLoss::new(config));
    let plain = || GeneralizedWassersteinDiceLossConfig::new(activation);
    vec![
        (
            "distances",
            "[[0.0,1.0,2.0],[1.0,0.0,1.0],[2.0,1.0,0.0]]",
            loss(GeneralizedWassersteinDiceLossConfig {
                distances: Distances::Matrix(vec![
                    vec![0.0, 1.0, 2.0],
                    vec![1.0, 0.0, 1.0],
                    vec![2.0, 1.0, 0.0],
                ]),
                ..plain()
            }),
        ),
        (
            "weight",
            r#""inverse_square""#,
            loss(GeneralizedWassersteinDiceLossConfig {
                weight: TransportWeight::Volume(VolumeWeight::InverseSquare),
                ..plain()
            }),
        ),
        (
            "weight",
            r#""inverse""#,
            loss(GeneralizedWassersteinDiceLossConfig {
                weight: TransportWeight::Volume(VolumeWeight::Inverse),
                ..plain()
            }),
        ),
        (
            "weight",
            r#""uniform""#,
            loss(GeneralizedWassersteinDiceLossConfig {
                weight: TransportWeight::Volume(VolumeWeight::Uniform),
                ..plain()
            }),
        ),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(GeneralizedWassersteinDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        (
            "pool",
            r#""batch""#,
            loss(GeneralizedWassersteinDiceLossConfig { pool: Pool::Batch, ..plain() }),
        ),
        (
            "pool",
            r#""all""#,
            loss(GeneralizedWassersteinDiceLossConfig { pool: Pool::All, ..plain() }),
        ),
        (
            "absent",
            r#""formula""#,
            loss(GeneralizedWassersteinDiceLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        (
            "absent",
            r#""zero""#,
            loss(GeneralizedWassersteinDiceLossConfig { absent: Absent::Zero, ..plain() }),
        ),
        (
            "background",
            "false",
            loss(GeneralizedWassersteinDiceLossConfig { background: false, ..plain() }),
        ),
        (
            "classes",
            "[2]",
            loss(GeneralizedWassersteinDiceLossConfig { classes: Some(vec![2]), ..plain() }),
        ),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(GeneralizedWassersteinDiceLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn matthews_correlation(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(MatthewsCorrelationLoss::new(config));
    let plain = || MatthewsCorrelationLossConfig::new(activation);
    vec![
        ("smoothing", "1.0", loss(MatthewsCorrelationLossConfig { smoothing: 1.0, ..plain() })),
        (
            "pool",
            r#""batch""#,
            loss(MatthewsCorrelationLossConfig { pool: Pool::Batch, ..plain() }),
        ),
        ("pool", r#""all""#, loss(MatthewsCorrelationLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(MatthewsCorrelationLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        (
            "absent",
            r#""zero""#,
            loss(MatthewsCorrelationLossConfig { absent: Absent::Zero, ..plain() }),
        ),
        (
            "background",
            "false",
            loss(MatthewsCorrelationLossConfig { background: false, ..plain() }),
        ),
        (
            "classes",
            "[2]",
            loss(MatthewsCorrelationLossConfig { classes: Some(vec![2]), ..plain() }),
        ),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(MatthewsCorrelationLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn kappa(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(KappaLoss::new(config));
    let plain = || KappaLossConfig::new(activation);
    vec![
        (
            "smoothing",
            "[0.5,1.5]",
            loss(KappaLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(KappaLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(KappaLossConfig { pool: Pool::All, ..plain() })),
        ("absent", r#""formula""#, loss(KappaLossConfig { absent: Absent::Formula, ..plain() })),
        ("absent", r#""zero""#, loss(KappaLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(KappaLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(KappaLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(KappaLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn sensitivity_specificity(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(SensitivitySpecificityLoss::new(config));
    let plain = || SensitivitySpecificityLossConfig::new(activation);
    vec![
        ("ratio", "0.3", loss(SensitivitySpecificityLossConfig { ratio: 0.3, ..plain() })),
        (
            "pool",
            r#""batch""#,
            loss(SensitivitySpecificityLossConfig { pool: Pool::Batch, ..plain() }),
        ),
        ("pool", r#""all""#, loss(SensitivitySpecificityLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(SensitivitySpecificityLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        (
            "absent",
            r#""zero""#,
            loss(SensitivitySpecificityLossConfig { absent: Absent::Zero, ..plain() }),
        ),
        (
            "background",
            "false",
            loss(SensitivitySpecificityLossConfig { background: false, ..plain() }),
        ),
        (
            "classes",
            "[2]",
            loss(SensitivitySpecificityLossConfig { classes: Some(vec![2]), ..plain() }),
        ),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(SensitivitySpecificityLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn cross_entropy(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(CrossEntropyLoss::new(config));
    let plain = || CrossEntropyLossConfig::new(activation);
    vec![
        (
            "label_smoothing",
            "0.1",
            loss(CrossEntropyLossConfig { label_smoothing: 0.1, ..plain() }),
        ),
        ("background", "false", loss(CrossEntropyLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(CrossEntropyLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(CrossEntropyLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(BinaryCrossEntropyLoss::new(config));
    let plain = || BinaryCrossEntropyLossConfig::new(activation);
    vec![
        (
            "pos_weight",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(BinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..plain()
            }),
        ),
        (
            "pos_weight",
            "[0.5,0.3333333333333333,0.25]",
            loss(BinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..plain()
            }),
        ),
        (
            "background",
            "false",
            loss(BinaryCrossEntropyLossConfig { background: false, ..plain() }),
        ),
        (
            "classes",
            "[2]",
            loss(BinaryCrossEntropyLossConfig { classes: Some(vec![2]), ..plain() }),
        ),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(BinaryCrossEntropyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn focal(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(FocalLoss::new(config));
    let plain = || FocalLossConfig::new(activation);
    vec![
        (
            "gamma",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(FocalLossConfig {
                gamma: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..plain()
            }),
        ),
        (
            "gamma",
            "[0.5,0.3333333333333333,0.25]",
            loss(FocalLossConfig {
                gamma: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..plain()
            }),
        ),
        (
            "alpha",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(FocalLossConfig {
                alpha: Some(ClassValues::Background { background: 0.25, foreground: 0.75 }),
                ..plain()
            }),
        ),
        (
            "alpha",
            "[0.5,0.3333333333333333,0.25]",
            loss(FocalLossConfig {
                alpha: Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])),
                ..plain()
            }),
        ),
        ("background", "false", loss(FocalLossConfig { background: false, ..plain() })),
        ("classes", "[2]", loss(FocalLossConfig { classes: Some(vec![2]), ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(FocalLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn dice_cross_entropy(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(DiceCrossEntropyLoss::new(config));
    let plain = || DiceCrossEntropyLossConfig::new(activation);
    vec![
        ("squared", "true", loss(DiceCrossEntropyLossConfig { squared: true, ..plain() })),
        (
            "overlap",
            r#""l1""#,
            loss(DiceCrossEntropyLossConfig { overlap: Overlap::L1, ..plain() }),
        ),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(DiceCrossEntropyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        (
            "label_smoothing",
            "0.1",
            loss(DiceCrossEntropyLossConfig { label_smoothing: 0.1, ..plain() }),
        ),
        ("dice_weight", "0.7", loss(DiceCrossEntropyLossConfig { dice_weight: 0.7, ..plain() })),
        (
            "cross_entropy_weight",
            "0.7",
            loss(DiceCrossEntropyLossConfig { cross_entropy_weight: 0.7, ..plain() }),
        ),
        ("pool", r#""batch""#, loss(DiceCrossEntropyLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(DiceCrossEntropyLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(DiceCrossEntropyLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        (
            "absent",
            r#""zero""#,
            loss(DiceCrossEntropyLossConfig { absent: Absent::Zero, ..plain() }),
        ),
        ("background", "false", loss(DiceCrossEntropyLossConfig { background: false, ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(DiceCrossEntropyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn dice_binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(DiceBinaryCrossEntropyLoss::new(config));
    let plain = || DiceBinaryCrossEntropyLossConfig::new(activation);
    vec![
        ("squared", "true", loss(DiceBinaryCrossEntropyLossConfig { squared: true, ..plain() })),
        (
            "overlap",
            r#""l1""#,
            loss(DiceBinaryCrossEntropyLossConfig { overlap: Overlap::L1, ..plain() }),
        ),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(DiceBinaryCrossEntropyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        (
            "pos_weight",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(DiceBinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..plain()
            }),
        ),
        (
            "pos_weight",
            "[0.5,0.3333333333333333,0.25]",
            loss(DiceBinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..plain()
            }),
        ),
        (
            "dice_weight",
            "0.7",
            loss(DiceBinaryCrossEntropyLossConfig { dice_weight: 0.7, ..plain() }),
        ),
        (
            "cross_entropy_weight",
            "0.7",
            loss(DiceBinaryCrossEntropyLossConfig { cross_entropy_weight: 0.7, ..plain() }),
        ),
        (
            "pool",
            r#""batch""#,
            loss(DiceBinaryCrossEntropyLossConfig { pool: Pool::Batch, ..plain() }),
        ),
        ("pool", r#""all""#, loss(DiceBinaryCrossEntropyLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(DiceBinaryCrossEntropyLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        (
            "absent",
            r#""zero""#,
            loss(DiceBinaryCrossEntropyLossConfig { absent: Absent::Zero, ..plain() }),
        ),
        (
            "background",
            "false",
            loss(DiceBinaryCrossEntropyLossConfig { background: false, ..plain() }),
        ),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(DiceBinaryCrossEntropyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn dice_focal(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(DiceFocalLoss::new(config));
    let plain = || DiceFocalLossConfig::new(activation);
    vec![
        ("squared", "true", loss(DiceFocalLossConfig { squared: true, ..plain() })),
        ("overlap", r#""l1""#, loss(DiceFocalLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(DiceFocalLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        (
            "gamma",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(DiceFocalLossConfig {
                gamma: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..plain()
            }),
        ),
        (
            "gamma",
            "[0.5,0.3333333333333333,0.25]",
            loss(DiceFocalLossConfig {
                gamma: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..plain()
            }),
        ),
        (
            "alpha",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(DiceFocalLossConfig {
                alpha: Some(ClassValues::Background { background: 0.25, foreground: 0.75 }),
                ..plain()
            }),
        ),
        (
            "alpha",
            "[0.5,0.3333333333333333,0.25]",
            loss(DiceFocalLossConfig {
                alpha: Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])),
                ..plain()
            }),
        ),
        (
            "focal_activation",
            r#""softmax""#,
            loss(DiceFocalLossConfig { focal_activation: Activation::Softmax, ..plain() }),
        ),
        ("dice_weight", "0.7", loss(DiceFocalLossConfig { dice_weight: 0.7, ..plain() })),
        ("focal_weight", "0.7", loss(DiceFocalLossConfig { focal_weight: 0.7, ..plain() })),
        ("pool", r#""batch""#, loss(DiceFocalLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(DiceFocalLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(DiceFocalLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        ("absent", r#""zero""#, loss(DiceFocalLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(DiceFocalLossConfig { background: false, ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(DiceFocalLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn generalized_dice_focal(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(GeneralizedDiceFocalLoss::new(config));
    let plain = || GeneralizedDiceFocalLossConfig::new(activation);
    vec![
        (
            "weight",
            r#""inverse""#,
            loss(GeneralizedDiceFocalLossConfig { weight: VolumeWeight::Inverse, ..plain() }),
        ),
        (
            "weight",
            r#""uniform""#,
            loss(GeneralizedDiceFocalLossConfig { weight: VolumeWeight::Uniform, ..plain() }),
        ),
        (
            "overlap",
            r#""l1""#,
            loss(GeneralizedDiceFocalLossConfig { overlap: Overlap::L1, ..plain() }),
        ),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(GeneralizedDiceFocalLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        (
            "gamma",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(GeneralizedDiceFocalLossConfig {
                gamma: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..plain()
            }),
        ),
        (
            "gamma",
            "[0.5,0.3333333333333333,0.25]",
            loss(GeneralizedDiceFocalLossConfig {
                gamma: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..plain()
            }),
        ),
        (
            "alpha",
            r#"{"background":0.25,"foreground":0.75}"#,
            loss(GeneralizedDiceFocalLossConfig {
                alpha: Some(ClassValues::Background { background: 0.25, foreground: 0.75 }),
                ..plain()
            }),
        ),
        (
            "alpha",
            "[0.5,0.3333333333333333,0.25]",
            loss(GeneralizedDiceFocalLossConfig {
                alpha: Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])),
                ..plain()
            }),
        ),
        (
            "focal_activation",
            r#""softmax""#,
            loss(GeneralizedDiceFocalLossConfig {
                focal_activation: Activation::Softmax,
                ..plain()
            }),
        ),
        (
            "generalized_dice_weight",
            "0.7",
            loss(GeneralizedDiceFocalLossConfig { generalized_dice_weight: 0.7, ..plain() }),
        ),
        (
            "focal_weight",
            "0.7",
            loss(GeneralizedDiceFocalLossConfig { focal_weight: 0.7, ..plain() }),
        ),
        (
            "pool",
            r#""batch""#,
            loss(GeneralizedDiceFocalLossConfig { pool: Pool::Batch, ..plain() }),
        ),
        ("pool", r#""all""#, loss(GeneralizedDiceFocalLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(GeneralizedDiceFocalLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        (
            "absent",
            r#""zero""#,
            loss(GeneralizedDiceFocalLossConfig { absent: Absent::Zero, ..plain() }),
        ),
        (
            "background",
            "false",
            loss(GeneralizedDiceFocalLossConfig { background: false, ..plain() }),
        ),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(GeneralizedDiceFocalLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..plain()
            }),
        ),
    ]
}

fn combo(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(ComboLoss::new(config));
    let plain = || ComboLossConfig::new(activation);
    vec![
        ("alpha", "0.3", loss(ComboLossConfig { alpha: 0.3, ..plain() })),
        ("beta", "0.7", loss(ComboLossConfig { beta: 0.7, ..plain() })),
        ("squared", "true", loss(ComboLossConfig { squared: true, ..plain() })),
        ("overlap", r#""l1""#, loss(ComboLossConfig { overlap: Overlap::L1, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(ComboLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(ComboLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(ComboLossConfig { pool: Pool::All, ..plain() })),
        ("absent", r#""formula""#, loss(ComboLossConfig { absent: Absent::Formula, ..plain() })),
        ("absent", r#""zero""#, loss(ComboLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(ComboLossConfig { background: false, ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(ComboLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}

fn unified_focal(activation: Activation) -> Vec<Trial> {
    let loss = |config| SegmentationLoss::from(UnifiedFocalLoss::new(config));
    let plain = || UnifiedFocalLossConfig::new(activation);
    vec![
        ("asymmetric", "true", loss(UnifiedFocalLossConfig { asymmetric: true, ..plain() })),
        ("lambda", "0.3", loss(UnifiedFocalLossConfig { lambda: 0.3, ..plain() })),
        ("delta", "0.7", loss(UnifiedFocalLossConfig { delta: 0.7, ..plain() })),
        ("gamma", "0.2", loss(UnifiedFocalLossConfig { gamma: 0.2, ..plain() })),
        (
            "smoothing",
            "[0.5,1.5]",
            loss(UnifiedFocalLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..plain()
            }),
        ),
        ("pool", r#""batch""#, loss(UnifiedFocalLossConfig { pool: Pool::Batch, ..plain() })),
        ("pool", r#""all""#, loss(UnifiedFocalLossConfig { pool: Pool::All, ..plain() })),
        (
            "absent",
            r#""formula""#,
            loss(UnifiedFocalLossConfig { absent: Absent::Formula, ..plain() }),
        ),
        ("absent", r#""zero""#, loss(UnifiedFocalLossConfig { absent: Absent::Zero, ..plain() })),
        ("background", "false", loss(UnifiedFocalLossConfig { background: false, ..plain() })),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            loss(UnifiedFocalLossConfig { class_weights: Some(vec![0.5, 0.75, 1.0]), ..plain() }),
        ),
    ]
}
