"""What arrays are taken, how they lie, and what is said of others."""

from __future__ import annotations

import cases
import dice_loss
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dice_loss import jax as losses

LABELS = cases.labels_for()
LOGITS = cases.logits_for("softmax")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("reference", [False, True])
def test_halves_are_read_as_they_are(dtype, reference):
    """The same numbers as of the rounded logits in float32; the gradient is rounded once."""
    logits = jnp.asarray(LOGITS, dtype=dtype)

    def function(logits):
        return losses.dice_focal(logits, LABELS, reference=reference)

    value, gradient = jax.value_and_grad(function)(logits)
    assert value.dtype == np.float32 and gradient.dtype == dtype
    wanted = dice_loss.dice_focal(np.asarray(logits, dtype=np.float64), LABELS)
    np.testing.assert_allclose(value, wanted[0], rtol=1e-6)
    step = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(
        np.asarray(gradient, dtype=np.float64), wanted[1], rtol=step, atol=1e-7
    )


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "int32", "uint32", "int64", "float32", "bfloat16"]
)
def test_labels_of_any_type(dtype, reference, float64):
    wanted = dice_loss.dice(LOGITS, LABELS)[0]
    for labels in (LABELS, LABELS[:, None]):
        found = losses.dice(LOGITS, jnp.asarray(labels, dtype=dtype), reference=reference)
        np.testing.assert_allclose(found, wanted, rtol=1e-13)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "bfloat16", "float64"])
def test_dense_targets_of_any_type(dtype, reference, float64):
    wanted = dice_loss.dice(LOGITS, LABELS)[0]
    dense = jnp.asarray(cases.one_hot(LABELS, 3), dtype=dtype)
    found = losses.dice(LOGITS, dense, reference=reference)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32"])
@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 1, 2, 3), (2, 2, 3, 1)])
def test_one_channel(dtype, shape, reference, float64):
    logits, mask = cases.logits_for("sigmoid", (2, 1, 2, 3)), LABELS == 1
    wanted = dice_loss.dice(logits, mask[:, None], activation="sigmoid")
    axis = -1 if shape[-1] == 1 else 1

    def function(logits):
        target = jnp.asarray(mask.reshape(shape), dtype=dtype)
        logits = jnp.moveaxis(logits, 1, axis)
        options = {"activation": "sigmoid", "channel_axis": axis, "reference": reference}
        return losses.dice(logits, target, **options)

    value, gradient = jax.value_and_grad(function)(jnp.asarray(logits))
    np.testing.assert_allclose(value, wanted[0], rtol=1e-13)
    np.testing.assert_allclose(gradient, wanted[1], rtol=1e-13)


def test_soft_masks_of_one_channel(float64):
    logits, soft = cases.logits_for("sigmoid", (2, 1, 6)), np.linspace(0, 1, 12).reshape(2, 6)
    wanted = dice_loss.dice(logits, soft[:, None], activation="sigmoid")[0]
    found = losses.dice(logits, soft, activation="sigmoid")
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("kind", cases.CASES)
def test_channels_last(kind, reference, float64):
    case = cases.CASES[kind]("sigmoid")
    wanted = dice_loss.dice_focal(case.logits, case.target, activation="sigmoid", **case.counted)
    target = case.target
    if target.ndim == 4:
        target = np.moveaxis(target, 1, -1)

    def function(logits):
        options = {"activation": "sigmoid", "channel_axis": -1, "reference": reference}
        return losses.dice_focal(logits, target, **options, **case.counted)

    logits = jnp.moveaxis(jnp.asarray(case.logits), 1, -1)
    value, gradient = jax.value_and_grad(function)(logits)
    np.testing.assert_allclose(value, wanted[0], rtol=1e-13)
    np.testing.assert_allclose(np.moveaxis(gradient, -1, 1), wanted[1], atol=1e-13)


