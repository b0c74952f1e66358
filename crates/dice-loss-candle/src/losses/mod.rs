//! The losses by name, each a configuration and a struct with `forward`: what candle-nn's layers look
//! like.

mod compound;
mod overlap;
mod voxel;

pub use compound::{DiceCrossEntropyLoss, DiceCrossEntropyLossConfig};
pub use overlap::{
    DiceLoss, DiceLossConfig, FocalTverskyLoss, FocalTverskyLossConfig, GeneralizedDiceLoss,
    GeneralizedDiceLossConfig, IoULoss, IoULossConfig, TverskyLoss, TverskyLossConfig,
};
pub use voxel::{
    BinaryCrossEntropyLoss, BinaryCrossEntropyLossConfig, CrossEntropyLoss, CrossEntropyLossConfig,
    FocalLoss, FocalLossConfig,
};

use dice_loss::{Objective, Term};

/// Declares a loss and its configuration: the options given, and those that all share.
macro_rules! named_loss {
    (
        $(#[$doc:meta])*
        $Loss:ident, $Config:ident {
            $($(#[$option_doc:meta])* $option:ident: $Type:ty = $default:expr),* $(,)?
        }
        |$config:ident| $objective:expr
    ) => {
        #[doc = concat!("Options of a [", stringify!($Loss), "].")]
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Config {
            /// What turns logits into probabilities: always named, never guessed.
            pub activation: dice_loss::Activation,
            $(
                $(#[$option_doc])*
                #[doc = concat!("\n`", stringify!($default), "` by default.")]
                pub $option: $Type,
            )*
            /// Weights of the classes, which normalise the mean; 0 leaves a class out.
            pub class_weights: Option<Vec<f64>>,
            /// Voxels with this label do not count, unless the targets name another.
            pub ignore_index: Option<i64>,
            /// How the values become the loss; the mean by default.
            pub reduction: dice_loss::Reduction,
            /// Also counts the true and false positives and negatives of this hard decision, for
            /// metrics.
            pub decision: Option<dice_loss::Decision>,
        }

        impl $Config {
            /// The defaults under an activation, for `..` to fill in what is not set.
            pub fn new(activation: dice_loss::Activation) -> Self {
                Self {
                    activation,
                    $($option: $default,)*
                    class_weights: None,
                    ignore_index: None,
                    reduction: dice_loss::Reduction::Mean,
                    decision: None,
                }
            }
        }

        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $Loss {
            config: $Config,
            loss: $crate::SegmentationLoss,
        }

        impl $Loss {
            /// Of these options.
            ///
            /// Options that do not fit each other or the number of classes are reported when the
            /// loss is used.
            pub fn new(config: $Config) -> Self {
                let $config = &config;
                let mut objective = $objective.reduction(config.reduction);
                if let Some(decision) = config.decision {
                    objective = objective.decision(decision);
                }
                let loss = $crate::SegmentationLoss::new(objective)
                    .with_ignore_index(config.ignore_index);
                Self { config, loss }
            }

            /// The options.
            pub fn config(&self) -> &$Config {
                &self.config
            }

            /// The loss, in f32 or, for logits in f64, in f64.
            ///
            /// # Shapes
            ///
            /// - logits: `[batch_size, classes, spatial…]`
            /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a
            ///   dense target like the logits; see [`Targets`](crate::Targets)
            /// - output: a scalar; without reduction what
            ///   [`SegmentationLoss::forward`](crate::SegmentationLoss::forward) lists
            ///
            /// # Errors
            ///
            /// Shapes that do not fit, a label that names no class, an option outside its range.
            pub fn forward(
                &self,
                logits: &candle_core::Tensor,
                targets: impl Into<$crate::Targets>,
            ) -> candle_core::Result<candle_core::Tensor> {
                self.loss.forward(logits, targets)
            }

            /// The loss with all that its sweep over the voxels found out: each class's loss and,
            /// with a decision, the counts that metrics need. Fails as [`forward`](Self::forward)
            /// does.
            pub fn evaluate(
                &self,
                logits: &candle_core::Tensor,
                targets: impl Into<$crate::Targets>,
            ) -> candle_core::Result<$crate::Evaluation> {
                self.loss.evaluate(logits, targets)
            }
        }

        impl From<$Loss> for $crate::SegmentationLoss {
            /// The same loss, without its name.
            fn from(loss: $Loss) -> Self {
                loss.loss
            }
        }
    };
}
use named_loss;

/// [`named_loss`] with the options that every overlap term has.
macro_rules! overlap_loss {
    (
        $(#[$doc:meta])*
        $Loss:ident, $Config:ident { $($options:tt)* }
        |$config:ident| $objective:expr
    ) => {
        $crate::losses::named_loss! {
            $(#[$doc])*
            $Loss, $Config {
                $($options)*
                /// What the overlap is computed over: each class of each sample, each class of
                /// the batch, or everything.
                pool: dice_loss::Pool = dice_loss::Pool::Sample,
                /// What a class counts that is absent from the reference.
                absent: dice_loss::Absent = dice_loss::Absent::Skip,
                /// Whether class 0 takes part in the overlap.
                background: bool = true,
            }
            |$config| $objective.pool($config.pool).absent($config.absent).background($config.background)
        }
    };
}
use overlap_loss;

/// An objective of one term.
fn single(term: Term, class_weights: &Option<Vec<f64>>) -> Objective {
    Objective::new().term(1.0, weighted(term, class_weights))
}

fn weighted(term: Term, class_weights: &Option<Vec<f64>>) -> Term {
    match class_weights {
        Some(weights) => term.class_weights(weights.clone()),
        None => term,
    }
}
