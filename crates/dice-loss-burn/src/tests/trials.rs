// Written by `cargo xtask generate` from the options of the losses; do not edit.
//! Each loss by its configuration, beside its text.

use dice_loss::{
    Absent, Activation, ClassValues, Distances, Overlap, Pool, Smoothing, TransportWeight,
    VolumeWeight,
};

use crate::*;

/// A term as text, and the loss that it is.
pub type Trial = (&'static str, SegmentationLoss);

/// The loss of this name: with nothing set, and with each of its options set.
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
    vec![
        (r#"{"loss":"dice"}"#, DiceLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"dice","squared":true}"#,
            DiceLossConfig::new(activation).with_squared(true).init().into(),
        ),
        (
            r#"{"loss":"dice","overlap":"l1"}"#,
            DiceLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"dice","smoothing":[0.5,1.5]}"#,
            DiceLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice","pool":"batch"}"#,
            DiceLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"dice","pool":"all"}"#,
            DiceLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"dice","absent":"formula"}"#,
            DiceLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"dice","absent":"zero"}"#,
            DiceLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"dice","background":false}"#,
            DiceLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"dice","classes":[2]}"#,
            DiceLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"dice","class_weights":[0.5,0.75,1.0]}"#,
            DiceLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn iou(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"iou"}"#, IoULossConfig::new(activation).init().into()),
        (
            r#"{"loss":"iou","overlap":"l1"}"#,
            IoULossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"iou","smoothing":[0.5,1.5]}"#,
            IoULossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"iou","pool":"batch"}"#,
            IoULossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"iou","pool":"all"}"#,
            IoULossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"iou","absent":"formula"}"#,
            IoULossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"iou","absent":"zero"}"#,
            IoULossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"iou","background":false}"#,
            IoULossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"iou","classes":[2]}"#,
            IoULossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"iou","class_weights":[0.5,0.75,1.0]}"#,
            IoULossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn tversky(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"tversky"}"#, TverskyLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"tversky","alpha":0.6}"#,
            TverskyLossConfig::new(activation).with_alpha(0.6).init().into(),
        ),
        (
            r#"{"loss":"tversky","beta":0.9}"#,
            TverskyLossConfig::new(activation).with_beta(0.9).init().into(),
        ),
        (
            r#"{"loss":"tversky","overlap":"l1"}"#,
            TverskyLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"tversky","smoothing":[0.5,1.5]}"#,
            TverskyLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"tversky","pool":"batch"}"#,
            TverskyLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"tversky","pool":"all"}"#,
            TverskyLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"tversky","absent":"formula"}"#,
            TverskyLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"tversky","absent":"zero"}"#,
            TverskyLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"tversky","background":false}"#,
            TverskyLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"tversky","classes":[2]}"#,
            TverskyLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"tversky","class_weights":[0.5,0.75,1.0]}"#,
            TverskyLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn focal_tversky(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"focal_tversky"}"#, FocalTverskyLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"focal_tversky","alpha":0.6}"#,
            FocalTverskyLossConfig::new(activation).with_alpha(0.6).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","beta":0.9}"#,
            FocalTverskyLossConfig::new(activation).with_beta(0.9).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","overlap":"l1"}"#,
            FocalTverskyLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","smoothing":[0.5,1.5]}"#,
            FocalTverskyLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"focal_tversky","gamma":1.5}"#,
            FocalTverskyLossConfig::new(activation).with_gamma(1.5).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","pool":"batch"}"#,
            FocalTverskyLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","pool":"all"}"#,
            FocalTverskyLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","absent":"formula"}"#,
            FocalTverskyLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","absent":"zero"}"#,
            FocalTverskyLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","background":false}"#,
            FocalTverskyLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","classes":[2]}"#,
            FocalTverskyLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"focal_tversky","class_weights":[0.5,0.75,1.0]}"#,
            FocalTverskyLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn log_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"log_dice"}"#, LogDiceLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"log_dice","squared":true}"#,
            LogDiceLossConfig::new(activation).with_squared(true).init().into(),
        ),
        (
            r#"{"loss":"log_dice","overlap":"l1"}"#,
            LogDiceLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"log_dice","smoothing":[0.5,1.5]}"#,
            LogDiceLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"log_dice","gamma":0.3}"#,
            LogDiceLossConfig::new(activation).with_gamma(0.3).init().into(),
        ),
        (
            r#"{"loss":"log_dice","pool":"batch"}"#,
            LogDiceLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"log_dice","pool":"all"}"#,
            LogDiceLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"log_dice","absent":"formula"}"#,
            LogDiceLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"log_dice","absent":"zero"}"#,
            LogDiceLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"log_dice","background":false}"#,
            LogDiceLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"log_dice","classes":[2]}"#,
            LogDiceLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"log_dice","class_weights":[0.5,0.75,1.0]}"#,
            LogDiceLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn log_cosh_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"log_cosh_dice"}"#, LogCoshDiceLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"log_cosh_dice","squared":true}"#,
            LogCoshDiceLossConfig::new(activation).with_squared(true).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","overlap":"l1"}"#,
            LogCoshDiceLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","smoothing":[0.5,1.5]}"#,
            LogCoshDiceLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","pool":"batch"}"#,
            LogCoshDiceLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","pool":"all"}"#,
            LogCoshDiceLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","absent":"formula"}"#,
            LogCoshDiceLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","absent":"zero"}"#,
            LogCoshDiceLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","background":false}"#,
            LogCoshDiceLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","classes":[2]}"#,
            LogCoshDiceLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","class_weights":[0.5,0.75,1.0]}"#,
            LogCoshDiceLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn generalized_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"generalized_dice"}"#,
            GeneralizedDiceLossConfig::new(activation).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","weight":"inverse"}"#,
            GeneralizedDiceLossConfig::new(activation)
                .with_weight(VolumeWeight::Inverse)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice","weight":"uniform"}"#,
            GeneralizedDiceLossConfig::new(activation)
                .with_weight(VolumeWeight::Uniform)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice","overlap":"l1"}"#,
            GeneralizedDiceLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","smoothing":[0.5,1.5]}"#,
            GeneralizedDiceLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice","pool":"batch"}"#,
            GeneralizedDiceLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","pool":"all"}"#,
            GeneralizedDiceLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","absent":"formula"}"#,
            GeneralizedDiceLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","absent":"zero"}"#,
            GeneralizedDiceLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","background":false}"#,
            GeneralizedDiceLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","classes":[2]}"#,
            GeneralizedDiceLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice","class_weights":[0.5,0.75,1.0]}"#,
            GeneralizedDiceLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn generalized_wasserstein_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"generalized_wasserstein_dice"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation).init().into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","distances":[[0.0,1.0,2.0],[1.0,0.0,1.0],[2.0,1.0,0.0]]}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_distances(Distances::Matrix(vec![
                    vec![0.0, 1.0, 2.0],
                    vec![1.0, 0.0, 1.0],
                    vec![2.0, 1.0, 0.0],
                ]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","weight":"inverse_square"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_weight(TransportWeight::Volume(VolumeWeight::InverseSquare))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","weight":"inverse"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_weight(TransportWeight::Volume(VolumeWeight::Inverse))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","weight":"uniform"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_weight(TransportWeight::Volume(VolumeWeight::Uniform))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","smoothing":[0.5,1.5]}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","pool":"batch"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_pool(Pool::Batch)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","pool":"all"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_pool(Pool::All)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","absent":"formula"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_absent(Absent::Formula)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","absent":"zero"}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_absent(Absent::Zero)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","background":false}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_background(false)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","classes":[2]}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_classes(Some(vec![2]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","class_weights":[0.5,0.75,1.0]}"#,
            GeneralizedWassersteinDiceLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn matthews_correlation(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"matthews_correlation"}"#,
            MatthewsCorrelationLossConfig::new(activation).init().into(),
        ),
        (
            r#"{"loss":"matthews_correlation","smoothing":1.0}"#,
            MatthewsCorrelationLossConfig::new(activation).with_smoothing(1.0).init().into(),
        ),
        (
            r#"{"loss":"matthews_correlation","pool":"batch"}"#,
            MatthewsCorrelationLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"matthews_correlation","pool":"all"}"#,
            MatthewsCorrelationLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"matthews_correlation","absent":"formula"}"#,
            MatthewsCorrelationLossConfig::new(activation)
                .with_absent(Absent::Formula)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","absent":"zero"}"#,
            MatthewsCorrelationLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"matthews_correlation","background":false}"#,
            MatthewsCorrelationLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"matthews_correlation","classes":[2]}"#,
            MatthewsCorrelationLossConfig::new(activation)
                .with_classes(Some(vec![2]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","class_weights":[0.5,0.75,1.0]}"#,
            MatthewsCorrelationLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"cross_entropy"}"#, CrossEntropyLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"cross_entropy","label_smoothing":0.1}"#,
            CrossEntropyLossConfig::new(activation).with_label_smoothing(0.1).init().into(),
        ),
        (
            r#"{"loss":"cross_entropy","background":false}"#,
            CrossEntropyLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"cross_entropy","classes":[2]}"#,
            CrossEntropyLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            CrossEntropyLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"binary_cross_entropy"}"#,
            BinaryCrossEntropyLossConfig::new(activation).init().into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","pos_weight":{"background":0.25,"foreground":0.75}}"#,
            BinaryCrossEntropyLossConfig::new(activation)
                .with_pos_weight(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","pos_weight":[0.5,0.3333333333333333,0.25]}"#,
            BinaryCrossEntropyLossConfig::new(activation)
                .with_pos_weight(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","background":false}"#,
            BinaryCrossEntropyLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","classes":[2]}"#,
            BinaryCrossEntropyLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            BinaryCrossEntropyLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn focal(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"focal"}"#, FocalLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"focal","gamma":{"background":0.25,"foreground":0.75}}"#,
            FocalLossConfig::new(activation)
                .with_gamma(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"focal","gamma":[0.5,0.3333333333333333,0.25]}"#,
            FocalLossConfig::new(activation)
                .with_gamma(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"focal","alpha":{"background":0.25,"foreground":0.75}}"#,
            FocalLossConfig::new(activation)
                .with_alpha(Some(ClassValues::Background { background: 0.25, foreground: 0.75 }))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"focal","alpha":[0.5,0.3333333333333333,0.25]}"#,
            FocalLossConfig::new(activation)
                .with_alpha(Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"focal","background":false}"#,
            FocalLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"focal","classes":[2]}"#,
            FocalLossConfig::new(activation).with_classes(Some(vec![2])).init().into(),
        ),
        (
            r#"{"loss":"focal","class_weights":[0.5,0.75,1.0]}"#,
            FocalLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn dice_cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"dice_cross_entropy"}"#,
            DiceCrossEntropyLossConfig::new(activation).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","squared":true}"#,
            DiceCrossEntropyLossConfig::new(activation).with_squared(true).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","overlap":"l1"}"#,
            DiceCrossEntropyLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","smoothing":[0.5,1.5]}"#,
            DiceCrossEntropyLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","label_smoothing":0.1}"#,
            DiceCrossEntropyLossConfig::new(activation).with_label_smoothing(0.1).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","dice_weight":0.7}"#,
            DiceCrossEntropyLossConfig::new(activation).with_dice_weight(0.7).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","cross_entropy_weight":0.7}"#,
            DiceCrossEntropyLossConfig::new(activation)
                .with_cross_entropy_weight(0.7)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","pool":"batch"}"#,
            DiceCrossEntropyLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","pool":"all"}"#,
            DiceCrossEntropyLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","absent":"formula"}"#,
            DiceCrossEntropyLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","absent":"zero"}"#,
            DiceCrossEntropyLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","background":false}"#,
            DiceCrossEntropyLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            DiceCrossEntropyLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn dice_binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"dice_binary_cross_entropy"}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation).init().into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","squared":true}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation).with_squared(true).init().into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","overlap":"l1"}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_overlap(Overlap::L1)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","smoothing":[0.5,1.5]}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pos_weight":{"background":0.25,"foreground":0.75}}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_pos_weight(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pos_weight":[0.5,0.3333333333333333,0.25]}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_pos_weight(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","dice_weight":0.7}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation).with_dice_weight(0.7).init().into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","cross_entropy_weight":0.7}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_cross_entropy_weight(0.7)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pool":"batch"}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pool":"all"}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","absent":"formula"}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_absent(Absent::Formula)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","absent":"zero"}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_absent(Absent::Zero)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","background":false}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            DiceBinaryCrossEntropyLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn dice_focal(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"dice_focal"}"#, DiceFocalLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"dice_focal","squared":true}"#,
            DiceFocalLossConfig::new(activation).with_squared(true).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","overlap":"l1"}"#,
            DiceFocalLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","smoothing":[0.5,1.5]}"#,
            DiceFocalLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_focal","gamma":{"background":0.25,"foreground":0.75}}"#,
            DiceFocalLossConfig::new(activation)
                .with_gamma(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_focal","gamma":[0.5,0.3333333333333333,0.25]}"#,
            DiceFocalLossConfig::new(activation)
                .with_gamma(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_focal","alpha":{"background":0.25,"foreground":0.75}}"#,
            DiceFocalLossConfig::new(activation)
                .with_alpha(Some(ClassValues::Background { background: 0.25, foreground: 0.75 }))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_focal","alpha":[0.5,0.3333333333333333,0.25]}"#,
            DiceFocalLossConfig::new(activation)
                .with_alpha(Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_focal","focal_activation":"softmax"}"#,
            DiceFocalLossConfig::new(activation)
                .with_focal_activation(Activation::Softmax)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"dice_focal","dice_weight":0.7}"#,
            DiceFocalLossConfig::new(activation).with_dice_weight(0.7).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","focal_weight":0.7}"#,
            DiceFocalLossConfig::new(activation).with_focal_weight(0.7).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","pool":"batch"}"#,
            DiceFocalLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","pool":"all"}"#,
            DiceFocalLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","absent":"formula"}"#,
            DiceFocalLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","absent":"zero"}"#,
            DiceFocalLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","background":false}"#,
            DiceFocalLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"dice_focal","class_weights":[0.5,0.75,1.0]}"#,
            DiceFocalLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn generalized_dice_focal(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"generalized_dice_focal"}"#,
            GeneralizedDiceFocalLossConfig::new(activation).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","weight":"inverse"}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_weight(VolumeWeight::Inverse)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","weight":"uniform"}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_weight(VolumeWeight::Uniform)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","overlap":"l1"}"#,
            GeneralizedDiceFocalLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","smoothing":[0.5,1.5]}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","gamma":{"background":0.25,"foreground":0.75}}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_gamma(ClassValues::Background { background: 0.25, foreground: 0.75 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","gamma":[0.5,0.3333333333333333,0.25]}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_gamma(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","alpha":{"background":0.25,"foreground":0.75}}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_alpha(Some(ClassValues::Background { background: 0.25, foreground: 0.75 }))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","alpha":[0.5,0.3333333333333333,0.25]}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_alpha(Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])))
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","focal_activation":"softmax"}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_focal_activation(Activation::Softmax)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","generalized_dice_weight":0.7}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_generalized_dice_weight(0.7)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","focal_weight":0.7}"#,
            GeneralizedDiceFocalLossConfig::new(activation).with_focal_weight(0.7).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","pool":"batch"}"#,
            GeneralizedDiceFocalLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","pool":"all"}"#,
            GeneralizedDiceFocalLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","absent":"formula"}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_absent(Absent::Formula)
                .init()
                .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","absent":"zero"}"#,
            GeneralizedDiceFocalLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","background":false}"#,
            GeneralizedDiceFocalLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","class_weights":[0.5,0.75,1.0]}"#,
            GeneralizedDiceFocalLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn combo(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"combo"}"#, ComboLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"combo","alpha":0.3}"#,
            ComboLossConfig::new(activation).with_alpha(0.3).init().into(),
        ),
        (
            r#"{"loss":"combo","beta":0.7}"#,
            ComboLossConfig::new(activation).with_beta(0.7).init().into(),
        ),
        (
            r#"{"loss":"combo","squared":true}"#,
            ComboLossConfig::new(activation).with_squared(true).init().into(),
        ),
        (
            r#"{"loss":"combo","overlap":"l1"}"#,
            ComboLossConfig::new(activation).with_overlap(Overlap::L1).init().into(),
        ),
        (
            r#"{"loss":"combo","smoothing":[0.5,1.5]}"#,
            ComboLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"combo","pool":"batch"}"#,
            ComboLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"combo","pool":"all"}"#,
            ComboLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"combo","absent":"formula"}"#,
            ComboLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"combo","absent":"zero"}"#,
            ComboLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"combo","background":false}"#,
            ComboLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"combo","class_weights":[0.5,0.75,1.0]}"#,
            ComboLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}

