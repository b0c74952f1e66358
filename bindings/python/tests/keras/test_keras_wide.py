"""Arrays of 64 bits, whose values every backend keeps or refuses, JAX without 64 bits too."""

from __future__ import annotations

import cases
import dice_loss
import numpy as np
import pytest
from backends import BACKEND
from dice_loss.keras import CrossEntropy, Dice, DiceBCE
from keras import ops

LABELS = cases.labels_for()
LOGITS = np.moveaxis(cases.logits_for("softmax"), 1, -1).astype(np.float32)
FIRST = cases.logits_for("softmax").astype(np.float32)
UNKNOWN = np.zeros(LABELS.shape, dtype=bool)
UNKNOWN[0, 0] = True
BOTH = pytest.mark.parametrize("native", [None, False])


def found(loss, *arrays, **options):
    return ops.convert_to_numpy(loss(from_logits=True, **options)(*arrays))


@BOTH
@pytest.mark.parametrize("ignored", [1 << 31, 1 << 40, -(1 << 31)])
def test_ignored_labels(ignored, native):
    labels = np.where(UNKNOWN, ignored, LABELS)
    wanted = dice_loss.dice(FIRST, LABELS, mask=~UNKNOWN)[0]
    # Keras makes no tensor of torch of a list of such numbers, and says so.
    for given in (labels, *([] if BACKEND == "torch" else [labels.tolist()])):
        value = found(Dice, given, LOGITS, ignore_index=ignored, native=native)
        np.testing.assert_allclose(value, wanted, rtol=1e-6)


@pytest.mark.skipif(BACKEND == "tensorflow", reason="its operations look at no value")
@pytest.mark.parametrize(
    ("label", "ignored", "text"),
    [
        (np.int64(1) << 40, -(1 << 31), "1099511627776"),
        (np.float64(16777217.0), 16777216, "16777217"),
    ],
)
def test_labels_that_are_none(label, ignored, text):
    labels = LABELS.astype(label.dtype)
    labels[0, 0, 1] = label
    with pytest.raises(Exception, match=rf"voxel \(0, 1\): found label {text}, wanted 0 to 2"):
        found(Dice, labels, LOGITS, ignore_index=ignored)


@BOTH
@pytest.mark.parametrize("values", [(2**40, 2**40), (2**32 + 1, 2), (2**31, 2**33), (1e-60, 1.0)])
def test_weights(values, native):
    weights = np.where(LABELS == 0, *values)
    wanted = dice_loss.cross_entropy(FIRST, LABELS, voxel_weight=weights)[0]
    value = found(CrossEntropy, LABELS, LOGITS, weights, native=native)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)


@BOTH
def test_weights_that_float32_rounds_to_nothing(native):
    weights = np.where(LABELS == 0, 1e-200, 3e-200)
    if BACKEND == "jax":
        with pytest.raises(ValueError, match=r"sample_weight: found [13]\.0e-200, wanted 0, or at"):
            found(CrossEntropy, LABELS, LOGITS, weights, native=native)
        return
    wanted = dice_loss.cross_entropy(FIRST, LABELS, voxel_weight=weights)[0]
    value = found(CrossEntropy, LABELS, LOGITS, weights, native=native)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)


@BOTH
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_seen(wrong, native):
    weights = np.where(UNKNOWN, wrong, 1.0).astype(np.float32)
    for loss in (Dice, CrossEntropy):
        try:
            value = found(loss, LABELS, LOGITS, weights, native=native)
        except Exception as refused:
            assert "found voxel weight" in str(refused) and native is None  # noqa: PT017
        else:
            assert np.isnan(value)


@BOTH
def test_soft_masks(native):
    logits, soft = cases.logits_for("sigmoid", (2, 1, 6)), np.linspace(0, 1, 12).reshape(2, 1, 6)
    wanted = dice_loss.dice_binary_cross_entropy(logits, soft)[0]
    options = {"axis": 1, "activation": "sigmoid", "native": native}
    value = found(DiceBCE, soft, logits.astype(np.float32), **options)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_lists_of_masked_arrays_are_refused():
    hidden = np.ma.masked_array(LABELS, UNKNOWN)
    for labels in ([*hidden], [[*sample] for sample in hidden]):
        with pytest.raises(TypeError, match="y_true: found a masked array, of which Keras keeps"):
            found(Dice, labels, LOGITS)
