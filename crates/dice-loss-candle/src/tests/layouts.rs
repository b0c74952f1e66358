//! Element types and memory layouts: what is borrowed, and that nothing changes the numbers.

use candle_core::{DType, Device, Result, Tensor};
use dice_loss::Activation;
use dice_loss_tensor::testing::{Case, noise, objective, precision};

use super::{logits, targets, values};
use crate::{SegmentationLoss, Targets, sweeps::View, targets::Reference};

fn loss() -> SegmentationLoss {
    SegmentationLoss::new(objective())
}

fn labels(case: &Case) -> Result<Tensor> {
    let Reference::Labels(labels) = targets(case)?.reference else { panic!("labels come first") };
    Ok(labels)
}

/// Value and gradient by what the function makes of the logits.
fn forward_backward(
    case: &Case,
    make: impl Fn(&Tensor) -> Result<Tensor>,
    targets: impl Into<Targets>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let logits = logits(case)?;
    let value = loss().forward(&make(&logits)?, targets)?;
    let gradients = value.backward()?;
    Ok((values(&value), values(gradients.get(&logits).expect("tracked"))))
}

#[test]
fn masks_and_weights_of_every_type() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let make = |x: &Tensor| Ok(x.clone());
    let labels = labels(case)?;
    let kept = labels.ne(2i64)?;
    let masked = |mask: &Tensor| Targets::labels(&labels).mask(mask);
    let weighted = |weights: &Tensor| Targets::labels(&labels).voxel_weights(weights);
    let wanted = forward_backward(case, make, masked(&kept))?;
    for dtype in [DType::U32, DType::I64, DType::F32, DType::F64, DType::F16] {
        let mask = kept.to_dtype(dtype)?;
        assert_eq!(forward_backward(case, make, masked(&mask))?, wanted, "{dtype:?}");
    }
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        let weights = kept.to_dtype(dtype)?;
        assert_eq!(forward_backward(case, make, weighted(&weights))?, wanted, "{dtype:?}");
    }
    Ok(())
}

/// The same numbers with the axes in another order in memory.
fn in_memory(x: &Tensor, order: [usize; 4]) -> Result<Tensor> {
    let back = |axis| order.iter().position(|&other| other == axis).unwrap_or(axis);
    x.permute(order)?.contiguous()?.permute([back(0), back(1), back(2), back(3)])
}

#[test]
fn layouts_change_nothing() -> Result<()> {
    let case = &Case::all(3, Activation::Softmax)[0];
    let (value, gradient) = forward_backward(case, |x| Ok(x.clone()), labels(case)?)?;
    type Make<'a> = &'a dyn Fn(&Tensor) -> Result<Tensor>;
    let makes: [(&str, Make); 4] = [
        ("channels last", &|x| in_memory(x, [0, 2, 3, 1])),
        ("samples last", &|x| in_memory(x, [1, 2, 3, 0])),
        ("transposed image", &|x| in_memory(x, [0, 1, 3, 2])),
        ("narrowed", &|x| Tensor::cat(&[&x.zeros_like()?, x, x], 0)?.narrow(0, 2, 2)),
    ];
    for (name, make) in makes {
        let (found, found_gradient) = forward_backward(case, make, labels(case)?)?;
        assert_eq!(found, value, "{name}");
        assert_eq!(found_gradient, gradient, "{name}");
    }
    let strided = labels(case)?.transpose(1, 2)?.contiguous()?.transpose(1, 2)?;
    assert_eq!(forward_backward(case, |x| Ok(x.clone()), strided)?, (value, gradient));
    Ok(())
}

#[test]
fn what_can_be_followed_is_borrowed() -> Result<()> {
    let dense = Tensor::from_vec(noise(240, 0), (4, 3, 4, 5), &Device::Cpu)?;
    let borrowed = |tensor: Tensor| -> Result<bool> {
        Ok(View::of_channels(&tensor)?.tensor().id() == tensor.id())
    };
    assert!(borrowed(dense.clone())?);
    assert!(borrowed(dense.narrow(0, 1, 2)?)?, "some samples");
    assert!(borrowed(dense.narrow(1, 1, 2)?)?, "some channels");
    assert!(borrowed(dense.permute((0, 3, 1, 2))?)?, "channels last");
    assert!(borrowed(dense.narrow(1, 0, 1)?.broadcast_as((4, 6, 4, 5))?)?, "repeated channels");
    assert!(!borrowed(dense.transpose(2, 3)?)?, "a transposed image");
    assert!(!borrowed(dense.narrow(3, 0, 2)?)?, "a crop");
    Ok(())
}

#[test]
fn ragged_sizes() -> Result<()> {
    for voxels in [1, 7, 63, 65, 1023, 2049] {
        let logits = Tensor::from_vec(noise(2 * 3 * voxels, 1), (2, 3, voxels), &Device::Cpu)?;
        let map = (0..2 * voxels).map(|voxel| (voxel * 7 % 3) as u8).collect::<Vec<_>>();
        let map = Tensor::from_vec(map, (2, voxels), &Device::Cpu)?;
        let targets = || Targets::labels(&map).checked(&logits);
        let found = loss().forward(&logits, &map)?;
        let plain = crate::on_device::evaluate(
            &logits,
            targets()?,
            &std::sync::Arc::new(loss().objective().clone()),
        )?;
        let (found, wanted) = (values(&found)[0], values(&plain.loss)[0]);
        // Each is off by what f32 loses, of a ratio of sums and of a difference of logarithms.
        let tolerance = 4.0 * precision::F32 * (1.0 + wanted);
        assert!((found - wanted).abs() <= tolerance, "{voxels}: {found}, {wanted}");
    }
    Ok(())
}
