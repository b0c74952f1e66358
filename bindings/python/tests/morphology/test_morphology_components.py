"""Connected components beside SciPy, cc3d and scikit-image."""

from __future__ import annotations

import cc3d
import numpy as np
import pytest
from dice_loss import morphology
from label_maps import each_shape, label_map, masks
from scipy import ndimage
from skimage import measure

NEIGHBOURS = {1: (2,), 2: (4, 8), 3: (6, 18, 26)}


@each_shape
def test_components_of_masks_are_numbered_as_scipy_and_scikit_image_do(shape):
    axes = len(shape)
    for mask in masks(shape):
        for rank, connectivity in enumerate(NEIGHBOURS[axes], 1):
            found = morphology.connected_components(mask, connectivity=connectivity)
            # In 2-D a rank of 2 is all eight neighbours.
            structure = ndimage.generate_binary_structure(axes, rank)
            wanted, count = ndimage.label(mask, structure)
            np.testing.assert_array_equal(found.map, wanted)
            assert len(found) == count
            np.testing.assert_array_equal(found.numbers, np.arange(1, count + 1))
            theirs = measure.label(mask, connectivity=rank)
            np.testing.assert_array_equal(found.map, theirs)
            sizes = np.bincount(wanted.ravel(), minlength=count + 1)[1:]
            np.testing.assert_array_equal(found.sizes, sizes)
            assert [found.slices(k) for k in range(count)] == ndimage.find_objects(wanted)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64])
@pytest.mark.parametrize("shape", [(31, 44), (12, 17, 20)], ids=str)
def test_components_of_label_maps_are_those_of_cc3d(shape, dtype):
    labels = label_map(shape).astype(dtype)
    for connectivity in NEIGHBOURS[len(shape)]:
        found = morphology.connected_components(labels, connectivity=connectivity)
        # cc3d numbers the components of all labels throughout, in the order of their first voxels;
        # ours begin at 1 in each class. Both are the same pieces. cc3d's labels are unsigned.
        theirs = cc3d.connected_components(labels.astype(np.uint16), connectivity=connectivity)
        pairs = {
            (a, b, c) for a, b, c in zip(theirs.flat, labels.flat, found.map.flat, strict=True)
        }
        pairs.discard((0, 0, 0))
        assert len(pairs) == theirs.max() == len(found)
        listed = list(zip(found.labels.tolist(), found.numbers.tolist(), strict=True))
        assert listed == sorted((int(label), int(number)) for _, label, number in pairs)
        assert found.labels.dtype == dtype
        statistics = cc3d.statistics(theirs)
        by_pair = {(int(b), int(c)): int(a) for a, b, c in pairs}
        for index, pair in enumerate(listed):
            number = by_pair[pair]
            assert found.sizes[index] == statistics["voxel_counts"][number]
            assert found.slices(index) == statistics["bounding_boxes"][number][: len(shape)]


def test_classes_are_those_listed_in_their_order():
    labels = np.array([[3, 3, 0, 5], [0, 0, 0, 5], [5, 0, 3, 3]])
    found = morphology.connected_components(labels, classes=(5, 3, 4))
    np.testing.assert_array_equal(found.map, [[1, 1, 0, 1], [0, 0, 0, 1], [2, 0, 2, 2]])
    assert found.labels.tolist() == [5, 5, 3, 3]
    assert found.sizes.tolist() == [2, 1, 2, 2]
    assert found.boxes[1].tolist() == [[2, 0], [3, 1]]
    # Zero is a class like any other where it is listed.
    found = morphology.connected_components(labels, classes=0)
    assert found.sizes.tolist() == [5] and found.map.sum() == 5


def test_nothing_to_find():
    found = morphology.connected_components(np.zeros((3, 4), bool))
    assert len(found) == 0 and found.boxes.shape == (0, 2, 2) and not found.map.any()
    found = morphology.connected_components(np.zeros((3, 0), int))
    assert len(found) == 0 and found.map.shape == (3, 0)
