"""Sums for formulas of one's own."""

from __future__ import annotations

import math

import pytest
import torch
from batches import BATCHES, BINARY, EVERY, EXCLUSIVE, LOGITS, labels_of, logits_of
from dice_loss.torch import DiceLoss, _route, measure

OVERLAP = (
    "reference",
    "reference_squared",
    "voxels",
    "intersection",
    "prediction",
    "prediction_squared",
    "difference",
    "magnitude",
    "transport",
    "sensitivity_error",
    "specificity_error",
    "squared_error",
)
SUMS = {
    **dict.fromkeys(OVERLAP, EVERY),
    "log_loss": EXCLUSIVE,
    "log_loss_of_all": EXCLUSIVE,
    "merged": EXCLUSIVE,
    "positive": BINARY,
    "negative": BINARY,
    "focal": LOGITS,
    "focal_negative": ("sigmoid",),
}
OPTIONS = {"gamma": [0.5, 1.0, 2.0], "distances": [[0, 1, 2], [1, 0, 3], [2, 3, 0]]}


def measured(batch, names, activation):
    x = batch.logits.clone().requires_grad_()
    found = measure(
        x, batch.target, names, activation=activation, **OPTIONS, **batch.settings, **batch.masks
    )
    weights = torch.linspace(0.5, 2.0, found.numel(), dtype=found.dtype).reshape(found.shape)
    (found * weights).sum().backward()
    return found.detach(), x.grad


@pytest.mark.parametrize("kind", [kind for kind in BATCHES if kind != "one channel"])
@pytest.mark.parametrize("activation", EVERY)
def test_engine_and_reference_agree(activation, kind, monkeypatch):
    batch = BATCHES[kind](activation)
    names = tuple(name for name, activations in SUMS.items() if activation in activations)
    found, gradient = measured(batch, names, activation)
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    wanted, wanted_gradient = measured(batch, names, activation)
    assert found.dtype is torch.float64 and found.shape == (2, 3, len(names))
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient, wanted_gradient, rtol=1e-12, atol=1e-12)


def test_by_hand():
    p = torch.tensor([[[0.9, 0.2, 0.4]]], dtype=torch.float64)
    g = torch.tensor([[1, 0, 1]])
    names = ("intersection", "prediction", "reference", "voxels", "prediction_squared")
    found = measure(p, g, names, activation="probabilities")
    wanted = torch.tensor([[[1.3, 1.5, 2.0, 3.0, 1.01]]], dtype=torch.float64)
    torch.testing.assert_close(found, wanted, rtol=1e-14, atol=0.0)
    names = ("difference", "magnitude", "sensitivity_error", "specificity_error", "squared_error")
    found = measure(p, g, names, activation="probabilities")[0, 0]
    torch.testing.assert_close(found.tolist(), [0.9, 1.5, 0.37, 0.04, 0.41], rtol=1e-14, atol=0.0)
    names = ("reference_squared", "positive", "negative")
    found = measure(p, g, names, activation="probabilities")[0, 0]
    wanted = [2.0, -math.log(0.9 * 0.4), -math.log(0.8)]
    torch.testing.assert_close(found.tolist(), wanted, rtol=1e-14, atol=0.0)


def test_a_loss_in_two_lines():
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    i, p, g = measure(x, labels).unbind(-1)
    loss = (1 - (2 * i + 1e-5) / (p + g + 1e-5)).mean()
    wanted = DiceLoss(absent="formula")(x, labels)
    torch.testing.assert_close(loss, wanted, rtol=1e-13, atol=0.0)
    found = torch.autograd.grad(loss, x)
    torch.testing.assert_close(found, torch.autograd.grad(wanted, x), rtol=1e-12, atol=1e-15)


def test_a_sum_may_be_asked_for_twice():
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    twice = measure(x, labels, ("prediction", "reference", "prediction"))
    (found,) = torch.autograd.grad(twice[..., 0].sum() + 2.0 * twice[..., 2].square().sum(), x)
    once = measure(x, labels, ("prediction",))[..., 0]
    (wanted,) = torch.autograd.grad(once.sum() + 2.0 * once.square().sum(), x)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["positive", "negative"])
def test_sums_that_no_loss_of_the_engine_needs(name):
    """Binary cross-entropy of a softmax."""
    x, labels = logits_of("softmax"), labels_of()
    p, g = x.softmax(1), torch.nn.functional.one_hot(labels, 3).movedim(-1, 1)
    wanted = -g * p.log() if name == "positive" else -(1 - g) * (1 - p).log()
    found = measure(x, labels, (name,), activation="softmax")[..., 0]
    torch.testing.assert_close(found, wanted.sum((2, 3)), rtol=1e-12, atol=0.0)


def test_focal_of_probabilities():
    p, labels = logits_of("probabilities"), labels_of()
    g = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1)
    found = measure(p, labels, ("focal",), activation="probabilities", gamma=2.0)[..., 0]
    wanted = (-g * (1 - p) ** 2 * p.log()).sum((2, 3))
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0.0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sums": ("union",)}, "found 'union', wanted names among"),
        ({"sums": ()}, "found none"),
        ({"activation": "relu"}, "found 'relu'"),
        ({"sums": ("focal",), "gamma": -1.0}, "gamma"),
        ({"sums": ("focal",), "gamma": [1.0, 2.0]}, "gamma"),
        ({"sums": ("transport",), "distances": [[0, 1], [1, 0]]}, "distances"),
        ({"sums": ("transport",), "distances": [[0.0] * 3] * 3}, "distances"),
        ({"sums": ("transport",), "distances": [[0, -1, 1], [1, 0, 1], [1, 1, 0]]}, "distances"),
        ({"sums": ("transport",), "distances": [[1, 1, 1]] * 3}, "distances"),
        ({"target_kind": "regions"}, "target_kind"),
    ],
)
def test_options_out_of_range(options, says):
    with pytest.raises(ValueError, match=says):
        measure(logits_of("softmax"), labels_of(), **options)


def test_one_channel_has_no_softmax():
    with pytest.raises(ValueError, match="use sigmoid"):
        measure(torch.zeros((1, 1, 3)), torch.zeros((1, 3)))