fn unified_focal(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"unified_focal"}"#, UnifiedFocalLossConfig::new(activation).init().into()),
        (
            r#"{"loss":"unified_focal","asymmetric":true}"#,
            UnifiedFocalLossConfig::new(activation).with_asymmetric(true).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","lambda":0.3}"#,
            UnifiedFocalLossConfig::new(activation).with_lambda(0.3).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","delta":0.7}"#,
            UnifiedFocalLossConfig::new(activation).with_delta(0.7).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","gamma":0.2}"#,
            UnifiedFocalLossConfig::new(activation).with_gamma(0.2).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","smoothing":[0.5,1.5]}"#,
            UnifiedFocalLossConfig::new(activation)
                .with_smoothing(Smoothing { numerator: 0.5, denominator: 1.5 })
                .init()
                .into(),
        ),
        (
            r#"{"loss":"unified_focal","pool":"batch"}"#,
            UnifiedFocalLossConfig::new(activation).with_pool(Pool::Batch).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","pool":"all"}"#,
            UnifiedFocalLossConfig::new(activation).with_pool(Pool::All).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","absent":"formula"}"#,
            UnifiedFocalLossConfig::new(activation).with_absent(Absent::Formula).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","absent":"zero"}"#,
            UnifiedFocalLossConfig::new(activation).with_absent(Absent::Zero).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","background":false}"#,
            UnifiedFocalLossConfig::new(activation).with_background(false).init().into(),
        ),
        (
            r#"{"loss":"unified_focal","class_weights":[0.5,0.75,1.0]}"#,
            UnifiedFocalLossConfig::new(activation)
                .with_class_weights(Some(vec![0.5, 0.75, 1.0]))
                .init()
                .into(),
        ),
    ]
}
