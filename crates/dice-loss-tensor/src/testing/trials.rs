// Written by `cargo xtask generate` from the options of the losses; do not edit.

//! Each loss by its configuration, with each option away from its default.

/// Writes `trials`: the loss of a name with each of its options set.
///
/// `$made!(activation, Loss, Configuration, [(option, JSON, value), …])` is the list of what a front end
/// makes of the configuration under the activation, with each option in turn.
#[macro_export]
macro_rules! trials {
    ($made:ident) => {
        pub fn trials(
            name: &str,
            activation: $crate::dice_loss::Activation,
        ) -> Vec<$crate::testing::Trial> {
            use $crate::dice_loss::{
                Absent, Activation, ClassValues, Distances, Division, Overlap, Pool, Smoothing,
                TransportWeight, VolumeWeight,
            };
            match name {
                "dice" => $made!(
                    activation,
                    DiceLoss,
                    DiceLossConfig,
                    [
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "iou" => $made!(
                    activation,
                    IoULoss,
                    IoULossConfig,
                    [
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "tversky" => $made!(
                    activation,
                    TverskyLoss,
                    TverskyLossConfig,
                    [
                        (squared, "true", true),
                        (alpha, "0.6", 0.6),
                        (beta, "0.9", 0.9),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "focal_tversky" => $made!(
                    activation,
                    FocalTverskyLoss,
                    FocalTverskyLossConfig,
                    [
                        (squared, "true", true),
                        (alpha, "0.6", 0.6),
                        (beta, "0.9", 0.9),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (gamma, "1.5", 1.5),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "log_dice" => $made!(
                    activation,
                    LogDiceLoss,
                    LogDiceLossConfig,
                    [
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (gamma, "0.3", 0.3),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "log_cosh_dice" => $made!(
                    activation,
                    LogCoshDiceLoss,
                    LogCoshDiceLossConfig,
                    [
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "generalized_dice" => $made!(
                    activation,
                    GeneralizedDiceLoss,
                    GeneralizedDiceLossConfig,
                    [
                        (weight, r#""inverse""#, VolumeWeight::Inverse),
                        (weight, r#""uniform""#, VolumeWeight::Uniform),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "generalized_wasserstein_dice" => $made!(
                    activation,
                    GeneralizedWassersteinDiceLoss,
                    GeneralizedWassersteinDiceLossConfig,
                    [
                        (
                            distances,
                            "[[0.0,1.0,2.0],[1.0,0.0,1.0],[2.0,1.0,0.0]]",
                            Distances::Matrix(vec![
                                vec![0.0, 1.0, 2.0],
                                vec![1.0, 0.0, 1.0],
                                vec![2.0, 1.0, 0.0]
                            ])
                        ),
                        (
                            weight,
                            r#""inverse_square""#,
                            TransportWeight::Volume(VolumeWeight::InverseSquare)
                        ),
                        (weight, r#""inverse""#, TransportWeight::Volume(VolumeWeight::Inverse)),
                        (weight, r#""uniform""#, TransportWeight::Volume(VolumeWeight::Uniform)),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "matthews_correlation" => $made!(
                    activation,
                    MatthewsCorrelationLoss,
                    MatthewsCorrelationLossConfig,
                    [
                        (smoothing, "1.0", 1.0),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "kappa" => $made!(
                    activation,
                    KappaLoss,
                    KappaLossConfig,
                    [
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "sensitivity_specificity" => $made!(
                    activation,
                    SensitivitySpecificityLoss,
                    SensitivitySpecificityLossConfig,
                    [
                        (ratio, "0.3", 0.3),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "boundary" => $made!(
                    activation,
                    BoundaryLoss,
                    BoundaryLossConfig,
                    [
                        (spacing, "[0.5,2.0]", Some(vec![0.5, 2.0])),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "hausdorff_dt" => $made!(
                    activation,
                    HausdorffDTLoss,
                    HausdorffDTLossConfig,
                    [
                        (alpha, "1.5", 1.5),
                        (log, "true", true),
                        (spacing, "[0.5,2.0]", Some(vec![0.5, 2.0])),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "skeleton_recall" => $made!(
                    activation,
                    SkeletonRecallLoss,
                    SkeletonRecallLossConfig,
                    [
                        (radius, "1.0", 1.0),
                        (spacing, "[0.5,2.0]", Some(vec![0.5, 2.0])),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "cross_entropy" => $made!(
                    activation,
                    CrossEntropyLoss,
                    CrossEntropyLossConfig,
                    [
                        (label_smoothing, "0.1", 0.1),
                        (top_k, "0.4", 0.4),
                        (threshold, "0.4", 0.4),
                        (min_kept, "3", 3),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "binary_cross_entropy" => $made!(
                    activation,
                    BinaryCrossEntropyLoss,
                    BinaryCrossEntropyLossConfig,
                    [
                        (
                            pos_weight,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            ClassValues::Background { background: 0.25, foreground: 0.75 }
                        ),
                        (
                            pos_weight,
                            "[0.5,0.3333333333333333,0.25]",
                            ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])
                        ),
                        (top_k, "0.4", 0.4),
                        (threshold, "0.4", 0.4),
                        (min_kept, "3", 3),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "focal" => $made!(
                    activation,
                    FocalLoss,
                    FocalLossConfig,
                    [
                        (
                            gamma,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            ClassValues::Background { background: 0.25, foreground: 0.75 }
                        ),
                        (
                            gamma,
                            "[0.5,0.3333333333333333,0.25]",
                            ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])
                        ),
                        (
                            alpha,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            Some(ClassValues::Background { background: 0.25, foreground: 0.75 })
                        ),
                        (
                            alpha,
                            "[0.5,0.3333333333333333,0.25]",
                            Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                        ),
                        (top_k, "0.4", 0.4),
                        (threshold, "0.4", 0.4),
                        (min_kept, "3", 3),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "border_cross_entropy" => $made!(
                    activation,
                    BorderCrossEntropyLoss,
                    BorderCrossEntropyLossConfig,
                    [
                        (w0, "4.0", 4.0),
                        (sigma, "1.5", 1.5),
                        (spacing, "[0.5,2.0]", Some(vec![0.5, 2.0])),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "instance_cross_entropy" => $made!(
                    activation,
                    InstanceCrossEntropyLoss,
                    InstanceCrossEntropyLossConfig,
                    [
                        (division, r#""blobs""#, Division::Blobs),
                        (spacing, "[0.5,2.0]", Some(vec![0.5, 2.0])),
                        (background, "false", false),
                        (classes, "[2]", Some(vec![2])),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "dice_cross_entropy" => $made!(
                    activation,
                    DiceCrossEntropyLoss,
                    DiceCrossEntropyLossConfig,
                    [
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (label_smoothing, "0.1", 0.1),
                        (top_k, "0.4", 0.4),
                        (threshold, "0.4", 0.4),
                        (min_kept, "3", 3),
                        (dice_weight, "0.7", 0.7),
                        (cross_entropy_weight, "0.7", 0.7),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "dice_binary_cross_entropy" => $made!(
                    activation,
                    DiceBinaryCrossEntropyLoss,
                    DiceBinaryCrossEntropyLossConfig,
                    [
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (
                            pos_weight,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            ClassValues::Background { background: 0.25, foreground: 0.75 }
                        ),
                        (
                            pos_weight,
                            "[0.5,0.3333333333333333,0.25]",
                            ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])
                        ),
                        (top_k, "0.4", 0.4),
                        (threshold, "0.4", 0.4),
                        (min_kept, "3", 3),
                        (dice_weight, "0.7", 0.7),
                        (cross_entropy_weight, "0.7", 0.7),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "dice_focal" => $made!(
                    activation,
                    DiceFocalLoss,
                    DiceFocalLossConfig,
                    [
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (
                            gamma,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            ClassValues::Background { background: 0.25, foreground: 0.75 }
                        ),
                        (
                            gamma,
                            "[0.5,0.3333333333333333,0.25]",
                            ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])
                        ),
                        (
                            alpha,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            Some(ClassValues::Background { background: 0.25, foreground: 0.75 })
                        ),
                        (
                            alpha,
                            "[0.5,0.3333333333333333,0.25]",
                            Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                        ),
                        (top_k, "0.4", 0.4),
                        (threshold, "0.4", 0.4),
                        (min_kept, "3", 3),
                        (focal_activation, r#""softmax""#, Activation::Softmax),
                        (dice_weight, "0.7", 0.7),
                        (focal_weight, "0.7", 0.7),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "generalized_dice_focal" => $made!(
                    activation,
                    GeneralizedDiceFocalLoss,
                    GeneralizedDiceFocalLossConfig,
                    [
                        (weight, r#""inverse""#, VolumeWeight::Inverse),
                        (weight, r#""uniform""#, VolumeWeight::Uniform),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (
                            gamma,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            ClassValues::Background { background: 0.25, foreground: 0.75 }
                        ),
                        (
                            gamma,
                            "[0.5,0.3333333333333333,0.25]",
                            ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25])
                        ),
                        (
                            alpha,
                            r#"{"background":0.25,"foreground":0.75}"#,
                            Some(ClassValues::Background { background: 0.25, foreground: 0.75 })
                        ),
                        (
                            alpha,
                            "[0.5,0.3333333333333333,0.25]",
                            Some(ClassValues::Each(vec![0.5, 0.3333333333333333, 0.25]))
                        ),
                        (top_k, "0.4", 0.4),
                        (threshold, "0.4", 0.4),
                        (min_kept, "3", 3),
                        (focal_activation, r#""softmax""#, Activation::Softmax),
                        (generalized_dice_weight, "0.7", 0.7),
                        (focal_weight, "0.7", 0.7),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "combo" => $made!(
                    activation,
                    ComboLoss,
                    ComboLossConfig,
                    [
                        (alpha, "0.3", 0.3),
                        (beta, "0.7", 0.7),
                        (squared, "true", true),
                        (overlap, r#""l1""#, Overlap::L1),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                "unified_focal" => $made!(
                    activation,
                    UnifiedFocalLoss,
                    UnifiedFocalLossConfig,
                    [
                        (asymmetric, "true", true),
                        (lambda, "0.3", 0.3),
                        (delta, "0.7", 0.7),
                        (gamma, "0.2", 0.2),
                        (smoothing, "[0.5,1.5]", Smoothing { numerator: 0.5, denominator: 1.5 }),
                        (pool, r#""batch""#, Pool::Batch),
                        (pool, r#""all""#, Pool::All),
                        (absent, r#""formula""#, Absent::Formula),
                        (absent, r#""zero""#, Absent::Zero),
                        (background, "false", false),
                        (class_weights, "[0.5,0.75,1.0]", Some(vec![0.5, 0.75, 1.0])),
                    ]
                ),
                _ => panic!("{name} has no configuration"),
            }
        }
    };
}
