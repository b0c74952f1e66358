"""Every loss, value and gradient, against the naive ones and central differences."""

from __future__ import annotations

import inspect

import cases
import declared
import dice_loss
import naive
import numpy as np
import pytest
from dice_loss import BackgroundForeground
from every_loss import CATALOGUE, combinations, maps_for, naive_with, spelled_out


@pytest.mark.parametrize(
    ("loss", "activation", "settings", "kind"),
    [pytest.param(*entry, id="-".join(map(str, entry))) for entry in combinations()],
)
def test_value_and_gradient(loss, activation, settings, kind):
    case = cases.CASES[kind](activation)

    def value_at(logits):
        data = naive_with(loss, case.naive_at(logits))
        return naive.loss_value(loss, data, activation, **spelled_out(settings))

    function = getattr(dice_loss, loss)
    value, gradient = function(
        case.logits,
        case.target,
        activation=activation,
        **settings,
        **case.counted,
        **maps_for(loss),
    )
    assert value == pytest.approx(value_at(case.logits), rel=1e-12, abs=1e-14)
    wanted = naive.gradient(value_at, case.logits)
    assert gradient.shape == case.logits.shape and gradient.dtype == np.float64
    # Differences of losses, which are rounded relative to 1, over a step of 5e-4; and to its fourth
    # order, of which 1e-8 of the largest is the worst, where smoothing makes a formula steep.
    atol = 64 * np.finfo(float).eps / 5e-4 + 1e-8 * np.abs(wanted).max()
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=atol)


def test_there_is_a_function_for_every_loss():
    assert sorted(declared.LOSSES) == sorted(dice_loss.losses.__all__)


@pytest.mark.parametrize(
    ("loss", "pool", "shape"),
    [
        ("dice", "sample", (2, 3)),
        ("iou", "batch", (3,)),
        ("tversky", "all", ()),
        ("generalized_dice", "sample", (2,)),
        ("generalized_dice", "batch", ()),
    ],
)
def test_unreduced_overlap_losses(loss, pool, shape):
    case = cases.of_labels("softmax")
    settings = {"pool": pool, "reduction": "none", "class_weights": [0.5, 1.0, 2.0]}
    if loss == "tversky":
        del settings["class_weights"]
    values, gradient = getattr(dice_loss, loss)(case.logits, case.target, **settings)
    assert values.shape == shape

    def values_at(logits):
        return naive.loss_value(loss, case.naive_at(logits), "softmax", **settings)

    np.testing.assert_allclose(values, values_at(case.logits), rtol=1e-12, atol=1e-14)
    wanted = naive.gradient(lambda x: values_at(x).sum(), case.logits)
    np.testing.assert_allclose(gradient, wanted, atol=1e-8)

    upstream = np.random.default_rng(6).normal(size=shape)
    term = {"dice": dice_loss.Dice, "iou": dice_loss.IoU, "tversky": dice_loss.Tversky}.get(
        loss, dice_loss.GeneralizedDice
    )
    objective = dice_loss.Objective(
        term(activation="softmax", pool=pool, class_weights=settings.get("class_weights")),
        reduction="none",
    )
    _, gradient = objective.loss_and_gradient(case.logits, case.target, upstream=upstream)
    wanted = naive.gradient(lambda x: (upstream * values_at(x)).sum(), case.logits)
    np.testing.assert_allclose(gradient, wanted, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "activation", "channels"),
    [
        ("cross_entropy", "softmax", 1),
        ("focal", "softmax", 1),
        ("focal", "sigmoid", 3),
        ("binary_cross_entropy", "sigmoid", 3),
    ],
)
@pytest.mark.parametrize("kind", ["labels", "counted voxels", "partial labels"])
def test_unreduced_voxel_losses(loss, activation, channels, kind):
    case = cases.CASES[kind](activation)
    values, gradient = getattr(dice_loss, loss)(
        case.logits, case.target, activation=activation, reduction="none", **case.counted
    )
    assert values.shape == (2, channels, 2, 3)

    def values_at(logits):
        data = case.naive_at(logits)
        return naive.loss_value(loss, data, activation, reduction="none").reshape(values.shape)

    np.testing.assert_allclose(values, values_at(case.logits), rtol=1e-12, atol=1e-14)
    wanted = naive.gradient(lambda x: values_at(x).sum(), case.logits)
    np.testing.assert_allclose(gradient, wanted, atol=1e-8)

    upstream = np.random.default_rng(6).normal(size=values.shape)
    term = {
        "cross_entropy": dice_loss.CrossEntropy,
        "focal": dice_loss.Focal,
        "binary_cross_entropy": dice_loss.BinaryCrossEntropy,
    }[loss]
    objective = dice_loss.Objective(term(activation=activation), reduction="none")
    _, gradient = objective.loss_and_gradient(
        case.logits, case.target, upstream=upstream, **case.counted
    )
    wanted = naive.gradient(lambda x: (upstream * values_at(x)).sum(), case.logits)
    np.testing.assert_allclose(gradient, wanted, atol=1e-8)


def test_values_for_the_background_and_the_rest():
    case = cases.of_labels("softmax")
    gamma, alpha = BackgroundForeground(1.0, 2.0), BackgroundForeground(0.25, 0.75)
    found = dice_loss.focal(case.logits, case.target, gamma=gamma, alpha=alpha)
    wanted = dice_loss.focal(
        case.logits, case.target, gamma=[1.0, 2.0, 2.0], alpha=[0.25, 0.75, 0.75]
    )
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1], wanted[1])


def test_the_documentation_names_every_parameter():
    for name in CATALOGUE:
        function = getattr(dice_loss, name)
        parameters = inspect.signature(function).parameters
        lines = [line.strip() for line in function.__doc__.splitlines()]
        described = [line.partition(":")[0] for line in lines]
        assert "settings" not in parameters
        for parameter in parameters:
            assert parameter in described, (name, parameter)
        assert "Args:" in lines and "Returns:" in lines and "Raises:" in lines
        assert "Range" in function.__doc__
