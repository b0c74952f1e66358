//! Masks, weights and validity that say one thing for several voxels or samples.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use dice_loss::Activation;

use super::{Case, both_ways, by_value::objective, case::noise};

#[test]
fn what_holds_for_several_voxels_is_as_if_written_out() {
    let device = Device::flex();
    let case = Case::all(3, Activation::Softmax).remove(0);
    let logits = case.logits(&device);
    let [n, _, h, w] = case.dims;
    let shapes: [&[usize]; 8] =
        [&[n], &[h, w], &[1, h, w], &[n, 1, 1], &[n, h, 1], &[n, 1, 1, 1], &[1, 1, h, w], &[1]];
    for shape in shapes {
        let length = shape.iter().product();
        let weights: Vec<_> = noise(length, 6).iter().map(|x| x + 1.5).collect();
        let mask: Vec<_> = (0..length).map(|index| index % 3 != 1).collect();
        let place = |voxel: usize| {
            let at = [voxel / (h * w), voxel / w % h, voxel % w];
            let axes = match *shape {
                [size] if size == n => [size, 1, 1],
                [height, width] => [1, height, width],
                [first, .., height, width] => [first, height, width],
                _ => [1; 3],
            };
            axes.iter().zip(at).fold(0, |all, (&size, at)| all * size + at % size)
        };
        let whole = Case {
            weights: Some((0..n * h * w).map(|voxel| weights[place(voxel)]).collect()),
            mask: Some((0..n * h * w).map(|voxel| mask[place(voxel)]).collect()),
            ..case.clone()
        };
        let wanted = both_ways(&objective(), &logits, whole.targets(&device));
        macro_rules! found {
            ($D:literal) => {{
                let weights = TensorData::new(weights, shape.to_vec());
                let mask = TensorData::new(mask, shape.to_vec());
                let targets = case.targets(&device);
                let targets = targets.voxel_weights(Tensor::<$D>::from_data(weights, &device));
                targets.mask(Tensor::<$D, Bool>::from_data(mask, &device))
            }};
        }
        if *shape == [1] {
            let error = &both_ways(&objective(), &logits, found!(1))[0];
            let error = error.clone().unwrap_err();
            assert!(
                error.starts_with("mask: found shape [1], wanted [2, 3, 5], with 1"),
                "{error}"
            );
            continue;
        }
        let targets = match shape.len() {
            1 => found!(1),
            2 => found!(2),
            3 => found!(3),
            _ => found!(4),
        };
        assert_eq!(both_ways(&objective(), &logits, targets), wanted, "{shape:?}");
    }
}

#[test]
fn annotated_classes_of_every_sample() {
    let device = Device::flex();
    let case = Case::all(3, Activation::Softmax).remove(0);
    let valid = |valid: &[bool]| {
        let targets = case.targets(&device).class_valid(valid.to_vec());
        both_ways(&objective(), &case.logits(&device), targets)
    };
    let row = [true, false, true];
    assert_eq!(valid(&row), valid(&row.repeat(2)));
}
