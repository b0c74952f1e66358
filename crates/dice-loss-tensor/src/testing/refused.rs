//! What is refused, by every way in the same words.

use dice_loss::{Activation, CrossEntropy, Dice, Objective, Reduction, catalogue};

use super::{Case, FrontEnd, Reference, Shaped};

const LOGITS: [usize; 4] = [2, 3, 4, 5];

fn objective() -> Objective {
    Objective::new().term(1.0, Dice::default().softmax())
}

/// The error, after making sure that every way has the same.
fn refusal<F: FrontEnd>(front_end: &F, objective: &Objective, case: &Case) -> String {
    let refused = |way| match front_end.run(way, objective, case, None) {
        Ok(_) => panic!("accepted {case:?}"),
        Err(error) => error,
    };
    let errors: Vec<_> = F::WAYS.iter().map(|&way| refused(way)).collect();
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    errors[0].clone()
}

fn labelled(label: i64, shape: &[usize]) -> Reference {
    Reference::Labels(Shaped::full(label, shape))
}

fn plain() -> Case {
    Case::plain(&LOGITS, labelled(1, &[2, 4, 5]))
}

/// Of labels, dense targets, masks, weights and validity.
pub fn shapes_that_do_not_fit<F: FrontEnd>(front_end: &F) {
    let refused = |case: Case, wanted: &str| {
        assert_eq!(refusal(front_end, &objective(), &case), wanted);
    };
    refused(
        Case::plain(&LOGITS, labelled(1, &[2, 5, 4])),
        "labels: found shape [2, 5, 4], wanted [2, 4, 5] or [2, 1, 4, 5], to fit the logits",
    );
    refused(
        Case::plain(&LOGITS, Reference::Dense(Shaped::full(0.0, &[2, 2, 4, 5]))),
        "dense target: found shape [2, 2, 4, 5], wanted [2, 3, 4, 5], as the logits",
    );
    let to_fit = "wanted [2, 4, 5], with 1 for what holds along an axis, [4, 5] for all samples or \
                  [2] for each, to fit the logits";
    refused(
        Case { mask: Some(Shaped::full(true, &[2, 4, 4])), ..plain() },
        &format!("mask: found shape [2, 4, 4], {to_fit}"),
    );
    refused(
        Case { weights: Some(Shaped::full(1.0, &LOGITS)), ..plain() },
        &format!("voxel weights: found shape [2, 3, 4, 5], {to_fit}"),
    );
    refused(
        Case { class_valid: Some(vec![true; 5]), ..plain() },
        "class validity: found shape [5], wanted N × C = 2 × 3 entries, or 3 for all samples",
    );
    refused(
        Case::plain(&[2, 16, 20], labelled(1, &[2, 16, 20])),
        "labels: found shape [2, 16, 20], wanted [2, 20] or [2, 1, 20], to fit the logits, which are \
         read as 16 channels of 20 voxels; images of one channel are [2, 1, 16, 20]",
    );
}

/// Labels, dense values and weights.
pub fn values_out_of_range_are_named_with_their_place<F: FrontEnd>(front_end: &F) {
    let mut map = vec![1; 40];
    map[27] = 3;
    let case = Case::plain(&LOGITS, Reference::Labels(Shaped::new(map, &[2, 4, 5])));
    let found = refusal(front_end, &objective(), &case);
    assert_eq!(found, "sample 1, voxel (1, 2): found label 3, wanted 0 to 2");
    let dense = Case::plain(&LOGITS, Reference::Dense(Shaped::full(1.5, &LOGITS)));
    let found = refusal(front_end, &objective(), &dense);
    assert!(found.contains("voxel (0, 0): found target 1.5"), "{found}");
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        let case = Case { weights: Some(Shaped::full(weight, &[2, 4, 5])), ..plain() };
        let found = refusal(front_end, &objective(), &case);
        assert!(found.contains("voxel (0, 0): found voxel weight"), "{found}");
    }
}

/// Of the objective and of the targets.
pub fn options_that_do_not_fit<F: FrontEnd>(front_end: &F) {
    let refused = |objective: &Objective, case: Case, wanted: &str| {
        let found = refusal(front_end, objective, &case);
        assert!(found.starts_with(wanted), "{found}");
    };
    let one_channel = Case::plain(&[2, 1, 4, 5], labelled(1, &[2, 4, 5]));
    refused(&objective(), one_channel, "dice: softmax: found");
    let dense = Reference::Multilabel(Shaped::full(true, &LOGITS));
    let ignored = Case { ignore_index: Some(255), ..Case::plain(&LOGITS, dense) };
    refused(&objective(), ignored, "ignore_index of a dense target");
    let table = vec![vec![], vec![7]];
    let regions = Reference::Regions(Shaped::full(1, &[2, 4, 5]), table);
    refused(&objective(), Case::plain(&LOGITS, regions), "regions, label 1: found channel 7");
    let mixed = objective().term(1.0, CrossEntropy::default().softmax()).reduction(Reduction::None);
    refused(&mixed, plain(), "reduction none: found");
    let losses = catalogue();
    let cross_entropy = losses.iter().find(|entry| entry.name == "cross_entropy");
    refused(
        &cross_entropy.expect("a loss").objective(Activation::Sigmoid),
        plain(),
        "cross_entropy: activation: found sigmoid, wanted softmax or probabilities; under sigmoid \
         that is binary_cross_entropy",
    );
}
