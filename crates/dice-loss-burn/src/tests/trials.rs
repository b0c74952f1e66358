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
    let plain = || DiceLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn iou(activation: Activation) -> Vec<Trial> {
    let plain = || IoULossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn tversky(activation: Activation) -> Vec<Trial> {
    let plain = || TverskyLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("alpha", "0.6", plain().with_alpha(0.6).init().into()),
        ("beta", "0.9", plain().with_beta(0.9).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn focal_tversky(activation: Activation) -> Vec<Trial> {
    let plain = || FocalTverskyLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("alpha", "0.6", plain().with_alpha(0.6).init().into()),
        ("beta", "0.9", plain().with_beta(0.9).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("gamma", "1.5", plain().with_gamma(1.5).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn log_dice(activation: Activation) -> Vec<Trial> {
    let plain = || LogDiceLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("gamma", "0.3", plain().with_gamma(0.3).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn log_cosh_dice(activation: Activation) -> Vec<Trial> {
    let plain = || LogCoshDiceLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn generalized_dice(activation: Activation) -> Vec<Trial> {
    let plain = || GeneralizedDiceLossConfig::new(activation);
    vec![
        ("weight", r#""inverse""#, plain().with_weight(VolumeWeight::Inverse).init().into()),
        ("weight", r#""uniform""#, plain().with_weight(VolumeWeight::Uniform).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn generalized_wasserstein_dice(activation: Activation) -> Vec<Trial> {
    let plain = || GeneralizedWassersteinDiceLossConfig::new(activation);
    vec![
        (
            "distances",
            "[[0.0,1.0,2.0],[1.0,0.0,1.0],[2.0,1.0,0.0]]",
            plain()
                .with_distances(Distances::Matrix(vec![
                    vec![0.0, 1.0, 2.0],
                    vec![1.0, 0.0, 1.0],
                    vec![2.0, 1.0, 0.0],
                ]))
                .init()
                .into(),
        ),
        (
            "weight",
            r#""inverse_square""#,
            plain().with_weight(TransportWeight::Volume(VolumeWeight::InverseSquare)).init().into(),
        ),
        (
            "weight",
            r#""inverse""#,
            plain().with_weight(TransportWeight::Volume(VolumeWeight::Inverse)).init().into(),
        ),
        (
            "weight",
            r#""uniform""#,
            plain().with_weight(TransportWeight::Volume(VolumeWeight::Uniform)).init().into(),
        ),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn matthews_correlation(activation: Activation) -> Vec<Trial> {
    let plain = || MatthewsCorrelationLossConfig::new(activation);
    vec![
        ("smoothing", "1.0", plain().with_smoothing(1.0).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn kappa(activation: Activation) -> Vec<Trial> {
    let plain = || KappaLossConfig::new(activation);
    vec![
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn sensitivity_specificity(activation: Activation) -> Vec<Trial> {
    let plain = || SensitivitySpecificityLossConfig::new(activation);
    vec![
        ("ratio", "0.3", plain().with_ratio(0.3).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn cross_entropy(activation: Activation) -> Vec<Trial> {
    let plain = || CrossEntropyLossConfig::new(activation);
    vec![
        ("label_smoothing", "0.1", plain().with_label_smoothing(0.1).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    let plain = || BinaryCrossEntropyLossConfig::new(activation);
    vec![
        (
            "pos_weight",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_pos_weight(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            "pos_weight",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_pos_weight(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn focal(activation: Activation) -> Vec<Trial> {
    let plain = || FocalLossConfig::new(activation);
    vec![
        (
            "gamma",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_gamma(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            "gamma",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_gamma(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            "alpha",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_alpha(Some(ClassValues::Background { background: 0.25, foreground: 0.75 }))
                .init()
                .into(),
        ),
        (
            "alpha",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_alpha(Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])))
                .init()
                .into(),
        ),
        ("background", "false", plain().with_background(false).init().into()),
        ("classes", "[2]", plain().with_classes(Some(vec![2])).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn dice_cross_entropy(activation: Activation) -> Vec<Trial> {
    let plain = || DiceCrossEntropyLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("label_smoothing", "0.1", plain().with_label_smoothing(0.1).init().into()),
        ("dice_weight", "0.7", plain().with_dice_weight(0.7).init().into()),
        ("cross_entropy_weight", "0.7", plain().with_cross_entropy_weight(0.7).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn dice_binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    let plain = || DiceBinaryCrossEntropyLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        (
            "pos_weight",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_pos_weight(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            "pos_weight",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_pos_weight(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        ("dice_weight", "0.7", plain().with_dice_weight(0.7).init().into()),
        ("cross_entropy_weight", "0.7", plain().with_cross_entropy_weight(0.7).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn dice_focal(activation: Activation) -> Vec<Trial> {
    let plain = || DiceFocalLossConfig::new(activation);
    vec![
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        (
            "gamma",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_gamma(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            "gamma",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_gamma(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            "alpha",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_alpha(Some(ClassValues::Background { background: 0.25, foreground: 0.75 }))
                .init()
                .into(),
        ),
        (
            "alpha",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_alpha(Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])))
                .init()
                .into(),
        ),
        (
            "focal_activation",
            r#""softmax""#,
            plain().with_focal_activation(Activation::Softmax).init().into(),
        ),
        ("dice_weight", "0.7", plain().with_dice_weight(0.7).init().into()),
        ("focal_weight", "0.7", plain().with_focal_weight(0.7).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn generalized_dice_focal(activation: Activation) -> Vec<Trial> {
    let plain = || GeneralizedDiceFocalLossConfig::new(activation);
    vec![
        ("weight", r#""inverse""#, plain().with_weight(VolumeWeight::Inverse).init().into()),
        ("weight", r#""uniform""#, plain().with_weight(VolumeWeight::Uniform).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        (
            "gamma",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_gamma(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            "gamma",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_gamma(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            "alpha",
            r#"{"background":0.25,"foreground":0.75}"#,
            plain()
                .with_alpha(Some(ClassValues::Background { background: 0.25, foreground: 0.75 }))
                .init()
                .into(),
        ),
        (
            "alpha",
            "[0.5,0.3333333333333333,0.25]",
            plain()
                .with_alpha(Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])))
                .init()
                .into(),
        ),
        (
            "focal_activation",
            r#""softmax""#,
            plain().with_focal_activation(Activation::Softmax).init().into(),
        ),
        ("generalized_dice_weight", "0.7", plain().with_generalized_dice_weight(0.7).init().into()),
        ("focal_weight", "0.7", plain().with_focal_weight(0.7).init().into()),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn combo(activation: Activation) -> Vec<Trial> {
    let plain = || ComboLossConfig::new(activation);
    vec![
        ("alpha", "0.3", plain().with_alpha(0.3).init().into()),
        ("beta", "0.7", plain().with_beta(0.7).init().into()),
        ("squared", "true", plain().with_squared(true).init().into()),
        ("overlap", r#""l1""#, plain().with_overlap(Overlap::L1).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}

fn unified_focal(activation: Activation) -> Vec<Trial> {
    let plain = || UnifiedFocalLossConfig::new(activation);
    vec![
        ("asymmetric", "true", plain().with_asymmetric(true).init().into()),
        ("lambda", "0.3", plain().with_lambda(0.3).init().into()),
        ("delta", "0.7", plain().with_delta(0.7).init().into()),
        ("gamma", "0.2", plain().with_gamma(0.2).init().into()),
        (
            "smoothing",
            "[0.5,1.5]",
            plain().with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 }).init().into(),
        ),
        ("pool", r#""batch""#, plain().with_pool(Pool::Batch).init().into()),
        ("pool", r#""all""#, plain().with_pool(Pool::All).init().into()),
        ("absent", r#""formula""#, plain().with_absent(Absent::Formula).init().into()),
        ("absent", r#""zero""#, plain().with_absent(Absent::Zero).init().into()),
        ("background", "false", plain().with_background(false).init().into()),
        (
            "class_weights",
            "[0.5,0.75,1.0]",
            plain().with_class_weights(Some(vec![0.5, 0.75, 1.0])).init().into(),
        ),
    ]
}
