"""The transformations of JAX: compiled, mapped, differentiated in every direction."""

from __future__ import annotations

from functools import partial

import cases
import dice_loss
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dice_loss import jax as losses

LABELS = jnp.asarray(cases.labels_for())
SOFT = cases.logits_for("probabilities", seed=3)


def logits_of(count, seed=0):
    return jnp.asarray(cases.logits_for("softmax", (count, *cases.SHAPE), seed))


def test_compiled_and_not_are_the_same(float64):
    x = logits_of(1)[0]
    plain = jax.value_and_grad(losses.dice_cross_entropy)(x, LABELS)
    compiled = jax.jit(jax.value_and_grad(losses.dice_cross_entropy))(x, LABELS)
    assert plain[0] == compiled[0]
    np.testing.assert_array_equal(plain[1], compiled[1])


def test_the_loss_takes_part_in_larger_derivatives(float64):
    """Its gradient is scaled, and passed on to what the logits are made of."""
    weights = jnp.asarray(np.random.default_rng(1).normal(size=(3, 3)))
    x = logits_of(1)[0]

    def whole(weights, reference):
        mixed = jnp.einsum("kl,nlij->nkij", weights, x)
        return jnp.sin(3.0 * losses.dice_focal(mixed, LABELS, reference=reference))

    gradient = jax.jit(jax.grad(whole), static_argnums=1)
    np.testing.assert_allclose(gradient(weights, False), gradient(weights, True), atol=1e-14)


MAPPED = {
    "everything": (0, 0, 0),
    "logits": (0, None, None),
    "target": (None, 0, None),
    "logits and mask": (0, None, 0),
    "another axis": (1, 0, None),
}


@pytest.mark.parametrize("mapped", MAPPED)
@pytest.mark.parametrize(
    ("loss", "reduction"),
    [("dice", "mean"), ("dice", "none"), ("dice_cross_entropy", "mean"), ("focal", "none")],
)
def test_vmap(loss, reduction, mapped, float64):
    axes = MAPPED[mapped]
    generator = np.random.default_rng(2)
    arrays = (
        logits_of(4),
        jnp.asarray(generator.integers(0, 3, (4, *LABELS.shape))),
        jnp.asarray(generator.random((4, *LABELS.shape)) < 0.7),
    )
    arrays = [
        array[0] if axis is None else jnp.moveaxis(array, 0, axis)
        for array, axis in zip(arrays, axes, strict=True)
    ]

    def function(logits, target, mask):
        return getattr(losses, loss)(logits, target, mask=mask, reduction=reduction)

    def both(*arrays):
        value, pull = jax.vjp(lambda x: function(x, *arrays[1:]), arrays[0])
        return value, pull(jnp.ones_like(value))[0]

    found = jax.vmap(both, axes)(*arrays)
    for index in range(4):
        one = [
            array if axis is None else jnp.take(array, index, axis)
            for array, axis in zip(arrays, axes, strict=True)
        ]
        wanted = both(*one)
        np.testing.assert_array_equal(found[0][index], wanted[0])
        np.testing.assert_array_equal(found[1][index], wanted[1])


def test_vmap_of_vmap(float64):
    x, labels = logits_of(2), jnp.stack([LABELS, (LABELS + 1) % 3, (LABELS + 2) % 3])
    table = jax.vmap(jax.vmap(losses.dice, (None, 0)), (0, None))
    found = jax.jit(table)(x, labels)
    assert found.shape == (2, 3)
    for row, column in np.ndindex(2, 3):
        assert found[row, column] == losses.dice(x[row], labels[column])


def test_gradient_of_a_mean_over_a_mapped_axis(float64):
    x = logits_of(3)

    def mean(x, reference):
        loss = partial(losses.dice_cross_entropy, reference=reference)
        return jax.vmap(loss, (0, None))(x, LABELS).mean()

    gradient = jax.jit(jax.grad(mean), static_argnums=1)
    np.testing.assert_allclose(gradient(x, False), gradient(x, True), atol=1e-15)


def test_scan_and_checkpoint(float64):
    x = logits_of(3)

    def total(x, reference):
        loss = jax.checkpoint(partial(losses.dice, target=LABELS, reference=reference))
        return jax.lax.scan(lambda sum, x: (sum + loss(x), None), 0.0, x)[0]

    found = jax.value_and_grad(total)(x, False)
    wanted = jax.value_and_grad(total)(x, True)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-13)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-14)


