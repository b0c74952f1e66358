"""MCCLoss and the functions of `losses._functional` beside SMP's, and what the package names."""

from __future__ import annotations

import importlib

import pytest
import torch
from beside_smp import SHAPES, agree, batch, every, their_functions, theirs, value_and_gradient
from dice_loss import smp
from dice_loss.smp import functional

SCORES = {
    "soft_dice_score": (),
    "soft_jaccard_score": (),
    "soft_tversky_score": (0.3, 0.8),
}


def both(name, *leading, **options):
    """As functions of two tensors."""

    def bound(module):
        return lambda x, y: getattr(module, name)(x, y, *leading, **options)

    return bound(functional), bound(their_functions)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("dims", [None, (0, 2), (2,), 0, (-1, 1), (0, 1, 2, 3), (2, 3)])
def test_scores(name, dims):
    for seed, options in enumerate(every(smooth=[0.0, 1.0], eps=[1e-7, 1e3])):
        soft = seed in (1, 2)
        inputs = batch("multilabel", SHAPES[0], seed, soft=soft, probabilities=True)
        agree(*both(name, *SCORES[name], dims=dims, **options), *inputs, about=f"{options} {soft}")


@pytest.mark.parametrize("name", SCORES)
def test_scores_of_other_shapes_fail(name):
    for function in both(name, *SCORES[name]):
        with pytest.raises(AssertionError):
            function(torch.rand(2, 3), torch.rand(3))


@pytest.mark.parametrize("name", SCORES)
def test_scores_in_half_precision(name):
    p, g = batch("multilabel", (1, 1, 400, 300), 1, probabilities=True)
    ours, other = both(name, *SCORES[name])
    found = ours(p.half(), g)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found.double(), other(p.half().double(), g), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "batchwise_mean", "none"])
def test_sigmoid_focal(reduction):
    cases = every(
        alpha=[0.25, None],
        gamma=[2.0, 0.5],
        variant=[{}, {"normalized": True, "eps": 1e3}, {"reduced_threshold": 0.5}],
        soft=[False, True],
    )
    for seed, options in enumerate(cases):
        soft = options.pop("soft")
        options |= {"reduction": reduction, **options.pop("variant")}
        inputs = batch("multilabel", SHAPES[seed % 3], seed, soft=soft)
        agree(*both("focal_loss_with_logits", **options), *inputs, about=f"{options} {soft}")


def test_sigmoid_focal_of_any_number_of_axes():
    generator = torch.Generator().manual_seed(1)
    for shape in [(), (7,), (5, 3)]:
        x = torch.randn(shape, generator=generator)
        target = torch.randint(0, 2, shape, generator=generator)
        agree(*both("focal_loss_with_logits"), x, target)
    for function in both("focal_loss_with_logits"):
        with pytest.raises(ValueError):  # noqa: PT011
            function(torch.randn(3), torch.ones(4))


@pytest.mark.parametrize("reduction", ["mean", "sum", "batchwise_mean", "none"])
def test_softmax_focal(reduction):
    cases = every(
        gamma=[2.0, 0.0],
        variant=[{}, {"normalized": True, "eps": 1e3}, {"reduced_threshold": 0.5}],
        ignored=[None, -100],
    )
    for seed, options in enumerate(cases):
        ignored = options.pop("ignored")
        options |= {"reduction": reduction, **options.pop("variant")}
        inputs = batch("multiclass", SHAPES[seed % 4], seed, ignored=ignored)
        agree(*both("softmax_focal_loss_with_logits", **options), *inputs, about=options)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_softmax_focal_fails_alike(reduction):
    x, labels = batch("multiclass", SHAPES[0], 2)
    for function in both("softmax_focal_loss_with_logits", reduction=reduction):
        with pytest.raises(IndexError):
            function(x, labels + 1)
        with pytest.raises(RuntimeError):
            function(x, labels[:, 1:])


@pytest.mark.parametrize("soft", [False, True])
def test_mcc(soft):
    for seed, eps in enumerate([1e-5, 0.5]):
        p, g = batch("binary", SHAPES[seed], seed, soft=soft, probabilities=True)
        pair = smp.MCCLoss(eps), theirs.MCCLoss(eps=eps)
        agree(*pair, p, g)
        agree(*pair, p.double(), g.double())
        agree(*pair, p, g[:, 0])
        agree(*pair, p, torch.zeros_like(g))
        agree(*pair, p, torch.ones_like(g))
    for loss in pair:
        with pytest.raises(RuntimeError):
            loss(p, g[..., 1:])


def test_mcc_in_half_precision():
    p, g = batch("binary", (1, 1, 400, 300), 3, probabilities=True)
    found, _ = value_and_gradient(smp.MCCLoss(), p.half(), g)
    wanted, _ = value_and_gradient(theirs.MCCLoss(), p.half().double(), g)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=0.0)


def test_names():
    """Everything is where SMP has it, and nothing else is promised."""
    for name in smp.__all__:
        assert name == "functional" or name in theirs.__all__
        assert getattr(smp, name) is not None
    assert (smp.BINARY_MODE, smp.MULTICLASS_MODE, smp.MULTILABEL_MODE) == (
        theirs.BINARY_MODE,
        theirs.MULTICLASS_MODE,
        theirs.MULTILABEL_MODE,
    )
    private = importlib.import_module("dice_loss.smp._functional")
    for name in functional.__all__:
        assert getattr(private, name) is getattr(functional, name)
        assert hasattr(their_functions, name)
