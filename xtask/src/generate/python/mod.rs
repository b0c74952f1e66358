//! The Python package's terms, functions and classes, one of each for every loss.

mod choices;
mod declared;
mod jax;
mod keras;
mod loss;
mod numpy;
mod terms;
mod text;
mod torch;

use super::Generated;

/// Every generated file of the package and its tests.
pub(super) fn files() -> Vec<Generated> {
    vec![
        choices::file(),
        terms::terms(),
        terms::compounds(),
        numpy::losses(),
        torch::losses(),
        torch::functional(),
        jax::losses(),
        keras::losses(),
        declared::file(),
    ]
}

/// The path of a file of the package.
fn package(file: &str) -> String {
    format!("bindings/python/python/dice_loss/{file}")
}
