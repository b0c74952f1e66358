"""Losses at several resolutions."""

from __future__ import annotations

import pytest
import torch
from batches import labels_of, logits_of, uniform
from dice_loss.torch import (
    CrossEntropyLoss,
    DeepSupervisionLoss,
    DiceCELoss,
    SkeletonRecallLoss,
)
from torch.nn.functional import interpolate

SHAPES = [(2, 3, 12, 10), (2, 3, 6, 5), (2, 3, 3, 2)]


def outputs():
    return [logits_of("softmax", shape, seed=k) for k, shape in enumerate(SHAPES)]


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        ("nnunet", [2 / 3, 1 / 3, 0.0]),
        ("exp", [1.0, 0.5, 0.25]),
        ("two", [1.0, 0.5, 0.5]),
        ("same", [1.0, 1.0, 1.0]),
        ([3, 0, 1], [3.0, 0.0, 1.0]),
    ],
)
def test_weights(weights, wanted):
    loss = DeepSupervisionLoss(DiceCELoss(), weights=weights)
    torch.testing.assert_close(loss.weights_of(3), wanted)
    labels = labels_of(SHAPES[0])
    parts = [
        DiceCELoss()(x, interpolate(labels[:, None].double(), x.shape[2:], mode="nearest-exact"))
        for x in outputs()
    ]
    total = sum(weight * part for weight, part in zip(wanted, parts, strict=True))
    torch.testing.assert_close(loss(outputs(), labels), total)


def test_weights_of_many_and_of_one():
    assert DeepSupervisionLoss(DiceCELoss(), weights="exp").weights_of(7)[4:] == [0.0625] * 3
    assert DeepSupervisionLoss(DiceCELoss()).weights_of(1) == [1.0]
    labels = labels_of(SHAPES[0])
    one = DeepSupervisionLoss(DiceCELoss())(outputs()[0], labels)
    torch.testing.assert_close(one, DiceCELoss()(outputs()[0], labels))


@pytest.mark.parametrize("new", [(6, 5), (3, 2), (12, 7), (5, 4), (24, 20)])
def test_nearest_neighbours_are_those_of_torch(new):
    labels = labels_of(SHAPES[0])
    seen = []

    class Loss(torch.nn.Module):
        def forward(self, logits, target, **_):
            seen.append(target)
            return logits.sum()

    loss = DeepSupervisionLoss(Loss(), weights="same")
    loss([torch.zeros((2, 3, *new))], labels[:, None])
    wanted = interpolate(labels[:, None].double(), new, mode="nearest-exact")
    assert torch.equal(seen[0].double(), wanted) and seen[0].dtype is labels.dtype


def test_masks_and_weights_are_resized_too():
    labels = labels_of(SHAPES[0])
    mask, weight = uniform((2, 12, 10), 5) < 0.5, uniform((2, 12, 10), 6)
    loss = DeepSupervisionLoss(CrossEntropyLoss(), weights="same")
    found = loss(outputs(), labels, mask=mask, voxel_weight=weight)
    resized = [
        [interpolate(t[:, None].double(), x.shape[2:], mode="nearest-exact") for x in outputs()]
        for t in (labels, mask, weight)
    ]
    wanted = sum(
        CrossEntropyLoss()(x, target, mask=mask, voxel_weight=weight)
        for x, target, mask, weight in zip(outputs(), *resized, strict=True)
    )
    torch.testing.assert_close(found, wanted)


def test_gradients_reach_every_output_with_a_weight():
    leaves = [x.requires_grad_() for x in outputs()]
    DeepSupervisionLoss(DiceCELoss())(leaves, labels_of(SHAPES[0])).backward()
    assert [x.grad is not None for x in leaves] == [True, True, False]


def test_a_target_for_each_output():
    targets = [labels_of(shape, seed=k) for k, shape in enumerate(SHAPES)]
    found = DeepSupervisionLoss(DiceCELoss(), weights="same")(outputs(), targets)
    wanted = sum(DiceCELoss()(x, target) for x, target in zip(outputs(), targets, strict=True))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda loss: loss([], labels_of()), "outputs: found none"),
        (lambda loss: loss(outputs(), [labels_of(SHAPES[0])]), "target: found 1 of them"),
        (lambda loss: loss(outputs(), torch.zeros(5)), "target: found shape"),
        (
            lambda loss: DeepSupervisionLoss(loss.loss, weights=[1.0])(
                outputs(), labels_of(SHAPES[0])
            ),
            "weights: found 1 of them, wanted 3",
        ),
        (lambda loss: DeepSupervisionLoss(loss.loss, weights="linear"), "found 'linear'"),
        (
            lambda loss: DeepSupervisionLoss(loss.loss, weights=[0.0])(
                outputs()[:1], labels_of(SHAPES[0])
            ),
            "wanted one that is not 0",
        ),
    ],
)
def test_misfits(call, says):
    with pytest.raises(ValueError, match=says):
        call(DeepSupervisionLoss(DiceCELoss()))


def test_outputs_from_the_coarsest_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 2\), \(6, 5\), \(12, 10\), wanted the fin"):
        DeepSupervisionLoss(DiceCELoss())(outputs()[::-1], labels_of(SHAPES[0]))


@pytest.mark.parametrize("weights", ["nnunet", [0.0, 1.0, 1.0]])
def test_details_are_those_of_the_finest(weights):
    loss, labels = DeepSupervisionLoss(DiceCELoss(), weights=weights), labels_of(SHAPES[0])
    value, details = loss(outputs(), labels, details=True)
    torch.testing.assert_close(value, loss(outputs(), labels), rtol=0.0, atol=0.0)
    _, wanted = DiceCELoss()(outputs()[0], labels, details=True)
    for found, right in zip(details, wanted, strict=True):
        torch.testing.assert_close(found, right, rtol=0.0, atol=0.0)


def test_a_loss_of_torch_will_do():
    labels = labels_of(SHAPES[0])
    found = DeepSupervisionLoss(torch.nn.CrossEntropyLoss())(outputs(), labels)
    wanted = DeepSupervisionLoss(CrossEntropyLoss())(outputs(), labels)
    # Means of up to 240 voxels in double, in another order.
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=0.0)


def test_maps_are_resized_for_each_output():
    """By nearest neighbour, as targets are; what is not given is made anew at each resolution."""
    generator = torch.Generator().manual_seed(0)
    outputs = [torch.randn(2, 3, size, size, generator=generator) for size in (8, 4)]
    labels = torch.randint(3, (2, 8, 8), generator=generator)
    m = torch.rand(2, 3, 8, 8, generator=generator)
    loss = SkeletonRecallLoss()
    criterion = DeepSupervisionLoss(loss, weights="same")
    # The centre of each coarse place lies between four: the last of them is taken.
    coarse = labels[:, 1::2, 1::2]
    wanted = loss(outputs[0], labels, maps={"skeleton": m})
    wanted = wanted + loss(outputs[1], coarse, maps={"skeleton": m[..., 1::2, 1::2]})
    found = criterion(outputs, labels, maps={"skeleton": m})
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0)
    made = criterion(outputs, labels)
    wanted = loss(outputs[0], labels) + loss(outputs[1], coarse)
    torch.testing.assert_close(made, wanted, rtol=1e-6, atol=0)
