"""Hard metrics, against counting by hand."""

from __future__ import annotations

import cases
import numpy as np
import pytest
from dice_loss import Counts, metrics

GENERATOR = np.random.default_rng(0)
PREDICTION, REFERENCE = (GENERATOR.integers(0, 4, size=(3, 4, 5, 6)) for _ in range(2))
NAMES = ("true_positives", "false_positives", "false_negatives", "true_negatives")
METRICS = {
    "dice_coefficient": lambda tp, fp, fn, tn: 2 * tp / (2 * tp + fp + fn),
    "iou": lambda tp, fp, fn, tn: tp / (tp + fp + fn),
    "precision": lambda tp, fp, fn, tn: tp / (tp + fp),
    "recall": lambda tp, fp, fn, tn: tp / (tp + fn),
    "specificity": lambda tp, fp, fn, tn: tn / (tn + fp),
}


def by_hand(prediction, reference, counted=True):
    """True and false positives and negatives of masks (N, C, spatial…)."""
    axes = tuple(range(2, prediction.ndim))
    pairs = [
        prediction & reference,
        prediction & ~reference,
        ~prediction & reference,
        ~prediction & ~reference,
    ]
    return [(pair & counted).sum(axis=axes) for pair in pairs]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "int64", ">i4"])
def test_counts_of_label_maps(dtype):
    counts = metrics.counts(PREDICTION.astype(dtype), REFERENCE.astype(dtype), classes=4)
    wanted = by_hand(cases.one_hot(PREDICTION, 4), cases.one_hot(REFERENCE, 4))
    for name, values in zip(NAMES, wanted, strict=True):
        np.testing.assert_array_equal(getattr(counts, name), values)


def test_counts_of_masks_that_overlap():
    prediction, reference = (GENERATOR.random((2, 3, 7, 5)) < 0.5 for _ in range(2))
    mask = GENERATOR.random((2, 7, 5)) < 0.7
    counts = metrics.counts(prediction[:, :, ::-1], reference[:, :, ::-1], mask=mask[:, ::-1])
    wanted = by_hand(prediction, reference, mask[:, None])
    for name, values in zip(NAMES, wanted, strict=True):
        np.testing.assert_array_equal(getattr(counts, name), values)


def test_counts_of_slices():
    """Of one axis, one sample: what NumPy flattens without a copy."""
    pair = [labels.ravel()[None, ::3] for labels in (PREDICTION, REFERENCE)]
    found, wanted = (metrics.counts(*of, classes=4) for of in (pair, [of.copy() for of in pair]))
    np.testing.assert_array_equal(found.true_positives, wanted.true_positives)
    masks = [(labels > 1)[:, None] for labels in pair]
    sliced = [np.stack([mask, mask], -1)[..., 0] for mask in masks]
    found, wanted = (metrics.counts(*of) for of in (sliced, masks))
    np.testing.assert_array_equal(found.true_positives, wanted.true_positives)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("pool", "axes"), [("sample", ()), ("batch", (0,)), ("all", (0, 1))])
def test_every_metric_under_every_pool(metric, pool, axes):
    mask = GENERATOR.random(REFERENCE.shape) < 0.7
    found = getattr(metrics, metric)(
        PREDICTION, REFERENCE, classes=4, mask=mask, ignore_index=2, pool=pool
    )
    counted = (mask & (REFERENCE != 2))[:, None]
    counts = by_hand(cases.one_hot(PREDICTION, 4), cases.one_hot(REFERENCE, 4), counted)
    summed = [np.sum(count, axis=axes) for count in counts]
    with np.errstate(invalid="ignore"):
        wanted = METRICS[metric](*summed)
    assert found.shape == wanted.shape and found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=1e-15)


def test_nothing_there_and_nothing_found():
    nothing = np.zeros((1, 2, 4), bool)
    for metric in ("dice_coefficient", "iou", "precision", "recall"):
        function = getattr(metrics, metric)
        assert np.isnan(function(nothing, nothing)).all()
        np.testing.assert_array_equal(function(nothing, nothing, empty=1.0), [[1.0, 1.0]])
    np.testing.assert_array_equal(metrics.specificity(nothing, nothing), [[1.0, 1.0]])
    assert np.isnan(metrics.specificity(~nothing[..., :0], nothing[..., :0])).all()


