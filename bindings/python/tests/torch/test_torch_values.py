"""Labels and targets by their value, by the engine and by plain torch alike."""

from __future__ import annotations

import warnings

import pytest
import torch
from batches import LOSSES, Batch, built, labels_of, logits_of
from dice_loss import monai, smp
from dice_loss.terms import CrossEntropy, Dice
from dice_loss.torch import (
    BCELoss,
    CrossEntropyLoss,
    DiceCELoss,
    DiceLoss,
    SegmentationLoss,
    _tracing,
)
from torch.func import grad, grad_and_value, vmap

UNSIGNED = [torch.uint8, torch.uint16, torch.uint32, torch.uint64]


def gradients(loss, x, target):
    """By the engine, by plain torch under a transform, and by the second order's way."""
    first = x.clone().requires_grad_()
    second = x.clone().requires_grad_()
    (engine,) = torch.autograd.grad(loss(first, target), first)
    (again,) = torch.autograd.grad(loss(second, target), second, create_graph=True)
    plain = grad(lambda x: loss(x, target))(x)
    return engine, again.detach(), plain


def agree(found, wanted):
    for gradient in found:
        torch.testing.assert_close(gradient, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize("ignored", [256, -100, -1, 1 << 16])
def test_what_a_type_does_not_have_is_ignored_nowhere(dtype, ignored):
    x, labels = logits_of("softmax"), labels_of()
    wanted, _, _ = gradients(DiceCELoss(), x, labels)
    agree(gradients(DiceCELoss(ignore_index=ignored), x, labels.to(dtype)), wanted)


@pytest.mark.parametrize("dtype", [*UNSIGNED, torch.int64, torch.float32, torch.float64])
def test_ignored_labels_of_any_type(dtype):
    x, labels = logits_of("softmax"), labels_of()
    labels[0, 0], labels[1, 2] = 255, 255
    wanted, _, _ = gradients(DiceCELoss(ignore_index=255), x, labels)
    assert (wanted[0, :, 0] == 0).all()
    agree(gradients(DiceCELoss(ignore_index=255), x, labels.to(dtype)), wanted)


def test_labels_under_vmap():
    x, labels = logits_of("softmax")[:, None], labels_of()[:, None]
    loss = DiceCELoss(ignore_index=256)
    wanted = torch.stack([loss(a, b) for a, b in zip(x, labels, strict=True)])
    found = vmap(loss)(x, labels.to(torch.uint8))
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize(
    ("dtype", "label", "ignored", "text"),
    [
        (torch.uint64, 2**64 - 1, -1, "18446744073709551615"),
        (torch.float64, 1.000000000001, None, "1.000000000001"),
        (torch.float64, 16777217.0, 16777216, "16777217"),
        (torch.float32, 2.0**31, 2**31 - 1, "21474836"),
    ],
)
def test_labels_neither_wrap_nor_round(dtype, label, ignored, text):
    x, labels = logits_of("softmax"), labels_of().to(dtype)
    labels.view(-1)[3] = torch.tensor(label, dtype=dtype)
    loss = DiceCELoss(ignore_index=ignored)
    with pytest.raises(ValueError, match=f"found label {text}"):
        loss(x, labels)
    # The plain way, of a target with a gradient or of weights that want one.
    weight = torch.ones(labels.shape, requires_grad=True)
    with pytest.raises(ValueError, match=f"found label {text}"):
        loss(x, labels, voxel_weight=weight)


def test_what_would_lose_a_part_is_refused():
    x, labels = logits_of("softmax"), labels_of()
    with pytest.raises(TypeError, match=r"target: found torch\.complex64, wanted real numbers"):
        DiceLoss()(x, labels.to(torch.complex64))
    for dtype in (torch.float32, torch.float16):
        valid = torch.full((2, 3), 0.4, dtype=dtype)
        with pytest.raises(TypeError, match=rf"class_valid: found {dtype}, wanted torch\.bool"):
            DiceLoss()(x, labels, class_valid=valid)
    with warnings.catch_warnings(action="ignore"):  # They are a prototype.
        masked = torch.masked.masked_tensor(labels.double(), labels > 0)
    with pytest.raises(TypeError, match="target: found a MaskedTensor, wanted a plain one"):
        DiceLoss()(x, masked)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rounding_outside_of_0_to_1_is_0_or_1(dtype):
    x = logits_of("softmax")
    dense = torch.nn.functional.one_hot(labels_of(), 3).movedim(-1, 1).to(dtype)
    slack = 4 * torch.finfo(dtype).eps
    nearly = torch.where(dense == 1, 1 + slack, -slack).to(dtype)
    loss = SegmentationLoss([(1.0, Dice()), (0.5, CrossEntropy())], activation="softmax")
    wanted, _, _ = gradients(loss, x, dense)
    agree(gradients(loss, x, nearly), wanted)
    nearly[0, 0, 0, 0] = 1 + 2 * slack
    recipe = r"wanted 0 to 1, up to 4 roundings; clamp .*, target\.clamp\(0, 1\)"
    weight = torch.ones(labels_of().shape, requires_grad=True)
    for weights in ({}, {"voxel_weight": weight}):
        with pytest.raises(ValueError, match=recipe):
            loss(x, nearly, **weights)


@pytest.mark.parametrize(
    "loss",
    [
        monai.DiceLoss(sigmoid=True),
        monai.DiceCELoss(sigmoid=True),
        monai.FocalLoss(),
        smp.DiceLoss("multilabel"),
    ],
    ids=lambda loss: type(loss).__module__ + "." + type(loss).__name__,
)
def test_the_drop_ins_take_what_a_resize_leaves(loss):
    x = logits_of("sigmoid").float()
    dense = torch.nn.functional.one_hot(labels_of(), 3).movedim(-1, 1).float()
    nearly = dense * (1 + 4 * torch.finfo(torch.float32).eps)
    torch.testing.assert_close(loss(x, nearly), loss(x, dense), rtol=1e-6, atol=0.0)
    tenths = sum(dense * 0.1 for _ in range(10))
    assert tenths.max() > 1
    torch.testing.assert_close(loss(x, tenths), loss(x, dense), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize("weight", [1e36, 1e37, 1e-44])
def test_weights_of_any_size(weight):
    x, labels = logits_of("softmax").float(), labels_of()
    loss = DiceCELoss(smoothing=0.0)
    wanted = gradients(loss, x, labels)[0]
    weights = torch.full(labels.shape, weight)
    leaf = x.clone().requires_grad_()
    value = loss(leaf, labels, voxel_weight=weights)
    (found,) = torch.autograd.grad(value, leaf)
    torch.testing.assert_close(value, loss(x, labels), rtol=1e-6, atol=0.0)
    # The weight's roundings and the sums', of a gradient whose largest element is of order 0.01.
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-8)
    plain = grad(lambda x: loss(x, labels, voxel_weight=weights))(x)
    torch.testing.assert_close(plain, wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("size", [(16, 16), (128, 256)])
def test_threads_that_flush_small_numbers_change_nothing(size):
    """Half of the weights, and some probabilities, are numbers that such threads take for 0."""
    generator = torch.Generator().manual_seed(3)
    x = (torch.randn((2, 3, *size), generator=generator) * 40).requires_grad_()
    labels = torch.randint(0, 3, (2, *size), generator=generator)
    weights = torch.where(labels == 1, 1e-40, 2e-38)
    loss = DiceCELoss(smoothing=0.0)

    def step():
        x.grad = None
        value = loss(x, labels, voxel_weight=weights)
        value.backward()
        return value.detach(), x.grad

    wanted = step()
    torch.set_flush_denormal(True)
    try:
        found = step()
    finally:
        torch.set_flush_denormal(False)
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one.view(torch.int32), other.view(torch.int32))


@pytest.mark.parametrize("capturing", [False, True])
def test_cached_tensors_outlive_their_cache(capturing, monkeypatch):
    """A device's memory is given away only after every stream that was to read it has."""

    class OnDevice:
        is_cuda, device, streams = True, torch.device("cuda", 0), ()

        def record_stream(self, stream):
            self.streams = (*self.streams, stream)

    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: capturing)
    monkeypatch.setattr(_tracing, "_captured", {})
    tensor = OnDevice()
    assert _tracing.held(tensor) is tensor and tensor.streams == ("stream of cuda:0",)
    assert list(_tracing._captured.values()) == [tensor] * capturing


