//! The losses by name: their options are the engine's.

use dice_loss::{Activation, Objective, catalogue, settings};

use super::{Case, FrontEnd, Way};

/// A loss with one option set, as the text of an objective has it.
fn specified(name: &str, activation: Activation, option: &str, value: &str) -> Objective {
    let activation = activation.word();
    let term = format!(r#"{{"loss": "{name}", "{option}": {value}}}"#);
    let text = format!(r#"{{"terms": [{term}], "activation": "{activation}"}}"#);
    Objective::from_spec(&text).expect(&text)
}

/// Each option of each loss, set in its configuration and in text.
pub fn every_option_is_the_engines<F: FrontEnd>(front_end: &F) {
    for entry in catalogue() {
        for &activation in entry.activations {
            let cases = Case::all(3, activation);
            for (option, value, objective) in front_end.trials(entry.name, activation) {
                let wanted = specified(entry.name, activation, option, value);
                for case in cases.iter().flat_map(|case| case.clone().with_maps(&wanted)) {
                    let case = &case;
                    let of = |objective: &Objective| {
                        front_end.run(Way::Engine, objective, case, None).expect("a batch").values
                    };
                    // The same sweeps: the same bits.
                    let (found, wanted) = (of(&objective)[0], of(&wanted)[0]);
                    assert_eq!(
                        found.to_bits(),
                        wanted.to_bits(),
                        "{} {activation:?} {option} {value}: {found}, wanted {wanted}; {case:?}",
                        entry.name
                    );
                }
            }
        }
    }
}

/// So that none is left out above.
pub fn every_option_has_a_trial<F: FrontEnd>(front_end: &F) {
    for entry in catalogue() {
        let tried = front_end.trials(entry.name, entry.activations[0]);
        let settings = settings().into_iter().map(|setting| setting.facts.name);
        let settings = settings
            .filter(|name| entry.kind().takes(name) && !["activation", "map"].contains(name));
        for name in entry.options().iter().map(|option| option.facts.name).chain(settings) {
            assert!(tried.iter().any(|(option, ..)| *option == name), "{}: {name}", entry.name);
        }
    }
}
