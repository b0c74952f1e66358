//! What the front ends are tested with: batches as plain numbers, the same questions to each, and the
//! engine's and its reference's answers.
//!
//! [`front_end_tests!`](crate::front_end_tests) makes a test of each question.

mod agreement;
mod by_value;
mod case;
mod direct;
mod maps;
mod named;
pub mod precision;
mod refused;
mod repeated;
mod trials;
mod unreduced;
mod weights;

use std::sync::Arc;

use dice_loss::{Activation, CrossEntropy, Dice, DirectLoss, Moments, Objective, Verdict};

use crate::Element;

pub use agreement::*;
pub use by_value::*;
pub use case::{Case, Integer, Reference, Shaped, every_loss, noise};
pub use direct::*;
pub use maps::*;
pub use named::*;
pub use refused::*;
pub use repeated::*;
pub use unreduced::*;
pub use weights::*;

/// A way to a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The engine's sweeps.
    Engine,
    /// Tensor operations, or kernels where there are some.
    Operations,
}

/// A front end on some device.
pub trait FrontEnd {
    /// The ways to a loss there.
    const WAYS: &[Way] = &[Way::Engine, Way::Operations];
    /// Whether unreduced values of losses beside the objective are read back with their gradients.
    const READS_VALUES_BACK: bool;
    /// The types that logits may have.
    const LOGITS: &[Element] = &[Element::F32, Element::F64, Element::F16, Element::BF16];
    /// The types that labels may have.
    const LABELS: &[Integer];

    /// The loss of a case, in the form that the objective's reduction says, and the gradient that
    /// values of this upstream gradient have, 1 if there is none; or the first line of the error.
    fn run(
        &self,
        way: Way,
        objective: &Objective,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> Result<Found, String>;

    /// The same of a loss beside the objective.
    fn run_directly(
        &self,
        way: Way,
        loss: &DirectLoss,
        case: &Case,
        upstream: Option<&[f32]>,
    ) -> Result<FoundDirectly, String>;

    /// Each option of a loss by its configuration.
    fn trials(&self, name: &str, activation: Activation) -> Vec<Trial>;
}

/// An option, its value as JSON, and the objective of the loss that has it.
pub type Trial = (&'static str, &'static str, Objective);

/// What a front end made of a case.
#[derive(Debug, Clone)]
pub struct Found {
    /// The loss, or the values that reduction none leaves.
    pub values: Vec<f64>,
    /// Their shape; empty for a number.
    pub shape: Vec<usize>,
    /// Their type.
    pub element: Element,
    /// The gradient, row-major as the logits.
    pub gradient: Vec<f64>,
    /// Its type.
    pub gradient_element: Element,
    /// What the engine made of the sums.
    pub verdict: Arc<Verdict>,
    /// The sums.
    pub moments: Moments,
}

/// What a front end made of a case by a loss beside the objective.
#[derive(Debug, Clone)]
pub struct FoundDirectly {
    /// The loss, or the values that reduction none leaves.
    pub values: Vec<f64>,
    /// Their shape; empty for a number.
    pub shape: Vec<usize>,
    /// Their type.
    pub element: Element,
    /// The gradient, row-major as the logits.
    pub gradient: Vec<f64>,
    /// Its type.
    pub gradient_element: Element,
}

/// Dice and cross-entropy: sums of either kind.
pub fn objective() -> Objective {
    Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax())
}

/// A test of each question to a front end.
#[macro_export]
macro_rules! front_end_tests {
    ($front_end:expr) => {
        $crate::front_end_tests! { $front_end =>
            every_loss_has_the_engines_value_and_gradient_in_every_type,
            every_loss_has_the_references_sums_value_and_gradient,
            options_of_the_voxel_losses,
            decisions_are_counted,
            certain_voxels_have_the_references_focal_gradient,
            half_types_are_widened,
            an_evaluation_has_the_counts_of_the_same_sweep,
            a_batch_of_nothing_has_a_loss_of_zero,
            what_is_ignored_is_that_number_alone,
            labels_of_every_integer_type,
            every_option_is_the_engines,
            every_option_has_a_trial,
            shapes_that_do_not_fit,
            values_out_of_range_are_named_with_their_place,
            options_that_do_not_fit,
            what_holds_for_several_voxels_is_as_if_written_out,
            annotated_classes_of_every_sample,
            overlap_values_in_what_pooling_leaves,
            maps_of_voxel_losses,
            a_mean_over_the_map_needs_no_map_of_upstream_gradients,
            weights_of_any_size,
            maps_weigh_the_terms_that_name_them,
            a_map_of_ones_changes_nothing,
            maps_that_do_not_fit,
            maps_that_losses_make,
            instances_are_seen_by_the_engine_alone,
            maps_of_weights_of_any_size,
            direct_losses_are_the_engines_in_every_type,
            direct_losses_have_the_references_value_and_gradient,
            direct_values_are_the_engines_with_their_upstream_gradients,
            direct_losses_of_nothing_are_zero,
            what_direct_losses_refuse,
        }
    };
    ($front_end:expr => $($question:ident,)+) => {
        $(
            #[test]
            fn $question() {
                $crate::testing::$question(&$front_end);
            }
        )+
    };
}
