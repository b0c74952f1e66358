"""The Lovász losses on NumPy arrays."""

from __future__ import annotations

import dice_loss
import numpy as np
import pytest
from dice_loss import lovasz_hinge, lovasz_softmax


def batch(dtype=np.float32):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(2, 3, 5, 4)).astype(dtype)
    return logits, generator.integers(0, 3, size=(2, 5, 4))


def test_by_hand():
    # Errors: 1.5 outside, 0.75 inside, 0.5 outside, and none. With G = 2: J = 1/3, 2/3, 3/4.
    logits = np.array([[[0.5, 0.25, -0.5, 3.0]]])
    value, gradient = lovasz_hinge(logits, np.array([[0, 1, 0, 1]]))
    assert value == pytest.approx(1.5 / 3 + 0.75 / 3 + 0.5 / 12, rel=1e-15)
    np.testing.assert_allclose(gradient, [[[1 / 3, -1 / 3, 1 / 12, 0]]], rtol=1e-14)


def test_every_class_has_a_mask_of_its_own():
    """Three classes, of which raw labels in place of masks would make others."""
    p = np.array([[[0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]])
    labels = np.array([[0, 0, 2]])
    values, _ = lovasz_softmax(p, labels, activation="probabilities", reduction="none")
    # Class 0: 0.75 and 0.5 inside come first. Class 2: 0.5 inside, and 0.25 outside add nothing.
    np.testing.assert_allclose(values, [[0.625, 0.0, 0.5]], rtol=1e-15)
    mean, _ = lovasz_softmax(p, labels, activation="probabilities")
    assert mean == pytest.approx((0.625 + 0.5) / 2)
    every, _ = lovasz_softmax(p, labels, activation="probabilities", absent="formula")
    assert every == pytest.approx((0.625 + 0.5 + 0.5) / 3)
    chosen, _ = lovasz_softmax(p, labels, activation="probabilities", classes=[2])
    assert chosen == 0.5


@pytest.mark.parametrize("function", [lovasz_hinge, lovasz_softmax])
def test_what_does_not_count_is_not_there(function):
    logits, labels = batch()
    mask = np.random.default_rng(1).random(labels.shape) < 0.7
    flat = mask[0].ravel()
    few = logits[:1].reshape(1, 3, -1)[:, :, flat], labels[:1].reshape(1, -1)[:, flat]
    wanted, slopes = function(*few)
    bad = np.where(mask[:1, None], logits[:1], np.nan)
    for options, target in (
        ({"mask": mask[:1]}, labels[:1]),
        ({"ignore_index": 255}, np.where(mask, labels, 255)[:1]),
        ({}, np.ma.masked_array(labels, ~mask)[:1]),
    ):
        value, gradient = function(bad, target, **options)
        assert value == wanted
        gradient = gradient.reshape(1, 3, -1)
        np.testing.assert_array_equal(gradient[:, :, flat], slopes)
        assert not gradient[:, :, ~flat].any()


def test_a_class_that_was_not_annotated_is_left_out():
    logits, labels = batch()
    found = lovasz_softmax(logits, labels, class_valid=[True, False, True], reduction="none")[0]
    wanted = lovasz_softmax(logits, labels, reduction="none")[0]
    np.testing.assert_array_equal(found, wanted * [1, 0, 1])


def test_the_number_of_threads_changes_no_bit():
    generator = np.random.default_rng(2)
    logits = generator.normal(size=(2, 2, 300, 300)).astype(np.float32).round(1)
    labels = generator.integers(0, 2, size=(2, 300, 300))
    before = dice_loss.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 4):
            dice_loss.set_num_threads(threads)
            found.append(lovasz_softmax(logits, labels, pool="batch"))
    finally:
        dice_loss.set_num_threads(before)
    for value, gradient in found[1:]:
        assert value == found[0][0]
        np.testing.assert_array_equal(gradient, found[0][1])


def test_errors():
    logits, labels = batch()
    with pytest.raises(TypeError, match="voxel_weight"):
        lovasz_hinge(logits, labels, voxel_weight=np.ones_like(labels))
    with pytest.raises(ValueError, match="pool: found all, wanted sample or batch"):
        lovasz_softmax(logits, labels, pool="all")
    with pytest.raises(ValueError, match="activation: found 'sigmoid', wanted"):
        lovasz_softmax(logits, labels, activation="sigmoid")
    with pytest.raises(ValueError, match=r"found target 0\.25, wanted 0 or 1"):
        lovasz_hinge(logits, np.full(logits.shape, 0.25))
    with pytest.raises(ValueError, match="found label 7, wanted 0 to 2"):
        lovasz_softmax(logits, np.full_like(labels, 7))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_reaches_the_gradient(dtype):
    logits = np.array([[[np.nan, 0.5, -0.5, 2.0]]], dtype)
    for labels in (np.array([[1, 0, 1, 0]]), np.array([[0, 0, 0, 0]])):
        loss, gradient = lovasz_hinge(logits, labels, absent="formula")
        assert np.isnan(loss)
        assert np.isnan(gradient).ravel().tolist() == [True, False, False, False]
