"""Which targets are taken for what, and which tensors are refused."""

from __future__ import annotations

import pytest
import torch
from batches import labels_of, logits_of, uniform
from dice_loss.torch import BCELoss, CrossEntropyLoss, DiceCELoss, DiceLoss, measure

LABEL_TYPES = [
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint16,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
]


def one_hot():
    return torch.nn.functional.one_hot(labels_of(), 3).movedim(-1, 1)


@pytest.mark.parametrize("dtype", LABEL_TYPES)
@pytest.mark.parametrize("channel", [False, True])
def test_labels_of_any_type(dtype, channel):
    x, labels = logits_of("softmax"), labels_of()
    wanted = DiceCELoss()(x, labels)
    labels = labels.to(dtype)
    found = DiceCELoss()(x, labels[:, None] if channel else labels)
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.bool, *LABEL_TYPES])
def test_one_hot_of_any_type(dtype):
    x = logits_of("softmax")
    found = DiceCELoss()(x, one_hot().to(dtype))
    torch.testing.assert_close(found, DiceCELoss()(x, labels_of()), rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.bool, *LABEL_TYPES])
@pytest.mark.parametrize("channel", [False, True])
def test_one_channel(dtype, channel):
    x, mask = logits_of("sigmoid", (2, 1, 4, 5)), uniform((2, 4, 5), 1) < 0.5
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(x, mask[:, None].double())
    target = mask.to(dtype)
    found = BCELoss()(x, target[:, None] if channel else target)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0.0)


def test_a_soft_mask_of_one_channel():
    x, soft = logits_of("sigmoid", (2, 1, 4, 5)), uniform((2, 4, 5), 1)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(x, soft[:, None])
    torch.testing.assert_close(BCELoss()(x, soft), wanted, rtol=1e-12, atol=0.0)


def test_one_channel_with_an_ignored_value():
    x, mask = logits_of("sigmoid", (2, 1, 4, 5)), (uniform((2, 4, 5), 1) < 0.5).to(torch.uint8)
    mask[0, 0] = 255
    counted = mask[:, None] != 255
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(
        x[counted], mask[:, None][counted].double()
    )
    loss = BCELoss(ignore_index=255)
    torch.testing.assert_close(loss(x, mask), wanted, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(loss(x, mask.float()), wanted, rtol=1e-12, atol=0.0)


def test_the_kind_can_be_said():
    x = logits_of("sigmoid", (2, 1, 4))
    with pytest.raises(ValueError, match=r"0\.5"):
        BCELoss(target_kind="labels")(x, torch.full((2, 4), 0.5))
    labels = torch.ones((2, 4), dtype=torch.int64)
    dense = BCELoss(target_kind="dense")(x, labels)
    torch.testing.assert_close(dense, BCELoss()(x, labels))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (torch.full((2, 4, 5), 3), r"sample 0, voxel \(0, 0\): found label 3, wanted 0 to 2"),
        (torch.full((2, 4, 5), -1), "found label -1, .*, or ignore_index=-1 if it means unknown"),
        (torch.full((2, 4, 5), 0.5), "found label 0.5"),
        (torch.full((2, 3, 4, 5), 1.5), "1.5"),
        (torch.full((2, 3, 4, 5), float("nan")), "NaN|nan"),
    ],
)
def test_values_out_of_range(labels, says):
    with pytest.raises(ValueError, match=says):
        DiceLoss()(logits_of("softmax"), labels)


@pytest.mark.parametrize("ignore_index", [None, 7])
@pytest.mark.parametrize(
    ("what", "value"), [("label", 255), ("label", 4), ("target", 1.5), ("voxel weight", -1.0)]
)
def test_both_ways_name_a_voxel_in_the_same_words(what, value, ignore_index):
    if what == "target" and ignore_index is not None:
        return
    x, target, weight = logits_of("softmax"), labels_of(), torch.ones(2, 4, 5)
    if what == "label":
        target[1, 2, 3] = value
    elif what == "target":
        target = torch.nn.functional.one_hot(target, 3).movedim(-1, 1).double()
        target[1, 2, 2, 3] = value
    else:
        weight[1, 2, 3] = value
    said = []
    # The plain way, of weights that want a gradient.
    for plain in (False, True):
        weight = weight.detach().requires_grad_(plain)
        with pytest.raises(ValueError, match=r"^sample 1, voxel \(2, 3\): found") as refused:
            DiceLoss(ignore_index=ignore_index)(x, target, voxel_weight=weight)
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert f"found {what} {value:g}, wanted" in said[0]
    assert ("ignore_index=255 if it means unknown" in said[0]) == (
        value == 255 and ignore_index is None
    )


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float64])
def test_255_in_one_channel_may_be_the_object(dtype):
    x, mask = logits_of("sigmoid", (2, 1, 4)), torch.ones((2, 4), dtype=dtype)
    mask[1, 3] = 255
    said = []
    for plain in (False, True):
        weight = torch.ones(2, 4, requires_grad=plain)
        with pytest.raises(ValueError, match=r"sample 1, voxel 3: found .* 255, wanted") as refused:
            BCELoss()(x, mask, voxel_weight=weight)
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert said[0].endswith(
        "; 1 in place of 255 where that marks the object, ignore_index=255 where it means unknown"
    )


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_weights_out_of_range(weight):
    weights = torch.ones((2, 4, 5), dtype=torch.float64)
    weights[0, 0, 0] = weight
    for needs_reference in (False, True):
        weights = weights.detach().requires_grad_(needs_reference)
        with pytest.raises(ValueError, match="weight"):
            DiceLoss()(logits_of("softmax"), labels_of(), voxel_weight=weights)