@pytest.mark.parametrize("channel_axis", [1, -1])
def test_nothing_is_transposed_or_stored(channel_axis):
    """Two calls of the engine, and no memory but that of the results."""
    shape = (2, 3, 64, 64) if channel_axis == 1 else (2, 64, 64, 3)
    logits, labels = jnp.zeros(shape), jnp.zeros((2, 64, 64), jnp.int32)

    def function(logits, labels):
        return losses.dice_cross_entropy(logits, labels, channel_axis=channel_axis)

    compiled = jax.jit(jax.value_and_grad(function)).lower(logits, labels).compile()
    text = compiled.as_text()
    assert text.count("custom-call(") == 2 and "transpose(" not in text.split("ENTRY")[1].replace(
        "transpose(jvp", ""
    )
    assert compiled.memory_analysis().temp_size_in_bytes < 4096


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 3, 0), (2, 3), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize("reference", [False, True])
def test_odd_shapes(shape, reference, float64):
    logits = np.random.default_rng(0).normal(size=shape)
    labels = np.zeros((shape[0], *shape[2:]), int)
    wanted = dice_loss.dice_cross_entropy(logits, labels)

    def function(logits):
        return losses.dice_cross_entropy(logits, labels, reference=reference)

    value, gradient = jax.value_and_grad(function)(jnp.asarray(logits))
    np.testing.assert_allclose(value, wanted[0], rtol=1e-13)
    np.testing.assert_allclose(gradient, wanted[1], atol=1e-14)


@pytest.mark.parametrize(
    ("error", "arguments", "options", "said"),
    [
        (TypeError, (LOGITS.astype(int), LABELS), {}, "logits: found int32, wanted float32"),
        (ValueError, (LOGITS[0, 0, 0], LABELS), {}, r"logits: found shape \(3,\)"),
        (ValueError, (LOGITS, LABELS[:, :1]), {}, r"target: found shape \(2, 1, 3\), wanted"),
        (ValueError, (LOGITS, LABELS), {"mask": LABELS[..., :2] > 0}, "mask: found shape"),
        (ValueError, (LOGITS, LABELS), {"voxel_weight": LOGITS}, "voxel_weight: found shape"),
        (ValueError, (LOGITS, LABELS), {"class_valid": [True]}, "class_valid: found shape"),
        (TypeError, (LOGITS, LABELS), {"class_valid": [0.5] * 3}, "class_valid: found float"),
        (TypeError, (LOGITS, LABELS), {"mask": LABELS * 1j}, "mask: found complex64, wanted bool"),
        (ValueError, (LOGITS, LABELS), {"channel_axis": 2}, "channel_axis: found 2, wanted 1"),
        (ValueError, (LOGITS, LABELS), {"smoothing": -1.0}, "smoothing"),
        (ValueError, (LOGITS, LABELS), {"class_weights": [1.0, 2.0]}, "class_weights: found"),
    ],
)
def test_what_does_not_fit_is_said_when_traced(error, arguments, options, said):
    with pytest.raises(error, match=said):
        jax.jit(lambda logits, target: losses.dice(logits, target, **options)).lower(*arguments)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        (LABELS + 5, {}, r"sample 0, voxel \(0, 0\): found label \d, wanted 0 to 2"),
        (
            np.where(np.arange(3) == 2, 255, LABELS),
            {},
            r"voxel \(0, 2\): .* ignore_index=255 if it",
        ),
        (cases.one_hot(LABELS, 3) * 2.0, {}, "found target 2, wanted 0 to 1"),
        (LABELS, {"voxel_weight": -jnp.ones(LABELS.shape)}, "weight -1"),
    ],
)
def test_what_does_not_fit_is_said_when_run(target, options, said, compiled):
    """XLA's error has the engine's words."""

    def function(logits, target):
        return losses.dice(logits, target, **options)

    function = jax.value_and_grad(function)
    function = jax.jit(function) if compiled else function
    with pytest.raises((ValueError, jax.errors.JaxRuntimeError), match=said):
        jax.block_until_ready(function(jnp.asarray(LOGITS), target))


def test_nan_in_a_voxel_that_counts_reaches_loss_and_gradient():
    logits = jnp.asarray(LOGITS).at[0, 0, 0, 0].set(jnp.nan)
    for reference in (False, True):
        value, gradient = jax.value_and_grad(losses.dice)(logits, LABELS, reference=reference)
        assert jnp.isnan(value) and jnp.isnan(gradient).any()


def test_many_voxels_on_several_threads():
    """More than one thread's share, and a gradient on huge pages."""
    logits = np.random.default_rng(0).normal(size=(2, 5, 400, 401)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 5, (2, 400, 401)).astype(np.uint8)
    wanted = dice_loss.dice_cross_entropy(logits, labels)
    value, gradient = jax.jit(jax.value_and_grad(losses.dice_cross_entropy))(logits, labels)
    np.testing.assert_allclose(value, wanted[0], rtol=1e-6)
    np.testing.assert_allclose(gradient, wanted[1], atol=1e-7 * np.abs(wanted[1]).max())
