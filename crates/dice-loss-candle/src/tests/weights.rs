//! Weights of any size: what the engine makes of them, tensor operations do too.

use candle_core::{DType, Result};
use dice_loss::{Activation, Decision};

use super::{Case, Way, by_value::objective, precision, values};

/// Sums and gradient may differ by what f32 rounds on either way.
#[test]
fn weights_of_any_size() -> Result<()> {
    let objective = objective().decision(Decision::Argmax);
    for mut case in Case::all(3, Activation::Softmax) {
        let [n, _, h, w] = case.dims;
        for size in [2f32.powi(-147), 2f32.powi(-120), 1.0, 2f32.powi(119), 2f32.powi(125)] {
            let weight = |voxel: usize| size * (voxel % 4) as f32;
            case.weights = Some((0..n * h * w).map(weight).collect());
            let logits = case.logits(DType::F32)?;
            let [wanted, found] =
                Way::BOTH.map(|way| way.evaluate(&objective, &logits, case.targets()?));
            let (wanted, found) = (wanted?, found?);
            // No sum of this objective has a negative addend.
            let sums = found.moments.as_slice().iter().zip(wanted.moments.as_slice());
            for (found, wanted) in sums {
                let tolerance = 2.0 * precision::F32 * wanted;
                assert!((found - wanted).abs() <= tolerance, "{size:e}: {found}, wanted {wanted}");
            }
            let gradient = |loss: &candle_core::Tensor| -> Result<Vec<f64>> {
                Ok(values(loss.backward()?.get(&logits).expect("tracked")))
            };
            let (found, wanted) = (gradient(&found.loss)?, gradient(&wanted.loss)?);
            // The slopes are a ratio of two sums and a product of two ratios.
            let tolerance = 8.0 * precision::F32 * precision::largest(&wanted);
            for (found, wanted) in found.iter().zip(&wanted) {
                assert!((found - wanted).abs() <= tolerance, "{size:e}: {found}, wanted {wanted}");
            }
        }
    }
    Ok(())
}
