"""The table of counterparts beside optax, and what JAX's functions say of its arguments."""

from __future__ import annotations

import counterpart_arguments
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from dice_loss import jax as losses

THEIRS = (
    optax.losses.dice_loss,
    optax.losses.binary_dice_loss,
    optax.losses.multiclass_generalized_dice_loss,
    optax.losses.sigmoid_focal_loss,
    optax.losses.softmax_cross_entropy,
    optax.losses.softmax_cross_entropy_with_integer_labels,
    optax.losses.sigmoid_binary_cross_entropy,
)


def test_every_argument_is_in_the_table():
    assert counterpart_arguments.lacking("optax", THEIRS) == {}


def test_the_same_numbers():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 8, 9, 4)).astype(np.float32)
    labels = generator.integers(0, 4, (2, 8, 9))
    labels[0][labels[0] == 3] = 0
    hot = jax.nn.one_hot(labels, 4)
    last = {"channel_axis": -1}
    like_optax = {"smoothing": 2.0, "absent": "formula", **last}
    halves = {"alpha": 0.5, "beta": 0.5, "smoothing": 1.0, "absent": "formula", **last}
    pairs = [
        (optax.losses.dice_loss(x, hot), losses.tversky(x, labels, **halves)),
        (optax.losses.dice_loss(x, hot), losses.dice(x, labels, **like_optax)),
        (
            optax.losses.dice_loss(x, hot, ignore_background=True),
            losses.dice(x, labels, background=False, **like_optax),
        ),
        (
            optax.losses.binary_dice_loss(x[..., 0], hot[..., 0]),
            losses.dice(x[..., :1], hot[..., :1], activation="sigmoid", **like_optax),
        ),
        (
            optax.losses.sigmoid_focal_loss(x, hot),
            losses.focal(x, hot, activation="sigmoid", **last),
        ),
        (
            optax.losses.softmax_cross_entropy_with_integer_labels(x, labels),
            losses.cross_entropy(x, labels, **last),
        ),
        (
            optax.losses.sigmoid_binary_cross_entropy(x, hot),
            losses.binary_cross_entropy(x, hot, **last),
        ),
    ]
    for theirs, ours in pairs:
        np.testing.assert_allclose(jnp.mean(theirs), ours, rtol=1e-5)


@pytest.mark.parametrize("name", losses.__all__)
def test_every_function_tells(name):
    if name == "measure":
        return
    with pytest.raises(TypeError) as raised:
        getattr(losses, name)(ignore_background=True, axis=-1)
    assert str(raised.value).startswith(
        f"{name}: found ignore_background=True, wanted background=False; found axis=-1, wanted "
    )
    assert "channel_axis=-1 (optax softmax_cross_entropy)" in str(raised.value)


def test_under_jit_and_grad():
    x, labels = jnp.zeros((1, 2, 4)), jnp.zeros((1, 4), dtype=int)
    with pytest.raises(TypeError, match=r"found smooth=1\.0, wanted smoothing=2"):
        jax.jit(jax.value_and_grad(lambda x: losses.dice(x, labels, smooth=1.0)))(x)
