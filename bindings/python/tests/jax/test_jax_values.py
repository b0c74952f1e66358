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


@BOTH
@pytest.mark.parametrize(
    ("label", "ignored", "text"),
    [
        (np.int64(1) << 32, 0, "4294967296"),
        (np.int64(1) << 40, -(1 << 31), "1099511627776"),
        (np.int64(-1) << 31, 1 << 40, "-2147483648"),
        (np.uint64(2**64 - 1), -1, "18446744073709551615"),
        (np.float64(1.000000000001), None, "1.000000000001"),
        (np.float64(16777217.0), 16777216, "16777217"),
    ],
)
def test_labels_that_32_bits_do_not_hold_are_no_labels(label, ignored, text, reference):
    wide = LABELS.astype(label.dtype)
    wide[0, 0, 1] = label
    options = {"ignore_index": ignored, "reference": reference}
    if label == -(1 << 31):  # It is held, and plain JAX looks at no value.
        options["reference"] = False
    with pytest.raises(Exception, match=rf"voxel \(0, 1\): found label {text}, wanted 0 to 2"):
        losses.dice(LOGITS, wide, **options).block_until_ready()
    wanted = dice_loss.dice(LOGITS, wide, mask=wide == LABELS, ignore_index=ignored)[0]
    found = losses.dice(LOGITS, wide, mask=wide == LABELS, **options)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_label_that_32_bits_do_not_hold_is_none_where_a_mask_is_not_known():
    wide = LABELS.astype(np.int64)
    wide[0, 0, 1] = 1 << 40
    function = jax.jit(lambda mask: losses.dice(LOGITS, wide, mask=mask, ignore_index=-(1 << 31)))
    wanted = dice_loss.dice(LOGITS, LABELS, mask=wide == LABELS)[0]
    np.testing.assert_allclose(function(wide == LABELS), wanted, rtol=1e-6)
    with pytest.raises(Exception, match=r"voxel \(0, 1\): found label -2147483647, wanted 0 to 2"):
        jax.block_until_ready(function(np.ones(LABELS.shape, bool)))


@BOTH
@pytest.mark.parametrize(
    ("dtype", "ignored"), [("int64", 1 << 31), ("int64", -(1 << 63)), ("float64", 16777217)]
)
def test_ignored_labels_that_32_bits_do_not_hold(dtype, ignored, reference):
    labels = np.where(UNKNOWN, ignored, LABELS).astype(dtype)
    found = losses.dice(LOGITS, labels, ignore_index=ignored, reference=reference)
    wanted = dice_loss.dice(LOGITS, LABELS, mask=~UNKNOWN)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@BOTH
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ((2**40, 2**40), "int64"),
        ((2**32 + 1, 2), "uint64"),
        ((2**31, 2**33), "int64"),
        ((1e-60, 1.0), "float64"),
    ],
)
def test_weights_of_64_bits(values, dtype, reference):
    weights = np.where(LABELS == 0, *values).astype(dtype)
    options = {"voxel_weight": weights, "reference": reference}
    found = losses.dice_cross_entropy(LOGITS, LABELS, **options)
    of_list = losses.dice_cross_entropy(
        LOGITS, LABELS, **options | {"voxel_weight": weights.tolist()}
    )
    np.testing.assert_array_equal(of_list, found)
    wanted = dice_loss.dice_cross_entropy(LOGITS, LABELS, voxel_weight=weights)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@BOTH
def test_weights_that_float32_rounds_to_nothing_are_refused(reference):
    weights = np.full(LABELS.shape, 1e-200)
    with pytest.raises(ValueError, match=r"voxel_weight: found 1\.0e-200, wanted 0, or at least"):
        losses.dice(LOGITS, LABELS, voxel_weight=weights, reference=reference)


@BOTH
@pytest.mark.parametrize("there", [2**32, np.uint64(2**63), 1e-60])
def test_masks_of_64_bits(there, reference):
    mask = np.where(UNKNOWN, type(there)(0), there)
    found = losses.dice(LOGITS, LABELS, mask=mask, reference=reference)
    wanted = dice_loss.dice(LOGITS, LABELS, mask=~UNKNOWN)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    valid = np.array([2**32, 0, 1])
    found = losses.dice(LOGITS, LABELS, class_valid=valid, reference=reference)
    wanted = dice_loss.dice(LOGITS, LABELS, class_valid=valid != 0)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("loss", ["dice", "dice_cross_entropy"])
@pytest.mark.parametrize("factor", [2**32, 2**32 + 1])
def test_dense_targets_of_64_bits(loss, factor):
    dense = cases.one_hot(LABELS, 3).astype(np.int64)
    found, wanted = getattr(losses, loss)(LOGITS, dense), getattr(dice_loss, loss)(LOGITS, LABELS)
    np.testing.assert_allclose(found, wanted[0], rtol=1e-6)
    with pytest.raises(Exception, match="found target 4294967296, wanted 0 to 1"):
        getattr(losses, loss)(LOGITS, dense * factor).block_until_ready()


@BOTH
@pytest.mark.parametrize("ignored", [255, 16777217])
def test_soft_masks_of_64_bits(ignored, reference):
    logits, soft = cases.logits_for("sigmoid", (2, 1, 6)), np.linspace(0, 1, 12).reshape(2, 1, 6)
    wanted = dice_loss.dice(logits, soft, activation="sigmoid")[0]
    options = {"activation": "sigmoid", "reference": reference}
    for target in (soft, soft[:, 0], soft.tolist()):
        np.testing.assert_allclose(losses.dice(logits, target, **options), wanted, rtol=1e-6)
    soft[0, 0, 2] = ignored
    wanted = dice_loss.dice(logits, soft, activation="sigmoid", ignore_index=ignored)[0]
    found = losses.dice(logits, soft, ignore_index=ignored, **options)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


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
def test_masked_arrays_in_lists(reference):
    hidden = np.ma.masked_array(np.where(UNKNOWN, 99, LABELS), UNKNOWN)
    wanted = dice_loss.dice(LOGITS, LABELS, mask=~UNKNOWN)[0]
    for labels in ([*hidden], tuple(hidden), [[*sample] for sample in hidden]):
        found = losses.dice(LOGITS, labels, reference=reference)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        np.testing.assert_allclose(dice_loss.dice(LOGITS, labels)[0], wanted, rtol=1e-12)
    weights = [*np.ma.masked_array(np.ones(LABELS.shape), UNKNOWN)]
    found = losses.dice(LOGITS, LABELS, voxel_weight=weights, reference=reference)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    valid = [np.ma.masked_array([True] * 3, [False, True, False])] * 2
    wanted = dice_loss.dice(LOGITS, LABELS, class_valid=[True, False, True])[0]
    found = losses.dice(LOGITS, LABELS, class_valid=valid, reference=reference)
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


@pytest.mark.parametrize("options", [{"pool": "all"}, {}], ids=["all", "coupled"])
def test_class_weights_whose_sums_float32_does_not_hold_give_no_number(options):
    loss = losses.dice if options else losses.generalized_dice
    weighed = partial(loss, LOGITS, LABELS, class_weights=[5e29, 1e30, 5e29], **options)
    assert np.isnan(weighed(reference=True)) and np.isfinite(weighed())
    weighed = partial(loss, LOGITS, LABELS, class_weights=[5e14, 1e15, 5e14], **options)
    np.testing.assert_allclose(weighed(reference=True), weighed(), rtol=1e-6)