def test_gradient_by_target_and_weights(float64):
    """The engine has none: they come from plain JAX, without a word to anyone."""
    x, soft = logits_of(1)[0], jnp.asarray(SOFT)
    weight = jnp.asarray(np.random.default_rng(4).random((2, 2, 3)))

    def function(x, soft, weight, reference):
        return losses.dice(x, soft, voxel_weight=weight, overlap="l1", reference=reference)

    found = jax.grad(function, (0, 1, 2))(x, soft, weight, False)
    wanted = jax.grad(function, (0, 1, 2))(x, soft, weight, True)
    for one, other in zip(found, wanted, strict=True):
        assert jnp.abs(other).max() > 1e-6
        np.testing.assert_allclose(one, other, atol=1e-15)


def test_hessian_of_the_reference(float64):
    """Against differences of the engine's gradient."""
    x = logits_of(1)[0]
    loss = partial(losses.dice_cross_entropy, target=LABELS)
    hessian = jax.jit(jax.hessian(partial(loss, reference=True)))(x)
    direction, step = logits_of(1, seed=5)[0], 1e-4
    wanted = (jax.grad(loss)(x + step * direction) - jax.grad(loss)(x - step * direction)) / (
        2 * step
    )
    found = jnp.tensordot(hessian, direction, axes=4)
    np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_jvp_of_the_reference(float64):
    x, direction = logits_of(1)[0], logits_of(1, seed=5)[0]
    loss = partial(losses.dice, target=LABELS)
    _, found = jax.jvp(partial(loss, reference=True), (x,), (direction,))
    np.testing.assert_allclose(found, (jax.grad(loss)(x) * direction).sum(), rtol=1e-12)


def test_forward_mode_of_the_engine_is_refused():
    x = logits_of(1)[0]
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(partial(losses.dice, target=LABELS), (x,), (x,))


def test_other_platforms_get_plain_jax():
    """What is compiled for a GPU has no call of the engine."""
    x = jax.ShapeDtypeStruct((2, 3, 8, 8), jnp.float32)
    labels = jax.ShapeDtypeStruct((2, 8, 8), jnp.int32)
    for loss, options in (
        (losses.dice, {}),
        (losses.focal, {"reduction": "none"}),
        (losses.measure, {}),
    ):

        def both(x, labels, loss=loss, options=options):
            value, pull = jax.vjp(lambda x: loss(x, labels, **options), x)
            return value, pull(jnp.ones_like(value))

        for platform, calls in (("cpu", 2), ("cuda", 0), ("tpu", 0)):
            traced = jax.jit(both).trace(x, labels)
            text = traced.lower(lowering_platforms=(platform,)).as_text()
            assert text.count("@dice_loss_") == calls


def test_plain_jax_of_other_platforms_agrees(float64):
    """The very functions that a GPU gets, run here."""
    from dice_loss._spec import spec
    from dice_loss.jax import _native, _plain
    from dice_loss.jax._batch import prepare

    reading, x, counted = prepare(logits_of(1)[0], SOFT, mask=LABELS > 0)
    for terms, names in (
        (dice_loss.Dice(pool="batch"), ("fused", "moments")),
        (dice_loss.CrossEntropy(), ("fused", "moments")),
        (dice_loss.Focal(), ("voxel_losses",)),
    ):
        reduction = "none" if names == ("voxel_losses",) else "mean"
        text = spec(terms, activation="softmax", reduction=reduction)
        for name in names:
            found = getattr(_plain, name)(text, reading, x, counted)
            wanted = getattr(_native, name)(text, reading, x, counted)
            if name == "fused":
                np.testing.assert_allclose(found[0], wanted[0], rtol=1e-13)
            else:
                np.testing.assert_allclose(found, wanted, atol=1e-13)
            back = "pull_back_map" if name == "voxel_losses" else "pull_back"
            upstream = jax.tree.leaves(wanted)[-1]
            found = getattr(_plain, back)(text, reading, upstream, x, counted)
            wanted = getattr(_native, back)(text, reading, upstream, x, counted)
            np.testing.assert_allclose(found, wanted, atol=1e-12)