def test_the_reference_refuses_what_the_engine_refuses():
    target = logits_of("probabilities")
    target[0, 0, 0, 0] = 1.5
    with pytest.raises(ValueError, match=r"1\.5"):
        DiceLoss()(logits_of("softmax"), target.requires_grad_())
    weight = torch.ones((2, 4, 5), dtype=torch.float64, requires_grad=True)
    with pytest.raises(ValueError, match="label 3"):
        DiceLoss()(logits_of("softmax"), torch.full((2, 4, 5), 3), voxel_weight=weight)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"target": torch.zeros((2, 5, 4))}, r"target: found shape \(2, 5, 4\)"),
        ({"target": torch.zeros((3, 4, 5))}, "target: found shape"),
        ({"target": torch.zeros((2, 2, 4, 5))}, "target: found shape"),
        ({"target": torch.zeros(())}, "target: found shape"),
        ({"mask": torch.ones((2, 3, 4, 5))}, "mask: found shape"),
        ({"voxel_weight": torch.ones((4, 4))}, "voxel_weight: found shape"),
        ({"class_valid": torch.ones((2, 4)) > 0}, r"class_valid: found shape \(2, 4\)"),
        ({"logits": torch.zeros(3)}, r"logits: found shape \(3,\)"),
        ({"target": torch.zeros((2, 4, 5), device="meta")}, "target: found a meta tensor"),
        ({"mask": torch.zeros((2, 4, 5), device="meta")}, "mask: found a meta tensor"),
        ({"logits": torch.zeros((2, 3, 4, 5), device="meta")}, "logits: found a meta tensor"),
        ({"logits": torch.zeros((2, 3, 4, 5)).to_sparse()}, "logits: found layout torch.sparse"),
        ({"target": torch.zeros((2, 4, 5)).to_sparse()}, "target: found layout torch.sparse"),
    ],
)
def test_misfits(tensors, says):
    given = {"logits": logits_of("softmax"), "target": labels_of(), **tensors}
    with pytest.raises(ValueError, match=says):
        DiceLoss()(**given)
    if not {"mask", "voxel_weight", "class_valid"} & set(tensors):
        with pytest.raises(ValueError, match=says):
            measure(**given)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"logits": [[1.0, 2.0]]}, "logits: found list, wanted a torch.Tensor"),
        ({"target": labels_of().numpy()}, "target: found ndarray"),
        ({"logits": torch.zeros((2, 3, 4, 5), dtype=torch.int64)}, "logits: found torch.int64"),
        ({"logits": torch.zeros((2, 3, 4, 5), dtype=torch.complex64)}, "torch.complex64"),
    ],
)
def test_no_tensors_of_floats(tensors, says):
    given = {"logits": logits_of("softmax"), "target": labels_of(), **tensors}
    with pytest.raises(TypeError, match=says):
        DiceLoss()(**given)


def test_an_ignored_label_of_several_dense_channels_wants_a_mask():
    with pytest.raises(ValueError, match="use mask"):
        DiceLoss(ignore_index=0)(logits_of("softmax"), one_hot())


def test_everything_ignored():
    x = logits_of("softmax").requires_grad_()
    loss = DiceCELoss(ignore_index=7)(x, torch.full((2, 4, 5), 7))
    loss.backward()
    assert loss == 0.0 and not x.grad.any()


def test_masks_of_any_type_and_shape():
    x, labels = logits_of("softmax"), labels_of()
    mask = uniform((2, 1, 4, 5), 5) < 0.6
    wanted = CrossEntropyLoss()(x, labels, mask=mask)
    for dtype in (torch.uint8, torch.int64, torch.float32):
        torch.testing.assert_close(CrossEntropyLoss()(x, labels, mask=mask[:, 0].to(dtype)), wanted)
    one = torch.ones((1, 4, 5), dtype=torch.bool).expand(2, 4, 5)
    torch.testing.assert_close(
        CrossEntropyLoss()(x, labels, mask=one), CrossEntropyLoss()(x, labels)
    )


class Wrapped(torch.Tensor):
    """As a library's tensor with metadata."""

    def as_tensor(self):
        return self.as_subclass(torch.Tensor)


def test_wrapped_tensors_are_unwrapped():
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    loss = DiceLoss()(x.as_subclass(Wrapped), labels.as_subclass(Wrapped))
    assert type(loss) is torch.Tensor
    loss.backward()
    torch.testing.assert_close(loss, DiceLoss()(x, labels))
    assert x.grad.any()


def test_parameters_are_logits():
    x = torch.nn.Parameter(logits_of("softmax"))
    DiceLoss()(x, labels_of()).backward()
    assert x.grad.any()