def test_the_drop_ins_ignore_nothing_that_a_type_does_not_have():
    x, labels = logits_of("softmax"), labels_of()
    for loss in (
        smp.SoftCrossEntropyLoss(smooth_factor=0.0, ignore_index=-256),
        smp.FocalLoss("multiclass", ignore_index=-256, normalized=True),
        smp.DiceLoss("multiclass", ignore_index=256),
    ):
        narrow, wide = loss(x, labels.to(torch.uint8)), loss(x, labels)
        torch.testing.assert_close(narrow, wide, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("weight", [1e-200, 1e-60])
def test_weights_of_float64_beside_logits_of_float32(weight):
    x, labels = logits_of("softmax").float(), labels_of()
    loss = DiceCELoss(smoothing=0.0)
    weights = weight * torch.where(labels == 0, 1.0, 3.0).double()
    leaf = x.clone().requires_grad_()
    wanted = loss(leaf, labels, voxel_weight=weights)
    gradient, value = by_formula(loss, x, labels, voxel_weight=weights)
    torch.testing.assert_close(value, wanted.detach(), rtol=1e-6, atol=0.0)
    (slopes,) = torch.autograd.grad(wanted, leaf)
    torch.testing.assert_close(gradient, slopes, rtol=1e-5, atol=1e-8)


def by_formula(loss, x, target, **masks):
    """Under a transform no values are checked."""
    return grad_and_value(lambda x: loss(x, target, **masks).sum())(x)


def made(loss, x, target):
    """The maps that the loss reads, which cannot be made of what is no number."""
    return {"maps": loss.maps(x, target)} if loss.plan.maps else {}


@pytest.mark.parametrize(
    ("wrong", "dtype"), [(float("nan"), torch.float32), (float("inf"), torch.float64)]
)
@pytest.mark.parametrize("name", LOSSES)
def test_a_weight_that_is_no_number_is_seen(name, dtype, wrong):
    """Nothing that looks like a perfect match: neither skipped, nor 0 / 1."""
    activation = LOSSES[name][2][0]
    x, labels = logits_of(activation).to(dtype), labels_of()
    weight = torch.ones(labels.shape)
    weight[:, 0, 0] = wrong
    loss = built(name, activation, Batch(x, labels))
    gradient, value = by_formula(loss, x, labels, voxel_weight=weight, **made(loss, x, labels))
    assert value.isnan() and gradient[:, :, 0, 0].isnan().all()


#: Of these two the map alone says what the target is.
OF_MAPS = ("boundary", "skeleton_recall")


@pytest.mark.parametrize("name", [name for name in LOSSES if not name.startswith(OF_MAPS)])
def test_a_dense_value_that_is_no_number_is_seen(name):
    activation = LOSSES[name][2][0]
    x, dense = logits_of(activation), logits_of("probabilities", seed=3)
    loss = built(name, activation, Batch(x, dense))
    maps = made(loss, x, dense)
    dense[:, :, 0, 0] = float("nan")
    gradient, value = by_formula(loss, x, dense, **maps)
    assert value.isnan() and gradient[:, :, 0, 0].isnan().all()


@pytest.mark.parametrize("loss", [DiceLoss, CrossEntropyLoss, BCELoss])
def test_no_number_in_a_class_that_does_not_count_is_no_matter(loss):
    x, dense = logits_of("softmax"), logits_of("probabilities", seed=3)
    wrong, valid = dense.clone(), torch.tensor([[True, False, True]] * 2)
    wrong[:, 1] = float("nan")
    cases = [(loss(class_weights=[1.0, 0.0, 2.0]), {})]
    if loss is not CrossEntropyLoss:  # Its marginal loss adds class 1 to the background.
        cases.append((loss(), {"class_valid": valid}))
    for function, masks in cases:
        found, wanted = (by_formula(function, x, target, **masks)[1] for target in (wrong, dense))
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("loss", [DiceLoss, CrossEntropyLoss, BCELoss])
def test_no_number_in_a_voxel_that_does_not_count_is_no_matter(loss):
    x, dense = logits_of("softmax"), logits_of("probabilities", seed=3)
    weight, mask = torch.ones(labels_of().shape), torch.ones(labels_of().shape)
    mask[0, 0, 0] = 0.0
    wanted = by_formula(loss(), x, dense, mask=mask)
    x[0, :, 0, 0], dense[0, :, 0, 0], weight[0, 0, 0] = float("nan"), float("nan"), float("nan")
    found = by_formula(loss(), x, dense, voxel_weight=weight, mask=mask)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-15)
