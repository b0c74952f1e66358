//! Element types and memory layouts: what is borrowed, and that nothing changes the numbers.

use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::{DType, Device, Int, Tensor, TensorData},
};
use dice_loss::{Activation, CrossEntropy, Dice, Objective};

use super::{Case, case::Reference, case::noise, precision};
use crate::{SegmentationLoss, sweeps::View};

fn loss() -> SegmentationLoss {
    let objective = Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(1.0, CrossEntropy::default().softmax());
    SegmentationLoss::new(objective)
}

fn labels(case: &Case) -> Tensor<3, Int> {
    let Reference::Labels(labels) = &case.reference else { panic!("labels come first") };
    let [n, _, h, w] = case.dims;
    Tensor::from_data(TensorData::new(labels.clone(), [n, h, w]), &Device::flex())
}

/// Value and gradient by what the function makes of the logits.
fn forward_backward(
    case: &Case,
    make: impl Fn(Tensor<4>) -> Tensor<4>,
    targets: impl Into<crate::Targets>,
) -> (TensorData, TensorData) {
    let logits = case.logits(&Device::flex().autodiff()).require_grad();
    let value = loss().forward(make(logits.clone()), targets);
    let gradients = value.backward();
    (value.into_data(), logits.grad(&gradients).expect("tracked").into_data())
}

#[test]
fn element_types_agree_to_their_precision() {
    let case = &Case::all(3, Activation::Softmax)[0];
    for (dtype, out, half_a_step) in [
        (DType::F64, DType::F64, 0.0),
        (DType::F16, DType::F32, 2f64.powi(-11)),
        (DType::BF16, DType::F32, 2f64.powi(-8)),
    ] {
        let mut case = case.clone();
        let narrow = case.logits(&Device::flex()).cast(dtype);
        case.logits = narrow.into_data().convert::<f32>().iter::<f32>().collect();
        let (value, gradient) = forward_backward(&case, |x| x, labels(&case));
        let (found, found_gradient) = forward_backward(&case, |x| x.cast(dtype), labels(&case));
        assert_eq!(found.dtype(), out);
        // Of the same numbers: in f64 f32's own error is seen, of the others that of the gradient.
        let near = |found: TensorData, wanted: &TensorData, half_a_step: f64| {
            let wanted: Vec<_> = wanted.iter::<f64>().collect();
            let largest = wanted.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
            for (found, wanted) in found.iter::<f64>().zip(wanted) {
                let tolerance = precision::F32 * largest + half_a_step * wanted.abs();
                assert!((found - wanted).abs() <= tolerance, "{dtype:?} {found}, wanted {wanted}");
            }
        };
        near(found, &value, 0.0);
        near(found_gradient, &gradient, half_a_step);
    }
}

#[test]
fn the_gradient_has_the_element_type_of_the_logits() {
    let case = &Case::all(3, Activation::Softmax)[0];
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        let logits = case.logits(&Device::flex().autodiff()).cast(dtype).require_grad();
        let gradients = loss().forward(logits.clone(), labels(case)).backward();
        assert_eq!(logits.grad(&gradients).expect("tracked").dtype(), dtype);
    }
}

#[test]
fn labels_of_every_integer_type() {
    let case = &Case::all(3, Activation::Softmax)[0];
    let wanted = forward_backward(case, |x| x, labels(case));
    for dtype in [
        DType::I64,
        DType::I32,
        DType::I16,
        DType::I8,
        DType::U64,
        DType::U32,
        DType::U16,
        DType::U8,
    ] {
        assert_eq!(forward_backward(case, |x| x, labels(case).cast(dtype)), wanted, "{dtype:?}");
    }
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
