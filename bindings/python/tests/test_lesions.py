"""Lesions, beside SciPy's components and a search for the nearest of them."""

from __future__ import annotations

import numpy as np
import pytest
from dice_loss import metrics
from scipy import ndimage

GENERATOR = np.random.default_rng(0)
COUNTS = ("reference", "found", "predicted", "right", "matched", "cells")
SUMS = ("matched_iou", "cell_dice")
#: Spatial axes, neighbours, and SciPy's name for them.
SHAPES = [((13,), 2, 1), ((9, 8), 4, 1), ((9, 8), None, 2), ((5, 6, 4), 18, 2), ((5, 6, 4), 26, 3)]


def by_hand(prediction, reference, spacing, neighbours, overlap):
    """Of one mask."""
    structure = ndimage.generate_binary_structure(prediction.ndim, neighbours)
    own, of_own = ndimage.label(reference, structure)
    predicted, of_predicted = ndimage.label(prediction, structure)

    def met(numbers, count, other):
        shares = [other[numbers == number].mean() for number in range(1, count + 1)]
        return sum(share > 0 and share >= overlap for share in shares)

    ious = []
    for one in range(1, of_own + 1):
        for other in range(1, of_predicted + 1):
            both = (own == one) & (predicted == other)
            ious.append(both.sum() / ((own == one) | (predicted == other)).sum())
    ious = [iou for iou in ious if iou > 0.5]
    places = np.indices(reference.shape).reshape(reference.ndim, -1).T * np.asarray(spacing)
    far = np.empty((max(of_own, 1), len(places)))
    far[0] = 0.0
    for number in range(1, of_own + 1):
        of_lesion = places[(own == number).ravel()]
        far[number - 1] = np.square(places[:, None] - of_lesion).sum(-1).min(1)
    cells = far.argmin(0).reshape(reference.shape)
    dice = []
    for cell in range(len(far)):
        p, g = prediction & (cells == cell), reference & (cells == cell)
        if (p | g).any():
            dice.append(2 * (p & g).sum() / (p.sum() + g.sum()))
    found = met(own, of_own, prediction), met(predicted, of_predicted, reference)
    return (of_own, found[0], of_predicted, found[1], len(ious), len(dice), sum(ious), sum(dice))


def wanted(prediction, reference, *asked):
    """Of masks (N, C, spatial…)."""
    rows = [
        [by_hand(p, g, *asked) for p, g in zip(*sample, strict=True)]
        for sample in zip(prediction, reference, strict=True)
    ]
    return np.moveaxis(np.array(rows, dtype=float), -1, 0)


def arrays(lesions):
    return [getattr(lesions, name) for name in (*COUNTS, *SUMS)]


@pytest.mark.parametrize("overlap", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("shape", "connectivity", "neighbours"), SHAPES)
def test_masks(shape, connectivity, neighbours, overlap):
    prediction, reference = (GENERATOR.random((2, 3, *shape)) < 0.4 for _ in range(2))
    prediction[:, 1] = reference[:, 1] & (GENERATOR.random((2, *shape)) < 0.8)
    reference[0, 2] = False
    prediction[1, 0] = reference[1, 2] = False
    spacing = [2.0, 1.0, 1.0][: len(shape)]
    found = metrics.lesions(
        prediction, reference, spacing=spacing, connectivity=connectivity, overlap=overlap
    )
    by_scipy = wanted(prediction, reference, spacing, neighbours, overlap)
    for array, values in zip(arrays(found), by_scipy, strict=True):
        np.testing.assert_allclose(array, values, rtol=1e-12)
    assert found.reference.dtype == np.int64


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "uint64"])
def test_label_maps_with_voxels_that_do_not_count(dtype):
    prediction, reference = (GENERATOR.integers(0, 3, (2, 7, 9)).astype(dtype) for _ in range(2))
    mask = GENERATOR.random((2, 7, 9)) < 0.8
    reference[GENERATOR.random((2, 7, 9)) < 0.1] = 99
    prediction[~mask] = 77
    found = metrics.lesions(prediction, reference, classes=3, ignore_index=99, mask=mask)
    counted = mask & (reference != 99)
    masks = [
        np.stack([(labels == label) & counted for label in range(3)], 1)
        for labels in (prediction, reference)
    ]
    for array, values in zip(arrays(found), wanted(*masks, (1, 1), 2, 0.0), strict=True):
        np.testing.assert_allclose(array, values, rtol=1e-12)


