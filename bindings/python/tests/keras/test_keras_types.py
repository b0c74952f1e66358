"""Labels by their value, on every backend, by the engine and by `keras.ops` alike."""

from __future__ import annotations

import cases
import dice_loss
import numpy as np
import pytest
from dice_loss.keras import Dice as DiceLoss
from keras import backend, ops

LABELS = cases.labels_for()
LOGITS = np.moveaxis(cases.logits_for("softmax"), 1, -1).astype(np.float32)
WANTED = dice_loss.dice(cases.logits_for("softmax"), LABELS)[0]
BOTH = pytest.mark.parametrize("native", [None, False])


@BOTH
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "uint32", "uint64", "int64", "float32"]
)
@pytest.mark.parametrize("ignored", [256, -100, -1, 1 << 40])
def test_what_a_type_does_not_have_is_ignored_nowhere(dtype, ignored, native):
    loss = DiceLoss(from_logits=True, ignore_index=ignored, native=native)
    found = loss(LABELS.astype(dtype), LOGITS)
    np.testing.assert_allclose(ops.convert_to_numpy(found), WANTED, rtol=1e-6)


@BOTH
@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64", "int32", "float32"])
def test_ignored_labels_of_any_type(dtype, native):
    labels = LABELS.copy()
    labels[0, 0] = 255
    wanted = dice_loss.dice(cases.logits_for("softmax"), labels, ignore_index=255)[0]
    loss = DiceLoss(from_logits=True, ignore_index=255, native=native)
    found = loss(labels.astype(dtype), LOGITS)
    np.testing.assert_allclose(ops.convert_to_numpy(found), wanted, rtol=1e-6)


def test_what_int64_does_not_have_is_no_other_label():
    """2⁶⁴ − 1 has the bits of −1. JAX, which may have to narrow labels, looks at them and refuses
    it; elsewhere operations cannot, and take it for a class that is not there."""
    labels, beyond = LABELS.astype("uint64"), LABELS.copy()
    labels[0, 0], beyond[0, 0] = 2**64 - 1, 77
    loss = DiceLoss(from_logits=True, ignore_index=-1, native=False)
    if backend.backend() == "jax":
        with pytest.raises(ValueError, match=f"found label {2**64 - 1}, wanted 0 to 2"):
            loss(labels, LOGITS)
        return
    found, wanted = (ops.convert_to_numpy(loss(target, LOGITS)) for target in (labels, beyond))
    np.testing.assert_array_equal(found, wanted)
    assert found != ops.convert_to_numpy(loss(np.where(beyond < 3, beyond, -1), LOGITS))


@BOTH
@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint64"])
def test_masks_and_weights_of_any_integers(dtype, native):
    loss = DiceLoss(from_logits=True, native=native)
    masks = np.moveaxis(cases.one_hot(LABELS, 3), 1, -1)
    found = loss(masks.astype(dtype)[::-1], LOGITS[::-1])
    np.testing.assert_allclose(ops.convert_to_numpy(found), WANTED, rtol=1e-6)
    for shape in (LABELS.shape[:1], LABELS.shape):
        weight = np.arange(1, 1 + np.prod(shape)).reshape(shape)
        found, wanted = (loss(LABELS, LOGITS, weight.astype(kind)) for kind in (dtype, "float32"))
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (found, wanted)))


def test_logits_of_integers_are_refused():
    with pytest.raises(TypeError, match=r"y_pred: found uint(32|64), wanted a floating"):
        DiceLoss(from_logits=True)(LABELS, LOGITS.astype("uint64"))


def test_what_would_lose_a_part_is_refused():
    with pytest.raises(TypeError, match="y_true: found complex64, wanted real numbers"):
        DiceLoss()(LABELS.astype(np.complex64), LOGITS)
    with pytest.raises(TypeError, match="y_true: found a masked array, of which Keras keeps no"):
        DiceLoss()(np.ma.masked_array(LABELS, LABELS == 1), LOGITS)


@BOTH
def test_rounding_outside_of_0_to_1_is_0_or_1(native):
    dense = np.moveaxis(cases.one_hot(LABELS, 3), 1, -1).astype(np.float32)
    slack = 4 * np.finfo(np.float32).eps
    nearly = np.where(dense == 1, 1 + slack, -slack).astype(np.float32)
    loss = DiceLoss(from_logits=True, native=native)
    found, wanted = (ops.convert_to_numpy(loss(y, LOGITS)) for y in (nearly, dense))
    np.testing.assert_array_equal(found, wanted)
