"""Every loss in value and gradient: the engine under JAX, and plain `jax.numpy` beside it."""

from __future__ import annotations

import inspect

import cases
import declared
import dice_loss
import jax
import jax.numpy as jnp
import naive
import numpy as np
import pytest
from dice_loss import jax as losses
from every_loss import CATALOGUE, combinations

#: Of the kinds of batches, those that the two compute by different means.
KINDS = ("counted voxels", "partial labels", "regions")


def chosen():
    """Every loss under every activation; under one with each option and on every kind of batch;
    each setting of each is tested without JAX."""
    for loss, activation, settings, kind in combinations():
        is_first = activation == CATALOGUE[loss][0]
        is_option = settings in declared.trials_of(loss)
        if settings == {} or (is_first and (is_option or kind in KINDS)):
            name = "-".join(map(str, (loss, activation, settings, kind)))
            yield pytest.param(loss, activation, settings, kind, id=name)


EVERY = [*chosen()]


def value_and_gradient(function, logits, compiled=False):
    both = jax.value_and_grad(function)
    value, gradient = (jax.jit(both) if compiled else both)(logits)
    return np.asarray(value), np.asarray(gradient)


def lost(dtype, loss=""):
    """What rounding may cost, relative to the largest: (112 + 68 + 3) halves of a step, for what a
    voxel contributes, for adding voxels up, and for each class, as the engine's own tests derive
    them. The slopes of Matthews' correlation cancel where a class fills its sample: in the worst of
    these batches they are 700 times the gradient."""
    cancelled = 700.0 if loss == "matthews_correlation" else 1.0
    return cancelled * (112 + 68 + 3) / 2 * np.finfo(dtype).eps


def close(found, wanted, relative):
    size = np.abs(wanted).max(initial=0.0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=relative * size)


@pytest.mark.parametrize(("loss", "activation", "settings", "kind"), EVERY)
def test_the_engine_in_both_precisions(loss, activation, settings, kind, float64):
    """The NumPy functions, which the naive losses check, are of the same engine."""
    case = cases.CASES[kind](activation)
    options = {"activation": activation, **settings, **case.counted}

    def function(logits):
        return getattr(losses, loss)(logits, case.target, **options)

    for dtype in (np.float64, np.float32):
        logits = case.logits.astype(dtype)
        wanted = getattr(dice_loss, loss)(logits, case.target, **options)
        value, gradient = value_and_gradient(function, logits, compiled=True)
        assert value.dtype == gradient.dtype == dtype
        close(value, wanted[0], 0.5 * np.finfo(dtype).eps)
        np.testing.assert_array_equal(gradient, wanted[1])


@pytest.mark.parametrize(("loss", "activation", "settings", "kind"), EVERY)
def test_the_reference(loss, activation, settings, kind, float64):
    case = cases.CASES[kind](activation)
    options = {"activation": activation, **settings, **case.counted}
    wanted = getattr(dice_loss, loss)(case.logits, case.target, **options)

    def function(logits):
        return getattr(losses, loss)(logits, case.target, **options, reference=True)

    value, gradient = value_and_gradient(function, jnp.asarray(case.logits))
    close(value, wanted[0], lost(float))
    close(gradient, wanted[1], lost(float, loss))


@pytest.mark.parametrize("loss", CATALOGUE)
def test_without_float64(loss):
    """As most people use JAX: everything in float32, the engine's own sums excepted."""
    activation = CATALOGUE[loss][0]
    case = cases.of_counted_voxels(activation)
    logits = jnp.asarray(case.logits, dtype=jnp.float32)
    options = {"activation": activation, **case.counted}
    wanted = getattr(dice_loss, loss)(np.asarray(logits), case.target, **options)
    for reference in (False, True):

        def function(logits, reference=reference):
            return getattr(losses, loss)(logits, case.target, **options, reference=reference)

        value, gradient = value_and_gradient(function, logits)
        assert value.dtype == gradient.dtype == np.float32
        close(value, wanted[0], lost(np.float32))
        close(gradient, wanted[1], lost(np.float32, loss))


