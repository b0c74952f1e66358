// Written by `cargo xtask generate` from the catalogue of losses; do not edit.

//! The losses by name, each a configuration and a module: what burn-nn's losses look like.

mod binary_cross_entropy;
mod border_cross_entropy;
mod boundary;
mod combo;
mod cross_entropy;
mod dice;
mod dice_binary_cross_entropy;
mod dice_cross_entropy;
mod dice_focal;
mod focal;
mod focal_tversky;
mod generalized_dice;
mod generalized_dice_focal;
mod generalized_wasserstein_dice;
mod hausdorff_dt;
mod instance_cross_entropy;
mod iou;
mod kappa;
mod log_cosh_dice;
mod log_dice;
mod matthews_correlation;
mod sensitivity_specificity;
mod skeleton_recall;
mod tversky;
mod unified_focal;

pub use binary_cross_entropy::{BinaryCrossEntropyLoss, BinaryCrossEntropyLossConfig};
pub use border_cross_entropy::{BorderCrossEntropyLoss, BorderCrossEntropyLossConfig};
pub use boundary::{BoundaryLoss, BoundaryLossConfig};
pub use combo::{ComboLoss, ComboLossConfig};
pub use cross_entropy::{CrossEntropyLoss, CrossEntropyLossConfig};
pub use dice::{DiceLoss, DiceLossConfig};
pub use dice_binary_cross_entropy::{DiceBinaryCrossEntropyLoss, DiceBinaryCrossEntropyLossConfig};
pub use dice_cross_entropy::{DiceCrossEntropyLoss, DiceCrossEntropyLossConfig};
pub use dice_focal::{DiceFocalLoss, DiceFocalLossConfig};
pub use focal::{FocalLoss, FocalLossConfig};
pub use focal_tversky::{FocalTverskyLoss, FocalTverskyLossConfig};
pub use generalized_dice::{GeneralizedDiceLoss, GeneralizedDiceLossConfig};
pub use generalized_dice_focal::{GeneralizedDiceFocalLoss, GeneralizedDiceFocalLossConfig};
pub use generalized_wasserstein_dice::{
    GeneralizedWassersteinDiceLoss, GeneralizedWassersteinDiceLossConfig,
};
pub use hausdorff_dt::{HausdorffDTLoss, HausdorffDTLossConfig};
pub use instance_cross_entropy::{InstanceCrossEntropyLoss, InstanceCrossEntropyLossConfig};
pub use iou::{IoULoss, IoULossConfig};
pub use kappa::{KappaLoss, KappaLossConfig};
pub use log_cosh_dice::{LogCoshDiceLoss, LogCoshDiceLossConfig};
pub use log_dice::{LogDiceLoss, LogDiceLossConfig};
pub use matthews_correlation::{MatthewsCorrelationLoss, MatthewsCorrelationLossConfig};
pub use sensitivity_specificity::{SensitivitySpecificityLoss, SensitivitySpecificityLossConfig};
pub use skeleton_recall::{SkeletonRecallLoss, SkeletonRecallLossConfig};
pub use tversky::{TverskyLoss, TverskyLossConfig};
pub use unified_focal::{UnifiedFocalLoss, UnifiedFocalLossConfig};
