//! Element types and memory layouts: what is borrowed, and that nothing changes the numbers.

use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::{Device, Int, Tensor, TensorData},
};
use dice_loss::Activation;
use dice_loss_tensor::testing::{Case, noise, objective};

use super::logits;
use crate::{SegmentationLoss, sweeps::View};

fn loss() -> SegmentationLoss {
    SegmentationLoss::new(objective())
}

fn labels(case: &Case) -> Tensor<3, Int> {
    let labels = case.labels();
    let data = TensorData::new(labels.values.clone(), labels.shape.clone());
    Tensor::from_data(data, &Device::flex())
}

/// Value and gradient by what the function makes of the logits.
fn forward_backward(
    case: &Case,
    make: impl Fn(Tensor<4>) -> Tensor<4>,
    targets: impl Into<crate::Targets>,
) -> (TensorData, TensorData) {
    let logits = logits::<4>(case, &Device::flex().autodiff()).require_grad();
    let value = loss().forward(make(logits.clone()), targets);
    let gradients = value.backward();
    (value.into_data(), logits.grad(&gradients).expect("tracked").into_data())
}

#[test]
fn layouts_change_nothing() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let (value, gradient) = forward_backward(case, |x| x, labels(case));
    let contiguous = |x: Tensor<4>, order: [isize; 4]| {
        let dims = x.clone().permute(order).dims();
        // A reshape there and back makes the order of the axes the order in memory.
        x.permute(order).reshape([-1]).reshape(dims)
    };
    let makes: [(&str, &dyn Fn(Tensor<4>) -> Tensor<4>); 4] = [
        ("channels last", &|x| contiguous(x, [0, 2, 3, 1]).permute([0, 3, 1, 2])),
        ("transposed image", &|x| contiguous(x, [0, 1, 3, 2]).swap_dims(2, 3)),
        ("flipped twice", &|x| contiguous(x.flip([2, 3]), [0, 1, 2, 3]).flip([2, 3])),
        ("narrowed", &|x| Tensor::cat(vec![x.zeros_like(), x.clone(), x], 0).narrow(0, 2, 2)),
    ];
    for (name, make) in makes {
        let (found, found_gradient) = forward_backward(case, make, labels(case));
        assert_eq!(found, value, "{name}");
        assert_eq!(found_gradient, gradient, "{name}");
    }
}

fn flex(tensor: Tensor<4>) -> FlexTensor {
    tensor.try_into_primitive::<Flex>().expect("a Flex tensor")
}

#[test]
fn what_can_be_followed_is_borrowed() {
    let data = TensorData::new(noise(240, 0), [4, 3, 4, 5]);
    let dense = flex(Tensor::from_data(data, &Device::flex()));
    let view = |layout| dense.clone().with_layout(layout);
    let borrowed = |tensor: FlexTensor| {
        let view = View::of_channels(tensor).unwrap();
        std::ptr::eq(view.tensor().bytes().as_ptr(), dense.bytes().as_ptr())
    };
    assert!(borrowed(dense.clone()));
    assert!(borrowed(view(dense.layout().narrow(0, 1, 2))), "some samples");
    assert!(borrowed(view(dense.layout().narrow(1, 1, 2))), "some channels");
    assert!(borrowed(view(dense.layout().permute(&[0, 3, 1, 2]))), "channels last");
    assert!(!borrowed(view(dense.layout().permute(&[0, 1, 3, 2]))), "a transposed image");
    assert!(!borrowed(view(dense.layout().flip(&[2]))), "a flipped image");
    assert!(!borrowed(view(dense.layout().narrow(3, 0, 2))), "a crop");
}

#[test]
fn the_gradient_lies_in_memory_as_the_logits_do() {
    let device = Device::flex().autodiff();
    let data = TensorData::new(noise(120, 0), [2, 4, 5, 3]);
    let logits = Tensor::<4>::from_data(data, &device).permute([0, 3, 1, 2]).require_grad();
    let targets = Tensor::<3, Int>::ones([2, 4, 5], &device);
    let gradients = loss().forward(logits.clone(), targets).backward();
    let strides = |tensor: Tensor<4>| flex(tensor).layout().strides().to_vec();
    let gradient = strides(logits.grad(&gradients).expect("tracked"));
    assert_eq!(gradient, strides(logits.without_autodiff()));
    assert_eq!(gradient[1], 1);
}

#[test]
fn the_engine_reaches_flex_within_and_without_autodiff() {
    let reached = |device: &Device| {
        let tensor = Tensor::<1>::zeros([1], device).into_dispatch();
        crate::sweeps::reach(&tensor)
    };
    assert!(reached(&Device::flex()) && reached(&Device::flex().autodiff()));
}