def test_counts_add_up():
    first = metrics.counts(PREDICTION[:1], REFERENCE[:1], classes=4)
    second = metrics.counts(PREDICTION[1:2], REFERENCE[1:2], classes=4)
    both = metrics.counts(PREDICTION[:2], REFERENCE[:2], classes=4, pool="batch")
    added = (first + second).pooled()
    for name in NAMES:
        np.testing.assert_array_equal(getattr(added, name), getattr(both, name))
    unknown = Counts(first.true_positives, first.false_positives, first.false_negatives)
    assert (unknown + first).true_negatives is None
    with pytest.raises(ValueError, match="wanted counts that have them"):
        unknown.specificity()


def test_an_ignored_label_may_be_any_number():
    reference = REFERENCE.copy()
    reference[0, 0] = -1
    counts = metrics.counts(PREDICTION, reference, classes=4, ignore_index=-1)
    assert sum(getattr(counts, name) for name in NAMES)[:, 0].tolist() == [90, 120, 120]


def test_empty_arrays():
    assert metrics.iou(PREDICTION[:0], REFERENCE[:0], classes=4).shape == (0, 4)
    assert np.isnan(metrics.iou(PREDICTION[:, :0], REFERENCE[:, :0], classes=4)).all()


MASKS = np.ones((1, 2, 3), bool)
REFUSED = {
    "floats": (lambda: metrics.iou(MASKS * 1.0, MASKS), TypeError, "prediction: found float64"),
    "labels without classes": (
        lambda: metrics.iou(PREDICTION, REFERENCE),
        TypeError,
        "found int64 without classes, wanted boolean masks",
    ),
    "masks with classes": (
        lambda: metrics.iou(MASKS, MASKS, classes=2),
        TypeError,
        "found bool, wanted integer labels",
    ),
    "shapes that differ": (
        lambda: metrics.iou(MASKS, MASKS[:, :1]),
        ValueError,
        r"prediction: found shape \(1, 2, 3\), wanted \(1, 1, 3\), as the reference",
    ),
    "a mask of another shape": (
        lambda: metrics.iou(PREDICTION, REFERENCE, classes=4, mask=MASKS),
        ValueError,
        r"mask: found shape \(1, 2, 3\), wanted \(3, 4, 5, 6\), with 1 for what holds along",
    ),
    "a label outside the classes": (
        lambda: metrics.iou(PREDICTION, REFERENCE, classes=2),
        ValueError,
        "sample 0, voxel .*: found label [23], wanted 0 to 1, or an ignored or masked voxel",
    ),
    "a negative label": (
        lambda: metrics.iou(PREDICTION - 9, REFERENCE, classes=4),
        ValueError,
        r"prediction, sample 0, voxel \(0, 0, 0\): found label -",
    ),
    "what often stands for unknown": (
        lambda: metrics.iou(*[np.where(np.arange(6) == 4, 255, 0).reshape(1, 2, 3)] * 2, classes=2),
        ValueError,
        r"prediction, sample 0, voxel \(1, 1\): found label 255, wanted 0 to 1, or an ignored or "
        "masked voxel$",
    ),
    "what often stands for unknown in a reference": (
        lambda: metrics.iou(MASKS[:, 0] * 1, MASKS[:, 0] * 255, classes=2),
        ValueError,
        "reference, sample 0, voxel 0: found label 255, wanted 0 to 1, or an ignored or masked "
        "voxel; ignore_index=255 if it means unknown$",
    ),
    "an ignored label of masks": (
        lambda: metrics.iou(MASKS, MASKS, ignore_index=1),
        ValueError,
        "ignore_index: found 1 with masks",
    ),
    "too few axes": (lambda: metrics.iou(MASKS[0, 0], MASKS[0, 0]), ValueError, r"\(N, C, spatial"),
    "an unknown pool": (
        lambda: metrics.iou(MASKS, MASKS, pool="class"),
        ValueError,
        "pool: found 'class', wanted 'sample' or 'batch' or 'all'",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_said(what):
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()
