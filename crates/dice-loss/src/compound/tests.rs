//! Values of the compounds on four voxels, and what becomes of their options.

use super::*;
use crate::{
    Activation::{self, Sigmoid, Softmax},
    ClassValues, Dice, Focal, GeneralizedDice, Layout, Logits, Objective, Result, Smoothing,
    Target, reference,
};

const NONE: Smoothing = Smoothing { numerator: 0.0, denominator: 0.0 };

/// Of voxels with logits (0.5, −0.5), (−1, 1), (0.25, 0.75), (1.5, −2) and labels 0, 1, 1, 0.
fn loss(objective: &Objective) -> Result<f64> {
    let logits = [0.5, -1.0, 0.25, 1.5, -0.5, 1.0, 0.75, -2.0];
    let layout = Layout::channels_first(&[1, 2, 4])?;
    let logits = Logits::new(&logits, layout)?;
    let target = Target::labels(&[0u8, 1, 1, 0], Layout::voxels(&[1, 4])?)?;
    let moments = reference::measure(objective, &logits, &target)?.moments;
    Ok(objective.evaluate(&moments)?.loss())
}

fn expect(objective: Objective, wanted: f64, tolerance: f64) {
    let found = loss(&objective).expect("options in range");
    assert!((found - wanted).abs() < tolerance, "{objective:?}: {found}, wanted {wanted}");
}

#[test]
fn agree_with_monai() {
    let dice = Dice { smoothing: NONE, ..Dice::default() };
    // What MONAI 1.6.1 prints for these voxels without smoothing: in float64, but its focal loss
    // computes in float32.
    let (exact, single) = (1e-14, 1e-7);
    let sum = DiceCrossEntropy { dice, ..Default::default() };
    expect(sum.objective(Softmax), 0.43524419256518326, exact);
    let sum = DiceFocal { dice, ..Default::default() };
    expect(sum.objective(Softmax), 0.2604674922561987, single);
    let generalized_dice = GeneralizedDice { smoothing: NONE, ..Default::default() };
    let sum = GeneralizedDiceFocal { generalized_dice, ..Default::default() };
    expect(sum.objective(Softmax), 0.25997688567989974, single);
}

#[test]
fn values_of_the_formulas() {
    // The formulas in the documentation, written out for these voxels in another program.
    let expect = |objective, wanted| expect(objective, wanted, 1e-14);
    let dice = Dice { smoothing: NONE, ..Dice::default() };
    let sum = DiceBinaryCrossEntropy { dice, ..Default::default() };
    expect(sum.objective(Sigmoid), 0.6913719120423123);
    expect(Combo { dice, alpha: 0.3, beta: 0.7 }.objective(Sigmoid), 0.26701271706232865);
    let unified = |asymmetric| UnifiedFocal {
        asymmetric,
        lambda: 0.3,
        delta: 0.6,
        gamma: 0.2,
        smoothing: NONE,
    };
    expect(unified(false).objective(Softmax), 0.22157686908609475);
    expect(unified(true).objective(Softmax), 0.20148676596400034);
    expect(unified(false).objective(Sigmoid), 0.3126868720822172);
    expect(unified(true).objective(Sigmoid), 0.31928056833372936);
}

#[test]
fn every_default_works_under_its_activations_only() {
    for entry in CATALOGUE {
        for activation in Activation::ALL {
            // Logits below 0 are no probabilities, so only the options are asked about.
            let checked = entry.objective(activation).check(3);
            assert_eq!(checked.is_ok(), entry.activations.contains(&activation), "{}", entry.name);
        }
    }
}

#[test]
fn options_out_of_range_are_reported_when_used() {
    let dice = Dice { smoothing: Smoothing::both(-1.0), ..Dice::default() };
    let focal = Focal { gamma: ClassValues::Same(-1.0), ..Focal::default() };
    let default = UnifiedFocal::default();
    let objectives = [
        DiceCrossEntropy { dice, ..Default::default() }.objective(Softmax),
        DiceCrossEntropy { dice_weight: f64::NAN, ..Default::default() }.objective(Softmax),
        DiceFocal { focal, ..Default::default() }.objective(Softmax),
        Combo { alpha: 1.5, ..Combo::default() }.objective(Sigmoid),
        Combo { beta: 0.0, ..Combo::default() }.objective(Sigmoid),
        Combo { beta: 1.0, ..Combo::default() }.objective(Sigmoid),
        Combo { beta: f64::NAN, ..Combo::default() }.objective(Sigmoid),
        UnifiedFocal { lambda: -0.1, ..default }.objective(Softmax),
        UnifiedFocal { delta: 2.0, ..default }.objective(Softmax),
        UnifiedFocal { gamma: 1.0, ..default }.objective(Sigmoid),
    ];
    for objective in objectives {
        assert!(loss(&objective).is_err(), "{objective:?}");
    }
    let error = loss(&Combo { beta: 1.0, ..Combo::default() }.objective(Sigmoid)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "combo: beta: found 1.0, wanted a number between 0 and 1, neither included"
    );
}

/// What errors for one channel rest on.
#[test]
fn counterparts_are_in_the_catalogue() {
    for [exclusive, of_channels] in crate::activation::COUNTERPARTS {
        for (name, activation) in
            [(exclusive, Activation::Softmax), (of_channels, Activation::Sigmoid)]
        {
            let entry = crate::catalogue::find(name).expect(name);
            assert!(entry.activations.contains(&activation), "{name}");
            let terms = entry.objective(activation).into_terms().expect(name);
            let names: Vec<_> = terms.iter().map(|(_, term)| term.name()).collect();
            assert_eq!(names.join("_"), name);
        }
        assert!(
            !crate::catalogue::find(exclusive)
                .expect(exclusive)
                .activations
                .contains(&Activation::Sigmoid)
        );
    }
}
