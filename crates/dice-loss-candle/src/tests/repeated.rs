//! Masks, weights and validity that say one thing for several voxels or samples.

use candle_core::{DType, Result, Tensor};
use dice_loss::Activation;

use super::{Case, Way, by_value::objective, case::noise};

#[test]
fn what_holds_for_several_voxels_is_as_if_written_out() -> Result<()> {
    let case = Case::all(3, Activation::Softmax).remove(0);
    let logits = case.logits(DType::F32)?;
    let [n, _, h, w] = case.dims;
    // A shape, and the same with an axis for samples and each spatial axis.
    let shapes: [(&[usize], [usize; 3]); 7] = [
        (&[n], [n, 1, 1]),
        (&[h, w], [1, h, w]),
        (&[1, h, w], [1, h, w]),
        (&[n, 1, 1], [n, 1, 1]),
        (&[n, h, 1], [n, h, 1]),
        (&[n, 1, 1, 1], [n, 1, 1]),
        (&[1, 1, h, w], [1, h, w]),
    ];
    for (shape, axes) in shapes {
        let length = shape.iter().product();
        let weights: Vec<_> = noise(length, 6).iter().map(|x| x + 1.5).collect();
        let weights = Tensor::from_vec(weights, shape, logits.device())?;
        let mask = (0..length).map(|index| u8::from(index % 3 != 1)).collect();
        let mask = Tensor::from_vec(mask, shape, logits.device())?;
        let whole = |tensor: &Tensor| tensor.reshape(&axes)?.broadcast_as((n, h, w))?.contiguous();
        for way in Way::BOTH {
            let targets = case.targets()?.mask(&whole(&mask)?).voxel_weights(&whole(&weights)?);
            let wanted = way.evaluate(&objective(), &logits, targets)?;
            let targets = case.targets()?.mask(&mask).voxel_weights(&weights);
            let found = way.evaluate(&objective(), &logits, targets)?;
            assert_eq!(found.moments, wanted.moments, "{way:?} {shape:?}");
        }
    }
    Ok(())
}

#[test]
fn annotated_classes_of_every_sample() -> Result<()> {
    let case = Case::all(3, Activation::Softmax).remove(0);
    let logits = case.logits(DType::F32)?;
    let row = [true, false, true];
    for way in Way::BOTH {
        let found =
            way.evaluate(&objective(), &logits, case.targets()?.class_valid(row.to_vec()))?;
        let wanted = case.targets()?.class_valid(row.repeat(2));
        assert_eq!(found.moments, way.evaluate(&objective(), &logits, wanted)?.moments);
    }
    Ok(())
}
