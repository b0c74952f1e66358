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
        (r#"{"loss":"dice"}"#, DiceLoss::new(DiceLossConfig::new(activation)).into()),
        (
            r#"{"loss":"dice","squared":true}"#,
            DiceLoss::new(DiceLossConfig { squared: true, ..DiceLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"dice","overlap":"l1"}"#,
            DiceLoss::new(DiceLossConfig {
                overlap: Overlap::L1,
                ..DiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice","smoothing":[0.5,1.5]}"#,
            DiceLoss::new(DiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..DiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice","pool":"batch"}"#,
            DiceLoss::new(DiceLossConfig { pool: Pool::Batch, ..DiceLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"dice","pool":"all"}"#,
            DiceLoss::new(DiceLossConfig { pool: Pool::All, ..DiceLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"dice","absent":"formula"}"#,
            DiceLoss::new(DiceLossConfig {
                absent: Absent::Formula,
                ..DiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice","absent":"zero"}"#,
            DiceLoss::new(DiceLossConfig {
                absent: Absent::Zero,
                ..DiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice","background":false}"#,
            DiceLoss::new(DiceLossConfig { background: false, ..DiceLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"dice","classes":[2]}"#,
            DiceLoss::new(DiceLossConfig {
                classes: Some(vec![2]),
                ..DiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice","class_weights":[0.5,0.75,1.0]}"#,
            DiceLoss::new(DiceLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..DiceLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn iou(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"iou"}"#, IoULoss::new(IoULossConfig::new(activation)).into()),
        (
            r#"{"loss":"iou","overlap":"l1"}"#,
            IoULoss::new(IoULossConfig { overlap: Overlap::L1, ..IoULossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"iou","smoothing":[0.5,1.5]}"#,
            IoULoss::new(IoULossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..IoULossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"iou","pool":"batch"}"#,
            IoULoss::new(IoULossConfig { pool: Pool::Batch, ..IoULossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"iou","pool":"all"}"#,
            IoULoss::new(IoULossConfig { pool: Pool::All, ..IoULossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"iou","absent":"formula"}"#,
            IoULoss::new(IoULossConfig {
                absent: Absent::Formula,
                ..IoULossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"iou","absent":"zero"}"#,
            IoULoss::new(IoULossConfig { absent: Absent::Zero, ..IoULossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"iou","background":false}"#,
            IoULoss::new(IoULossConfig { background: false, ..IoULossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"iou","classes":[2]}"#,
            IoULoss::new(IoULossConfig {
                classes: Some(vec![2]),
                ..IoULossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"iou","class_weights":[0.5,0.75,1.0]}"#,
            IoULoss::new(IoULossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..IoULossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn tversky(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"tversky"}"#, TverskyLoss::new(TverskyLossConfig::new(activation)).into()),
        (
            r#"{"loss":"tversky","alpha":0.6}"#,
            TverskyLoss::new(TverskyLossConfig {
                alpha: 0.6,
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","beta":0.9}"#,
            TverskyLoss::new(TverskyLossConfig { beta: 0.9, ..TverskyLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"tversky","overlap":"l1"}"#,
            TverskyLoss::new(TverskyLossConfig {
                overlap: Overlap::L1,
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","smoothing":[0.5,1.5]}"#,
            TverskyLoss::new(TverskyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","pool":"batch"}"#,
            TverskyLoss::new(TverskyLossConfig {
                pool: Pool::Batch,
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","pool":"all"}"#,
            TverskyLoss::new(TverskyLossConfig {
                pool: Pool::All,
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","absent":"formula"}"#,
            TverskyLoss::new(TverskyLossConfig {
                absent: Absent::Formula,
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","absent":"zero"}"#,
            TverskyLoss::new(TverskyLossConfig {
                absent: Absent::Zero,
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","background":false}"#,
            TverskyLoss::new(TverskyLossConfig {
                background: false,
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","classes":[2]}"#,
            TverskyLoss::new(TverskyLossConfig {
                classes: Some(vec![2]),
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"tversky","class_weights":[0.5,0.75,1.0]}"#,
            TverskyLoss::new(TverskyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..TverskyLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn focal_tversky(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"focal_tversky"}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"focal_tversky","alpha":0.6}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                alpha: 0.6,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","beta":0.9}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                beta: 0.9,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","overlap":"l1"}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                overlap: Overlap::L1,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","smoothing":[0.5,1.5]}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","gamma":1.5}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                gamma: 1.5,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","pool":"batch"}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                pool: Pool::Batch,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","pool":"all"}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                pool: Pool::All,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","absent":"formula"}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                absent: Absent::Formula,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","absent":"zero"}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                absent: Absent::Zero,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","background":false}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                background: false,
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","classes":[2]}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                classes: Some(vec![2]),
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal_tversky","class_weights":[0.5,0.75,1.0]}"#,
            FocalTverskyLoss::new(FocalTverskyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..FocalTverskyLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn log_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"log_dice"}"#, LogDiceLoss::new(LogDiceLossConfig::new(activation)).into()),
        (
            r#"{"loss":"log_dice","squared":true}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                squared: true,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","overlap":"l1"}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                overlap: Overlap::L1,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","smoothing":[0.5,1.5]}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","gamma":0.3}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                gamma: 0.3,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","pool":"batch"}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                pool: Pool::Batch,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","pool":"all"}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                pool: Pool::All,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","absent":"formula"}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                absent: Absent::Formula,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","absent":"zero"}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                absent: Absent::Zero,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","background":false}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                background: false,
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","classes":[2]}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                classes: Some(vec![2]),
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_dice","class_weights":[0.5,0.75,1.0]}"#,
            LogDiceLoss::new(LogDiceLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..LogDiceLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn log_cosh_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"log_cosh_dice"}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","squared":true}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                squared: true,
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","overlap":"l1"}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                overlap: Overlap::L1,
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","smoothing":[0.5,1.5]}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","pool":"batch"}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                pool: Pool::Batch,
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","pool":"all"}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                pool: Pool::All,
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","absent":"formula"}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                absent: Absent::Formula,
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","absent":"zero"}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                absent: Absent::Zero,
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","background":false}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                background: false,
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","classes":[2]}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                classes: Some(vec![2]),
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"log_cosh_dice","class_weights":[0.5,0.75,1.0]}"#,
            LogCoshDiceLoss::new(LogCoshDiceLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..LogCoshDiceLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn generalized_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"generalized_dice"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"generalized_dice","weight":"inverse"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                weight: VolumeWeight::Inverse,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","weight":"uniform"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                weight: VolumeWeight::Uniform,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","overlap":"l1"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                overlap: Overlap::L1,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","smoothing":[0.5,1.5]}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","pool":"batch"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                pool: Pool::Batch,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","pool":"all"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                pool: Pool::All,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","absent":"formula"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                absent: Absent::Formula,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","absent":"zero"}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                absent: Absent::Zero,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","background":false}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                background: false,
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","classes":[2]}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                classes: Some(vec![2]),
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice","class_weights":[0.5,0.75,1.0]}"#,
            GeneralizedDiceLoss::new(GeneralizedDiceLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..GeneralizedDiceLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn generalized_wasserstein_dice(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"generalized_wasserstein_dice"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig::new(
                activation,
            ))
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","distances":[[0.0,1.0,2.0],[1.0,0.0,1.0],[2.0,1.0,0.0]]}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                distances: Distances::Matrix(vec![
                    vec![0.0, 1.0, 2.0],
                    vec![1.0, 0.0, 1.0],
                    vec![2.0, 1.0, 0.0],
                ]),
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","weight":"inverse_square"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                weight: TransportWeight::Volume(VolumeWeight::InverseSquare),
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","weight":"inverse"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                weight: TransportWeight::Volume(VolumeWeight::Inverse),
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","weight":"uniform"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                weight: TransportWeight::Volume(VolumeWeight::Uniform),
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","smoothing":[0.5,1.5]}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","pool":"batch"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                pool: Pool::Batch,
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","pool":"all"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                pool: Pool::All,
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","absent":"formula"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                absent: Absent::Formula,
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","absent":"zero"}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                absent: Absent::Zero,
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","background":false}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                background: false,
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","classes":[2]}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                classes: Some(vec![2]),
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_wasserstein_dice","class_weights":[0.5,0.75,1.0]}"#,
            GeneralizedWassersteinDiceLoss::new(GeneralizedWassersteinDiceLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..GeneralizedWassersteinDiceLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn matthews_correlation(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"matthews_correlation"}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"matthews_correlation","smoothing":1.0}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                smoothing: 1.0,
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","pool":"batch"}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                pool: Pool::Batch,
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","pool":"all"}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                pool: Pool::All,
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","absent":"formula"}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                absent: Absent::Formula,
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","absent":"zero"}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                absent: Absent::Zero,
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","background":false}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                background: false,
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","classes":[2]}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                classes: Some(vec![2]),
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"matthews_correlation","class_weights":[0.5,0.75,1.0]}"#,
            MatthewsCorrelationLoss::new(MatthewsCorrelationLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..MatthewsCorrelationLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"cross_entropy"}"#,
            CrossEntropyLoss::new(CrossEntropyLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"cross_entropy","label_smoothing":0.1}"#,
            CrossEntropyLoss::new(CrossEntropyLossConfig {
                label_smoothing: 0.1,
                ..CrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"cross_entropy","background":false}"#,
            CrossEntropyLoss::new(CrossEntropyLossConfig {
                background: false,
                ..CrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"cross_entropy","classes":[2]}"#,
            CrossEntropyLoss::new(CrossEntropyLossConfig {
                classes: Some(vec![2]),
                ..CrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            CrossEntropyLoss::new(CrossEntropyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..CrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"binary_cross_entropy"}"#,
            BinaryCrossEntropyLoss::new(BinaryCrossEntropyLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","pos_weight":{"background":0.25,"foreground":0.75}}"#,
            BinaryCrossEntropyLoss::new(BinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..BinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","pos_weight":[0.5,0.3333333333333333,0.25]}"#,
            BinaryCrossEntropyLoss::new(BinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..BinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","background":false}"#,
            BinaryCrossEntropyLoss::new(BinaryCrossEntropyLossConfig {
                background: false,
                ..BinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","classes":[2]}"#,
            BinaryCrossEntropyLoss::new(BinaryCrossEntropyLossConfig {
                classes: Some(vec![2]),
                ..BinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"binary_cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            BinaryCrossEntropyLoss::new(BinaryCrossEntropyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..BinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn focal(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"focal"}"#, FocalLoss::new(FocalLossConfig::new(activation)).into()),
        (
            r#"{"loss":"focal","gamma":{"background":0.25,"foreground":0.75}}"#,
            FocalLoss::new(FocalLossConfig {
                gamma: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..FocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal","gamma":[0.5,0.3333333333333333,0.25]}"#,
            FocalLoss::new(FocalLossConfig {
                gamma: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..FocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal","alpha":{"background":0.25,"foreground":0.75}}"#,
            FocalLoss::new(FocalLossConfig {
                alpha: Some(ClassValues::Background { background: 0.25, foreground: 0.75 }),
                ..FocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal","alpha":[0.5,0.3333333333333333,0.25]}"#,
            FocalLoss::new(FocalLossConfig {
                alpha: Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])),
                ..FocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal","background":false}"#,
            FocalLoss::new(FocalLossConfig {
                background: false,
                ..FocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal","classes":[2]}"#,
            FocalLoss::new(FocalLossConfig {
                classes: Some(vec![2]),
                ..FocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"focal","class_weights":[0.5,0.75,1.0]}"#,
            FocalLoss::new(FocalLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..FocalLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn dice_cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"dice_cross_entropy"}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","squared":true}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                squared: true,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","overlap":"l1"}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                overlap: Overlap::L1,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","smoothing":[0.5,1.5]}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","label_smoothing":0.1}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                label_smoothing: 0.1,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","dice_weight":0.7}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                dice_weight: 0.7,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","cross_entropy_weight":0.7}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                cross_entropy_weight: 0.7,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","pool":"batch"}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                pool: Pool::Batch,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","pool":"all"}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                pool: Pool::All,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","absent":"formula"}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                absent: Absent::Formula,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","absent":"zero"}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                absent: Absent::Zero,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","background":false}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                background: false,
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            DiceCrossEntropyLoss::new(DiceCrossEntropyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..DiceCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn dice_binary_cross_entropy(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"dice_binary_cross_entropy"}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig::new(activation))
                .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","squared":true}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                squared: true,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","overlap":"l1"}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                overlap: Overlap::L1,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","smoothing":[0.5,1.5]}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pos_weight":{"background":0.25,"foreground":0.75}}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pos_weight":[0.5,0.3333333333333333,0.25]}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                pos_weight: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","dice_weight":0.7}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                dice_weight: 0.7,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","cross_entropy_weight":0.7}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                cross_entropy_weight: 0.7,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pool":"batch"}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                pool: Pool::Batch,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","pool":"all"}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                pool: Pool::All,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","absent":"formula"}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                absent: Absent::Formula,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","absent":"zero"}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                absent: Absent::Zero,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","background":false}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                background: false,
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_binary_cross_entropy","class_weights":[0.5,0.75,1.0]}"#,
            DiceBinaryCrossEntropyLoss::new(DiceBinaryCrossEntropyLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..DiceBinaryCrossEntropyLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn dice_focal(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"dice_focal"}"#,
            DiceFocalLoss::new(DiceFocalLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"dice_focal","squared":true}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                squared: true,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","overlap":"l1"}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                overlap: Overlap::L1,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","smoothing":[0.5,1.5]}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","gamma":{"background":0.25,"foreground":0.75}}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                gamma: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","gamma":[0.5,0.3333333333333333,0.25]}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                gamma: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","alpha":{"background":0.25,"foreground":0.75}}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                alpha: Some(ClassValues::Background { background: 0.25, foreground: 0.75 }),
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","alpha":[0.5,0.3333333333333333,0.25]}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                alpha: Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])),
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","focal_activation":"softmax"}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                focal_activation: Activation::Softmax,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","dice_weight":0.7}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                dice_weight: 0.7,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","focal_weight":0.7}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                focal_weight: 0.7,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","pool":"batch"}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                pool: Pool::Batch,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","pool":"all"}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                pool: Pool::All,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","absent":"formula"}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                absent: Absent::Formula,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","absent":"zero"}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                absent: Absent::Zero,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","background":false}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                background: false,
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"dice_focal","class_weights":[0.5,0.75,1.0]}"#,
            DiceFocalLoss::new(DiceFocalLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..DiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn generalized_dice_focal(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"generalized_dice_focal"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","weight":"inverse"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                weight: VolumeWeight::Inverse,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","weight":"uniform"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                weight: VolumeWeight::Uniform,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","overlap":"l1"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                overlap: Overlap::L1,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","smoothing":[0.5,1.5]}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","gamma":{"background":0.25,"foreground":0.75}}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                gamma: ClassValues::Background { background: 0.25, foreground: 0.75 },
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","gamma":[0.5,0.3333333333333333,0.25]}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                gamma: ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]),
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","alpha":{"background":0.25,"foreground":0.75}}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                alpha: Some(ClassValues::Background { background: 0.25, foreground: 0.75 }),
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","alpha":[0.5,0.3333333333333333,0.25]}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                alpha: Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])),
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","focal_activation":"softmax"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                focal_activation: Activation::Softmax,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","generalized_dice_weight":0.7}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                generalized_dice_weight: 0.7,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","focal_weight":0.7}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                focal_weight: 0.7,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","pool":"batch"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                pool: Pool::Batch,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","pool":"all"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                pool: Pool::All,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","absent":"formula"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                absent: Absent::Formula,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","absent":"zero"}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                absent: Absent::Zero,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","background":false}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                background: false,
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"generalized_dice_focal","class_weights":[0.5,0.75,1.0]}"#,
            GeneralizedDiceFocalLoss::new(GeneralizedDiceFocalLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..GeneralizedDiceFocalLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn combo(activation: Activation) -> Vec<Trial> {
    vec![
        (r#"{"loss":"combo"}"#, ComboLoss::new(ComboLossConfig::new(activation)).into()),
        (
            r#"{"loss":"combo","alpha":0.3}"#,
            ComboLoss::new(ComboLossConfig { alpha: 0.3, ..ComboLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"combo","beta":0.7}"#,
            ComboLoss::new(ComboLossConfig { beta: 0.7, ..ComboLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"combo","squared":true}"#,
            ComboLoss::new(ComboLossConfig { squared: true, ..ComboLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"combo","overlap":"l1"}"#,
            ComboLoss::new(ComboLossConfig {
                overlap: Overlap::L1,
                ..ComboLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"combo","smoothing":[0.5,1.5]}"#,
            ComboLoss::new(ComboLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..ComboLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"combo","pool":"batch"}"#,
            ComboLoss::new(ComboLossConfig {
                pool: Pool::Batch,
                ..ComboLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"combo","pool":"all"}"#,
            ComboLoss::new(ComboLossConfig { pool: Pool::All, ..ComboLossConfig::new(activation) })
                .into(),
        ),
        (
            r#"{"loss":"combo","absent":"formula"}"#,
            ComboLoss::new(ComboLossConfig {
                absent: Absent::Formula,
                ..ComboLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"combo","absent":"zero"}"#,
            ComboLoss::new(ComboLossConfig {
                absent: Absent::Zero,
                ..ComboLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"combo","background":false}"#,
            ComboLoss::new(ComboLossConfig {
                background: false,
                ..ComboLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"combo","class_weights":[0.5,0.75,1.0]}"#,
            ComboLoss::new(ComboLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..ComboLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}

fn unified_focal(activation: Activation) -> Vec<Trial> {
    vec![
        (
            r#"{"loss":"unified_focal"}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig::new(activation)).into(),
        ),
        (
            r#"{"loss":"unified_focal","asymmetric":true}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                asymmetric: true,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","lambda":0.3}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                lambda: 0.3,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","delta":0.7}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                delta: 0.7,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","gamma":0.2}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                gamma: 0.2,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","smoothing":[0.5,1.5]}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                smoothing: Smoothing { numerator: 0.5, denominator: 1.5 },
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","pool":"batch"}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                pool: Pool::Batch,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","pool":"all"}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                pool: Pool::All,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","absent":"formula"}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                absent: Absent::Formula,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","absent":"zero"}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                absent: Absent::Zero,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","background":false}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                background: false,
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
        (
            r#"{"loss":"unified_focal","class_weights":[0.5,0.75,1.0]}"#,
            UnifiedFocalLoss::new(UnifiedFocalLossConfig {
                class_weights: Some(vec![0.5, 0.75, 1.0]),
                ..UnifiedFocalLossConfig::new(activation)
            })
            .into(),
        ),
    ]
}
