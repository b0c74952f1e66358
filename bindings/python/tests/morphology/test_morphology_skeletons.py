"""Skeletons and balls beside scikit-image and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from dice_loss import morphology
from label_maps import each_shape, each_spacing, label_map, masks
from scipy import ndimage
from skimage.morphology import ball, disk, isotropic_dilation, isotropic_erosion, skeletonize


def assert_as_scikit_image(found, mask):
    """The same voxels, and one of each component that scikit-image loses as a whole."""
    theirs = skeletonize(mask, method="lee").astype(bool)
    pieces, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    lost = np.setdiff1d(np.arange(1, count + 1), pieces[theirs])
    assert not (theirs & ~found).any()
    np.testing.assert_array_equal(np.sort(pieces[found & ~theirs]), lost)


@pytest.mark.parametrize("shape", [(31, 44), (12, 17, 20), (1, 9, 8), (5, 1, 7)], ids=str)
def test_skeletons_are_those_of_scikit_image(shape):
    for mask in [*masks(shape), np.ones(shape, bool), np.zeros(shape, bool)]:
        found = morphology.skeletonize(mask)
        assert found.dtype == bool
        assert_as_scikit_image(found, mask)


def test_skeletons_of_larger_shapes():
    shape = (40, 50, 60)
    smooth = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=shape), 3)
    for mask in (smooth > 0, abs(smooth) < 0.01, smooth > 0.02):
        found = morphology.skeletonize(mask)
        assert_as_scikit_image(found, mask)


@each_shape
def test_classes_are_thinned_by_themselves(shape):
    labels = label_map(shape).astype(np.int16)
    found = morphology.skeletonize(labels)
    some = morphology.skeletonize(labels, classes=(4, 2))
    assert found.dtype == some.dtype == np.int16
    for label in range(1, 5):
        alone = morphology.skeletonize(labels == label)
        np.testing.assert_array_equal(found == label, alone)
        np.testing.assert_array_equal(some == label, alone & (label in (2, 4)))


@each_shape
@each_spacing
def test_balls_are_those_of_scikit_image(shape, spacing):
    # Beyond the map there is nothing, for scikit-image too. It rounds √(d²) and compares with the
    # radius: none of these radii is a distance but for rounding.
    spacing = spacing[-len(shape) :]
    for mask in masks(shape):
        if not mask.any():
            continue
        for radius in (1.01, 2.53):
            found = morphology.dilate(mask, radius, spacing=spacing)
            assert found.dtype == bool
            wanted = isotropic_dilation(mask, radius, spacing=spacing)
            np.testing.assert_array_equal(found, wanted)
            found = morphology.erode(mask, radius, spacing=spacing)
            wanted = isotropic_erosion(mask, radius, spacing=spacing)
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("shape", [(31, 44), (12, 17, 20)], ids=str)
def test_balls_of_whole_radii_are_footprints(shape):
    for mask in masks(shape):
        for radius in (0, 1, 2, 3):
            footprint = (disk if len(shape) == 2 else ball)(radius)
            found = morphology.dilate(mask, radius)
            np.testing.assert_array_equal(found, ndimage.binary_dilation(mask, footprint))
            found = morphology.erode(mask, radius)
            # SciPy wears off from beyond the map unless told otherwise.
            wanted = ndimage.binary_erosion(mask, footprint, border_value=1)
            np.testing.assert_array_equal(found, wanted)


def test_rounding_decides_nothing():
    point = np.zeros(9, bool)
    point[4] = True
    found = morphology.dilate(point, 0.3, spacing=0.1)
    np.testing.assert_array_equal(found, abs(np.arange(9) - 4) <= 3)


def test_balls_around_several_classes_may_overlap():
    labels = np.array([1, 0, 0, 2])
    found = morphology.dilate(labels, 2, classes=(1, 2))
    np.testing.assert_array_equal(found, [[1, 1, 1, 0], [0, 1, 1, 1]])