@pytest.mark.parametrize("reference", [False, True])
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
def test_unreduced_overlap_losses(loss, pool, shape, reference, float64):
    case = cases.of_labels("softmax")
    options = {"pool": pool, "reduction": "none"}
    upstream = np.random.default_rng(6).normal(size=shape)

    def values_at(logits):
        return naive.loss_value(loss, case.naive_at(logits), "softmax", **options)

    def function(logits):
        return getattr(losses, loss)(logits, case.target, **options, reference=reference)

    values, pull = jax.vjp(function, jnp.asarray(case.logits))
    assert values.shape == shape
    close(values, values_at(case.logits), lost(float))
    wanted = naive.gradient(lambda x: (upstream * values_at(x)).sum(), case.logits)
    close(pull(jnp.asarray(upstream))[0], wanted, 1e-8)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("channel_axis", [1, -1])
@pytest.mark.parametrize(
    ("loss", "activation", "channels"),
    [
        ("cross_entropy", "softmax", 1),
        ("focal", "sigmoid", 3),
        ("binary_cross_entropy", "sigmoid", 3),
    ],
)
@pytest.mark.parametrize("kind", ["labels", "counted voxels", "partial labels"])
def test_maps(loss, activation, channels, kind, channel_axis, reference, float64):
    case = cases.CASES[kind](activation)
    upstream = np.random.default_rng(6).normal(size=(2, channels, 2, 3))

    def values_at(logits):
        data = case.naive_at(logits)
        losses = naive.loss_value(loss, data, activation, reduction="none")
        return losses.reshape(upstream.shape)

    def function(logits):
        return getattr(losses, loss)(
            jnp.moveaxis(logits, 1, channel_axis),
            case.target,
            activation=activation,
            reduction="none",
            channel_axis=channel_axis,
            reference=reference,
            **case.counted,
        )

    values, pull = jax.vjp(function, jnp.asarray(case.logits))
    assert values.shape[channel_axis] == channels
    close(jnp.moveaxis(values, channel_axis, 1), values_at(case.logits), lost(float))
    wanted = naive.gradient(lambda x: (upstream * values_at(x)).sum(), case.logits)
    close(pull(jnp.moveaxis(jnp.asarray(upstream), 1, channel_axis))[0], wanted, 1e-8)


def test_a_sum_of_terms(float64):
    case = cases.of_labels("softmax")
    terms = [
        (1.0, dice_loss.Dice(pool="batch")),
        (0.5, dice_loss.CrossEntropy(label_smoothing=0.1)),
        dice_loss.DiceFocal(),
    ]
    settings = {"activation": "softmax", "absent": "formula", "background": False}
    objective = dice_loss.Objective(terms, **settings)
    wanted = objective.loss_and_gradient(case.logits, case.target)

    def function(logits):
        return losses.segmentation_loss(terms, logits, case.target, **settings)

    value, gradient = value_and_gradient(function, jnp.asarray(case.logits))
    # The same engine; XLA gives the terms' weights and the loss in one more rounding.
    close(value, wanted[0], 4 * np.finfo(float).eps)
    close(gradient, wanted[1], 4 * np.finfo(float).eps)


def test_there_is_a_function_for_every_loss():
    for name in CATALOGUE:
        function = getattr(losses, name)
        of_numpy = inspect.signature(getattr(dice_loss, name)).parameters
        own = inspect.signature(function).parameters
        assert [*own] == [*of_numpy, "channel_axis", "axis_name", "reference"]
        described = [line.strip().partition(":")[0] for line in function.__doc__.splitlines()]
        assert {*own} <= {*described}
        assert name in losses.__all__


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match=r"dice: found smooth=1\.0, wanted smoothing="):
        losses.dice(jnp.zeros((1, 2, 3)), jnp.zeros((1, 3), int), smooth=1.0)
