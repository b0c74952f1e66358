"""The losses of sums."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from beside_monai import SHAPES, Batch, agree, drawn, inputs

ACTIVATIONS = [{}, {"sigmoid": True}, {"softmax": True}, {"other_act": torch.tanh}]
COMMON: dict[str, list[Any]] = {
    "shape": SHAPES,
    "kind": ["labels", "one-hot", "soft"],
    "activation": ACTIVATIONS,
    "include_background": [True, False],
    "reduction": ["mean", "sum", "none"],
    "batch": [False, True],
    "smooth_nr": [1e-5, 0.3],
    "smooth_dr": [1e-5, 0.7],
}
IGNORED: dict[str, list[Any]] = {"ignore_index": [None, 0, 1, 255], "soft_label": [False, True]}
DICE: dict[str, list[Any]] = {
    "squared_pred": [False, True],
    "jaccard": [False, True],
    "weight": [None, "each", 2.0],
}


def call(case: dict[str, Any], seed: int) -> tuple[dict[str, Any], Batch]:
    """Options of the loss, and a batch that they fit."""
    options = dict(case)
    shape, kind, activation = (options.pop(key) for key in ("shape", "kind", "activation"))
    batch = inputs(shape, kind, seed, probabilities=not activation)
    options |= activation
    if kind == "labels":
        options["to_onehot_y"] = True
    if options.get("weight") == "each":
        dropped = shape[1] > 1 and not options["include_background"]
        options["weight"] = [0.5, 2.0, 1.0, 3.0][: shape[1] - dropped]
    ignored = options.get("ignore_index")
    if ignored is not None and kind != "soft":
        (target,) = batch.rest
        if shape[1] == 1 or kind == "labels":
            target.flatten()[:4] = ignored
        else:
            target[0, :, :2] = 0.0
    return options, batch


@pytest.mark.parametrize(("case", "seed"), drawn({**COMMON, **IGNORED, **DICE}, draws=4))
def test_dice(case, seed):
    agree("DiceLoss", *call(case, seed))


@pytest.mark.parametrize(
    ("case", "seed"), drawn({**COMMON, **IGNORED, "alpha": [0.5, 0.2, 1.0], "beta": [0.5, 0.9]})
)
def test_tversky(case, seed):
    agree("TverskyLoss", *call(case, seed))


@pytest.mark.parametrize(
    ("case", "seed"),
    drawn({**COMMON, "w_type": ["square", "simple", "uniform"], "soft_label": [False, True]}),
)
def test_generalized_dice(case, seed):
    agree("GeneralizedDiceLoss", *call(case, seed))


@pytest.mark.parametrize(
    ("case", "seed"), drawn({**COMMON, "activation": [{}, {"sigmoid": True}, {"softmax": True}]})
)
def test_matthews(case, seed):
    agree("MCCLoss", *call(case, seed))


MASKS = {
    "none": lambda mask: None,
    "bool": lambda mask: mask,
    "float": lambda mask: mask.float(),
    "int": lambda mask: mask.long(),
    "of all samples": lambda mask: mask[:1],
    "fractions": lambda mask: mask * 0.5,
    "of an axis": lambda mask: mask[..., :1],
    "channels": lambda mask: mask.expand(-1, 3, *mask.shape[2:]),
    "no channel": lambda mask: mask[:, 0],
    "samples": lambda mask: mask[[0, 0, 0, 0]],
}


@pytest.mark.parametrize(
    ("case", "seed"),
    drawn({"mask": list(MASKS), **COMMON, **DICE, "soft_label": [False, True]}),
)
def test_masked_dice(case, seed):
    mask = MASKS[case["mask"]]
    options, batch = call({key: value for key, value in case.items() if key != "mask"}, seed)
    shape = batch.input.shape
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand((shape[0], 1, *shape[2:]), generator=generator) > 0.4
    agree("MaskedDiceLoss", options, Batch(batch.input, (*batch.rest, mask(chosen))))


@pytest.mark.parametrize("sizes", [{}, {"squared_pred": True}, {"soft_label": True}])
@pytest.mark.parametrize("mask", ["bool", "fractions"])
def test_masked_labels_are_background(sizes, mask):
    batch = inputs((2, 3, 4, 5), "labels", 0)
    chosen = torch.rand(2, 1, 4, 5) > 0.4
    options = {"softmax": True, "to_onehot_y": True, "reduction": "none", **sizes}
    agree("MaskedDiceLoss", options, Batch(batch.input, (*batch.rest, MASKS[mask](chosen))))


@pytest.mark.parametrize("name", ["DiceLoss", "TverskyLoss", "MCCLoss"])
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_without_spatial_axes(name, batch, reduction):
    options = {"sigmoid": True, "batch": batch, "reduction": reduction}
    agree(name, options, inputs((4, 3), "one-hot", 0))


@pytest.mark.parametrize("name", ["DiceLoss", "GeneralizedDiceLoss", "TverskyLoss", "MCCLoss"])
@pytest.mark.parametrize("what", ["empty", "full", "perfect", "absent"])
def test_limits(name, what):
    batch = inputs((2, 3, 4, 5), "one-hot", 0, probabilities=True)
    (target,) = batch.rest
    if what == "empty":
        target.zero_()
    elif what == "full":
        target.fill_(1.0)
    elif what == "absent":
        target[:, 1:] = 0.0
    batch.input = target.clone() if what == "perfect" else batch.input
    for reduction in ("mean", "none"):
        agree(name, {"reduction": reduction}, batch)
