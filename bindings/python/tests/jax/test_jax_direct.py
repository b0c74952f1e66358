"""Losses beside the objective in JAX: beside NumPy's, in plain JAX, and under transforms."""

from __future__ import annotations

from functools import partial

import dice_loss
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dice_loss import jax as losses
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

PLANE, VOLUME = (3, 4, 6, 5), (2, 4, 3, 4, 5)


def logits_of(shape=PLANE, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def labels_of(shape=PLANE, ignored=None, seed=1):
    """Without the last class, so that one is absent."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, shape[1] - 1, (shape[0], *shape[2:]))
    if ignored is not None:
        labels[generator.random(labels.shape) < 0.2] = ignored
    return labels


def probabilities_of(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def value_and_gradient(loss, x, target, **counted):
    """Of a weighted sum, where there are several values."""

    def total(x):
        values = loss(x, target, **counted)
        return (values * upstream_of(values.shape)).sum(), values

    (_, values), gradient = jax.value_and_grad(total, has_aux=True)(jnp.asarray(x))
    return values, gradient


def upstream_of(shape):
    return np.linspace(0.5, 2.0, max(1, int(np.prod(shape)))).reshape(shape)


OPTIONS = [
    {},
    {"pool": "batch"},
    {"pool": "batch", "reduction": "none", "absent": "formula"},
    {"absent": "zero", "class_weights": [1.0, 2.0, 0.5, 3.0], "reduction": "sum"},
    {"absent": "skip", "background": False, "reduction": "none"},
    {"classes": [1, 3], "ignore_index": 9, "absent": "formula"},
    {"regions": [[0], [0, 1], [1, 2], [3]]},
]


@pytest.mark.parametrize(
    ("shape", "options"),
    [*((PLANE, options) for options in OPTIONS), (VOLUME, {}), (VOLUME, {"pool": "batch"})],
    ids=str,
)
@pytest.mark.parametrize("kind", ["hinge", "softmax", "probabilities", "dense"])
def test_engine_and_plain_jax_agree(kind, options, shape, float64):
    x = logits_of(shape)
    if kind == "dense":
        if "regions" in options or "ignore_index" in options:
            pytest.skip("of labels")
        target = np.random.default_rng(4).random(shape) < 0.3
    else:
        target = labels_of(shape, options.get("ignore_index"))
    if kind == "probabilities":
        x, options = probabilities_of(x), options | {"activation": kind}
    loss = losses.lovasz_hinge if kind == "hinge" else losses.lovasz_softmax
    mask = np.random.default_rng(2).random((shape[0], *shape[2:])) < 0.9
    valid = np.random.default_rng(3).random(shape[:2]) < 0.8
    uncounted = np.broadcast_to(~mask[:, None], shape)
    x[uncounted] = np.nan
    counted = {"mask": mask, "class_valid": valid}
    found = value_and_gradient(partial(loss, **options), x, target, **counted)
    wanted = value_and_gradient(partial(loss, reference=True, **options), x, target, **counted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)
    assert not np.asarray(found[1])[uncounted].any()
    # Channels last are read as they lie.
    last = np.moveaxis(x, 1, -1)
    target = np.moveaxis(target, 1, -1) if kind == "dense" else target
    last = value_and_gradient(partial(loss, channel_axis=-1, **options), last, target, **counted)
    np.testing.assert_array_equal(last[0], found[0])
    np.testing.assert_array_equal(np.moveaxis(last[1], -1, 1), found[1])
    last = partial(loss, channel_axis=-1, reference=True, **options)
    last = value_and_gradient(last, np.moveaxis(x, 1, -1), target, **counted)
    np.testing.assert_allclose(np.moveaxis(last[1], -1, 1), found[1], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["lovasz_hinge", "lovasz_softmax"])
def test_as_the_functions_of_numpy(name, options):
    x, labels = logits_of(dtype=np.float32), labels_of(ignored=options.get("ignore_index"))
    wanted, slopes = getattr(dice_loss, name)(x, labels, **options)
    if options.get("reduction") == "none":
        found = getattr(losses, name)(x, labels, **options)
        np.testing.assert_allclose(found, wanted, rtol=1e-7)
        return
    function = partial(getattr(losses, name), **options)
    found, gradient = jax.jit(jax.value_and_grad(function))(jnp.asarray(x), labels)
    assert found == pytest.approx(wanted, rel=1e-7)
    np.testing.assert_array_equal(gradient, slopes)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_narrow_logits(dtype):
    x, labels = jnp.asarray(logits_of(dtype=np.float32)).astype(dtype), labels_of()
    for loss in (losses.lovasz_hinge, losses.lovasz_softmax):
        value, gradient = jax.value_and_grad(loss)(x, labels)
        assert value.dtype == jnp.float32 and gradient.dtype == dtype
        wide = np.asarray(x.astype(jnp.float32)).astype(np.float64)
        wanted, slopes = getattr(dice_loss, loss.__name__)(wide, labels)
        assert float(value) == pytest.approx(wanted, rel=1e-5)
        error = np.abs(np.asarray(gradient, np.float64) - slopes).max() / np.abs(slopes).max()
        assert error < 4 * float(jnp.finfo(dtype).eps)


def test_small_gradients_of_half_precision_are_rounded_once():
    """With a scaled loss they are no less exact than without: the engine has the scale."""
    x, labels = jnp.asarray(logits_of(dtype=np.float32)).astype(jnp.float16), labels_of()
    scaled = jax.grad(lambda x: 1024.0 * losses.lovasz_softmax(x, labels))(x)
    slopes = dice_loss.lovasz_softmax(np.asarray(x, np.float64), labels)[1]
    np.testing.assert_allclose(np.asarray(scaled, np.float64) / 1024, slopes, rtol=2e-3, atol=1e-7)


def test_voxels_are_sorted_once():
    x, labels = jnp.asarray(logits_of(dtype=np.float32)), labels_of()
    text = jax.jit(jax.value_and_grad(losses.lovasz_softmax)).lower(x, labels).as_text()
    assert text.count("@dice_loss_direct") == 1
    assert "@dice_loss_direct_" not in text


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("mapped", [(0, 0), (0, None), (None, 0)], ids=str)
def test_vmap(mapped, reduction, reference, float64):
    x = np.stack([logits_of(seed=seed) for seed in range(2)])
    labels = np.stack([labels_of(seed=seed) for seed in range(2)])
    given = [a if axis == 0 else a[0] for a, axis in zip((x, labels), mapped, strict=True)]

    def loss(x, labels):
        return losses.lovasz_softmax(x, labels, reduction=reduction, reference=reference)

    of_all = jax.jit(jax.vmap(loss, mapped))(*given)
    slopes = jax.vmap(jax.grad(lambda *a: loss(*a).sum()), mapped)(*given)
    for at in range(2):
        one = [a[at] if axis == 0 else a for a, axis in zip(given, mapped, strict=True)]
        np.testing.assert_allclose(of_all[at], loss(*one), rtol=1e-12)
        wanted = jax.grad(lambda *a: loss(*a).sum())(*map(jnp.asarray, one))
        np.testing.assert_allclose(slopes[at], wanted, rtol=1e-10, atol=1e-14)


def test_second_derivatives_are_those_of_plain_jax(float64):
    x, labels = jnp.asarray(logits_of()), jnp.asarray(labels_of())

    def slope(x, reference):
        return (jax.grad(losses.lovasz_softmax)(x, labels, reference=reference) ** 2).sum()

    with pytest.raises(ValueError, match="cannot be differentiated"):
        jax.grad(slope)(x, False)
    found, step = jax.grad(slope)(x, True), 1e-6
    for at in ((0, 0, 0, 0), (1, 2, 3, 4), (2, 1, 5, 0)):
        up, down = (slope(x.at[at].add(sign * step), True) for sign in (1, -1))
        assert float(found[at]) == pytest.approx(float(up - down) / (2 * step), rel=1e-5, abs=1e-8)
    # Of the hinge, which is linear wherever no two errors are the same, there is nothing more.
    flat = jax.grad(lambda x: jax.grad(losses.lovasz_hinge)(x, labels, reference=True).sum())(x)
    assert not np.asarray(flat).any()


def test_each_device_has_a_loss_of_its_own(float64):
    mesh = jax.make_mesh((2,), ("data",))
    x, labels = logits_of((4, 3, 5, 6)), labels_of((4, 4, 5, 6))
    given = [jax.device_put(jnp.asarray(a), NamedSharding(mesh, P("data"))) for a in (x, labels)]

    @partial(jax.shard_map, mesh=mesh, in_specs=P("data"), out_specs=P())
    def loss(x, labels):
        return jax.lax.pmean(losses.lovasz_softmax(x, labels, pool="batch"), "data")

    wanted = np.mean([losses.lovasz_softmax(x[i], labels[i], pool="batch") for i in HALVES])
    value, gradient = jax.jit(jax.value_and_grad(loss))(*given)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    gradient = np.asarray(gradient)
    for half in HALVES:
        slopes = dice_loss.lovasz_softmax(x[half], labels[half], pool="batch")[1] / 2
        np.testing.assert_allclose(gradient[half], slopes, rtol=1e-12)


HALVES = (slice(0, 2), slice(2, 4))


def test_errors():
    x, labels = logits_of(dtype=np.float32), labels_of()
    with pytest.raises(TypeError, match="lovasz_hinge: found axis_name 'data', wanted the arrays"):
        losses.lovasz_hinge(x, labels, axis_name="data")
    with pytest.raises(TypeError, match="voxel_weight"):
        losses.lovasz_softmax(x, labels, voxel_weight=np.ones_like(labels))
    with pytest.raises(ValueError, match="pool: found all, wanted sample or batch"):
        losses.lovasz_hinge(x, labels, pool="all")
    with pytest.raises(ValueError, match="activation: found 'sigmoid', wanted"):
        losses.lovasz_softmax(x, labels, activation="sigmoid")
    with pytest.raises(ValueError, match="2 channels or more; for one channel use lovasz_hinge"):
        losses.lovasz_softmax(x[:, :1], labels.clip(max=1))
    with pytest.raises(ValueError, match="class_weights: found"):
        losses.lovasz_hinge(x, labels, class_weights=[1.0])
    with pytest.raises(jax.errors.JaxRuntimeError, match="found label 7, wanted 0 to 3"):
        losses.lovasz_softmax(x, np.full_like(labels, 7)).block_until_ready()
    with pytest.raises(jax.errors.JaxRuntimeError, match=r"found target 0\.25, wanted 0 or 1"):
        losses.lovasz_hinge(x, np.full(x.shape, 0.25, np.float32)).block_until_ready()
