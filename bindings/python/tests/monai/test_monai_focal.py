"""Focal loss and asymmetric unified focal loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from beside_monai import SHAPES, Batch, agree, drawn, inputs, ours

FOCAL: dict[str, list[Any]] = {
    "shape": SHAPES,
    "kind": ["labels", "one-hot", "soft"],
    "include_background": [True, False],
    "reduction": ["mean", "sum", "none"],
    "use_softmax": [False, True],
    "gamma": [2.0, 0.5, 0.0, 3],
    "alpha": [None, 0.3, "each"],
    "weight": [None, 2.0, "each"],
    "ignore_index": [None, 0, 1, 255],
}
UNIFIED: dict[str, list[Any]] = {
    "shape": [(2, 2, 4, 5), (2, 1, 4, 5), (2, 3, 4, 5), (3, 2, 3, 4, 2), (2, 2, 7)],
    "kind": ["labels", "one-hot", "soft"],
    "weight": [0.5, 0.0, 0.2, 1.0],
    "gamma": [0.5, 0.0, 0.2, 1.0],
    "delta": [0.7, 0.3],
    "reduction": ["mean", "sum", "none"],
    "ignore_index": [None, 0, 1, 255],
}


def call(case: dict[str, Any], seed: int, probabilities: bool) -> tuple[dict[str, Any], Batch]:
    """Options of the loss, and a batch that they fit."""
    options = dict(case)
    shape, kind = options.pop("shape"), options.pop("kind")
    batch = inputs(shape, kind, seed, probabilities)
    if kind == "labels":
        options["to_onehot_y"] = True
    dropped = shape[1] > 1 and not options.get("include_background", True)
    for name in ("alpha", "weight"):
        if options.get(name) == "each":
            options[name] = [0.5, 0.2, 1.0, 0.3][: shape[1] - dropped]
    if options.get("use_softmax") and shape[1] - dropped == 1 and 0.0 < options["gamma"] < 1.0:
        # MONAI's gradient is NaN, where it should be 0.
        options["gamma"] = 1.0
    ignored = options["ignore_index"]
    if ignored is not None and kind != "soft":
        (target,) = batch.rest
        if shape[1] == 1 or kind == "labels":
            target.flatten()[:4] = ignored
        else:
            target[0, :, :2] = 0.0
    return options, batch


@pytest.mark.parametrize(("case", "seed"), drawn(FOCAL, draws=4))
def test_focal(case, seed):
    agree("FocalLoss", *call(case, seed, probabilities=False))


@pytest.mark.parametrize("name", ["FocalLoss", "DiceFocalLoss"])
@pytest.mark.parametrize("weight", [[1.0, 2.0], [-1.0, 1.0, 1.0], -1.0, [1.0]])
@pytest.mark.parametrize("channels", [1, 3])
def test_weights_that_do_not_fit(name, weight, channels):
    agree(name, {"weight": weight}, inputs((2, channels, 4, 5), "one-hot", 0))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("use_softmax", [False, True])
@pytest.mark.parametrize("kind", ["labels", "one-hot", "soft"])
def test_without_spatial_axes(reduction, use_softmax, kind):
    options = {"reduction": reduction, "use_softmax": use_softmax, "to_onehot_y": kind == "labels"}
    agree("FocalLoss", options, inputs((4, 3), kind, 0))


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_softmax_of_one_channel_is_nothing(gamma, reduction):
    batch = inputs((2, 1, 4, 5), "one-hot", 0)
    x = batch.input.requires_grad_()
    loss = ours.FocalLoss(use_softmax=True, gamma=gamma, reduction=reduction)(x, *batch.rest)
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    assert (loss == 0).all() and (gradient == 0).all()


@pytest.mark.parametrize("alpha", [[0.1], torch.tensor([0.1, 0.2, 0.3]), torch.tensor(0.2), 1])
def test_kinds_of_alpha(alpha):
    agree("FocalLoss", {"alpha": alpha}, inputs((2, 3, 4, 5), "one-hot", 0))


@pytest.mark.parametrize(("case", "seed"), drawn(UNIFIED))
def test_unified_focal(case, seed):
    options, batch = call(case, seed, probabilities=True)
    agree("AsymmetricUnifiedFocalLoss", options | {"num_classes": max(2, case["shape"][1])}, batch)


def test_unified_focal_of_a_sample_that_is_ignored():
    batch = inputs((2, 2, 4, 5), "labels", 0, probabilities=True)
    batch.rest[0][0] = 255
    agree("AsymmetricUnifiedFocalLoss", {"to_onehot_y": True, "ignore_index": 255}, batch)


@pytest.mark.parametrize("scale", [2.0, -1.0])
def test_unified_focal_beyond_probabilities(scale):
    batch = inputs((2, 2, 4, 5), "one-hot", 0, probabilities=True)
    batch.input = scale * batch.input
    agree("AsymmetricUnifiedFocalLoss", {}, batch)