def test_ratios():
    reference, prediction = np.zeros((2, 1, 1, 9, 9), dtype=bool)
    reference[..., 1:4, 1:4] = reference[..., 7, 7] = True
    prediction[..., 1:4, 1:3] = prediction[..., 7, 1] = True
    found = metrics.lesions(prediction, reference)
    assert found.recall() == found.precision() == found.f1() == 0.5
    assert found.missed == found.false_positives == 1
    assert found.segmentation_quality() == 6 / 9 and found.recognition_quality() == 0.5
    assert found.panoptic_quality() == pytest.approx(6 / 9 * 0.5)
    # The invented voxel lies nearer to the large one.
    assert found.cc_dice() == pytest.approx((12 / 16 + 0) / 2)


def test_what_is_nowhere():
    none, some = np.zeros((2, 1, 1, 4), dtype=bool)
    some[..., 2] = True
    names = ("recall", "precision", "f1", "panoptic_quality", "cc_dice", "segmentation_quality")

    def ratios(prediction, reference):
        found = metrics.lesions(prediction, reference)
        return [getattr(found, name)(empty=-1.0).item() for name in names]

    assert ratios(none, none) == [-1, -1, -1, -1, -1, -1]
    assert ratios(some, none) == [-1, 0, 0, 0, 0, -1]
    assert ratios(none, some) == [0, -1, 0, 0, 0, -1]
    assert ratios(some, some) == [1, 1, 1, 1, 1, 1]
    empty = metrics.lesions(np.zeros((0, 2, 4), bool), np.zeros((0, 2, 4), bool))
    assert empty.reference.shape == (0, 2) and empty.pooled("batch").cc_dice(0.0).shape == (2,)


def test_they_add_up():
    prediction, reference = (GENERATOR.random((3, 2, 8, 8)) < 0.3 for _ in range(2))
    whole = metrics.lesions(prediction, reference, pool="batch")
    parts = [
        metrics.lesions(prediction[part], reference[part], pool="batch")
        for part in (slice(0, 1), slice(1, 3))
    ]
    for one, other in zip(arrays(whole), arrays(parts[0] + parts[1]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15)
    total = metrics.lesions(prediction, reference, pool="all")
    assert total.reference == whole.reference.sum() and total.f1().shape == ()


def test_what_does_not_fit_is_an_error():
    masks = np.zeros((1, 2, 4, 4), dtype=bool)
    labels = np.zeros((1, 4, 4), dtype=np.uint8)

    def refused(match, first=masks, second=masks, error=ValueError, **options):
        with pytest.raises(error, match=match):
            metrics.lesions(first, second, **options)

    refused(r"overlap: found 1.5, wanted 0 to 1", overlap=1.5)
    refused(r"overlap: found nan, wanted", overlap=np.nan)
    refused(r"overlap: found 'all'", error=TypeError, overlap="all")
    refused(r"connectivity: found 6, wanted 4 or 8", connectivity=6)
    refused(r"connectivity: found -1", connectivity=-1)
    refused(r"connectivity: found 4.5", error=TypeError, connectivity=4.5)
    refused(r"spacing: found \[1.0, 2.0, 3.0\]", spacing=[1, 2, 3])
    refused(r"spacing", spacing=-1.0)
    refused(r"spacing: found 'wide', wanted a number, or 2", error=TypeError, spacing="wide")
    refused(r"spacing: found \[\[1\], \[1, 2\]\]", error=TypeError, spacing=[[1], [1, 2]])
    refused(r"found float64 without classes", error=TypeError, first=masks * 0.5)
    refused(r"prediction: found shape \(1, 2, 4, 4\)", second=masks[..., :3])
    refused(r"one to three axes", masks[..., None, None], masks[..., None, None])
    refused(r"one to three axes", masks[..., 0, 0], masks[..., 0, 0])
    refused(
        r"reference, sample 0, voxel \(0, 0\): found label 9, wanted 0 to 1",
        labels,
        labels + np.uint8(9),
        classes=2,
    )
