//! The losses by name, each a configuration and a module: what burn-nn's losses look like.

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

use burn::nn::loss::Reduction;
use dice_loss::{Objective, Term};

use crate::SegmentationLoss;

/// Declares a loss module and its configuration: the options given, and those that all share.
macro_rules! named_loss {
    (
        $(#[$doc:meta])*
        $Loss:ident, $Config:ident {
            $($(#[$option_doc:meta])* $option:ident: $Type:ty $(= $default:tt)?),* $(,)?
        }
        |$config:ident| $objective:expr
    ) => {
        #[doc = concat!("Configuration to create a [", stringify!($Loss), "].")]
        #[derive(burn::config::Config, Debug)]
        pub struct $Config {
            /// What turns logits into probabilities: always named, never guessed.
            pub activation: dice_loss::Activation,
            $(
                $(#[$option_doc])*
                $(#[config(default = $default)])?
                pub $option: $Type,
            )*
            /// Weights of the classes, which normalise the mean; 0 leaves a class out.
            pub class_weights: Option<Vec<f64>>,
            /// Voxels with this label do not count, unless the targets name another.
            pub ignore_index: Option<i64>,
            /// How the values become the loss. `Auto` is the mean; `BatchMean` is the sum divided
            /// by the number of samples.
            #[config(default = "burn::nn::loss::Reduction::Mean")]
            pub reduction: burn::nn::loss::Reduction,
            /// Also counts the true and false positives and negatives of this hard decision, for
            /// metrics.
            pub decision: Option<dice_loss::Decision>,
        }

        impl $Config {
            #[doc = concat!("Initialize a [", stringify!($Loss), "].")]
            ///
            /// Options that do not fit each other or the number of classes are reported when the
            /// loss is used.
            pub fn init(&self) -> $Loss {
                let $config = self;
                let objective = match self.decision {
                    Some(decision) => $objective.decision(decision),
                    None => $objective,
                };
                let loss = $crate::losses::reduced(objective, &self.reduction)
                    .with_ignore_index(self.ignore_index);
                $Loss { config: self.clone(), loss }
            }
        }

        $(#[$doc])*
        #[doc = concat!("\nCreated by [", stringify!($Config), "].")]
        #[derive(burn::module::Module, Debug)]
        #[module(custom_display)]
        pub struct $Loss {
            #[module(skip)]
            config: $Config,
            #[module(skip)]
            loss: $crate::SegmentationLoss,
        }

        impl $Loss {
            /// The loss, in f32 or, for logits in f64, in f64.
            ///
            /// # Shapes
            ///
            /// - logits: `[batch_size, classes, spatial…]`
            /// - targets: labels `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, or a
            ///   dense target like the logits; see [`Targets`](crate::Targets)
            /// - output: `[1]`
            ///
            /// # Panics
            ///
            /// With the message of [`try_forward`](Self::try_forward)'s error.
            pub fn forward<const D: usize>(
                &self,
                logits: burn::tensor::Tensor<D>,
                targets: impl Into<$crate::Targets>,
            ) -> burn::tensor::Tensor<1> {
                self.loss.forward(logits, targets)
            }

            /// The loss, or what is wrong: shapes that do not fit, a label that names no class, an
            /// option outside its range.
            pub fn try_forward<const D: usize>(
                &self,
                logits: burn::tensor::Tensor<D>,
                targets: impl Into<$crate::Targets>,
            ) -> dice_loss::Result<burn::tensor::Tensor<1>> {
                self.loss.try_forward(logits, targets)
            }

            /// The loss with all that its sweep over the voxels found out: each class's loss and,
            /// with a decision, the counts that metrics need. Fails as
            /// [`try_forward`](Self::try_forward) does.
            pub fn evaluate<const D: usize>(
                &self,
                logits: burn::tensor::Tensor<D>,
                targets: impl Into<$crate::Targets>,
            ) -> dice_loss::Result<$crate::Evaluation> {
                self.loss.evaluate(logits, targets)
            }

            /// The values before any reduction, in the shapes that
            /// [`SegmentationLoss`](crate::SegmentationLoss::forward_no_reduction) lists.
            ///
            /// # Panics
            ///
            /// With the message of [`try_forward`](Self::try_forward)'s error; if the values do not
            /// have `R` axes; for a compound whose terms' values differ in shape.
            pub fn forward_no_reduction<const D: usize, const R: usize>(
                &self,
                logits: burn::tensor::Tensor<D>,
                targets: impl Into<$crate::Targets>,
            ) -> burn::tensor::Tensor<R> {
                self.loss.forward_no_reduction(logits, targets)
            }
        }

        impl From<$Loss> for $crate::SegmentationLoss {
            /// The same loss, without its name.
            fn from(loss: $Loss) -> Self {
                loss.loss
            }
        }

        impl burn::module::ModuleDisplay for $Loss {
            fn custom_settings(&self) -> Option<burn::module::DisplaySettings> {
                burn::module::DisplaySettings::new().with_new_line_after_attribute(false).optional()
            }

            fn custom_content(
                &self,
                content: burn::module::Content,
            ) -> Option<burn::module::Content> {
                content
                    .add_debug_attribute("activation", &self.config.activation)
                    $(.add_debug_attribute(stringify!($option), &self.config.$option))*
                    .add_debug_attribute("class_weights", &self.config.class_weights)
                    .add_debug_attribute("ignore_index", &self.config.ignore_index)
                    .add_debug_attribute("reduction", &self.config.reduction)
                    .add_debug_attribute("decision", &self.config.decision)
                    .optional()
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
                pool: dice_loss::Pool = "dice_loss::Pool::Sample",
                /// What a class counts that is absent from the reference.
                absent: dice_loss::Absent = "dice_loss::Absent::Skip",
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

/// Burn's reductions in the engine's words.
fn reduced(objective: Objective, reduction: &Reduction) -> SegmentationLoss {
    use dice_loss::Reduction::{Mean, Sum};
    let (reduction, batch_mean) = match reduction {
        Reduction::Mean | Reduction::Auto => (Mean, false),
        Reduction::Sum => (Sum, false),
        Reduction::BatchMean => (Sum, true),
    };
    SegmentationLoss::new(objective.reduction(reduction)).with_batch_mean(batch_mean)
}
