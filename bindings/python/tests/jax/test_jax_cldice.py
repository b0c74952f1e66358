"""Soft clDice in JAX: beside NumPy's, in plain JAX, and under transforms."""

from __future__ import annotations

import dice_loss
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dice_loss import jax as losses

OPTIONS = [
    ((3, 4, 6, 5), {}),
    ((3, 4, 6, 5), {"pool": "batch", "absent": "formula", "alpha": 0.5, "iterations": 0}),
    ((3, 4, 6, 5), {"pool": "all", "class_weights": [1.0, 2.0, 0.5, 0.0], "iterations": 1}),
    (
        (3, 4, 6, 5),
        {"activation": "sigmoid", "ignore_index": 9, "background": False, "iterations": 1},
    ),
    ((2, 4, 3, 4, 5), {"iterations": 1, "epsilon": 0.25}),
    ((2, 4, 17), {"iterations": 4, "smoothing": (0.5, 1.0), "reduction": "sum"}),
]


def batch_of(shape, ignored=None):
    generator = np.random.default_rng(0)
    x = generator.normal(size=shape)
    labels = generator.integers(0, shape[1] - 1, (shape[0], *shape[2:]))
    if ignored is not None:
        labels[generator.random(labels.shape) < 0.2] = ignored
    return x, labels


def value_and_gradient(x, labels, **options):
    both = jax.value_and_grad(lambda x: losses.cldice(x, labels, **options))
    return jax.jit(both)(jnp.asarray(x))


@pytest.mark.parametrize(("shape", "options"), OPTIONS, ids=str)
def test_as_the_function_of_numpy(shape, options, float64):
    x, labels = batch_of(shape, options.get("ignore_index"))
    valid = np.random.default_rng(1).random(shape[:2]) < 0.8
    wanted, slopes = dice_loss.cldice(x, labels, class_valid=valid, **options)
    for reference in (False, True):
        value, gradient = value_and_gradient(
            x, labels, class_valid=valid, reference=reference, **options
        )
        np.testing.assert_allclose(value, wanted, rtol=1e-12)
        np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-14)
    if "ignore_index" not in options:
        last = value_and_gradient(
            np.moveaxis(x, 1, -1), labels, class_valid=valid, channel_axis=-1, **options
        )
        np.testing.assert_allclose(last[0], wanted, rtol=1e-12)
        np.testing.assert_allclose(np.moveaxis(last[1], -1, 1), slopes, rtol=0, atol=1e-14)


@pytest.mark.parametrize("pool", ["sample", "batch", "all"])
@pytest.mark.parametrize("reference", [False, True])
def test_values(pool, reference, float64):
    x, labels = batch_of((3, 4, 6, 5))
    options = {"pool": pool, "reduction": "none", "iterations": 1}
    wanted, _ = dice_loss.cldice(x, labels, **options)
    found = jax.jit(lambda x: losses.cldice(x, labels, reference=reference, **options))(x)
    assert found.shape == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_what_is_refused():
    x, labels = batch_of((2, 3, 4, 5))
    with pytest.raises(TypeError, match="cldice: found axis_name 'batch'"):
        losses.cldice(x, labels, axis_name="batch")
    with pytest.raises(ValueError, match="alpha"):
        losses.cldice(x, labels, alpha=2.0)
    wide = np.zeros((1, 3, 2, 2, 2, 2)), np.zeros((1, 2, 2, 2, 2), int)
    for reference in (False, True):
        with pytest.raises(Exception, match=r"spatial axes: found 4.*, wanted one to three"):
            jax.block_until_ready(losses.cldice(*wide, reference=reference))
