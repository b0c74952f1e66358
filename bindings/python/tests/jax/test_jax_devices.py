"""A batch that is spread over two devices is one batch, in value and in gradient."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dice_loss import jax as losses
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

SHAPE = (4, 3, 5, 6)
GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=SHAPE)
LABELS = GENERATOR.integers(0, 3, (4, 5, 6))
# The devices have different numbers of voxels that count, and of classes that are there.
LABELS[:2][LABELS[:2] == 2] = 0
MASK = GENERATOR.random((4, 5, 6)) < np.array([0.2, 0.9, 0.5, 1.0])[:, None, None]
VALID = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0]], dtype=bool)

LOSSES = {
    "dice": (losses.dice, {"pool": "batch"}),
    "dice of all": (losses.dice, {"pool": "all", "class_weights": [0.5, 1.0, 2.0]}),
    "dice of samples": (losses.dice, {"absent": "zero"}),
    "generalized dice": (losses.generalized_dice, {"pool": "batch"}),
    "cross-entropy": (losses.cross_entropy, {}),
    "dice + ce": (losses.dice_cross_entropy, {"pool": "batch", "background": False}),
    "sum": (losses.dice_focal, {"reduction": "sum"}),
    "of classes": (losses.dice, {"pool": "batch", "reduction": "none"}),
}
COUNTED = {
    "masked": {"mask": MASK},
    "partial": {"class_valid": VALID},
}


@pytest.fixture
def mesh():
    return jax.make_mesh((2,), ("data",))


def spread(mesh, array):
    return jax.device_put(jnp.asarray(array), NamedSharding(mesh, P("data")))


@pytest.mark.parametrize(
    ("name", "kind", "reference"),
    [
        *((name, kind, False) for name in LOSSES for kind in COUNTED),
        ("dice + ce", "partial", True),
        ("dice of samples", "partial", True),
    ],
)
def test_one_batch_on_two_devices(name, kind, reference, mesh, float64):
    loss, options = LOSSES[name]
    loss = partial(loss, reference=reference, **options)
    counted = {key: spread(mesh, value) for key, value in COUNTED[kind].items()}

    def total(x, labels, counted):
        return loss(x, labels, axis_name="data", **counted).sum()

    wanted = jax.value_and_grad(lambda x: loss(x, LABELS, **COUNTED[kind]).sum())(
        jnp.asarray(LOGITS)
    )
    arrays = spread(mesh, LOGITS), spread(mesh, LABELS), counted
    data = P("data")
    outside = jax.value_and_grad(jax.shard_map(total, mesh=mesh, in_specs=data, out_specs=P()))
    inside = jax.shard_map(
        jax.value_and_grad(total), mesh=mesh, in_specs=data, out_specs=(P(), data)
    )
    for both in (outside, inside):
        value, gradient = jax.jit(both)(*arrays)
        np.testing.assert_allclose(value, wanted[0], rtol=1e-13)
        np.testing.assert_allclose(gradient, wanted[1], atol=1e-14)


def test_only_sums_are_exchanged(mesh):
    """The devices send a number for each sum and class, whatever the number of voxels."""
    loss = jax.shard_map(
        partial(losses.dice_cross_entropy, pool="batch", axis_name="data"),
        mesh=mesh,
        in_specs=P("data"),
        out_specs=P(),
    )
    arrays = spread(mesh, LOGITS.astype(np.float32)), spread(mesh, LABELS)
    text = jax.jit(jax.value_and_grad(loss)).lower(*arrays).compile().as_text()
    assert "all-gather" not in text and "all-reduce" in text


def test_a_mask_that_every_device_has(mesh, float64):
    whole = np.concatenate([MASK[2:], MASK[2:]])
    loss = partial(losses.dice, pool="batch")
    found = jax.shard_map(
        lambda x, labels, mask: loss(x, labels, mask=mask, axis_name="data"),
        mesh=mesh,
        in_specs=(P("data"), P("data"), P()),
        out_specs=P(),
    )(
        spread(mesh, LOGITS),
        spread(mesh, LABELS),
        jax.device_put(MASK[2:], NamedSharding(mesh, P())),
    )
    np.testing.assert_allclose(found, loss(LOGITS, LABELS, mask=whole), rtol=1e-13)


def test_values_of_samples_stay_where_they_are(mesh, float64):
    loss = partial(losses.dice, reduction="none")
    found = jax.shard_map(
        partial(loss, axis_name="data"), mesh=mesh, in_specs=P("data"), out_specs=P("data")
    )(spread(mesh, LOGITS), spread(mesh, LABELS))
    np.testing.assert_array_equal(found, loss(LOGITS, LABELS))


def test_sums_of_ones_own(mesh, float64):
    def own(x, labels):
        sums = jax.lax.psum(losses.measure(x, labels).sum(0), "data")
        i, p, g = jnp.unstack(sums, axis=-1)
        return (1 - (2 * i + 1e-5) / (p + g + 1e-5)).mean()

    spread_out = jax.shard_map(own, mesh=mesh, in_specs=P("data"), out_specs=P())
    found = jax.jit(jax.value_and_grad(spread_out))(spread(mesh, LOGITS), spread(mesh, LABELS))
    wanted = jax.value_and_grad(losses.dice)(
        jnp.asarray(LOGITS), LABELS, pool="batch", absent="formula"
    )
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-13)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-14)


def test_sharded_arrays_without_shard_map(mesh, float64):
    """XLA collects them then: slower, and the same."""
    found = jax.jit(jax.value_and_grad(losses.dice))(spread(mesh, LOGITS), spread(mesh, LABELS))
    wanted = jax.value_and_grad(losses.dice)(jnp.asarray(LOGITS), LABELS)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-14)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-15)


def test_pmap_axis_of_vmap(float64):
    """Any named axis does, that of vmap too."""
    halves = jnp.asarray(LOGITS).reshape(2, 2, *SHAPE[1:]), LABELS.reshape(2, 2, 5, 6)
    loss = partial(losses.dice, pool="batch")
    found = jax.vmap(partial(loss, axis_name="half"), axis_name="half")(*halves)
    np.testing.assert_allclose(found, loss(LOGITS, LABELS), rtol=1e-13)
