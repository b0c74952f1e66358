"""Labels and targets by their value, by the engine and by plain JAX alike."""

from __future__ import annotations

from functools import partial

import cases
import dice_loss
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dice_loss import jax as losses

LABELS = cases.labels_for()
LOGITS = cases.logits_for("softmax")
UNKNOWN = np.zeros(LABELS.shape, dtype=bool)
UNKNOWN[0, 0] = True
BOTH = pytest.mark.parametrize("reference", [False, True])


@BOTH
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "float64"])
@pytest.mark.parametrize("ignored", [256, -100, -1])
def test_what_a_type_does_not_have_is_ignored_nowhere(dtype, ignored, reference, float64):
    wanted = dice_loss.dice(LOGITS, LABELS)[0]
    labels = jnp.asarray(LABELS, dtype=dtype)
    found = losses.dice(LOGITS, labels, ignore_index=ignored, reference=reference)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


@BOTH
@pytest.mark.parametrize(
    ("dtype", "ignored"), [("uint8", 255), ("uint32", 2**32 - 1), ("float32", 255), ("int32", -1)]
)
def test_ignored_labels_of_any_type(dtype, ignored, reference):
    labels = jnp.asarray(np.where(UNKNOWN, ignored, LABELS).astype(dtype))
    found = losses.dice(LOGITS, labels, ignore_index=ignored, reference=reference)
    wanted = dice_loss.dice(LOGITS, LABELS, mask=~UNKNOWN)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("labels", "ignored"),
    [
        (np.int64(1) << 32, 0),
        (np.uint64(2**64 - 1), -1),
        (np.float64(1.000000000001), None),
        (np.float64(16777217.0), 16777216),
    ],
)
def test_labels_that_32_bits_do_not_hold_are_no_labels(labels, ignored):
    wide = LABELS.astype(labels.dtype)
    wide[0, 0, 1] = labels
    with pytest.raises(Exception, match=r"found label .*, wanted 0 to 2"):
        losses.dice(LOGITS, wide, ignore_index=ignored).block_until_ready()


@BOTH
@pytest.mark.parametrize("what", ["logits", "target", "mask", "voxel_weight"])
@pytest.mark.parametrize("channel_axis", [1, -1])
def test_masked_arrays_of_numpy(what, channel_axis, reference):
    logits, counted = np.moveaxis(LOGITS, 1, channel_axis), {}
    arrays = {"logits": logits, "target": LABELS}
    if what == "logits":
        hidden = np.broadcast_to(np.expand_dims(UNKNOWN, channel_axis), logits.shape)
        arrays[what] = np.ma.masked_array(np.where(hidden, np.nan, logits), hidden)
    elif what == "target":
        arrays[what] = np.ma.masked_array(np.where(UNKNOWN, 99, LABELS), UNKNOWN)
    else:
        counted[what] = np.ma.masked_array(np.ones(LABELS.shape), UNKNOWN)
    found = losses.dice(*arrays.values(), channel_axis=channel_axis, reference=reference, **counted)
    wanted = dice_loss.dice(LOGITS, LABELS, mask=~UNKNOWN)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@BOTH
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_rounding_outside_of_0_to_1_is_0_or_1(dtype, reference):
    dense = cases.one_hot(LABELS, 3)
    slack = 4 * float(jnp.finfo(dtype).eps)
    nearly = jnp.asarray(np.where(dense, 1 + slack, -slack), dtype=dtype)
    found = losses.dice(LOGITS, nearly, reference=reference)
    exact = losses.dice(LOGITS, jnp.asarray(dense, dtype=dtype), reference=reference)
    np.testing.assert_array_equal(found, exact)


DICE = partial(losses.dice, smoothing=0.0)
LOSSES = {
    "dice": DICE,
    "generalized_dice": partial(losses.generalized_dice, smoothing=0.0),
    "matthews_correlation": partial(losses.matthews_correlation, smoothing=0.0),
    "cross_entropy": losses.cross_entropy,
}


def step(loss, weight, reference, compiled=False):
    weights = np.full(LABELS.shape, weight, dtype=np.float32)

    def of(logits):
        return loss(logits, LABELS, voxel_weight=weights, reference=reference)

    both = jax.value_and_grad(of)
    return (jax.jit(both) if compiled else both)(jnp.asarray(LOGITS, dtype=jnp.float32))


@BOTH
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("weight", [1e9, 1e15])
def test_weights_up_to_sums_that_float32_holds(loss, weight, reference):
    (found, slopes), (wanted, of_one) = step(loss, weight, reference), step(loss, 1.0, reference)
    np.testing.assert_allclose(found, wanted, rtol=2e-6)
    np.testing.assert_allclose(slopes, of_one, rtol=0.0, atol=2e-6 * np.abs(of_one).max())


@pytest.mark.parametrize("weight", [1e18, 1e30, 1e37, 3e38])
def test_sums_that_float32_does_not_hold_are_refused_or_no_number(weight):
    with pytest.raises(ValueError, match=r"voxel_weight: found a sum of .*, wanted at most 1e\+18"):
        losses.dice(LOGITS, LABELS, voxel_weight=np.full(LABELS.shape, weight), reference=True)
    value, slopes = step(DICE, weight, True, compiled=True)
    assert np.isnan(value) and np.isnan(slopes).all()


@pytest.mark.parametrize("compiled", [False, True])
def test_derivatives_that_float32_does_not_hold_are_refused(compiled):
    found, slopes = step(DICE, 1e30, False, compiled)
    wanted, of_one = step(DICE, 1.0, False)
    np.testing.assert_allclose(found, wanted, rtol=2e-6)
    np.testing.assert_allclose(slopes, of_one, rtol=0.0, atol=2e-6 * np.abs(of_one).max())
    with pytest.raises(
        Exception, match=r"slopes: found .* which float32 holds: voxel_weight nearer"
    ):
        jax.block_until_ready(step(DICE, 3e38, False, compiled))


@pytest.mark.parametrize("weight", [1e37, 1e-44])
def test_64_bits_hold_weights_of_any_size(weight, float64):
    """1e-44 too, which XLA's own threads take for 0."""

    (found, slopes), (wanted, of_one) = step(DICE, weight, False), step(DICE, 1.0, False)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_allclose(slopes, of_one, rtol=0.0, atol=1e-6 * np.abs(of_one).max())


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("loss", [DICE, losses.dice_cross_entropy, losses.generalized_dice])
@pytest.mark.parametrize("pool", ["sample", "batch", "all"])
def test_what_is_no_number_is_seen(loss, pool, compiled):
    """By plain JAX, which cannot look at values; the engine refuses them."""
    weights, dense = np.ones(LABELS.shape, np.float32), cases.one_hot(LABELS, 3).astype(np.float32)
    weights[:, 0, 0], dense[:, :, 0, 0] = np.nan, np.nan
    for target, counted in ((LABELS, {"voxel_weight": weights}), (dense, {})):

        def of(logits, target=target, counted=counted):
            return loss(logits, target, pool=pool, reference=True, **counted)

        both = jax.value_and_grad(of)
        value, slopes = (jax.jit(both) if compiled else both)(jnp.asarray(LOGITS, jnp.float32))
        assert np.isnan(value) and np.isnan(slopes[:, :, 0, 0]).all()
