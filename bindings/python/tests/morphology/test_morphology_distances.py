"""Distances beside SciPy, edt and MONAI's convention."""

from __future__ import annotations

import edt
import numpy as np
import pytest
from dice_loss import morphology
from label_maps import each_shape, each_spacing, label_map, masks
from scipy import ndimage

#: Distances are rounded to float32 a few times; edt's, too.
ROUNDINGS = 4 * float(np.finfo(np.float32).eps)


@each_shape
@each_spacing
def test_distances_are_those_of_scipy_and_edt(shape, spacing):
    # SciPy and edt measure from the mask to its background, we from everywhere to the mask.
    spacing = spacing[-len(shape) :]
    for mask in masks(shape):
        if not mask.any():
            continue
        found = morphology.distance_transform(mask, spacing=spacing)
        wanted = ndimage.distance_transform_edt(~mask, sampling=spacing)
        assert found.dtype == np.float32 and found.shape == shape
        np.testing.assert_allclose(found, wanted, rtol=ROUNDINGS)
        # edt has anisotropy in the order of the axes, as we do; a number for one axis.
        theirs = edt.edt(~mask, anisotropy=spacing if len(shape) > 1 else spacing[0])
        np.testing.assert_allclose(found, theirs, rtol=ROUNDINGS)
        squared = morphology.distance_transform(mask, spacing=spacing, squared=True)
        np.testing.assert_allclose(squared, wanted**2, rtol=ROUNDINGS)


def test_whole_squares_are_exact():
    mask = masks((12, 17, 20))[1]
    found = morphology.distance_transform(mask, spacing=(3, 1, 2), squared=True)
    wanted = ndimage.distance_transform_edt(~mask, sampling=(3, 1, 2)) ** 2
    np.testing.assert_array_equal(found, np.round(wanted))


@each_shape
@each_spacing
def test_all_classes_in_one_call(shape, spacing):
    labels, spacing = label_map(shape), spacing[-len(shape) :]
    classes = (3, 0, 9, 1)
    found = morphology.distance_transform(labels, classes=classes, spacing=spacing)
    assert found.shape == (4, *shape)
    for label, one in zip(classes, found, strict=True):
        alone = morphology.distance_transform(labels == label, spacing=spacing)
        np.testing.assert_array_equal(one, alone)
        by_label = morphology.distance_transform(labels, classes=label, spacing=spacing)
        np.testing.assert_array_equal(one, by_label)
    # SciPy takes a distance to nothing for one to a voxel beyond the map.
    assert np.isposinf(found[2]).all()


@each_shape
@each_spacing
def test_signed_distances(shape, spacing):
    spacing = spacing[-len(shape) :]
    unit = min(step for step, size in zip(spacing, shape, strict=True) if size > 1)
    for mask in masks(shape):
        if mask.all() or not mask.any():
            continue
        outside = ndimage.distance_transform_edt(~mask, sampling=spacing)
        inside = ndimage.distance_transform_edt(mask, sampling=spacing)
        found = morphology.signed_distance(mask, spacing=spacing)
        np.testing.assert_allclose(found, outside - inside, rtol=ROUNDINGS)
        # edt.sdf is positive inside, and takes half a voxel off neither side.
        if len(shape) > 1:
            theirs = edt.sdf(mask, anisotropy=spacing)
            np.testing.assert_allclose(found, -theirs, rtol=ROUNDINGS)
        found = morphology.signed_distance(mask, spacing=spacing, convention="boundary")
        wanted = np.where(mask, unit - inside, outside)
        np.testing.assert_allclose(found, wanted, rtol=ROUNDINGS, atol=ROUNDINGS * inside.max())


@pytest.mark.parametrize("value", [False, True])
def test_masks_of_one_kind(value):
    mask = np.full((4, 5), value)
    boundary = morphology.signed_distance(mask, convention="boundary")
    np.testing.assert_array_equal(boundary, np.zeros((4, 5)))
    centres = morphology.signed_distance(mask)
    np.testing.assert_array_equal(centres, np.full((4, 5), -np.inf if value else np.inf))
    distances = morphology.distance_transform(mask)
    np.testing.assert_array_equal(distances, np.full((4, 5), 0 if value else np.inf))
